/*
 * plugin/describe.h: a module's description as JSON, the form in which it leaves the process.
 *
 * What this is: made by the prober from the opened module, kept by the catalog, shown by
 * `sluice plugins describe --json`:
 *   {"name","version","licence","build","abi":"1.0",
 *    "plugins":[{"kind","name","aliases":[],"summary","options":[as of sl_options_to_json],
 *      "check":true,"probe":false,"plan":false,
 *      "failure_mode":0,"max_in_flight":0,"sink_flags":0}]}
 * Members without a value are left out. Ownership: gives. Threads: any.
 */
#ifndef SL_PLUGIN_DESCRIBE_H
#define SL_PLUGIN_DESCRIBE_H

#include "plugin/module.h"
#include <cjson/cJSON.h>

/* NULL when out of memory. */
cJSON *sl_describe_module(const sl_module_t *module);

#endif
