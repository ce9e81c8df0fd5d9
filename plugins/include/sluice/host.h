/*
 * sluice/host.h: what the host does for a plugin.
 *
 * What this is: one const table of functions, handed to every instance at its creation. A plugin
 * links no symbol of the host, so a fake host can drive it. The table only grows at its end; a
 * plugin built against a newer header checks SLUICE_HAS(api, member) before it calls a member newer
 * than its minimum.
 *
 * The first argument is mostly `ctx`: the host's handle of this one instance and this one
 * incarnation of it. A reconnect is a new instance with a new ctx; what an abandoned incarnation
 * still says is ignored.
 *
 * Threads: every callback of an instance and every function here runs on that instance's one thread
 * (the thread of its uv loop), except those marked "any thread".
 * Ownership words: borrows (valid during the call), takes (ownership moves to the callee), gives
 * (to the caller).
 */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H

#include <stdarg.h>
#include "sluice/error.h"
#include "sluice/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SLUICE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define SLUICE_PRINTF(fmt, args)
#endif

typedef struct sluice_ctx sluice_ctx_t;       /* one instance, one incarnation */
typedef struct sluice_batch sluice_batch_t;   /* an arena and its records; reference-counted */
typedef struct sluice_ticket sluice_ticket_t; /* one batch's delivery by one sink */
typedef struct sluice_timer sluice_timer_t;
typedef struct sluice_metric sluice_metric_t;

typedef enum sluice_log_level {
    SLUICE_LOG_ERROR = 0,
    SLUICE_LOG_WARN = 1,
    SLUICE_LOG_INFO = 2,
    SLUICE_LOG_DEBUG = 3,
    SLUICE_LOG_TRACE = 4
} sluice_log_level_t;

typedef enum sluice_metric_kind {
    SLUICE_COUNTER = 0,  /* name ends in _total; only grows */
    SLUICE_GAUGE = 1,
    SLUICE_HISTOGRAM = 2 /* of seconds or bytes; the host chooses buckets */
} sluice_metric_kind_t;

typedef struct sluice_label {
    const char *name;
    const char *value;
} sluice_label_t;

/* The asynchronous operations that a plugin completes with api->complete. */
typedef enum sluice_op {
    SLUICE_OP_OPEN = 0,
    SLUICE_OP_FLUSH = 1,      /* sink: everything written so far is durable (or reported) */
    SLUICE_OP_CHECKPOINT = 2, /* transform: state up to the records applied so far is durable */
    SLUICE_OP_CLOSE = 3
} sluice_op_t;

/* How much a source may emit now. */
typedef struct sluice_credit {
    int64_t records;
    int64_t bytes;
} sluice_credit_t;

/* The result for one record of a batch (durable), or for the whole batch. */
typedef struct sluice_result {
    int32_t status;          /* sluice_status_t */
    int32_t native_code;     /* the target's own number, 0 if none */
    uint32_t record;         /* index in the batch that the result speaks of */
    uint32_t retry_after_ms; /* with SLUICE_RETRY: 0 leaves it to the runtime */
    /* stable dotted name, e.g. "redis.wrongtype"; static or valid during the call */
    const char *code;
    const char *message;     /* valid during the call; may be NULL */
} sluice_result_t;

/* What a batch covers: after it is durable, `position` of that source partition is done. Kept for
 * filtered records too. A sink that stores its own position (in the same transaction as the data)
 * stores these. */
typedef struct sluice_mark {
    uint32_t source_partition;
    uint32_t sub_index;
    sluice_position_t position;
    sluice_str_t offset; /* the source's private bytes, see sluice_record_t.offset */
} sluice_mark_t;

/* Growing text in a batch's arena. Make one with api->buf_init, write with the functions below or
 * sluice_buf_*, end with api->buf_finish. While it is open nothing else may be allocated from that
 * arena. */
typedef struct sluice_buf sluice_buf_t;
struct sluice_buf {
    char *data;
    size_t len;
    size_t cap;
    /* makes room for more bytes; SLUICE_NO_MEMORY leaves buf as it was */
    int (*grow)(sluice_buf_t *buf, size_t more);
    void *owner;
    int status; /* first error, sticky: checked once at buf_finish */
};

/* One entry of a keyed log, see sluice_store_t. */
typedef struct sluice_entry {
    uint32_t log;       /* which: 0 .. */
    uint32_t sub_index; /* with position */
    sluice_str_t key;   /* UTF-8 */
    sluice_str_t value; /* UTF-8; data NULL: the key has no value any more */
    /* Of a source's offset: the place that it stands for; len 0: not known. */
    sluice_position_t position;
    sluice_str_t partition; /* of that place: its source partition, JSON text */
    sluice_str_t name; /* another log of that kind, by its name; data NULL: the worker's own */
} sluice_entry_t;

