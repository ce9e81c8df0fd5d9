/*
 * support/hex.h: hexadecimal digits, read strictly: no blank, sign or 0x passes, as it does with
 * sscanf's %x.
 *
 * Pure; any thread.
 */
#ifndef SUPPORT_HEX_H
#define SUPPORT_HEX_H

#include "sluice/value.h"

/* The byte that two digits of either case mean; -1 when they are none. Reads the second only after
 * a good first one, so that it never reads past a NUL. */
int hex_byte(const char *two);
/* Fills `out` with the bytes of the text, their number in *len; -1 when it holds anything but pairs
 * of digits, or stands for more than `max` bytes. */
int hex_read(sluice_str_t text, uint8_t *out, size_t max, size_t *len);

#endif
