#include "record/json.h"

#include <math.h>

#include "record/batch.h"
#include "record/decimal.h"
#include "record/json_scan.h"
#include "record/number.h"

static const char hex_digits[] = "0123456789ABCDEF";

const sluice_json_api_t sl_json_api = {
    .size = sizeof(sluice_json_api_t),
    .parse = sl_json_parse,
    .write = sl_json_write,
    .write_string = sl_json_write_string,
    .write_int = sl_json_write_int,
    .write_double = sl_json_write_double,
    .write_float = sl_json_write_float,
    .write_base64 = sl_json_write_base64,
};

/* ---- strings ---- */

static void write_unit(sluice_buf_t *buf, uint32_t unit) {
    char text[6] = {'\\', 'u'};
    int i;

    for (i = 0; i < 4; i++)
        text[2 + i] = hex_digits[unit >> (12 - 4 * i) & 15];
    sluice_buf_put(buf, text, sizeof(text));
}

/* Quote, backslash and control characters. */
static void write_ascii_escape(sluice_buf_t *buf, char c) {
    static const char codes[] = "btn\0fr"; /* from \b on; \v has none */
    char text[2] = {'\\', c};

    if (c >= '\b' && c <= '\r' && codes[c - '\b'] != '\0')
        text[1] = codes[c - '\b'];
    else if (c != '"' && c != '\\') {
        write_unit(buf, (unsigned char)c);
        return;
    }
    sluice_buf_put(buf, text, 2);
}

/* What lies beyond UTF-16's single units, and lone surrogates, Jackson writes as escapes; the rest
 * is copied. */
static const char *write_sequence(sluice_buf_t *buf, const char *text, const char *end) {
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t c;

    if (len > left)
        len = left;
    if (len == 4) {
        c = ((uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 |
             (p[3] & 63)) -
            0x10000;
        write_unit(buf, 0xd800 | (c >> 10 & 0x3ff));
        write_unit(buf, 0xdc00 | (c & 0x3ff));
    } else if (len == 3 && p[0] == 0xed && p[1] >= 0xa0) {
        write_unit(buf, 0xd000 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63));
    } else {
        sluice_buf_put(buf, text, len);
    }
    return text + len;
}

/* Copies plain text from p on; answers where it ended. There is room for 16 bytes more than [p,
 * end). */
static const char *copy_plain(sluice_buf_t *buf, const char *p, const char *end) {
    char *to = buf->data + buf->len;

    p = sl_json_copy(p, end, &to);
    buf->len = (size_t)(to - buf->data);
    return p;
}

/* The rest of a string, p on, behind what is plain. */
static void write_rest(sluice_buf_t *buf, const char *p, const char *end) {
    while (p < end) {
        if (sluice_buf_reserve(buf, (size_t)(end - p) + 16) != SLUICE_OK)
            return;
        p = copy_plain(buf, p, end);
        while (p < end && (unsigned char)*p >= 0x80)
            p = write_sequence(buf, p, end);
        if (p < end && sl_json_is_special((unsigned char)*p))
            write_ascii_escape(buf, *p++);
    }
    sluice_buf_put_char(buf, '"');
}

void sl_json_write_string(sluice_buf_t *buf, sluice_str_t text) {
    const char *p = text.data, *end = text.len > 0 ? text.data + text.len : text.data;
    char *to;

    if (sluice_buf_reserve(buf, text.len + 18) != SLUICE_OK)
        return;
    to = buf->data + buf->len;
    *to++ = '"';
    if (text.len > 0)
        p = sl_json_copy(p, end, &to);
    buf->len = (size_t)(to - buf->data);
    if (p == end) { /* nothing in it but itself, as mostly */
        *to = '"';
        buf->len++;
        return;
    }
    write_rest(buf, p, end);
}

/* ---- numbers and bytes ---- */

void sl_json_write_int(sluice_buf_t *buf, int64_t n) {
    if (sluice_buf_reserve(buf, SL_INT64_TEXT_MAX) == SLUICE_OK)
        buf->len += sl_int64_text(n, buf->data + buf->len);
}