/* JSON flags */
/* read: numbers with a fraction or exponent become DECIMAL, not FLOAT64 */
#define SLUICE_JSON_DECIMAL_TEXT 0x01u
/* write: DECIMAL as a JSON number; else base64 of the unscaled bytes, as Connect's default */
#define SLUICE_JSON_NUMERIC_DECIMAL 0x02u
/* read: what Jackson, as JsonConverter configures it, accepts beyond RFC 8259 */
#define SLUICE_JSON_LENIENT 0x04u
/* read, since 1.7: documents with members of the same names follow each other; every text read into
 * this arena with the flag lives as long as it. Their names may then be slices of one text. */
#define SLUICE_JSON_ALIKE 0x08u

typedef struct sluice_json_error {
    size_t offset; /* byte in the text */
    const char *what; /* static text, e.g. "unexpected end of text" */
} sluice_json_error_t;

/* JSON on the data path: single pass, zero copy, our own. Pure; may be called on any thread that
 * owns the arena. */
typedef struct sluice_json_api {
    uint32_t size;
    /* Reads one JSON document into a schemaless value (MAP with STRING keys in text order, ARRAY,
     * STRING, INT64, FLOAT64, BOOLEAN, NULL). Integers past int64 become DECIMAL. Later duplicates
     * of a key win, at the place of the first. Strings without escapes and canonical numbers are
     * slices of `text`, which must live as long as the arena (pin it). SLUICE_BAD_RECORD with
     * *error filled when the text is not JSON. `error` may be NULL. */
    int (*parse)(sluice_batch_t *arena, sluice_str_t text, uint32_t flags, sluice_value_t *out,
                 sluice_json_error_t *error);
    /* Appends a value as compact JSON without regard to schemas, as JsonConverter with
     * schemas.enable=false does: BYTES as base64, DATE as its integer, STRUCT as object, MAP with
     * non-string keys as an array of pairs. SLUICE_BAD_RECORD for what has no JSON form (none at
     * present). */
    int (*write)(sluice_buf_t *buf, const sluice_value_t *value, uint32_t flags);
    /* quoted and escaped as Jackson does */
    void (*write_string)(sluice_buf_t *buf, sluice_str_t text);
    void (*write_int)(sluice_buf_t *buf, int64_t n);
    /* Java's Double.toString; NaN and infinities as quoted text */
    void (*write_double)(sluice_buf_t *buf, double f);
    void (*write_float)(sluice_buf_t *buf, float f);   /* Java's Float.toString */
    void (*write_base64)(sluice_buf_t *buf, sluice_str_t bytes); /* without quotes, with padding */
} sluice_json_api_t;

