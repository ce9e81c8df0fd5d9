/*
 * plugin/module_check.h: the rules that what a module declares must keep. Used by module.c only.
 *
 * Each check answers SLUICE_OK or SLUICE_INVALID with the fault's text filled in. Threads: any.
 */
#ifndef SL_PLUGIN_MODULE_CHECK_H
#define SL_PLUGIN_MODULE_CHECK_H

#include "sluice/plugin.h"
#include <stddef.h>

/* Where a fault's text goes; borrowed. */
typedef struct sl_module_fault {
    const char *path;
    char *error;
    size_t error_size;
} sl_module_fault_t;

/* Writes "<path>: <text>"; SLUICE_INVALID. */
int sl_module_refuse(sl_module_fault_t *fault, const char *fmt, ...) SLUICE_PRINTF(2, 3);

/* Magic, versions, sizes and names of a module; `found` may be NULL. */
int sl_module_check_head(sl_module_fault_t *fault, const sluice_module_t *found);
/* The size that the i-th plugin declares, before it is read. */
int sl_module_check_plugin_size(sl_module_fault_t *fault, uint32_t i, uint32_t size,
                                uint32_t stride);
/* The plugin itself: kind, name, and that its vtable is there and long enough. */
int sl_module_check_plugin(sl_module_fault_t *fault, uint32_t i, const sluice_plugin_t *plugin);
/* What its vtable, already of our size, holds. */
int sl_module_check_callbacks(sl_module_fault_t *fault, const sluice_plugin_t *plugin);
/* Its options, already of our size. */
int sl_module_check_options(sl_module_fault_t *fault, const sluice_plugin_t *plugin);
/* No name or alias twice for one kind. */
int sl_module_check_names(sl_module_fault_t *fault, const sluice_plugin_t *plugins, size_t count);

#endif
