/*
 * clients/redis/connection.h: one connection to a Redis server on an instance's uv loop.
 *
 * Debian's hiredis has no TLS, so sockets and TLS are ours and hiredis reads the replies
 * (redisReader).
 * The way: redis_connection_open -> on_ready (after TLS, AUTH and SELECT) -> send ... on_reply for
 * each command, in order -> redis_connection_close -> on_closed. on_lost comes at most once,
 * instead of on_ready or after it: then there are no more replies and the owner closes.
 * Ownership: embedded in its owner, which outlives on_closed. Thread: the instance's.
 */
#ifndef CLIENTS_REDIS_CONNECTION_H
#define CLIENTS_REDIS_CONNECTION_H

#include "clients/redis/resp.h"
#include "clients/redis/target.h"
#include "clients/redis/tls.h"
#include "sluice/uv.h"
#include <hiredis/hiredis.h>

typedef struct redis_events {
    void (*on_ready)(void *arg);
    void (*on_reply)(void *arg, const redisReply *reply); /* borrows */
    /* status: NOT_CONNECTED, or FATAL for refused credentials. message names the server. */
    void (*on_lost)(void *arg, int status, const char *code, const char *message);
    void (*on_closed)(void *arg);
} redis_events_t;

typedef struct redis_connection {
    const redis_events_t *events;
    void *arg;
    redis_target_t target;
    redis_tls_t *tls; /* NULL: plain */
    int tls_ready;
    redisReader *reader;
    uv_loop_t *loop;
    uv_getaddrinfo_t resolve;
    struct addrinfo *found; /* addresses; the first of them that answers is used */
    struct addrinfo *trying;
    uv_connect_t connect;
    uv_tcp_t socket;
    uv_timer_t timer;
    int open_handles;
    int socket_open;
    int resolving;
    int greeting; /* replies to AUTH and SELECT still to come */
    int ready;
    int lost;
    int closing;
    size_t expected; /* replies */
    char early[256]; /* a fault found inside open */
    char input[65536];
} redis_connection_t;

/* Takes over the target's content. A negative status with no callback to come, or SLUICE_OK. */
int redis_connection_open(redis_connection_t *c, uv_loop_t *loop, redis_target_t *target,
                          const redis_events_t *events, void *arg);
/* Sends a pipeline and takes its text. on_reply comes p->commands times. */
int redis_connection_send(redis_connection_t *c, redis_pipeline_t *p);
void redis_connection_close(redis_connection_t *c);

#endif
