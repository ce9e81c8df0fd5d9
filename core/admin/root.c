#include "admin/handlers.h"

#include "admin/admin.h"
#include "admin/named.h"
#include "admin/render.h"
#include "observe/process.h"

void sl_get_root(sl_request_t *r) {
    const char *cluster = sl_supervisor_cluster(sl_supervisor_of(r));
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "version", SL_CONNECT_VERSION);
    cJSON_AddStringToObject(body, "commit", "sluice-" SLUICE_VERSION);
    if (cluster != NULL)
        cJSON_AddStringToObject(body, "kafka_cluster_id", cluster);
    else
        cJSON_AddNullToObject(body, "kafka_cluster_id");
    sl_respond(r, 200, body);
}

void sl_get_health(sl_request_t *r) {
    int ready = sl_admin_is_ready(sl_request_admin(r));
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "status", ready ? "healthy" : "starting");
    cJSON_AddStringToObject(body, "message",
                            ready ? "Worker has completed startup and is ready to handle requests."
                                  : "Worker is still starting up.");
    sl_respond(r, ready ? 200 : 503, body);
}

void sl_get_live(sl_request_t *r) {
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "status", "live");
    sl_respond(r, 200, body);
}

void sl_get_ready(sl_request_t *r) {
    sl_admin_t *a = sl_request_admin(r);
    const sl_supervisor_t *s = sl_admin_options(a)->supervisor;
    cJSON *body = cJSON_CreateObject();
    cJSON *failed = cJSON_CreateArray();
    int ready = sl_admin_is_ready(a) && !sl_supervisor_has_failed(s) &&
                sl_supervisor_trouble(s) == NULL;
    size_t i;

    for (i = 0; i < sl_supervisor_count(s); i++) {
        const sl_managed_t *m = sl_supervisor_at(s, i);
        if (sl_render_state(m)[0] == 'F' && sl_render_state(m)[1] == 'A')
            cJSON_AddItemToArray(failed, cJSON_CreateString(m->name));
    }
    cJSON_AddStringToObject(body, "status", ready ? "ready" : "not ready");
    cJSON_AddBoolToObject(body, "started", sl_admin_is_ready(a));
    cJSON_AddItemToObject(body, "failed", failed);
    if (sl_supervisor_trouble(s) != NULL)
        cJSON_AddStringToObject(body, "store", sl_supervisor_trouble(s));
    sl_respond(r, ready ? 200 : 503, body);
}

void sl_get_status(sl_request_t *r) {
    const sl_supervisor_t *s = sl_supervisor_of(r);
    cJSON *body = cJSON_CreateObject();
    cJSON *list = cJSON_CreateArray();
    sl_process_usage_t usage = { 0 };
    size_t i;

    sl_process_usage(0, &usage);
    cJSON_AddStringToObject(body, "version", SLUICE_VERSION);
    cJSON_AddNumberToObject(body, "rss_bytes", (double)usage.rss_bytes);
    if (sl_supervisor_trouble(s) != NULL)
        cJSON_AddStringToObject(body, "store", sl_supervisor_trouble(s));
    cJSON_AddItemToObject(body, "pipelines", list);
    for (i = 0; i < sl_supervisor_count(s); i++) {
        const sl_managed_t *m = sl_supervisor_at(s, i);
        cJSON *status = sl_render_status(m);
        cJSON *ledger = sl_render_ledger(m);
        cJSON_AddItemToObject(status, "ledger",
                              cJSON_DetachItemFromObjectCaseSensitive(ledger, "tasks"));
        cJSON_Delete(ledger);
        cJSON_AddItemToArray(list, status);
    }
    sl_respond(r, 200, body);
}
