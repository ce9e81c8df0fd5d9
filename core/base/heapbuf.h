/*
 * base/heapbuf.h: a sluice_buf_t whose memory is the heap.
 *
 * What this is: the growing text of the ABI (sluice/host.h) outside of any batch, so that
 * everything that writes into a sluice_buf_t (JSON above all) also writes here; and the string
 * builder of core. Ownership: the caller, from sl_heapbuf_init to sl_heapbuf_fini or
 * sl_heapbuf_take. Threads: one at a time. Errors are sticky in buf->status.
 *
 *     sluice_buf_t b;
 *     sl_heapbuf_init(&b);
 *     sl_buf_printf(&b, "%d items", n);
 *     puts(sl_heapbuf_text(&b));
 *     sl_heapbuf_fini(&b);
 */
#ifndef SL_BASE_HEAPBUF_H
#define SL_BASE_HEAPBUF_H

#include "sluice/host.h"

void sl_heapbuf_init(sluice_buf_t *buf);
void sl_heapbuf_fini(sluice_buf_t *buf);
/* Empties buf and keeps its memory. */
void sl_heapbuf_clear(sluice_buf_t *buf);
/* The text so far with a NUL behind it, valid until the next write; "" when out of memory. */
const char *sl_heapbuf_text(sluice_buf_t *buf);
/* The text, NUL-terminated, given to the caller (free); NULL on any error. buf is then empty. */
char *sl_heapbuf_take(sluice_buf_t *buf);

/* Appends formatted text to any sluice_buf_t. */
void sl_buf_printf(sluice_buf_t *buf, const char *fmt, ...) SLUICE_PRINTF(2, 3);
void sl_buf_vprintf(sluice_buf_t *buf, const char *fmt, va_list args) SLUICE_PRINTF(2, 0);
static inline void sl_buf_puts(sluice_buf_t *buf, const char *text) {
    sluice_buf_put(buf, text, strlen(text));
}

#endif
