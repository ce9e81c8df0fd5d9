#include "times.h"

#include <string.h>

#include "support/connect/names.h"
#include "support/java.h"

#define DAY_MS 86400000

const char *const times_names[] = {"string", "unix", "Date", "Time", "Timestamp", NULL};
const char *const times_precisions[] = {"nanoseconds", "microseconds", "milliseconds", "seconds",
                                        NULL};

/* ---- options ---- */

static int is_blank(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text > ' ')
            return 0;
    return 1;
}

static int init_format(times_t *t) {
    const sluice_api_t *api = t->smt->api;
    char why[128];
    int status;

    t->pattern = api->config_text(t->smt->ctx, "format");
    if (is_blank(t->pattern))
        return t->target != TIMES_STRING
                   ? SLUICE_OK
                   : api->fail(t->smt->ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                               "TimestampConverter requires format option to be specified when "
                               "using string timestamps");
    status = date_format_create(t->pattern, &t->format, why, sizeof(why));
    if (status != SLUICE_INVALID)
        return status;
    return api->fail(t->smt->ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                     "Invalid value " ILLEGAL_ARGUMENT_EXCEPTION
                     ": %s for configuration TimestampConverter requires a "
                     "SimpleDateFormat-compatible pattern for string timestamps: %s",
                     why, t->pattern);
}

int times_init(times_t *t, const smt_t *smt) {
    static const int64_t units[] = {1000000000, 1000000, 1000, 1};
    const char *type = smt->api->config_text(smt->ctx, "target.type");
    const char *precision = smt->api->config_text(smt->ctx, "unix.precision");
    int i;

    t->smt = smt;
    t->per_second = 1000;
    for (i = 0; times_names[i] != NULL; i++)
        if (strcmp(times_names[i], type) == 0)
            t->target = (times_type_t)i;
    for (i = 0; times_precisions[i] != NULL; i++)
        if (strcmp(times_precisions[i], precision) == 0)
            t->per_second = units[i];
    return init_format(t);
}

void times_fini(times_t *t) {
    date_format_destroy(t->format);
}

const sluice_schema_t *times_schema(const sluice_api_t *api, times_type_t type, int optional) {
    static const uint8_t kinds[] = {SLUICE_STRING, SLUICE_INT64, SLUICE_INT32, SLUICE_INT32,
                                    SLUICE_INT64};
    static const char *const names[] = {NULL, NULL, LOGICAL_NAME_OF("Date"),
                                        LOGICAL_NAME_OF("Time"), LOGICAL_NAME_OF("Timestamp")};
    sluice_schema_t schema = {.size = sizeof(schema),
                              .type = kinds[type],
                              .optional = (uint8_t)optional,
                              .name = sluice_str(names[type]),
                              .has_version = names[type] != NULL,
                              .version = names[type] != NULL};

    return api->schema_intern(&schema);
}

/* ---- what a value is ---- */

static int is_named(const sluice_schema_t *schema, const char *name) {
    return sluice_str_eq(schema->name, sluice_str(name));
}

static int type_of_schema(const times_t *t, const sluice_schema_t *schema, times_type_t *type) {
    const int named = schema->name.data != NULL;

    if (is_named(schema, LOGICAL_NAME_OF("Timestamp")))
        *type = TIMES_TIMESTAMP;
    else if (is_named(schema, LOGICAL_NAME_OF("Date")))
        *type = TIMES_DATE;
    else if (is_named(schema, LOGICAL_NAME_OF("Time")))
        *type = TIMES_TIME;
    else if (schema->type == SLUICE_STRING)
        *type = TIMES_STRING;
    else if (schema->type == SLUICE_INT64)
        *type = TIMES_UNIX;
    else
        return smt_fail(t->smt, CONNECT_EXCEPTION,
                        "Schema Schema{%.*s%s%s} does not correspond to a known timestamp type "
                        "format",
                        (int)schema->name.len, named ? schema->name.data : "", named ? ":" : "",
                        java_type_name(schema->type));
    return SLUICE_OK;
}

int times_check_schema(const times_t *t, const sluice_schema_t *schema) {
    times_type_t type;

    return type_of_schema(t, schema, &type);
}

static int type_of_value(const times_t *t, const sluice_value_t *value, times_type_t *type) {
    switch (value->kind) {
    case SLUICE_DATE: *type = TIMES_TIMESTAMP; return SLUICE_OK;
    case SLUICE_INT64: *type = TIMES_UNIX; return SLUICE_OK;
    case SLUICE_STRING: *type = TIMES_STRING; return SLUICE_OK;
    default:
        return smt_fail(t->smt, DATA_EXCEPTION,
                        "TimestampConverter does not support class %s objects as timestamps",
                        connect_class_name(value));
    }
}

