#include "admin/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/named.h"
#include "admin/render.h"
#include "admin/shown.h"
#include "base/member.h"
#include "config/worker.h"

/* ---- target states ---- */

static int is_standalone(const sl_request_t *r) {
    return sl_worker_mode(sl_admin_options(sl_request_admin(r))->worker) == SL_WORKER_STANDALONE;
}

static void set_target(sl_request_t *r, const char *target, sl_action_fn done) {
    if (sl_connector_of(r) == NULL ||
        sl_supervisor_target(sl_supervisor_of(r), sl_request_arg(r, 0), target, done, r) !=
            SLUICE_OK)
        sl_respond_error(r, 404, "Unknown connector %s", sl_request_arg(r, 0));
    else
        sl_request_ref(r);
}

void sl_put_connector_pause(sl_request_t *r) {
    set_target(r, "PAUSED", sl_on_accepted);
}

void sl_put_connector_resume(sl_request_t *r) {
    set_target(r, "RUNNING", sl_on_accepted);
}

void sl_put_connector_stop(sl_request_t *r) {
    if (is_standalone(r) && sl_connector_of(r) == NULL)
        sl_respond_error(r, 500, "No connector `%s` configured", sl_request_arg(r, 0));
    else
        set_target(r, "STOPPED", sl_on_done);
}

/* ---- restart ---- */

/* The status in which everything that is about to be restarted shows RESTARTING. */
static char *restarting(sl_request_t *r, const sl_managed_t *m, int tasks, int only_failed) {
    sl_shown_restart_t restart = {!only_failed || m->failed, tasks, only_failed};
    sluice_buf_t out;

    sl_heapbuf_init(&out);
    sl_show_status(&out, m, sl_admin_worker_id(sl_request_admin(r)), &restart);
    return sl_heapbuf_take(&out);
}

static void restart_alone(sl_request_t *r, const sl_managed_t *m) {
    sl_request_ref(r);
    if (sl_supervisor_restart_connector(sl_supervisor_of(r), m->name, sl_on_done, r) == SLUICE_OK)
        return;
    sl_respond_error(r, 500, "Failed to start connector: %s", m->name);
    sl_request_unref(r);
}

void sl_post_connector_restart(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);
    int tasks = sl_request_flag(r, "includeTasks");
    int only_failed = sl_request_flag(r, "onlyFailed");
    char *body;

    if (m == NULL) {
        sl_respond_error(r, is_standalone(r) && !tasks && !only_failed ? 500 : 404,
                         "Unknown connector: %s", sl_request_arg(r, 0));
        return;
    }
    if (!tasks && !only_failed) {
        restart_alone(r, m);
        return;
    }
    body = restarting(r, m, tasks, only_failed);
    sl_supervisor_note_restart(m, tasks, only_failed);
    if (tasks || m->failed)
        sl_supervisor_restart(sl_supervisor_of(r), m->name, -1, only_failed);
    sl_respond_json_text(r, 202, body);
}

/* ---- tasks ---- */

/* The task number in the path; answers 404 and gives -2 when it is no int. */
static int task_number(sl_request_t *r) {
    const char *text = sl_request_arg(r, 1);
    char *end;
    long n = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n > 2147483647l || n < -2147483648l) {
        sl_respond_typed_error(r, 404);
        return -2;
    }
    return n < 0 ? -1 : (int)n;
}

/* The configuration with task.class; a name that we do not know keeps its type. */
static void add_task_class(const sl_request_t *r, const sl_managed_t *m, cJSON *config) {
    const sl_catalog_t *catalog = sl_admin_options(sl_request_admin(r))->catalog;
    const char *class = sl_text(config, "connector.class");
    const sl_catalog_plugin_t *p = NULL;
    char task_class[400];

    if (catalog != NULL && class != NULL)
        p = sl_catalog_find(catalog, strcmp(m->type, "sink") == 0 ? SLUICE_SINK : SLUICE_SOURCE,
                            class);
    if (p != NULL)
        sl_catalog_task_class(p, task_class, sizeof task_class);
    cJSON_AddStringToObject(config, "task.class", p != NULL ? task_class : m->type);
}

void sl_get_tasks(sl_request_t *r) {
    const sl_managed_t *m = sl_connector_of(r);
    cJSON *body;
    size_t i;

    if (m == NULL) {
        sl_respond_no_connector(r);
        return;
    }
    body = cJSON_CreateArray();
    for (i = 0; i < sl_shown_task_count(m); i++) {
        cJSON *task = cJSON_CreateObject();
        cJSON *id = cJSON_CreateObject();
        cJSON *config = sl_render_config(m);
        cJSON_AddStringToObject(id, "connector", m->name);
        cJSON_AddNumberToObject(id, "task", (double)i);
        cJSON_AddItemToObject(task, "id", id);
        add_task_class(r, m, config);
        cJSON_AddItemToObject(task, "config", config);
        cJSON_AddItemToArray(body, task);
    }
    sl_respond(r, 200, body);
}

void sl_get_task_status(sl_request_t *r) {
    const sl_managed_t *m = sl_connector_of(r);
    int number = task_number(r);
    sluice_buf_t out;

    if (number == -2)
        return;
    if (m == NULL || number < 0 || (size_t)number >= sl_shown_task_count(m)) {
        sl_respond_error(r, 404, "No status found for task %s-%ld", sl_request_arg(r, 0),
                         strtol(sl_request_arg(r, 1), NULL, 10));
        return;
    }
    sl_heapbuf_init(&out);
    sl_show_task(&out, &m->tasks[number], sl_admin_worker_id(sl_request_admin(r)), NULL);
    sl_respond_json_text(r, 200, sl_heapbuf_take(&out));
}

static void respond_no_task(sl_request_t *r, const sl_managed_t *m, int number) {
    const char *name = sl_request_arg(r, 0);

    if (is_standalone(r) && m == NULL)
        sl_respond_error(r, 500,
                         "Failed to start task %s-%d since it is not a recognizable type (source "
                         "or sink)",
                         name, number);
    else if (is_standalone(r))
        sl_respond_error(r, 404, "Task %s-%d not found", name, number);
    else if (m == NULL)
        sl_respond_error(r, 404, "Unknown connector: %s", name);
    else if (number >= 0 && (size_t)number < m->had_tasks)
        /* Its configuration is still there, but nobody has it. */
        sl_respond_error(r, 409,
                         "Cannot complete request momentarily due to no known leader URL, likely "
                         "because a rebalance was underway.");
    else
        sl_respond_error(r, 404, "Unknown task: %s-%d", name, number);
}

void sl_post_task_restart(sl_request_t *r) {
    const sl_managed_t *m = sl_connector_of(r);
    int number = task_number(r);

    if (number == -2)
        return;
    if (m == NULL || number < 0 || (size_t)number >= sl_shown_task_count(m) ||
        sl_supervisor_restart(sl_supervisor_of(r), m->name, number, 0) != SLUICE_OK)
        respond_no_task(r, m, number);
    else
        sl_respond(r, 204, NULL);
}
