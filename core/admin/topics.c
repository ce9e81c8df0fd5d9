#include "admin/handlers.h"

#include <string.h>

#include "admin/admin.h"
#include "admin/named.h"
#include "config/worker.h"

static const cJSON *worker(const sl_request_t *r) {
    return sl_admin_options(sl_request_admin(r))->worker;
}

static int is_tracked(sl_request_t *r) {
    if (sl_worker_flag(worker(r), "topic.tracking.enable", 1))
        return 1;
    sl_respond_error(r, 403, "Topic tracking is disabled.");
    return 0;
}

void sl_get_topics(sl_request_t *r) {
    const sl_managed_t *m = sl_connector_of(r);
    cJSON *body;
    cJSON *one;

    if (!is_tracked(r))
        return;
    body = cJSON_CreateObject();
    one = cJSON_AddObjectToObject(body, sl_request_arg(r, 0));
    cJSON_AddItemToObject(one, "topics",
                          m == NULL || m->topics == NULL ? cJSON_CreateArray()
                                                         : cJSON_Duplicate(m->topics, 1));
    sl_respond(r, 200, body);
}

void sl_put_topics_reset(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);

    if (!is_tracked(r))
        return;
    if (!sl_worker_flag(worker(r), "topic.tracking.allow.reset", 1)) {
        sl_respond_error(r, 403, "Topic tracking reset is disabled.");
        return;
    }
    if (m != NULL)
        sl_supervisor_forget_topics(m);
    sl_respond(r, 202, NULL);
}
