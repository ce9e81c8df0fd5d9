#include "clients/redis/redis_ask.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct ask {
    redis_connection_t connection;
    uv_loop_t loop;
    redis_pipeline_t *commands;
    size_t replies, expected;
    void (*on_reply)(void *arg, size_t i, const redisReply *reply);
    void *arg;
    int status;
    int closing;
    const char *code;
    char *message;
    size_t size;
} ask_t;

static void end(ask_t *ask) {
    if (!ask->closing)
        redis_connection_close(&ask->connection);
    ask->closing = 1;
}

static void on_ready(void *arg) {
    ask_t *ask = arg;

    ask->expected = ask->commands->commands;
    if (ask->expected == 0)
        end(ask);
    else
        redis_connection_send(&ask->connection, ask->commands);
}

static void on_reply(void *arg, const redisReply *reply) {
    ask_t *ask = arg;

    ask->on_reply(ask->arg, ask->replies++, reply);
    if (ask->replies == ask->expected)
        end(ask);
}

static void on_lost(void *arg, int status, const char *code, const char *message) {
    ask_t *ask = arg;

    ask->status = status;
    ask->code = code;
    snprintf(ask->message, ask->size, "%s", message);
    end(ask);
}

static void on_closed(void *arg) {
    (void)arg;
}

int redis_ask(redis_target_t *target, redis_pipeline_t *commands,
              void (*reply)(void *arg, size_t i, const redisReply *reply), void *arg,
              const char **code, char *message, size_t size) {
    static const redis_events_t events = {on_ready, on_reply, on_lost, on_closed};
    ask_t *ask = calloc(1, sizeof(*ask));
    int status = SLUICE_NO_MEMORY;

    *code = "redis.memory";
    snprintf(message, size, "out of memory");
    if (ask == NULL || uv_loop_init(&ask->loop) != 0) {
        redis_target_fini(target);
        free(ask);
        return status;
    }
    ask->commands = commands;
    ask->on_reply = reply;
    ask->arg = arg;
    ask->message = message;
    ask->size = size;
    if (target->timeout_ms > REDIS_ASK_MS)
        target->timeout_ms = REDIS_ASK_MS;
    status = redis_connection_open(&ask->connection, &ask->loop, target, &events, ask);
    if (status == SLUICE_OK) {
        uv_run(&ask->loop, UV_RUN_DEFAULT);
        status = ask->status;
        *code = ask->code;
    }
    uv_run(&ask->loop, UV_RUN_DEFAULT);
    uv_loop_close(&ask->loop);
    free(ask);
    return status;
}
