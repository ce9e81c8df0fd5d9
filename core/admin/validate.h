/*
 * admin/validate.h: the body of PUT /connector-plugins/{c}/config/validate.
 *
 * What this is: the connector's own options, each with its definition, value and errors. Connect's
 * framework keys (tasks.max, transforms ...) follow as values without a group of their own.
 * Ownership: borrows. Threads: the loop's.
 */
#ifndef SL_ADMIN_VALIDATE_H
#define SL_ADMIN_VALIDATE_H

#include "admin/http.h"

void sl_validate_respond(sl_request_t *request, const cJSON *flat, const sl_report_t *report);

#endif
