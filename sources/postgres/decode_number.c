#include "decode.h"

#include <stdio.h>
#include <stdlib.h>

static int is_special(sluice_str_t t) {
    return t.len > 0 &&
           (t.data[t.len - 1] == 'N' || t.data[t.len - 1] == 'y'); /* NaN, [-]Infinity */
}

/* The digits of decimal text brought to `scale` decimals (cut or padded, half up); in the arena
 * unless it fits already. */
static int rescale(const pg_column_t *c, sluice_batch_t *arena, sluice_str_t t, int32_t scale,
                   sluice_str_t *out) {
    const char *dot = memchr(t.data, '.', t.len);
    size_t whole = dot == NULL ? t.len : (size_t)(dot - t.data),
           have = dot == NULL ? 0 : t.len - whole - 1;
    size_t want = scale < 0 ? 0 : (size_t)scale, n;
    char *text;

    *out = t;
    if (have == want && scale >= 0)
        return SLUICE_OK;
    text = c->api->batch_alloc(arena, t.len + want + 16);
    if (text == NULL)
        return SLUICE_NO_MEMORY;
    if (scale < 0) { /* 12300 at scale -2: 123E+2 */
        n = whole > (size_t)-scale ? whole - (size_t)-scale : whole;
        memcpy(text, t.data, n);
        if (n < whole)
            n += (size_t)snprintf(text + n, 16, "E+%d", -scale);
        *out = sluice_str_n(text, n);
        return SLUICE_OK;
    }
    memcpy(text, t.data, whole);
    n = whole;
    if (want > 0)
        text[n++] = '.';
    for (size_t i = 0; i < want; i++)
        text[n++] = i < have ? dot[1 + i] : '0';
    *out = sluice_str_n(text, n);
    if (have <= want || dot[1 + want] < '5')
        return SLUICE_OK;
    for (size_t i = n; i-- > 0;) { /* half up: carry */
        if (text[i] == '.' || text[i] == '-')
            continue;
        if (text[i]++ != '9')
            return SLUICE_OK;
        text[i] = '0';
    }
    n = text[0] == '-';
    memmove(text + n + 1, text + n, out->len - n);
    text[n] = '1';
    out->len++;
    return SLUICE_OK;
}

static int is_decimal(sluice_str_t t) {
    size_t i = t.len > 0 && t.data[0] == '-', digits = 0, dots = 0;
    for (; i < t.len; i++) {
        digits += t.data[i] >= '0' && t.data[i] <= '9';
        dots += t.data[i] == '.';
    }
    return digits > 0 && dots <= 1 && digits + dots + (t.data[0] == '-') == t.len;
}

/* Plain text of a number below 1E-6 as Java's BigDecimal prints it: "-0.0000000120" is -1.20E-8.
 * Others stay. */
static int canonical(const pg_column_t *c, sluice_batch_t *arena, sluice_str_t t,
                     sluice_str_t *out) {
    size_t sign = t.data[0] == '-', zeros = 0, n = 0;
    const char *digits = t.data + sign + 2, *end = t.data + t.len;
    char *text;

    *out = t;
    if (t.len < sign + 9 || memcmp(t.data + sign, "0.000000", 8) != 0)
        return SLUICE_OK;
    while (digits + zeros + 1 < end && digits[zeros] == '0')
        zeros++;
    text = c->api->batch_alloc(arena, t.len + 16);
    if (text == NULL)
        return SLUICE_NO_MEMORY;
    if (sign)
        text[n++] = '-';
    text[n++] = digits[zeros];
    if (digits + zeros + 1 < end) {
        text[n++] = '.';
        memcpy(text + n, digits + zeros + 1, (size_t)(end - digits) - zeros - 1);
        n += (size_t)(end - digits) - zeros - 1;
    }
    n += (size_t)snprintf(text + n, 16, "E-%zu", zeros + 1);
    *out = sluice_str_n(text, n);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_decimal) {
    sluice_str_t scaled;
    int status;

    if (!is_decimal(text))
        return SLUICE_BAD_RECORD; /* NaN and infinities have no BigDecimal */
    status = rescale(column, arena, text, column->scale, &scaled);
    if (status == SLUICE_OK && column->scale > 6)
        status = canonical(column, arena, scaled, &scaled);
    *out = sluice_text(SLUICE_DECIMAL, scaled);
    return status;
}

