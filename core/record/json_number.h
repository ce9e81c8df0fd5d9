/*
 * record/json_number.h: exact reading of one JSON number. Private to the JSON reader.
 *
 * The value may be a slice of the text; what must be rewritten is allocated in the arena. Any
 * thread.
 */
#ifndef SL_RECORD_JSON_NUMBER_H
#define SL_RECORD_JSON_NUMBER_H

#include "sluice/host.h"

/* Reads the number that begins at p (a digit or '-'). Answers where it ends; or NULL, and then
 * *what says why and *at where (what NULL: out of memory). */
const char *sl_json_read_number(sluice_batch_t *arena, const char *p, const char *end,
                                uint32_t flags, sluice_value_t *out, const char **what,
                                const char **at);

#endif
