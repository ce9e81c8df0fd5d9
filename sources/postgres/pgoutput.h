/*
 * sources/postgres/pgoutput.h: reader of the pgoutput protocol, version 1 (and of COPY text rows).
 *
 * What this is: pure parsing of one message at a time into slices of it; nothing is copied or kept.
 * Every length is checked: whatever bytes come in, the answer is an event or SLUICE_BAD_RECORD.
 * Streaming (version 2) messages are refused, and would be added here. Thread: any.
 */
#ifndef SOURCES_POSTGRES_PGOUTPUT_H
#define SOURCES_POSTGRES_PGOUTPUT_H

#include "sluice/error.h"
#include "sluice/value.h"

#define PGO_COLUMNS_MAX 1664 /* PostgreSQL's MaxTupleAttributeNumber */

/* One column of a tuple. kind: 't' text, 'n' null, 'u' unchanged TOAST (not sent). */
typedef struct pgo_cell {
    const char *data;
    uint32_t len;
    char kind;
} pgo_cell_t;

typedef struct pgo_tuple {
    uint16_t count;
    pgo_cell_t *cells; /* the caller's array of PGO_COLUMNS_MAX */
} pgo_tuple_t;

typedef struct pgo_reader {
    const char *at;
    const char *end;
    int bad; /* sticky: the message is shorter than it says, or holds what it must not */
} pgo_reader_t;

typedef struct pgo_event {
    char kind; /* B C R Y I U D T M O */
    union {
        struct {
            uint64_t final_lsn;
            int64_t commit_us; /* since 1970 */
            uint32_t xid;
        } begin;
        struct {
            uint64_t lsn;
            uint64_t end_lsn;
            int64_t commit_us;
        } commit;
        struct {
            uint32_t relid;
            const char *schema; /* NUL-terminated, in the message */
            const char *name;
            char identity; /* d n f i */
            uint16_t count;
            pgo_reader_t columns; /* pgo_relation_column, count times */
        } relation;
        struct {
            uint32_t relid;
            char old_kind; /* K key, O whole old row, 0 none */
        } change;          /* tuples: see pgo_parse */
        struct {
            uint32_t count;
            uint8_t flags;
            pgo_reader_t relids; /* pgo_u32, count times */
        } truncate;
        struct {
            uint8_t transactional;
            uint64_t lsn;
            const char *prefix;
            sluice_str_t content;
        } message;
        struct {
            uint64_t lsn;
            const char *name;
        } origin;
    } as;
} pgo_event_t;

typedef struct pgo_column {
    uint8_t key; /* part of the replica identity */
    const char *name;
    uint32_t type;
    int32_t typmod;
} pgo_column_t;

/* Parses one message. Tuples of I, U, D go to old_row and new_row, whose cells arrays the caller
 * owns. */
int pgo_parse(sluice_str_t message, pgo_event_t *event, pgo_tuple_t *old_row, pgo_tuple_t *new_row);

uint32_t pgo_u32(pgo_reader_t *r);
pgo_column_t pgo_relation_column(pgo_reader_t *r);

/* What the walsender wraps around: 'w' data (payload set) or 'k' keepalive (reply set). */
typedef struct pgo_frame {
    char kind;
    uint8_t reply;
    uint64_t start; /* w: LSN of the change, 0 when the server gives none */
    uint64_t end;   /* where the server's WAL ends, or (k) how far it has decoded */
    int64_t sent_us;
    sluice_str_t payload;
} pgo_frame_t;

int pgo_frame(sluice_str_t copy_data, pgo_frame_t *frame);

/* Splits one line of COPY's text format (with or without its line feed); escapes are undone inside
 * `line`, so it is written to. SLUICE_BAD_RECORD when there are more than PGO_COLUMNS_MAX columns.
 * */
int pgo_copy_row(char *line, size_t len, pgo_tuple_t *row);

#endif
