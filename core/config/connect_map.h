/*
 * config/connect_map.h: making a sl_connect_map_t. Private to core/config.
 */
#ifndef SL_CONFIG_CONNECT_MAP_H
#define SL_CONFIG_CONNECT_MAP_H

#include "config/connect.h"

/* base: where the flat configuration stands in the user's document, "" or "/config". */
sl_connect_map_t *sl_connect_map_create(const char *base);

/* Places at or below `native` are those of the keys that begin with `prefix`. With exact,
 * `native` and all below it are the one key `prefix`. Accepts a NULL map. SLUICE_NO_MEMORY. */
int sl_connect_map_add(sl_connect_map_t *map, const char *native, const char *prefix, int exact);

#endif
