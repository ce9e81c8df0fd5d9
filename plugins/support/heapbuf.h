/*
 * support/heapbuf.h: a sluice_buf_t on the heap, for text that outlives a batch.
 *
 * Ownership: whoever initialised it frees it with heapbuf_fini. Thread: one at a time.
 */
#ifndef SUPPORT_HEAPBUF_H
#define SUPPORT_HEAPBUF_H

#include "sluice/host.h"

void heapbuf_init(sluice_buf_t *buf);
void heapbuf_fini(sluice_buf_t *buf);

#endif
