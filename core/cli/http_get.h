/*
 * cli/http_get.h: one blocking HTTP GET, for verbs that ask a running sluice.
 *
 * Ownership: gives; free() it. Threads: any.
 */
#ifndef SL_CLI_HTTP_GET_H
#define SL_CLI_HTTP_GET_H

#include <stddef.h>

/* GET url ("http://host:port/..." joined with path). 0 with the body when the answer is a 200; else
 * -1 with a sentence in error. */
int sl_http_get(const char *url, const char *path, char **body, char *error, size_t error_size);

#endif
