/*
 * runtime/queue.h: what one thread hands to another: a list under a mutex and an async handle.
 *
 * What this is: a FIFO of intrusive nodes between the trunk's thread and a branch's. It is bounded
 * in bytes and count, softly: the trunk's loop must never block, so a push beyond the bound is
 * still taken and answers BUSY; the bound is kept by the source's credit (runtime/credit.h), which
 * is 0 by then.
 * Ownership: a pushed node belongs to the queue until taken; what is left at fini is the caller's
 * to take first. Threads: push any; take, close on the loop's thread; `on_items` runs there.
 */
#ifndef SL_RUNTIME_QUEUE_H
#define SL_RUNTIME_QUEUE_H

#include "base/list.h"
#include <stdint.h>
#include <uv.h>

typedef struct sl_queue_node {
    sl_list_t link;
    size_t bytes;
} sl_queue_node_t;

typedef struct sl_queue {
    uv_mutex_t lock;
    sl_list_t items;
    size_t bytes;
    size_t count;
    size_t max_bytes;
    size_t max_count;
    int closed; /* pushes are refused */
    uv_async_t async;
    void (*on_items)(void *user);
    void *user;
} sl_queue_t;

/* SLUICE_OK or SLUICE_NO_MEMORY. Bounds of 0: none. */
int sl_queue_init(sl_queue_t *queue, uv_loop_t *loop, size_t max_bytes, size_t max_count,
                  void (*on_items)(void *user), void *user);
/* SLUICE_OK; SLUICE_BUSY: taken, but the queue is at its bound now; SLUICE_CANCELLED: the queue is
 * closed and the node stays the caller's. */
int sl_queue_push(sl_queue_t *queue, sl_queue_node_t *node, size_t bytes);
/* Moves everything to the end of `into`, in order. Returns how many. */
size_t sl_queue_take(sl_queue_t *queue, sl_list_t *into);
size_t sl_queue_bytes(sl_queue_t *queue);
/* Refuses pushes from now on and closes the handle; the loop has to run once more before fini. */
void sl_queue_close(sl_queue_t *queue);
void sl_queue_fini(sl_queue_t *queue);

#endif
