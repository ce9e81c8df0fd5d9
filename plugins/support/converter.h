/*
 * support/converter.h: what every converter has in its options.
 *
 * Ownership: all static. Thread: any.
 */
#ifndef SUPPORT_CONVERTER_H
#define SUPPORT_CONVERTER_H

#include "sluice/config.h"

/* A row of the options table: the host says by it what is converted. more: flags besides. */
#define CONVERTER_TYPE_OPTION CONVERTER_TYPE_OPTION_WITH(0)
#define CONVERTER_TYPE_OPTION_WITH(more)                                                           \
    {.name = "converter.type",                                                                     \
     .type = SLUICE_OPT_ENUM,                                                                      \
     .flags = SLUICE_OPT_HOST | SLUICE_OPT_UNGROUPED | SLUICE_OPT_EXACT | (more),                  \
     .default_text = "value",                                                                      \
     .values = (const char *const[]){"key", "value", "header", NULL},                              \
     .importance = SLUICE_LOW,                                                                     \
     .doc = "What is converted; set by the host"}

#endif
