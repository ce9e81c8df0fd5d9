/*
 * runtime/instance.h: one plugin instance with its life: create, open, close, or abandon.
 *
 * What this is: the lifecycle law of sluice/plugin.h in one place, for sources, sinks and
 * transforms. An instance lives one open..close; a reconnect is a new instance with a new ctx in
 * the same sl_instance_t. A close that does not complete within its deadline gives the instance
 * away: what it still says is not heard.
 * Ownership: embedded in its owner, which must outlive the loop's last turn after fini. Threads:
 * the owner's. `opened` and `closed` are never called inside a plugin's own call, but may be inside
 * sl_instance_open and sl_instance_close when there is nothing to wait for.
 */
#ifndef SL_RUNTIME_INSTANCE_H
#define SL_RUNTIME_INSTANCE_H

#include "plugin/ctx.h"
#include <uv.h>

/* One use of a plugin, resolved: which, with what configuration, called how. */
typedef struct sl_spec {
    const sluice_plugin_t *plugin; /* NULL: not used */
    struct sl_config *config;
    char *name; /* instance name: "source", "<transform>", "<branch>", "<branch>/<transform>" */
} sl_spec_t;

/* What all instances of a thread share. */
typedef struct sl_home {
    uv_loop_t *loop;
    const char *pipeline;
    const char *state_dir;
    int32_t task;
    _Atomic int64_t *budget;
} sl_home_t;

typedef enum sl_instance_state {
    SL_INSTANCE_NONE = 0,
    SL_INSTANCE_OPENING,
    SL_INSTANCE_OPEN,
    SL_INSTANCE_CLOSING
} sl_instance_state_t;

typedef struct sl_instance {
    const sl_spec_t *spec;
    const sl_home_t *home;
    sluice_ctx_t *ctx;
    void *self;
    sl_instance_state_t state;
    int open_status;
    int starting; /* inside close: a completion is kept until it returns */
    int early;    /* the kept completion */
    uv_timer_t timer;
    void (*opened)(void *user, int status);
    void (*closed)(void *user, int abandoned);
    void *user;
} sl_instance_t;

int sl_instance_init(sl_instance_t *instance, const sl_spec_t *spec, const sl_home_t *home);
/* Creates and opens; `opened` follows. ops->complete must pass on to sl_instance_complete. After
 * opened with an error the owner closes. */
void sl_instance_open(sl_instance_t *instance, const sl_ctx_ops_t *ops, void *user,
                      void (*opened)(void *user, int status));
/* SLUICE_OP_OPEN and SLUICE_OP_CLOSE of api->complete; others are the owner's. */
void sl_instance_complete(sl_instance_t *instance, sluice_op_t op, int status);
/* In any state; `closed` follows, at once when nothing was open. Calls while closing replace
 * `closed`. */
void sl_instance_close(sl_instance_t *instance, uint64_t deadline_ms,
                       void (*closed)(void *user, int abandoned), void *user);
/* Only when closed. */
void sl_instance_fini(sl_instance_t *instance);
/* What the instance said by api->fail, else a text from the status. Given: sl_ctx_error_fini. */
void sl_instance_error(sl_instance_t *instance, int status, sl_ctx_error_t *out);
void sl_ctx_error_of(sluice_ctx_t *ctx, int status, sl_ctx_error_t *out);
/* 1: trying again, or opening anew, may help. */
int sl_status_may_heal(int status);
const char *sl_status_name(int status); /* "retry", "not_connected" ... */

/* Pure plugins (converters, predicates): create and destroy only. NULL out: *error says why. */
typedef struct sl_pure {
    const sluice_plugin_t *plugin; /* NULL: not used */
    sluice_ctx_t *ctx;
    void *self;
} sl_pure_t;
int sl_pure_open(sl_pure_t *pure, const sl_spec_t *spec, const sl_home_t *home,
                 sl_ctx_error_t *error);
void sl_pure_close(sl_pure_t *pure);

#endif
