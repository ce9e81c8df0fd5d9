/*
 * plugin/module.h: one opened module, that is a .so and the plugins in it.
 *
 * What this is: opens the file (never in the supervisor: only tasks, probers and the conformance
 * suite do), checks magic, versions, sizes, names and required callbacks, and gives the plugins as
 * the host's own headers know them: tables that the module declares shorter are filled up with
 * zeros, what it knows beyond us is cut off. So every reader may use every member of
 * sluice_plugin_t, its vtable and its options (option_size is sizeof(sluice_option_t)). Ownership:
 * the .so stays mapped until the process ends, so strings and functions of plugins never go away;
 * destroy frees only our copies of the tables. Threads: open and destroy on one thread; reading on
 * any.
 *
 *     sl_module_open(path, &module, error, sizeof(error));
 *     const sluice_plugin_t *p = sl_module_find(module, SLUICE_SINK, "file");
 */
#ifndef SL_PLUGIN_MODULE_H
#define SL_PLUGIN_MODULE_H

#include "sluice/plugin.h"
#include <stddef.h>

#define SL_MODULE_ERROR_SIZE 1024

typedef struct sl_module sl_module_t;

/* `path` is absolute (anything else is refused: dlopen would search for it). SLUICE_OK,
 * SLUICE_INVALID or SLUICE_NO_MEMORY with `error` naming file, expected, found, what to do. */
int sl_module_open(const char *path, sl_module_t **out, char *error, size_t error_size);
void sl_module_destroy(sl_module_t *module); /* accepts NULL */

/* By kind (0: any) and exact name or alias; NULL when there is none. */
const sluice_plugin_t *sl_module_find(const sl_module_t *module, sluice_plugin_kind_t kind,
                                      const char *name);

size_t sl_module_count(const sl_module_t *module);
const sluice_plugin_t *sl_module_at(const sl_module_t *module, size_t i);
/* name, version, licence, build as declared; plugins is not to be used, take sl_module_at. */
const sluice_module_t *sl_module_info(const sl_module_t *module);
const char *sl_module_path(const sl_module_t *module);

/* The kind of a name (sl_plugin_kind_name, config/catalog.h); 0 when it is none. */
sluice_plugin_kind_t sl_plugin_kind_parse(const char *name);
/* 1 when `name` is the plugin's name or one of its aliases (case exact). */
int sl_plugin_is_called(const sluice_plugin_t *plugin, const char *name);

#endif