typedef struct sluice_api {
    uint32_t size;  /* sizeof(sluice_api_t) as the host knows it */
    uint16_t major; /* SLUICE_ABI_MAJOR of the host */
    uint16_t minor;
    const sluice_json_api_t *json;

    /* ---- log and errors ---- */
    /* One line. Text is constant, values go through fmt. Pipeline, plugin and task are added by the
     * host; repeated lines are rate limited; secrets of the configuration are masked. Any
     * thread. */
    void (*log)(sluice_ctx_t *ctx, sluice_log_level_t level, const char *fmt, ...)
        SLUICE_PRINTF(3, 4);
    /* Records the details of the error that this call is about to return, and returns `status`.
     * code: stable dotted name ("redis.auth"), or a Java exception class where the contract is
     * Connect's. The message says what, where, why and what to do; it is copied. */
    int (*fail)(sluice_ctx_t *ctx, int status, const char *code, const char *fmt, ...)
        SLUICE_PRINTF(4, 5);

    /* ---- configuration: checked and converted by the host before create ---- */
    /* Text of an option, or its default; NULL when null or unknown. Lives as long as ctx. */
    const char *(*config_text)(sluice_ctx_t *ctx, const char *name);
    /* INT, SHORT, LONG, BOOLEAN (0 or 1), DURATION (ms), BYTES, ENUM (index into values). 0 when
     * null. */
    int64_t (*config_int)(sluice_ctx_t *ctx, const char *name);
    double (*config_double)(sluice_ctx_t *ctx, const char *name);
    /* Items of a LIST; *items lives as long as ctx. */
    size_t (*config_list)(sluice_ctx_t *ctx, const char *name, const char *const **items);
    int (*config_given)(sluice_ctx_t *ctx, const char *name); /* 1 when the user set it */
    /* The keys given below a PREFIX option, without the prefix. Returns how many; i-th by
     * config_prefix_at. */
    size_t (*config_prefix_count)(sluice_ctx_t *ctx, const char *prefix);
    int (*config_prefix_at)(sluice_ctx_t *ctx, const char *prefix, size_t i, const char **key,
                            const char **text);
    /* Only in check: a fault of an option. All are collected and shown at once, each with its JSON
     * pointer. */
    void (*config_error)(sluice_ctx_t *ctx, const char *name, const char *fmt, ...)
        SLUICE_PRINTF(3, 4);

    /* ---- identity ---- */
    const char *(*pipeline_name)(sluice_ctx_t *ctx); /* connector or pipeline */
    /* unique in the pipeline: "source", "join", "sinks/1" ... */
    const char *(*instance_name)(sluice_ctx_t *ctx);
    int32_t (*task_number)(sluice_ctx_t *ctx);       /* 0 .. tasks - 1 */
    /* A directory for this instance's own durable state; made when first asked for; NULL when it
     * cannot be. */
    const char *(*state_dir)(sluice_ctx_t *ctx);

    /* ---- clock, loop, threads ---- */
    int64_t (*now_ms)(sluice_ctx_t *ctx);  /* wall clock */
    uint64_t (*tick_ns)(sluice_ctx_t *ctx); /* monotonic. Any thread. */
    /* uv_loop_t of this instance's thread, see sluice/uv.h */
    void *(*uv_loop)(sluice_ctx_t *ctx);
    /* Calls fn(arg) after ms, then every repeat_ms (0: once). NULL when out of memory. Stopped by
     * timer_stop, which also frees it; a one-shot timer frees itself after fn. All are stopped by
     * the host after close completes. */
    sluice_timer_t *(*timer_start)(sluice_ctx_t *ctx, uint64_t ms, uint64_t repeat_ms,
                                   void (*fn)(void *arg), void *arg);
    void (*timer_stop)(sluice_ctx_t *ctx, sluice_timer_t *timer);
    /* Runs fn(arg) on the instance's thread soon, in order. Any thread. Not run once close has
     * completed. */
    int (*post)(sluice_ctx_t *ctx, void (*fn)(void *arg), void *arg);
    /* Runs work(arg) on a helper thread, then done(arg) on the instance's thread, always both. For
     * calls that block. */
    int (*offload)(sluice_ctx_t *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg);

    /* ---- memory and metrics ---- */
    /* Tells the host of memory kept outside batches (caches, client queues): added to the task's
     * budget. Any thread. */
    void (*charge)(sluice_ctx_t *ctx, int64_t delta_bytes);
    /* A series "sluice_<plugin>_<name>" with the instance's labels. The same name gives the same
     * metric. Lives as long as the process. `help` is static text. NULL when out of memory; the
     * functions below accept NULL. */
    sluice_metric_t *(*metric)(sluice_ctx_t *ctx, sluice_metric_kind_t kind, const char *name,
                               const char *help);
    void (*metric_add)(sluice_metric_t *metric, double delta);     /* any thread */
    void (*metric_set)(sluice_metric_t *metric, double value);     /* any thread */
    void (*metric_observe)(sluice_metric_t *metric, double value); /* any thread */

    /* ---- schemas ---- */
    /* The canonical schema equal to the template; gives one reference. NULL when out of memory. Any
     * thread. Nested schemas of the template may be templates (id 0) or interned ones. */
    const sluice_schema_t *(*schema_intern)(const sluice_schema_t *template_schema);
    /* accepts NULL. Any thread. */
    const sluice_schema_t *(*schema_ref)(const sluice_schema_t *schema);
    /* accepts NULL. Any thread. */
    void (*schema_unref)(const sluice_schema_t *schema);
    /* Index of a field of a STRUCT schema, or -1. Any thread. */
    int32_t (*schema_field)(const sluice_schema_t *schema, sluice_str_t name);

    /* ---- batches ---- */
    /* A new, empty, unsealed batch with one reference; only its maker may touch it until it is
     * sealed. NULL when out of memory. */
    sluice_batch_t *(*batch_new)(sluice_ctx_t *ctx, size_t arena_bytes_hint);
    /* Arena memory, 16-byte aligned, zeroed not; freed with the batch. NULL when out of memory. */
    void *(*batch_alloc)(sluice_batch_t *batch, size_t size);
    /* data NULL for null, or when out of memory */
    sluice_str_t (*batch_copy)(sluice_batch_t *batch, sluice_str_t s);
    /* Keeps foreign memory alive with the batch: release(arg) runs once, on any thread, when the
     * batch is freed. bytes is charged to the batch. On error release is not called. */
    int (*batch_pin)(sluice_batch_t *batch, size_t bytes, void (*release)(void *arg), void *arg);
    /* Keeps another sealed batch alive with this one: values may then be shared. */
    int (*batch_share)(sluice_batch_t *batch, sluice_batch_t *with);
    /* Appends a zeroed record (partition NO_PARTITION, original_offset NO_OFFSET). The pointer is
     * valid until the next record is added. NULL when out of memory. */
    sluice_record_t *(*batch_add)(sluice_batch_t *batch);
    /* Ends building: takes references on the records' schemas; afterwards the batch is
     * immutable. */
    int (*batch_seal)(sluice_batch_t *batch);
    const sluice_record_t *(*batch_records)(const sluice_batch_t *batch, size_t *count);
    /* memory it holds: arena, records, pins and shared batches */
    size_t (*batch_bytes)(const sluice_batch_t *batch);
    const sluice_mark_t *(*batch_marks)(const sluice_batch_t *batch, size_t *count);
    sluice_batch_t *(*batch_ref)(sluice_batch_t *batch); /* any thread */
    void (*batch_unref)(sluice_batch_t *batch);          /* any thread; accepts NULL */
    void (*buf_init)(sluice_buf_t *buf, sluice_batch_t *batch, size_t hint);
    /* Ends buf: its text in the arena, unused room given back. data NULL when buf->status is an
     * error. */
    sluice_str_t (*buf_finish)(sluice_buf_t *buf);

    /* ---- decimals: text <-> unscaled big-endian two's complement bytes (Connect's) ---- */
    /* scale of decimal text, negative for a positive exponent */
    int32_t (*decimal_scale)(sluice_str_t text);
    int (*decimal_to_bytes)(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *bytes,
                            int32_t *scale);
    int (*decimal_from_bytes)(sluice_batch_t *arena, sluice_str_t bytes, int32_t scale,
                              sluice_str_t *text);

    /* ---- asynchronous operations ---- */
    /* Ends an operation that a callback began: exactly once. On error call fail before. */
    void (*complete)(sluice_ctx_t *ctx, sluice_op_t op, int status);
    /* The running instance broke by itself (lost connection, server gone): the runtime closes it
     * and, unless FATAL, opens a new one after a backoff. Call fail before. */
    void (*broken)(sluice_ctx_t *ctx, int status);

    /* ---- sources ---- */
    /* Number of a source partition, given as compact JSON text ({"server":"x"}). The same text
     * gives the same number. */
    uint32_t (*source_partition)(sluice_ctx_t *ctx, sluice_str_t json);
    /* Where to go on: the committed position and user-visible offset (JSON text) of a source
     * partition. Returns 1 when something is stored; position->len is 0 when a user altered the
     * offset. *offset lives as long as ctx. */
    int (*stored_position)(sluice_ctx_t *ctx, uint32_t source_partition,
                           sluice_position_t *position, sluice_str_t *offset);
    sluice_credit_t (*credit)(sluice_ctx_t *ctx);
    /* Takes a batch, sealed or not (then seals it). Always succeeds within credit + one batch;
     * records must be in position order within their source partition. SLUICE_BUSY: taken, but stop
     * now until on_credit. */
    int (*emit)(sluice_ctx_t *ctx, sluice_batch_t *batch);
    /* Moves a source partition on without a record (an idle stream): passes through the pipeline in
     * order. */
    int (*advance)(sluice_ctx_t *ctx, uint32_t source_partition, const sluice_position_t *position,
                   sluice_str_t offset);
    void (*finished)(sluice_ctx_t *ctx); /* there will be no more records; the pipeline drains */

    /* ---- transforms ---- */
    /* Record i of the batch being applied can't be transformed. After fail. The errors policy
     * decides; leave it out. */
    void (*reject)(sluice_ctx_t *ctx, uint32_t record);
    /* Corrects the ledger, which otherwise takes fewer records out as filtered and more as
     * generated. */
    void (*account)(sluice_ctx_t *ctx, uint32_t absorbed, uint32_t generated);

    /* ---- sinks ---- */
    /* after SLUICE_BUSY: write (a converter's call) may be tried again */
    void (*ready)(sluice_ctx_t *ctx);
    /* The sink no longer needs the batch's memory (it owns its copy): byte credit returns. At most
     * once a ticket, never after durable, which implies it. */
    void (*released)(sluice_ctx_t *ctx, sluice_ticket_t *ticket);
    /* The target has the batch, or refused it: exactly once for each accepted write. status OK: all
     * of it. Otherwise `results` say what failed: ATOMIC one for the batch; PER_RECORD one for each
     * failed record, the others are in; PREFIX one whose record is the first not in. None (count
     * 0, any status but BAD_RECORD): the whole batch, which comes again unless the task fails. */
    void (*durable)(sluice_ctx_t *ctx, sluice_ticket_t *ticket, int status,
                    const sluice_result_t *results, size_t count);
    /* While opening: the target itself knows that it has this source partition (JSON text) up to
     * position. */
    void (*sink_position)(sluice_ctx_t *ctx, sluice_str_t source_partition,
                          const sluice_position_t *position, uint32_t sub_index);
    sluice_str_t (*source_partition_json)(sluice_ctx_t *ctx, uint32_t source_partition);

    /* ---- probing ---- */
    /* Only in a sink's probe: records of the shapes that will come. Their schemas are right, their
     * values may be null. A source's probe gives them by one emit; the transforms were applied.
     * Borrowed; NULL when nobody can tell. */
    sluice_batch_t *(*sample)(sluice_ctx_t *ctx);

    /* ---- since 1.3 ---- */
    /* a number that no other batch of this process has; never 0 */
    uint64_t (*batch_serial)(const sluice_batch_t *batch);

    /* ---- since 1.5 ---- */
    /* A series of a family that others have named: `family` is its whole name. The host may add
     * labels that these lack. Same rules as metric. */
    sluice_metric_t *(*metric_series)(sluice_ctx_t *ctx, sluice_metric_kind_t kind,
                                      const char *family, const char *help,
                                      const sluice_label_t *labels, size_t count);
    /* The series is not shown until it is set again. Accepts NULL. Any thread. */
    void (*metric_hide)(sluice_metric_t *metric);

    /* ---- since 1.6 ---- */
    /* A new, unsealed batch that shares `in` (sealed) and begins with all of its records, given at
     * *records to be changed (valid until one is added): cheaper than one batch_add for each. NULL
     * when out of memory. */
    sluice_batch_t *(*batch_derive)(sluice_ctx_t *ctx, sluice_batch_t *in,
                                    sluice_record_t **records);
    /* Leaves the first `count` records in a batch that is not sealed yet. */
    void (*batch_cut)(sluice_batch_t *batch, size_t count);

    /* ---- stores, since 1.7 ---- */
    /* While opening: whether the entries that the logs hold are wanted; else only writes follow. */
    int (*store_wanted)(sluice_ctx_t *ctx);
    /* While opening: an entry of a log, older ones of the log first. Borrowed. SLUICE_BUSY: taken,
     * but wait some milliseconds before the next. */
    int (*store_entry)(sluice_ctx_t *ctx, const sluice_entry_t *entry);
    /* While opening: the name of the system that keeps the logs. Copied. */
    void (*store_system)(sluice_ctx_t *ctx, const char *name);
    /* Ends a write, exactly once: it is kept for good, or (after fail) it never will be. */
    void (*store_written)(sluice_ctx_t *ctx, uint64_t number, int status);
    /* Running: why writes have to wait, in words; NULL: they do not any more. Copied. */
    void (*store_trouble)(sluice_ctx_t *ctx, const char *text);

    /* ---- since 1.8 ---- */
    /* While opening: all was given but what open transactions of others hold back. The host may
     * answer by sluice_store_t's fence, and waits without an end. */
    void (*store_blocked)(sluice_ctx_t *ctx);
} sluice_api_t;

/* Whether the host's table has a member (for members newer than the plugin's min_minor). */
#define SLUICE_HAS(api, member) \
    ((api)->size >= offsetof(sluice_api_t, member) + sizeof((api)->member))

/* ---- buffer helpers ---- */

/* Makes room for n more bytes; 0, or a sticky error. */
static inline int sluice_buf_reserve(sluice_buf_t *buf, size_t n) {
    if (buf->cap - buf->len >= n)
        return SLUICE_OK;
    return buf->grow(buf, n);
}

/* Appends n bytes; after an error nothing. */
static inline void sluice_buf_put(sluice_buf_t *buf, const char *data, size_t n) {
    if (sluice_buf_reserve(buf, n) != SLUICE_OK)
        return;
    if (n > 0)
        memcpy(buf->data + buf->len, data, n);
    buf->len += n;
}

/* Appends a slice; nothing for null. */
static inline void sluice_buf_put_str(sluice_buf_t *buf, sluice_str_t s) {
    sluice_buf_put(buf, s.data, s.len);
}

/* Appends one byte. */
static inline void sluice_buf_put_char(sluice_buf_t *buf, char c) {
    sluice_buf_put(buf, &c, 1);
}

#ifdef __cplusplus
}
#endif
#endif
