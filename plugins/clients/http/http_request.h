/*
 * clients/http/http_request.h: one exchange; private to clients/http.
 */
#ifndef CLIENTS_HTTP_HTTP_REQUEST_H
#define CLIENTS_HTTP_HTTP_REQUEST_H

#include "clients/http/http.h"

typedef struct http_text {
    char *data;
    size_t len;
    size_t max;
} http_text_t;

typedef struct http_exchange {
    CURL *easy;
    struct curl_slist *headers;
    sluice_str_t *body;
    size_t body_pieces;
    size_t piece; /* where the upload is */
    size_t at;
    http_text_t answer;
    http_text_t answer_headers;
    char error[CURL_ERROR_SIZE];
    int own_peer; /* it had itself as its peer */
    http_response_fn on_response;
    void *arg;
    struct http_exchange *next; /* the client's list */
    struct http_exchange *prev;
} http_exchange_t;

/* NULL when out of memory. */
http_exchange_t *http_exchange_create(const http_request_t *request);
void http_exchange_destroy(http_exchange_t *x);
/* Tells the owner how it ended. */
void http_exchange_end(http_exchange_t *x, int status, const char *error);

#endif
