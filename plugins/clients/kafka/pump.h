/*
 * clients/kafka/pump.h: serves a librdkafka queue on an instance's uv loop.
 *
 * librdkafka wakes us by writing to an eventfd when a queue goes from empty to non-empty, and only
 * then; so each wake drains the queue whole, and a slow timer catches what a lost edge would leave
 * behind.
 * Ownership: embedded in the instance; holds one reference on the queue from init to close. Thread:
 * the instance's.
 */
#ifndef CLIENTS_KAFKA_PUMP_H
#define CLIENTS_KAFKA_PUMP_H

#include "sluice/plugin.h"
#include "sluice/uv.h"
#include <librdkafka/rdkafka.h>

typedef struct kafka_pump {
    rd_kafka_queue_t *queue;
    void (*serve)(
        void *arg); /* drains the queue: calls until it is empty, or until it wants to stop */
    void (*closed)(void *arg);
    void *arg;
    uv_poll_t poll;
    uv_timer_t timer;
    int fd;
    int open_handles;
} kafka_pump_t;

/* Begins to serve; takes over the queue reference in any case. A negative status after api->fail:
 * it is not open. */
int kafka_pump_open(kafka_pump_t *pump, const sluice_api_t *api, sluice_ctx_t *ctx,
                    rd_kafka_queue_t *queue, void (*serve)(void *arg), void *arg);
/* Ends; closed(arg) runs on the loop when the handles are gone. To be called before the client is
 * destroyed. */
void kafka_pump_close(kafka_pump_t *pump, void (*closed)(void *arg));

#endif
