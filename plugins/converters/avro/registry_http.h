/*
 * converters/avro/registry_http.h: how schema registries are spoken to: addresses, credentials,
 * TLS, headers, times. Private to this folder.
 *
 * Ownership: texts of the configuration live as long as its instance; fini frees the rest.
 * Thread: the instance's.
 */
#ifndef CONVERTERS_AVRO_REGISTRY_HTTP_H
#define CONVERTERS_AVRO_REGISTRY_HTTP_H

#include "clients/http/http.h"
#include "registry_tls.h"

typedef struct avro_access {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const char *const *urls;
    size_t url_count;
    int randomize;
    int max_retries;
    int64_t retry_wait_ms, retry_max_ms;
    long connect_ms, read_ms;
    char **headers; /* NULL-terminated */
    char *proxy;    /* or NULL */
    int user_info;  /* credentials are those of basic.auth.user.info, else of the URL */
    avro_tls_t tls;

    /* of the request being filled */
    char *url;
    char *user;
    char *password;
    char shown[256];
} avro_access_t;

void avro_access_read(avro_access_t *a, const sluice_api_t *api, sluice_ctx_t *ctx);
void avro_access_fini(avro_access_t *a);
/* URL, credentials, headers and TLS of a request to the n-th server; path is NUL-terminated. 0: it
 * cannot be made, `error` says why. */
int avro_access_fill(avro_access_t *a, size_t n, const sluice_buf_t *path, http_request_t *request,
                     char *error, size_t size);
/* The request was taken: frees what was made for it. */
void avro_access_done(avro_access_t *a);
/* The n-th URL without credentials, for messages. */
const char *avro_access_shown(avro_access_t *a, size_t n);

#endif
