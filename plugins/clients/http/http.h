/*
 * clients/http/http.h: HTTP requests on an instance's uv loop, through libcurl's multi socket
 * interface.
 *
 * The way: http_client_create -> http_send ... on_response for each, exactly once, on the loop ->
 * http_client_close -> on_closed. Connections are kept and reused. Closing ends what is in flight
 * with SLUICE_CANCELLED first.
 * Ownership: http_send copies URL, method and headers; the body's pieces must live until
 * on_response.
 * Thread: the instance's.
 */
#ifndef CLIENTS_HTTP_HTTP_H
#define CLIENTS_HTTP_HTTP_H

#include <curl/curl.h>
#include "sluice/plugin.h"

typedef struct http_client http_client_t;

typedef struct http_request {
    const char *method; /* "GET", "PUT", "POST", ... */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const sluice_str_t *body;   /* pieces, sent one after another; NULL: no body */
    size_t body_pieces;
    const char *user;      /* basic authentication; NULL: none */
    const char *password;
    /* CURLOPT_AWS_SIGV4, e.g. "aws:amz:region:s3", with user and password as key and secret */
    const char *sigv4;
    long connect_timeout_ms;
    long timeout_ms;       /* for the whole exchange; 0: none */
    const char *ca_file;   /* PEM; NULL: the system's */
    const char *cert_file; /* client certificate, PEM; NULL: none */
    const char *key_file;
    const char *ca_pem;    /* the same three as PEM text, copied; go before the files */
    const char *cert_pem;
    const char *key_pem;
    int insecure;          /* accept any server certificate */
    int any_host;          /* accept a trusted certificate of another host */
    /* bytes of the answer's body to keep; the rest is read and dropped; 0: 64 KiB */
    size_t max_response;
    const char *proxy;     /* URL; NULL: none, whatever the environment says */
} http_request_t;

typedef struct http_response {
    /* SLUICE_OK when an HTTP answer came, of any code; NOT_CONNECTED, CANCELLED, NO_MEMORY else */
    int status;
    long code;         /* HTTP status */
    sluice_str_t body; /* NUL-terminated; valid during on_response */
    sluice_str_t headers; /* raw lines of the last answer, NUL-terminated */
    const char *error; /* what went wrong below HTTP; static or valid during on_response */
} http_response_t;

typedef void (*http_response_fn)(void *arg, const http_response_t *response);

/* NULL when out of memory. max_connections bounds the connections to one host. */
http_client_t *http_client_create(const sluice_api_t *api, sluice_ctx_t *ctx, long max_connections);
/* For a plugin's probe, which may block: http_send does the whole exchange and calls on_response
 * inside; no request waits longer than 5 s. on_closed comes inside http_client_close. */
http_client_t *http_client_create_blocking(const sluice_api_t *api, sluice_ctx_t *ctx);
/* A negative status: on_response does not come. */
int http_send(http_client_t *client, const http_request_t *request, http_response_fn on_response,
              void *arg);
/* Ends and frees the client; on_closed(arg), unless it is NULL, runs on the loop. */
void http_client_close(http_client_t *client, void (*on_closed)(void *arg), void *arg);

/* Value of a response header (case-insensitive), copied to `value`; 1 found, 0 not. */
int http_response_header(const http_response_t *response, const char *name, char *value,
                         size_t size);

#endif
