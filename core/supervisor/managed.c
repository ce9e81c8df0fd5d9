#include "supervisor/supervisor_int.h"

#include <stdlib.h>
#include <string.h>

#include "observe/log.h"
#include "supervisor/publish.h"

#define CONFIG_EXCEPTION "org.apache.kafka.common.config.ConfigException"

enum { RETRY_MS = 250, RETRY_DOUBLINGS = 8, RETRY_MOST_MS = 60000 };

void sl_managed_clear_tasks(sl_managed_t *m) {
    size_t i;

    for (i = 0; i < m->task_count; i++)
        sl_task_fini(&m->tasks[i]);
    free(m->tasks);
    m->tasks = NULL;
    m->task_count = 0;
}

static int is_wanted(const sl_managed_t *m) {
    const sl_supervisor_t *s = m->supervisor;
    return s->begun && !s->closing && !m->deleting && !m->failed &&
           strcmp(m->target, "RUNNING") == 0;
}

static size_t stop_tasks(sl_managed_t *m) {
    size_t alive = 0;
    size_t i;

    for (i = 0; i < m->task_count; i++) {
        sl_task_stop(&m->tasks[i]);
        if (m->tasks[i].child == NULL)
            continue;
        alive++;
        /* Of a new configuration it is not true that it failed, though the old process still
         * ends. */
        if (!m->keep_failed && m->tasks[i].state == SL_TASK_FAILED)
            sl_task_set_state(&m->tasks[i], SL_TASK_RESTARTING, NULL, NULL);
    }
    return alive;
}

/* New tasks; at a resume those that are FAILED stay as they are. */
static int make_tasks(sl_managed_t *m, size_t count) {
    size_t i;

    if (!m->keep_failed || m->task_count != count) {
        sl_managed_clear_tasks(m);
        m->tasks = calloc(count, sizeof *m->tasks);
        if (m->tasks == NULL)
            return SLUICE_NO_MEMORY;
        m->task_count = m->had_tasks = count;
        for (i = 0; i < count; i++)
            sl_task_init(&m->tasks[i], m, (int)i);
    }
    m->keep_failed = m->taskless = 0;
    return SLUICE_OK;
}

/* Those that it had when it last ran are shown until it runs, or while it is paused. */
void sl_managed_remember(sl_managed_t *m, int tasks) {
    if (tasks > 0 && strcmp(m->target, "STOPPED") != 0)
        (void)make_tasks(m, (size_t)tasks);
    m->had_tasks = tasks > 0 ? (size_t)tasks : 0;
}

static void know(sl_managed_t *m, sl_resolved_t *r) {
    sl_managed_set_config(m, m->config, r->secrets);
    r->secrets = NULL;
    m->type = r->type;
}

static void adopt(sl_managed_t *m, sl_resolved_t *r) {
    cJSON_Delete(m->pipeline);
    cJSON_Delete(m->modules);
    m->pipeline = r->pipeline;
    m->modules = r->modules;
    r->pipeline = r->modules = NULL;
    know(m, r);
    m->memory_limit = r->memory_limit;
    if (m->refresh && m->running_version == m->version) {
        m->refresh = 0;
        return;
    }
    m->refresh = 0;
    m->supervisor->starts.connectors += strcmp(m->kind, "connector") == 0;
    m->attempts = 0;
    if (make_tasks(m, r->tasks < 1 ? 1 : (size_t)r->tasks) != SLUICE_OK)
        return;
    m->running_version = m->version;
    m->restarting = 0;
    sl_publish_connector(m);
    sl_publish_tasks(m, r->task_class);
}

/* Tasks that it had before this sluice began fail with it, as in Connect. */
static void fail_tasks(sl_managed_t *m) {
    size_t i;

    for (i = 0; i < m->task_count; i++)
        if (m->tasks[i].child == NULL)
            sl_task_set_state(&m->tasks[i], SL_TASK_FAILED, NULL, m->trace);
}

/* Why it cannot start. A connector's trace begins as Connect's would: with the first fault. */
static char *why_not(const sl_managed_t *m, const sl_report_t *report) {
    char *text = report == NULL ? NULL : sl_report_text(report, m->name), *trace = NULL;
    size_t i = 0;

    if (text == NULL || strcmp(m->kind, "connector") != 0)
        return text;
    while (i < report->count && report->faults[i].severity != SL_FAULT_ERROR)
        i++;
    if (i == report->count || asprintf(&trace, CONFIG_EXCEPTION ": %s\n%s",
                                       report->faults[i].message, text) < 0)
        return text;
    free(text);
    return trace;
}

