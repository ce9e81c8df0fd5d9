#include "postgres_sink.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { US_PER_SECOND = 1000000, NS_PER_US = 1000 };

/* ---- escapes of COPY's text format (PostgreSQL documentation, COPY, "Text Format") ---- */

static void put_escaped(sluice_buf_t *out, const char *s, size_t len) {
    size_t from = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        const char *escape = s[i] == '\\'   ? "\\\\"
                             : s[i] == '\n' ? "\\n"
                             : s[i] == '\r' ? "\\r"
                             : s[i] == '\t' ? "\\t"
                                            : NULL;

        if (escape == NULL)
            continue;
        sluice_buf_put(out, s + from, i - from);
        sluice_buf_put(out, escape, 2);
        from = i + 1;
    }
    sluice_buf_put(out, s + from, len - from);
}

static void put_bytea(sluice_buf_t *out, const char *s, size_t len) {
    static const char hex[] = "0123456789abcdef";
    size_t i;

    sluice_buf_put(out, "\\\\x", 3);
    for (i = 0; i < len; i++) {
        char pair[2] = {hex[(unsigned char)s[i] >> 4], hex[(unsigned char)s[i] & 15]};

        sluice_buf_put(out, pair, 2);
    }
}

static void put_double(const sluice_api_t *api, sluice_buf_t *out, const sluice_value_t *v) {
    if (isnan(v->as.f))
        sluice_buf_put_str(out, sluice_str("NaN"));
    else if (isinf(v->as.f))
        sluice_buf_put_str(out, sluice_str(v->as.f > 0 ? "Infinity" : "-Infinity"));
    else if (v->kind == SLUICE_FLOAT32)
        api->json->write_float(out, (float)v->as.f);
    else
        api->json->write_double(out, v->as.f);
}

/* ---- dates and times, by the name of the schema ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static void put_date(sluice_buf_t *out, const struct tm *tm, const char *tail) {
    char text[64];
    int year = tm->tm_year + 1900;
    int bc = year <= 0;

    sluice_buf_put(out, text,
                   (size_t)snprintf(text, sizeof(text), "%04d-%02d-%02d%s%s", bc ? 1 - year : year,
                                    tm->tm_mon + 1, tm->tm_mday, tail, bc ? " BC" : ""));
}

static void put_days(sluice_buf_t *out, int64_t days) {
    time_t seconds = (time_t)(days * 86400);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) != NULL)
        put_date(out, &tm, "");
}

static void put_timestamp(sluice_buf_t *out, int64_t us) {
    time_t seconds = (time_t)floor_div(us, US_PER_SECOND);
    int64_t fraction = us - (int64_t)seconds * US_PER_SECOND;
    struct tm tm;
    char tail[40];

    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    snprintf(tail, sizeof(tail), " %02d:%02d:%02d.%06d", tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)fraction);
    put_date(out, &tm, tail);
}

static void put_time(sluice_buf_t *out, int64_t us) {
    char text[40];
    int64_t s = us / US_PER_SECOND;

    sluice_buf_put(out, text,
                   (size_t)snprintf(text, sizeof(text), "%02d:%02d:%02d.%06d", (int)(s / 3600),
                                    (int)(s / 60 % 60), (int)(s % 60), (int)(us % US_PER_SECOND)));
}

/* io.debezium.time.*: integers that mean a moment. unit: how many of it make a microsecond, or how
 * many us it is. */
enum moment { MOMENT_DAYS, MOMENT_TIMESTAMP, MOMENT_TIME, MOMENT_DURATION };

static const struct temporal {
    const char *name;
    enum moment what;
    int64_t times; /* to microseconds */
    int64_t divided;
} temporals[] = {
    {"io.debezium.time.Date", MOMENT_DAYS, 1, 1},
    {"io.debezium.time.Timestamp", MOMENT_TIMESTAMP, 1000, 1},
    {"io.debezium.time.MicroTimestamp", MOMENT_TIMESTAMP, 1, 1},
    {"io.debezium.time.NanoTimestamp", MOMENT_TIMESTAMP, 1, NS_PER_US},
    {"io.debezium.time.Time", MOMENT_TIME, 1000, 1},
    {"io.debezium.time.MicroTime", MOMENT_TIME, 1, 1},
    {"io.debezium.time.NanoTime", MOMENT_TIME, 1, NS_PER_US},
    {"io.debezium.time.MicroDuration", MOMENT_DURATION, 1, 1},
    {"io.debezium.time.NanoDuration", MOMENT_DURATION, 1, NS_PER_US},
};

static void put_duration(sluice_buf_t *out, int64_t us) {
    char text[48];

    sluice_buf_put(out, text,
                   (size_t)snprintf(text, sizeof(text), "%lld microseconds", (long long)us));
}

