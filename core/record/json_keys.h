/*
 * record/json_keys.h: duplicate member names of an object. Private to the JSON reader. Owns
 * nothing; any thread.
 */
#ifndef SL_RECORD_JSON_KEYS_H
#define SL_RECORD_JSON_KEYS_H

#include "sluice/host.h"

/* values: key, value, key, value ... *count of them (even). Of members with the same key the first
 * keeps its place and gets the last one's value. Linear in the size of the object.
 * SLUICE_NO_MEMORY. */
int sl_json_unite_keys(sluice_value_t *values, size_t *count);

#endif
