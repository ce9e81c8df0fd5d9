#include "base/channel.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/error.h"

#define HEAD 4u
#define BUFFER_IDLE 4096u   /* kept while nothing large is on its way */
#define BUFFER_KEEP 262144u /* above this the buffer is given back once it is empty */

struct sl_channel {
    uv_pipe_t pipe;
    uv_shutdown_t shutdown;
    sl_channel_callbacks_t callbacks;
    void *user;
    void (*closed)(void *user);
    void *closed_user;
    char *data; /* bytes read and not yet consumed: data[0..len) */
    size_t len;
    size_t cap;
    int ended;
    int closing;
    char too_long[80]; /* the reason of an end */
};

typedef struct frame {
    uv_write_t request;
    uint8_t head[HEAD];
    char *text;
} frame_t;

static uint32_t get_le32(const char *p) {
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put_le32(uint8_t *p, uint32_t n) {
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)(n >> 16);
    p[3] = (uint8_t)(n >> 24);
}

static void end(sl_channel_t *c, const char *reason) {
    if (c->ended || c->closing)
        return;
    c->ended = 1;
    uv_read_stop((uv_stream_t *)&c->pipe);
    if (c->callbacks.on_end != NULL)
        c->callbacks.on_end(c->user, reason);
}

static int reserve(sl_channel_t *c, size_t cap) {
    char *data;

    if (cap <= c->cap)
        return SLUICE_OK;
    data = realloc(c->data, cap);
    if (data == NULL)
        return SLUICE_NO_MEMORY;
    c->data = data;
    c->cap = cap;
    return SLUICE_OK;
}

/* Room for the rest of the frame under way, in steps, so that a lying length costs nothing. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    sl_channel_t *c = handle->data;
    size_t want = BUFFER_IDLE;

    (void)suggested;
    if (c->len >= HEAD && get_le32(c->data) + (size_t)HEAD > want)
        want = get_le32(c->data) + (size_t)HEAD;
    if (want > 2 * c->len + BUFFER_IDLE)
        want = 2 * c->len + BUFFER_IDLE;
    if (want <= c->len)
        want = c->len + BUFFER_IDLE;
    if (reserve(c, want) != SLUICE_OK) {
        *buf = uv_buf_init(NULL, 0);
        return;
    }
    *buf = uv_buf_init(c->data + c->len, (unsigned)(c->cap - c->len));
}

static const char *too_long(sl_channel_t *c, size_t size) {
    snprintf(c->too_long, sizeof c->too_long, "a frame says that it has %zu bytes, the most are %u",
             size, SL_CHANNEL_FRAME_MAX);
    return c->too_long;
}

/* Hands over one frame's text; what is wrong with it, or NULL. */
static const char *deliver(sl_channel_t *c, const char *text, size_t len) {
    cJSON *message = cJSON_ParseWithLength(text, len);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(message, "type");

    if (!cJSON_IsString(type)) {
        cJSON_Delete(message);
        return message == NULL ? "a frame is not JSON" : "a frame has no text member \"type\"";
    }
    c->callbacks.on_message(c->user, type->valuestring, message);
    cJSON_Delete(message);
    return NULL;
}

static void consume(sl_channel_t *c) {
    size_t at = 0;
    const char *wrong = NULL;

    while (!c->closing && wrong == NULL && c->len - at >= HEAD) {
        size_t size = get_le32(c->data + at);
        if (size > SL_CHANNEL_FRAME_MAX) {
            wrong = too_long(c, size);
            break;
        }
        if (c->len - at - HEAD < size)
            break;
        wrong = deliver(c, c->data + at + HEAD, size);
        at += HEAD + size;
    }
    c->len -= at;
    if (at > 0 && c->len > 0)
        memmove(c->data, c->data + at, c->len);
    if (c->len == 0 && c->cap > BUFFER_KEEP) {
        free(c->data);
        c->data = NULL;
        c->cap = 0;
    }
    if (wrong != NULL)
        end(c, wrong);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    sl_channel_t *c = stream->data;

    (void)buf;
    if (n == UV_ENOBUFS)
        end(c, "no memory for a frame");
    else if (n < 0)
        end(c, NULL);
    if (n <= 0)
        return;
    c->len += (size_t)n;
    consume(c);
}

