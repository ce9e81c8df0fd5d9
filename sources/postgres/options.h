/*
 * sources/postgres/options.h: the source's options under Debezium's names, read once into a struct.
 *
 * Ownership: pg_options_t borrows texts from ctx (valid until destroy) and owns its filters:
 * pg_options_fini.
 * Thread: the instance's; check runs on whatever thread the host validates on.
 */
#ifndef SOURCES_POSTGRES_OPTIONS_H
#define SOURCES_POSTGRES_OPTIONS_H

#include "clients/postgres/pg_conn.h"
#include "clients/postgres/pg_sql.h"
#include "filter.h"
#include "sluice/plugin.h"

typedef enum pg_snapshot_mode {
    PG_SNAPSHOT_INITIAL,
    PG_SNAPSHOT_ALWAYS,
    PG_SNAPSHOT_INITIAL_ONLY,
    PG_SNAPSHOT_NO_DATA,
    PG_SNAPSHOT_WHEN_NEEDED,
    PG_SNAPSHOT_NEVER /* older name of no_data */
} pg_snapshot_mode_t;

typedef enum pg_publication_mode {
    PG_PUB_ALL_TABLES,
    PG_PUB_FILTERED,
    PG_PUB_DISABLED,
    PG_PUB_NO_TABLES
} pg_publication_mode_t;
typedef enum pg_decimal_mode {
    PG_DECIMAL_PRECISE,
    PG_DECIMAL_DOUBLE,
    PG_DECIMAL_STRING
} pg_decimal_mode_t;
typedef enum pg_binary_mode {
    PG_BINARY_BYTES,
    PG_BINARY_BASE64,
    PG_BINARY_BASE64_URL,
    PG_BINARY_HEX
} pg_binary_mode_t;
typedef enum pg_interval_mode { PG_INTERVAL_NUMERIC, PG_INTERVAL_STRING } pg_interval_mode_t;
typedef enum pg_time_mode {
    PG_TIME_ADAPTIVE,
    PG_TIME_ADAPTIVE_MICROS,
    PG_TIME_CONNECT,
    PG_TIME_MICROSECONDS,
    PG_TIME_NANOSECONDS,
    PG_TIME_ISOSTRING
} pg_time_mode_t;

/* How column values are mapped. */
typedef struct pg_modes {
    pg_decimal_mode_t decimal;
    pg_time_mode_t time;
    pg_binary_mode_t binary;
    pg_interval_mode_t interval;
    int money_digits;
    int unknown_types;
    int hstore_map;
    const char *placeholder;
    char placeholder_uuid[40]; /* name-based UUID of it, "" until the server has told its MD5 */
} pg_modes_t;

typedef struct pg_options {
    const char *hostname, *user, *password, *dbname, *sslmode, *sslcert, *sslkey, *sslpassword,
        *sslrootcert;
    const char *initial_statements;
    int port, keepalive;
    uint64_t connect_ms;
    const char *prefix, *delimiter;
    const char *slot, *publication;
    pg_publication_mode_t publication_mode;
    pg_snapshot_mode_t snapshot;
    pg_modes_t modes;
    pg_filter_t tables, schemas, columns, snapshot_tables;
    int tombstones, extended_headers, drop_slot, via_root, skip_unchanged;
    int skip_truncate, skip_create, skip_update, skip_delete, skipped_given;
    uint64_t status_ms, heartbeat_ms;
    const char *heartbeat_prefix, *heartbeat_name;
    uint32_t batch_records;
} pg_options_t;

#define PG_OPTION_COUNT 112
extern const sluice_option_t pg_option_table[PG_OPTION_COUNT];

/* Reads all options. SLUICE_INVALID after api->fail when one cannot be used (the host has checked
 * types before). */
int pg_options_init(pg_options_t *options, const sluice_api_t *api, sluice_ctx_t *ctx);
void pg_options_fini(pg_options_t *options);

/* What the table cannot say: pairs that exclude each other, names, options of Debezium that this
 * version refuses. */
int pg_options_check(const sluice_api_t *api, sluice_ctx_t *ctx);

/* Connection parameters of one of our sessions. */
pg_params_t pg_options_params(const pg_options_t *options, const char *application_name,
                              int replication);

/* database.initial.statements as one text of SQL; nothing is written when there are none. */
void pg_options_initial_sql(const pg_options_t *options, pg_sql_t *sql);

#endif
