/*
 * sources/postgres/record.h: building change events in Debezium's envelope, and handing them on in
 * batches.
 *
 * What this is: the emitter. It holds the batch under construction, knows the transaction that is
 * being read, and makes one arena allocation for each record's structs. Values point into the row's
 * text (which the caller has put into the batch's arena or pinned to it), into the table's plan
 * (pinned) or into `statics` (pinned to every batch).
 * Ownership: pg_emitter_init .. pg_emitter_fini; an unsent batch is dropped by fini. Thread: the
 * instance's.
 */
#ifndef SOURCES_POSTGRES_RECORD_H
#define SOURCES_POSTGRES_RECORD_H

#include "offset.h"
#include "pgoutput.h"
#include "table.h"

#define PG_SOURCE_FIELDS 16

typedef enum pg_marker {
    PG_MARK_NONE,
    PG_MARK_TRUE,
    PG_MARK_FIRST,
    PG_MARK_FIRST_IN,
    PG_MARK_LAST_IN,
    PG_MARK_LAST
} pg_marker_t;

/* Rows in the middle of a snapshot come from the same place: those of a batch share the block. */
typedef struct pg_alike {
    sluice_struct_t *source;
    pg_offset_t *offset;
    const pg_table_t *table;
    uint64_t serial; /* the batch in whose arena they are */
} pg_alike_t;

typedef struct pg_emitter {
    const pg_env_t *env;
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_batch_t *statics; /* strings and headers that every record shares */
    sluice_header_t *headers;
    uint32_t header_count;
    uint32_t partition;
    sluice_batch_t *batch; /* NULL: none begun */
    uint64_t serial;
    uint32_t records;
    size_t bytes; /* row text in the batch */
    size_t used;  /* structs in the batch */
    size_t hint;
    uint64_t last_emit_ns;
    int64_t now_us; /* wall clock of the events, set by pg_emitter_clock */
    int64_t now_ns;
    /* The transaction (or snapshot) being read. */
    uint64_t tx_position; /* LSN of its commit record */
    pg_offset_t offset;   /* as of the last record: lsn, lsn_commit, txid, ts ... */
    sluice_value_t source[PG_SOURCE_FIELDS]; /* template of the source block */
    const char *sequence;                    /* ["<lsn_commit>"," or [null," */
    size_t sequence_len;
    uint64_t texts_serial; /* batch in whose arena the template's texts are */
    pg_alike_t alike;
    uint64_t last_lsn;     /* of the last change, and how many had it */
    uint64_t same_lsn;
    char origin[512]; /* replication origin of the transaction, "" when none */
    uint64_t origin_lsn;
    sluice_metric_t *events[5]; /* c u d t r */
} pg_emitter_t;

int pg_emitter_init(pg_emitter_t *e, const pg_env_t *env, uint32_t partition);
void pg_emitter_fini(pg_emitter_t *e);

/* Reads the wall clock for the events to come. */
void pg_emitter_clock(pg_emitter_t *e);

/* A transaction (xid 0: none) begins whose commit record is at `commit`; or a snapshot as of that
 * LSN. */
void pg_emitter_begin(pg_emitter_t *e, uint64_t commit, int64_t ts_us, uint32_t xid);
void pg_emitter_commit(pg_emitter_t *e, uint64_t end_lsn);

/* The batch to put row text into; begins one when there is none. NULL when out of memory. */
sluice_batch_t *pg_emitter_batch(pg_emitter_t *e);

/* Whether the batch has as many records (max.batch.size) or bytes as a batch should have. */
int pg_emitter_full(const pg_emitter_t *e);

/* Counts one more change with that LSN. */
void pg_emitter_change(pg_emitter_t *e, uint64_t lsn);

/* The records of one change; rows as they came, their text in the batch. op: I U D T. SLUICE_FATAL
 * after api->fail when a NOT NULL column's value cannot be represented. */
int pg_emit_change(pg_emitter_t *e, pg_table_t *t, char op, const pgo_tuple_t *old_row,
                   const pgo_tuple_t *new_row, uint32_t part);

/* A row of the snapshot; count numbers them. */
int pg_emit_snapshot(pg_emitter_t *e, pg_table_t *t, const pgo_tuple_t *row, pg_marker_t marker,
                     uint64_t count);

/* Sends the batch. SLUICE_OK, SLUICE_BUSY (taken; stop until on_credit) or an error. */
int pg_emitter_flush(pg_emitter_t *e);

/* Moves the partition on to `lsn` (everything committed before it is done) behind what was emitted.
 * */
int pg_emitter_advance(pg_emitter_t *e, const sluice_position_t *position);

#endif
