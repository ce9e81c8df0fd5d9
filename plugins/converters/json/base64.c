#include "json.h"

#define BAD 64u

/* Value of a letter of the standard alphabet, or BAD. */
static uint32_t letter(char c) {
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : BAD;
}

/* Four characters at p to one to three bytes; 0 when they are no base64. Padding is required, what
 * its bits hold is not looked at. */
static size_t quad(const char *p, char *out) {
    uint32_t a = letter(p[0]);
    uint32_t b = letter(p[1]);
    uint32_t c = letter(p[2]);
    uint32_t d = letter(p[3]);

    if (a == BAD || b == BAD || (c == BAD && (p[2] != '=' || p[3] != '=')) ||
        (d == BAD && p[3] != '='))
        return 0;
    out[0] = (char)(a << 2 | b >> 4);
    if (c == BAD)
        return 1;
    out[1] = (char)(b << 4 | c >> 2);
    if (d == BAD)
        return 2;
    out[2] = (char)(c << 6 | d);
    return 3;
}

/* As Jackson: blanks (and all below) may stand between groups of four, padded groups may be
 * followed by others. */
int base64_read(const sluice_api_t *api, sluice_batch_t *arena, sluice_str_t text,
                sluice_str_t *out) {
    char *bytes = api->batch_alloc(arena, text.len / 4 * 3 + 1);
    size_t len = 0;
    size_t at = 0;
    size_t n;

    if (bytes == NULL)
        return SLUICE_NO_MEMORY;
    for (;;) {
        while (at < text.len && (unsigned char)text.data[at] <= ' ')
            at++;
        if (at == text.len)
            break;
        n = text.len - at < 4 ? 0 : quad(text.data + at, bytes + len);
        if (n == 0)
            return SLUICE_INVALID;
        len += n;
        at += 4;
    }
    *out = sluice_str_n(bytes, len);
    return SLUICE_OK;
}
