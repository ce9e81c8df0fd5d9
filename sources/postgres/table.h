/*
 * sources/postgres/table.h: a captured table's plan: columns, schemas, topic; and what the catalog
 * says of a table.
 *
 * Ownership: a pg_table_t and everything in it lives in an arena of its own (an unsent batch).
 * pg_table_free lets go of the owner's reference; batches whose values point into the plan hold
 * references too (pg_table_pin), so a plan outlives its replacement as long as needed. Thread: the
 * instance's; the arena may be freed on any.
 */
#ifndef SOURCES_POSTGRES_TABLE_H
#define SOURCES_POSTGRES_TABLE_H

#include "clients/postgres/pg_sql.h"
#include "column.h"
#include "pgoutput.h"

typedef struct pg_table {
    const sluice_api_t *api;
    sluice_batch_t *arena;
    uint32_t relid;
    const char *schema_name;
    const char *name;
    sluice_str_t schema, table, topic;
    uint16_t count; /* columns, in the order of the tuples */
    uint16_t key_count;
    uint32_t row_fields;
    pg_column_t *columns;
    uint16_t *keys; /* indexes of the key columns, in key order */
    const sluice_schema_t *row_schema;
    const sluice_schema_t *key_schema; /* NULL: no key */
    const sluice_schema_t *envelope_schema;
    uint64_t pinned; /* number of the batch that holds a reference already */
} pg_table_t;

/* Schemas that all envelopes share; made once an instance. */
typedef struct pg_common {
    const sluice_schema_t *source, *transaction, *text, *instant;
} pg_common_t;

/* What one instance works with. */
typedef struct pg_env {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    pg_options_t options;
    pg_common_t common;
} pg_env_t;

int pg_common_init(pg_common_t *common, const sluice_api_t *api);
void pg_common_fini(pg_common_t *common, const sluice_api_t *api);

/* The statements whose PG_CATALOG_RESULTS results pg_table_build reads. */
#define PG_CATALOG_RESULTS 3
void pg_catalog_sql(pg_sql_t *sql, uint32_t relid);

/* Builds the plan of a table. relation NULL: columns as in the catalog (a snapshot); otherwise as
 * in that message, with nullability, defaults and key from the catalog. NULL when out of memory. */
pg_table_t *pg_table_build(const pg_env_t *env, uint32_t relid, const char *schema,
                           const char *name, const pgo_event_t *relation, PGresult *const *catalog);
void pg_table_free(pg_table_t *table);

/* Keeps the plan's memory alive with a batch; serial numbers the batches, so that each is pinned
 * once. */
int pg_table_pin(pg_table_t *table, sluice_batch_t *batch, uint64_t serial);

/* Whether schema.table passes the filters. */
int pg_is_captured(const pg_options_t *options, const char *schema, const char *name);

/* <prefix><delimiter><schema><delimiter><table>, characters that Kafka does not take as '_'. */
sluice_str_t pg_topic_name(const pg_options_t *options, sluice_batch_t *arena,
                           const sluice_api_t *api, const char *schema, const char *name);

#endif