/* Into a column of numbers the number goes as it is. */
static int is_number_type(const char *type) {
    return strcmp(type, "bigint") == 0 || strcmp(type, "integer") == 0 ||
           strncmp(type, "numeric", 7) == 0;
}

static int put_temporal(sluice_buf_t *out, const sluice_value_t *v, const sluice_schema_t *schema,
                        const char *type) {
    size_t i;

    if (schema == NULL || schema->name.data == NULL || schema->name.len < 17 ||
        is_number_type(type))
        return 0;
    for (i = 0; i < sizeof(temporals) / sizeof(temporals[0]); i++) {
        const struct temporal *t = &temporals[i];
        int64_t n = sluice_value_int(v);

        if (!sluice_str_eq(schema->name, sluice_str(t->name)))
            continue;
        if (t->what == MOMENT_DAYS)
            put_days(out, n);
        else if (t->what == MOMENT_DURATION)
            put_duration(out, floor_div(n * t->times, t->divided));
        else if (t->what == MOMENT_TIME)
            put_time(out, n * t->times / t->divided);
        else
            put_timestamp(out, floor_div(n * t->times, t->divided));
        return 1;
    }
    return 0;
}

static void put_java_date(sluice_buf_t *out, const sluice_value_t *v,
                          const sluice_schema_t *schema) {
    int64_t ms = sluice_value_int(v);

    if (schema != NULL && schema->logical == SLUICE_LOGICAL_DATE)
        put_days(out, floor_div(ms, 86400000));
    else if (schema != NULL && schema->logical == SLUICE_LOGICAL_TIME)
        put_time(out, ms * 1000);
    else
        put_timestamp(out, ms * 1000);
}

/* ---- bytes that are something else ---- */

/* io.debezium.data.Bits: the lowest bit first; a column bit(n) wants the highest first. */
static void put_bits(sluice_buf_t *out, const sluice_value_t *v, const sluice_schema_t *schema) {
    size_t bits = 8 * (size_t)v->len;
    uint32_t i;

    for (i = 0; schema != NULL && i < schema->param_count; i++) {
        size_t length = 0;
        size_t k;

        if (!sluice_str_eq(schema->params[i].key, sluice_str("length")))
            continue;
        for (k = 0; k < schema->params[i].value.len; k++)
            length = length * 10 + (size_t)(schema->params[i].value.data[k] - '0');
        bits = length > 0 && length < bits ? length : bits;
    }
    while (bits-- > 0)
        sluice_buf_put_char(out, (unsigned char)v->as.s[bits / 8] >> (bits % 8) & 1 ? '1' : '0');
}

static void put_bytes(sluice_buf_t *out, const sluice_value_t *v, const sluice_schema_t *schema,
                      const char *type) {
    if (strncmp(type, "bit", 3) == 0)
        put_bits(out, v, schema);
    else if (strcmp(type, "bytea") == 0)
        put_bytea(out, v->as.s, v->len);
    else
        put_escaped(out, v->as.s, v->len);
}

/* ---- nested values ---- */

static int is_json_type(const char *type) {
    return strcmp(type, "json") == 0 || strcmp(type, "jsonb") == 0;
}

