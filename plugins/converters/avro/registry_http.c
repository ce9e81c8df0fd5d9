#include "registry_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "registry.h"

#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

/* ---- configuration ---- */

static int same(const char *a, const char *b) {
    return a != NULL && strcasecmp(a, b) == 0;
}

static char *join(const char *a, const char *b, const char *c) {
    size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = malloc(size);

    if (text != NULL)
        snprintf(text, size, "%s%s%s", a, b, c);
    return text;
}

static const char *const fixed_headers[] = {
    "Content-Type: " MEDIA_TYPE,
    "Accept: " MEDIA_TYPE ", application/json",
    "Confluent-Accept-Unknown-Properties: true",
};
enum { FIXED_HEADERS = sizeof(fixed_headers) / sizeof(fixed_headers[0]) };

static void read_headers(avro_access_t *a) {
    size_t i, count = a->api->config_prefix_count(a->ctx, "request.header.");
    const char *token = a->api->config_text(a->ctx, "bearer.auth.token");
    const char *key, *text;
    size_t n = 0;

    a->headers = calloc(FIXED_HEADERS + count + 2, sizeof(*a->headers));
    if (a->headers == NULL)
        return;
    for (i = 0; i < FIXED_HEADERS; i++)
        a->headers[n++] = strdup(fixed_headers[i]);
    for (i = 0; i < count; i++)
        if (a->api->config_prefix_at(a->ctx, "request.header.", i, &key, &text) == SLUICE_OK)
            a->headers[n++] = join(key, ": ", text);
    if (same(a->api->config_text(a->ctx, "bearer.auth.credentials.source"), "STATIC_TOKEN") &&
        token != NULL)
        a->headers[n++] = join("Authorization: Bearer ", token, "");
}

static void read_proxy(avro_access_t *a) {
    const char *host = a->api->config_text(a->ctx, "proxy.host");
    int64_t port = a->api->config_int(a->ctx, "proxy.port");
    char number[16];

    if (host == NULL || host[0] == '\0' || port <= 0)
        return;
    snprintf(number, sizeof(number), ":%d", (int)port);
    a->proxy = join("http://", host, number);
}

void avro_access_read(avro_access_t *a, const sluice_api_t *api, sluice_ctx_t *ctx) {
    memset(a, 0, sizeof(*a));
    a->api = api;
    a->ctx = ctx;
    a->url_count = api->config_list(ctx, "schema.registry.url", &a->urls);
    a->randomize = api->config_int(ctx, "schema.registry.url.randomize") != 0;
    a->max_retries = (int)api->config_int(ctx, "max.retries");
    a->retry_wait_ms = api->config_int(ctx, "retries.wait.ms");
    a->retry_max_ms = api->config_int(ctx, "retries.max.wait.ms");
    a->connect_ms = (long)api->config_int(ctx, "http.connect.timeout.ms");
    a->read_ms = (long)api->config_int(ctx, "http.read.timeout.ms");
    a->user_info = same(api->config_text(ctx, "basic.auth.credentials.source"), "USER_INFO");
    read_headers(a);
    read_proxy(a);
}

void avro_access_fini(avro_access_t *a) {
    size_t i;

    for (i = 0; a->headers != NULL && a->headers[i] != NULL; i++)
        free(a->headers[i]);
    free(a->headers);
    free(a->proxy);
    avro_tls_fini(&a->tls);
    avro_access_done(a);
}

/* ---- URLs ---- */

/* http://user:password@host/path: where the host begins, and the credentials, if any. */
static const char *host_of(const char *url, sluice_str_t *credentials) {
    const char *host = strstr(url, "://");
    const char *end, *at = NULL, *p;

    *credentials = sluice_str(NULL);
    if (host == NULL)
        return url;
    host += 3;
    end = host + strcspn(host, "/?#");
    for (p = host; p < end; p++)
        if (*p == '@')
            at = p;
    if (at == NULL)
        return host;
    *credentials = sluice_str_n(host, (size_t)(at - host));
    return at + 1;
}

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static char *unescaped(sluice_str_t s) {
    char *out = malloc(s.len + 1);
    size_t i, n = 0;

    for (i = 0; out != NULL && i < s.len; i++) {
        if (s.data[i] == '%' && i + 2 < s.len && hex(s.data[i + 1]) >= 0 &&
            hex(s.data[i + 2]) >= 0) {
            out[n++] = (char)(hex(s.data[i + 1]) << 4 | hex(s.data[i + 2]));
            i += 2;
        } else {
            out[n++] = s.data[i];
        }
    }
    if (out != NULL)
        out[n] = '\0';
    return out;
}

static void split_credentials(avro_access_t *a, sluice_str_t both, int escaped) {
    const char *colon = both.data != NULL ? memchr(both.data, ':', both.len) : NULL;
    size_t user = colon != NULL ? (size_t)(colon - both.data) : both.len;
    sluice_str_t name = sluice_str_n(both.data, user);
    sluice_str_t word =
        sluice_str_n(colon != NULL ? colon + 1 : "", colon != NULL ? both.len - user - 1 : 0);

    if (both.data == NULL || both.len == 0)
        return;
    a->user = escaped ? unescaped(name) : strndup(name.data, name.len);
    a->password = escaped ? unescaped(word) : strndup(word.data, word.len);
}

