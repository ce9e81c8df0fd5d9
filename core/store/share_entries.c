/* What Connect writes for each change: which entries, in which order. */
#include "store/share_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/member.h"
#include "sluice/error.h"
#include "store/connect_text.h"

static int is_off(const sl_share_t *s) {
    return s == NULL || s->only_offsets;
}

static int put_target(sl_share_t *s, request_t *r, const char *name, const char *target) {
    return sl_share_put(s, r, SL_LOG_CONFIGS, sl_connect_key("target-state-", name),
                        sl_connect_target(target));
}

static int put_commit(sl_share_t *s, request_t *r, const char *name, int tasks) {
    sl_share_next_generation(s); /* tasks are handed out anew */
    return sl_share_put(s, r, SL_LOG_CONFIGS, sl_connect_key("commit-", name),
                        sl_connect_commit(tasks));
}

/* A target state that a new connector was given comes first, so that nobody starts it. */
int sl_share_config(sl_share_t *s, request_t *r, const sl_store_config_t *config) {
    cJSON *properties;
    int status = SLUICE_OK;

    if (is_off(s) || strcmp(config->kind, "connector") != 0)
        return SLUICE_OK;
    properties = cJSON_Parse(config->text);
    if (properties == NULL)
        return SLUICE_NO_MEMORY;
    sl_share_next_generation(s);
    if (config->target != NULL && config->is_target_said)
        status = put_target(s, r, config->name, config->target);
    if (status == SLUICE_OK)
        status = sl_share_put(s, r, SL_LOG_CONFIGS, sl_connect_key("connector-", config->name),
                              sl_connect_properties(properties));
    cJSON_Delete(properties);
    return status;
}

static sl_mirror_connector_t *connector(const sl_share_t *s, const char *name) {
    sl_mirror_connector_t *c = is_off(s) ? NULL : sl_mirror_find(s->mirror, name);
    return c != NULL && c->config != NULL ? c : NULL;
}

int sl_share_target(sl_share_t *s, request_t *r, const char *name, const char *target) {
    int status = SLUICE_OK;

    if (connector(s, name) == NULL)
        return SLUICE_OK;
    if (strcmp(target, "STOPPED") == 0)
        status = put_commit(s, r, name, 0);
    return status == SLUICE_OK ? put_target(s, r, name, target) : status;
}

int sl_share_delete(sl_share_t *s, request_t *r, const char *name) {
    int status;

    if (connector(s, name) == NULL)
        return SLUICE_OK;
    sl_share_next_generation(s);
    status = sl_share_bury(s, r, SL_LOG_CONFIGS, sl_connect_key("connector-", name));
    if (status == SLUICE_OK)
        status = sl_share_bury(s, r, SL_LOG_CONFIGS, sl_connect_key("target-state-", name));
    return status;
}

/* ---- tasks ---- */

static int same_tasks(const sl_mirror_connector_t *c, const cJSON *values) {
    return cJSON_Compare(c->tasks, values, 1);
}

static cJSON *values_of(const cJSON *configs) {
    cJSON *values = cJSON_CreateArray();
    const cJSON *config;

    cJSON_ArrayForEach (config, configs) {
        char *text = sl_connect_properties(config);
        cJSON_AddItemToArray(values, cJSON_CreateString(text == NULL ? "" : text));
        free(text);
    }
    return values;
}

/* Only when they are others than those that count. */
int sl_share_tasks(sl_share_t *s, request_t *r, const char *name, const cJSON *configs) {
    sl_mirror_connector_t *c = connector(s, name);
    cJSON *values, *value;
    int i = 0, status = SLUICE_OK;

    if (c == NULL)
        return SLUICE_OK;
    values = values_of(configs);
    if (!same_tasks(c, values)) {
        cJSON_ArrayForEach (value, values)
            if (status == SLUICE_OK)
                status = sl_share_put(s, r, SL_LOG_CONFIGS, sl_connect_task_key("task-", name, i++),
                                      strdup(value->valuestring));
        if (status == SLUICE_OK)
            status = put_commit(s, r, name, i);
    }
    cJSON_Delete(values);
    return status;
}

/* ---- offsets ---- */

static int same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const sl_log_place_t nowhere = {NULL, NULL, 0};

static sl_log_place_t place_of(const cJSON *entry) {
    const char *position = sl_text(entry, "position");

    if (position == NULL || *position == '\0')
        return nowhere;
    return (sl_log_place_t){position, sl_text(entry, "partition"),
                            (uint32_t)sl_number(entry, "sub")};
}

