/*
 * What the client still holds back for linger.ms goes out now. The client disregards linger.ms only
 * while its blocking flush is called, so a helper thread calls that, again and again until the
 * runtime's FLUSH is over: what is given to the client meanwhile does not linger either. Reports
 * come as events to the instance's thread as ever.
 */
#include "kafka_sink.h"

#define TURN_MS 200

static void push(void *arg) {
    rd_kafka_flush(((kafka_sink_t *)arg)->client, TURN_MS);
}

static void on_pushed(void *arg) {
    kafka_sink_t *sink = arg;

    sink->pushing = 0;
    kafka_flush_push(sink);
    kafka_sink_progress(sink);
}

/* A transaction's commit flushes by itself. Without memory for a thread linger.ms has to pass. */
void kafka_flush_push(kafka_sink_t *sink) {
    if (!sink->flushing || sink->pushing || sink->closing || sink->in_flight == 0 ||
        sink->tx != NULL)
        return;
    sink->pushing = sink->api->offload(sink->ctx, push, on_pushed, sink) == SLUICE_OK;
}
