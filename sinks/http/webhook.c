#include "webhook.h"

#include <stdlib.h>

#include "support/heapbuf.h"

static const char *const aliases[] = {"io.aiven.kafka.connect.http.HttpSinkConnector",
                                      "HttpSinkConnector", "http-sink", "webhook", NULL};

/* ---- life ---- */

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    webhook_t *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return SLUICE_NO_MEMORY;
    w->api = api;
    w->ctx = ctx;
    http_sink_init(&w->life, api, ctx);
    heapbuf_init(&w->body);
    webhook_options_read(w);
    w->records_total =
        api->metric(ctx, SLUICE_COUNTER, "records_total", "Records that the target took.");
    w->requests_total = api->metric(ctx, SLUICE_COUNTER, "requests_total", "Requests made.");
    w->errors_total =
        api->metric(ctx, SLUICE_COUNTER, "errors_total", "Requests that the target did not take.");
    w->request_seconds = api->metric(ctx, SLUICE_HISTOGRAM, "request_seconds",
                                     "From sending a request to its answer.");
    *self = w;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    webhook_t *w = self;

    heapbuf_fini(&w->body);
    free(w);
}

/* There is nothing to ask: the first request shows whether somebody is there. */
static void on_open(void *arg) {
    webhook_t *w = arg;

    http_sink_opened(&w->life, SLUICE_OK);
}

static int sink_open(void *self) {
    webhook_t *w = self;
    int status = http_sink_open(&w->life, 1);

    if (status == SLUICE_OK)
        status = w->api->post(w->ctx, on_open, w);
    if (status != SLUICE_OK)
        w->life.opening = 0;
    return status;
}

/* ---- a batch ---- */

static void end_batch(webhook_t *w, int status, const sluice_result_t *result) {
    sluice_batch_t *batch = w->batch;
    sluice_ticket_t *ticket = w->ticket;

    w->batch = NULL;
    w->ticket = NULL;
    w->flying = 0;
    w->api->durable(w->ctx, ticket, status, result, result != NULL);
    w->api->batch_unref(batch);
    if (!w->life.closing)
        http_sink_flushed(&w->life);
}

static int has_failed_here(const webhook_t *w, const sluice_record_t *r) {
    return w->failed_at.len == r->position.len && w->failed_sub == r->sub_index &&
           memcmp(w->failed_at.bytes, r->position.bytes, r->position.len) == 0;
}

/* The same record may come in another batch when it comes again. */
static void count_failure(webhook_t *w, webhook_verdict_t *v) {
    const sluice_record_t *r = &w->records[w->next];

    w->failures = has_failed_here(w, r) ? w->failures + 1 : 1;
    w->failed_at = r->position;
    w->failed_sub = r->sub_index;
    if (w->retries_max < 0 || w->failures <= w->retries_max)
        return;
    /* Of several nobody knows which it is, and a target that is away is no record's fault. */
    v->status = w->flying > 1 || v->code == 0 ? SLUICE_FATAL : SLUICE_BAD_RECORD;
    w->failures = 0;
}

static void deliver(webhook_t *w);

/* Together they were refused: one by one they show which it was. */
static void deliver_alone(webhook_t *w) {
    w->alone = w->next + w->flying;
    w->flying = 0;
    deliver(w);
}

static void fail(webhook_t *w, webhook_verdict_t *v) {
    sluice_result_t result;

    w->api->metric_add(w->errors_total, 1);
    if (v->status == SLUICE_RETRY)
        count_failure(w, v);
    if (v->status == SLUICE_BAD_RECORD && w->flying > 1) {
        deliver_alone(w);
        return;
    }
    result = (sluice_result_t){.status = v->status,
                               .native_code = v->code,
                               .record = (uint32_t)w->next,
                               .retry_after_ms = v->retry_after_ms > 0 ? v->retry_after_ms
                                                                       : (uint32_t)w->backoff_ms,
                               .code = v->name,
                               .message = v->text};
    end_batch(w, v->status, &result);
}

