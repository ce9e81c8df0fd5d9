#include "value.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/calendar.h"
#include "support/extend.h"

/* ---- telling what is wrong ---- */

static const char *const kinds[] = {"null",     "a boolean", "an int8",       "an int16",
                                    "an int32", "an int64",  "a float32",     "a float64",
                                    "a string", "bytes",     "an array",      "a map",
                                    "a struct", "a decimal", "a date or time"};

static int misfit(ch_encoder_t *enc, const sluice_value_t *v, const char *wanted) {
    snprintf(enc->why, sizeof(enc->why), "%s is no %s",
             v->kind <= SLUICE_DATE ? kinds[v->kind] : "the value", wanted);
    return SLUICE_BAD_RECORD;
}

static int out_of_range(ch_encoder_t *enc, const char *what) {
    snprintf(enc->why, sizeof(enc->why), "the value is outside the range of %s", what);
    return SLUICE_BAD_RECORD;
}

/* ---- numbers ---- */

/* Debezium's io.debezium.data.VariableScaleDecimal: {scale: int32, value: bytes}. */
static int variable_scale(ch_encoder_t *enc, const sluice_value_t *v, exact_t *out) {
    const sluice_value_t *scale = value_field(v, sluice_str("scale"), NULL);
    const sluice_value_t *bytes = value_field(v, sluice_str("value"), NULL);
    sluice_str_t text;

    if (scale == NULL || scale->kind != SLUICE_INT32 || bytes == NULL ||
        bytes->kind != SLUICE_BYTES)
        return -1;
    if (enc->api->decimal_from_bytes(enc->scratch, sluice_value_str(bytes),
                                     (int32_t)sluice_value_int(scale), &text) != SLUICE_OK)
        return -1;
    return exact_parse(text, out);
}

static int number_of(ch_encoder_t *enc, const sluice_value_t *v, exact_t *out) {
    switch (v->kind) {
    case SLUICE_BOOLEAN:
    case SLUICE_DATE: *out = (exact_t){sluice_value_int(v), 0}; return 0;
    case SLUICE_STRING: return exact_parse(sluice_value_str(v), out);
    case SLUICE_STRUCT: return variable_scale(enc, v, out);
    default: return exact_of(enc->api, enc->scratch, v, out);
    }
}

/* Digits at the wanted scale; more digits behind the point than it has, other than zeros, are no
 * fit: nothing is rounded. */
static int rescale(exact_t *n, int32_t scale) {
    while (n->scale > scale && n->digits % 10 == 0) {
        n->digits /= 10;
        n->scale--;
    }
    while (n->scale < scale && n->digits != 0) {
        if (__builtin_mul_overflow(n->digits, (exact_int_t)10, &n->digits))
            return -1;
        n->scale++;
    }
    return n->digits == 0 || n->scale == scale ? 0 : -1;
}

static int fits(exact_int_t n, uint32_t width, int is_unsigned) {
    uint32_t bits = 8 * width;
    exact_int_t top;

    if (is_unsigned && n < 0)
        return 0;
    if (width >= 16)
        return 1;
    top = (exact_int_t)1 << (is_unsigned ? bits : bits - 1);
    return n < top && n >= (is_unsigned ? 0 : -top);
}

static int integer(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                   ch_scalar_t *out) {
    exact_t n;

    out->form = SCALAR_INT;
    if (number_of(enc, v, &n) != 0)
        return misfit(enc, v, "integer");
    if (rescale(&n, 0) != 0) {
        snprintf(enc->why, sizeof(enc->why),
                 "a number with a fraction does not fit an integer column");
        return SLUICE_BAD_RECORD;
    }
    if (!fits(n.digits, t->width, t->is_unsigned))
        return out_of_range(enc, t->is_unsigned ? "the UInt column" : "the Int column");
    out->i = n.digits;
    return SLUICE_OK;
}

static int decimal(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                   ch_scalar_t *out) {
    exact_t n;

    out->form = SCALAR_INT;
    if (number_of(enc, v, &n) != 0)
        return misfit(enc, v, "decimal");
    if (rescale(&n, t->scale) != 0) {
        snprintf(enc->why, sizeof(enc->why),
                 "the number has more digits than a decimal of scale %d keeps", t->scale);
        return SLUICE_BAD_RECORD;
    }
    if (!fits(n.digits, t->width, 0))
        return out_of_range(enc, "the Decimal column");
    out->i = n.digits;
    return SLUICE_OK;
}

