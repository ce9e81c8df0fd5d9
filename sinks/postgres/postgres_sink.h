/*
 * The parts of the PostgreSQL sink and how they meet.
 *
 *   postgres.c  options, descriptor, life of an instance: connect, position table, positions
 *   table.c     what is known of the target tables: columns, types, primary key
 *   plan.c      a batch -> groups of rows of one table and shape, the SQL that writes them, their
 *               COPY text
 *   text.c      values as COPY text
 *   parts.c     batches that wait, and which of them share a transaction
 *   delivery.c  one transaction in flight: BEGIN, COPY, merge, position, COMMIT in a single
 *               request, each result looked at
 *
 * Rows always travel by COPY: for insert.mode=insert into the table itself, else into a temporary
 * stage from which one DELETE and one INSERT ... ON CONFLICT merge them, the last change of each
 * key winning. Exactly once: table sluice_positions gets the source position in the same
 * transaction and is read at open.
 * Thread: all on the instance's.
 */
#ifndef SINKS_POSTGRES_SINK_H
#define SINKS_POSTGRES_SINK_H

#include "clients/postgres/pg_conn.h"
#include "clients/postgres/pg_sql.h"
#include "sluice/plugin.h"

enum insert_mode { INSERT_PLAIN, INSERT_UPSERT };
enum missing_mode { MISSING_FAIL, MISSING_IGNORE };

/* Batches: they wait for the transaction under way, and share the next. */
enum { PG_IN_FLIGHT = 256 };

typedef struct pg_column {
    char *name;
    char *type; /* as format_type prints it */
    int key;    /* place in the primary key, from 1; 0: not in it */
} pg_column_t;

typedef struct pg_target {
    char *name;     /* as the option or topic has it */
    char *sql_name; /* quoted, with schema */
    pg_column_t *columns;
    size_t column_count;
    size_t key_count;
    uint64_t seen; /* number of the delivery for which the catalogue was asked */
    struct pg_target *next;
} pg_target_t;

typedef struct pg_delivery pg_delivery_t;

/* A batch that was written and has not ended. */
typedef struct pg_part {
    struct pg_part *next;
    size_t rows;
    size_t bytes;
    sluice_batch_t *batch;
    sluice_ticket_t *ticket;
} pg_part_t;

typedef struct pg_parts {
    pg_part_t *first; /* oldest first */
    pg_part_t *last;
    size_t count;
    size_t rows;
    size_t bytes;
} pg_parts_t;

typedef struct pg_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    pg_conn_t *conn;
    pg_target_t *targets;
    enum insert_mode mode;
    enum missing_mode missing;
    int delete_enabled;
    int exactly_once;
    int64_t max_rows; /* of a transaction that batches share */
    int64_t max_bytes;
    int64_t linger_ms;
    const char *table_format;
    const char *const *keys; /* option pk.fields */
    size_t key_count;
    char owner[256];
    int opening;
    int ready;
    int closing;
    int flushing;
    pg_delivery_t *current;
    pg_parts_t waiting; /* behind it */
    size_t in_flight;   /* waiting, or in the current transaction */
    size_t flush_left;  /* of them, how many a flush waits for */
    size_t alone;       /* so many of those that wait go one by one */
    int posted;         /* the next transaction's start is on its way */
    int due;            /* those that wait have waited for linger */
    sluice_timer_t *linger;
    uint64_t deliveries;  /* so far, the current one included */
    const char *bad_code; /* why the last plan failed, of pg_bad */
    char bad_text[600];
    sluice_metric_t *rows;
    sluice_metric_t *transactions;
} pg_sink_t;

/* ---- table.c ---- */
/* The name of the table of a topic; malloc'ed. */
char *pg_table_name(const pg_sink_t *sink, sluice_str_t topic);
/* "schema"."table" of such a name; malloc'ed. */
char *pg_quoted_name(const char *name);
pg_target_t *pg_target_find(const pg_sink_t *sink, const char *name);
/* The query that tells a table's columns, and what its answer says. NULL when there is no such
 * table. */
