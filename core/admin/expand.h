/*
 * admin/expand.h: GET /connectors?expand=...: connectors with their configuration and state.
 *
 * What this is: made a slice at a time, with the loop turning in between: others do not wait for a
 * list of thousands.
 * Threads: the loop's.
 */
#ifndef SL_ADMIN_EXPAND_H
#define SL_ADMIN_EXPAND_H

#include "admin/http.h"

/* Answers the request, later. */
void sl_expanded_list(sl_request_t *request);

#endif
