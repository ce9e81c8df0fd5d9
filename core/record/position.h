/*
 * record/position.h: positions as text, for the store, messages and logs.
 *
 * Pure; any thread.
 */
#ifndef SL_RECORD_POSITION_H
#define SL_RECORD_POSITION_H

#include "sluice/value.h"

#define SL_POSITION_TEXT_MAX (2 * SLUICE_POSITION_MAX)

/* Lower-case hex with a NUL, into SL_POSITION_TEXT_MAX + 1 bytes; "" for none. */
void sl_position_text(const sluice_position_t *position, char *out);
/* SLUICE_INVALID when text is not such hex. */
int sl_position_parse(sluice_str_t text, sluice_position_t *out);

#endif
