#include "support/endpoint.h"

void endpoint_check_hosts(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option) {
    const char *text = api->config_text(ctx, option);

    if (text != NULL && strchr(text, '@') != NULL)
        api->config_error(
            ctx, option,
            "holds an '@': give names or addresses only; user and password have options"
            " of their own");
}
