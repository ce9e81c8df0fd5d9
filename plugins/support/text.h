/*
 * support/text.h: writing into a sluice_buf_t: formatted, percent-encoded, as a C string.
 *
 * Ownership: the buffer is the caller's (support/heapbuf.h). Errors are sticky in buf->status.
 * Thread: one at a time.
 */
#ifndef SUPPORT_TEXT_H
#define SUPPORT_TEXT_H

#include "support/heapbuf.h"

void text_printf(sluice_buf_t *buf, const char *fmt, ...) SLUICE_PRINTF(2, 3);
/* The text with a NUL behind it, valid until the next write; "" when out of memory. */
const char *text_str(sluice_buf_t *buf);
/* Percent-encodes everything but unreserved characters (RFC 3986) and those in `keep`. */
void text_put_url(sluice_buf_t *buf, sluice_str_t text, const char *keep);

#endif
