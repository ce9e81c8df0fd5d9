#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/sample.h"

/* ---- findings ---- */

/* Set for the one probe of a prober's process: api->fail gets no table of its own. */
static const sluice_api_t *host_api;

static const char *option_of(const char *code) {
    if (strcmp(code, "clickhouse.auth") == 0)
        return "password";
    if (strcmp(code, "clickhouse.database") == 0 || strcmp(code, "clickhouse.table") == 0)
        return "database";
    return strcmp(code, "clickhouse.compression") == 0 ? "compression" : "hostname";
}

/* In place of api->fail: what stops an open is a finding of the probe. */
SLUICE_PRINTF(4, 5)
static int fail_as_finding(sluice_ctx_t *ctx, int status, const char *code, const char *fmt, ...) {
    char text[1500];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    host_api->config_error(ctx, option_of(code), "%s", text);
    return status;
}

const sluice_api_t *ch_probe_api(const sluice_api_t *api) {
    static sluice_api_t probing;

    host_api = api;
    memcpy(&probing, api, api->size < sizeof(probing) ? api->size : sizeof(probing));
    probing.fail = fail_as_finding;
    return &probing;
}

/* ---- fields and columns ---- */

static int one_of(ch_kind_t kind, uint32_t kinds) {
    return (kinds >> kind & 1) != 0;
}

#define K(kind) (1u << (kind))
#define ANY_TEXT (K(CH_STRING) | K(CH_FIXED) | K(CH_OTHER))
#define NUMBERS  (K(CH_INT) | K(CH_FLOAT) | K(CH_DECIMAL) | ANY_TEXT)
#define MOMENTS  (K(CH_DATE) | K(CH_DATE32) | K(CH_DATETIME) | K(CH_DATETIME64))
#define NESTED   (K(CH_ARRAY) | K(CH_MAP) | K(CH_TUPLE))

static const char *misfit(const sluice_schema_t *schema, ch_kind_t kind) {
    if (schema->logical == SLUICE_LOGICAL_DECIMAL)
        return one_of(kind, NUMBERS) ? NULL : "a decimal";
    if (schema->logical != SLUICE_LOGICAL_NONE)
        return one_of(kind, NUMBERS | MOMENTS) ? NULL : "a moment";
    if (schema->type >= SLUICE_INT8 && schema->type <= SLUICE_FLOAT64)
        return one_of(kind, NUMBERS | MOMENTS | K(CH_BOOL) | K(CH_ENUM)) ? NULL : "a number";
    switch (schema->type) {
    case SLUICE_BOOLEAN:
        return one_of(kind, K(CH_INT) | K(CH_BOOL) | ANY_TEXT) ? NULL : "a boolean";
    case SLUICE_STRING: return one_of(kind, NESTED) ? "text" : NULL;
    case SLUICE_BYTES: return one_of(kind, ANY_TEXT) ? NULL : "bytes";
    case SLUICE_ARRAY: return one_of(kind, K(CH_ARRAY) | K(CH_JSON) | ANY_TEXT) ? NULL : "an array";
    case SLUICE_MAP:
    case SLUICE_STRUCT:
        return one_of(kind, K(CH_MAP) | K(CH_TUPLE) | K(CH_JSON) | ANY_TEXT) ? NULL : "an object";
    default: return NULL;
    }
}

/* Whether values of this schema may lie outside of the column's range. */
static int too_narrow(const sluice_schema_t *schema, const ch_type_t *column) {
    static const uint32_t bytes[] = {[SLUICE_INT8] = 1, [SLUICE_INT16] = 2, [SLUICE_INT32] = 4,
                                     [SLUICE_INT64] = 8};

    return column->kind == CH_INT && schema->logical == SLUICE_LOGICAL_NONE &&
           schema->name.data == NULL && schema->type >= SLUICE_INT8 &&
           schema->type <= SLUICE_INT64 && column->width < bytes[schema->type];
}

static void warn_of_narrow(const ch_sink_t *s, const ch_table_t *t, const sample_field_t *f,
                           const ch_type_t *column) {
    sluice_str_t given = sample_type_name(f->schema);

    s->api->log(s->ctx, SLUICE_LOG_WARN,
                "table %s: field %.*s is %.*s, column type %sInt%u is narrower: a large value will "
                "be refused",
                t->name, (int)f->name.len, f->name.data, (int)given.len, given.data,
                column->is_unsigned ? "U" : "", column->width * 8);
}

static void check_fields(const ch_sink_t *s, const ch_table_t *t, const sluice_record_t *record) {
    uint32_t i;

    for (i = 0; i < sample_field_count(record); i++) {
        sample_field_t f = sample_field_at(record, i);
        int32_t column = ch_column_find(t, f.name);
        const ch_type_t *type = column >= 0 ? t->columns[column].type : NULL;
        const char *wrong = type != NULL && f.schema != NULL ? misfit(f.schema, type->kind) : NULL;

        if (column < 0 && s->unknown == UNKNOWN_ERROR)
            s->api->config_error(
                s->ctx, "table",
                "table %s has no column for the field %.*s; add it, or drop the field "
                "by a transform",
                t->name, (int)f.name.len, f.name.data);
        else if (column < 0)
            s->api->log(s->ctx, SLUICE_LOG_WARN,
                        "table %s has no column for the field %.*s: its values are left out",
                        t->name, (int)f.name.len, f.name.data);
        else if (wrong != NULL)
            s->api->config_error(
                s->ctx, "table",
                "table %s: field %.*s is %s, which its column does not take; change "
                "the column, or the field by a transform",
                t->name, (int)f.name.len, f.name.data, wrong);
        else if (f.schema != NULL && too_narrow(f.schema, type))
            warn_of_narrow(s, t, &f, type);
    }
}

static void check_table(ch_sink_t *s, sluice_str_t topic, const sluice_record_t *record) {
    char name[512];
    const ch_table_t *t = ch_table_of(s, topic, name);

    if (t != NULL && record != NULL)
        check_fields(s, t, record);
    else if (t == NULL && !s->missing_table_ok)
        s->api->config_error(s->ctx, "table",
                             "there is no table %s in database %s, or none that %s may see (topic "
                             "%.*s); create it, or set table or topic2TableMap",
                             name, s->database, s->username, (int)topic.len, topic.data);
}

void ch_probe_tables(ch_sink_t *s) {
    sluice_batch_t *sample = s->api->sample(s->ctx);
    const sluice_record_t *records;
    size_t i, count = 0;

    if (sample == NULL && s->table_option != NULL && strstr(s->table_option, "${topic}") == NULL)
        check_table(s, sluice_str(""), NULL);
    if (sample == NULL)
        return;
    records = s->api->batch_records(sample, &count);
    for (i = 0; i < count; i++) {
        if (sample_is_first(records, i))
            check_table(s, records[i].topic, &records[i]);
    }
}
