/*
 * record/json_text.h: checking and decoding of JSON strings. Private to the JSON reader.
 *
 * Decoded text is allocated in the arena; a string without escapes is a slice of the text. Any
 * thread.
 */
#ifndef SL_RECORD_JSON_TEXT_H
#define SL_RECORD_JSON_TEXT_H

#include "sluice/host.h"

/* The slow way through a string: from start (behind the opening quote), known to be plain up to p.
 * Answers the place behind the closing quote; or NULL with *what and *at as sl_json_read_number. */
const char *sl_json_read_text(sluice_batch_t *arena, const char *start, const char *p,
                              const char *end, uint32_t flags, sluice_str_t *out, const char **what,
                              const char **at);

/* For SLUICE_JSON_LENIENT: drops a byte order mark, and turns UTF-16 and UTF-32, told apart as
 * Jackson does, into UTF-8 in the arena. SLUICE_BAD_RECORD for byte orders that nobody uses,
 * SLUICE_NO_MEMORY. */
int sl_json_to_utf8(sluice_batch_t *arena, sluice_str_t *text);

#endif