/* ---- to milliseconds ---- */

static int unexpected(const times_t *t, const char *expected, const sluice_value_t *value) {
    return smt_fail(t->smt, DATA_EXCEPTION, "Expected %s, but found class %s", expected,
                    connect_class_name(value));
}

static int parse(const times_t *t, const sluice_value_t *value, int64_t *ms) {
    const sluice_str_t text = sluice_value_str(value);

    if (t->format == NULL)
        return smt_fail(t->smt, NULL_POINTER_EXCEPTION,
                        "Cannot invoke \"java.text.SimpleDateFormat.parse(String)\" because "
                        "\"config.format\" is null");
    if (date_format_parse(t->format, text, t->smt->api->now_ms(t->smt->ctx), ms) == SLUICE_OK)
        return SLUICE_OK;
    return smt_fail(t->smt, DATA_EXCEPTION,
                    "Could not parse timestamp: value (%.*s) does not match pattern (%s)" CAUSED_BY
                    "java.text.ParseException: Unparseable date: \"%.*s\"",
                    (int)text.len, text.data, t->pattern, (int)text.len, text.data);
}

/* TimeUnit: towards zero, and at the ends of the range what lies nearest. */
static int64_t scale(int64_t n, int64_t times, int64_t by) {
    if (by != 1)
        return n / by;
    if (n > INT64_MAX / times)
        return INT64_MAX;
    return n < INT64_MIN / times ? INT64_MIN : n * times;
}

static int to_ms(const times_t *t, times_type_t type, const sluice_value_t *value, int64_t *ms) {
    static const char *const wanted[] = {
        "string timestamp to be a String", "Unix timestamp to be a Long",
        "Date to be a java.util.Date", "Time to be a java.util.Date",
        "Timestamp to be a java.util.Date"};
    static const uint8_t kinds[] = {SLUICE_STRING, SLUICE_INT64, SLUICE_DATE, SLUICE_DATE,
                                    SLUICE_DATE};

    if (value->kind != kinds[type])
        return unexpected(t, wanted[type], value);
    if (type == TIMES_STRING)
        return parse(t, value, ms);
    *ms = sluice_value_int(value);
    if (type == TIMES_UNIX)
        *ms = t->per_second < 1000 ? scale(*ms, 1000 / t->per_second, 1)
                                   : scale(*ms, 1, t->per_second / 1000);
    return SLUICE_OK;
}

/* ---- and from there ---- */

static int64_t time_of_day(int64_t ms) {
    return (ms % DAY_MS + DAY_MS) % DAY_MS;
}

static int to_text(const times_t *t, apply_t *a, int64_t ms, sluice_value_t *out) {
    sluice_batch_t *batch = smt_batch(t->smt, a);
    sluice_buf_t buf;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    t->smt->api->buf_init(&buf, batch, 40);
    date_format_write(t->format, ms, &buf);
    *out = sluice_text(SLUICE_STRING, t->smt->api->buf_finish(&buf));
    return out->kind == SLUICE_STRING ? SLUICE_OK : SLUICE_NO_MEMORY;
}

int times_convert(const times_t *t, apply_t *a, const sluice_schema_t *schema,
                  sluice_value_t *value) {
    times_type_t from = TIMES_STRING;
    int64_t ms;
    int status;

    if (schema != NULL && (status = type_of_schema(t, schema, &from)) != SLUICE_OK)
        return status;
    if (value->kind == SLUICE_NULL)
        return SLUICE_OK;
    if (schema == NULL && (status = type_of_value(t, value, &from)) != SLUICE_OK)
        return status;
    status = to_ms(t, from, value, &ms);
    if (status != SLUICE_OK)
        return status;
    switch (t->target) {
    case TIMES_STRING: return to_text(t, a, ms, value);
    case TIMES_UNIX:
        ms = t->per_second < 1000 ? scale(ms, 1, 1000 / t->per_second)
                                  : scale(ms, t->per_second / 1000, 1);
        *value = sluice_int(SLUICE_INT64, ms);
        break;
    case TIMES_DATE:
        *value = sluice_int(SLUICE_DATE, (int64_t)((uint64_t)ms - (uint64_t)time_of_day(ms)));
        break;
    case TIMES_TIME: *value = sluice_int(SLUICE_DATE, time_of_day(ms)); break;
    default: *value = sluice_int(SLUICE_DATE, ms); break;
    }
    return SLUICE_OK;
}