static void find_credentials(avro_access_t *a, sluice_str_t of_url) {
    const char *info = a->api->config_text(a->ctx, "schema.registry.basic.auth.user.info");

    if (!a->user_info) {
        split_credentials(a, of_url, 1);
        return;
    }
    if (info == NULL || info[0] == '\0')
        info = a->api->config_text(a->ctx, "basic.auth.user.info");
    split_credentials(a, sluice_str(info), 0);
}

const char *avro_access_shown(avro_access_t *a, size_t n) {
    sluice_str_t credentials;
    const char *url = n < a->url_count ? a->urls[n] : "";
    const char *host = host_of(url, &credentials);
    const char *scheme = strstr(url, "://");

    snprintf(a->shown, sizeof(a->shown), "%.*s%s", scheme != NULL ? (int)(scheme + 3 - url) : 0,
             url, host);
    return a->shown;
}

int avro_access_fill(avro_access_t *a, size_t n, const sluice_buf_t *path, http_request_t *request,
                     char *error, size_t size) {
    const char *url = n < a->url_count ? a->urls[n] : "";
    sluice_str_t credentials;
    const char *host = host_of(url, &credentials);
    size_t len = strlen(host);
    size_t scheme =
        credentials.data != NULL ? (size_t)(credentials.data - url) : (size_t)(host - url);

    if (a->headers == NULL || !avro_tls_open(&a->tls, a->api, a->ctx, error, size)) {
        if (a->headers == NULL)
            snprintf(error, size, "out of memory");
        return 0;
    }
    while (len > 0 && host[len - 1] == '/')
        len--;
    a->url = malloc(scheme + len + path->len + 1);
    if (a->url == NULL) {
        snprintf(error, size, "out of memory");
        return 0;
    }
    snprintf(a->url, scheme + len + path->len + 1, "%.*s%.*s%s", (int)scheme, url, (int)len, host,
             path->data);
    find_credentials(a, credentials);
    request->url = a->url;
    request->headers = (const char *const *)a->headers;
    request->user = a->user;
    request->password = a->password;
    request->connect_timeout_ms = a->connect_ms;
    request->timeout_ms = a->connect_ms + a->read_ms;
    request->proxy = a->proxy;
    avro_tls_fill(&a->tls, request);
    return 1;
}

void avro_access_done(avro_access_t *a) {
    free(a->url);
    free(a->user);
    if (a->password != NULL)
        explicit_bzero(a->password, strlen(a->password));
    free(a->password);
    a->url = a->user = a->password = NULL;
}

/* ---- what can be said of the configuration at once ---- */

static void check_url(const sluice_api_t *api, sluice_ctx_t *ctx, const char *url) {
    sluice_str_t credentials;
    const char *host = host_of(url, &credentials);
    const char *scheme = strstr(url, "://");

    if (strncmp(url, "mock://", 7) == 0)
        return;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        api->config_error(ctx, "schema.registry.url",
                          "a URL begins with http:// or https://, this one with \"%.*s\"",
                          scheme != NULL ? (int)(scheme - url) : 12, url);
    else if (host[0] == '\0' || host[0] == '/')
        api->config_error(ctx, "schema.registry.url", "a URL names no host");
}

static void check_credentials(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *basic = api->config_text(ctx, "basic.auth.credentials.source");
    const char *bearer = api->config_text(ctx, "bearer.auth.credentials.source");
    int given = api->config_given(ctx, "basic.auth.credentials.source");

    if (given && bearer != NULL && bearer[0] != '\0')
        api->config_error(ctx, "bearer.auth.credentials.source",
                          "Only one of 'basic.auth.credentials.source' and "
                          "'bearer.auth.credentials.source' may be specified");
    if (basic != NULL && !same(basic, "URL") && !same(basic, "USER_INFO") && basic[0] != '\0')
        api->config_error(ctx, "basic.auth.credentials.source",
                          "%s is not supported: give the credentials with USER_INFO and "
                          "basic.auth.user.info, or in the URL",
                          basic);
    if (bearer != NULL && bearer[0] != '\0' && !same(bearer, "STATIC_TOKEN"))
        api->config_error(ctx, "bearer.auth.credentials.source",
                          "%s is not supported: give a token with STATIC_TOKEN and "
                          "bearer.auth.token",
                          bearer);
}

void avro_registry_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *const *urls;
    size_t i, count = api->config_list(ctx, "schema.registry.url", &urls);

    if (count == 0)
        api->config_error(ctx, "schema.registry.url",
                          "Missing required configuration \"schema.registry.url\" which has no "
                          "default value.");
    for (i = 0; i < count; i++)
        check_url(api, ctx, urls[i]);
    check_credentials(api, ctx);
    avro_tls_check(api, ctx);
}
