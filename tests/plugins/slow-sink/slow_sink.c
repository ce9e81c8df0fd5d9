/*
 * slow-sink: one batch at a time, each durable after a delay; or, from some record on, never again
 * (`hang.after`), as a target that stopped to answer. flush and close then hang, too, if told to.
 */
#include <stdlib.h>

#include "plugins/common/testsink.h"

static const sluice_option_t options[] = {
    {.name = "delay",
     .type = SLUICE_OPT_DURATION,
     .default_text = "10ms",
     .doc = "Time from writing a batch until it is durable."},
    {.name = "hang.after",
     .type = SLUICE_OPT_LONG,
     .default_text = "-1",
     .doc = "After so many records nothing is durable any more. -1: never."},
    {.name = "hang.for",
     .type = SLUICE_OPT_DURATION,
     .default_text = "0",
     .doc = "The hang ends after this time. 0: never."},
    {.name = "hang.close",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .doc = "close does not complete either."},
};

typedef struct slow_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_timer_t *timer;
    sluice_ticket_t *ticket; /* the batch on its way */
    int64_t delay;
    int64_t hang_after;
    int64_t records;
    int busy;
    int hung; /* 1: hanging, 2: it is over */
    int flushing;
} slow_sink_t;

static int slow_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    slow_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->delay = api->config_int(ctx, "delay");
    s->hang_after = api->config_int(ctx, "hang.after");
    *self = s;
    return SLUICE_OK;
}

static void slow_destroy(void *self) {
    free(self);
}

static int slow_open(void *self) {
    slow_sink_t *s = self;

    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static void on_delivered(void *self) {
    slow_sink_t *s = self;
    sluice_ticket_t *ticket = s->ticket;

    s->timer = NULL;
    s->ticket = NULL;
    if (s->hung == 1)
        s->hung = 2;
    s->api->durable(s->ctx, ticket, SLUICE_OK, NULL, 0);
    if (s->flushing) {
        s->flushing = 0;
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    }
    if (s->busy) {
        s->busy = 0;
        s->api->ready(s->ctx);
    }
}

static int slow_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    slow_sink_t *s = self;
    int64_t ms = s->delay;
    size_t n;

    if (s->ticket != NULL) {
        s->busy = 1;
        return SLUICE_BUSY;
    }
    s->api->batch_records(batch, &n);
    s->records += (int64_t)n;
    s->ticket = ticket;
    if (s->hang_after >= 0 && s->records > s->hang_after && s->hung == 0) {
        s->hung = 1;
        ms = s->api->config_int(s->ctx, "hang.for");
        if (ms == 0)
            return SLUICE_OK;
    }
    s->timer = s->api->timer_start(s->ctx, (uint64_t)ms, 0, on_delivered, s);
    return SLUICE_OK;
}

static int slow_flush(void *self) {
    slow_sink_t *s = self;

    if (s->ticket != NULL)
        s->flushing = 1;
    else
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    return SLUICE_OK;
}

static int slow_close(void *self) {
    slow_sink_t *s = self;
    sluice_result_t result = {.status = SLUICE_CANCELLED, .code = "slow.cancelled"};

    if (s->hung == 1 && s->api->config_int(s->ctx, "hang.close"))
        return SLUICE_OK;
    if (s->timer != NULL)
        s->api->timer_stop(s->ctx, s->timer);
    if (s->ticket != NULL)
        s->api->durable(s->ctx, s->ticket, SLUICE_CANCELLED, &result, 1);
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .max_in_flight = 1,
    .create = slow_create,
    .destroy = slow_destroy,
    .open = slow_open,
    .write = slow_write,
    .flush = slow_flush,
    .close = slow_close,
};

TEST_SINK_MODULE("slow-sink", "Test: delays, and hangs from some record on.");
