#include "support/option.h"

const char *option_text(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name,
                        const char *fallback) {
    const char *text = api->config_text(ctx, name);

    return text != NULL && *text != '\0' ? text : fallback;
}
