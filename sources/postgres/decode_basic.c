#include "decode.h"

#include <stdio.h>
#include <stdlib.h>

static sluice_value_t text_of(sluice_kind_t kind, const char *data, size_t len) {
    return sluice_text(kind, sluice_str_n(data, len));
}

PG_DECODER(pg_decode_null) {
    (void)column, (void)arena, (void)text;
    *out = sluice_null();
    return SLUICE_OK;
}

PG_DECODER(pg_decode_bool) {
    (void)column, (void)arena;
    if (text.len != 1 || (text.data[0] != 't' && text.data[0] != 'f'))
        return SLUICE_BAD_RECORD;
    *out = sluice_int(SLUICE_BOOLEAN, text.data[0] == 't');
    return SLUICE_OK;
}

PG_DECODER(pg_decode_integer) {
    size_t i = text.len > 0 && text.data[0] == '-';
    (void)arena;
    if (text.len == i || text.len > 20 || (text.data[i] == '0' && text.len > 1))
        return SLUICE_BAD_RECORD;
    for (; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return SLUICE_BAD_RECORD;
    }
    *out = text_of((sluice_kind_t)column->kind, text.data, text.len);
    out->flags = SLUICE_TEXT;
    return SLUICE_OK;
}

int pg_parse_double(sluice_str_t text, double *out) {
    char copy[512], *end;
    if (text.len == 0 || text.len >= sizeof(copy))
        return 0;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, &end);
    return *end == '\0';
}

PG_DECODER(pg_decode_float64) {
    double f;
    (void)column, (void)arena;
    if (!pg_parse_double(text, &f))
        return SLUICE_BAD_RECORD;
    *out = sluice_float(SLUICE_FLOAT64, f);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_float32) {
    char copy[64], *end;
    (void)column, (void)arena;
    if (text.len == 0 || text.len >= sizeof(copy))
        return SLUICE_BAD_RECORD;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *out = sluice_float(SLUICE_FLOAT32, (double)strtof(copy, &end));
    return *end == '\0' ? SLUICE_OK : SLUICE_BAD_RECORD;
}

PG_DECODER(pg_decode_string) {
    (void)column, (void)arena;
    *out = text_of(SLUICE_STRING, text.data, text.len);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_raw) {
    (void)column, (void)arena;
    *out = text_of(SLUICE_BYTES, text.data, text.len);
    return SLUICE_OK;
}

/* ---- bytea ---- */

