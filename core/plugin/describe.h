/*
 * plugin/describe.h: a module's description as JSON, the form in which it leaves the process.
 *
 * What this is: made by the prober from the opened module, kept by the catalog, shown by
 * `sluice plugins describe --json`:
 *   {"name","version","licence","build","abi":"1.0","plugins":[{"kind","name","aliases":[],"summary",
 *     "options":[{"name","type","flags":["required",...],"default","min","max","values","aliases",
 *                 "group","importance","doc"}],
 *     "check":true,"probe":false,"plan":false,"failure_mode":"atomic","max_in_flight":0,
 *     "sink_flags":0}]}
 * Members without a value are left out. Ownership: gives. Threads: any.
 */
#ifndef SL_PLUGIN_DESCRIBE_H
#define SL_PLUGIN_DESCRIBE_H

#include "plugin/module.h"
#include <cjson/cJSON.h>

/* NULL when out of memory. */
cJSON *sl_describe_module(const sl_module_t *module);

/* The options of one described plugin as a table again; strings are borrowed from `plugin`. */
typedef struct sl_described_options {
    sluice_option_t *options;
    size_t count;
} sl_described_options_t;

int sl_described_options_init(sl_described_options_t *table, const cJSON *plugin);
void sl_described_options_fini(sl_described_options_t *table);

#endif
