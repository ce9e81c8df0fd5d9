#include "supervisor/supervisor_int.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "observe/log.h"
#include "supervisor/publish.h"
#include "supervisor/secrets.h"

#define TICK_MS 250u
#define GAP_MS 5000u /* a tick so late means that we were stopped, not our tasks */

void sl_set_text(char **member, const char *text) {
    char *copy = text == NULL ? NULL : strdup(text);
    free(*member);
    *member = copy;
}

void sl_resolved_fini(sl_resolved_t *r) {
    cJSON_Delete(r->pipeline);
    cJSON_Delete(r->modules);
    cJSON_Delete(r->secrets);
    cJSON_Delete(r->answer);
    free(r->refusal);
    free(r->task_class);
    memset(r, 0, sizeof *r);
}

/* ---- registry ---- */

sl_managed_t *sl_managed_create(sl_supervisor_t *s, const char *name) {
    sl_managed_t *m = calloc(1, sizeof *m);
    sl_managed_t **items = realloc(s->items, (s->count + 1) * sizeof *items);

    if (items != NULL)
        s->items = items;
    if (m == NULL || items == NULL || (m->name = strdup(name)) == NULL ||
        sl_map_put(&s->by_name, sluice_str(name), m) != SLUICE_OK) {
        if (m != NULL)
            free(m->name);
        free(m);
        return NULL;
    }
    m->supervisor = s;
    m->type = "unknown";
    strcpy(m->target, "RUNNING");
    s->items[s->count++] = m;
    return m;
}

void sl_managed_remove(sl_managed_t *m) {
    sl_supervisor_t *s = m->supervisor;
    size_t i;

    for (i = 0; s->items[i] != m; i++)
        ;
    memmove(s->items + i, s->items + i + 1, (--s->count - i) * sizeof *s->items);
    sl_map_remove(&s->by_name, sluice_str(m->name));
    sl_managed_clear_tasks(m);
    sl_managed_set_config(m, NULL, NULL);
    cJSON_Delete(m->pipeline);
    cJSON_Delete(m->modules);
    cJSON_Delete(m->topics);
    free(m->name);
    free(m->kind);
    free(m->origin);
    free(m->trace);
    free(m);
}

void sl_managed_set_config(sl_managed_t *m, cJSON *config, cJSON *secrets) {
    if (config != m->config)
        cJSON_Delete(m->config);
    cJSON_Delete(m->secrets);
    free(m->shown);
    m->config = config;
    m->secrets = secrets;
    m->shown = NULL;
}

const char *sl_managed_shown(sl_managed_t *m) {
    cJSON *config = m->shown != NULL ? NULL : sl_secrets_hide(m->config, m->secrets);

    if (config != NULL)
        m->shown = cJSON_PrintUnformatted(config);
    cJSON_Delete(config);
    return m->shown != NULL ? m->shown : "{}";
}

size_t sl_supervisor_count(const sl_supervisor_t *s) {
    return s->count;
}

sl_managed_t *sl_supervisor_at(const sl_supervisor_t *s, size_t i) {
    return i < s->count ? s->items[i] : NULL;
}

sl_managed_t *sl_supervisor_find(const sl_supervisor_t *s, const char *name) {
    return sl_map_get(&s->by_name, sluice_str(name));
}

sl_task_t *sl_supervisor_task(const sl_supervisor_t *s, uint64_t incarnation) {
    size_t i;
    size_t k;

    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->items[i]->task_count; k++)
            if (s->items[i]->tasks[k].incarnation == incarnation)
                return &s->items[i]->tasks[k];
    return NULL;
}

void sl_supervisor_changed(sl_managed_t *m) {
    const sl_supervisor_options_t *o = &m->supervisor->o;
    if (o->on_change != NULL)
        o->on_change(o->user, m);
}

const sl_starts_t *sl_supervisor_starts(const sl_supervisor_t *s) {
    return &s->starts;
}

uint64_t sl_supervisor_now(const sl_supervisor_t *s) {
    return uv_now(s->o.loop);
}

const char *sl_supervisor_trouble(const sl_supervisor_t *s) {
    return s->trouble;
}

