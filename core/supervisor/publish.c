#include "supervisor/publish.h"

#include <string.h>

#include "config/java_order.h"

static int is_ours(const sl_managed_t *m) {
    return m->supervisor->begun && m->kind != NULL && strcmp(m->kind, "connector") == 0;
}

static sl_store_t *store(const sl_managed_t *m) {
    return m->supervisor->o.store;
}

static void say(const sl_managed_t *m, int task, const char *state, const char *trace) {
    if (is_ours(m))
        sl_store_put_state(store(m), m->name, task, state, trace);
}

/* ---- connectors ---- */

void sl_publish_connector(sl_managed_t *m) {
    if (m->failed && strcmp(m->target, "STOPPED") != 0)
        say(m, -1, "FAILED", m->trace);
    else
        say(m, -1, m->target, NULL);
}

void sl_publish_unassigned(sl_managed_t *m) {
    say(m, -1, "UNASSIGNED", NULL);
}

void sl_publish_restarting(sl_managed_t *m) {
    say(m, -1, "UNASSIGNED", NULL);
    say(m, -1, "RESTARTING", NULL);
}

/* ---- tasks ---- */

/* A task that is paused has no process here; in Connect it has, and says so. */
static const char *idle_word(const sl_managed_t *m) {
    return strcmp(m->target, "PAUSED") == 0 && !m->supervisor->closing && !m->deleting
               ? "PAUSED"
               : "UNASSIGNED";
}

void sl_publish_task(sl_task_t *t) {
    const sl_managed_t *m = t->managed;

    switch (t->state) {
    case SL_TASK_RUNNING:
    case SL_TASK_FINISHED: say(m, t->number, "RUNNING", NULL); break;
    case SL_TASK_FAILED: say(m, t->number, "FAILED", t->trace); break;
    case SL_TASK_RESTARTING: say(m, t->number, "RESTARTING", t->trace); break;
    case SL_TASK_IDLE:
        say(m, t->number, idle_word(m), NULL);
        if (m->restarting && !m->supervisor->closing)
            say(m, t->number, "RESTARTING", NULL);
        break;
    case SL_TASK_STARTING: break; /* it will say RUNNING or FAILED */
    }
}

static cJSON *task_config(const sl_managed_t *m, const char *task_class) {
    cJSON *nested = cJSON_GetObjectItemCaseSensitive(m->config, "config");
    cJSON *config = cJSON_Duplicate(cJSON_IsObject(nested) ? nested : m->config, 1);

    cJSON_DeleteItemFromObjectCaseSensitive(config, "task.class");
    cJSON_AddStringToObject(config, "task.class", task_class);
    sl_java_order(config); /* Connect puts them into a HashMap */
    return config;
}

void sl_publish_tasks(sl_managed_t *m, const char *task_class) {
    cJSON *configs;
    size_t i;

    if (!is_ours(m))
        return;
    configs = cJSON_CreateArray();
    for (i = 0; i < m->task_count; i++)
        cJSON_AddItemToArray(configs, task_config(m, task_class == NULL ? m->type : task_class));
    sl_store_put_tasks(store(m), m->name, configs);
    sl_store_drop_states(store(m), m->name, (int)m->task_count);
    cJSON_Delete(configs);
}

void sl_publish_no_tasks(sl_managed_t *m) {
    if (is_ours(m))
        sl_store_drop_states(store(m), m->name, 0);
}

/* ---- all of it ---- */

void sl_publish_begin(sl_managed_t *m) {
    size_t i;

    if (!is_ours(m))
        return;
    if (strcmp(m->target, "RUNNING") != 0)
        sl_publish_connector(m);
    for (i = 0; i < m->task_count && strcmp(m->target, "PAUSED") == 0; i++)
        sl_publish_task(&m->tasks[i]);
    sl_store_drop_states(store(m), m->name, (int)m->task_count);
}

void sl_publish_end(sl_managed_t *m) {
    size_t i;

    sl_publish_unassigned(m);
    for (i = 0; i < m->task_count; i++)
        if (m->tasks[i].child == NULL)
            sl_publish_task(&m->tasks[i]);
}

void sl_publish_gone(sl_managed_t *m) {
    if (!is_ours(m))
        return;
    sl_publish_unassigned(m);
    sl_store_put_topics(store(m), m->name, NULL, 0);
    sl_store_drop_states(store(m), m->name, -1);
}

void sl_publish_topics(sl_managed_t *m, int task) {
    if (is_ours(m) && !m->supervisor->o.untracked)
        sl_store_put_topics(store(m), m->name, m->topics, task);
}
