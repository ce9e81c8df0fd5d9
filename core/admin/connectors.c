#include "admin/handlers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/admin.h"
#include "admin/expand.h"
#include "admin/flat.h"
#include "admin/named.h"
#include "admin/shown.h"
#include "config/java_order.h"
#include "config/json_file.h"
#include "config/worker.h"
#include "supervisor/secrets.h"

/* ---- reading ---- */

void sl_get_connectors(sl_request_t *r) {
    const sl_supervisor_t *s = sl_supervisor_of(r);
    cJSON *body;
    size_t i;

    if (sl_request_query(r, "expand", 0) != NULL) {
        sl_expanded_list(r);
        return;
    }
    body = cJSON_CreateArray();
    for (i = 0; i < sl_supervisor_count(s); i++) {
        const sl_managed_t *m = sl_supervisor_at(s, i);
        if (strcmp(m->kind, "connector") == 0)
            cJSON_AddItemToArray(body, cJSON_CreateString(m->name));
    }
    sl_respond(r, 200, body);
}

static char *info_text(sl_managed_t *m, size_t tasks) {
    sluice_buf_t out;

    sl_heapbuf_init(&out);
    sl_show_info(&out, m, tasks);
    return sl_heapbuf_take(&out);
}

void sl_get_connector(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);

    if (m == NULL)
        sl_respond_no_connector(r);
    else
        sl_respond_json_text(r, 200, info_text(m, sl_shown_task_count(m)));
}

void sl_get_connector_config(sl_request_t *r) {
    sl_managed_t *m = sl_connector_of(r);

    if (m == NULL)
        sl_respond_no_connector(r);
    else
        sl_respond_json_text(r, 200, strdup(sl_managed_shown(m)));
}

void sl_get_connector_status(sl_request_t *r) {
    const sl_managed_t *m = sl_connector_of(r);
    sluice_buf_t out;

    if (m == NULL) {
        sl_respond_error(r, 404, "No status found for connector %s", sl_request_arg(r, 0));
        return;
    }
    sl_heapbuf_init(&out);
    sl_show_status(&out, m, sl_admin_worker_id(sl_request_admin(r)), NULL);
    sl_respond_json_text(r, 200, sl_heapbuf_take(&out));
}

/* ---- create and change ---- */

typedef struct change {
    sl_request_t *request;
    cJSON *flat;
    char *name;
    int existed;
} change_t;

static void change_destroy(change_t *c) {
    sl_request_unref(c->request);
    cJSON_Delete(c->flat);
    free(c->name);
    free(c);
}

/* Connect answers before there are tasks: with those of the configuration before. Standalone it
 * answers when they have been made. */
static char *changed_info(const sl_request_t *r, const sl_action_result_t *result) {
    const cJSON *worker = sl_admin_options(sl_request_admin(r))->worker;
    sl_managed_t *m = result->managed;
    int made = result->resolved == NULL ? 0 : result->resolved->tasks;
    size_t tasks = sl_shown_task_count(m);

    if (sl_worker_mode(worker) == SL_WORKER_STANDALONE && strcmp(m->target, "RUNNING") == 0 &&
        made > 0)
        tasks = (size_t)made;
    return info_text(m, tasks);
}

static void respond_refused(change_t *c, const sl_resolved_t *resolved, const sl_report_t *report) {
    if (resolved == NULL || (resolved->refusal == NULL && !resolved->has_thrown))
        sl_flat_respond_faults(c->request, c->flat, report);
    else if (resolved->refusal == NULL)
        sl_flat_respond_unknown(c->request, c->flat, "");
    else
        sl_respond_error(c->request, resolved->has_thrown ? 500 : 400, "%s", resolved->refusal);
}

static void on_changed(void *user, const sl_action_result_t *result) {
    change_t *c = user;
    sl_request_t *r = c->request;

    if (!sl_request_is_open(r))
        ;
    else if (result->status == SLUICE_OK && c->existed)
        sl_respond_json_text(r, 200, changed_info(r, result));
    else if (result->status == SLUICE_OK)
        sl_respond_created(r, "connectors", c->name, changed_info(r, result));
    else if (result->status == SLUICE_INVALID)
        respond_refused(c, result->resolved, result->report);
    else if (result->status == SLUICE_BUSY)
        sl_respond_error(r, 409, "Connector %s already exists", c->name);
    else
        sl_respond_failed(r, result);
    change_destroy(c);
}

/* What Connect checks before it looks at the class. 0 when it answered. */
static int check_names(sl_request_t *r, const char *name, cJSON *flat) {
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(flat, "name");

    if (cJSON_IsString(given) && strcmp(given->valuestring, name) != 0) {
        sl_respond_error(r, 400,
                         "Connector name configuration (%s) doesn't match connector name in the "
                         "URL (%s)",
                         given->valuestring, name);
        return 0;
    }
    if (!cJSON_IsString(given)) {
        cJSON_DeleteItemFromObjectCaseSensitive(flat, "name");
        cJSON_AddStringToObject(flat, "name", name);
    }
    return 1;
}

static int check_class(sl_request_t *r, const cJSON *flat) {
    const cJSON *class = cJSON_GetObjectItemCaseSensitive(flat, "connector.class");
    char *text;

    if (class != NULL && !cJSON_IsNull(class))
        return 1;
    text = sl_flat_java_text(flat);
    sl_respond_error(r, 400, "Connector config %s contains no connector type",
                     text == NULL ? "" : text);
    free(text);
    return 0;
}

