#include "runtime/modules.h"

#include "base/member.h"
#include "config/catalog.h"
#include "plugin/module.h"
#include <stdio.h>

void sl_modules_init(sl_modules_t *modules, const cJSON *paths) {
    memset(modules, 0, sizeof(*modules));
    modules->paths = paths;
}

void sl_modules_fini(sl_modules_t *modules) {
    size_t i;

    for (i = 0; i < modules->opened.count; i++)
        sl_module_destroy(modules->opened.entries[i].value);
    sl_map_fini(&modules->opened);
}

static sl_module_t *open_module(sl_modules_t *modules, const char *path) {
    sl_module_t *module = sl_map_get(&modules->opened, sluice_str(path));

    if (module != NULL)
        return module;
    if (sl_module_open(path, &module, modules->error, sizeof(modules->error)) != SLUICE_OK)
        return NULL;
    if (sl_map_put(&modules->opened, sluice_str(path), module) != SLUICE_OK) {
        snprintf(modules->error, sizeof(modules->error), "no memory");
        return NULL;
    }
    return module;
}

const sluice_plugin_t *sl_modules_find(void *user, uint32_t kind, const char *name,
                                       const char **why) {
    sl_modules_t *modules = user;
    const sluice_plugin_t *plugin;
    const char *path;
    sl_module_t *module;
    char key[512];

    *why = modules->error;
    snprintf(key, sizeof(key), "%s/%s", sl_plugin_kind_name(kind), name);
    path = sl_text(modules->paths, key);
    if (path == NULL) {
        snprintf(modules->error, sizeof(modules->error), "no module was given for %s", key);
        return NULL;
    }
    module = open_module(modules, path);
    if (module == NULL)
        return NULL;
    plugin = sl_module_find(module, (sluice_plugin_kind_t)kind, name);
    if (plugin == NULL) /* known to the catalog by its simple name: a module with one such plugin */
        snprintf(modules->error, sizeof(modules->error), "module %s has no %s", path, key);
    return plugin;
}
