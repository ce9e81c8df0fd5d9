#include "support/heapbuf.h"

#include <stdlib.h>

static int grow(sluice_buf_t *buf, size_t more) {
    size_t cap = buf->cap < 4096 ? 4096 : buf->cap;
    char *data;

    if (buf->status != SLUICE_OK)
        return buf->status;
    while (cap - buf->len < more)
        cap *= 2;
    data = realloc(buf->data, cap);
    if (data == NULL) {
        buf->status = SLUICE_NO_MEMORY;
        return SLUICE_NO_MEMORY;
    }
    buf->data = data;
    buf->cap = cap;
    return SLUICE_OK;
}

void heapbuf_init(sluice_buf_t *buf) {
    memset(buf, 0, sizeof(*buf));
    buf->grow = grow;
}

void heapbuf_fini(sluice_buf_t *buf) {
    free(buf->data);
    heapbuf_init(buf);
}
