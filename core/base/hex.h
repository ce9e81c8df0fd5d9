/*
 * base/hex.h: bytes as lower-case hexadecimal text and back.
 *
 * Pure; any thread.
 */
#ifndef SL_BASE_HEX_H
#define SL_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len digits and a NUL. */
void sl_hex_encode(const void *data, size_t len, char *out);
/* Number of bytes written, or -1 when the text is no hex, has an odd length or more than cap
 * bytes. */
int64_t sl_hex_decode(const char *text, size_t len, void *out, size_t cap);

#endif
