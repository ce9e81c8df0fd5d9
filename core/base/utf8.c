#include "base/utf8.h"

size_t sl_utf8_length(const char *text, size_t left) {
    const unsigned char *p = (const unsigned char *)text;
    size_t n;
    size_t i;

    if (left == 0 || (p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4)
        return 0;
    n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n > left)
        return 0;
    for (i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

int sl_utf8_check(const char *text, size_t len) {
    size_t at;
    size_t n;

    for (at = 0; at < len; at += n)
        if ((n = sl_utf8_length(text + at, len - at)) == 0)
            return 0;
    return 1;
}

size_t sl_utf8_put(char *out, uint32_t code) {
    size_t n = 0;

    if (code < 0x80) {
        out[n++] = (char)code;
        return n;
    }
    if (code < 0x800) {
        out[n++] = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        out[n++] = (char)(0xe0 | code >> 12);
        out[n++] = (char)(0x80 | (code >> 6 & 0x3f));
    } else {
        out[n++] = (char)(0xf0 | code >> 18);
        out[n++] = (char)(0x80 | (code >> 12 & 0x3f));
        out[n++] = (char)(0x80 | (code >> 6 & 0x3f));
    }
    out[n++] = (char)(0x80 | (code & 0x3f));
    return n;
}
