#include "store/mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_same.h"
#include "sluice/error.h"
#include "store/mirror_read.h"

static void offset_destroy(sl_mirror_offset_t *o) {
    free(o->key);
    free(o->partition);
    free(o->value);
    free(o->position);
    free(o->place_partition);
    free(o);
}

static void state_destroy(sl_mirror_state_t *s) {
    free(s->state);
    free(s->trace);
    free(s);
}

static void connector_destroy(sl_mirror_connector_t *c) {
    size_t i;

    for (i = 0; i < c->offsets.count; i++)
        offset_destroy(c->offsets.entries[i].value);
    for (i = 0; i < c->states.count; i++)
        state_destroy(c->states.entries[i].value);
    sl_map_fini(&c->offsets);
    sl_map_fini(&c->states);
    cJSON_Delete(c->tasks);
    cJSON_Delete(c->buffered);
    cJSON_Delete(c->topics);
    free(c->config);
    free(c->own_log);
    free(c->name);
    free(c);
}

sl_mirror_t *sl_mirror_create(void) {
    return calloc(1, sizeof(sl_mirror_t));
}

void sl_mirror_destroy(sl_mirror_t *m) {
    size_t i;

    if (m == NULL)
        return;
    for (i = 0; i < m->connectors.count; i++)
        connector_destroy(m->connectors.entries[i].value);
    sl_map_fini(&m->connectors);
    free(m);
}

sl_mirror_connector_t *sl_mirror_find(const sl_mirror_t *m, const char *name) {
    return sl_map_get(&m->connectors, sluice_str(name));
}

sl_mirror_connector_t *sl_mirror_make(sl_mirror_t *m, sluice_str_t name) {
    sl_mirror_connector_t *c = sl_map_get(&m->connectors, name);

    if (c != NULL)
        return c;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->name = strndup(name.data, name.len);
    c->tasks = cJSON_CreateArray();
    c->buffered = cJSON_CreateObject();
    c->topics = cJSON_CreateArray();
    if (c->name != NULL && c->tasks != NULL && c->buffered != NULL && c->topics != NULL &&
        sl_map_put(&m->connectors, name, c) == SLUICE_OK)
        return c;
    connector_destroy(c);
    return NULL;
}

/* ---- offsets ---- */

static sl_mirror_offset_t *find_as_value(const sl_mirror_connector_t *c, const char *partition) {
    size_t i;

    for (i = 0; i < c->offsets.count; i++) {
        sl_mirror_offset_t *o = c->offsets.entries[i].value;
        if (sl_json_same(o->partition, partition))
            return o;
    }
    return NULL;
}

sl_mirror_offset_t *sl_mirror_find_offset(const sl_mirror_connector_t *c, const char *partition) {
    sl_mirror_offset_t *o = sl_map_get(&c->offsets, sluice_str(partition));
    return o != NULL ? o : find_as_value(c, partition);
}

static int set_text(char **member, const char *text) {
    char *copy = text == NULL ? NULL : strdup(text);

    if (text != NULL && copy == NULL)
        return SLUICE_NO_MEMORY;
    free(*member);
    *member = copy;
    return SLUICE_OK;
}

static int set_entry(sl_mirror_offset_t *o, const sl_log_entry_t *entry) {
    o->unsure = 0;
    o->sub = entry->place.sub;
    if (set_text(&o->value, entry->value) != SLUICE_OK ||
        set_text(&o->position, entry->place.position) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    return set_text(&o->place_partition, entry->place.partition);
}

int sl_mirror_set_offset(sl_mirror_connector_t *c, const sl_log_entry_t *entry,
                         sluice_str_t partition) {
    sl_mirror_offset_t *o = sl_map_get(&c->offsets, partition);

    if (o == NULL && (o = calloc(1, sizeof *o)) != NULL) {
        o->key = strdup(entry->key);
        o->partition = strndup(partition.data, partition.len);
        if (o->key == NULL || o->partition == NULL ||
            sl_map_put(&c->offsets, partition, o) != SLUICE_OK) {
            offset_destroy(o);
            o = NULL;
        }
    }
    return o == NULL ? SLUICE_NO_MEMORY : set_entry(o, entry);
}

/* ---- states ---- */

static sluice_str_t state_key(char buffer[16], int task) {
    buffer[0] = '\0';
    if (task >= 0)
        snprintf(buffer, 16, "%d", task);
    return sluice_str(buffer);
}

sl_mirror_state_t *sl_mirror_find_state(const sl_mirror_connector_t *c, int task) {
    char key[16];
    return sl_map_get(&c->states, state_key(key, task));
}

void sl_mirror_drop_state(sl_mirror_connector_t *c, int task) {
    char key[16];
    sl_mirror_state_t *s = sl_map_remove(&c->states, state_key(key, task));

    if (s != NULL)
        state_destroy(s);
}

int sl_mirror_set_state(sl_mirror_connector_t *c, int task, const char *state, const char *trace,
                        int is_ours) {
    char key[16];
    sl_mirror_state_t *s = calloc(1, sizeof *s);

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->state = strdup(state);
    s->trace = trace == NULL ? NULL : strdup(trace);
    s->is_ours = is_ours;
    sl_mirror_drop_state(c, task);
    if (s->state != NULL && (trace == NULL || s->trace != NULL) &&
        sl_map_put(&c->states, state_key(key, task), s) == SLUICE_OK)
        return SLUICE_OK;
    state_destroy(s);
    return SLUICE_NO_MEMORY;
}

/* ---- targets ---- */

const char *sl_mirror_target(const sl_mirror_connector_t *c) {
    if (strcmp(c->target, "PAUSED") == 0 || strcmp(c->target, "STOPPED") == 0)
        return c->target;
    return "RUNNING";
}