static int put_json(const sluice_api_t *api, sluice_buf_t *out, sluice_ctx_t *ctx,
                    const sluice_value_t *v) {
    sluice_batch_t *own = api->batch_new(ctx, 1024);
    sluice_buf_t buf;
    sluice_str_t text;

    if (own == NULL)
        return SLUICE_NO_MEMORY;
    api->buf_init(&buf, own, 512);
    api->json->write(&buf, v, SLUICE_JSON_NUMERIC_DECIMAL);
    text = api->buf_finish(&buf);
    if (text.data != NULL)
        put_escaped(out, text.data, text.len);
    api->batch_unref(own);
    return text.data != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

/* An element of an array literal, quoted, which all types accept. It is in COPY's escapes already;
 * quotes and backslashes get those of an array, escaped once more. */
static void put_element(sluice_buf_t *out, sluice_str_t text) {
    size_t k;

    sluice_buf_put_char(out, '"');
    for (k = 0; k < text.len; k++) {
        if (text.data[k] == '"') {
            sluice_buf_put(out, "\\\\\"", 3);
        } else if (text.data[k] == '\\' && k + 1 < text.len && text.data[k + 1] == '\\') {
            sluice_buf_put(out, "\\\\\\\\", 4);
            k++;
        } else {
            sluice_buf_put_char(out, text.data[k]);
        }
    }
    sluice_buf_put_char(out, '"');
}

/* Type of the elements of an array type: "integer[]" -> "integer". */
static void element_type(const char *type, char *out, size_t size) {
    const char *bracket = strchr(type, '[');
    size_t n = bracket != NULL ? (size_t)(bracket - type) : strlen(type);

    snprintf(out, size, "%.*s", (int)n, type);
}

static int put_array(const sluice_api_t *api, sluice_buf_t *out, sluice_ctx_t *ctx,
                     const sluice_value_t *v, const sluice_schema_t *schema, const char *type) {
    const sluice_schema_t *inner = schema != NULL ? schema->value_schema : NULL;
    sluice_batch_t *own = api->batch_new(ctx, 1024);
    char element[80];
    sluice_buf_t buf;
    uint32_t i;

    if (own == NULL)
        return SLUICE_NO_MEMORY;
    element_type(type, element, sizeof(element));
    sluice_buf_put_char(out, '{');
    for (i = 0; i < v->len; i++) {
        const sluice_value_t *item = &v->as.items[i];

        if (i > 0)
            sluice_buf_put_char(out, ',');
        if (sluice_is_null(item)) {
            sluice_buf_put_str(out, sluice_str("NULL"));
        } else if (item->kind == SLUICE_ARRAY && !is_json_type(element)) {
            put_array(api, out, ctx, item, inner, type); /* a further dimension stands unquoted */
        } else {
            api->buf_init(&buf, own, 64);
            pg_copy_value(api, &buf, ctx, item, inner, element);
            put_element(out, api->buf_finish(&buf));
        }
    }
    sluice_buf_put_char(out, '}');
    api->batch_unref(own);
    return SLUICE_OK;
}

/* io.debezium.data.VariableScaleDecimal {scale, value}: an unscaled number and its scale. */
static int put_variable_decimal(const sluice_api_t *api, sluice_buf_t *out, sluice_ctx_t *ctx,
                                const sluice_value_t *v) {
    const sluice_value_t *scale = &v->as.st->fields[0];
    const sluice_value_t *unscaled = &v->as.st->fields[1];
    sluice_batch_t *own = api->batch_new(ctx, 256);
    sluice_str_t text = {NULL, 0};
    int rc = SLUICE_NO_MEMORY;

    if (own != NULL)
        rc = api->decimal_from_bytes(own, sluice_value_str(unscaled),
                                     (int32_t)sluice_value_int(scale), &text);
    if (rc == SLUICE_OK)
        sluice_buf_put_str(out, text);
    api->batch_unref(own);
    return rc;
}

static int is_variable_decimal(const sluice_value_t *v) {
    return v->kind == SLUICE_STRUCT && v->len == 2 && v->as.st->schema->name.data != NULL &&
           sluice_str_eq(v->as.st->schema->name,
                         sluice_str("io.debezium.data.VariableScaleDecimal")) &&
           v->as.st->fields[1].kind == SLUICE_BYTES;
}

static int put_scalar(const sluice_api_t *api, sluice_buf_t *out, const sluice_value_t *v,
                      const sluice_schema_t *schema, const char *type) {
    if (put_temporal(out, v, schema, type))
        return out->status;
    if (v->flags & SLUICE_TEXT)
        sluice_buf_put_str(out, sluice_value_str(v));
    else if (v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64)
        put_double(api, out, v);
    else
        api->json->write_int(out, v->as.i);
    return out->status;
}

int pg_copy_value(const sluice_api_t *api, sluice_buf_t *out, sluice_ctx_t *ctx,
                  const sluice_value_t *v, const sluice_schema_t *schema, const char *type) {
    /* Text that goes to a JSON column is JSON already. */
    if (is_json_type(type) && v->kind != SLUICE_NULL && v->kind != SLUICE_STRING &&
        v->kind != SLUICE_BYTES)
        return put_json(api, out, ctx, v);
    if (is_variable_decimal(v))
        return put_variable_decimal(api, out, ctx, v);
    switch (v->kind) {
    case SLUICE_NULL: sluice_buf_put(out, "\\N", 2); break;
    case SLUICE_STRING:
    case SLUICE_DECIMAL: put_escaped(out, v->as.s, v->len); break;
    case SLUICE_BYTES: put_bytes(out, v, schema, type); break;
    case SLUICE_BOOLEAN: sluice_buf_put_char(out, sluice_value_int(v) ? 't' : 'f'); break;
    case SLUICE_DATE: put_java_date(out, v, schema); break;
    case SLUICE_ARRAY: return put_array(api, out, ctx, v, schema, type);
    case SLUICE_MAP:
    case SLUICE_STRUCT: return put_json(api, out, ctx, v);
    default: return put_scalar(api, out, v, schema, type);
    }
    return out->status;
}
