#include "postgres_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/postgres/pg_ask.h"
#include "support/sample.h"

/* Columns of R_COLUMNS. */
enum { C_NAME, C_TYPE, C_CATEGORY, C_NEEDED, C_KEY };
enum { R_TABLE, R_COLUMNS, R_COUNT };

typedef struct probe {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    pg_sink_t sink; /* its options only */
    pg_ask_t ask;
} probe_t;

/* ---- types ---- */

/* What is wrong with values of this schema in a column of this category of pg_type; NULL:
 * nothing. */
static const char *misfit(const sluice_schema_t *schema, char category, const char *type) {
    int number = schema->type >= SLUICE_INT8 && schema->type <= SLUICE_FLOAT64;

    if (schema->logical == SLUICE_LOGICAL_DECIMAL)
        return category == 'N' || category == 'S' ? NULL : "a decimal";
    if (schema->logical != SLUICE_LOGICAL_NONE || (schema->name.data != NULL && number))
        return category == 'B' || category == 'A' || strcmp(type, "uuid") == 0 ||
                       strcmp(type, "bytea") == 0
                   ? "a moment"
                   : NULL;
    if (number)
        return category == 'N' || category == 'S' || category == 'V' ? NULL : "a number";
    switch (schema->type) {
    case SLUICE_BOOLEAN: return category == 'B' || category == 'S' ? NULL : "a boolean";
    case SLUICE_BYTES: return strcmp(type, "bytea") == 0 || category == 'S' ? NULL : "bytes";
    case SLUICE_ARRAY:
        return category == 'A' || category == 'S' || strncmp(type, "json", 4) == 0 ? NULL
                                                                                   : "an array";
    case SLUICE_MAP:
    case SLUICE_STRUCT:
        return category == 'S' || strncmp(type, "json", 4) == 0 ? NULL : "an object";
    default: return NULL; /* text is read by every type's own input */
    }
}

static int too_narrow(const sluice_schema_t *schema, const char *type) {
    return schema->name.data == NULL &&
           ((schema->type == SLUICE_INT64 && strcmp(type, "integer") == 0) ||
            (schema->type >= SLUICE_INT32 && schema->type <= SLUICE_INT64 &&
             strcmp(type, "smallint") == 0));
}

static void check_type(const probe_t *p, const char *table, const sample_field_t *f, int row) {
    const PGresult *r = p->ask.results[R_COLUMNS];
    const char *type = PQgetvalue(r, row, C_TYPE);
    const char *wrong =
        f->schema != NULL ? misfit(f->schema, PQgetvalue(r, row, C_CATEGORY)[0], type) : NULL;
    sluice_str_t given = f->schema != NULL ? sample_type_name(f->schema) : sluice_str("");

    if (wrong != NULL)
        p->api->config_error(
            p->ctx, "table.name.format",
            "table %s: field %.*s (%.*s) is %s, which column type %s does not take; "
            "change the column, or the field by a transform",
            table, (int)f->name.len, f->name.data, (int)given.len, given.data, wrong, type);
    else if (f->schema != NULL && too_narrow(f->schema, type))
        p->api->log(
            p->ctx, SLUICE_LOG_WARN,
            "table %s: field %.*s is %.*s, column type %s is narrower: a large value will be "
            "refused",
            table, (int)f->name.len, f->name.data, (int)given.len, given.data, type);
}

/* ---- tables ---- */

static int column_row(const probe_t *p, sluice_str_t name) {
    const PGresult *r = p->ask.results[R_COLUMNS];
    int i;

    for (i = 0; i < PQntuples(r); i++) {
        if (sluice_str_eq(sluice_str(PQgetvalue(r, i, C_NAME)), name))
            return i;
    }
    return -1;
}

static void check_fields(const probe_t *p, const char *table, const sluice_record_t *record) {
    uint32_t i;

    for (i = 0; i < sample_field_count(record); i++) {
        sample_field_t f = sample_field_at(record, i);
        int row = column_row(p, f.name);

        if (row >= 0)
            check_type(p, table, &f, row);
        else if (p->sink.missing == MISSING_FAIL)
            p->api->config_error(
                p->ctx, "table.name.format",
                "table %s has no column for the field %.*s; add it, drop the field by "
                "a transform, or set missing.columns=ignore",
                table, (int)f.name.len, f.name.data);
    }
}

/* Columns that must have a value and would get none; a key of one column may be the whole record
 * key. */
static void check_columns(const probe_t *p, const char *table, const sluice_record_t *record) {
    const PGresult *r = p->ask.results[R_COLUMNS];
    int scalar_key = !sluice_is_null(&record->key) && record->key.kind != SLUICE_STRUCT &&
                     record->key.kind != SLUICE_MAP;
    int i;

    for (i = 0; i < PQntuples(r); i++) {
        const char *name = PQgetvalue(r, i, C_NAME);

        if (PQgetvalue(r, i, C_NEEDED)[0] == 't' && !sample_has(record, name) &&
            !(scalar_key && PQgetvalue(r, i, C_KEY)[0] == 't'))
            p->api->config_error(
                p->ctx, "table.name.format",
                "table %s: column %s is NOT NULL without a default, and no field has "
                "its name; add the field, or a default",
                table, name);
    }
}

