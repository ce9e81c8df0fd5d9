#include "admin/admin_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "observe/log.h"

/* Takes text (free). */
static void answer(sl_request_t *r, int status, const char *type, char *text, const char *name,
                   const char *value) {
    struct MHD_Response *response;

    if (r->answered) {
        free(text);
        return;
    }
    response = text == NULL
                   ? MHD_create_response_from_buffer(0, (void *)(uintptr_t)"",
                                                     MHD_RESPMEM_PERSISTENT)
                   : MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return;
    }
    if (type != NULL)
        MHD_add_response_header(response, "Content-Type", type);
    if (value != NULL)
        MHD_add_response_header(response, name, value);
    sl_headers_apply(r->admin->headers, r, response);
    r->answered = 1;
    r->status = (unsigned)status;
    r->response = response;
    sl_admin_answered(r);
}

/* Takes text (free). A JSON type with parameters that the client asks for is what it gets. */
static void answer_json(sl_request_t *r, int status, char *text, const char *name,
                        const char *value) {
    sl_accept_t accept;
    char type[300];

    if (sl_accept_read(sl_request_header(r, "Accept"), &accept) != SLUICE_OK)
        accept.count = 0;
    sl_accept_json_type(&accept, type, sizeof type);
    answer(r, status, text == NULL ? NULL : type, text, name, value);
}

void sl_respond(sl_request_t *r, int status, cJSON *body) {
    char *text = body == NULL ? NULL : cJSON_PrintUnformatted(body);

    cJSON_Delete(body);
    answer_json(r, status, text, NULL, NULL);
}

void sl_respond_json_text(sl_request_t *r, int status, char *text) {
    if (text != NULL)
        answer_json(r, status, text, NULL, NULL);
    else
        sl_respond_error(r, 500, "out of memory");
}

/* Connect leaves more than RFC 3986 asks for as it is. */
static void encode(const char *name, char *out, size_t size) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~!$&'()*+,;=:@/";
    size_t at = 0;

    for (; *name != '\0' && at + 4 < size; name++) {
        if (strchr(plain, *name) != NULL)
            out[at++] = *name;
        else
            at += (size_t)snprintf(out + at, 4, "%%%02X", (unsigned)(unsigned char)*name);
    }
    out[at] = '\0';
}

void sl_respond_created(sl_request_t *r, const char *collection, const char *name, char *text) {
    char encoded[1024];
    char location[1400];
    const char *host = sl_request_header(r, "Host");

    encode(name, encoded, sizeof encoded);
    snprintf(location, sizeof location, "%s://%s/%s/%s", r->port->is_https ? "https" : "http",
             host == NULL ? r->port->address : host, collection, encoded);
    answer_json(r, 201, text, "Location", location);
}

void sl_respond_text(sl_request_t *r, int status, const char *type, const char *text) {
    answer(r, status, type, strdup(text), NULL, NULL);
}

static const char *status_line(int status) {
    switch (status) {
    case 400: return "HTTP 400 Bad Request";
    case 404: return "HTTP 404 Not Found";
    case 405: return "HTTP 405 Method Not Allowed";
    case 406: return "HTTP 406 Not Acceptable";
    default: return "HTTP 415 Unsupported Media Type";
    }
}

static cJSON *error_body(int status, const char *message) {
    cJSON *body = cJSON_CreateObject();

    cJSON_AddNumberToObject(body, "error_code", status);
    cJSON_AddStringToObject(body, "message", message);
    return body;
}

void sl_respond_error(sl_request_t *r, int status, const char *fmt, ...) {
    char *message = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&message, fmt, args) < 0)
        message = NULL;
    va_end(args);
    if (message != NULL)
        sl_log_mask(message, strlen(message) + 1);
    sl_respond(r, status, error_body(status, message == NULL ? "out of memory" : message));
    free(message);
}

void sl_respond_message(sl_request_t *r, int status, const char *text) {
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "message", text);
    sl_respond(r, status, body);
}

void sl_respond_faults(sl_request_t *r, int status, const char *message,
                       const sl_report_t *report) {
    cJSON *body = error_body(status, message);
    cJSON *json = sl_report_json(report);
    cJSON *faults = cJSON_DetachItemFromObjectCaseSensitive(json, "faults");

    if (faults != NULL)
        cJSON_AddItemToObject(body, "faults", faults);
    cJSON_Delete(json);
    sl_respond(r, status, body);
}

void sl_respond_typed_error(sl_request_t *r, int status) {
    sl_respond(r, status, error_body(status, status_line(status)));
}

void sl_respond_bare_error(sl_request_t *r, int status, const char *allow) {
    cJSON *body = error_body(status, status_line(status));
    char *text;

    text = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    answer(r, status, NULL, text, "Allow", allow);
}
