/* `validate --connect`: whether somebody answers. OPTIONS changes nothing at the target, and many
 * do not know it: any answer but a refusal of the credentials will do. */
#include "webhook.h"

#include "clients/http/http_options.h"

enum { PROBE_MS = 5000 };

static void on_answer(void *arg, const http_response_t *r) {
    webhook_t *w = arg;

    if (r->status != SLUICE_OK)
        w->api->config_error(w->ctx, "http.url",
                             "nobody answers there: %s; check the URL, and that the service runs",
                             r->error);
    else if (r->code == 401 || r->code == 403)
        w->api->log(w->ctx, SLUICE_LOG_WARN,
                    "http.url answered OPTIONS with %ld: the credentials may not be enough for %s",
                    r->code, w->method);
}

int webhook_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    webhook_t w = {.api = api, .ctx = ctx};
    http_client_t *client = http_client_create_blocking(api, ctx);
    http_request_t request = {
        .method = "OPTIONS", .connect_timeout_ms = PROBE_MS, .timeout_ms = PROBE_MS};
    int status;

    if (client == NULL)
        return SLUICE_NO_MEMORY;
    webhook_options_read(&w);
    request.url = w.url;
    request.user = w.user;
    request.password = w.password;
    http_options_apply(api, ctx, "http.proxy.url", &request);
    status = http_send(client, &request, on_answer, &w);
    http_client_close(client, NULL, NULL);
    return status;
}
