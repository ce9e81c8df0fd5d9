#include "value.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/calendar.h"
#include "support/extend.h"
#include "support/text.h"

/* ---- JSONEachRow ---- */

static void json_exact(ch_encoder_t *enc, sluice_buf_t *out, exact_int_t digits, int32_t scale) {
    char text[64];

    if (scale == 0 && digits >= INT64_MIN && digits <= INT64_MAX) {
        enc->api->json->write_int(out, (int64_t)digits);
        return;
    }
    exact_text((exact_t){digits, scale}, text);
    sluice_buf_put(out, text, strlen(text));
}

static void json_double(ch_encoder_t *enc, const ch_type_t *t, double f, sluice_buf_t *out) {
    if (isnan(f))
        sluice_buf_put(out, "nan", 3);
    else if (isinf(f))
        sluice_buf_put(out, f < 0 ? "-inf" : "inf", f < 0 ? 4 : 3);
    else if (t->width == 4)
        enc->api->json->write_float(out, (float)f);
    else
        enc->api->json->write_double(out, f);
}

/* With an explicit zone, so that the column's time zone plays no part
 * (date_time_input_format=best_effort). */
static void json_moment(sluice_buf_t *out, const ch_type_t *t, const ch_scalar_t *s) {
    calendar_t c = calendar_of(s->seconds);
    char fraction[16];

    snprintf(fraction, sizeof(fraction), "%09d", s->nanos);
    text_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour,
                c.minute, c.second);
    if (t->scale > 0)
        text_printf(out, ".%.*s", t->scale, fraction);
    text_printf(out, "Z\"");
}

static void json_date(sluice_buf_t *out, int64_t days) {
    calendar_t c = calendar_of(days * 86400);

    text_printf(out, "\"%04d-%02d-%02d\"", (int)c.year, c.month, c.day);
}

static void json_scalar(ch_encoder_t *enc, const ch_type_t *t, const ch_scalar_t *s,
                        sluice_buf_t *out) {
    if (s->form == SCALAR_FLOAT)
        json_double(enc, t, s->f, out);
    else if (s->form == SCALAR_BYTES)
        enc->api->json->write_string(out, s->bytes);
    else if (t->kind == CH_DATE || t->kind == CH_DATE32)
        json_date(out, (int64_t)s->i);
    else if (t->kind == CH_DATETIME64)
        json_moment(out, t, s);
    else if (t->kind == CH_BOOL)
        sluice_buf_put_str(out, sluice_str(s->i ? "true" : "false"));
    else
        json_exact(enc, out, s->i, t->kind == CH_DECIMAL ? t->scale : 0);
}

/* ---- RowBinary: little endian ---- */

static void put_le(sluice_buf_t *out, exact_int_t n, uint32_t width) {
    while (width-- > 0) {
        sluice_buf_put_char(out, (char)(n & 0xff));
        n >>= 8;
    }
}

static void put_varint(sluice_buf_t *out, uint64_t n) {
    for (; n >= 0x80; n >>= 7)
        sluice_buf_put_char(out, (char)(n | 0x80));
    sluice_buf_put_char(out, (char)n);
}

static void binary_float(sluice_buf_t *out, double f, uint32_t width) {
    float narrow = (float)f;
    uint64_t bits = 0;

    memcpy(&bits, width == 4 ? (void *)&narrow : (void *)&f, width);
    put_le(out, (exact_int_t)bits, width);
}

/* Two halves of eight bytes, each little endian. */
static void binary_uuid(sluice_buf_t *out, sluice_str_t text) {
    uint64_t half[2] = {0, 0};
    size_t n = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '-')
            continue;
        half[n / 16] = half[n / 16] << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        n++;
    }
    put_le(out, (exact_int_t)half[0], 8);
    put_le(out, (exact_int_t)half[1], 8);
}

static int binary_ip(ch_encoder_t *enc, const ch_type_t *t, sluice_str_t s, sluice_buf_t *out) {
    char text[64] = "";
    uint8_t bytes[16];
    int family = t->kind == CH_IPV4 ? AF_INET : AF_INET6;

    if (s.len < sizeof(text))
        memcpy(text, s.data, s.len);
    if (inet_pton(family, text, bytes) != 1) {
        snprintf(enc->why, sizeof(enc->why), "the text is no IP address of that family");
        return SLUICE_BAD_RECORD;
    }
    if (t->kind == CH_IPV4)
        put_le(out, (exact_int_t)(bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]), 4);
    else
        sluice_buf_put(out, (const char *)bytes, 16);
    return SLUICE_OK;
}

