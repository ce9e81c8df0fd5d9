#include "cli/http_get.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/http_client.h"

int sl_http_get(const char *url, const char *path, char **body, char *error, size_t size) {
    sl_http_peer_t peer = { .who = "sluice", .url_name = "--url", .url = url };
    int status = 0;

    if (sl_http_client_get(&peer, path, &status, body, error, size) != 0)
        return -1;
    if (status == 200)
        return 0;
    snprintf(error, size, "%s%s: HTTP status %d", url, path, status);
    free(*body);
    *body = NULL;
    return -1;
}
