/*
 * support/connect/regex_check.h: Connect's RegexValidator, for a plugin's `check`.
 */
#ifndef SUPPORT_CONNECT_REGEX_CHECK_H
#define SUPPORT_CONNECT_REGEX_CHECK_H

#include "sluice/plugin.h"

void connect_check_regex(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name);

#endif
