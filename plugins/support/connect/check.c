#include "support/connect/check.h"

#include <stdio.h>
#include <strings.h>

static size_t put(char *text, size_t size, size_t at, const char *more) {
    size_t len = strlen(more);

    if (at + len >= size)
        len = size - 1 - at;
    memcpy(text + at, more, len);
    text[at + len] = '\0';
    return at + len;
}

void connect_list_text(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name, char *text,
                       size_t size) {
    const char *const *items;
    size_t count = api->config_list(ctx, name, &items);
    size_t at = put(text, size, 0, "[");
    size_t i;

    if (api->config_text(ctx, name) == NULL) {
        put(text, size, 0, "null");
        return;
    }
    for (i = 0; i < count; i++) {
        at = put(text, size, at, i > 0 ? ", " : "");
        at = put(text, size, at, items[i]);
    }
    put(text, size, at, "]");
}

void connect_invalid(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                     const char *why) {
    const char *text = api->config_text(ctx, name);

    api->config_error(ctx, name, "Invalid value %s for configuration %s: %s",
                      text == NULL ? "null" : text, name, why);
}

void connect_check_list(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    const char *const *items;

    if (api->config_list(ctx, name, &items) == 0)
        api->config_error(ctx, name, "Invalid value %s for configuration %s: Empty list",
                          api->config_text(ctx, name) == NULL ? "null" : "[]", name);
}

static void not_one_of(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                       const char *const *values, const char *how) {
    char why[512];
    size_t at = put(why, sizeof(why), 0, how);
    size_t i;

    for (i = 0; values[i] != NULL; i++) {
        at = put(why, sizeof(why), at, i > 0 ? ", " : "");
        at = put(why, sizeof(why), at, values[i]);
    }
    connect_invalid(api, ctx, name, why);
}

void connect_check_one_of(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                          const char *const *values) {
    const char *text = api->config_text(ctx, name);
    size_t i;

    for (i = 0; text != NULL && values[i] != NULL; i++)
        if (strcmp(text, values[i]) == 0)
            return;
    not_one_of(api, ctx, name, values, "String must be one of: ");
}

void connect_check_one_of_any_case(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                                   const char *const *values) {
    const char *text = api->config_text(ctx, name);
    size_t i;

    for (i = 0; text != NULL && values[i] != NULL; i++)
        if (strcasecmp(text, values[i]) == 0)
            return;
    not_one_of(api, ctx, name, values, "String must be one of (case insensitive): ");
}

void connect_check_not_empty(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    const char *text = api->config_text(ctx, name);

    if (text != NULL && *text == '\0')
        connect_invalid(api, ctx, name, "String must be non-empty");
}

void connect_check_not_null(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    if (api->config_text(ctx, name) == NULL)
        connect_invalid(api, ctx, name, "entry must be non null");
}
