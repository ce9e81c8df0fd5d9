/*
 * The parts of the ClickHouse sink and how they meet.
 *
 *   clickhouse.c  descriptor, life of an instance
 *   options.c     what can be set, and what must not be
 *   open.c        what the server is asked before the first insert: version, settings, columns
 *   table.c       tables as the server described them; topic -> table
 *   row.c         one record -> one row of its block (value.c, scalar.c, type.c: one value)
 *   group.c       tickets and their blocks: filling, sending one after another, ending
 *   lane.c        exactly once: which positions a table has, and where blocks must be cut
 *   request.c     URL and headers of a request;  answer.c  what its answer means
 *
 * A *group* is what goes out together: some tickets and, for each table and source partition, a
 * *block* that becomes one INSERT. One group fills while one is in flight; the INSERTs of a group
 * go one after another.
 *
 * Exactly once (exactlyOnce=true). A block's deduplication token is made of the positions of its
 * first and last row, so the same rows must meet in the same block when they are sent again. Before
 * a group is sent, the end of each of its blocks is written to a journal in the state directory: a
 * *cut*. After a crash the runtime repeats what follows the journal's position, the rows are cut
 * where they were cut before, the tokens are the same and the server drops what it has. After the
 * last INSERT of a group the journal gets its position, then its tickets end. An insert that failed
 * for certain leaves no cuts; what a table got of a group that failed in another table is
 * remembered as the lane's `done`.
 * Thread: all on the instance's.
 */
#ifndef SINKS_CLICKHOUSE_SINK_H
#define SINKS_CLICKHOUSE_SINK_H

#include "answer.h"
#include "clients/http/http_sink.h"
#include "sluice/plugin.h"
#include "support/compress.h"
#include "support/journal.h"
#include "type.h"
#include "value.h"

typedef struct ch_column {
    char *name;
    ch_type_t *type;
    int has_default; /* a DEFAULT expression */
} ch_column_t;

typedef struct ch_table {
    struct ch_table *next;
    char *name;
    ch_column_t *columns;
    uint32_t count;
    int deduplicates;                   /* its engine compares deduplication tokens */
    int replaces;                       /* ReplacingMergeTree and the like */
    int checked;                        /* exactlyOnce: found fit */
    const sluice_schema_t *plan_schema; /* referenced; NULL: none yet */
    int32_t *plan;                      /* column -> field of plan_schema, or -1 */
} ch_table_t;

/* A place in a source partition. */
typedef struct ch_place {
    sluice_position_t position;
    uint32_t sub_index;
} ch_place_t;

typedef struct ch_block ch_block_t;

/* What of one source partition a table has. Lives as long as the instance. */
typedef struct ch_lane {
    struct ch_lane *next;
    char *table;
    char *partition;  /* JSON */
    uint32_t number;  /* of the partition; UINT32_MAX until it was seen */
    ch_place_t done;  /* all rows up to here are in; len 0: nothing known */
    ch_place_t *cuts; /* ends of blocks that may be in, ascending */
    size_t cut_count;
    ch_block_t *block; /* that takes its next row, in the filling group; NULL: none */
} ch_lane_t;

struct ch_block {
    ch_block_t *next;
    ch_lane_t *lane; /* NULL: ignorePartitionsWhenBatching */
    char *table;
    uint64_t present; /* RowBinary: which of the columns with a DEFAULT it has (first 64 of them) */
    char *columns;    /* RowBinary: list for the INSERT, "(`a`,`b`)"; NULL: none */
    sluice_buf_t body;
    sluice_str_t wire; /* the body as it is being sent */
    uint64_t rows;
    ch_place_t first, last;
    unsigned long write; /* the call of write that added last, and what was there before it */
    size_t old_len;
    uint64_t old_rows;
    ch_place_t old_last;
};

typedef struct ch_ticket {
    sluice_ticket_t *ticket;
    sluice_batch_t *batch; /* referenced */
} ch_ticket_t;

typedef struct ch_group {
    ch_block_t *blocks; /* in order */
    ch_block_t **tail;
    ch_ticket_t *tickets;
    size_t ticket_count;
    uint64_t rows;
    size_t bytes;
    uint64_t since_ms; /* api->tick_ns / 1e6 of its first ticket */
    int encoded_again; /* after the table's columns were read again */
    ch_block_t *sending;
} ch_group_t;

/* Orders of option values. */
enum ch_format { FORMAT_JSON, FORMAT_BINARY };
enum ch_unknown { UNKNOWN_IGNORE, UNKNOWN_ERROR };
enum ch_tombstones { TOMBSTONE_SKIP, TOMBSTONE_FAIL };

typedef struct ch_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    http_sink_t life;
    journal_t *journal; /* exactlyOnce only */
    /* options */
    const char *hostname, *username, *password, *database;
    int64_t port, timeout_ms, insert_timeout_ms;
    int tls, exactly_once, ignore_partitions, missing_table_ok, null_as_default;
    enum ch_format format;
    enum ch_unknown unknown;
    enum ch_tombstones tombstones;
    compress_kind_t compression;
    int compression_level;
    int64_t max_records, max_bytes, linger_ms;
    const char *table_option, *version_column, *deleted_column;
    /* what the server said */
    char version[32];
    int knows_token, knows_async, knows_defaults, knows_sample, knows_best_effort, knows_skip,
        knows_tuples;
    ch_table_t *tables;
    int looked;        /* the columns were read again because a table was not found */
    char refusal[768]; /* why the last record was refused */
    const char *refusal_code;
    /* state */
    int due, reading;
    unsigned long writes;
    void (*on_columns)(struct ch_sink *s, const ch_answer_t *failed);
    ch_lane_t *lanes;
    ch_group_t *filling;
    ch_group_t *flying;
    ch_encoder_t encoder;
    sluice_metric_t *rows_total, *bytes_total, *inserts_total, *errors_total, *repeated_total,
        *insert_seconds;
    uint64_t sent_ns;
} ch_sink_t;

