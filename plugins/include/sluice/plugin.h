/*
 * sluice/plugin.h: how a shared object becomes a plugin. Start reading here.
 *
 * A module is one .so that exports exactly one symbol, `sluice_module`, which returns a const
 * description of the plugins in it. Everything else is hidden (-fvisibility=hidden). No constructor
 * may do work.
 *
 *     SLUICE_EXPORT const sluice_module_t *sluice_module(uint16_t host_major, uint16_t host_minor);
 *
 * SLUICE_DEFINE_MODULE, at the end of this header, writes it.
 *
 * The way of a plugin: the host maps the module, checks magic, major and sizes, and reads the
 * descriptions. For each pipeline it checks the configuration (options table, then `check`), then
 * on the instance's thread
 *
 *     create -> open -> [complete OPEN] -> running -> close -> [complete CLOSE] -> destroy
 *
 *   call            legal when                      completes
 *   create/destroy  first / last                    at once: memory only, no I/O
 *   open            after create                    SLUICE_OP_OPEN
 *   on_credit       source, running                 -
 *   pause/resume    running / paused                at once
 *   committed       source, transform, running      -
 *   write           sink, running, not BUSY         api->durable for its ticket
 *   flush           sink, running                   SLUICE_OP_FLUSH, after all tickets so far ended
 *   apply           transform, running              at once
 *   checkpoint      transform, running              SLUICE_OP_CHECKPOINT
 *   close           after open was called, once     SLUICE_OP_CLOSE; tickets in flight end before
 *                                                   it, as CANCELLED or OK
 *                   (a converter has no open: after create)
 *
 * A callback that is NULL means: nothing to do, success at once. Callbacks never block: work that
 * must goes to api->offload. A starting call that returns an error never completes.
 *
 * ABI changelog
 *   1.0  first version: source, transform, sink, converter; sample records for probes.
 *   1.1  options: display_name, dependents, width, order; UNGROUPED, ORDERED, EXACT, DEFINITION,
 *        HOST.
 *        Plugins: task_class. Sources, sinks: alter_offsets.
 *   1.2  converters that ask a service: close, and SLUICE_BUSY and SLUICE_RETRY from their calls.
 *   1.3  batch_serial: a converter can know structs that records share.
 *   1.4  sources: read_offsets.
 *   1.5  metrics with labels.
 *   1.6  batch_derive, batch_cut.
 *   1.7  stores; JSON documents that are alike.
 *   1.8  stores: fence, and what says that it is wanted.
 *   1.9  transforms: pass.
 */
#ifndef SLUICE_PLUGIN_H
#define SLUICE_PLUGIN_H

#include "sluice/config.h"
#include "sluice/error.h"
#include "sluice/host.h"
#include "sluice/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_ABI_MAGIC 0x534c4943u /* "SLIC" */
#define SLUICE_ABI_MAJOR 1
#define SLUICE_ABI_MINOR 9

#if defined(__GNUC__)
#define SLUICE_EXPORT __attribute__((visibility("default")))
#else
#define SLUICE_EXPORT
#endif

typedef enum sluice_plugin_kind {
    SLUICE_SOURCE = 1,
    SLUICE_TRANSFORM = 2,
    SLUICE_SINK = 3,
    SLUICE_CONVERTER = 4,
    SLUICE_PREDICATE = 5,
    SLUICE_STORE = 6
} sluice_plugin_kind_t;

