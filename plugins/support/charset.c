#include "support/charset.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 40
#define NONE         ((iconv_t)-1)

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* ---- UTF-8 as Java decodes it ---- */

static int follows(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

/* Of three bytes: how many make one replacement; 0: well-formed. A surrogate counts as one of
 * three. */
static size_t bad_of_three(const unsigned char *p, size_t left) {
    if (left < 2)
        return left;
    if ((p[0] == 0xe0 && (p[1] & 0xe0) == 0x80) || !follows(p[1]))
        return 1;
    if (left < 3)
        return left;
    if (!follows(p[2]))
        return 2;
    return p[0] == 0xed && p[1] >= 0xa0 ? 3 : 0;
}

static size_t bad_of_four(const unsigned char *p, size_t left) {
    if (p[0] > 0xf4)
        return 1;
    if (left < 2)
        return left;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90) || !follows(p[1]))
        return 1;
    if (left < 3)
        return left;
    if (!follows(p[2]))
        return 2;
    if (left < 4)
        return left;
    return follows(p[3]) ? 0 : 3;
}

/* The character at p: *good bytes when it is well-formed, else *bad that make one replacement. */
static void look(const unsigned char *p, size_t left, size_t *good, size_t *bad) {
    *good = *bad = 0;
    if (p[0] < 0x80) {
        *good = 1;
    } else if (p[0] >= 0xc2 && p[0] < 0xe0) {
        *bad = left < 2 || !follows(p[1]);
        *good = 2;
    } else if (p[0] >= 0xe0 && p[0] < 0xf0) {
        *bad = bad_of_three(p, left);
        *good = 3;
    } else if (p[0] >= 0xf0 && p[0] < 0xf8) {
        *bad = bad_of_four(p, left);
        *good = 4;
    } else {
        *bad = 1;
    }
}

/* Where the first byte stands that is not ASCII. */
static size_t skip_ascii(sluice_str_t s, size_t i) {
    uint64_t word;

    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.data + i, 8);
        if ((word & 0x8080808080808080u) != 0)
            break;
    }
    while (i < s.len && (unsigned char)s.data[i] < 0x80)
        i++;
    return i;
}

/* The first malformed place from i on, or the end; *bad bytes of it. */
static size_t find_bad(sluice_str_t s, size_t i, size_t *bad) {
    size_t good;

    *bad = 0;
    for (i = skip_ascii(s, i); i < s.len; i = skip_ascii(s, i + good)) {
        look((const unsigned char *)s.data + i, s.len - i, &good, bad);
        if (*bad > 0)
            break;
    }
    return i;
}

int charset_is_utf8(sluice_str_t text) {
    size_t bad;

    return find_bad(text, 0, &bad) == text.len;
}

/* Copies text with `instead` in place of what is malformed. */
static void mend(sluice_str_t s, const char *instead, sluice_buf_t *out) {
    size_t from = 0;
    size_t bad;

    while (from < s.len) {
        size_t at = find_bad(s, from, &bad);

        sluice_buf_put(out, s.data + from, at - from);
        if (bad > 0)
            sluice_buf_put(out, instead, strlen(instead));
        from = at + bad;
    }
}

/* ---- other encodings ---- */

/* A Java charset name: so that nothing of iconv's own syntax is let in. */
static int is_name(const char *name) {
    const char *p;

    for (p = name; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && (p == name || strchr("-+.:_", *p) == NULL))
            return 0;
    return p != name && p - name < NAME_MAX_LEN;
}

static int is_utf8_name(const char *name) {
    return strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0;
}

static int open_marked(charset_t *cs, const char *family) {
    char name[NAME_MAX_LEN + 8];

    cs->marked = 1;
    snprintf(name, sizeof(name), "%sBE", family);
    cs->reader = iconv_open("UTF-8", name);
    cs->writer = iconv_open(name, "UTF-8");
    snprintf(name, sizeof(name), "%sLE", family);
    cs->little = iconv_open("UTF-8", name);
    return cs->reader == NONE || cs->writer == NONE || cs->little == NONE ? SLUICE_INVALID
                                                                          : SLUICE_OK;
}

