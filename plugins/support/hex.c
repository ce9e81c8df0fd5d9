#include "support/hex.h"

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_byte(const char *two) {
    int high = digit(two[0]);
    int low = high < 0 ? -1 : digit(two[1]);

    return low < 0 ? -1 : high << 4 | low;
}

int hex_read(sluice_str_t text, uint8_t *out, size_t max, size_t *len) {
    size_t i;

    *len = 0;
    if (text.len % 2 != 0 || text.len / 2 > max)
        return -1;
    for (i = 0; i < text.len; i += 2) {
        int byte = hex_byte(text.data + i);

        if (byte < 0)
            return -1;
        out[i / 2] = (uint8_t)byte;
    }
    *len = text.len / 2;
    return 0;
}
