/*
 * plugin/ctx.h: struct sluice_ctx, the host's side of one plugin instance, and the function table
 * handed to it.
 *
 * What this is: everything of sluice/host.h that needs no pipeline is done here (log, fail,
 * configuration, identity, clock, timers, post, offload, charge, metrics, schemas, batches, JSON,
 * decimals). What needs the graph is forwarded to the sl_ctx_ops_t of whoever embeds the instance:
 * the runtime, the conformance suite, `try`.
 *
 * The way of an instance:
 *     sl_ctx_create -> vtable->create(sl_api(), ctx, &self) -> open ... close -> [ops->complete
 * CLOSE]
 *     -> sl_ctx_close(ctx, closed, user) -> [closed: no timer, post or offload runs any more]
 *     -> vtable->destroy(self) -> sl_ctx_destroy(ctx)
 * An instance that does not finish its close in time is given away instead: sl_ctx_abandon. From
 * then on it is not heard: ops is never called again, what it emits is freed; when it does complete
 * its close, ctx ends and frees both by itself; when it never does, both stay in memory for good.
 *
 * Ownership: strings of the parameters are copied. plugin, config, ops, budget are borrowed until
 * ctx is freed, which after abandon may be never: keep them as long as the process. user is
 * borrowed until abandon or destroy. Threads: create, close, abandon and destroy on the thread of
 * `loop`. ops run on that thread.
 */
#ifndef SL_PLUGIN_CTX_H
#define SL_PLUGIN_CTX_H

#include "sluice/plugin.h"
#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

struct sl_config; /* config/options.h */

/* The graph-dependent slots of sluice_api_t. A slot that is NULL answers SLUICE_UNSUPPORTED, 0 or
 * nothing. `complete` may be called inside the starting call (open, flush, checkpoint, close),
 * before that has returned. */
typedef struct sl_ctx_ops {
    void (*complete)(void *user, sluice_op_t op, int status);
    void (*broken)(void *user, int status);
    uint32_t (*source_partition)(void *user, sluice_str_t json);
    int (*stored_position)(void *user, uint32_t source_partition, sluice_position_t *position,
                           sluice_str_t *offset);
    sluice_credit_t (*credit)(void *user);
    int (*emit)(void *user, sluice_batch_t *batch); /* takes batch */
    int (*advance)(void *user, uint32_t source_partition, const sluice_position_t *position,
                   sluice_str_t offset);
    void (*finished)(void *user);
    void (*reject)(void *user, uint32_t record);
    void (*account)(void *user, uint32_t absorbed, uint32_t generated);
    void (*ready)(void *user);
    void (*released)(void *user, sluice_ticket_t *ticket);
    void (*durable)(void *user, sluice_ticket_t *ticket, int status, const sluice_result_t *results,
                    size_t count);
    void (*sink_position)(void *user, sluice_str_t source_partition,
                          const sluice_position_t *position, uint32_t sub_index);
    sluice_str_t (*source_partition_json)(void *user, uint32_t source_partition);
    int (*store_wanted)(void *user);
    int (*store_entry)(void *user, const sluice_entry_t *entry);
    void (*store_system)(void *user, const char *name);
    void (*store_written)(void *user, uint64_t number, int status);
    void (*store_trouble)(void *user, const char *text);
    void (*store_blocked)(void *user);
} sl_ctx_ops_t;

typedef struct sl_ctx_params {
    uv_loop_t *loop; /* NULL outside a task: timers, post and offload then answer errors */
    const sluice_plugin_t *plugin; /* from sl_module_find */
    const struct sl_config *config;
    const char *pipeline;
    const char *instance; /* "source", "join", "sinks/1" ... */
    int32_t task;
    const char *state_dir; /* folder of the pipeline's state, made when first needed; NULL: none */
    const sl_ctx_ops_t *ops; /* NULL: every slot NULL */
    void *user;
    _Atomic int64_t *budget; /* api->charge is added here as well as to ctx; may be NULL */
    sluice_batch_t *sample;  /* of api->sample; NULL: none */
} sl_ctx_params_t;

/* What api->fail stored. Strings belong to the holder: sl_ctx_error_fini. */
typedef struct sl_ctx_error {
    int status;
    char *code;
    char *message;
} sl_ctx_error_t;

/* One api->config_error. */
typedef struct sl_ctx_fault {
    char *option;
    char *message;
} sl_ctx_fault_t;

/* The table for every instance of the process; static. */
const sluice_api_t *sl_api(void);

int sl_ctx_create(const sl_ctx_params_t *params, sluice_ctx_t **out);
/* Stops timers, drops posts that did not run, waits for offloads; then `closed` on the loop, never
 * inside this call. */
void sl_ctx_close(sluice_ctx_t *ctx, void (*closed)(void *user), void *user);
/* Only after closed, or when loop was NULL. Accepts NULL. */
void sl_ctx_destroy(sluice_ctx_t *ctx);
/* After vtable->close(self) was called and answered OK but did not complete, or after sl_ctx_close
 * whose `closed` did not come (offloaded work hangs): gives instance and ctx away. */
void sl_ctx_abandon(sluice_ctx_t *ctx, void (*destroy)(void *self), void *self);
int sl_ctx_is_abandoned(const sluice_ctx_t *ctx);

/* Moves the stored error out: 1, or 0 with *out zeroed when fail was not called since. */
int sl_ctx_error_take(sluice_ctx_t *ctx, sl_ctx_error_t *out);
void sl_ctx_error_fini(sl_ctx_error_t *error);

/* The close of a converter that asks a service; NULL: it is pure. */
typedef int (*sl_close_fn)(void *self);
sl_close_fn sl_converter_close(const sluice_plugin_t *plugin);

/* The faults that check or probe reported; borrowed until destroy. */
const sl_ctx_fault_t *sl_ctx_faults(const sluice_ctx_t *ctx, size_t *count);

/* 1 when api->sample was asked for and there is none. */
int sl_ctx_sample_missed(const sluice_ctx_t *ctx);

int64_t sl_ctx_charged(const sluice_ctx_t *ctx);
const char *sl_ctx_instance(const sluice_ctx_t *ctx);
const sluice_plugin_t *sl_ctx_plugin(const sluice_ctx_t *ctx);

#endif