PG_DECODER(pg_decode_decimal_text) {
    int status = SLUICE_OK;

    if (!is_special(text) && column->scale > 0)
        status = rescale(column, arena, text, column->scale, &text);
    if (is_special(text))
        text = sluice_str(text.data[0] == 'N'   ? "NAN"
                          : text.data[0] == '-' ? "NEGATIVE_INFINITY"
                                                : "POSITIVE_INFINITY");
    *out = sluice_text(SLUICE_STRING, text);
    return status;
}

PG_DECODER(pg_decode_decimal_double) {
    double f;
    char *copy;

    (void)column;
    if (!pg_parse_double(
            text, &f)) { /* longer than any double needs: its first 500 digits say the same */
        copy = column->api->batch_alloc(arena, text.len + 1);
        if (copy == NULL || !is_decimal(text))
            return copy == NULL ? SLUICE_NO_MEMORY : SLUICE_BAD_RECORD;
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        f = strtod(copy, NULL);
    }
    *out = sluice_float(SLUICE_FLOAT64, f);
    return SLUICE_OK;
}

/* {scale, value}: without zeros at the end, scale never negative. */
PG_DECODER(pg_decode_decimal_variable) {
    sluice_struct_t *s;
    sluice_str_t bytes;
    int32_t scale;

    if (!is_decimal(text))
        return SLUICE_BAD_RECORD;
    if (memchr(text.data, '.', text.len) != NULL) {
        while (text.data[text.len - 1] == '0')
            text.len--;
        text.len -= text.data[text.len - 1] == '.';
    }
    if (column->api->decimal_to_bytes(arena, text, &bytes, &scale) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    s = pg_struct(column, arena, 2, out);
    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->fields[0] = sluice_int(SLUICE_INT32, scale);
    s->fields[1] = sluice_text(SLUICE_BYTES, bytes);
    return SLUICE_OK;
}

/* ---- money: "$1,234.50", "($1,234.50)", "-$1,234.50" ---- */

static int plain_money(const pg_column_t *c, sluice_batch_t *arena, sluice_str_t text,
                       sluice_str_t *out) {
    char *plain = c->api->batch_alloc(arena, text.len + 2);
    size_t n = 0, digits = 0;
    int negative = 0;

    if (plain == NULL)
        return SLUICE_NO_MEMORY;
    for (size_t i = 0; i < text.len; i++)
        negative |= text.data[i] == '-' || text.data[i] == '(';
    if (negative)
        plain[n++] = '-';
    for (size_t i = 0; i < text.len; i++) {
        char b = text.data[i];
        digits += b >= '0' && b <= '9';
        if ((b >= '0' && b <= '9') || b == '.')
            plain[n++] = b;
    }
    if (digits == 0)
        return SLUICE_BAD_RECORD;
    return rescale(c, arena, sluice_str_n(plain, n), c->scale, out);
}

PG_DECODER(pg_decode_money) {
    sluice_str_t plain;
    int status = plain_money(column, arena, text, &plain);
    if (status == SLUICE_OK)
        *out = sluice_text(SLUICE_DECIMAL, plain);
    return status;
}

PG_DECODER(pg_decode_money_text) {
    sluice_str_t plain;
    int status = plain_money(column, arena, text, &plain);
    if (status == SLUICE_OK)
        *out = sluice_text(SLUICE_STRING, plain);
    return status;
}

PG_DECODER(pg_decode_money_double) {
    sluice_str_t plain;
    int status = plain_money(column, arena, text, &plain);
    return status == SLUICE_OK ? pg_decode_float64(column, arena, plain, out) : status;
}