static int nibble(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

PG_DECODER(pg_decode_bytea) {
    size_t n = text.len / 2;
    char *bytes;
    int high, low;

    if (text.len < 2 || text.len % 2 != 0 || text.data[0] != '\\' || text.data[1] != 'x')
        return SLUICE_BAD_RECORD;
    bytes = column->api->batch_alloc(arena, n);
    if (bytes == NULL)
        return SLUICE_NO_MEMORY;
    for (size_t i = 1; i < n; i++) {
        high = nibble(text.data[2 * i]);
        low = nibble(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return SLUICE_BAD_RECORD;
        bytes[i - 1] = (char)(high << 4 | low);
    }
    *out = text_of(SLUICE_BYTES, bytes, n - 1);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_bytea_hex) {
    (void)column, (void)arena;
    if (text.len < 2 || text.data[0] != '\\' || text.data[1] != 'x')
        return SLUICE_BAD_RECORD;
    *out = text_of(SLUICE_STRING, text.data + 2, text.len - 2);
    return SLUICE_OK;
}

static int base64(const pg_column_t *column, sluice_batch_t *arena, sluice_str_t bytes,
                  sluice_value_t *out, int url) {
    sluice_buf_t buf;
    sluice_str_t made;

    column->api->buf_init(&buf, arena, bytes.len * 2 + 4);
    column->api->json->write_base64(&buf, bytes);
    for (size_t i = 0; url && i < buf.len; i++)
        buf.data[i] = buf.data[i] == '+' ? '-' : buf.data[i] == '/' ? '_' : buf.data[i];
    made = column->api->buf_finish(&buf);
    if (buf.status != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    *out = text_of(SLUICE_STRING, made.data == NULL ? "" : made.data, made.len);
    return SLUICE_OK;
}

PG_DECODER(pg_decode_bytea_base64) {
    int status = pg_decode_bytea(column, arena, text, out);
    return status == SLUICE_OK ? base64(column, arena, sluice_value_str(out), out, 0) : status;
}

PG_DECODER(pg_decode_bytea_base64_url) {
    int status = pg_decode_bytea(column, arena, text, out);
    return status == SLUICE_OK ? base64(column, arena, sluice_value_str(out), out, 1) : status;
}

PG_DECODER(pg_decode_raw_base64) {
    return base64(column, arena, text, out, 0);
}

PG_DECODER(pg_decode_raw_base64_url) {
    return base64(column, arena, text, out, 1);
}

PG_DECODER(pg_decode_raw_hex) {
    static const char digits[] = "0123456789abcdef";
    char *made = column->api->batch_alloc(arena, 2 * text.len + 1);

    if (made == NULL)
        return SLUICE_NO_MEMORY;
    for (size_t i = 0; i < text.len; i++) {
        made[2 * i] = digits[(uint8_t)text.data[i] >> 4];
        made[2 * i + 1] = digits[(uint8_t)text.data[i] & 15];
    }
    *out = text_of(SLUICE_STRING, made, 2 * text.len);
    return SLUICE_OK;
}

/* ---- bit strings ---- */

PG_DECODER(pg_decode_bit_bool) {
    (void)column, (void)arena;
    *out =
        text.len == 0 ? sluice_null() : sluice_int(SLUICE_BOOLEAN, text.data[text.len - 1] == '1');
    return SLUICE_OK;
}

/* Little endian (the last digit is bit 0), zero bytes at the end dropped. */
PG_DECODER(pg_decode_bits) {
    size_t n = (text.len + 7) / 8;
    uint8_t *bytes = column->api->batch_alloc(arena, n + 1);

    if (bytes == NULL)
        return SLUICE_NO_MEMORY;
    memset(bytes, 0, n + 1);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[text.len - 1 - i] == '1')
            bytes[i / 8] = (uint8_t)(bytes[i / 8] | 1u << (i % 8));
    }
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    *out = text_of(SLUICE_BYTES, (char *)bytes, n);
    return SLUICE_OK;
}

/* ---- point ---- */

/* x, y, wkb (little-endian point), srid. Needs no pg_column_t.schema at bind time only for
 * defaults. */
PG_DECODER(pg_decode_point) {
    const char *comma = text.len < 5 ? NULL : memchr(text.data, ',', text.len);
    double xy[2];
    sluice_struct_t *s;
    char *wkb;

    if (comma == NULL || text.data[0] != '(' || text.data[text.len - 1] != ')' ||
        !pg_parse_double(sluice_str_n(text.data + 1, (size_t)(comma - text.data - 1)), &xy[0]) ||
        !pg_parse_double(sluice_str_n(comma + 1, (size_t)(text.data + text.len - 2 - comma)),
                         &xy[1]))
        return SLUICE_BAD_RECORD;
    s = pg_struct(column, arena, 4, out);
    wkb = column->api->batch_alloc(arena, 21);
    if (s == NULL || wkb == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(wkb, "\1\1\0\0\0", 5);
    memcpy(wkb + 5, xy, 16);
    s->fields[0] = sluice_float(SLUICE_FLOAT64, xy[0]);
    s->fields[1] = sluice_float(SLUICE_FLOAT64, xy[1]);
    s->fields[2] = text_of(SLUICE_BYTES, wkb, 21);
    s->fields[3] = sluice_null();
    return SLUICE_OK;
}