static void put_quoted(sluice_buf_t *buf, sluice_str_t text) {
    sluice_buf_put_char(buf, '"');
    sluice_buf_put_str(buf, text);
    sluice_buf_put_char(buf, '"');
}

void sl_json_write_double(sluice_buf_t *buf, double f) {
    char text[SL_DOUBLE_TEXT_MAX];
    sluice_str_t s = {text, sl_double_text(f, text)};

    if (isfinite(f))
        sluice_buf_put_str(buf, s);
    else
        put_quoted(buf, s);
}

void sl_json_write_float(sluice_buf_t *buf, float f) {
    char text[SL_DOUBLE_TEXT_MAX];
    sluice_str_t s = {text, sl_float_text(f, text)};

    if (isfinite(f))
        sluice_buf_put_str(buf, s);
    else
        put_quoted(buf, s);
}

void sl_json_write_base64(sluice_buf_t *buf, sluice_str_t bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.data;
    size_t left = bytes.len;
    uint32_t group;
    char *to;

    if (sluice_buf_reserve(buf, bytes.len / 3 * 4 + 4) != SLUICE_OK)
        return;
    for (to = buf->data + buf->len; left > 0; p += 3, to += 4) {
        group =
            (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0) | (left > 2 ? p[2] : 0u);
        to[0] = digits[group >> 18];
        to[1] = digits[group >> 12 & 63];
        to[2] = left > 1 ? digits[group >> 6 & 63] : '=';
        to[3] = left > 2 ? digits[group & 63] : '=';
        left -= left > 3 ? 3 : left;
    }
    buf->len = (size_t)(to - buf->data);
}

static void write_base64_quoted(sluice_buf_t *buf, sluice_str_t bytes) {
    sluice_buf_put_char(buf, '"');
    sl_json_write_base64(buf, bytes);
    sluice_buf_put_char(buf, '"');
}

/* The unscaled value of a decimal of at most 18 digits without exponent. 0 when the text is not
 * such. */
static int small_unscaled(sluice_str_t text, int64_t *out) {
    int64_t n = 0;
    size_t i;

    if (text.len > 18)
        return 0;
    for (i = 0; i < text.len; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9')
            n = n * 10 + (text.data[i] - '0');
        else if (text.data[i] != '.' && !(i == 0 && text.data[i] == '-'))
            return 0;
    }
    *out = text.len > 0 && text.data[0] == '-' ? -n : n;
    return 1;
}

/* Connect's Decimal: base64 of the unscaled value, big-endian and as short as can be. */
static int write_decimal_bytes(sluice_buf_t *buf, sluice_str_t text) {
    uint8_t bytes[8];
    sluice_str_t big;
    sluice_batch_t *scratch;
    int32_t scale;
    int64_t n;
    int status, skip = 0;

    if (small_unscaled(text, &n)) {
        sluice_put_be64(bytes, (uint64_t)n);
        while (skip < 7 && bytes[skip] == (n < 0 ? 0xff : 0) && (bytes[skip + 1] >> 7) == (n < 0))
            skip++;
        write_base64_quoted(buf, sluice_str_n((const char *)bytes + skip, (size_t)(8 - skip)));
        return SLUICE_OK;
    }
    scratch = sl_batch_create(0);
    if (scratch == NULL)
        return SLUICE_NO_MEMORY;
    status = sl_decimal_to_bytes(scratch, text, &big, &scale);
    if (status == SLUICE_OK)
        write_base64_quoted(buf, big);
    sl_batch_unref(scratch);
    return status;
}

/* ---- values ---- */

static int write_value(sluice_buf_t *buf, const sluice_value_t *v, uint32_t flags, int depth);

static int has_string_keys(const sluice_value_t *map) {
    uint32_t i;

    for (i = 0; i < map->len; i++)
        if (map->as.items[2 * i].kind != SLUICE_STRING)
            return 0;
    return 1;
}

static int write_array(sluice_buf_t *buf, const sluice_value_t *items, uint32_t count,
                       uint32_t flags, int depth) {
    int status = SLUICE_OK;
    uint32_t i;

    sluice_buf_put_char(buf, '[');
    for (i = 0; i < count && status == SLUICE_OK; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        status = write_value(buf, &items[i], flags, depth);
    }
    sluice_buf_put_char(buf, ']');
    return status;
}

