#include "admin/render.h"

#include <string.h>

#include "base/member.h"
#include "supervisor/secrets.h"

#define RATE "records_per_second"

cJSON *sl_render_config(const sl_managed_t *m) {
    return sl_secrets_hide(m->config, m->secrets);
}

const char *sl_render_state(const sl_managed_t *m) {
    /* The most telling state of any task, in this order. */
    static const sl_task_state_t order[] = { SL_TASK_FAILED, SL_TASK_RESTARTING, SL_TASK_STARTING,
                                             SL_TASK_IDLE, SL_TASK_RUNNING };
    size_t i;
    size_t k;

    if (m->failed)
        return "FAILED";
    for (k = 0; k < m->task_count; k++)
        if (m->tasks[k].state == SL_TASK_FAILED)
            return "FAILED";
    if (strcmp(m->target, "RUNNING") != 0)
        return m->target;
    for (i = 0; i < sizeof order / sizeof order[0]; i++)
        for (k = 0; k < m->task_count; k++)
            if (m->tasks[k].state == order[i])
                return order[i] == SL_TASK_IDLE ? "STARTING" : sl_task_state_name(order[i]);
    return m->task_count == 0 ? "STARTING" : "FINISHED";
}

static void add_text(cJSON *object, const char *key, const char *text) {
    if (text != NULL)
        cJSON_AddStringToObject(object, key, text);
}

/* Whether it, or a branch of it, is on the way or stuck: then its newest warning says what holds it
 * up. */
static int is_held_up(const sl_task_t *t) {
    const cJSON *branch;

    if (t->child == NULL || t->trace != NULL)
        return 0;
    cJSON_ArrayForEach(branch, t->branches) {
        const char *state = sl_text(branch, "state");
        if (state != NULL && (strcmp(state, "STARTING") == 0 || strcmp(state, "RECONNECTING") == 0))
            return 1;
        if (cJSON_HasObjectItem(branch, "stuck"))
            return 1;
    }
    return t->state == SL_TASK_STARTING;
}

/* Without a process its last state and rate are not true any more. */
static cJSON *render_branches(const sl_task_t *t) {
    cJSON *branches = cJSON_Duplicate(t->branches, 1);
    cJSON *branch;

    if (t->child != NULL)
        return branches;
    cJSON_ArrayForEach(branch, branches) {
        cJSON_SetNumberHelper(cJSON_GetObjectItemCaseSensitive(branch, RATE), 0);
        cJSON_ReplaceItemInObjectCaseSensitive(branch, "state",
                                               cJSON_CreateString(sl_task_state_name(t->state)));
    }
    return branches;
}

static cJSON *render_task(const sl_task_t *t) {
    cJSON *task = cJSON_CreateObject();

    cJSON_AddNumberToObject(task, "id", t->number);
    cJSON_AddStringToObject(task, "state", sl_task_state_name(t->state));
    if (t->child != NULL) {
        cJSON_AddNumberToObject(task, "pid", sl_child_pid(t->child));
        cJSON_AddNumberToObject(task, "memory_bytes", (double)t->memory);
        cJSON_AddNumberToObject(task, "cpu_seconds", t->cpu);
    }
    cJSON_AddNumberToObject(task, "restarts", t->restarts);
    if (t->crash != NULL) {
        cJSON_AddStringToObject(task, "last_crash", t->crash);
        cJSON_AddNumberToObject(task, "last_crash_ms", (double)t->crashed_ms);
    }
    add_text(task, "code", t->code);
    add_text(task, "trace", t->trace);
    add_text(task, "warning", is_held_up(t) ? t->warning : NULL);
    cJSON_AddNumberToObject(task, "records", t->records);
    cJSON_AddNumberToObject(task, RATE, t->child == NULL ? 0 : t->rate);
    if (t->branches != NULL)
        cJSON_AddItemToObject(task, "branches", render_branches(t));
    return task;
}

cJSON *sl_render_status(const sl_managed_t *m) {
    cJSON *status = cJSON_CreateObject();
    cJSON *tasks = cJSON_CreateArray();
    double rate = 0;
    size_t i;

    cJSON_AddStringToObject(status, "name", m->name);
    cJSON_AddStringToObject(status, "kind", m->kind);
    cJSON_AddStringToObject(status, "type", m->type);
    cJSON_AddStringToObject(status, "origin", m->origin);
    cJSON_AddStringToObject(status, "target", m->target);
    cJSON_AddStringToObject(status, "state", sl_render_state(m));
    add_text(status, "trace", m->failed ? m->trace : NULL);
    for (i = 0; i < m->task_count; i++) {
        rate += m->tasks[i].child == NULL ? 0 : m->tasks[i].rate;
        cJSON_AddItemToArray(tasks, render_task(&m->tasks[i]));
    }
    cJSON_AddNumberToObject(status, RATE, rate);
    cJSON_AddItemToObject(status, "tasks", tasks);
    return status;
}

cJSON *sl_render_ledger(const sl_managed_t *m) {
    cJSON *ledger = cJSON_CreateObject();
    cJSON *tasks = cJSON_CreateArray();
    size_t i;

    cJSON_AddStringToObject(ledger, "name", m->name);
    cJSON_AddItemToObject(ledger, "tasks", tasks);
    for (i = 0; i < m->task_count; i++) {
        cJSON *task = cJSON_CreateObject();
        cJSON_AddNumberToObject(task, "id", (double)i);
        cJSON_AddItemToObject(task, "nodes",
                              m->tasks[i].ledger == NULL ? cJSON_CreateArray()
                                                         : cJSON_Duplicate(m->tasks[i].ledger, 1));
        cJSON_AddItemToArray(tasks, task);
    }
    return ledger;
}
