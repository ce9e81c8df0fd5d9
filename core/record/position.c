#include "record/position.h"

#include "base/hex.h"
#include "sluice/error.h"

void sl_position_text(const sluice_position_t *position, char *out) {
    sl_hex_encode(position->bytes, position->len, out);
}

int sl_position_parse(sluice_str_t text, sluice_position_t *out) {
    int64_t n;

    memset(out, 0, sizeof(*out));
    n = sl_hex_decode(text.data, text.len, out->bytes, sizeof(out->bytes));
    if (n < 0)
        return SLUICE_INVALID;
    out->len = (uint8_t)n;
    return SLUICE_OK;
}