void pg_target_query(pg_sql_t *sql, const char *name);
pg_target_t *pg_target_from(const pg_sink_t *sink, const char *name, const PGresult *result);
void pg_targets_free(pg_sink_t *sink);
/* Forgets tables that were not asked for by this delivery: they may have changed. How many. */
size_t pg_targets_forget(pg_sink_t *sink);
const pg_column_t *pg_target_column(const pg_target_t *target, sluice_str_t name);
int pg_is_key(const pg_sink_t *sink, const pg_target_t *target, const pg_column_t *column);
size_t pg_key_count(const pg_sink_t *sink, const pg_target_t *target);

/* ---- text.c ---- */
/* Appends a value as a field of COPY's text format, for a column of `type` (as format_type prints
 * it). schema may be NULL. SLUICE_NO_MEMORY, SLUICE_OK. */
int pg_copy_value(const sluice_api_t *api, sluice_buf_t *out, sluice_ctx_t *ctx,
                  const sluice_value_t *value, const sluice_schema_t *schema, const char *type);

/* ---- plan.c ---- */
typedef struct pg_group {
    const pg_target_t *target;
    const sluice_schema_t *schema; /* of all its values; NULL: schemaless, or deletes only */
    const pg_column_t **columns;
    size_t column_count;
    sluice_str_t rows; /* COPY text, in the delivery's scratch batch */
    struct pg_group *next;
} pg_group_t;

typedef struct pg_plan {
    pg_group_t *first;
    pg_group_t *last;
    size_t rows;
} pg_plan_t;

/* Sorts the records of all parts into groups. The name of a table that is not known yet, or that
 * may have changed, comes back in *unknown (malloc'ed) with SLUICE_BUSY. A record that does not
 * fit: SLUICE_BAD_RECORD after pg_bad, *bad its number over all parts. */
int pg_plan_make(pg_sink_t *sink, pg_plan_t *plan, const pg_parts_t *parts,
                 sluice_batch_t *scratch, char **unknown, size_t *bad);
void pg_plan_free(pg_plan_t *plan);
/* The whole request: BEGIN, for each group its COPY and merge, the positions, COMMIT. */
void pg_plan_sql(const pg_sink_t *sink, const pg_plan_t *plan, const pg_parts_t *parts,
                 pg_sql_t *sql);

/* ---- parts.c ---- */
/* To the end of those that wait. */
int pg_parts_add(pg_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket);
/* Those of the waiting that go together next: all that fit a transaction, or one. */
void pg_parts_take(pg_sink_t *sink, pg_parts_t *out);
/* They wait again, in front of the others. Empties parts. */
void pg_parts_give_back(pg_sink_t *sink, pg_parts_t *parts);
/* Ends their tickets; result is that of each when status is not OK. Empties parts. */
void pg_parts_end(pg_sink_t *sink, pg_parts_t *parts, int status, const sluice_result_t *result);

/* ---- delivery.c ---- */
int pg_delivery_begin(pg_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket);
/* What waits goes now, however long it has waited. */
void pg_delivery_hurry(pg_sink_t *sink);
/* Ends all that is in flight, or waits, without an answer. */
void pg_delivery_cancel(pg_sink_t *sink, int status, const char *code, const char *why);

/* ---- probe.c ---- */
/* For `validate --connect`: connection, tables, columns against the sample's fields, rights. */
int pg_sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx);

/* ---- postgres.c ---- */
void pg_sink_options(pg_sink_t *sink, const sluice_api_t *api, sluice_ctx_t *ctx);
pg_params_t pg_sink_params(const pg_sink_t *sink);
/* Keeps code (static) and text of what is wrong; returns status. */
int pg_bad(pg_sink_t *sink, int status, const char *code, const char *fmt, ...) SLUICE_PRINTF(4, 5);
void pg_sink_progress(pg_sink_t *sink);
void pg_sink_lost(pg_sink_t *sink);

#endif
