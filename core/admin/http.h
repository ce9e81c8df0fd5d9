/*
 * admin/http.h: one HTTP request, as the handlers of core/admin see it.
 *
 * What this is: method, path, query and body already read and checked; a handler answers at once or
 * later (the connection sleeps meanwhile), exactly once: further answers are ignored.
 * Ownership: reference-counted; the server holds one until the answer is sent, a handler that
 * answers later takes its own with sl_request_ref. What getters give lives as long as the request.
 * Threads: the loop's.
 */
#ifndef SL_ADMIN_HTTP_H
#define SL_ADMIN_HTTP_H

#include <stddef.h>
#include <cjson/cJSON.h>

#include "config/report.h"
#include "sluice/host.h"

#define SL_PATH_SEGMENTS 8

typedef struct sl_admin sl_admin_t;
typedef struct sl_request sl_request_t;

sl_request_t *sl_request_ref(sl_request_t *request);
void sl_request_unref(sl_request_t *request);

/* 0 once it was answered, or its client or the server is gone: then its admin may be gone, too. */
int sl_request_is_open(const sl_request_t *request);
sl_admin_t *sl_request_admin(const sl_request_t *request);
const char *sl_request_method(const sl_request_t *request);
/* The i-th part of the path that the route leaves open ("{}"), decoded. */
const char *sl_request_arg(const sl_request_t *request, size_t i);
/* The n-th value of a query parameter ("" without '='), decoded; NULL when there are fewer. */
const char *sl_request_query(const sl_request_t *request, const char *name, size_t n);
/* Whether it is "true", in any case. */
int sl_request_flag(const sl_request_t *request, const char *name);
const char *sl_request_body(const sl_request_t *request, size_t *len);
const char *sl_request_header(const sl_request_t *request, const char *name);

/* The body as native JSON (strict); on a fault answers 400 and gives NULL. Given. */
cJSON *sl_request_json(sl_request_t *request);
/* The body as the Connect routes take it: the last of equal members wins, and what is no JSON
 * object is a 500, as there. UTF-16 is read, too. Given; NULL after it answered. */
cJSON *sl_request_connect_json(sl_request_t *request);
/* The same for any JSON value; an empty body is null. NULL after it answered a 500. */
cJSON *sl_request_connect_value(sl_request_t *request);

/* Whether there is no body, or null. */
int sl_request_is_null(const sl_request_t *request);

/* ---- answers ---- */

/* Takes `body`; NULL: an empty answer without Content-Type. */
void sl_respond(sl_request_t *request, int status, cJSON *body);
/* Takes `text` (free), which is JSON; NULL: there was no memory for it. */
void sl_respond_json_text(sl_request_t *request, int status, char *text);
/* 201 with a Location header: <base>/<collection>/<name, encoded>. Takes `text` (free), which is
 * JSON. */
void sl_respond_created(sl_request_t *request, const char *collection, const char *name,
                        char *text);
void sl_respond_text(sl_request_t *request, int status, const char *type, const char *text);
/* {"error_code": status, "message": text} */
void sl_respond_error(sl_request_t *request, int status, const char *fmt, ...) SLUICE_PRINTF(3, 4);
/* {"message": text} */
void sl_respond_message(sl_request_t *request, int status, const char *text);
/* As respond_error with "faults" from the report. */
void sl_respond_faults(sl_request_t *request, int status, const char *message,
                       const sl_report_t *report);
/* The same with its type: what Connect answers a little later. */
void sl_respond_typed_error(sl_request_t *request, int status);
/* The server's own error pages of Connect have no Content-Type: 404 no route, 405, 406, 415. */
void sl_respond_bare_error(sl_request_t *request, int status, const char *allow);

#endif
