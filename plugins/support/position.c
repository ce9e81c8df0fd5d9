#include "support/position.h"

#include <stdio.h>

#include "support/hex.h"

const char *position_hex(const sluice_position_t *position, char out[POSITION_HEX_MAX]) {
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < position->len; i++) {
        out[2 * i] = digits[position->bytes[i] >> 4];
        out[2 * i + 1] = digits[position->bytes[i] & 15];
    }
    out[2 * i] = '\0';
    return out;
}

void position_hex_write(sluice_buf_t *buf, const sluice_position_t *position) {
    char hex[POSITION_HEX_MAX];

    sluice_buf_put_str(buf, sluice_str(position_hex(position, hex)));
}

const char *position_place(const sluice_position_t *position, uint32_t sub_index,
                           char out[POSITION_PLACE_MAX]) {
    char hex[POSITION_HEX_MAX];

    snprintf(out, POSITION_PLACE_MAX, "%s/%u", position_hex(position, hex), sub_index);
    return out;
}

int position_hex_read(sluice_str_t text, sluice_position_t *out) {
    size_t n;

    memset(out, 0, sizeof(*out));
    if (text.data == NULL || hex_read(text, out->bytes, SLUICE_POSITION_MAX, &n) != 0) {
        memset(out, 0, sizeof(*out));
        return SLUICE_INVALID;
    }
    out->len = (uint8_t)n;
    return SLUICE_OK;
}

int position_sub_read(sluice_str_t text, uint32_t *sub_index) {
    uint64_t n = 0;
    size_t i;

    *sub_index = 0;
    if (text.len == 0 || text.len > 10)
        return SLUICE_INVALID;
    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return SLUICE_INVALID;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (n > UINT32_MAX)
        return SLUICE_INVALID;
    *sub_index = (uint32_t)n;
    return SLUICE_OK;
}

int position_place_read(sluice_str_t text, sluice_position_t *out, uint32_t *sub_index) {
    const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
    size_t digits = slash != NULL ? (size_t)(slash - text.data) : 0;

    memset(out, 0, sizeof(*out));
    *sub_index = 0;
    if (slash == NULL ||
        position_sub_read(sluice_str_n(slash + 1, text.len - digits - 1), sub_index) != SLUICE_OK)
        return SLUICE_INVALID;
    return position_hex_read(sluice_str_n(text.data, digits), out);
}
