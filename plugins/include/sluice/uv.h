/*
 * sluice/uv.h: the one extra header, for plugins that use libuv handles themselves.
 *
 * Host and plugins share one dynamic libuv 1.x. Handles belong to the plugin: it closes all of them
 * before it completes SLUICE_OP_CLOSE. Thread: the instance's only.
 */
#ifndef SLUICE_UV_H
#define SLUICE_UV_H

#include <uv.h>
#include "sluice/host.h"

/* The loop of the instance's thread; borrowed, valid until destroy. */
static inline uv_loop_t *sluice_uv_loop(const sluice_api_t *api, sluice_ctx_t *ctx) {
    return (uv_loop_t *)api->uv_loop(ctx);
}

/* ---- waiting on a loop of one's own (a probe, a check: never the instance's) ---- */

typedef struct sluice_uv_wait {
    uv_prepare_t before_sleep;
    int (*done)(void *user);
    void *user;
    int closed;
} sluice_uv_wait_t;

static inline void sluice_uv_before_sleep(uv_prepare_t *prepare) {
    sluice_uv_wait_t *wait = (sluice_uv_wait_t *)prepare->data;

    if (wait->done(wait->user))
        uv_stop(prepare->loop);
}

/* Of sluice_uv_run_until: its prepare handle is gone. */
static inline void sluice_uv_wait_closed(uv_handle_t *handle) {
    ((sluice_uv_wait_t *)handle->data)->closed = 1;
}

/*
 * Runs the loop until done(user) holds: 1. 0: nothing is left on the loop that could make it hold.
 * It may hold before the first turn, which is then not run. `while (!done) uv_run(UV_RUN_ONCE)`
 * is not enough: a turn runs timers before it sleeps, and would sleep on after one that made it
 * hold. At the end the loop turns once more without sleeping.
 */
static inline int sluice_uv_run_until(uv_loop_t *loop, int (*done)(void *user), void *user) {
    sluice_uv_wait_t wait;
    int holds;

    if (done(user))
        return 1;
    wait.done = done;
    wait.user = user;
    wait.closed = 0;
    uv_prepare_init(loop, &wait.before_sleep);
    wait.before_sleep.data = &wait;
    uv_prepare_start(&wait.before_sleep, sluice_uv_before_sleep);
    uv_unref((uv_handle_t *)&wait.before_sleep);
    while (!done(user) && uv_run(loop, UV_RUN_ONCE) != 0)
        continue;
    holds = done(user);
    uv_close((uv_handle_t *)&wait.before_sleep, sluice_uv_wait_closed);
    while (!wait.closed)
        uv_run(loop, UV_RUN_NOWAIT);
    return holds;
}

#endif