/* The log that a connector has for its offsets, before the worker's; NULL: none. */
static const char *own_log(const sl_share_t *s, const sl_mirror_connector_t *c) {
    return s->offset_log != NULL && c != NULL && c->own_log != NULL &&
                   strcmp(c->own_log, s->offset_log) != 0
               ? c->own_log
               : NULL;
}

static sl_mirror_offset_t *find_offset(const sl_mirror_connector_t *c, const char *partition) {
    return c == NULL ? NULL : sl_mirror_find_offset(c, partition);
}

/* The key keeps the bytes that it was first written with: to Connect others are another key. */
static char *offset_key(const sl_mirror_offset_t *o, const char *name, const char *partition) {
    return o != NULL ? strdup(o->key) : sl_connect_offset_key(name, partition);
}

/* A task has written it: it is in the log, under the key that tasks write. */
static int learn(sl_share_t *s, const char *name, const cJSON *entry) {
    const char *offset = sl_text(entry, "offset");
    char *key = sl_connect_offset_key(name, sl_text(entry, "partition"));
    sl_log_entry_t e = {SL_LOG_OFFSETS, key, offset == NULL ? "{}" : offset, place_of(entry), NULL};
    int status = key == NULL ? SLUICE_NO_MEMORY : sl_mirror_apply(s->mirror, &e, 1);

    free(key);
    return status;
}

/* Into the connector's own log, which counts more, and into the worker's. */
static int put_both(sl_share_t *s, request_t *r, const sl_mirror_connector_t *c, const char *name,
                    const cJSON *entry) {
    const char *partition = sl_text(entry, "partition"), *offset = sl_text(entry, "offset");
    const sl_mirror_offset_t *o = find_offset(c, partition);
    const char *own = own_log(s, c);
    int status = SLUICE_OK;

    if (own != NULL)
        status = sl_share_put_offset(s, r, offset_key(o, name, partition), offset, &nowhere, own);
    return status == SLUICE_OK ? sl_share_put_offset(s, r, offset_key(o, name, partition), offset,
                                                     &nowhere, NULL)
                               : status;
}

/* The worker's log follows what tasks wrote into their own. */
static int follow(sl_share_t *s, request_t *r, const sl_mirror_connector_t *c, const char *name,
                  const cJSON *entry) {
    const char *partition = sl_text(entry, "partition");
    const sl_mirror_offset_t *o = find_offset(c, partition);
    sl_log_place_t place = place_of(entry);

    if (o != NULL && !o->unsure && same_text(o->value, sl_text(entry, "offset")) &&
        same_text(o->position, place.position) && o->sub == place.sub)
        return SLUICE_OK;
    return sl_share_put_offset(s, r, offset_key(o, name, partition), sl_text(entry, "offset"),
                               &place, NULL);
}

static int commit(sl_share_t *s, request_t *r, const char *name, const cJSON *entry) {
    const sl_mirror_connector_t *c = sl_mirror_find(s->mirror, name);
    const char *offset = sl_text(entry, "offset");
    const sl_mirror_offset_t *o = find_offset(c, sl_text(entry, "partition"));

    if (s->tasks_write && own_log(s, c) == NULL)
        return learn(s, name, entry);
    if (offset == NULL)
        return SLUICE_OK;
    if (s->tasks_write)
        return follow(s, r, c, name, entry);
    return o != NULL && !o->unsure && same_text(o->value, offset)
               ? SLUICE_OK
               : put_both(s, r, c, name, entry);
}

/* What a user altered has no position. Where tasks write, what the log holds by now need not be
 * what we know: it is written in any case. */
static int alter(sl_share_t *s, request_t *r, const char *name, const cJSON *entry) {
    const sl_mirror_connector_t *c = sl_mirror_find(s->mirror, name);
    const char *offset = sl_text(entry, "offset");

    if (!s->tasks_write)
        return commit(s, r, name, entry);
    if (offset == NULL || place_of(entry).position != NULL)
        return SLUICE_OK; /* as it was */
    return put_both(s, r, c, name, entry);
}

static int is_in(const sl_mirror_connector_t *c, const sl_mirror_offset_t *o,
                 const cJSON *entries) {
    const cJSON *entry;

    cJSON_ArrayForEach (entry, entries)
        if (sl_mirror_find_offset(c, sl_text(entry, "partition")) == o)
            return 1;
    return 0;
}

static int forget_others(sl_share_t *s, request_t *r, const char *name, const cJSON *entries) {
    const sl_mirror_connector_t *c = sl_mirror_find(s->mirror, name);
    const char *own = own_log(s, c);
    int status = SLUICE_OK;
    size_t i;

    for (i = 0; c != NULL && status == SLUICE_OK && i < c->offsets.count; i++) {
        const sl_mirror_offset_t *o = c->offsets.entries[i].value;
        if ((o->value == NULL && !o->unsure) || is_in(c, o, entries))
            continue;
        status = sl_share_put_offset(s, r, strdup(o->key), NULL, &nowhere, NULL);
        if (status == SLUICE_OK && own != NULL)
            status = sl_share_put_offset(s, r, strdup(o->key), NULL, &nowhere, own);
    }
    return status;
}

