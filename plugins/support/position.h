/*
 * support/position.h: positions as text, for a target or a file that keeps them: lower-case
 * hexadecimal digits, and "<digits>/<sub index>" for a place within what one position covers.
 *
 * What comes back was kept elsewhere and may be damaged: it is read strictly. A position that is
 * only nearly right would skip records that nobody has, or write again what is there. Pure; any
 * thread that owns the buffer.
 */
#ifndef SUPPORT_POSITION_H
#define SUPPORT_POSITION_H

#include "sluice/host.h"

#define POSITION_HEX_MAX   (2 * SLUICE_POSITION_MAX + 1)   /* with the NUL, for the next two */
#define POSITION_PLACE_MAX (POSITION_HEX_MAX + 1 + 10)

void position_hex_write(sluice_buf_t *buf, const sluice_position_t *position);
const char *position_hex(const sluice_position_t *position, char out[POSITION_HEX_MAX]);
const char *position_place(const sluice_position_t *position, uint32_t sub_index,
                           char out[POSITION_PLACE_MAX]);

/* SLUICE_OK, or SLUICE_INVALID and *out is empty: for anything but pairs of digits, at most
 * SLUICE_POSITION_MAX. */
int position_hex_read(sluice_str_t text, sluice_position_t *out);
int position_place_read(sluice_str_t text, sluice_position_t *out, uint32_t *sub_index);
/* A sub index alone: decimal digits that fit into 32 bits. */
int position_sub_read(sluice_str_t text, uint32_t *sub_index);

#endif