int charset_open(charset_t *cs, const char *name) {
    int status = SLUICE_OK;

    *cs = (charset_t){.unit = 1, .reader = NONE, .little = NONE, .writer = NONE};
    if (!is_name(name))
        return SLUICE_INVALID;
    cs->utf8 = is_utf8_name(name);
    if (cs->utf8)
        return SLUICE_OK;
    if (strncasecmp(name, "UTF-16", 6) == 0 || strncasecmp(name, "UTF-32", 6) == 0)
        cs->unit = name[4] == '1' ? 2 : 4;
    if (cs->unit > 1 && name[6] == '\0') {
        cs->write_mark = cs->unit == 2;
        status = open_marked(cs, cs->unit == 2 ? "UTF-16" : "UTF-32");
    } else {
        cs->reader = iconv_open("UTF-8", name);
        cs->writer = iconv_open(name, "UTF-8");
        if (cs->reader == NONE || cs->writer == NONE)
            status = SLUICE_INVALID;
    }
    if (status != SLUICE_OK)
        charset_close(cs);
    return status;
}

void charset_close(charset_t *cs) {
    iconv_t *all[] = {&cs->reader, &cs->little, &cs->writer};
    size_t i;

    for (i = 0; i < 3; i++) {
        if (*all[i] != NONE)
            iconv_close(*all[i]);
        *all[i] = NONE;
    }
}

/* Puts `instead` (UTF-8) through the conversion or, when there is none, as it is. */
static void put_instead(iconv_t through, const char *instead, sluice_buf_t *out) {
    char text[8];
    char *in = text;
    size_t left = strlen(instead);
    char *to;
    size_t room;

    if (through == NONE) {
        sluice_buf_put(out, instead, left);
        return;
    }
    memcpy(text, instead, left);
    if (sluice_buf_reserve(out, 16) != SLUICE_OK)
        return;
    to = out->data + out->len;
    room = out->cap - out->len;
    iconv(through, &in, &left, &to, &room);
    out->len = out->cap - room;
}

/* Length of the UTF-8 character (also a surrogate) at p. */
static size_t char_length(const char *p, size_t left) {
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return n < left ? n : left;
}

/* step: bytes to pass over at a malformed place; 0: a character of UTF-8. */
static void convert(iconv_t cd, sluice_str_t text, size_t step, iconv_t through,
                    const char *instead, sluice_buf_t *out) {
    char *in = (char *)(uintptr_t)text.data;
    size_t left = text.len;

    iconv(cd, NULL, NULL, NULL, NULL);
    while (left > 0 && sluice_buf_reserve(out, left + 16) == SLUICE_OK) {
        char *to = out->data + out->len;
        size_t room = out->cap - out->len;
        size_t n = iconv(cd, &in, &left, &to, &room);
        int error = errno;

        out->len = out->cap - room;
        if (n != (size_t)-1)
            break;
        if (error == E2BIG)
            continue;
        put_instead(through, instead, out);
        if (error == EINVAL)
            break; /* the text ends within a character */
        n = step == 0 ? char_length(in, left) : step < left ? step : left;
        in += n;
        left -= n;
    }
}

/* The byte order mark of a marked encoding, taken off. */
static iconv_t take_mark(const charset_t *cs, sluice_str_t *bytes) {
    static const char big[] = "\0\0\xfe\xff";
    static const char little[] = "\xff\xfe\0\0";

    if (bytes->len < cs->unit)
        return cs->reader;
    if (memcmp(bytes->data, big + 4 - cs->unit, cs->unit) == 0) {
        *bytes = sluice_str_n(bytes->data + cs->unit, bytes->len - cs->unit);
    } else if (memcmp(bytes->data, little, cs->unit) == 0) {
        *bytes = sluice_str_n(bytes->data + cs->unit, bytes->len - cs->unit);
        return cs->little;
    }
    return cs->reader;
}

void charset_read(charset_t *cs, sluice_str_t bytes, sluice_buf_t *out) {
    iconv_t cd = cs->reader;

    if (cs->utf8) {
        mend(bytes, replacement, out);
        return;
    }
    if (cs->marked)
        cd = take_mark(cs, &bytes);
    convert(cd, bytes, cs->unit, NONE, replacement, out);
}

int charset_is_plain(const charset_t *cs, sluice_str_t text) {
    return cs->utf8 && charset_is_utf8(text);
}

void charset_write(charset_t *cs, sluice_str_t text, sluice_buf_t *out) {
    if (cs->utf8) {
        mend(text, "?", out);
        return;
    }
    if (cs->write_mark)
        sluice_buf_put(out, "\xfe\xff", 2);
    convert(cs->writer, text, 0, cs->writer, cs->unit > 1 ? replacement : "?", out);
}
