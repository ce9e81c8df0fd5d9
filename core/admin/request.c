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

/* Decodes %XX in place; 0, or -1 for a broken escape. In a path, control characters and what must
 * be escaped there are refused, as Connect's server does. */
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
            if (is_path && (c < 32 || c == 127))
                return -1;
            if (c == 0) /* text ends there: something that is no name and no value */
                c = 1;
        } else if (is_path && (c < 32 || strchr("\"<>|{}\\^`", c) != NULL)) {
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

/* A proxy asks with the server's address before the path. */
static const char *without_server(const char *uri) {
    size_t scheme = strncasecmp(uri, "http://", 7) == 0    ? 7
                    : strncasecmp(uri, "https://", 8) == 0 ? 8
                                                           : 0;
    if (scheme == 0)
        return uri;
    uri += scheme + strcspn(uri + scheme, "/?#");
    return *uri == '/' ? uri : "/";
}

/* Its parts, read in place. */
static void split(sl_request_t *r, char *parts) {
    char *query;

    parts[strcspn(parts, "#")] = '\0';
    query = strchr(parts, '?');
    if (query != NULL)
        *query++ = '\0';
    if (strcmp(parts, "*") != 0 && (*parts != '/' || strstr(parts, "//") != NULL))
        r->bad_path = 1;
    split_path(r, parts);
    if (query != NULL)
        split_query(r, query);
}

sl_request_t *sl_request_create(sl_port_t *port, const char *uri) {
    sl_request_t *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->refs = 1;
    r->admin = port->admin;
    r->port = port;
    r->uri = strdup(uri);
    r->parts = strdup(without_server(uri));
    if (r->uri == NULL || r->parts == NULL) {
        sl_request_unref(r);
        return NULL;
    }
    split(r, r->parts);
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

/* ---- JSON as Connect's parser takes it ---- */

/* UTF-16 shows by its mark, or by the zero beside the first character, which is ASCII. */
static int is_utf16(const unsigned char *b, size_t len, int *little) {
    *little = len >= 2 && b[1] == 0 && b[0] != 0;
    if (len >= 2 && b[0] == 0xff && b[1] == 0xfe)
        *little = 1;
    return len >= 2 && len % 2 == 0 &&
           (*little || (b[0] == 0 && b[1] != 0) || (b[0] == 0xfe && b[1] == 0xff));
}

static unsigned unit_at(const unsigned char *b, int little) {
    return little ? b[0] | (unsigned)b[1] << 8 : (unsigned)b[0] << 8 | b[1];
}

static size_t from_utf16(const unsigned char *b, size_t len, int little, char *out) {
    size_t i, n = 0;

    for (i = 0; i + 1 < len; i += 2) {
        unsigned c = unit_at(b + i, little);
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < len) {
            i += 2;
            c = 0x10000 + ((c - 0xd800) << 10) + ((unit_at(b + i, little) - 0xdc00) & 0x3ff);
        }
        n += sl_utf8_put(out + n, c);
    }
    return n;
}

/* The body as UTF-8; given. */
static char *utf8_body(const sl_request_t *r, size_t *len) {
    const unsigned char *b = (const unsigned char *)r->body;
    char *out = malloc(r->body_len * 2 + 4);
    int little;

    *len = 0;
    if (out == NULL)
        return NULL;
    if (is_utf16(b, r->body_len, &little)) {
        *len = from_utf16(b, r->body_len, little, out);
    } else if (r->body_len > 0) {
        memcpy(out, b, r->body_len);
        *len = r->body_len;
    }
    out[*len] = '\0';
    return out;
}

cJSON *sl_request_connect_value(sl_request_t *r) {
    sl_report_t report;
    cJSON *json = NULL;
    size_t len;
    char *text = utf8_body(r, &len);

    sl_report_init(&report);
    if (text != NULL && text[strspn(text, " \t\r\n")] == '\0' && strlen(text) == len)
        json = cJSON_CreateNull();
    else if (text != NULL)
        sl_json_read_last(text, len, &report, &json);
    if (json == NULL)
        sl_respond_error(r, 500, "The body is no JSON: %s",
                         report.count > 0 ? report.faults[0].message : "out of memory");
    sl_report_fini(&report);
    free(text);
    return json;
}

int sl_request_is_null(const sl_request_t *r) {
    const char *p = r->body == NULL ? "" : r->body;
    const char *end = p + r->body_len;

    p += strspn(p, " \t\r\n");
    if (strncmp(p, "null", 4) == 0)
        p += 4;
    return p + strspn(p, " \t\r\n") == end;
}

cJSON *sl_request_connect_json(sl_request_t *r) {
    cJSON *json = sl_request_connect_value(r);

    if (json == NULL || cJSON_IsObject(json))
        return json;
    sl_respond_error(r, 500,
                     cJSON_IsNull(json)
                         ? "The body is missing"
                         : "Cannot deserialize value: the body must be a JSON object");
    cJSON_Delete(json);
    return NULL;
}
