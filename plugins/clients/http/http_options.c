#include "clients/http/http_options.h"

#include <string.h>

void http_options_apply(const sluice_api_t *api, sluice_ctx_t *ctx, const char *proxy_option,
                        http_request_t *request) {
    request->ca_file = api->config_text(ctx, "ssl.ca");
    request->insecure = api->config_int(ctx, "ssl.verify") == 0;
    request->proxy = api->config_text(ctx, proxy_option);
}

/* Why not; NULL: it is one. */
static const char *url_fault(const char *url, unsigned flags) {
    CURLU *parsed = curl_url();
    char *password = NULL;
    const char *fault = NULL;
    CURLUcode code;

    if (parsed == NULL)
        return "out of memory";
    code = curl_url_set(parsed, CURLUPART_URL, url,
                        CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        fault = curl_url_strerror(code);
    else if (flags == 0 && curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        fault = "it holds a user and a password, which have options of their own";
    curl_free(password);
    curl_url_cleanup(parsed);
    return fault;
}

void http_options_check_url(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option,
                            unsigned flags) {
    const char *url = api->config_text(ctx, option);
    const char *authority, *fault;

    if (url == NULL || *url == '\0')
        return;
    authority = strstr(url, "://");
    authority = authority != NULL ? authority + 3 : url;
    if (strchr(authority + strcspn(authority, "/?#"), '@') != NULL)
        api->config_error(ctx, option,
                          "an '@' stands behind the host: in a password / ? # @ are written as %%2F"
                          " %%3F %%23 %%40");
    else if ((fault = url_fault(url, flags)) != NULL)
        api->config_error(ctx, option, "is not a URL that can be used: %s", fault);
}
