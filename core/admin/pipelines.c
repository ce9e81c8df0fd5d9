#include "admin/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "admin/named.h"
#include "admin/render.h"
#include "config/pipeline.h"
#include "supervisor/secrets.h"

/* Native routes see everything that runs: a connector is a pipeline too. */

/* NULL after it answered 404. */
static sl_managed_t *find(sl_request_t *r) {
    sl_managed_t *m = sl_supervisor_find(sl_supervisor_of(r), sl_request_arg(r, 0));

    if (m == NULL)
        sl_respond_error(r, 404, "There is no pipeline %s; GET /pipelines lists them",
                         sl_request_arg(r, 0));
    return m;
}

static cJSON *info(const sl_managed_t *m) {
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "name", m->name);
    cJSON_AddStringToObject(body, "kind", m->kind);
    cJSON_AddStringToObject(body, "origin", m->origin);
    cJSON_AddStringToObject(body, "target", m->target);
    cJSON_AddStringToObject(body, "state", sl_render_state(m));
    cJSON_AddItemToObject(body, "config", sl_render_config(m));
    return body;
}

/* ---- reading ---- */

void sl_get_pipelines(sl_request_t *r) {
    const sl_supervisor_t *s = sl_supervisor_of(r);
    cJSON *body = cJSON_CreateArray();
    size_t i;

    for (i = 0; i < sl_supervisor_count(s); i++) {
        const sl_managed_t *m = sl_supervisor_at(s, i);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", m->name);
        cJSON_AddStringToObject(one, "kind", m->kind);
        cJSON_AddStringToObject(one, "state", sl_render_state(m));
        cJSON_AddItemToArray(body, one);
    }
    sl_respond(r, 200, body);
}

void sl_get_pipeline(sl_request_t *r) {
    const sl_managed_t *m = find(r);
    if (m != NULL)
        sl_respond(r, 200, info(m));
}

void sl_get_pipeline_status(sl_request_t *r) {
    const sl_managed_t *m = find(r);
    if (m != NULL)
        sl_respond(r, 200, sl_render_status(m));
}

void sl_get_pipeline_ledger(sl_request_t *r) {
    const sl_managed_t *m = find(r);
    if (m != NULL)
        sl_respond(r, 200, sl_render_ledger(m));
}

static void on_history(void *user, int status, cJSON *entries) {
    sl_request_t *r = user;

    if (status == SLUICE_OK)
        sl_respond(r, 200, entries);
    else
        sl_respond_error(r, 500, "The history cannot be read");
    sl_request_unref(r);
}

void sl_get_pipeline_history(sl_request_t *r) {
    const sl_managed_t *m = find(r);

    if (m == NULL)
        return;
    if (sl_supervisor_history(sl_supervisor_of(r), m->name, on_history, r) == SLUICE_OK)
        sl_request_ref(r);
    else
        sl_respond_error(r, 503, "sluice is shutting down");
}

/* ---- create and change ---- */

typedef struct change {
    sl_request_t *request;
    char *name;
    int existed;
} change_t;

static void change_destroy(change_t *c) {
    sl_request_unref(c->request);
    free(c->name);
    free(c);
}

static char *printed(cJSON *body) {
    char *text = cJSON_PrintUnformatted(body);

    cJSON_Delete(body);
    return text;
}

static void on_changed(void *user, const sl_action_result_t *result) {
    change_t *c = user;
    sl_request_t *r = c->request;

    if (!sl_request_is_open(r))
        ;
    else if (result->status == SLUICE_OK && c->existed)
        sl_respond(r, 200, info(result->managed));
    else if (result->status == SLUICE_OK)
        sl_respond_created(r, "pipelines", c->name, printed(info(result->managed)));
    else if (result->status == SLUICE_INVALID && result->report != NULL)
        sl_respond_faults(r, 400, "The pipeline is not valid", result->report);
    else if (result->status == SLUICE_BUSY)
        sl_respond_error(r, 409, "Pipeline %s: %s; PUT /pipelines/%s changes it", c->name,
                         result->message, c->name);
    else
        sl_respond_failed(r, result);
    change_destroy(c);
}