void sl_supervisor_set_trouble(sl_supervisor_t *s, const char *message) {
    if (message != NULL)
        sl_log(SLUICE_LOG_ERROR, SCOPE,
               "positions cannot be stored, so tasks wait and nothing is acknowledged: %s",
               message);
    else
        sl_log(SLUICE_LOG_INFO, SCOPE, "positions can be stored again");
    sl_set_text(&s->trouble, message);
}

const char *sl_supervisor_cluster(const sl_supervisor_t *s) {
    return s->cluster;
}

void sl_supervisor_set_cluster(sl_supervisor_t *s, const char *id) {
    sl_set_text(&s->cluster, id);
}

int sl_supervisor_has_failed(const sl_supervisor_t *s) {
    size_t i;
    size_t k;

    for (i = 0; i < s->count; i++) {
        if (s->items[i]->failed)
            return 1;
        for (k = 0; k < s->items[i]->task_count; k++)
            if (s->items[i]->tasks[k].state == SL_TASK_FAILED)
                return 1;
    }
    return 0;
}

static int is_settled(const sl_managed_t *m) {
    size_t k;

    if (m->failed || strcmp(m->target, "RUNNING") != 0)
        return 1;
    if (m->version != m->running_version || m->task_count == 0)
        return 0;
    for (k = 0; k < m->task_count; k++)
        if ((m->tasks[k].state != SL_TASK_FAILED && m->tasks[k].state != SL_TASK_FINISHED) ||
            m->tasks[k].child != NULL)
            return 0;
    return 1;
}

int sl_supervisor_is_settled(const sl_supervisor_t *s) {
    size_t i;

    for (i = 0; i < s->count; i++)
        if (!is_settled(s->items[i]))
            return 0;
    return s->pending == 0;
}

int sl_supervisor_history(sl_supervisor_t *s, const char *name, sl_store_load_fn loaded,
                          void *user) {
    return sl_store_load_status(s->o.store, name, loaded, user);
}

void sl_supervisor_log_level(sl_supervisor_t *s, const char *scope, const char *level) {
    size_t i;
    size_t k;

    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->items[i]->task_count; k++) {
            cJSON *message = sl_channel_message("log_level");
            cJSON_AddStringToObject(message, "scope", scope);
            cJSON_AddStringToObject(message, "level", level);
            if (s->items[i]->tasks[k].child == NULL)
                cJSON_Delete(message);
            else
                sl_child_send(s->items[i]->tasks[k].child, message);
        }
}

/* ---- tick ---- */

/* We slept (stopped, suspended): the silence of the tasks is ours. */
static void forgive(sl_supervisor_t *s, uint64_t now) {
    size_t i;
    size_t k;

    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->items[i]->task_count; k++)
            s->items[i]->tasks[k].alive_at = now;
}

static void on_tick(uv_timer_t *timer) {
    sl_supervisor_t *s = timer->data;
    uint64_t now = uv_now(s->o.loop);
    size_t i;
    size_t k;

    if (now - s->ticked_at > GAP_MS)
        forgive(s, now);
    s->ticked_at = now;
    for (i = 0; i < s->count; i++) {
        sl_managed_tick(s->items[i], now);
        for (k = 0; k < s->items[i]->task_count; k++)
            sl_task_tick(&s->items[i]->tasks[k], now);
    }
    sl_log_tick();
}

/* ---- life ---- */

static uint64_t or_default(uint64_t value, uint64_t fallback) {
    return value == 0 ? fallback : value;
}

int sl_supervisor_create(const sl_supervisor_options_t *options, sl_supervisor_t **out) {
    sl_supervisor_t *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->o = *options;
    s->o.executable = strdup(options->executable);
    s->o.data_dir = strdup(options->data_dir);
    s->o.lease_ms = or_default(s->o.lease_ms, 2000);
    s->o.hang_ms = or_default(s->o.hang_ms, 30000);
    s->o.drain_ms = or_default(s->o.drain_ms, 30000);
    s->o.backoff_first_ms = or_default(s->o.backoff_first_ms, 500);
    s->o.backoff_max_ms = or_default(s->o.backoff_max_ms, 60000);
    s->o.steady_ms = or_default(s->o.steady_ms, 60000);
    s->o.crash_limit = (unsigned)or_default(s->o.crash_limit, 10);
    s->remembered = cJSON_CreateObject();
    /* Later processes have greater numbers, those of the next sluice too. */
    s->next_incarnation = (uint64_t)sl_wall_ms();
    uv_timer_init(s->o.loop, &s->tick);
    s->tick.data = s;
    *out = s;
    return SLUICE_OK;
}

