/* The commands of several batches go out together, when option linger lets them wait for more. */
#include "redis_sink.h"

static int is_due(const redis_sink_t *sink) {
    const redis_gather_t *g = &sink->gather;

    return sink->flushing || g->records >= g->max_records ||
           (int64_t)g->waiting.len >= g->max_bytes || sink->in_flight + 1 >= REDIS_IN_FLIGHT;
}

static void stop_timer(redis_sink_t *sink) {
    if (sink->gather.timer != NULL)
        sink->api->timer_stop(sink->ctx, sink->gather.timer);
    sink->gather.timer = NULL;
}

static int send_now(redis_sink_t *sink, redis_pipeline_t *p) {
    sink->api->metric_add(sink->writes, 1);
    return redis_connection_send(&sink->connection, p);
}

int redis_gather_send(redis_sink_t *sink) {
    redis_gather_t *g = &sink->gather;

    stop_timer(sink);
    if (g->waiting.len == 0)
        return SLUICE_OK;
    g->records = 0;
    return send_now(sink, &g->waiting);
}

static void on_linger(void *arg) {
    redis_sink_t *sink = arg;

    sink->gather.timer = NULL;
    if (redis_gather_send(sink) != SLUICE_OK)
        redis_sink_lost(sink, SLUICE_NOT_CONNECTED, "redis.write",
                        "what waited could not be sent");
}

static int wait_for_more(redis_sink_t *sink) {
    redis_gather_t *g = &sink->gather;

    if (g->timer == NULL)
        g->timer =
            sink->api->timer_start(sink->ctx, (uint64_t)g->linger_ms, 0, on_linger, sink);
    return g->timer != NULL ? SLUICE_OK : redis_gather_send(sink);
}

int redis_gather_add(redis_sink_t *sink, redis_pipeline_t *p, size_t records) {
    redis_gather_t *g = &sink->gather;

    if (g->linger_ms == 0)
        return send_now(sink, p);
    redis_append(&g->waiting, p);
    if (g->waiting.failed) { /* what was there before still is */
        g->waiting.failed = 0;
        return SLUICE_NO_MEMORY;
    }
    g->waiting.commands += p->commands;
    g->records += (int64_t)records;
    return is_due(sink) ? redis_gather_send(sink) : wait_for_more(sink);
}

void redis_gather_drop(redis_sink_t *sink) {
    stop_timer(sink);
    redis_pipeline_fini(&sink->gather.waiting);
    sink->gather.records = 0;
}
