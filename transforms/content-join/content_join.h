/*
 * The parts of the content-join transform and how they meet.
 *
 *   join.c   options, descriptor, life of an instance, apply
 *   key.c    join keys as comparable bytes
 *   row.c    what is kept of a lookup row: its selected fields with their types, as bytes
 *   table.c  the lookup table: versions by position in SQLite; memory is its page cache, the rest
 *            is on disk
 *
 * The table is fed from the same stream: rows of lookup.topic are absorbed as versions at their
 * position, and an event at position p is joined with the newest version at or below p. So a replay
 * from an older position gives the same answers. Versions that no replay can ask for (older than
 * the newest at or below the committed position) are removed.
 * Thread: all on the instance's, but for the fdatasync of a checkpoint.
 */
#ifndef TRANSFORMS_CONTENT_JOIN_H
#define TRANSFORMS_CONTENT_JOIN_H

#include "sluice/plugin.h"
#include "support/extend.h"
#include <sqlite3.h>

enum { JOIN_MAX_FIELDS = 32, JOIN_KEY_MAX = 1024, JOIN_ORDER_MAX = SLUICE_POSITION_MAX + 5 };

typedef struct join_table {
    sqlite3 *db;
    sqlite3_stmt *find;
    sqlite3_stmt *put;
    sqlite3_stmt *prune;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    int writing; /* a transaction is open */
    int dirty;   /* committed, but not yet known to be on disk */
    int wal_fd;
    uint8_t committed[JOIN_ORDER_MAX]; /* nothing at or below will be seen again */
    size_t committed_len;
} join_table_t;

/* ---- table.c; negative status with sqlite's words in *why ---- */
int join_table_open(join_table_t *t, const char *path, int64_t memory_bytes, const char **why);
void join_table_close(join_table_t *t);
/* A version of a row; row.data NULL: deleted at this position. */
int join_table_put(join_table_t *t, sluice_str_t key, const sluice_record_t *at, sluice_str_t row,
                   const char **why);
/* The newest version at or below the record's position; 1 found (row valid until the next call), 0
 * none. */
int join_table_find(join_table_t *t, sluice_str_t key, const sluice_record_t *at, sluice_str_t *row,
                    const char **why);
int join_table_commit(join_table_t *t, const char **why);
/* Blocking; after commit. May run on another thread while the table is used. */
int join_table_sync(const join_table_t *t);
void join_table_committed(join_table_t *t, const sluice_position_t *position);

/* ---- key.c ---- */
/* Comparable bytes of a join key: its type class and its text, so that 5 of any integer type is 5,
 * and a uuid is the same in any case. Length, 0 when the key is null, -1 when it is no scalar or
 * longer than size. */
int join_key(const sluice_value_t *value, char *bytes, size_t size);

/* ---- row.c ---- */
typedef struct join_fields {
    uint32_t count;
    sluice_str_t from[JOIN_MAX_FIELDS]; /* names in the lookup row */
    sluice_str_t to[JOIN_MAX_FIELDS];   /* names in the joined record */
    const sluice_schema_t
        *schema[JOIN_MAX_FIELDS]; /* last known optional schema; one reference each */
} join_fields_t;

/* Encodes the selected fields of a lookup row. data NULL when out of memory. */
sluice_str_t join_row_encode(const sluice_api_t *api, sluice_batch_t *scratch,
                             const join_fields_t *fields, const sluice_value_t *row);
/* Decodes into values (memory of batch) and keeps fields->schema up to date. */
int join_row_decode(const sluice_api_t *api, sluice_batch_t *batch, join_fields_t *fields,
                    sluice_str_t row, sluice_value_t *values);
/* A schema for each field that no row has told yet: optional string. */
int join_row_default_schemas(const sluice_api_t *api, join_fields_t *fields);

#endif