int sl_channel_open(uv_loop_t *loop, int fd, const sl_channel_callbacks_t *callbacks, void *user,
                    sl_channel_t **out) {
    sl_channel_t *c = calloc(1, sizeof *c);

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->callbacks = *callbacks;
    c->user = user;
    if (uv_pipe_init(loop, &c->pipe, 0) != 0) {
        free(c);
        return SLUICE_INVALID;
    }
    c->pipe.data = c;
    if (uv_pipe_open(&c->pipe, fd) != 0 ||
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0) {
        sl_channel_abort(c, NULL, NULL);
        return SLUICE_INVALID;
    }
    *out = c;
    return SLUICE_OK;
}

cJSON *sl_channel_message(const char *type) {
    cJSON *message = cJSON_CreateObject();

    if (message != NULL && cJSON_AddStringToObject(message, "type", type) == NULL) {
        cJSON_Delete(message);
        return NULL;
    }
    return message;
}

static void on_written(uv_write_t *request, int status) {
    frame_t *frame = request->data;
    sl_channel_t *c = request->handle->data;

    free(frame->text);
    free(frame);
    if (status < 0 && status != UV_ECANCELED)
        end(c, NULL);
}

static int write_text(sl_channel_t *c, char *text) {
    frame_t *frame = calloc(1, sizeof *frame);
    size_t len = strlen(text);
    uv_buf_t bufs[2];

    if (frame == NULL || len > SL_CHANNEL_FRAME_MAX) {
        free(frame);
        free(text);
        return frame == NULL ? SLUICE_NO_MEMORY : SLUICE_INVALID;
    }
    frame->request.data = frame;
    frame->text = text;
    put_le32(frame->head, (uint32_t)len);
    bufs[0] = uv_buf_init((char *)frame->head, HEAD);
    bufs[1] = uv_buf_init(text, (unsigned)len);
    if (uv_write(&frame->request, (uv_stream_t *)&c->pipe, bufs, 2, on_written) == 0)
        return SLUICE_OK;
    free(frame);
    free(text);
    return SLUICE_NOT_CONNECTED;
}

int sl_channel_send(sl_channel_t *c, cJSON *message) {
    char *text;

    if (c == NULL || c->ended || c->closing) {
        cJSON_Delete(message);
        return SLUICE_NOT_CONNECTED;
    }
    text = message == NULL ? NULL : cJSON_PrintUnformatted(message);
    cJSON_Delete(message);
    return text == NULL ? SLUICE_NO_MEMORY : write_text(c, text);
}

size_t sl_channel_pending(const sl_channel_t *c) {
    return c == NULL ? 0 : uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe);
}

static void on_closed(uv_handle_t *handle) {
    sl_channel_t *c = handle->data;

    if (c->closed != NULL)
        c->closed(c->closed_user);
    free(c->data);
    free(c);
}

static void on_shutdown(uv_shutdown_t *request, int status) {
    (void)status;
    if (!uv_is_closing((uv_handle_t *)request->handle))
        uv_close((uv_handle_t *)request->handle, on_closed);
}

/* 1 when the caller is to go on and close the pipe. */
static int begin_close(sl_channel_t *c, void (*closed)(void *user), void *user) {
    if (c == NULL) {
        if (closed != NULL)
            closed(user);
        return 0;
    }
    if (c->closing)
        return 0;
    c->closing = 1;
    c->closed = closed;
    c->closed_user = user;
    return 1;
}

void sl_channel_close(sl_channel_t *c, void (*closed)(void *user), void *user) {
    if (!begin_close(c, closed, user))
        return;
    uv_read_stop((uv_stream_t *)&c->pipe);
    if (c->ended || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->pipe, on_shutdown) != 0)
        uv_close((uv_handle_t *)&c->pipe, on_closed);
}

void sl_channel_abort(sl_channel_t *c, void (*closed)(void *user), void *user) {
    if (begin_close(c, closed, user))
        uv_close((uv_handle_t *)&c->pipe, on_closed);
}
