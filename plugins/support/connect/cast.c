#include "support/connect/cast.h"

#include <strings.h>

#include "support/connect/date_format.h"
#include "support/connect/names.h"
#include "support/connect/number.h"
#include "support/java.h"

#define DAY_MS       86400000
#define INT_TEXT_MAX 20 /* -9223372036854775808 */

static int is_number(uint8_t kind) {
    return (kind >= SLUICE_INT8 && kind <= SLUICE_FLOAT64) || kind == SLUICE_DECIMAL;
}

/* ---- the type that is cast from ---- */

static int check_type(const smt_t *s, const sluice_schema_t *schema, const sluice_value_t *v) {
    const uint8_t type = schema != NULL ? schema->type : v->kind;

    if (schema == NULL && type <= SLUICE_BYTES) /* the rule */
        return SLUICE_OK;
    if (schema == NULL && !connect_is_data(v))
        return smt_fail(s, DATA_EXCEPTION,
                        "Cast transformation was passed a value of type class %s which is not "
                        "supported by Connect's data API",
                        connect_class_name(v));
    if (type >= SLUICE_ARRAY && type <= SLUICE_STRUCT)
        return smt_fail(s, DATA_EXCEPTION,
                        "Cast transformation does not support casting from %s; supported types are "
                        "[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]",
                        java_type_name(type));
    return SLUICE_OK;
}

/* Dates and times become the number that stands for them. */
static int encode(const smt_t *s, const sluice_schema_t *schema, sluice_value_t *v) {
    const int64_t ms = v->kind == SLUICE_DATE ? sluice_value_int(v) : 0;

    switch (schema->logical) {
    case SLUICE_LOGICAL_DATE:
        if (ms % DAY_MS != 0)
            return smt_fail(s, DATA_EXCEPTION,
                            "Kafka Connect Date type should not have any time fields set to "
                            "non-zero values.");
        *v = sluice_int(SLUICE_INT32, (int32_t)(ms / DAY_MS));
        break;
    case SLUICE_LOGICAL_TIME:
        if (ms < 0 || ms > DAY_MS)
            return smt_fail(s, DATA_EXCEPTION,
                            "Kafka Connect Time type should not have any date fields set to "
                            "non-zero values.");
        *v = sluice_int(SLUICE_INT32, ms);
        break;
    case SLUICE_LOGICAL_TIMESTAMP: *v = sluice_int(SLUICE_INT64, ms); break;
    default: break;
    }
    return SLUICE_OK;
}

static int unexpected(const smt_t *s, const sluice_value_t *v) {
    return smt_fail(s, DATA_EXCEPTION, "Unexpected type in Cast transformation: class %s",
                    connect_class_name(v));
}

static int out_of_range(const smt_t *s, const sluice_value_t *v, const connect_why_t *why) {
    return smt_fail(
        s, DATA_EXCEPTION,
        "Value (%.*s) was out of range for requested data type" CAUSED_BY NUMBER_FORMAT_EXCEPTION
        ": %s",
        (int)v->len, v->as.s, why->text);
}

/* ---- targets ---- */

static int to_int(const smt_t *s, uint8_t to, sluice_value_t *v) {
    connect_why_t why;
    int64_t n;

    if (v->kind == SLUICE_STRING) {
        if (connect_parse_int(sluice_value_str(v), to, &n, &why) != SLUICE_OK)
            return out_of_range(s, v, &why);
    } else if (v->kind == SLUICE_BOOLEAN) {
        n = sluice_value_int(v);
    } else if (is_number(v->kind)) {
        n = connect_to_int(v, to);
    } else {
        return unexpected(s, v);
    }
    *v = sluice_int(to, n);
    return SLUICE_OK;
}

static int to_float(const smt_t *s, uint8_t to, sluice_value_t *v) {
    connect_why_t why;
    double f;

    if (v->kind == SLUICE_STRING && to == SLUICE_FLOAT64 &&
        java_is_double_text(sluice_value_str(v))) {
        v->kind = SLUICE_FLOAT64; /* stays the text that it is */
        v->flags = SLUICE_TEXT;
        return SLUICE_OK;
    }
    if (v->kind == SLUICE_STRING) {
        if (connect_parse_float(sluice_value_str(v), to, &f, &why) != SLUICE_OK)
            return out_of_range(s, v, &why);
    } else if (v->kind == SLUICE_BOOLEAN) {
        f = (double)sluice_value_int(v);
    } else if (is_number(v->kind)) {
        f = connect_to_float(v, to);
    } else {
        return unexpected(s, v);
    }
    *v = sluice_float(to, f);
    return SLUICE_OK;
}

static int to_boolean(const smt_t *s, sluice_value_t *v) {
    int64_t n;

    if (v->kind == SLUICE_STRING)
        n = v->len == 4 && strncasecmp(v->as.s, "true", 4) == 0;
    else if (v->kind == SLUICE_BOOLEAN)
        n = sluice_value_int(v);
    else if (is_number(v->kind))
        n = connect_to_int(v, SLUICE_INT64) != 0;
    else
        return unexpected(s, v);
    *v = sluice_int(SLUICE_BOOLEAN, n);
    return SLUICE_OK;
}

static int int_to_string(smt_t *s, apply_t *a, sluice_value_t *v) {
    const uint64_t n = v->as.i < 0 ? 0 - (uint64_t)v->as.i : (uint64_t)v->as.i;
    char text[INT_TEXT_MAX], *end = text + sizeof(text), *p = end, *kept;
    uint64_t rest = n;

    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (v->as.i < 0)
        *--p = '-';
    kept = smt_alloc(s, a, (size_t)(end - p));
    if (kept == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(kept, p, (size_t)(end - p));
    *v = sluice_text(SLUICE_STRING, sluice_str_n(kept, (size_t)(end - p)));
    return SLUICE_OK;
}

static int to_string(smt_t *s, apply_t *a, sluice_value_t *v) {
    sluice_batch_t *batch;
    sluice_buf_t buf;

    if (v->kind == SLUICE_STRING)
        return SLUICE_OK;
    if ((v->flags & SLUICE_TEXT) != 0 || v->kind == SLUICE_DECIMAL) {
        *v = sluice_text(SLUICE_STRING, sluice_value_str(v));
        return SLUICE_OK;
    }
    if (v->kind >= SLUICE_INT8 && v->kind <= SLUICE_INT64)
        return int_to_string(s, a, v);
    batch = smt_batch(s, a);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    s->api->buf_init(&buf, batch, 32);
    if (v->kind == SLUICE_BYTES)
        s->api->json->write_base64(&buf, sluice_value_str(v));
    else if (v->kind == SLUICE_DATE)
        date_format_iso(sluice_value_int(v), &buf);
    else
        java_write(s->api, &buf, v);
    *v = sluice_text(SLUICE_STRING, s->api->buf_finish(&buf));
    return v->kind == SLUICE_STRING ? SLUICE_OK : SLUICE_NO_MEMORY;
}

int smt_cast(smt_t *s, apply_t *a, const sluice_schema_t *schema, uint8_t to,
             sluice_value_t *value) {
    int status;

    if (value->kind == SLUICE_NULL)
        return SLUICE_OK;
    status = check_type(s, schema, value);
    if (status == SLUICE_OK && schema != NULL && to != SLUICE_STRING)
        status = encode(s, schema, value);
    if (status != SLUICE_OK)
        return status;
    switch (to) {
    case SLUICE_STRING: return to_string(s, a, value);
    case SLUICE_BOOLEAN: return to_boolean(s, value);
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: return to_float(s, to, value);
    default: return to_int(s, to, value);
    }
}
