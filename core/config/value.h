/*
 * config/value.h: one option's value, read as its type says. Private to core/config.
 *
 * Ownership: the value owns its texts. Threads: any.
 */
#ifndef SL_CONFIG_VALUE_H
#define SL_CONFIG_VALUE_H

#include "sluice/config.h"
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sl_value {
    char *text; /* NULL: null */
    int64_t number;
    double real;
    char **items; /* LIST */
    size_t item_count;
} sl_value_t;

/* What is wrong with a value. */
typedef struct sl_value_fault {
    int unread; /* it is none of the type; else it is, but not one that the option takes */
    char message[512];
    char hint[256];
} sl_value_fault_t;

/* Reads an item (a scalar; also an array for LIST and JSON, an object for JSON). connect:
 * Connect's wording and trimming. SLUICE_OK, SLUICE_INVALID with *fault filled and *out null,
 * SLUICE_NO_MEMORY. */
int sl_value_read(const sluice_option_t *option, const cJSON *item, int connect, sl_value_t *out,
                  sl_value_fault_t *fault);
void sl_value_fini(sl_value_t *value);
/* How Connect shows what was given: without blanks around it, whole numbers as they are written
 * (5 for +5 and 05). Given; free() it. */
char *sl_value_shown(const sluice_option_t *option, const char *given);

/* Compiles as a regular expression; 0, or the message in text. */
int sl_regex_check(const char *pattern, char *text, size_t size);

/* Whether all of the text matches; not when the pattern is none. */
int sl_regex_matches(const char *pattern, const char *text);

#endif
