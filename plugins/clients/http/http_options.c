#include "clients/http/http_options.h"

void http_options_apply(const sluice_api_t *api, sluice_ctx_t *ctx, const char *proxy_option,
                        http_request_t *request) {
    request->ca_file = api->config_text(ctx, "ssl.ca");
    request->insecure = api->config_int(ctx, "ssl.verify") == 0;
    request->proxy = api->config_text(ctx, proxy_option);
}
