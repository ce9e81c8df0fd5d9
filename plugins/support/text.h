/*
 * support/text.h: growing text on the heap, as a sluice_buf_t that the host's JSON writer also writes to.
 *
 * Ownership: the caller, from text_init to text_fini. Errors are sticky in buf->status. Thread: one at a time.
 */
#ifndef SUPPORT_TEXT_H
#define SUPPORT_TEXT_H

#include "sluice/host.h"

void text_init(sluice_buf_t *buf);
void text_fini(sluice_buf_t *buf); /* empty again afterwards, as after text_init */
void text_printf(sluice_buf_t *buf, const char *fmt, ...) SLUICE_PRINTF(2, 3);
/* The text with a NUL behind it, valid until the next write; "" when out of memory. */
const char *text_str(sluice_buf_t *buf);
/* Percent-encodes everything but unreserved characters (RFC 3986) and those in `keep`. */
void text_put_url(sluice_buf_t *buf, sluice_str_t text, const char *keep);
void text_put_hex(sluice_buf_t *buf, const uint8_t *bytes, size_t n);

#endif
