#include "clients/http/http_sink.h"

void http_sink_init(http_sink_t *life, const sluice_api_t *api, sluice_ctx_t *ctx) {
    memset(life, 0, sizeof(*life));
    life->api = api;
    life->ctx = ctx;
}

int http_sink_open(http_sink_t *life, long max_connections) {
    life->client = http_client_create(life->api, life->ctx, max_connections);
    if (life->client == NULL)
        return SLUICE_NO_MEMORY;
    life->opening = 1;
    return SLUICE_OK;
}

void http_sink_opened(http_sink_t *life, int status) {
    if (!life->opening)
        return;
    life->opening = 0;
    life->broken = status != SLUICE_OK;
    life->api->complete(life->ctx, SLUICE_OP_OPEN, status);
}

void http_sink_ready(http_sink_t *life) {
    if (!life->waiting_ready)
        return;
    life->waiting_ready = 0;
    life->api->ready(life->ctx);
}

static void end_flush(http_sink_t *life, int status) {
    if (!life->flushing)
        return;
    life->flushing = 0;
    life->api->complete(life->ctx, SLUICE_OP_FLUSH, status);
}

int http_sink_flush(http_sink_t *life, void (*later)(void *arg), void *arg) {
    life->flushing = 1;
    return life->api->post(life->ctx, later, arg);
}

void http_sink_flushed(http_sink_t *life) {
    end_flush(life, SLUICE_OK);
}

static void finish_close(http_sink_t *life) {
    if (!life->closing || life->saving || life->client != NULL)
        return;
    http_sink_opened(life, SLUICE_CANCELLED);
    end_flush(life, SLUICE_CANCELLED);
    life->api->complete(life->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

int http_sink_saved(http_sink_t *life) {
    life->saving = 0;
    finish_close(life);
    return life->closing;
}

static void on_client_closed(void *arg) {
    http_sink_t *life = arg;

    life->client = NULL;
    finish_close(life);
}

static void close_later(void *arg) {
    finish_close(arg);
}

int http_sink_close(http_sink_t *life) {
    life->closing = 1;
    life->broken = 1;
    if (life->timer != NULL)
        life->api->timer_stop(life->ctx, life->timer);
    life->timer = NULL;
    if (life->client == NULL)
        return life->api->post(life->ctx, close_later, life);
    http_client_close(life->client, on_client_closed, life);
    return SLUICE_OK;
}
