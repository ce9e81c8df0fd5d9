#include "support/connect/regex_check.h"

#include <stdio.h>

#include "support/connect/check.h"
#include "support/connect/regex.h"

void connect_check_regex(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    const char *pattern = api->config_text(ctx, name);
    connect_regex_t *regex = NULL;
    char why[2048], text[2100];

    if (pattern == NULL)
        snprintf(why, sizeof(why),
                 "Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null");
    else if (connect_regex_create(pattern, &regex, why, sizeof(why)) == SLUICE_OK)
        why[0] = '\0';
    connect_regex_destroy(regex);
    if (why[0] == '\0')
        return;
    snprintf(text, sizeof(text), "Invalid regex: %s", why);
    connect_invalid(api, ctx, name, text);
}
