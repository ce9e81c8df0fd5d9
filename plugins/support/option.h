/*
 * support/option.h: a row for options that have no effect here, and reading texts where an empty
 * one counts as none.
 *
 * Ownership: texts are the configuration's, which outlives the instance, or the fallback itself.
 * Thread: any.
 */
#ifndef SUPPORT_OPTION_H
#define SUPPORT_OPTION_H

#include "sluice/config.h"
#include "sluice/host.h"

/* A row of the options table: what a Connect configuration may hold and this plugin does not need;
 * `why` says what rules instead. */
#define OPTION_IGNORED(option_name, option_type, why)                                              \
    {.name = (option_name),                                                                        \
     .type = (option_type),                                                                        \
     .flags = SLUICE_OPT_HIDDEN,                                                                   \
     .importance = SLUICE_LOW,                                                                     \
     .doc = (why)}

/* The option's text; `fallback` (may be NULL) when it is not there or empty. */
const char *option_text(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                        const char *fallback);

#endif
