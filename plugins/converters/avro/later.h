/*
 * converters/avro/later.h: the converters of the same registry that are not there yet. Private to
 * this folder.
 *
 * What this is: who asks for them by their Java names is told so, by `validate` and at a start,
 * instead of that nobody knows such a converter.
 * Ownership: all static. Thread: any.
 */
#ifndef CONVERTERS_AVRO_LATER_H
#define CONVERTERS_AVRO_LATER_H

#include "sluice/plugin.h"

#define LATER_OPTIONS 2
extern const sluice_option_t later_options[LATER_OPTIONS];
extern const sluice_converter_t later_converter;
int later_check(const sluice_api_t *api, sluice_ctx_t *ctx);

/* One of them, for the module's table. */
#define LATER_PLUGIN(plugin_name, plugin_aliases, plugin_summary)                           \
    {                                                                                       \
        .size = sizeof(sluice_plugin_t), .kind = SLUICE_CONVERTER, .name = (plugin_name),   \
        .aliases = (plugin_aliases), .summary = (plugin_summary), .options = later_options, \
        .option_count = LATER_OPTIONS, .option_size = sizeof(sluice_option_t),              \
        .check = later_check, .converter = &later_converter                                 \
    }

#endif
