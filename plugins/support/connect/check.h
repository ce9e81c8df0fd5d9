/*
 * support/connect/check.h: validators of Connect's ConfigDef, for a plugin's `check`.
 *
 * What this is: as in Java, a validator sees null when a required option is missing, and complains
 * of that, too. Ownership: nothing kept. Thread: any.
 */
#ifndef SUPPORT_CONNECT_CHECK_H
#define SUPPORT_CONNECT_CHECK_H

#include "sluice/plugin.h"

/* "Invalid value VALUE for configuration NAME: why", VALUE being the option's text, lists as [a,
 * b] */
void connect_invalid(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name, const char *why);

void connect_check_list(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name);
void connect_check_one_of(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                          const char *const *values);
/* The same in any case. */
void connect_check_one_of_any_case(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                                   const char *const *values);
void connect_check_not_empty(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name);
void connect_check_not_null(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name);

/* A list option as Java prints it: [a, b]; null when there is none. Cut when it does not fit. */
void connect_list_text(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name, char *text,
                       size_t size);

/* The row of the options table that most transforms have. */
#define CONNECT_NULL_OPTION                                                                      \
    {                                                                                            \
        .name = "replace.null.with.default", .type = SLUICE_OPT_BOOLEAN, .default_text = "true", \
        .flags = SLUICE_OPT_UNGROUPED, .importance = SLUICE_MEDIUM,                              \
        .doc = "Whether to replace fields that have a default value and that are null to the "   \
               "default value. When set to true, the default value is used, otherwise null is "  \
               "used."                                                                           \
    }

#endif
