/*
 * runtime/modules.h: the modules of a task: which file a plugin comes from, opened once each.
 *
 * Ownership: owns the opened modules; they stay mapped until the process ends. Threads: one.
 */
#ifndef SL_RUNTIME_MODULES_H
#define SL_RUNTIME_MODULES_H

#include "base/map.h"
#include "sluice/plugin.h"
#include <cjson/cJSON.h>

typedef struct sl_modules {
    const cJSON *paths; /* {"<kind>/<name>": "<path>"}; borrowed */
    sl_map_t opened;    /* path -> sl_module_t */
    char error[1200];
} sl_modules_t;

void sl_modules_init(sl_modules_t *modules, const cJSON *paths);
void sl_modules_fini(sl_modules_t *modules);
/* As sl_graph_params_t.find: user is the sl_modules_t. */
const sluice_plugin_t *sl_modules_find(void *user, uint32_t kind, const char *name,
                                       const char **why);

#endif