int sl_share_offsets(sl_share_t *s, request_t *r, const char *name, const cJSON *entries, int all) {
    const cJSON *entry;
    int status = SLUICE_OK;

    if (s == NULL)
        return SLUICE_OK;
    if (all)
        status = forget_others(s, r, name, entries);
    cJSON_ArrayForEach (entry, entries)
        if (status == SLUICE_OK)
            status = all ? alter(s, r, name, entry) : commit(s, r, name, entry);
    return status;
}

/* ---- topics ---- */

static int has_text(const cJSON *texts, const char *text) {
    const cJSON *item;

    cJSON_ArrayForEach (item, texts)
        if (strcmp(item->valuestring, text) == 0)
            return 1;
    return 0;
}

static int bury_topics(sl_share_t *s, request_t *r, sl_mirror_connector_t *c, const cJSON *topics) {
    cJSON *known = cJSON_Duplicate(c->topics, 1);
    const cJSON *topic;
    int status = SLUICE_OK;

    cJSON_ArrayForEach (topic, known)
        if (status == SLUICE_OK && !has_text(topics, topic->valuestring))
            status = sl_share_bury(s, r, SL_LOG_STATES,
                                   sl_connect_topic_key(topic->valuestring, c->name));
    cJSON_Delete(known);
    return status;
}

int sl_share_topics(sl_share_t *s, request_t *r, const char *name, const cJSON *topics, int task) {
    sl_mirror_connector_t *c = is_off(s) ? NULL : sl_mirror_find(s->mirror, name);
    const cJSON *topic;
    int status;

    if (c == NULL)
        return SLUICE_OK;
    status = bury_topics(s, r, c, topics);
    cJSON_ArrayForEach (topic, topics)
        if (status == SLUICE_OK && !has_text(c->topics, topic->valuestring))
            status =
                sl_share_put(s, r, SL_LOG_STATES, sl_connect_topic_key(topic->valuestring, name),
                             sl_connect_topic(topic->valuestring, name, task, sl_wall_ms()));
    return status;
}

/* ---- states ---- */

static void write_now(sl_share_t *s, int log, char *key, char *value, int has_value) {
    sl_log_entry_t entry = {.log = log, .key = key, .value = value};

    if (key != NULL && (value != NULL || !has_value)) {
        sl_mirror_apply(s->mirror, &entry, 1);
        s->log->write(s->log, &entry, NULL, NULL);
    }
    free(key);
    free(value);
}

static char *state_key(const char *name, int task) {
    return task < 0 ? sl_connect_key("status-connector-", name)
                    : sl_connect_task_key("status-task-", name, task);
}

/* Nothing is written twice. Of what we did not begin we need not say that it ended. */
void sl_share_state(sl_share_t *s, const char *name, int task, const char *state,
                    const char *trace) {
    sl_mirror_connector_t *c = is_off(s) ? NULL : sl_mirror_find(s->mirror, name);
    const sl_mirror_state_t *was = c == NULL ? NULL : sl_mirror_find_state(c, task);

    if (c == NULL || (state == NULL && was == NULL))
        return;
    if (state != NULL && strcmp(state, "UNASSIGNED") == 0 && (was == NULL || !was->is_ours))
        return;
    if (state != NULL && was != NULL && was->is_ours && strcmp(was->state, state) == 0 &&
        same_text(was->trace, trace))
        return;
    write_now(s, SL_LOG_STATES, state_key(name, task),
              state == NULL ? NULL : sl_connect_state(state, trace, s->worker, s->generation),
              state != NULL);
}

void sl_share_drop_states(sl_share_t *s, const char *name, int from) {
    sl_mirror_connector_t *c = is_off(s) ? NULL : sl_mirror_find(s->mirror, name);
    size_t i = c == NULL ? 0 : c->states.count;

    while (i-- > 0) { /* what is taken out is replaced by the last one */
        const char *text = c->states.entries[i].key.data;
        int task = text[0] == '\0' ? -1 : atoi(text);
        if (task >= from)
            sl_share_state(s, name, task, NULL, NULL);
    }
}

void sl_share_note(sl_share_t *s, const char *key, const char *value) {
    if (!is_off(s))
        write_now(s, SL_LOG_CONFIGS, strdup(key), strdup(value), 1);
}