/* A source reads from somewhere and emits records in order. */
typedef struct sluice_source {
    uint32_t size;
    /* Makes an instance; memory only. `api` and `ctx` stay valid until destroy. */
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    /* connect, ask api->stored_position; then complete OPEN and begin to emit */
    int (*open)(void *self);
    void (*on_credit)(void *self);  /* credit was 0 and is not any more */
    void (*pause)(void *self);      /* emit nothing until resume, keep the connection */
    void (*resume)(void *self);
    /* Everything of this source partition up to position is durable in every sink and stored: tell
     * the upstream. */
    void (*committed)(void *self, uint32_t source_partition, const sluice_position_t *position,
                      sluice_str_t offset);
    /* Renders the user-visible offset (compact JSON object) of a position from a record's private
     * offset bytes. NULL: the private bytes are that JSON themselves. */
    int (*offset_json)(void *self, const sluice_position_t *position, sluice_str_t offset,
                       sluice_buf_t *out);
    int (*close)(void *self);
    /* Outside a task: how many tasks this configuration can use, at most max_tasks. NULL: one. */
    int (*plan)(const sluice_api_t *api, sluice_ctx_t *ctx, int32_t max_tasks);
    /* Since 1.1. Outside a task: whether offsets that a user sets over REST may stand. `offsets`: a
     * JSON array of {"partition","offset"}, an offset of null forgets. 1: these are all that there
     * are; 0: the plugin keeps others in the system that it reads, which the user must set, too; a
     * negative status after api->fail refuses. NULL: 0. */
    int (*alter_offsets)(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets);
    /* Since 1.4. Outside a task, on a thread that may block for some seconds: appends to `out`
     * the offsets that the system which is read keeps for this reader (a consumer group), as a
     * JSON array of {"partition","offset"}. A source that has this goes on from what that system
     * says: with one sink the host keeps no positions and leaves nothing out. Its alter_offsets
     * sets the offsets there; it gets `null` when all are to be forgotten. A negative status
     * after api->fail, whose message users see. NULL: the host keeps the offsets. */
    int (*read_offsets)(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_buf_t *out);
} sluice_source_t;

/* Since 1.9. A record on its way through transforms that follow each other. */
typedef struct sluice_pass {
    uint32_t size;
    uint32_t left;           /* so many records of its batch come after it */
    sluice_batch_t *batch;   /* is being made and shares the input: memory for what changes */
    uint64_t serial;         /* of that batch */
    sluice_record_t *record; /* in it: to be changed there */
    /* The items of a map, or a struct, in that batch's memory to which nothing points but the
     * record's key or value, so that the next transform may change it in place; and for how many
     * members or fields it has room. NULL: none. Who makes one may say so; who lets something else
     * point to it, or puts another value in its place, sets NULL. */
    const void *own;
    uint32_t room;
    uint32_t reserved;
    /* A number for the names of that map: maps with the same one in this batch have the same names
     * (not copies of them) in the same order. 0: not known. And the last number that was given. */
    uint64_t shape;
    uint64_t shapes;
    /* A struct whose fields were found to suit their schemas, none null where there is a default.
     * NULL: none. */
    const sluice_struct_t *sound;
} sluice_pass_t;

/* Since 1.9. What becomes of a record that passes. */
enum { SLUICE_PASS_DROP = 0, SLUICE_PASS_SAME = 1, SLUICE_PASS_CHANGED = 2 };

/* A transform makes a batch out of a batch: pure, or with state that follows positions. */
typedef struct sluice_transform {
    uint32_t size;
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    int (*open)(void *self); /* load state; complete OPEN */
    /* Borrows `in` (sealed). *out is a new batch (given), api->batch_ref(in) when nothing changes,
     * or NULL when every record was filtered or absorbed. A record that fails: api->fail,
     * api->reject, and go on with the next. An error result means that the whole batch failed:
     * RETRY and NOT_CONNECTED after api->fail, or BUSY, make the host call again with the same
     * batch, or with its records one by one, within errors.retry.timeout. */
    int (*apply)(void *self, sluice_batch_t *in, sluice_batch_t **out);
    /* make state durable for everything applied so far; complete CHECKPOINT */
    int (*checkpoint)(void *self);
    /* Positions up to here will never be seen again: older versions of state may go. */
    void (*committed)(void *self, uint32_t source_partition, const sluice_position_t *position);
    int (*close)(void *self);
    /* Since 1.9: what apply does, for one record, where that depends on nothing but the record. May
     * be NULL. Where transforms that have it follow each other, the host takes each record through
     * all of them and makes one batch. SLUICE_PASS_*, or a negative status when the record can't be
     * transformed: then the host forgets that batch and calls the apply of each, which says why.
     * Uses neither api->reject nor api->account. Schemas that it gave to records live until it is
     * called for another batch. */
    int (*pass)(void *self, sluice_pass_t *pass);
} sluice_transform_t;

