/*
 * buffer-sink: keeps batches until it has enough records or enough time has passed, then calls all
 * of them durable at once. Released at once, durable late: what sinks that write objects do.
 */
#include <stdlib.h>

#include "plugins/common/testsink.h"

enum { MAX_TICKETS = 65536 };

static const sluice_option_t options[] = {
    {.name = "records",
     .type = SLUICE_OPT_LONG,
     .default_text = "1000",
     .doc = "Records that make a full buffer."},
    {.name = "interval",
     .type = SLUICE_OPT_DURATION,
     .default_text = "1s",
     .doc = "A buffer is delivered after this time though it is not full. 0: never."},
    {.name = "release",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .doc = "Release batches on writing."},
};

typedef struct buffer_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_timer_t *timer;
    int64_t limit;
    int64_t records;
    int release;
    size_t count;
    sluice_ticket_t *tickets[MAX_TICKETS];
} buffer_sink_t;

static int buffer_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    buffer_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->limit = api->config_int(ctx, "records");
    s->release = (int)api->config_int(ctx, "release");
    *self = s;
    return SLUICE_OK;
}

static void buffer_destroy(void *self) {
    free(self);
}

static void deliver(buffer_sink_t *s, int status) {
    size_t i, n = s->count;
    sluice_result_t result = {.status = status, .code = "buffer.cancelled"};

    s->count = 0;
    s->records = 0;
    for (i = 0; i < n; i++)
        s->api->durable(s->ctx, s->tickets[i], status, &result, status == SLUICE_OK ? 0 : 1);
    if (n == MAX_TICKETS)
        s->api->ready(s->ctx);
}

static void on_timer(void *self) {
    deliver(self, SLUICE_OK);
}

static int buffer_open(void *self) {
    buffer_sink_t *s = self;
    uint64_t ms = (uint64_t)s->api->config_int(s->ctx, "interval");

    if (ms > 0)
        s->timer = s->api->timer_start(s->ctx, ms, ms, on_timer, s);
    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static int buffer_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    buffer_sink_t *s = self;
    size_t n = 0;

    if (s->count == MAX_TICKETS)
        return SLUICE_BUSY;
    s->api->batch_records(batch, &n);
    s->tickets[s->count++] = ticket;
    s->records += (int64_t)n;
    if (s->release)
        s->api->released(s->ctx, ticket);
    if (s->records >= s->limit)
        deliver(s, SLUICE_OK);
    return SLUICE_OK;
}

static int buffer_flush(void *self) {
    buffer_sink_t *s = self;

    deliver(s, SLUICE_OK);
    s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    return SLUICE_OK;
}

static int buffer_close(void *self) {
    buffer_sink_t *s = self;

    if (s->timer != NULL)
        s->api->timer_stop(s->ctx, s->timer);
    deliver(s, SLUICE_CANCELLED);
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .create = buffer_create,
    .destroy = buffer_destroy,
    .open = buffer_open,
    .write = buffer_write,
    .flush = buffer_flush,
    .close = buffer_close,
};

TEST_SINK_MODULE("buffer-sink", "Test: releases early, is durable late.");
