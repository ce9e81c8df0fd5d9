#include "record/buf.h"

#include "record/batch.h"

#define ROOM_MIN 64u

static int grow(sluice_buf_t *buf, size_t more) {
    size_t need = buf->len + more;

    if (buf->status != SLUICE_OK)
        return buf->status;
    if (need < more ||
        sl_batch_tail(buf->owner, buf->data, buf->len, need, &buf->data, &buf->cap) != 0)
        buf->status = SLUICE_NO_MEMORY;
    return buf->status;
}

void sl_buf_init(sluice_buf_t *buf, sluice_batch_t *batch, size_t hint) {
    memset(buf, 0, sizeof(*buf));
    buf->grow = grow;
    buf->owner = batch;
    if (sl_batch_tail(batch, NULL, 0, hint < ROOM_MIN ? ROOM_MIN : hint, &buf->data, &buf->cap) !=
        0)
        buf->status = SLUICE_NO_MEMORY;
}

sluice_str_t sl_buf_finish(sluice_buf_t *buf) {
    sluice_str_t text = {NULL, 0};

    if (buf->data != NULL)
        sl_batch_tail_end(buf->owner, buf->data, buf->status == SLUICE_OK ? buf->len : 0);
    if (buf->status == SLUICE_OK)
        text = sluice_str_n(buf->data, buf->len);
    buf->data = NULL;
    buf->cap = buf->len = 0;
    return text;
}