static double double_of(const sluice_value_t *v) {
    char text[64] = "";

    if (v->kind != SLUICE_DECIMAL && (v->flags & SLUICE_TEXT) == 0)
        return v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64 ? v->as.f : (double)v->as.i;
    memcpy(text, v->as.s, v->len < sizeof(text) ? v->len : sizeof(text) - 1);
    return strtod(text, NULL);
}

static int floating(ch_encoder_t *enc, const sluice_value_t *v, ch_scalar_t *out) {
    exact_t n;
    char text[64];

    out->form = SCALAR_FLOAT;
    if ((v->kind >= SLUICE_BOOLEAN && v->kind <= SLUICE_FLOAT64) || v->kind == SLUICE_DECIMAL) {
        out->f = double_of(v);
        return SLUICE_OK;
    }
    if (v->kind == SLUICE_DATE || number_of(enc, v, &n) != 0)
        return misfit(enc, v, "number");
    exact_text(n, text);
    out->f = strtod(text, NULL);
    return SLUICE_OK;
}

static int boolean(ch_encoder_t *enc, const sluice_value_t *v, ch_scalar_t *out) {
    out->form = SCALAR_INT;
    if (v->kind == SLUICE_BOOLEAN || (v->kind >= SLUICE_INT8 && v->kind <= SLUICE_INT64))
        out->i = sluice_value_int(v) != 0;
    else
        return misfit(enc, v, "boolean");
    return SLUICE_OK;
}

/* ---- dates and times ---- */

static int is_named(const sluice_schema_t *schema, const char *name) {
    return schema != NULL && schema->name.data != NULL &&
           sluice_str_eq(schema->name, sluice_str(name));
}

static void from_units(int64_t n, int64_t units_a_second, int64_t *seconds, int32_t *nanos) {
    *seconds = calendar_floor_div(n, units_a_second);
    *nanos = (int32_t)((n - *seconds * units_a_second) * (1000000000 / units_a_second));
}

/* A point in time. An integer without a meaning of its own counts in `units` a second. 0, or -1. */
static int moment(const sluice_value_t *v, const sluice_schema_t *schema, int64_t units,
                  int64_t *seconds, int32_t *nanos) {
    if (v->kind == SLUICE_STRING)
        return calendar_parse(sluice_value_str(v), seconds, nanos);
    if (v->kind == SLUICE_DATE || is_named(schema, "io.debezium.time.Timestamp"))
        units = 1000;
    else if (v->kind != SLUICE_INT32 && v->kind != SLUICE_INT64)
        return -1;
    else if (is_named(schema, "io.debezium.time.MicroTimestamp"))
        units = 1000000;
    else if (is_named(schema, "io.debezium.time.NanoTimestamp"))
        units = 1000000000;
    if (is_named(schema, "io.debezium.time.Date")) {
        *seconds = sluice_value_int(v) * 86400;
        *nanos = 0;
    } else {
        from_units(sluice_value_int(v), units, seconds, nanos);
    }
    return 0;
}

static int date(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                const sluice_schema_t *schema, ch_scalar_t *out) {
    int wide = t->kind == CH_DATE32;
    int64_t seconds;
    int32_t nanos;

    out->form = SCALAR_INT;
    if ((v->kind == SLUICE_INT32 || v->kind == SLUICE_INT64) &&
        (schema == NULL || schema->name.data == NULL))
        out->i = sluice_value_int(v); /* days, as Connect's Date and Debezium's count */
    else if (moment(v, schema, 1000, &seconds, &nanos) == 0)
        out->i = calendar_floor_div(seconds, 86400);
    else
        return misfit(enc, v, "date");
    if (out->i < (wide ? -25567 : 0) || out->i > (wide ? 120529 : 65535))
        return out_of_range(enc, wide ? "Date32 (1900 to 2299)" : "Date (1970 to 2149)");
    return SLUICE_OK;
}