static int binary_bytes(ch_encoder_t *enc, const ch_type_t *t, sluice_str_t s, sluice_buf_t *out) {
    size_t i;

    if (t->kind == CH_UUID) {
        binary_uuid(out, s);
        return SLUICE_OK;
    }
    if (t->kind == CH_IPV4 || t->kind == CH_IPV6)
        return binary_ip(enc, t, s, out);
    if (t->kind == CH_STRING)
        put_varint(out, s.len);
    sluice_buf_put_str(out, s);
    for (i = s.len; t->kind == CH_FIXED && i < t->width; i++)
        sluice_buf_put_char(out, '\0');
    return SLUICE_OK;
}

static int binary_scalar(ch_encoder_t *enc, const ch_type_t *t, const ch_scalar_t *s,
                         sluice_buf_t *out) {
    if (s->form == SCALAR_FLOAT)
        binary_float(out, s->f, t->width);
    else if (s->form == SCALAR_BYTES && t->kind != CH_ENUM)
        return binary_bytes(enc, t, s->bytes, out);
    else
        put_le(out, s->i, t->kind == CH_DATETIME64 ? 8 : t->width);
    return SLUICE_OK;
}

void ch_zero_write(const ch_type_t *t, sluice_buf_t *out) {
    uint32_t i;

    if (t->nullable) {
        sluice_buf_put_char(out, 1);
        return;
    }
    if (t->kind == CH_STRING || t->kind == CH_ARRAY || t->kind == CH_MAP)
        put_varint(out, 0);
    else if (t->kind == CH_TUPLE)
        for (i = 0; i < t->count; i++)
            ch_zero_write(t->children[i], out);
    else if (t->kind == CH_ENUM)
        put_le(out, t->count > 0 ? t->numbers[0] : 0, t->width);
    else
        for (i = t->kind == CH_DATETIME64 ? 8 : t->width; i > 0; i--)
            sluice_buf_put_char(out, '\0');
}

/* ---- compound values ---- */

static int misfit(ch_encoder_t *enc, const char *why) {
    snprintf(enc->why, sizeof(enc->why), "%s", why);
    return SLUICE_BAD_RECORD;
}

static void json_put(ch_encoder_t *enc, sluice_buf_t *out, char c) {
    if (!enc->binary)
        sluice_buf_put_char(out, c);
}

static int write_array(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                       const sluice_schema_t *schema, sluice_buf_t *out) {
    const sluice_schema_t *inner = schema != NULL ? schema->value_schema : NULL;
    uint32_t i;
    int rc = SLUICE_OK;

    if (v->kind != SLUICE_ARRAY)
        return misfit(enc, "only an array fits an Array column");
    if (enc->binary)
        put_varint(out, v->len);
    json_put(enc, out, '[');
    for (i = 0; i < v->len && rc == SLUICE_OK; i++) {
        if (i > 0)
            json_put(enc, out, ',');
        rc = ch_value_write(enc, t->children[0], &v->as.items[i], inner, out);
    }
    json_put(enc, out, ']');
    return rc;
}

/* A JSON member's name is text, whatever the key's type. */
static int write_map_key(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *key,
                         const sluice_schema_t *schema, sluice_buf_t *out) {
    ch_scalar_t s;
    int rc;

    if (enc->binary)
        return ch_value_write(enc, t, key, schema, out);
    if (sluice_is_null(key))
        return misfit(enc, "a null is no key of a Map");
    rc = ch_scalar_of(enc, t, key, schema, &s);
    if (rc != SLUICE_OK)
        return rc;
    if (s.form == SCALAR_BYTES || t->kind == CH_DATE || t->kind == CH_DATE32 ||
        t->kind == CH_DATETIME64) {
        json_scalar(enc, t, &s, out);
    } else {
        sluice_buf_put_char(out, '"');
        json_scalar(enc, t, &s, out);
        sluice_buf_put_char(out, '"');
    }
    return SLUICE_OK;
}

