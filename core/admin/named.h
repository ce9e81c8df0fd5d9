/*
 * admin/named.h: the connector that a request's path names, and how an action of it is answered.
 *
 * What this is: what the handlers of connectors and pipelines have in common.
 * Ownership: managed objects are the supervisor's, good until the loop goes on.
 * Threads: the loop's.
 */
#ifndef SL_ADMIN_NAMED_H
#define SL_ADMIN_NAMED_H

#include "admin/http.h"
#include "supervisor/supervisor.h"

sl_supervisor_t *sl_supervisor_of(const sl_request_t *request);
/* NULL when there is none of that name: a native pipeline is no connector. */
sl_managed_t *sl_connector_of(const sl_request_t *request);
/* 404, as most of Connect's routes say it. */
void sl_respond_no_connector(sl_request_t *request);

/* 500 with what the action came to. */
void sl_respond_failed(sl_request_t *request, const sl_action_result_t *result);
/* For an action with a request as its user: 202 or 204 or sl_respond_failed; then they let go of
 * the reference on the request. */
void sl_on_accepted(void *request, const sl_action_result_t *result);
void sl_on_done(void *request, const sl_action_result_t *result);

#endif