/* Takes config. */
static void change(sl_request_t *r, const char *name, cJSON *config, int is_new) {
    const sl_managed_t *m = sl_supervisor_find(sl_supervisor_of(r), name);
    sl_put_t put = { name, "pipeline", "rest", config, NULL, is_new, SL_CHECK_ALL };
    change_t *c = calloc(1, sizeof *c);

    if (c == NULL || (c->name = strdup(name)) == NULL) {
        free(c);
        cJSON_Delete(config);
        sl_respond_error(r, 500, "out of memory");
        return;
    }
    if (m != NULL)
        sl_secrets_keep(config, m->config);
    c->request = sl_request_ref(r);
    c->existed = m != NULL;
    if (sl_supervisor_put(sl_supervisor_of(r), &put, on_changed, c) == SLUICE_OK)
        return;
    sl_respond_error(r, 503, "sluice is shutting down or out of memory");
    change_destroy(c);
}

/* The name under which the descriptor goes, written into it; NULL after a 400. */
static const char *settle_name(sl_request_t *r, cJSON *body, const char *path_name) {
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(body, "name");
    sl_report_t report;
    const char *name = path_name;

    if (!cJSON_IsObject(body)) {
        sl_respond_error(r, 400, "The body must be a pipeline descriptor: a JSON object");
        return NULL;
    }
    if (given != NULL && path_name != NULL &&
        (!cJSON_IsString(given) || strcmp(given->valuestring, path_name) != 0)) {
        sl_respond_error(r, 400, "/name must be that of the path, \"%s\", or be left out",
                         path_name);
        return NULL;
    }
    if (name == NULL)
        name = cJSON_GetStringValue(given);
    else if (given == NULL)
        cJSON_AddStringToObject(body, "name", name);
    if (name == NULL) {
        sl_respond_error(r, 400, "/name is missing: a pipeline needs a name");
        return NULL;
    }
    sl_report_init(&report);
    if (sl_pipeline_check_name(name, "/name", &report) != SLUICE_OK) {
        sl_respond_faults(r, 400, "The pipeline's name is not valid", &report);
        name = NULL;
    }
    sl_report_fini(&report);
    return name;
}

void sl_post_pipelines(sl_request_t *r) {
    cJSON *body = sl_request_json(r);
    const char *name = body == NULL ? NULL : settle_name(r, body, NULL);

    if (name == NULL)
        cJSON_Delete(body);
    else
        change(r, name, body, 1);
}

void sl_put_pipeline(sl_request_t *r) {
    const sl_managed_t *m = sl_supervisor_find(sl_supervisor_of(r), sl_request_arg(r, 0));
    cJSON *body = sl_request_json(r);
    const char *name = body == NULL ? NULL : settle_name(r, body, sl_request_arg(r, 0));

    if (name != NULL && m != NULL && strcmp(m->kind, "pipeline") != 0) {
        sl_respond_error(r, 409, "%s is a connector: change it at /connectors/%s/config", name,
                         name);
        name = NULL;
    }
    if (name == NULL)
        cJSON_Delete(body);
    else
        change(r, name, body, 0);
}

/* ---- actions ---- */

/* `?positions=forget` also forgets how far it came; else a pipeline of that name resumes there. */
void sl_delete_pipeline(sl_request_t *r) {
    const char *positions = sl_request_query(r, "positions", 0);
    int forget = positions != NULL && strcmp(positions, "forget") == 0;

    if (find(r) == NULL)
        return;
    if (sl_supervisor_delete(sl_supervisor_of(r), sl_request_arg(r, 0), forget, sl_on_done, r) ==
        SLUICE_OK)
        sl_request_ref(r);
    else
        sl_respond_error(r, 409, "Pipeline %s is being deleted already", sl_request_arg(r, 0));
}

static void set_target(sl_request_t *r, const char *target) {
    if (find(r) == NULL)
        return;
    if (sl_supervisor_target(sl_supervisor_of(r), sl_request_arg(r, 0), target, sl_on_accepted,
                             r) == SLUICE_OK)
        sl_request_ref(r);
    else
        sl_respond_error(r, 409, "Pipeline %s is being deleted", sl_request_arg(r, 0));
}

void sl_put_pipeline_pause(sl_request_t *r) {
    set_target(r, "PAUSED");
}

void sl_put_pipeline_resume(sl_request_t *r) {
    set_target(r, "RUNNING");
}

void sl_put_pipeline_stop(sl_request_t *r) {
    set_target(r, "STOPPED");
}

void sl_post_pipeline_restart(sl_request_t *r) {
    const sl_managed_t *m = find(r);

    if (m == NULL)
        return;
    if (sl_supervisor_restart(sl_supervisor_of(r), m->name, -1, sl_request_flag(r, "onlyFailed")) ==
        SLUICE_OK)
        sl_respond(r, 202, NULL);
    else
        sl_respond_error(r, 409, "Pipeline %s is being deleted", m->name);
}
