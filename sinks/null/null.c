/*
 * The null sink: takes everything at once and keeps nothing. For measuring what comes before it.
 */
#include <stdlib.h>

#include "sluice/plugin.h"

typedef struct null_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
} null_sink_t;

static int null_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    null_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    *self = s;
    return SLUICE_OK;
}

static void null_destroy(void *self) {
    free(self);
}

static int null_open(void *self) {
    null_sink_t *s = self;

    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static int null_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    null_sink_t *s = self;

    (void)batch;
    s->api->durable(s->ctx, ticket, SLUICE_OK, NULL, 0);
    return SLUICE_OK;
}

static int null_flush(void *self) {
    null_sink_t *s = self;

    s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    return SLUICE_OK;
}

static int null_close(void *self) {
    null_sink_t *s = self;

    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .create = null_create,
    .destroy = null_destroy,
    .open = null_open,
    .write = null_write,
    .flush = null_flush,
    .close = null_close,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SINK,
        .name = "null",
        .summary = "Takes everything and keeps nothing.",
        .option_size = sizeof(sluice_option_t),
        .sink = &sink,
    },
};

SLUICE_DEFINE_MODULE("null", SLUICE_VERSION, "Apache-2.0", plugins);