static int write_member(sluice_buf_t *buf, sluice_str_t name, const sluice_value_t *v,
                        uint32_t flags, int depth) {
    sl_json_write_string(buf, name);
    sluice_buf_put_char(buf, ':');
    return write_value(buf, v, flags, depth);
}

static int write_struct(sluice_buf_t *buf, const sluice_value_t *v, uint32_t flags, int depth) {
    const sluice_field_t *fields = v->as.st->schema->fields;
    int status = SLUICE_OK;
    uint32_t i;

    sluice_buf_put_char(buf, '{');
    for (i = 0; i < v->len && status == SLUICE_OK; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        status = write_member(buf, fields[i].name, &v->as.st->fields[i], flags, depth);
    }
    sluice_buf_put_char(buf, '}');
    return status;
}

/* An object when all keys are strings, else an array of pairs: JsonConverter's rule for maps
 * without schema. */
static int write_map(sluice_buf_t *buf, const sluice_value_t *v, uint32_t flags, int depth) {
    const sluice_value_t *items = v->as.items;
    int is_object = has_string_keys(v);
    int status = SLUICE_OK;
    uint32_t i;

    sluice_buf_put_char(buf, is_object ? '{' : '[');
    for (i = 0; i < v->len && status == SLUICE_OK; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        status = is_object ? write_member(buf, sluice_value_str(&items[2 * i]), &items[2 * i + 1],
                                          flags, depth)
                           : write_array(buf, &items[2 * i], 2, flags, depth);
    }
    sluice_buf_put_char(buf, is_object ? '}' : ']');
    return status;
}

/* A number kept as text; NaN and infinities are no JSON numbers. */
static void write_number_text(sluice_buf_t *buf, sluice_str_t text) {
    size_t sign = text.len > 0 && text.data[0] == '-';

    if (text.len > sign && text.data[sign] > '9')
        put_quoted(buf, text);
    else
        sluice_buf_put_str(buf, text);
}

static int write_value(sluice_buf_t *buf, const sluice_value_t *v, uint32_t flags, int depth) {
    if (depth > SL_JSON_NESTING_MAX)
        return SLUICE_BAD_RECORD;
    if ((v->flags & SLUICE_TEXT) != 0 && v->kind != SLUICE_BOOLEAN) {
        write_number_text(buf, sluice_value_str(v));
        return SLUICE_OK;
    }
    switch (v->kind) {
    case SLUICE_STRING: sl_json_write_string(buf, sluice_value_str(v)); return SLUICE_OK;
    case SLUICE_BOOLEAN:
        sluice_buf_put_str(buf, sluice_str(sluice_value_int(v) != 0 ? "true" : "false"));
        return SLUICE_OK;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64:
    case SLUICE_DATE: sl_json_write_int(buf, v->as.i); return SLUICE_OK;
    case SLUICE_FLOAT32: sl_json_write_float(buf, (float)v->as.f); return SLUICE_OK;
    case SLUICE_FLOAT64: sl_json_write_double(buf, v->as.f); return SLUICE_OK;
    case SLUICE_BYTES: write_base64_quoted(buf, sluice_value_str(v)); return SLUICE_OK;
    case SLUICE_ARRAY: return write_array(buf, v->as.items, v->len, flags, depth + 1);
    case SLUICE_MAP: return write_map(buf, v, flags, depth + 1);
    case SLUICE_STRUCT: return write_struct(buf, v, flags, depth + 1);
    case SLUICE_DECIMAL: break;
    default: sluice_buf_put(buf, "null", 4); return SLUICE_OK;
    }
    if ((flags & SLUICE_JSON_NUMERIC_DECIMAL) == 0)
        return write_decimal_bytes(buf, sluice_value_str(v));
    sluice_buf_put_str(buf, sluice_value_str(v));
    return SLUICE_OK;
}

int sl_json_write(sluice_buf_t *buf, const sluice_value_t *value, uint32_t flags) {
    int status = write_value(buf, value, flags, 0);

    return status == SLUICE_OK ? buf->status : status;
}