static void check_keys(const probe_t *p, const char *table) {
    const PGresult *r = p->ask.results[R_COLUMNS];
    int i, has_key = p->sink.key_count > 0;
    size_t k;

    for (i = 0; i < PQntuples(r); i++)
        has_key |= PQgetvalue(r, i, C_KEY)[0] == 't';
    if (p->sink.mode == INSERT_UPSERT && !has_key)
        p->api->config_error(
            p->ctx, "pk.fields",
            "table %s has no primary key, which insert.mode=upsert needs; add one, "
            "name a unique key's columns here, or set insert.mode=insert",
            table);
    for (k = 0; k < p->sink.key_count; k++) {
        if (column_row(p, sluice_str(p->sink.keys[k])) < 0)
            p->api->config_error(p->ctx, "pk.fields", "table %s has no column %s", table,
                                 p->sink.keys[k]);
    }
}

static void check_rights(const probe_t *p, const char *table) {
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};
    const int needed[] = {p->sink.mode == INSERT_UPSERT, 1, p->sink.mode == INSERT_UPSERT,
                          p->sink.delete_enabled};
    size_t i;

    for (i = 0; i < 4; i++) {
        if (needed[i] && PQgetvalue(p->ask.results[R_TABLE], 0, (int)i + 1)[0] != 't')
            p->api->config_error(p->ctx, "user",
                                 "role %s may not %s table %s; run \"GRANT %s ON %s TO %s\"",
                                 p->api->config_text(p->ctx, "user"), rights[i], table, rights[i],
                                 table, p->api->config_text(p->ctx, "user"));
    }
}

static void table_sql(pg_sql_t *sql, const char *quoted) {
    pg_sql_put(
        sql,
        "SELECT c.oid, has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT'),"
        " has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE')"
        " FROM pg_class c WHERE c.oid = to_regclass(");
    pg_sql_literal(sql, quoted);
    pg_sql_put(sql, ");SELECT a.attname, format_type(a.atttypid, NULL), t.typcategory,"
                    " a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',"
                    " coalesce(a.attnum = ANY(i.indkey::int2[]), false)"
                    " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
                    " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
                    " WHERE a.attrelid = to_regclass(");
    pg_sql_literal(sql, quoted);
    pg_sql_put(
        sql, ") AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum");
}

/* record NULL: nothing to compare. */
static void check_table(probe_t *p, sluice_str_t topic, const sluice_record_t *record) {
    char *table = pg_table_name(&p->sink, topic);
    char *quoted = table != NULL ? pg_quoted_name(table) : NULL;
    pg_sql_t sql = {0};

    table_sql(&sql, quoted != NULL ? quoted : "");
    if (sql.failed || pg_ask_query(&p->ask, sql.text) != SLUICE_OK || p->ask.count != R_COUNT) {
        pg_ask_report(&p->ask, p->api, p->ctx, "table.name.format", "looking for the table");
    } else if (PQntuples(p->ask.results[R_TABLE]) == 0) {
        p->api->config_error(
            p->ctx, "table.name.format",
            "there is no table %s in database %s (topic %.*s); create it, or correct "
            "the name",
            table, p->api->config_text(p->ctx, "dbname"), (int)topic.len, topic.data);
    } else {
        check_rights(p, table);
        check_keys(p, table);
        if (record != NULL) {
            check_fields(p, table, record);
            check_columns(p, table, record);
        }
    }
    pg_sql_fini(&sql);
    free(quoted);
    free(table);
}

static void check_tables(probe_t *p) {
    sluice_batch_t *sample = p->api->sample(p->ctx);
    const sluice_record_t *records;
    size_t i, count = 0;

    if (sample == NULL && strstr(p->sink.table_format, "${topic}") == NULL)
        check_table(p, sluice_str(""), NULL);
    if (sample == NULL)
        return;
    records = p->api->batch_records(sample, &count);
    for (i = 0; i < count; i++) {
        if (sample_is_first(records, i))
            check_table(p, records[i].topic, &records[i]);
    }
}

int pg_sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    probe_t p = {.api = api, .ctx = ctx};
    pg_params_t params;

    pg_sink_options(&p.sink, api, ctx);
    params = pg_sink_params(&p.sink);
    if (pg_ask_open(&p.ask, &params) != SLUICE_OK)
        pg_ask_report_connect(&p.ask, api, ctx, &params, "");
    else
        check_tables(&p);
    pg_ask_close(&p.ask);
    return SLUICE_OK;
}
