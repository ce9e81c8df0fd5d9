#include "support/charset.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "support/utf8.h"

#define NAME_MAX_LEN 40
#define NONE         ((iconv_t)-1)

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
        utf8_mend(bytes, UTF8_REPLACEMENT, out);
        return;
    }
    if (cs->marked)
        cd = take_mark(cs, &bytes);
    convert(cd, bytes, cs->unit, NONE, UTF8_REPLACEMENT, out);
}

int charset_is_plain(const charset_t *cs, sluice_str_t text) {
    return cs->utf8 && utf8_is_valid(text);
}

void charset_write(charset_t *cs, sluice_str_t text, sluice_buf_t *out) {
    if (cs->utf8) {
        utf8_mend(text, "?", out);
        return;
    }
    if (cs->write_mark)
        sluice_buf_put(out, "\xfe\xff", 2);
    convert(cs->writer, text, 0, cs->writer, cs->unit > 1 ? UTF8_REPLACEMENT : "?", out);
}
