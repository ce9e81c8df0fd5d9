#include "admin/named.h"

#include <string.h>

#include "admin/admin.h"

sl_supervisor_t *sl_supervisor_of(const sl_request_t *r) {
    return sl_admin_options(sl_request_admin(r))->supervisor;
}

sl_managed_t *sl_connector_of(const sl_request_t *r) {
    sl_managed_t *m = sl_supervisor_find(sl_supervisor_of(r), sl_request_arg(r, 0));
    return m != NULL && strcmp(m->kind, "connector") == 0 ? m : NULL;
}

void sl_respond_no_connector(sl_request_t *r) {
    sl_respond_error(r, 404, "Connector %s not found", sl_request_arg(r, 0));
}

void sl_respond_failed(sl_request_t *r, const sl_action_result_t *result) {
    sl_respond_error(r, 500, "%s", result->message == NULL ? "failed" : result->message);
}

static void complete(sl_request_t *r, const sl_action_result_t *result, int status) {
    if (result->status == SLUICE_OK)
        sl_respond(r, status, NULL);
    else
        sl_respond_failed(r, result);
    sl_request_unref(r);
}

void sl_on_accepted(void *request, const sl_action_result_t *result) {
    complete(request, result, 202);
}

void sl_on_done(void *request, const sl_action_result_t *result) {
    complete(request, result, 204);
}
