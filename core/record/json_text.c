#include "record/json_text.h"

#include "base/utf8.h"
#include "record/batch.h"
#include "record/json_scan.h"

static int is_tail(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence at p, 0 when it is none. *overlong is set for one of two or three
 * bytes. */
static size_t utf8_len(const char *text, const char *end, int *overlong) {
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    unsigned first = p[0];

    if (first < 0xc0 || left < 2 || !is_tail(p[1]))
        return 0;
    if (first < 0xe0) {
        *overlong |= first < 0xc2;
        return 2;
    }
    if (left < 3 || !is_tail(p[2]))
        return 0;
    if (first < 0xf0) {
        *overlong |= first == 0xe0 && p[1] < 0xa0;
        return first == 0xed && p[1] >= 0xa0 ? 0 : 3;
    }
    if (left < 4 || !is_tail(p[3]) || first > 0xf4 || (first == 0xf0 && p[1] < 0x90) ||
        (first == 0xf4 && p[1] >= 0x90))
        return 0;
    return 4;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hexadecimal digits at p, or -1. */
static int32_t hex4(const char *p, const char *end) {
    int32_t value = 0;
    int i, digit;

    if (end - p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Decodes \uXXXX (p behind the u), with the second half of a pair. NULL when it is none. */
static const char *unicode_escape(const char *p, const char *end, char **to) {
    int32_t c = hex4(p, end);
    int32_t low;

    if (c < 0)
        return NULL;
    p += 4;
    if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        low = hex4(p + 2, end);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
        }
    }
    *to += sl_utf8_put(*to, (uint32_t)c);
    return p;
}

/* Decodes the escape at p (behind the backslash). NULL when it is none. */
static const char *escape(const char *p, const char *end, char **to) {
    static const char values[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

    if (*p == 'u')
        return unicode_escape(p + 1, end, to);
    if ((unsigned char)*p >= sizeof(values) || values[(unsigned char)*p] == '\0')
        return NULL;
    *(*to)++ = values[(unsigned char)*p];
    return p + 1;
}

/* An overlong sequence of two or three bytes becomes the character that it stands for; others are
 * copied. */
static const char *decode_sequence(const char *p, const char *end, char **to) {
    int overlong = 0;
    size_t len = utf8_len(p, end, &overlong);
    uint32_t c;

    if (!overlong) {
        memcpy(*to, p, len);
        *to += len;
        return p + len;
    }
    c = len == 2 ? (uint32_t)(p[0] & 0x1f) : (uint32_t)(p[0] & 0x0f) << 6 | (uint32_t)(p[1] & 0x3f);
    *to += sl_utf8_put(*to, c << 6 | (uint32_t)(p[len - 1] & 0x3f));
    return p + len;
}

/* Decodes the string [p, end) that has been checked but for its escapes, into `to`, which holds as
 * many bytes. Answers the end of what was written; NULL with *at at a bad escape. */
static char *decode(const char *p, const char *end, char *to, const char **at) {
    const char *q;

    while (p < end) {
        q = sl_json_copy(p, end, &to);
        if (q == end)
            break;
        *at = q;
        p = *q == '\\' ? escape(q + 1, end, &to) : decode_sequence(q, end, &to);
        if (p == NULL)
            return NULL;
    }
    return to;
}

/* Finds the closing quote from p on, checking UTF-8 and control characters. *rewrite: decode is
 * needed. */
static const char *find_quote(const char *p, const char *end, uint32_t flags, int *rewrite,
                              const char **what) {
    int overlong = 0;
    size_t len;

    for (;;) {
        p = sl_json_scan(p, end);
        if (p == end) {
            *what = "unexpected end of text in a string";
            return p;
        }
        if (*p == '"')
            break;
        if (*p == '\\') {
            *rewrite = 1;
            p += end - p > 1 ? 2 : 1;
            continue;
        }
        if ((unsigned char)*p < 0x20) {
            *what = "a control character in a string is not escaped";
            return p;
        }
        for (; p < end && (unsigned char)*p >= 0x80; p += len) {
            len = utf8_len(p, end, &overlong);
            if (len == 0 || (overlong && (flags & SLUICE_JSON_LENIENT) == 0)) {
                *what = "invalid UTF-8";
                return p;
            }
        }
    }
    *rewrite |= overlong;
    return p;
}

const char *sl_json_read_text(sluice_batch_t *arena, const char *start, const char *p,
                              const char *end, uint32_t flags, sluice_str_t *out, const char **what,
                              const char **at) {
    int rewrite = 0;
    char *copy, *copy_end;

    *what = NULL;
    p = *at = find_quote(p, end, flags, &rewrite, what);
    if (*what != NULL)
        return NULL;
    *out = sluice_str_n(start, (size_t)(p - start));
    if (!rewrite)
        return p + 1;
    copy = sl_batch_alloc(arena, out->len + 16);
    if (copy == NULL)
        return NULL;
    copy_end = decode(start, p, copy, at);
    if (copy_end == NULL) {
        *what = "invalid escape in a string";
        return NULL;
    }
    *out = sluice_str_n(copy, (size_t)(copy_end - copy));
    return p + 1;
}

/* ---- other encodings ---- */

typedef struct encoding {
    int width; /* bytes of a unit: 1, 2, 4; 0: one that nobody uses */
    int big_endian;
    size_t mark; /* length of the byte order mark */
} encoding_t;

static uint32_t unit_at(const unsigned char *p, const encoding_t *e) {
    uint32_t c = 0;
    int i;

    for (i = 0; i < e->width; i++)
        c |= (uint32_t)p[i] << 8 * (e->big_endian ? e->width - 1 - i : i);
    return c;
}

/* By the pattern of zeros in the first character, which is ASCII: RFC 4627, section 3. */
static encoding_t guess_encoding(const unsigned char *p, size_t len) {
    encoding_t utf8 = {1, 0, 0};
    unsigned zeros;

    if (len < 2)
        return utf8;
    zeros = (unsigned)(p[0] == 0) << 3 | (unsigned)(p[1] == 0) << 2;
    if (len >= 4) {
        zeros |= (unsigned)(p[2] == 0) << 1 | (unsigned)(p[3] == 0);
        if ((zeros & 0xe) == 0xe)
            return (encoding_t){4, 1, 0};
        if ((zeros & 0x7) == 0x7)
            return (encoding_t){4, 0, 0};
        if ((zeros & 0xd) == 0xd || (zeros & 0xb) == 0xb)
            return (encoding_t){0, 0, 0};
    }
    if ((zeros & 0x8) != 0)
        return (encoding_t){2, 1, 0};
    return (zeros & 0x4) != 0 ? (encoding_t){2, 0, 0} : utf8;
}

static encoding_t detect_encoding(const unsigned char *p, size_t len) {
    if (len >= 4 && memcmp(p, "\0\0\xfe\xff", 4) == 0)
        return (encoding_t){4, 1, 4};
    if (len >= 4 && memcmp(p, "\xff\xfe\0\0", 4) == 0)
        return (encoding_t){4, 0, 4};
    if (len >= 4 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return (encoding_t){1, 0, 3};
    if (len >= 4 && memcmp(p, "\xfe\xff", 2) == 0)
        return (encoding_t){2, 1, 2};
    if (len >= 4 && memcmp(p, "\xff\xfe", 2) == 0)
        return (encoding_t){2, 0, 2};
    return guess_encoding(p, len);
}

/* The character at p, UTF-16 pairs joined; what is none becomes U+FFFD. Returns the bytes it took.
 */
static size_t read_character(const unsigned char *p, size_t left, const encoding_t *e,
                             uint32_t *c) {
    size_t width = (size_t)e->width;
    uint32_t low;

    *c = 0xfffd;
    if (left < width)
        return left;
    *c = unit_at(p, e);
    if (e->width == 2 && *c >= 0xd800 && *c < 0xdc00 && left >= 4) {
        low = unit_at(p + 2, e);
        if (low >= 0xdc00 && low < 0xe000) {
            *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
            return 4;
        }
    }
    if (*c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
        *c = 0xfffd;
    return width;
}

int sl_json_to_utf8(sluice_batch_t *arena, sluice_str_t *text) {
    const unsigned char *p = (const unsigned char *)text->data;
    encoding_t e;
    size_t left, n;
    char *copy, *to;
    uint32_t c;

    if (p[0] > 0 && p[0] < 0x80 && p[1] > 0) /* no mark, and none of the patterns of zeros */
        return SLUICE_OK;
    e = detect_encoding(p, text->len);
    p += e.mark;
    left = text->len - e.mark;
    if (e.width == 0)
        return SLUICE_BAD_RECORD;
    if (e.width == 1) {
        *text = sluice_str_n((const char *)p, left);
        return SLUICE_OK;
    }
    copy = to = sl_batch_alloc(arena, left / 2 * 3 + 3);
    if (copy == NULL)
        return SLUICE_NO_MEMORY;
    for (; left > 0; left -= n, p += n) {
        n = read_character(p, left, &e, &c);
        to += sl_utf8_put(to, c);
    }
    *text = sluice_str_n(copy, (size_t)(to - copy));
    return SLUICE_OK;
}
