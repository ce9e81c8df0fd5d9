/*
 * plugins/common/testsink.h: what is the same in every test sink: the module around it, and
 * callbacks with nothing to do. Include it last.
 */
#ifndef TESTSINK_H
#define TESTSINK_H

#include "sluice/plugin.h"

/* The module `plugin_name` with one sink of that name; options and sink are the file's own tables.
 */
#define TEST_SINK_MODULE(plugin_name, plugin_summary)                                              \
    static const sluice_plugin_t plugins[] = {{                                                    \
        .size = sizeof(sluice_plugin_t),                                                           \
        .kind = SLUICE_SINK,                                                                       \
        .name = plugin_name,                                                                       \
        .summary = plugin_summary,                                                                 \
        .options = options,                                                                        \
        .option_count = sizeof(options) / sizeof(options[0]),                                      \
        .option_size = sizeof(sluice_option_t),                                                    \
        .sink = &sink,                                                                             \
    }};                                                                                            \
    SLUICE_DEFINE_MODULE(plugin_name, SLUICE_VERSION, "Apache-2.0", plugins)

#endif