static void cannot_resolve(sl_managed_t *m, const sl_report_t *report) {
    char *text = why_not(m, report);

    m->failed = 1;
    m->supervisor->starts.connectors_failed += strcmp(m->kind, "connector") == 0;
    sl_set_text(&m->trace, text == NULL ? "the configuration cannot be read" : text);
    free(text);
    sl_log_kv(SLUICE_LOG_ERROR, SCOPE, SL_FIELDS(sl_field("pipeline", m->name)),
              "it cannot start: %s", m->trace);
    sl_store_put_status(m->supervisor->o.store, m->name, -1, "FAILED", m->trace);
    sl_publish_connector(m);
    fail_tasks(m);
    sl_supervisor_changed(m);
}

/* A connector that was resumed runs, as in Connect, though its tasks have to wait until its
 * references can be resolved. */
static void try_later(sl_managed_t *m, const sl_report_t *report) {
    uint64_t wait = m->attempts < RETRY_DOUBLINGS ? (uint64_t)RETRY_MS << m->attempts
                                                  : (uint64_t)RETRY_MOST_MS;

    if (m->attempts++ == 0) {
        sl_log_kv(SLUICE_LOG_WARN, SCOPE, SL_FIELDS(sl_field("pipeline", m->name)),
                  "its tasks wait: %s; trying again",
                  report != NULL && report->count > 0 ? report->faults[0].message : "no reason");
        sl_publish_connector(m);
    }
    m->retry_at = uv_now(m->supervisor->o.loop) + (wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
    sl_supervisor_changed(m);
}

void sl_managed_tick(sl_managed_t *m, uint64_t now) {
    if (m->retry_at == 0 || now < m->retry_at)
        return;
    m->retry_at = 0;
    sl_managed_reconcile(m);
}

typedef struct attempt {
    sl_supervisor_t *supervisor;
    char *name;
    uint64_t version;
    int look; /* nothing is started: only what plugins say of it is wanted */
} attempt_t;

static void conclude(sl_managed_t *m, const attempt_t *a, int status, sl_resolved_t *resolved,
                     const sl_report_t *report) {
    if (status != SLUICE_OK) {
        if (resolved != NULL)
            m->type = resolved->type;
        if (status == SLUICE_RETRY && m->keep_failed && !a->look)
            try_later(m, report);
        else if (!a->look || strcmp(m->target, "STOPPED") != 0)
            cannot_resolve(m, report);
    } else if (a->look) {
        know(m, resolved);
    } else {
        adopt(m, resolved);
    }
}

static void on_resolved(void *user, int status, sl_resolved_t *resolved,
                        const sl_report_t *report) {
    attempt_t *a = user;
    sl_supervisor_t *s = a->supervisor;
    sl_managed_t *m = sl_supervisor_find(s, a->name);

    s->pending--;
    if (m != NULL && m->resolving && m->version == a->version && (a->look || is_wanted(m)))
        conclude(m, a, status, resolved, report);
    if (resolved != NULL)
        sl_resolved_fini(resolved);
    free(a->name);
    free(a);
    if (m != NULL) {
        m->resolving = 0;
        sl_managed_reconcile(m);
    }
    sl_supervisor_settle(s);
}

static void resolve(sl_managed_t *m, int look) {
    sl_supervisor_t *s = m->supervisor;
    attempt_t *a = calloc(1, sizeof *a);

    if (a != NULL) {
        a->look = look;
        a->supervisor = s;
        a->name = strdup(m->name);
        a->version = m->version;
        if (a->name != NULL && s->o.resolver->resolve(s->o.resolver, m->name, m->kind, m->config,
                                                      SL_CHECK_NONE, on_resolved, a) ==
                                    SLUICE_OK) {
            m->resolving = 1;
            s->pending++;
            return;
        }
        free(a->name);
    }
    free(a);
    cannot_resolve(m, NULL);
}

void sl_managed_look(sl_managed_t *m) {
    if (!m->resolving)
        resolve(m, 1);
}

/* No process is left, none is wanted. A stopped pipeline has no tasks at all, also when it was
 * paused before the last of them had ended. */
static void rest(sl_managed_t *m) {
    if ((m->taskless || strcmp(m->target, "STOPPED") == 0) && !m->supervisor->closing) {
        sl_managed_clear_tasks(m);
        sl_publish_no_tasks(m);
    }
    sl_supervisor_settle(m->supervisor);
}

void sl_managed_reconcile(sl_managed_t *m) {
    int wanted = is_wanted(m);
    size_t i;

    if (!wanted || m->version != m->running_version) {
        if (stop_tasks(m) > 0 || m->resolving)
            return;
        if (m->deleting)
            sl_action_delete_ready(m);
        else if (wanted && !m->unassigned && m->retry_at == 0)
            resolve(m, 0);
        else if (!wanted)
            rest(m);
        return;
    }
    if (m->resolving)
        return;
    for (i = 0; i < m->task_count; i++) {
        if (m->tasks[i].state != SL_TASK_IDLE || m->tasks[i].child != NULL)
            continue;
        if (m->refresh) {
            resolve(m, 0);
            return;
        }
        sl_task_start(&m->tasks[i]);
    }
}