/* The type as one of the constants that the object holds. */
static const char *type_constant(const char *type) {
    static const char *const known[] = { "source", "sink", "pipeline" };
    size_t i;

    for (i = 0; type != NULL && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(type, known[i]) == 0)
            return known[i];
    return "unknown";
}

static void load_one(void *user, const sl_store_config_t *c) {
    sl_supervisor_t *s = user;
    sl_managed_t *m;

    if (strncmp(c->kind, "file:", 5) == 0) {
        cJSON_AddStringToObject(s->remembered, c->name, c->target);
        return;
    }
    m = sl_managed_create(s, c->name);
    if (m == NULL)
        return;
    sl_set_text(&m->kind, c->kind);
    sl_set_text(&m->origin, "rest");
    m->type = type_constant(c->type);
    sl_managed_set_config(m, cJSON_Parse(c->text),
                          c->secrets == NULL ? NULL : cJSON_Parse(c->secrets));
    m->version = s->next_incarnation++;
    strncpy(m->target, c->target, sizeof m->target - 1);
    m->topics = c->topics == NULL ? NULL : cJSON_Parse(c->topics);
    sl_managed_remember(m, c->tasks);
}

int sl_supervisor_load(sl_supervisor_t *s) {
    return sl_store_each_config(s->o.store, load_one, s);
}

void sl_supervisor_begin(sl_supervisor_t *s) {
    size_t i;

    s->begun = 1;
    s->ticked_at = uv_now(s->o.loop);
    uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
    for (i = 0; i < s->count; i++) {
        sl_managed_t *m = s->items[i];
        sl_publish_begin(m);
        if (strcmp(m->target, "RUNNING") != 0 && strcmp(m->type, "unknown") == 0)
            sl_managed_look(m);
        sl_managed_reconcile(m);
    }
}

static void on_tick_closed(uv_handle_t *handle) {
    sl_supervisor_t *s = handle->data;

    while (s->count > 0)
        sl_managed_remove(s->items[s->count - 1]);
    free(s->items);
    sl_map_fini(&s->by_name);
    sl_map_fini(&s->creating);
    cJSON_Delete(s->remembered);
    free((char *)(uintptr_t)s->o.executable);
    free((char *)(uintptr_t)s->o.data_dir);
    free(s->trouble);
    free(s->cluster);
    if (s->closed != NULL)
        s->closed(s->closed_user);
    free(s);
}

void sl_supervisor_settle(sl_supervisor_t *s) {
    size_t i;
    size_t k;

    if (!s->closing || uv_is_closing((uv_handle_t *)&s->tick))
        return;
    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->items[i]->task_count; k++)
            if (s->items[i]->tasks[k].child != NULL)
                return;
    /* Nobody is left who could use a position that is stored when the disk has room again. */
    if (s->pending > 0)
        sl_store_hurry(s->o.store);
    else
        uv_close((uv_handle_t *)&s->tick, on_tick_closed);
}

void sl_supervisor_close(sl_supervisor_t *s, void (*closed)(void *user), void *user) {
    size_t i;

    s->closing = 1;
    s->closed = closed;
    s->closed_user = user;
    for (i = s->count; i-- > 0;) {
        sl_publish_end(s->items[i]);
        sl_managed_reconcile(s->items[i]);
    }
    sl_supervisor_settle(s);
}

void sl_supervisor_kill(sl_supervisor_t *s) {
    size_t i;
    size_t k;

    for (i = 0; i < s->count; i++)
        for (k = 0; k < s->items[i]->task_count; k++)
            if (s->items[i]->tasks[k].child != NULL)
                sl_child_kill(s->items[i]->tasks[k].child, SIGKILL, 0, "sluice ends at once");
}