static void on_answer(void *arg, const http_response_t *response) {
    webhook_t *w = arg;
    webhook_verdict_t v;

    if (w->ticket == NULL) /* closed meanwhile */
        return;
    w->api->metric_observe(w->request_seconds,
                           (double)(w->api->tick_ns(w->ctx) - w->sent_ns) / 1e9);
    webhook_judge(w, response, &v);
    if (v.status != SLUICE_OK) {
        fail(w, &v);
        return;
    }
    w->api->metric_add(w->records_total, (double)w->flying);
    w->failures = 0;
    w->next += w->flying;
    w->flying = 0;
    deliver(w);
}

static int is_left_out(const webhook_t *w, size_t at) {
    return w->nulls == NULLS_IGNORE && w->records[at].value.kind == SLUICE_NULL;
}

/* How many records from w->next go into one request. */
static size_t count_together(const webhook_t *w) {
    size_t most = w->batch_max > 0 && w->next >= w->alone ? (size_t)w->batch_max : 1, n = 0;

    while (n < most && w->next + n < w->count && !is_left_out(w, w->next + n))
        n++;
    return n;
}

/* The record that the body could not be made of, alone or among others. */
static void refuse(webhook_t *w, int status) {
    sluice_result_t result = {.status = status, .record = (uint32_t)w->next};

    if (status == SLUICE_BAD_RECORD && w->flying > 1)
        deliver_alone(w);
    else
        end_batch(w, status, &result);
}

/* Sends what comes next; ends the batch when nothing does. */
static void deliver(webhook_t *w) {
    int status;

    while (w->next < w->count && is_left_out(w, w->next))
        w->next++;
    if (w->next == w->count) {
        end_batch(w, SLUICE_OK, NULL);
        return;
    }
    w->flying = count_together(w);
    w->body.len = 0;
    w->body.status = SLUICE_OK;
    status = webhook_put_body(w, &w->records[w->next], w->flying, &w->body);
    if (status == SLUICE_OK) {
        w->sent_ns = w->api->tick_ns(w->ctx);
        w->api->metric_add(w->requests_total, 1);
        status = webhook_send(w, &w->records[w->next], w->flying, on_answer);
    }
    if (status != SLUICE_OK)
        refuse(w, status);
}

static void begin(void *arg) {
    webhook_t *w = arg;

    if (w->ticket != NULL && !w->life.closing)
        deliver(w);
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    webhook_t *w = self;
    int status;

    if (w->ticket != NULL)
        return SLUICE_BUSY; /* max_in_flight is 1: not reached */
    status = w->api->post(w->ctx, begin, w);
    if (status != SLUICE_OK)
        return status;
    w->batch = w->api->batch_ref(batch);
    w->ticket = ticket;
    w->records = w->api->batch_records(batch, &w->count);
    w->next = w->flying = w->alone = 0;
    return SLUICE_OK;
}

static void on_flush(void *arg) {
    webhook_t *w = arg;

    if (w->ticket == NULL && !w->life.closing)
        http_sink_flushed(&w->life);
}

static int sink_flush(void *self) {
    webhook_t *w = self;

    return http_sink_flush(&w->life, on_flush, w);
}

static int sink_close(void *self) {
    webhook_t *w = self;

    w->life.closing = 1;
    if (w->ticket != NULL)
        end_batch(w, SLUICE_CANCELLED, NULL);
    return http_sink_close(&w->life);
}

/* ---- the module ---- */

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_PREFIX,
    .max_in_flight = 1,
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SINK,
        .name = "http",
        .aliases = aliases,
        .summary = "Sends records to a URL, one or several a request.",
        .options = webhook_options,
        .option_count = WEBHOOK_OPTION_COUNT,
        .option_size = sizeof(sluice_option_t),
        .check = webhook_options_check,
        .probe = webhook_probe,
        .sink = &sink,
    },
};

SLUICE_DEFINE_MODULE("http-sink", SLUICE_VERSION, "Apache-2.0", plugins);
