#include "clients/kafka/pump.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SAFETY_POLL_MS = 100 };

static void on_wake(uv_poll_t *handle, int status, int events) {
    kafka_pump_t *pump = handle->data;
    uint64_t count;

    (void)status;
    (void)events;
    while (read(pump->fd, &count, sizeof(count)) > 0)
        continue;
    pump->serve(pump->arg);
}

static void on_timer(uv_timer_t *handle) {
    kafka_pump_t *pump = handle->data;

    pump->serve(pump->arg);
}

int kafka_pump_open(kafka_pump_t *pump, const sluice_api_t *api, sluice_ctx_t *ctx,
                    rd_kafka_queue_t *queue, void (*serve)(void *arg), void *arg) {
    static const uint64_t one = 1;
    uv_loop_t *loop = sluice_uv_loop(api, ctx);

    pump->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pump->fd < 0) {
        api->fail(ctx, SLUICE_FATAL, "kafka.eventfd", "eventfd: %s", strerror(errno));
        rd_kafka_queue_destroy(queue);
        return SLUICE_FATAL;
    }
    pump->queue = queue;
    pump->serve = serve;
    pump->arg = arg;
    pump->open_handles = 2;
    uv_poll_init(loop, &pump->poll, pump->fd);
    uv_timer_init(loop, &pump->timer);
    pump->poll.data = pump->timer.data = pump;
    uv_poll_start(&pump->poll, UV_READABLE, on_wake);
    uv_timer_start(&pump->timer, on_timer, SAFETY_POLL_MS, SAFETY_POLL_MS);
    rd_kafka_queue_io_event_enable(queue, pump->fd, &one, sizeof(one));
    return SLUICE_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
    kafka_pump_t *pump = handle->data;

    if (--pump->open_handles > 0)
        return;
    close(pump->fd);
    pump->closed(pump->arg);
}

void kafka_pump_close(kafka_pump_t *pump, void (*closed)(void *arg)) {
    pump->closed = closed;
    rd_kafka_queue_io_event_enable(pump->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(pump->queue);
    pump->queue = NULL;
    uv_close((uv_handle_t *)&pump->poll, on_handle_closed);
    uv_close((uv_handle_t *)&pump->timer, on_handle_closed);
}
