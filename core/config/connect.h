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

#include "config/catalog.h"
#include "config/report.h"
#include <cjson/cJSON.h>
#include <stddef.h>

/* The alias of the plugins that read and write topics. */
#define SL_CONNECT_TOPICS "@topics"

/* The alias of the converter of headers where neither connector nor worker names one; what
 * carries it is its plugin's affair. */
#define SL_CONNECT_HEADERS "@headers"

/* From places in the native descriptor to those in the connector JSON, so that faults name what
 * the user wrote. */
typedef struct sl_connect_map sl_connect_map_t;

/* Whether this is connector JSON: {"name","config":{"connector.class"...}} or flat with
 * "connector.class". */
int sl_connect_is(const cJSON *json);

/* Translates. `worker` (may be NULL): defaults of the worker as flat strings: key.converter and
 * its options, bootstrap.servers, producer.*, consumer.*; connector keys win. `connector` is the
 * {"name","config"} form or the flat form; faults point into it as it is. SLUICE_INVALID with
 * faults in the report; *native is then what could be translated, so that reading it finds the
 * other faults, or NULL when the connector's class is unknown or missing. map may be NULL. */
int sl_connect_to_native(const cJSON *connector, const cJSON *worker,
                         const sl_plugin_catalog_t *catalog, const char *default_name,
                         sl_report_t *report, cJSON **native, sl_connect_map_t **map);
void sl_connect_map_destroy(sl_connect_map_t *map); /* accepts NULL */

/* The options that the framework itself defines for a connector (sink 1, source 0): with
 * sl_config_parse and SL_CONFIG_CONNECT they give the framework's part of a validate answer.
 * Given: unref it. */
int sl_connect_options(int sink, sl_options_t **out);
/* Whether a key belongs to the framework, for connectors of that kind: those options and the
 * families transforms.*, key.converter.*, producer.override.* ... */
int sl_connect_is_framework_key(int sink, const char *key);

/* Rewrites pointers and keys of faults [from, count) of the report to connector JSON places. */
void sl_connect_map_report(const sl_connect_map_t *map, sl_report_t *report, size_t from);

#endif
