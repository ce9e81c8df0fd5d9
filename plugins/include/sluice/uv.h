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

#endif
