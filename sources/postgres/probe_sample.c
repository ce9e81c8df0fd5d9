#include "probe.h"

#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 64 /* a sample is for comparing, not for everything */

static sluice_struct_t *new_struct(const sluice_api_t *api, sluice_batch_t *batch,
                                   const sluice_schema_t *schema, sluice_value_t *value) {
    size_t size = sizeof(sluice_struct_t) + schema->field_count * sizeof(sluice_value_t);
    sluice_struct_t *st = api->batch_alloc(batch, size);

    if (st == NULL)
        return NULL;
    memset(st, 0, size);
    st->schema = schema;
    value->kind = SLUICE_STRUCT;
    value->len = schema->field_count;
    value->as.st = st;
    return st;
}

static int add_record(const pg_env_t *env, sluice_batch_t *batch, pg_table_t *t, uint64_t serial) {
    const sluice_api_t *api = env->api;
    sluice_record_t *r = api->batch_add(batch);
    sluice_struct_t *envelope, *row, *key = NULL;

    if (r == NULL || pg_table_pin(t, batch, serial) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    r->topic = t->topic;
    r->value_schema = t->envelope_schema;
    envelope = new_struct(api, batch, t->envelope_schema, &r->value);
    row = envelope != NULL ? new_struct(api, batch, t->row_schema, &envelope->fields[1]) : NULL;
    if (row == NULL)
        return SLUICE_NO_MEMORY;
    envelope->fields[4] = sluice_text(SLUICE_STRING, sluice_str("c"));
    if (t->key_schema != NULL) {
        r->key_schema = t->key_schema;
        if ((key = new_struct(api, batch, t->key_schema, &r->key)) == NULL)
            return SLUICE_NO_MEMORY;
    }
    for (uint16_t i = 0; i < t->count; i++) {
        const pg_column_t *c = &t->columns[i];
        if (c->field >= 0 && c->not_null)
            row->fields[c->field] = c->fallback;
    }
    for (uint16_t i = 0; key != NULL && i < t->key_count; i++)
        key->fields[i] = t->columns[t->keys[i]].fallback;
    return SLUICE_OK;
}

static int add_table(const pg_env_t *env, pg_ask_t *ask, sluice_batch_t *batch, uint32_t oid,
                     const char *schema, const char *name, uint64_t serial) {
    pg_sql_t sql = {0};
    pg_table_t *t = NULL;
    int status = SLUICE_NO_MEMORY;

    pg_catalog_sql(&sql, oid);
    if (!sql.failed && pg_ask_query(ask, sql.text) == SLUICE_OK &&
        ask->count == PG_CATALOG_RESULTS && PQntuples(ask->results[0]) > 0)
        t = pg_table_build(env, oid, schema, name, NULL, ask->results);
    pg_sql_fini(&sql);
    if (t != NULL)
        status = add_record(env, batch, t, serial);
    pg_table_free(t);
    return status;
}

void pg_probe_sample(pg_env_t *env, pg_ask_t *ask, PGresult *rows) {
    const sluice_api_t *api = env->api;
    sluice_batch_t *batch = api->batch_new(env->ctx, 4096);
    int status = batch != NULL && pg_common_init(&env->common, api) == SLUICE_OK
                     ? SLUICE_OK
                     : SLUICE_NO_MEMORY;
    int tables = 0;

    for (int i = 0; status == SLUICE_OK && i < PQntuples(rows) && tables < TABLES_MAX; i++) {
        const char *schema = PQgetvalue(rows, i, 1), *name = PQgetvalue(rows, i, 2);
        if (!pg_is_captured(&env->options, schema, name))
            continue;
        status = add_table(env, ask, batch, (uint32_t)strtoul(PQgetvalue(rows, i, 0), NULL, 10),
                           schema, name, 1);
        tables++;
    }
    if (status == SLUICE_OK && tables > 0) {
        api->emit(env->ctx, batch);
        batch = NULL;
    }
    api->batch_unref(batch);
    pg_common_fini(&env->common, api);
}
