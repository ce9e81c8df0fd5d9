/*
 * supervisor/offset_values.h: partitions and offsets as JSON values, without a loss.
 *
 * What this is: a number keeps the text that it came as when it is a double although its value is
 * whole (1.0, 1e3); what Connect takes in them at all.
 * Ownership: the caller's. Threads: any.
 */
#ifndef SL_SUPERVISOR_OFFSET_VALUES_H
#define SL_SUPERVISOR_OFFSET_VALUES_H

#include <stddef.h>
#include <cjson/cJSON.h>

/* In place, all numbers below. */
void sl_offsets_keep_texts(cJSON *tree);

/* Connect takes maps of primitive values only for sources; 0: message says what else is there. */
int sl_offsets_are_primitive(const cJSON *offsets, char *message, size_t size);

#endif
