/*
 * record/buf.h: growing text in a batch's arena (see sluice_buf_t in sluice/host.h).
 *
 * What this is: the buffer is the free end of the arena's newest chunk, so that finishing costs
 * nothing and growing copies only when a chunk is full. For text outside of batches see
 * base/heapbuf.h. Ownership: the text belongs to the batch. Threads: the batch's maker.
 */
#ifndef SL_RECORD_BUF_H
#define SL_RECORD_BUF_H

#include "sluice/host.h"

void sl_buf_init(sluice_buf_t *buf, sluice_batch_t *batch, size_t hint);
/* The text (empty, not null, when nothing was written); data NULL when buf->status is an error. */
sluice_str_t sl_buf_finish(sluice_buf_t *buf);

#endif
