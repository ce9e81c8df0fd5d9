/*
 * Fuzz target of what core/admin reads of a request itself (libmicrohttpd does the rest): the URI,
 * a line feed, the body. What must hold: no fault of memory, segments and values are text, and a
 * body gives JSON or exactly one answer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin_int.h"
#include "admin/http.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sl_admin_t admin;
static sl_port_t port = {.admin = &admin};
static int answers;

/* server.c is not part of this. */
void sl_admin_answered(sl_request_t *request) {
    (void)request;
    answers++;
}

static void broken(const char *what, const char *text) {
    fprintf(stderr, "request_fuzz: %s: %s\n", what, text);
    abort();
}

static void check_uri(const sl_request_t *r) {
    size_t i;

    if (r->segment_count > SL_PATH_SEGMENTS + 1)
        broken("too many segments", r->uri);
    for (i = 0; i < r->segment_count && i < SL_PATH_SEGMENTS; i++)
        if (!r->bad_path && !sl_utf8_check(r->segments[i], strlen(r->segments[i])))
            broken("a segment is no UTF-8", r->uri);
    for (i = 0; i < r->query_count; i += 2)
        if (sl_request_query(r, r->query[i], 0) == NULL)
            broken("a parameter is not found", r->uri);
    (void)sl_request_flag(r, "expand");
}

static void check_body(const char *uri, const char *body, size_t len,
                       cJSON *(*read)(sl_request_t *request)) {
    sl_request_t *r = sl_request_create(&port, uri);
    cJSON *json;

    answers = 0;
    if (sl_request_append(r, body, len / 2, 4096) == SLUICE_OK &&
        sl_request_append(r, body + len / 2, len - len / 2, 4096) == SLUICE_OK) {
        json = read(r);
        if ((json != NULL) + answers != 1 || sl_request_is_open(r) != (json != NULL))
            broken("no JSON and no answer, or both", uri);
        cJSON_Delete(json);
    }
    sl_request_unref(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = end != NULL ? (size_t)(end - data) : size;
    char *uri = strndup((const char *)data, len);
    const char *body = end != NULL ? (const char *)end + 1 : "";
    size_t body_len = end != NULL ? size - len - 1 : 0;
    sl_request_t *r = sl_request_create(&port, uri);

    check_uri(r);
    sl_request_unref(r);
    check_body(uri, body, body_len, sl_request_json);
    check_body(uri, body, body_len, sl_request_connect_json);
    free(uri);
    return 0;
}
