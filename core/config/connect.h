/*
 * config/connect.h: Connect's flat connector JSON to a native descriptor.
 *
 * source connector: source plugin -> SMTs -> converters -> the sink plugin with alias "@topics"
 * sink connector:   the source plugin with alias "@topics" -> converters -> SMTs -> sink plugin
 *
 * Ownership: gives the descriptor and the map; the input is borrowed. Threads: any.
 */
#ifndef SL_CONFIG_CONNECT_H
#define SL_CONFIG_CONNECT_H

#include <stddef.h>
#include <cjson/cJSON.h>
#include "config/catalog.h"
#include "config/report.h"

/* From places in the native descriptor to those in the connector JSON, so that faults name what
   the user wrote. */
typedef struct sl_connect_map sl_connect_map_t;

/* Whether this is connector JSON: {"name","config":{"connector.class"...}} or flat with
   "connector.class". */
int sl_connect_is(const cJSON *json);

/* Translates. `worker` (may be NULL): defaults of the worker as flat strings: key.converter and
   its options,
 * bootstrap.servers, producer.*, consumer.*; connector keys win. SLUICE_INVALID with faults in the
 * report. map may be
 * NULL. An unknown class, or none: one fault, no descriptor. */
int sl_connect_to_native(const cJSON *connector, const cJSON *worker,
                         const sl_plugin_catalog_t *catalog, const char *default_name, sl_report_t *report, cJSON **native,
                         sl_connect_map_t **map);
void sl_connect_map_destroy(sl_connect_map_t *map); /* accepts NULL */

/* Rewrites pointers and keys of faults [from, count) of the report to connector JSON places. */
void sl_connect_map_report(const sl_connect_map_t *map, sl_report_t *report, size_t from);

#endif
