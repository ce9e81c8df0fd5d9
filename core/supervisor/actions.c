#include "supervisor/supervisor_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "supervisor/publish.h"
#include "supervisor/state_folder.h"

/* One action under way: what was asked for, and who wants to know. */
typedef struct action {
    sl_supervisor_t *supervisor;
    char *name;
    char *kind;
    char *origin;
    char *target;
    cJSON *config;
    const char *type;
    cJSON *secrets;
    int must_be_new;
    int forget;
    sl_resolved_t resolved; /* of a put */
    sl_action_fn done;
    void *user;
} action_t;

static void action_destroy(action_t *a) {
    if (a == NULL)
        return;
    cJSON_Delete(a->config);
    cJSON_Delete(a->secrets);
    sl_resolved_fini(&a->resolved);
    free(a->name);
    free(a->kind);
    free(a->origin);
    free(a->target);
    free(a);
}

static action_t *action_create(sl_supervisor_t *s, const char *name, sl_action_fn done,
                               void *user) {
    action_t *a = calloc(1, sizeof *a);

    if (a == NULL || (a->name = strdup(name)) == NULL) {
        free(a);
        return NULL;
    }
    a->supervisor = s;
    a->done = done;
    a->user = user;
    return a;
}

/* An action on one that there is and that is not being deleted; else SLUICE_INVALID. */
static int action_on(sl_supervisor_t *s, const char *name, sl_action_fn done, void *user,
                     action_t **out) {
    const sl_managed_t *m = sl_supervisor_find(s, name);

    if (m == NULL || m->deleting)
        return SLUICE_INVALID;
    *out = action_create(s, name, done, user);
    return *out == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* What it waits for has begun: it is pending; else it is over, and completes never. */
static int begun(action_t *a, int status) {
    if (status == SLUICE_OK)
        a->supervisor->pending++;
    else
        action_destroy(a);
    return status;
}

/* Completes and frees the action; the end of one pending call-back. */
static void finish(action_t *a, int status, const char *message, const sl_report_t *report) {
    sl_supervisor_t *s = a->supervisor;
    sl_action_result_t result = { status, message, report, sl_supervisor_find(s, a->name),
                                  &a->resolved };

    s->pending--;
    if (a->done != NULL)
        a->done(a->user, &result);
    action_destroy(a);
    sl_supervisor_settle(s);
}

/* What runs from now on is new: earlier failures are not its own. */
static void renew(sl_managed_t *m) {
    size_t i;

    m->version = m->supervisor->next_incarnation++;
    m->failed = m->keep_failed = m->unassigned = 0;
    m->attempts = 0;
    m->retry_at = 0;
    sl_set_text(&m->trace, NULL);
    for (i = 0; i < m->task_count; i++)
        if (m->tasks[i].child == NULL)
            sl_task_set_state(&m->tasks[i], SL_TASK_IDLE, NULL, NULL);
}

/* ---- put ---- */

static void apply_put(action_t *a) {
    sl_supervisor_t *s = a->supervisor;
    sl_managed_t *m = sl_supervisor_find(s, a->name);

    if (m != NULL)
        sl_publish_unassigned(m);
    if (m == NULL && (m = sl_managed_create(s, a->name)) == NULL) {
        finish(a, SLUICE_NO_MEMORY, "out of memory", NULL);
        return;
    }
    sl_managed_set_config(m, a->config, a->secrets);
    a->config = a->secrets = NULL;
    sl_set_text(&m->kind, a->kind);
    sl_set_text(&m->origin, a->origin);
    m->type = a->type;
    if (a->target != NULL)
        snprintf(m->target, sizeof m->target, "%s", a->target);
    renew(m);
    if (strcmp(m->target, "RUNNING") != 0)
        sl_publish_connector(m);
    sl_supervisor_changed(m);
    sl_managed_reconcile(m);
    finish(a, SLUICE_OK, NULL, NULL);
}

static void on_put_stored(void *user, int status, const char *error) {
    action_t *a = user;

    sl_map_remove(&a->supervisor->creating, sluice_str(a->name));
    if (status == SLUICE_OK)
        apply_put(a);
    else
        finish(a, status, error, NULL);
}

/* NULL: as it is when the store comes to it, which may be changing a target just now. */
static const char *put_target(const action_t *a) {
    const sl_managed_t *m = sl_supervisor_find(a->supervisor, a->name);
    const char *kept = sl_text(a->supervisor->remembered, a->name);

    if (a->target != NULL)
        return a->target;
    if (m != NULL)
        return NULL;
    return kept != NULL && strcmp(a->origin, "file") == 0 ? kept : "RUNNING";
}

static int store_put(action_t *a) {
    char *text = cJSON_PrintUnformatted(a->config);
    char *secrets = a->secrets == NULL ? NULL : cJSON_PrintUnformatted(a->secrets);
    char kind[32];
    sl_store_config_t config = { a->name, kind, text, NULL, a->type, secrets };
    int status = SLUICE_NO_MEMORY;

    config.is_target_said = a->target != NULL;
    sl_set_text(&a->target, put_target(a));
    config.target = a->target;
    snprintf(kind, sizeof kind, "%s%s", strcmp(a->origin, "file") == 0 ? "file:" : "", a->kind);
    if (text != NULL)
        status = sl_store_put_config(a->supervisor->o.store, &config, on_put_stored, a);
    free(text);
    free(secrets);
    if (status == SLUICE_OK && sl_supervisor_find(a->supervisor, a->name) == NULL)
        sl_map_put(&a->supervisor->creating, sluice_str(a->name), a);
    return status;
}

static int is_being_created(const action_t *a) {
    return sl_map_find(&a->supervisor->creating, sluice_str(a->name)) >= 0;
}

static void on_put_resolved(void *user, int status, sl_resolved_t *resolved,
                            const sl_report_t *report) {
    action_t *a = user;
    const sl_managed_t *m = sl_supervisor_find(a->supervisor, a->name);

    if (resolved != NULL) {
        a->resolved = *resolved;
        memset(resolved, 0, sizeof *resolved);
        a->type = a->resolved.type;
        a->secrets = a->resolved.secrets;
        a->resolved.secrets = NULL;
    }
    if (status != SLUICE_OK)
        finish(a, status, NULL, report);
    else if (a->must_be_new && is_being_created(a))
        finish(a, SLUICE_BUSY, "it is being created", NULL);
    else if (m != NULL && (a->must_be_new || m->deleting))
        finish(a, SLUICE_BUSY, m->deleting ? "it is being deleted" : "it exists", NULL);
    else if (a->supervisor->closing)
        finish(a, SLUICE_CANCELLED, "sluice is shutting down", NULL);
    else if ((status = store_put(a)) != SLUICE_OK)
        finish(a, status, "out of memory", NULL);
}

int sl_supervisor_put(sl_supervisor_t *s, const sl_put_t *put, sl_action_fn done, void *user) {
    action_t *a = action_create(s, put->name, done, user);
    int status;

    if (a == NULL) {
        cJSON_Delete(put->config);
        return SLUICE_NO_MEMORY;
    }
    a->config = put->config;
    a->must_be_new = put->must_be_new;
    sl_set_text(&a->kind, put->kind);
    sl_set_text(&a->origin, put->origin);
    sl_set_text(&a->target, put->target);
    status = s->closing ? SLUICE_CANCELLED
                        : s->o.resolver->resolve(s->o.resolver, a->name, a->kind, a->config,
                                                 put->check, on_put_resolved, a);
    return begun(a, status);
}

/* ---- target ---- */

static void on_target_stored(void *user, int status, const char *error) {
    action_t *a = user;
    sl_managed_t *m = sl_supervisor_find(a->supervisor, a->name);

    if (status == SLUICE_OK && m != NULL && strcmp(m->target, a->target) != 0) {
        snprintf(m->target, sizeof m->target, "%s", a->target);
        m->taskless |= strcmp(m->target, "STOPPED") == 0;
        /* A resume looks at plugins and secrets anew, and leaves alone what was FAILED. A new
         * version, so that what is being resolved now comes too late. */
        m->version = m->supervisor->next_incarnation++;
        m->keep_failed = 1;
        m->unassigned = 0;
        m->attempts = 0;
        m->retry_at = 0;
        if (strcmp(m->target, "RUNNING") == 0)
            m->failed = 0;
        else
            sl_publish_connector(m);
        sl_supervisor_changed(m);
        sl_managed_reconcile(m);
    }
    finish(a, status, error, NULL);
}

int sl_supervisor_target(sl_supervisor_t *s, const char *name, const char *target,
                         sl_action_fn done, void *user) {
    action_t *a;
    int status = action_on(s, name, done, user, &a);

    if (status != SLUICE_OK)
        return status;
    sl_set_text(&a->target, target);
    return begun(a, sl_store_put_target(s->o.store, name, target, on_target_stored, a));
}

/* ---- delete ---- */

static void on_delete_stored(void *user, int status, const char *error) {
    action_t *a = user;
    sl_managed_t *m = sl_supervisor_find(a->supervisor, a->name);

    if (status == SLUICE_OK) {
        cJSON_DeleteItemFromObjectCaseSensitive(a->supervisor->remembered, a->name);
        sl_state_folder_remove(a->supervisor->o.data_dir, a->name, a->forget);
        sl_publish_gone(m);
        sl_managed_remove(m);
    } else {
        m->deleting = 0;
        m->deletion = NULL;
        sl_managed_reconcile(m);
    }
    finish(a, status, error, NULL);
}

void sl_action_delete_ready(sl_managed_t *m) {
    action_t *a = m->deletion;
    sl_store_t *store = m->supervisor->o.store;

    if (a == NULL)
        return;
    m->deletion = NULL; /* from here on the store's answer carries it */
    if (a->forget)
        sl_store_delete_positions(store, a->name, NULL, NULL);
    if (sl_store_delete_config(store, a->name, on_delete_stored, a) != SLUICE_OK) {
        m->deleting = 0;
        finish(a, SLUICE_NO_MEMORY, "out of memory", NULL);
    }
}

int sl_supervisor_delete(sl_supervisor_t *s, const char *name, int forget, sl_action_fn done,
                         void *user) {
    sl_managed_t *m = sl_supervisor_find(s, name);
    action_t *a;
    int status = action_on(s, name, done, user, &a);

    if (status != SLUICE_OK)
        return status;
    a->forget = forget;
    m->deletion = a;
    m->deleting = 1;
    begun(a, SLUICE_OK);
    sl_managed_reconcile(m);
    return SLUICE_OK;
}

/* ---- restart ---- */

static void restart_task(sl_task_t *t) {
    t->crashes = 0;
    t->reported_end = 0;
    sl_task_renew(t);
    t->managed->refresh = 1;
    if (t->child == NULL)
        sl_task_set_state(t, SL_TASK_IDLE, NULL, NULL);
    else
        sl_task_stop(t);
}

int sl_supervisor_restart(sl_supervisor_t *s, const char *name, int task, int only_failed) {
    sl_managed_t *m = sl_supervisor_find(s, name);
    size_t i;

    if (m == NULL || m->deleting || (task >= 0 && (size_t)task >= m->task_count))
        return SLUICE_INVALID;
    if (task < 0 && (!only_failed || m->failed)) {
        sl_publish_restarting(m);
        m->restarting = 1;
        renew(m);
    } else {
        for (i = 0; i < m->task_count; i++)
            if (task < 0 ? m->tasks[i].state == SL_TASK_FAILED : i == (size_t)task)
                restart_task(&m->tasks[i]);
    }
    sl_supervisor_changed(m);
    sl_managed_reconcile(m);
    return SLUICE_OK;
}

static void on_restart_resolved(void *user, int status, sl_resolved_t *resolved,
                                const sl_report_t *report) {
    action_t *a = user;
    sl_managed_t *m = sl_supervisor_find(a->supervisor, a->name);
    int cannot = status == SLUICE_RETRY;

    if (resolved != NULL)
        sl_resolved_fini(resolved);
    if (m == NULL || m->deleting) {
        finish(a, SLUICE_INVALID, "it was deleted", NULL);
        return;
    }
    m->unassigned = cannot;
    m->retry_at = 0;
    sl_publish_unassigned(m);
    if (!cannot && (m->failed || m->version != m->running_version))
        renew(m); /* it will say how it went */
    else if (!cannot)
        sl_publish_connector(m);
    sl_supervisor_changed(m);
    sl_managed_reconcile(m);
    finish(a, cannot ? status : SLUICE_OK,
           cannot && report->count > 0 ? report->faults[0].message : NULL, report);
}

int sl_supervisor_restart_connector(sl_supervisor_t *s, const char *name, sl_action_fn done,
                                    void *user) {
    const sl_managed_t *m = sl_supervisor_find(s, name);
    action_t *a;
    int status = action_on(s, name, done, user, &a);

    if (status != SLUICE_OK)
        return status;
    status = s->closing ? SLUICE_CANCELLED
                        : s->o.resolver->resolve(s->o.resolver, name, m->kind, m->config,
                                                 SL_CHECK_NONE, on_restart_resolved, a);
    return begun(a, status);
}

void sl_supervisor_note_restart(sl_managed_t *m, int tasks, int only_failed) {
    char value[80];
    char *key = NULL;

    snprintf(value, sizeof value, "{\"include-tasks\":%s,\"only-failed\":%s}",
             tasks ? "true" : "false", only_failed ? "true" : "false");
    if (asprintf(&key, "restart-connector-%s", m->name) >= 0)
        sl_store_note(m->supervisor->o.store, key, value);
    free(key);
}

void sl_supervisor_note_level(sl_supervisor_t *s, const char *scope, const char *level) {
    char *key = NULL;
    char value[80];

    snprintf(value, sizeof value, "{\"level\":\"%s\"}", level);
    if (asprintf(&key, "logger-cluster-%s", scope) >= 0)
        sl_store_note(s->o.store, key, value);
    free(key);
}
