/*
 * sources/postgres/source.h: one instance of the source, as its parts see it.
 *
 * The way of an instance: setup.c connects, looks at the server, creates publication and slot and
 * completes OPEN; snapshot.c reads the tables when needed; stream.c then follows the slot until
 * close. Each part keeps its own state in a struct below and calls the next one.
 * Ownership: everything belongs to the instance and is freed by close and destroy (postgres.c).
 * Thread: the instance's.
 */
#ifndef SOURCES_POSTGRES_SOURCE_H
#define SOURCES_POSTGRES_SOURCE_H

#include "clients/postgres/pg_conn.h"
#include "clients/postgres/pg_sql.h"
#include "offset.h"
#include "record.h"
#include "sluice/uv.h"
#include "table.h"

/* A captured table, as found at the start. */
typedef struct pg_found {
    uint32_t oid;
    size_t rank; /* of the first matching item of table.include.list */
    int readable;
    int partition_root;
    char *schema;
    char *name;
} pg_found_t;

/* What the server said when we asked. */
typedef struct pg_facts {
    int version; /* 150020 */
    int standby;
    uint64_t sender_timeout_ms; /* 0: none */
    uint64_t wal_lsn;
    int has_slot;
    const char *slot_lost; /* see pg_slot_lost */
    uint64_t slot_confirmed;
    int has_publication;
    pg_found_t *found; /* captured tables in snapshot order */
    size_t found_count;
} pg_facts_t;

/* Why the stream does not read: any bit set. */
#define PG_STOP_CREDIT  0x01u
#define PG_STOP_PAUSE   0x02u
#define PG_STOP_CATALOG 0x04u /* a table's metadata is being read */
#define PG_STOP_LINGER  0x08u /* busy: more may gather in the socket */
#define PG_STOP_BROKEN  0x10u

typedef struct pg_stream {
    int running;
    unsigned stops;
    uint64_t received; /* LSN up to which the server has sent */
    uint64_t flushed;  /* LSN up to which everything is durable: what the slot is told */
    uint64_t wal_end;  /* the server's last word on its WAL */
    uint64_t advanced; /* LSN up to which the partition was moved on */
    uint64_t advanced_ns;
    uint64_t beats; /* heartbeats so far */
    uint64_t last_drain_ns;
    int in_transaction;
    pgo_cell_t *old_cells, *new_cells;
    pg_table_t **tables; /* by the Relation messages of this session, open addressing on relid */
    size_t table_count, table_room;
    char *relation; /* the Relation message whose catalog query is under way */
    int relation_len;
    sluice_timer_t *status_timer, *heartbeat_timer;
    uv_timer_t linger;
    uint64_t
        skip_lsn; /* taking over a foreign offset: changes of its transaction up to here are done */
    int skipping;
    sluice_metric_t *lag_bytes, *lag_seconds, *transactions, *retained;
} pg_stream_t;

typedef struct pg_snapshot {
    int running;
    char name[64]; /* of the exported snapshot, "" when none */
    uint64_t lsn;
    size_t next;            /* index in found */
    pg_table_t *table;      /* being copied */
    pg_table_t *held_table; /* of the held row */
    char *held;             /* the last row read: sent when it is known what follows it */
    int held_len;
    int held_first, held_first_in, held_ended;
    uint64_t rows, table_rows;
    size_t tables; /* begun so far */
    int copying, blocked;
    pgo_cell_t *cells;
    sluice_metric_t *rows_total;
} pg_snapshot_t;

typedef struct pg_source {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    pg_env_t env; /* options, shared schemas */
    pg_facts_t facts;
    pg_emitter_t out;
    pg_snapshot_t snapshot;
    pg_stream_t stream;
    uint32_t partition;
    pg_conn_t *general; /* metadata */
    pg_conn_t *repl;
    pg_conn_t *snap;
    int has_stored;
    pg_offset_t stored;
    sluice_position_t stored_position;
    int want_snapshot, want_stream;
    int made_slot, made_publication; /* by this instance */
    int temporary_slot;              /* one more slot, only for its snapshot */
    int snapshot_done;
    uint64_t start_lsn; /* START_REPLICATION from here, 0: where the slot is */
    int opening, closing, failed;
    int open_status; /* what a failed open completes with, once it is undone */
    int to_close;    /* handles that libuv has not let go of yet */
} pg_source_t;

/* setup.c */
int pg_setup_begin(pg_source_t *s);
void pg_slot_drop_sql(pg_sql_t *sql, const char *slot); /* waits until the slot is free */

/* facts.c: what the server and its catalog say */
enum {
    PG_FACTS_UUID,
    PG_FACTS_SERVER,
    PG_FACTS_SLOT,
    PG_FACTS_PUBLICATION,
    PG_FACTS_MEMBERS,
    PG_FACTS_TABLES,
    PG_FACTS_COUNT
};
void pg_facts_sql(const pg_options_t *o, pg_sql_t *sql); /* gives so many results */
/* Two of them: whether the publication is of all tables, and the tables it has. */
void pg_membership_sql(const pg_options_t *o, pg_sql_t *sql);
/* The end of a statement over the tables (c) of all schemas (n) that can be captured. */
#define PG_FROM_TABLES                                                    \
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"      \
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u')"   \
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"          \
    " ORDER BY n.nspname, c.relname"
/* Fills s->facts; a server, slot or database that will not do is a status after api->fail. */
int pg_facts_read(pg_source_t *s, PGresult *const *r);
void pg_facts_fini(pg_facts_t *facts);
/* Why a slot is of no use any more, in words that follow its name; NULL when it is. Both texts from
 * pg_replication_slots, "" where the server has no such column. */
const char *pg_slot_lost(const char *wal_status, const char *invalidation_reason);

/* publication.c: the statement that makes or changes the publication, by the results of
 * pg_facts_sql; empty when it is right as it is */
int pg_publication_sql(pg_source_t *s, PGresult *const *r, pg_sql_t *sql);

/* snapshot.c */
void pg_snapshot_begin(pg_source_t *s);
void pg_snapshot_credit(pg_source_t *s); /* credit came back, or resume */
void pg_snapshot_fini(pg_source_t *s);

/* stream.c */
void pg_stream_begin(pg_source_t *s);
void pg_stream_stop(pg_source_t *s, unsigned why);
void pg_stream_go(pg_source_t *s, unsigned why); /* that reason is gone */
void pg_stream_committed(pg_source_t *s, uint64_t lsn);
void pg_stream_end(pg_source_t *s); /* timers; before its connection closes */
void pg_stream_fini(pg_source_t *s);
int pg_stream_flush(pg_source_t *s); /* emits what has gathered */

/* relations.c: the tables that the stream's Relation messages name */
pg_table_t *pg_relations_find(const pg_stream_t *m, uint32_t relid); /* NULL: not captured */
/* Reading stops until the catalog has said what the message leaves out. Takes a copy of the
 * message. */
int pg_relations_read(pg_source_t *s, const pgo_event_t *e, sluice_str_t payload);
void pg_relations_fini(pg_stream_t *m);

/* heartbeat.c: one heartbeat record, unless the stream is busy or stopped; arg: the source */
void pg_heartbeat(void *arg);

/* postgres.c: the instance failed with `status` (api->fail was called): ends open, or reports
 * broken. */
void pg_source_failed(pg_source_t *s, int status);
/* As above, from a libpq error. */
void pg_source_error(pg_source_t *s, const pg_error_t *error, int status, const char *doing);

#endif
