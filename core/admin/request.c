#include "admin/admin_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "config/json_file.h"

#define BODY_STEP 4096u

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes %XX in place; 0, or -1 for a broken escape. In a path, what would change its meaning (a
 * slash, a backslash, a percent sign, control characters) is refused, as Connect's server does. */
static int decode(char *text, int is_path) {
    char *out = text;
    const char *p;

    for (p = text; *p != '\0'; p++) {
        int c = (unsigned char)*p;
        if (*p == '+' && !is_path)
            c = ' ';
        if (*p == '%') {
            if (hex_digit(p[1]) < 0 || hex_digit(p[2]) < 0)
                return -1;
            c = hex_digit(p[1]) << 4 | hex_digit(p[2]);
            p += 2;
            if (c == 0 || (is_path && (c == '/' || c == '\\' || c == '%' || c < 32)))
                return -1;
        } else if (is_path && (c < 32 || strchr("\"<>|{}\\", c) != NULL)) {
            return -1;
        }
        *out++ = (char)c;
    }
    *out = '\0';
    return 0;
}

static void split_path(sl_request_t *r, char *path) {
    char *save = NULL;
    char *segment;

    for (segment = strtok_r(path, "/", &save); segment != NULL;
         segment = strtok_r(NULL, "/", &save)) {
        segment[strcspn(segment, ";")] = '\0'; /* matrix parameters */
        if (decode(segment, 1) != 0 || !sl_utf8_check(segment, strlen(segment)))
            r->bad_path = 1;
        if (r->segment_count == SL_PATH_SEGMENTS) {
            r->segment_count++; /* no route is so long */
            return;
        }
        r->segments[r->segment_count++] = segment;
    }
}

static void split_query(sl_request_t *r, char *query) {
    char *save = NULL;
    char *pair;

    for (pair = strtok_r(query, "&", &save); pair != NULL && r->query_count + 2 <= 64;
         pair = strtok_r(NULL, "&", &save)) {
        char *value = strchr(pair, '=');
        if (value != NULL)
            *value++ = '\0';
        else
            value = pair + strlen(pair);
        if (decode(pair, 0) != 0 || decode(value, 0) != 0)
            continue;
        r->query[r->query_count++] = pair;
        r->query[r->query_count++] = value;
    }
}

sl_request_t *sl_request_create(sl_admin_t *admin, const char *uri) {
    sl_request_t *r = calloc(1, sizeof *r);
    char *query;

    if (r == NULL)
        return NULL;
    r->refs = 1;
    r->admin = admin;
    r->uri = strdup(uri);
    r->parts = strdup(uri);
    if (r->uri == NULL || r->parts == NULL) {
        sl_request_unref(r);
        return NULL;
    }
    query = strchr(r->parts, '?');
    if (query != NULL)
        *query++ = '\0';
    split_path(r, r->parts);
    if (query != NULL)
        split_query(r, query);
    return r;
}

sl_request_t *sl_request_ref(sl_request_t *r) {
    r->refs++;
    return r;
}

void sl_request_unref(sl_request_t *r) {
    if (--r->refs > 0)
        return;
    if (r->response != NULL)
        MHD_destroy_response(r->response);
    free(r->uri);
    free(r->parts);
    free(r->body);
    free(r);
}

int sl_request_append(sl_request_t *r, const char *data, size_t len, size_t max) {
    char *body;

    if (r->body_len + len > max)
        return SLUICE_BUSY;
    body = realloc(r->body, (r->body_len + len + BODY_STEP) / BODY_STEP * BODY_STEP);
    if (body == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(body + r->body_len, data, len);
    r->body = body;
    r->body_len += len;
    body[r->body_len] = '\0';
    return SLUICE_OK;
}

int sl_request_is_open(const sl_request_t *r) {
    return !r->answered;
}

sl_admin_t *sl_request_admin(const sl_request_t *r) {
    return r->admin;
}

const char *sl_request_method(const sl_request_t *r) {
    return r->method;
}

const char *sl_request_arg(const sl_request_t *r, size_t i) {
    return i < r->arg_count ? r->args[i] : "";
}

const char *sl_request_query(const sl_request_t *r, const char *name, size_t n) {
    size_t i;

    for (i = 0; i < r->query_count; i += 2)
        if (strcmp(r->query[i], name) == 0 && n-- == 0)
            return r->query[i + 1];
    return NULL;
}

int sl_request_flag(const sl_request_t *r, const char *name) {
    const char *value = sl_request_query(r, name, 0);
    return value != NULL && strcasecmp(value, "true") == 0;
}

const char *sl_request_body(const sl_request_t *r, size_t *len) {
    *len = r->body_len;
    return r->body == NULL ? "" : r->body;
}

const char *sl_request_header(const sl_request_t *r, const char *name) {
    return r->connection == NULL
               ? NULL
               : MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

cJSON *sl_request_json(sl_request_t *r) {
    sl_report_t report;
    cJSON *json = NULL;
    size_t len;
    const char *body = sl_request_body(r, &len);

    sl_report_init(&report);
    if (sl_json_read(body, len, &report, &json) != SLUICE_OK)
        sl_respond_faults(r, 400, "The body is not well-formed JSON", &report);
    sl_report_fini(&report);
    return json;
}

/* Of members with one name the last stays, as Jackson reads them. 0 for an object of so many
 * members that looking them up would keep the loop busy. */
static int drop_earlier(cJSON *tree) {
    cJSON *item = tree->child;
    size_t members = 0;

    while (item != NULL) {
        cJSON *next = item->next;
        cJSON *later;
        if ((cJSON_IsObject(tree) && ++members > SL_JSON_MEMBERS_MAX) || !drop_earlier(item))
            return 0;
        for (later = next; later != NULL && item->string != NULL; later = later->next)
            if (strcmp(later->string, item->string) == 0)
                break;
        if (later != NULL && item->string != NULL)
            cJSON_Delete(cJSON_DetachItemViaPointer(tree, item));
        item = next;
    }
    return 1;
}

cJSON *sl_request_connect_json(sl_request_t *r) {
    size_t len;
    const char *body = sl_request_body(r, &len);
    cJSON *json = sl_utf8_check(body, len) ? cJSON_ParseWithLengthOpts(body, len + 1, NULL, 1)
                                           : NULL;

    if (cJSON_IsObject(json) && drop_earlier(json))
        return json;
    if (cJSON_IsObject(json))
        sl_respond_error(r, 400, "The body has more than %d members in one object",
                         SL_JSON_MEMBERS_MAX);
    else
        sl_respond_error(r, 500, json == NULL ? "The body is not well-formed JSON"
                                              : "The body must be a JSON object");
    cJSON_Delete(json);
    return NULL;
}
