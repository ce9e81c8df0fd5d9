#include "runtime/queue.h"

#include "sluice/error.h"

static void on_async(uv_async_t *async) {
    sl_queue_t *queue = async->data;

    queue->on_items(queue->user);
}

int sl_queue_init(sl_queue_t *queue, uv_loop_t *loop, size_t max_bytes, size_t max_count,
                  void (*on_items)(void *user), void *user) {
    sl_list_init(&queue->items);
    queue->bytes = queue->count = 0;
    queue->max_bytes = max_bytes != 0 ? max_bytes : SIZE_MAX;
    queue->max_count = max_count != 0 ? max_count : SIZE_MAX;
    queue->closed = 0;
    queue->on_items = on_items;
    queue->user = user;
    if (uv_mutex_init(&queue->lock) != 0)
        return SLUICE_NO_MEMORY;
    if (uv_async_init(loop, &queue->async, on_async) != 0) {
        uv_mutex_destroy(&queue->lock);
        return SLUICE_NO_MEMORY;
    }
    queue->async.data = queue;
    return SLUICE_OK;
}

int sl_queue_push(sl_queue_t *queue, sl_queue_node_t *node, size_t bytes) {
    int status = SLUICE_CANCELLED;

    uv_mutex_lock(&queue->lock);
    if (!queue->closed) {
        node->bytes = bytes;
        sl_list_push(&queue->items, &node->link);
        queue->bytes += bytes;
        queue->count++;
        status = queue->bytes >= queue->max_bytes || queue->count >= queue->max_count ? SLUICE_BUSY
                                                                                      : SLUICE_OK;
        /* Under the lock: close must not run between the check and the send. */
        uv_async_send(&queue->async);
    }
    uv_mutex_unlock(&queue->lock);
    return status;
}

size_t sl_queue_take(sl_queue_t *queue, sl_list_t *into) {
    size_t count;
    sl_list_t *node;

    uv_mutex_lock(&queue->lock);
    count = queue->count;
    while ((node = sl_list_pop(&queue->items)) != NULL)
        sl_list_push(into, node);
    queue->bytes = queue->count = 0;
    uv_mutex_unlock(&queue->lock);
    return count;
}

size_t sl_queue_bytes(sl_queue_t *queue) {
    size_t bytes;

    uv_mutex_lock(&queue->lock);
    bytes = queue->bytes;
    uv_mutex_unlock(&queue->lock);
    return bytes;
}

void sl_queue_close(sl_queue_t *queue) {
    uv_mutex_lock(&queue->lock);
    queue->closed = 1;
    uv_mutex_unlock(&queue->lock);
    uv_close((uv_handle_t *)&queue->async, NULL);
}

void sl_queue_fini(sl_queue_t *queue) {
    uv_mutex_destroy(&queue->lock);
}
