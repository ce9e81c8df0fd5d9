/*
 * config/properties.h: Java's properties text, as far as configuration files use it.
 *
 * Comments (# and !), key and value parted by '=', ':' or blanks, backslash escapes (\uXXXX too),
 * lines continued by a backslash at their end; of a key given twice the last one counts. Ownership:
 * gives copies. Threads: any.
 */
#ifndef SL_CONFIG_PROPERTIES_H
#define SL_CONFIG_PROPERTIES_H

#include <cjson/cJSON.h>

/* The value of a key; free() it. NULL when there is none (or no memory). */
char *sl_properties_get(const char *text, const char *key);

/* All of it as an object of strings. Given; NULL without memory. */
cJSON *sl_properties_read(const char *text);

#endif
