/*
 * admin/headers.h: what a Connect worker's properties add to each answer: CORS and
 * response.http.headers.config.
 *
 * Ownership: owns its rules. Threads: the loop's.
 */
#ifndef SL_ADMIN_HEADERS_H
#define SL_ADMIN_HEADERS_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "admin/http.h"

struct MHD_Response;
typedef struct sl_headers sl_headers_t;

/* worker NULL: nothing is added. SLUICE_INVALID with a sentence for a rule that is none. */
int sl_headers_create(const cJSON *worker, sl_headers_t **out, char *error, size_t error_size);
void sl_headers_destroy(sl_headers_t *headers); /* accepts NULL */

/* Before the answer is sent. */
void sl_headers_apply(const sl_headers_t *headers, const sl_request_t *request,
                      struct MHD_Response *response);

#endif