/* A sink delivers batches to a target. */
typedef struct sluice_sink {
    uint32_t size;
    uint32_t failure_mode;  /* sluice_failure_mode_t */
    uint32_t max_in_flight; /* batches written and not yet durable; 0: no limit but bytes */
    uint32_t flags;         /* SLUICE_SINK_* */
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    /* connect, report api->sink_position for what the target keeps; complete OPEN */
    int (*open)(void *self);
    /* Borrows `batch` (sealed; ref it to keep it). OK: the ticket will end exactly once by
     * api->durable. BUSY: nothing was taken. Batches come in order; an empty batch with marks is
     * legal and only moves the position. */
    int (*write)(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket);
    int (*flush)(void *self); /* deliver now whatever is buffered; complete FLUSH */
    int (*close)(void *self);
    /* Since 1.1: as a source's. */
    int (*alter_offsets)(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets);
} sluice_sink_t;

#define SLUICE_SINK_BYTES 0x01u        /* wants key and value as BYTES: converters run before it */
/* keeps its position in the target, in the same transaction as the data */
#define SLUICE_SINK_OWN_POSITION 0x02u
/* wants batches without records too (to store their marks) */
#define SLUICE_SINK_EMPTY_BATCHES 0x04u
/* since 1.5: in marks, `offset` is the user-visible offset (JSON), not the source's private bytes;
 * it is those where a part of a batch comes alone */
#define SLUICE_SINK_OFFSETS 0x08u

/* A converter turns bytes into values and back: pure, or (since 1.2) with a service that it asks,
 * which has a `close`. One with a close has a loop, and its calls may answer what those of a pure
 * one must not:
 *   SLUICE_BUSY           not now; api->ready will be called, then the same call is made again
 *   SLUICE_RETRY          after api->fail: the service failed; the host makes the call again within
 *                         errors.retry.timeout, then the record has failed
 *   SLUICE_NOT_CONNECTED  as RETRY, but when time is up the task fails, whatever the errors policy:
 *                         no record is to blame
 *   SLUICE_FATAL          the task fails at once (the service refuses us): no record is to blame
 * Before such an answer nothing may be allocated from the arena. The host makes no other call
 * meanwhile but close. */
typedef struct sluice_converter {
    uint32_t size;
    /* Option "converter.type" is "key", "value" or "header". */
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    /* Bytes to value. `bytes` (data NULL: none) lives as long as `arena`, so slices of it may be
     * used. *schema is borrowed: the converter keeps it alive until the arena is sealed. On error:
     * api->fail. */
    int (*to_connect)(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value);
    /* Value to bytes, in the arena; data NULL for none. What a struct of the value holds does not
     * change before the arena is sealed: the same struct in the same arena means the same text. */
    int (*from_connect)(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes);
    /* Since 1.2. Gives up what is under way and completes CLOSE; destroy follows. NULL: a pure
     * converter. Outside a task a converter that was asked nothing may be destroyed without it. */
    int (*close)(void *self);
} sluice_converter_t;

/* A predicate says of a record yes or no; pure. */
typedef struct sluice_predicate {
    uint32_t size;
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    /* 1, 0, or a negative status after api->fail */
    int (*test)(void *self, const sluice_record_t *record);
} sluice_predicate_t;

/* A store, since 1.7, keeps a worker's keyed logs in a system that several workers can reach: of
 * each key the newest value counts. The host calls it in a process of its own; what the entries
 * mean it need not know. */
typedef struct sluice_store {
    uint32_t size;
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    /* Makes the logs that are missing; when api->store_wanted says so, gives all that they hold to
     * api->store_entry; then completes OPEN. */
    int (*open)(void *self);
    /* Borrows `entry`. Entries of a log are kept in the order of these calls. Ends by
     * api->store_written with `number`. */
    int (*write)(void *self, uint64_t number, const sluice_entry_t *entry);
    int (*close)(void *self); /* writes under way end before, as CANCELLED if need be */
    /* Since 1.8, may be NULL. While opening, after api->store_blocked: ends the open transactions
     * of these writers (transactional ids), who can commit nothing any more. Borrowed; no
     * completion: what it could not end is waited for. */
    int (*fence)(void *self, const char *const *writers, uint32_t count);
} sluice_store_t;