static int64_t power_of_ten(int32_t n) {
    int64_t p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

static int date_time(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                     const sluice_schema_t *schema, ch_scalar_t *out) {
    int fine = t->kind == CH_DATETIME64;
    int64_t units = fine ? power_of_ten(t->scale) : 1;

    out->form = SCALAR_INT;
    if (units > 1000000000 || moment(v, schema, units, &out->seconds, &out->nanos) != 0)
        return misfit(enc, v, "date and time");
    if (!fine && (out->seconds < 0 || out->seconds > UINT32_MAX))
        return out_of_range(enc, "DateTime (1970 to 2106)");
    if (fine && (out->seconds < -2208988800 || out->seconds > 10413791999))
        return out_of_range(enc, "DateTime64 (1900 to 2299)");
    out->i = (exact_int_t)out->seconds * units + out->nanos / (1000000000 / units);
    if (!fits(out->i, 8, 0))
        return out_of_range(enc, "DateTime64 of this scale");
    return SLUICE_OK;
}

/* ---- texts ---- */

static sluice_str_t json_text(ch_encoder_t *enc, const sluice_value_t *v) {
    sluice_buf_t buf;

    enc->api->buf_init(&buf, enc->scratch, 256);
    enc->api->json->write(&buf, v, SLUICE_JSON_NUMERIC_DECIMAL);
    return enc->api->buf_finish(&buf);
}

/* Strings and bytes as they are, anything else as its JSON. */
static int string(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                  ch_scalar_t *out) {
    out->form = SCALAR_BYTES;
    out->bytes = v->kind == SLUICE_STRING || v->kind == SLUICE_BYTES || v->kind == SLUICE_DECIMAL ||
                         (v->flags & SLUICE_TEXT)
                     ? sluice_value_str(v)
                     : json_text(enc, v);
    if (out->bytes.data == NULL)
        return SLUICE_NO_MEMORY;
    if (t->kind == CH_FIXED && out->bytes.len > t->width) {
        snprintf(enc->why, sizeof(enc->why), "%zu bytes do not fit FixedString(%u)", out->bytes.len,
                 t->width);
        return SLUICE_BAD_RECORD;
    }
    return SLUICE_OK;
}

static int is_uuid(sluice_str_t s) {
    size_t i;

    for (i = 0; i < s.len; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23;
        int hex = (s.data[i] >= '0' && s.data[i] <= '9') ||
                  ((s.data[i] | 32) >= 'a' && (s.data[i] | 32) <= 'f');

        if (dash ? s.data[i] != '-' : !hex)
            return 0;
    }
    return s.len == 36;
}

static int text_of_kind(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                        ch_scalar_t *out) {
    out->form = SCALAR_BYTES;
    if (v->kind != SLUICE_STRING)
        return misfit(enc, v, t->kind == CH_UUID ? "UUID" : "IP address");
    out->bytes = sluice_value_str(v);
    if (t->kind == CH_UUID && !is_uuid(out->bytes)) {
        snprintf(enc->why, sizeof(enc->why), "the text is no UUID");
        return SLUICE_BAD_RECORD;
    }
    return SLUICE_OK;
}

static int enumeration(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                       ch_scalar_t *out) {
    uint32_t i;

    out->form = SCALAR_BYTES;
    for (i = 0; i < t->count; i++) {
        int by_name =
            v->kind == SLUICE_STRING && sluice_str_eq(sluice_value_str(v), sluice_str(t->names[i]));
        int by_number = v->kind >= SLUICE_INT8 && v->kind <= SLUICE_INT64 &&
                        sluice_value_int(v) == t->numbers[i];

        if (by_name || by_number) {
            out->bytes = sluice_str(t->names[i]);
            out->i = t->numbers[i];
            return SLUICE_OK;
        }
    }
    snprintf(enc->why, sizeof(enc->why), "the value is none of the enum's");
    return SLUICE_BAD_RECORD;
}

int ch_scalar_of(ch_encoder_t *enc, const ch_type_t *t, const sluice_value_t *v,
                 const sluice_schema_t *schema, ch_scalar_t *out) {
    memset(out, 0, sizeof(*out));
    switch (t->kind) {
    case CH_INT: return integer(enc, t, v, out);
    case CH_FLOAT: return floating(enc, v, out);
    case CH_BOOL: return boolean(enc, v, out);
    case CH_DECIMAL: return decimal(enc, t, v, out);
    case CH_STRING:
    case CH_FIXED: return string(enc, t, v, out);
    case CH_DATE:
    case CH_DATE32: return date(enc, t, v, schema, out);
    case CH_DATETIME:
    case CH_DATETIME64: return date_time(enc, t, v, schema, out);
    case CH_ENUM: return enumeration(enc, t, v, out);
    default: return text_of_kind(enc, t, v, out);
    }
}
