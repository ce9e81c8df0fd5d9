/*
 * cli/http_client.h: blocking HTTP for verbs that ask a running server: GET, basic authentication,
 * TLS.
 *
 * What this is: one connection for each request, HTTP/1.0, so that an answer ends where the
 * connection does. Not libcurl, which each start of the host would load.
 * Ownership: gives bodies; free() them. Threads: any.
 */
#ifndef SL_CLI_HTTP_CLIENT_H
#define SL_CLI_HTTP_CLIENT_H

#include <stddef.h>

/* Whom to ask and how. Texts are borrowed; NULL: not given. */
typedef struct sl_http_peer {
    const char *who; /* what should answer: "sluice" */
    const char *url_name; /* what users know its URL as: "--url" */
    const char *url;  /* http(s)://HOST[:PORT][/PATH]; without a scheme http, without a port 8083 */
    const char *user; /* with a password: basic authentication */
    const char *password;
    const char *ca_file;   /* PEM; else the system's */
    const char *cert_file; /* PEM, with key_file: a certificate of the client */
    const char *key_file;
    int is_trusted; /* whatever its certificate says */
} sl_http_peer_t;

/* GET of the peer's URL joined with path ("/..."). 0 with status and body (never NULL) when
 * there was a whole answer; else -1 with a sentence in error: why not, and what to do. */
int sl_http_client_get(const sl_http_peer_t *peer, const char *path, int *status, char **body,
                       char *error, size_t error_size);

/* 0 when the URL is of that form and the peer's files can be read; else -1 with a sentence. */
int sl_http_peer_check(const sl_http_peer_t *peer, char *error, size_t error_size);

#endif