/* ---- options.c ---- */
enum { CH_OPTION_COUNT = 35 };
extern const sluice_option_t ch_options[CH_OPTION_COUNT];
int ch_options_check(const sluice_api_t *api, sluice_ctx_t *ctx);
void ch_options_read(ch_sink_t *s);

/* ---- open.c ---- */
/* Asks its questions, then calls ch_opened. */
int ch_open_begin(ch_sink_t *s);
void ch_opened(ch_sink_t *s, int status); /* clickhouse.c; after api->fail */
/* Reads all columns again; done(s, answer): NULL, or why it failed. */
int ch_columns_read(ch_sink_t *s, void (*done)(ch_sink_t *s, const ch_answer_t *failed));

/* ---- table.c ---- */
/* Replaces the tables by what `text` (TabSeparated: table, name, type, default_kind) says. */
int ch_tables_load(ch_sink_t *s, sluice_str_t text);
/* TabSeparated: name, engine, engine_full. */
void ch_engines_load(ch_sink_t *s, sluice_str_t text);
void ch_tables_free(ch_sink_t *s);
/* The table of a topic, its name to *name too (valid until the next call). NULL: there is none. */
ch_table_t *ch_table_of(ch_sink_t *s, sluice_str_t topic, char name[512]);
int32_t ch_column_find(const ch_table_t *table, sluice_str_t name);
/* Next tab-separated field of a line, unescaped in place; NULL at the end of the line. */
char *ch_tsv_field(char **at);

/* ---- row.c ---- */
/* Keeps the words for the ticket's result, and hands them to api->fail; returns status. */
int ch_refuse(ch_sink_t *s, int status, const char *code, const char *fmt, ...) SLUICE_PRINTF(4, 5);
/* Adds a record to the group's blocks. BAD_RECORD and FATAL after api->fail; BUSY: its table must
 * be looked for first. */
int ch_row_add(ch_sink_t *s, ch_group_t *group, const sluice_record_t *record);

/* ---- lane.c ---- */
int ch_place_cmp(const ch_place_t *a, const ch_place_t *b);
ch_lane_t *ch_lane_of(ch_sink_t *s, const char *table, uint32_t partition);
int ch_lanes_load(ch_sink_t *s); /* from the journal; announces its positions */
int ch_lanes_note(ch_sink_t *s); /* the lanes into the journal, not saved yet */
int ch_lane_has(const ch_lane_t *lane, const ch_place_t *place);
/* Whether the lane's open block must end before a row at `place`. */
int ch_lane_cut_before(const ch_lane_t *lane, const ch_place_t *place);
/* Whether the open block has to wait for more rows, which came with it the last time. */
int ch_lane_is_short(const ch_lane_t *lane);
int ch_lane_add_cut(ch_lane_t *lane, const ch_place_t *place);
void ch_lane_done(ch_lane_t *lane, const ch_place_t *place);
void ch_lane_drop_cuts(ch_lane_t *lane); /* nothing of them is in, for certain */
void ch_lanes_free(ch_sink_t *s);

/* ---- group.c ---- */
int ch_group_write(ch_sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket);
void ch_group_go(ch_sink_t *s); /* sends the filling group if it is time */
int ch_group_idle(const ch_sink_t *s);
/* The instance is over: ends every ticket. */
void ch_group_end_all(ch_sink_t *s, int status, const char *code, const char *why);
/* Place for a row in a block; NULL when out of memory. */
ch_block_t *ch_block_for(ch_sink_t *s, ch_group_t *group, ch_table_t *table, ch_lane_t *lane,
                         uint64_t present);
void ch_row_took(ch_sink_t *s, ch_group_t *group, ch_block_t *block, const ch_place_t *place);

/* ---- request.c ---- */
void ch_put_name(sluice_buf_t *out, const char *name); /* `quoted` */
/* One statement without a body. The answer's body is kept up to max bytes. */
int ch_query(ch_sink_t *s, const char *sql, size_t max, http_response_fn on_response);
int ch_insert(ch_sink_t *s, ch_block_t *block, http_response_fn on_response);

/* ---- probe.c ---- */
/* The host's table, but that api->fail becomes api->config_error of the option to blame. */
const sluice_api_t *ch_probe_api(const sluice_api_t *api);
/* Tables and columns, as read by the open, against the fields of the sample. */
void ch_probe_tables(ch_sink_t *s);

/* ---- clickhouse.c ---- */
void ch_broken(ch_sink_t *s,
               const ch_answer_t *answer); /* the connection is lost, or the answer says FATAL */
void ch_idle(ch_sink_t *s);                /* a group ended: FLUSH, ready, next group */

#endif
