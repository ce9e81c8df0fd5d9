/*
 * clients/http/http_sink.h: the life of a sink over HTTP, from open to close, and which operation
 * of the runtime is under way.
 *
 * The way: http_sink_open -> the sink asks its first questions -> http_sink_opened -> ... write,
 * http_sink_flush ... -> http_sink_close. Every operation completes exactly once: what is under way
 * at the end is CANCELLED before CLOSE, and CLOSE waits for the client and for a journal that is
 * being saved.
 * Ownership: embedded in the sink, which keeps it until CLOSE has completed; it owns client and
 * timer. The flags are the sink's to read; it sets waiting_ready, saving and broken itself.
 * Thread: the instance's.
 */
#ifndef CLIENTS_HTTP_HTTP_SINK_H
#define CLIENTS_HTTP_HTTP_SINK_H

#include "clients/http/http.h"

typedef struct http_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    http_client_t *client; /* NULL: not opened, or closed */
    sluice_timer_t *timer; /* any that close has to stop; NULL: none */
    int opening, closing, flushing;
    int broken;        /* take and send nothing any more */
    int waiting_ready; /* write answered BUSY */
    int saving;        /* a journal is being saved */
} http_sink_t;

void http_sink_init(http_sink_t *life, const sluice_api_t *api, sluice_ctx_t *ctx);
/* Makes the client; OPEN is under way from here on. */
int http_sink_open(http_sink_t *life, long max_connections);
/* Completes OPEN, once; after api->fail when status says so. */
void http_sink_opened(http_sink_t *life, int status);
/* There is room again: tells the runtime if it waits for that. */
void http_sink_ready(http_sink_t *life);
/* FLUSH is under way; `later` runs on the loop's next turn with arg. */
int http_sink_flush(http_sink_t *life, void (*later)(void *arg), void *arg);
/* Nothing is buffered or in flight: completes FLUSH if it is under way. */
void http_sink_flushed(http_sink_t *life);
/* The journal's save ended. 1 when the sink is closing: there is nothing more to do. */
int http_sink_saved(http_sink_t *life);
/* Begins CLOSE and completes it; all tickets have ended before. */
int http_sink_close(http_sink_t *life);

#endif
