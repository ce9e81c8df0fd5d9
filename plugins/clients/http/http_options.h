/*
 * clients/http/http_options.h: options that every plugin over HTTP has, and what they mean for a
 * request.
 *
 * Ownership: the request borrows the configuration's texts. Thread: any.
 */
#ifndef CLIENTS_HTTP_HTTP_OPTIONS_H
#define CLIENTS_HTTP_HTTP_OPTIONS_H

#include "clients/http/http.h"

/* Rows of the options table. */
#define HTTP_OPTION_PROXY(option_name)                                                             \
    {.name = (option_name),                                                                        \
     .type = SLUICE_OPT_STRING,                                                                    \
     .group = "Connection",                                                                        \
     .importance = SLUICE_LOW,                                                                     \
     .doc = "URL of an HTTP or SOCKS proxy; default: none, whatever the environment says."}
#define HTTP_OPTION_CA                                                                             \
    {.name = "ssl.ca",                                                                             \
     .type = SLUICE_OPT_STRING,                                                                    \
     .group = "Connection",                                                                        \
     .importance = SLUICE_LOW,                                                                     \
     .doc = "PEM file of certificate authorities instead of the system's."}
#define HTTP_OPTION_VERIFY                                                                         \
    {.name = "ssl.verify",                                                                         \
     .type = SLUICE_OPT_BOOLEAN,                                                                   \
     .default_text = "true",                                                                       \
     .group = "Connection",                                                                        \
     .importance = SLUICE_LOW,                                                                     \
     .doc = "Check the server's certificate."}

/* Sets what these options say; proxy_option is the name that the plugin gave to its proxy. */
void http_options_apply(const sluice_api_t *api, sluice_ctx_t *ctx, const char *proxy_option,
                        http_request_t *request);

enum { HTTP_URL_CREDENTIALS = 1 }; /* user:password@ is meant to be there */

/* For `check`: reports a URL that curl would not read, or would read in another way than its writer
 * meant: with a password that holds characters which end it. Quotes nothing of it. */
void http_options_check_url(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option,
                            unsigned flags);

#endif