static int write_map(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                     const sluice_schema_t *schema, sluice_buf_t *out) {
    uint32_t i;
    int rc = SLUICE_OK;

    if ((v->kind != SLUICE_MAP && v->kind != SLUICE_STRUCT) || t->count != 2)
        return misfit(enc, "only a map or a struct fits a Map column");
    if (enc->binary)
        put_varint(out, v->len);
    json_put(enc, out, '{');
    for (i = 0; i < v->len && rc == SLUICE_OK; i++) {
        int is_struct = v->kind == SLUICE_STRUCT;
        const sluice_field_t *field = is_struct ? &v->as.st->schema->fields[i] : NULL;
        sluice_value_t name =
            is_struct ? sluice_text(SLUICE_STRING, field->name) : v->as.items[2 * i];

        if (i > 0)
            json_put(enc, out, ',');
        rc = write_map_key(enc, t->children[0], &name,
                           is_struct || schema == NULL ? NULL : schema->key_schema, out);
        json_put(enc, out, ':');
        if (rc == SLUICE_OK)
            rc = ch_value_write(enc, t->children[1],
                                is_struct ? &v->as.st->fields[i] : &v->as.items[2 * i + 1],
                                is_struct        ? field->schema
                                : schema != NULL ? schema->value_schema
                                                 : NULL,
                                out);
    }
    json_put(enc, out, '}');
    return rc;
}

/* Element i of a tuple: by its name, or by its place in an array. A missing one is null. */
static const sluice_value_t *element(const ch_type_t *t, const sluice_value_t *v, uint32_t i,
                                     const sluice_schema_t *schema, const sluice_schema_t **inner) {
    static const sluice_value_t null = {SLUICE_NULL, 0, 0, 0, {0}};
    const sluice_value_t *found = NULL;

    *inner = NULL;
    if (v->kind == SLUICE_ARRAY && i < v->len) {
        *inner = schema != NULL ? schema->value_schema : NULL;
        found = &v->as.items[i];
    } else if (v->kind != SLUICE_ARRAY && t->names[i] != NULL) {
        found = value_field(v, sluice_str(t->names[i]), inner);
    }
    return found != NULL ? found : &null;
}

static int write_tuple(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                       const sluice_schema_t *schema, sluice_buf_t *out) {
    int object = enc->tuples_as_objects && t->count > 0 && t->names[0] != NULL;
    uint32_t i;
    int rc = SLUICE_OK;

    if (v->kind != SLUICE_ARRAY && v->kind != SLUICE_STRUCT && v->kind != SLUICE_MAP)
        return misfit(enc, "only a struct, a map or an array fits a Tuple column");
    json_put(enc, out, object ? '{' : '[');
    for (i = 0; i < t->count && rc == SLUICE_OK; i++) {
        const sluice_schema_t *inner;
        const sluice_value_t *item = element(t, v, i, schema, &inner);

        if (i > 0)
            json_put(enc, out, ',');
        if (object && !enc->binary) {
            enc->api->json->write_string(out, sluice_str(t->names[i]));
            sluice_buf_put_char(out, ':');
        }
        rc = ch_value_write(enc, t->children[i], item, inner, out);
    }
    json_put(enc, out, object ? '}' : ']');
    return rc;
}

/* Types that are handed through as JSON: the server knows them, we need not. Text that looks like a
 * document is one. */
static int write_json(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                      sluice_buf_t *out) {
    if (enc->binary)
        return misfit(enc, "columns of this type need format=JSONEachRow");
    if (t->kind == CH_JSON && v->kind == SLUICE_STRING) {
        if (v->len == 0 || v->as.s[0] != '{')
            return misfit(enc, "the text is no JSON object");
        sluice_buf_put(out, v->as.s, v->len);
        return SLUICE_OK;
    }
    return enc->api->json->write(out, v, SLUICE_JSON_NUMERIC_DECIMAL);
}

static int write_null(ch_encoder_t *enc, const ch_type_t *t, sluice_buf_t *out) {
    if (!t->nullable)
        return misfit(enc, "null does not fit a column or element that is not Nullable");
    if (enc->binary)
        sluice_buf_put_char(out, 1);
    else
        sluice_buf_put(out, "null", 4);
    return SLUICE_OK;
}

int ch_value_write(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                   const sluice_schema_t *schema, sluice_buf_t *out) {
    ch_scalar_t s;
    int rc;

    if (sluice_is_null(v))
        return write_null(enc, t, out);
    if (enc->binary && t->nullable)
        sluice_buf_put_char(out, 0);
    switch (t->kind) {
    case CH_ARRAY: return write_array(enc, t, v, schema, out);
    case CH_MAP: return write_map(enc, t, v, schema, out);
    case CH_TUPLE: return write_tuple(enc, t, v, schema, out);
    case CH_JSON:
    case CH_OTHER: return write_json(enc, t, v, out);
    default:
        rc = ch_scalar_of(enc, t, v, schema, &s);
        if (rc != SLUICE_OK)
            return rc;
        if (enc->binary)
            return binary_scalar(enc, t, &s, out);
        json_scalar(enc, t, &s, out);
        return SLUICE_OK;
    }
}
