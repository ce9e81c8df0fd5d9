#include "base/heapbuf.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST 64u

static int grow(sluice_buf_t *buf, size_t more) {
    size_t cap = buf->cap < FIRST ? FIRST : buf->cap;
    char *data = NULL;

    if (buf->status != SLUICE_OK)
        return buf->status;
    if (more <= SIZE_MAX / 2 - buf->len) {
        while (cap - buf->len < more)
            cap *= 2;
        data = realloc(buf->data, cap);
    }
    if (data == NULL)
        return buf->status = SLUICE_NO_MEMORY;
    buf->data = data;
    buf->cap = cap;
    return SLUICE_OK;
}

void sl_heapbuf_init(sluice_buf_t *buf) {
    memset(buf, 0, sizeof(*buf));
    buf->grow = grow;
}

void sl_heapbuf_fini(sluice_buf_t *buf) {
    free(buf->data);
    sl_heapbuf_init(buf);
}

void sl_heapbuf_clear(sluice_buf_t *buf) {
    buf->len = 0;
    buf->status = SLUICE_OK;
}

const char *sl_heapbuf_text(sluice_buf_t *buf) {
    if (buf->status != SLUICE_OK || sluice_buf_reserve(buf, 1) != SLUICE_OK)
        return "";
    buf->data[buf->len] = '\0';
    return buf->data;
}

char *sl_heapbuf_take(sluice_buf_t *buf) {
    char *text = NULL;

    if (sl_heapbuf_text(buf) == buf->data) {
        text = buf->data;
        buf->data = NULL;
    }
    sl_heapbuf_fini(buf);
    return text;
}

void sl_buf_vprintf(sluice_buf_t *buf, const char *fmt, va_list args) {
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0 && sluice_buf_reserve(buf, (size_t)n + 1) == SLUICE_OK) {
        vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

void sl_buf_printf(sluice_buf_t *buf, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_buf_vprintf(buf, fmt, args);
    va_end(args);
}