/* One plugin of a module. */
typedef struct sluice_plugin {
    uint32_t size;
    uint32_t kind;             /* sluice_plugin_kind_t: says which of the tables below is set */
    const char *name;          /* lower case, dashes: "redis", "content-join" */
    /* NULL-terminated, or NULL: Java class names and their short forms */
    const char *const *aliases;
    const char *summary;       /* one line */
    const sluice_option_t *options;
    uint32_t option_count;
    uint32_t option_size;      /* sizeof(sluice_option_t) as the plugin knows it */
    /* Cross-field check without I/O: reports by api->config_error; may be NULL. Runs outside any
     * task, too. */
    int (*check)(const sluice_api_t *api, sluice_ctx_t *ctx);
    /* Probe with I/O for `validate --connect`: on an offload thread, so it may block for some
     * seconds. May be NULL. Findings go to api->config_error, warnings to api->log. See also
     * api->sample. */
    int (*probe)(const sluice_api_t *api, sluice_ctx_t *ctx);
    const sluice_source_t *source;
    const sluice_transform_t *transform;
    const sluice_sink_t *sink;
    const sluice_converter_t *converter;
    const sluice_predicate_t *predicate;
    /* Since 1.1. Source, sink: the Java class that Connect's task configurations name. NULL: the
     * first alias that is a full class name, its ending Connector replaced by Task. */
    const char *task_class;
    const sluice_store_t *store; /* since 1.7 */
} sluice_plugin_t;

/* A module: what sluice_module returns. Static, const. */
typedef struct sluice_module {
    uint32_t magic; /* SLUICE_ABI_MAGIC */
    uint16_t major; /* SLUICE_ABI_MAJOR the module was built for: must equal the host's */
    uint16_t minor; /* SLUICE_ABI_MINOR it was built with */
    uint32_t size;  /* sizeof(sluice_module_t) */
    uint16_t min_minor; /* the oldest host minor that it can live with */
    uint16_t reserved;
    const char *name;
    const char *version; /* of the module, shown to users */
    const char *licence;
    const char *build;   /* for display only; may be NULL */
    const sluice_plugin_t *plugins;
    uint32_t plugin_count;
    uint32_t plugin_size; /* sizeof(sluice_plugin_t) */
} sluice_module_t;

/* The oldest host minor that a module can live with. One that calls members of the host's table
 * that are newer than 1.0 without SLUICE_HAS defines it, before the headers or on the compiler's
 * command line, as the minor that brought them. */
#ifndef SLUICE_MIN_MINOR
#define SLUICE_MIN_MINOR 0
#endif

/* The head of every module: magic, versions and sizes. Use as first initialiser of a
 * sluice_module_t. */
#define SLUICE_MODULE_HEAD                                                           \
    .magic = SLUICE_ABI_MAGIC, .major = SLUICE_ABI_MAJOR, .minor = SLUICE_ABI_MINOR, \
    .size = sizeof(sluice_module_t), .min_minor = SLUICE_MIN_MINOR,                  \
    .plugin_size = sizeof(sluice_plugin_t)

typedef const sluice_module_t *(*sluice_module_fn)(uint16_t host_major, uint16_t host_minor);

/* The one exported symbol. NULL refuses the host. */
SLUICE_EXPORT const sluice_module_t *sluice_module(uint16_t host_major, uint16_t host_minor);

/* Ends a module's main file, at file scope and with a semicolon: defines its description and the
 * function sluice_module. plugins_array is the static const array (not a pointer) of its
 * sluice_plugin_t. A module that wants more (min_minor, build, to refuse a host) writes both
 * itself.
 *
 *     SLUICE_DEFINE_MODULE("my-module", "1.2.0", "Apache-2.0", plugins);
 */
#define SLUICE_DEFINE_MODULE(module_name, module_version, module_licence, plugins_array)           \
    static const sluice_module_t sluice_module_description = {                                     \
        SLUICE_MODULE_HEAD,                                                                        \
        .name = (module_name),                                                                     \
        .version = (module_version),                                                               \
        .licence = (module_licence),                                                               \
        .plugins = (plugins_array),                                                                \
        .plugin_count = sizeof(plugins_array) / sizeof((plugins_array)[0]),                        \
    };                                                                                             \
    SLUICE_EXPORT const sluice_module_t *sluice_module(uint16_t host_major, uint16_t host_minor) { \
        (void)host_major;                                                                          \
        (void)host_minor;                                                                          \
        return &sluice_module_description;                                                         \
    }                                                                                              \
    SLUICE_EXPORT const sluice_module_t *sluice_module(uint16_t host_major, uint16_t host_minor)

#ifdef __cplusplus
}
#endif
#endif
