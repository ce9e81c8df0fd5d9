#include "support/utf8.h"

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

int utf8_is_valid(sluice_str_t text) {
    size_t bad;

    return find_bad(text, 0, &bad) == text.len;
}

void utf8_mend(sluice_str_t s, const char *instead, sluice_buf_t *out) {
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