/* Takes flat. */
static void change(sl_request_t *r, const char *name, cJSON *flat, const char *target, int is_new) {
    const sl_managed_t *m = sl_supervisor_find(sl_supervisor_of(r), name);
    sl_put_t put = { name, "connector", "rest", NULL, NULL, is_new, SL_CHECK_CONNECT };
    change_t *c;

    if (!check_class(r, flat) || (c = calloc(1, sizeof *c)) == NULL) {
        cJSON_Delete(flat);
        return;
    }
    if (m != NULL)
        sl_secrets_keep(flat, m->config);
    if (target != NULL && target[0] != '\0')
        put.target = target;
    c->request = sl_request_ref(r);
    c->flat = flat;
    c->name = strdup(name);
    c->existed = m != NULL;
    put.config = cJSON_Duplicate(flat, 1);
    if (c->name != NULL && sl_supervisor_put(sl_supervisor_of(r), &put, on_changed, c) == SLUICE_OK)
        return;
    sl_respond_error(r, 503, "sluice is shutting down or out of memory");
    change_destroy(c);
}

static char *trimmed(const char *text) {
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    return strndup(text, len);
}

/* The target state of "initial_state"; "": not given; NULL when it is none. */
static const char *initial_state(const cJSON *body) {
    static const char *const states[] = { "RUNNING", "PAUSED", "STOPPED" };
    const cJSON *state = cJSON_GetObjectItemCaseSensitive(body, "initial_state");
    size_t i;

    if (state == NULL || cJSON_IsNull(state))
        return "";
    for (i = 0; i < 3; i++)
        if (cJSON_IsString(state) && strcasecmp(state->valuestring, states[i]) == 0)
            return states[i];
    return NULL;
}

static const char *unknown_member(const cJSON *body) {
    const cJSON *item;

    cJSON_ArrayForEach(item, body)
        if (strcmp(item->string, "name") != 0 && strcmp(item->string, "config") != 0 &&
            strcmp(item->string, "initial_state") != 0)
            return item->string;
    return NULL;
}

static void create(sl_request_t *r, const cJSON *body) {
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(body, "name");
    char buffer[64];
    const char *given = name == NULL ? "" : sl_json_scalar(name, buffer, sizeof buffer);
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(body, "config");
    const char *target = initial_state(body);
    const char *wrong = unknown_member(body);
    cJSON *flat = NULL;
    char *clean;

    if (wrong != NULL)
        sl_respond_error(r, 500,
                         "Unrecognized field \"%s\" (3 known properties: \"config\", \"name\", "
                         "\"initial_state\")",
                         wrong);
    else if (given == NULL && !cJSON_IsNull(name))
        sl_respond_error(r, 500, "The value of \"name\" must be a string");
    else if (target == NULL)
        sl_respond_error(r, 500, "initial_state must be one of RUNNING, PAUSED, STOPPED");
    else if (!cJSON_IsObject(config))
        sl_respond_error(r, 500, "The body has no object \"config\"");
    else if ((flat = sl_flat_from(config, &wrong)) == NULL)
        sl_respond_error(r, 500,
                         "Cannot deserialize value of type `java.lang.String`: the value of config "
                         "key \"%s\" must be a string",
                         wrong);
    if (flat == NULL)
        return;
    clean = trimmed(given == NULL ? "" : given);
    if (clean != NULL && check_names(r, clean, flat))
        change(r, clean, flat, target, 1);
    else
        cJSON_Delete(flat);
    free(clean);
}

void sl_post_connectors(sl_request_t *r) {
    cJSON *body = sl_request_connect_json(r);

    if (body != NULL)
        create(r, body);
    cJSON_Delete(body);
}

void sl_put_connector_config(sl_request_t *r) {
    const sl_managed_t *m = sl_supervisor_find(sl_supervisor_of(r), sl_request_arg(r, 0));
    cJSON *flat = sl_flat_body(r);

    if (flat == NULL)
        return;
    if (m != NULL && strcmp(m->kind, "connector") != 0) {
        cJSON_Delete(flat);
        sl_respond_error(r, 409, "%s is a native pipeline: change it at /pipelines/%s", m->name,
                         m->name);
        return;
    }
    if (check_names(r, sl_request_arg(r, 0), flat))
        change(r, sl_request_arg(r, 0), flat, NULL, 0);
    else
        cJSON_Delete(flat);
}

/* Merges into what is stored: a value sets, null removes. */
void sl_patch_connector_config(sl_request_t *r) {
    const sl_managed_t *m = sl_connector_of(r);
    cJSON *changes = m == NULL && sl_request_is_null(r) ? cJSON_CreateNull() : sl_flat_body(r);
    cJSON *flat;
    const cJSON *item;

    if (m == NULL && changes != NULL)
        sl_respond_no_connector(r);
    if (changes == NULL || m == NULL) {
        cJSON_Delete(changes);
        return;
    }
    flat = cJSON_Duplicate(m->config, 1);
    cJSON_ArrayForEach(item, changes) {
        if (cJSON_IsNull(item))
            cJSON_DeleteItemFromObjectCaseSensitive(flat, item->string);
        else if (cJSON_GetObjectItemCaseSensitive(flat, item->string) != NULL)
            cJSON_ReplaceItemInObjectCaseSensitive(flat, item->string, cJSON_Duplicate(item, 1));
        else
            cJSON_AddItemToObject(flat, item->string, cJSON_Duplicate(item, 1));
    }
    cJSON_Delete(changes);
    sl_java_order(flat); /* Connect merges into a HashMap */
    change(r, m->name, flat, NULL, 0);
}

/* ---- delete ---- */

void sl_delete_connector(sl_request_t *r) {
    if (sl_connector_of(r) == NULL ||
        sl_supervisor_delete(sl_supervisor_of(r), sl_request_arg(r, 0), 0, sl_on_done, r) !=
            SLUICE_OK)
        sl_respond_no_connector(r);
    else
        sl_request_ref(r);
}
