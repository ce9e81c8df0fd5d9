/* Connect's rules for the entries of its internal topics (KafkaConfigBackingStore,
 * KafkaOffsetBackingStore and KafkaStatusBackingStore of Connect 4.0). */
#include "store/mirror_read.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "observe/log.h"
#include "sluice/error.h"

#define SCOPE "store"

static const char *behind(const char *key, const char *prefix) {
    size_t len = strlen(prefix);
    return strncmp(key, prefix, len) == 0 ? key + len : NULL;
}

/* "<name>-<number>": the number behind the last dash; -1: there is none. */
static int split_task(const char *text, sluice_str_t *name) {
    const char *dash = strrchr(text, '-');
    char *end = NULL;
    long number = dash == NULL ? -1 : strtol(dash + 1, &end, 10);

    if (dash == NULL || dash == text || end == dash + 1 || *end != '\0' || number < 0 ||
        number > 1000000)
        return -1;
    *name = sluice_str_n(text, (size_t)(dash - text));
    return (int)number;
}

static void set_text(char **member, char *text) {
    free(*member);
    *member = text;
}

static void empty(cJSON *container) {
    while (container->child != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(container, container->child));
}

/* ---- configurations ---- */

static int read_connector(sl_mirror_t *m, const char *name, const cJSON *value) {
    sl_mirror_connector_t *c = sl_mirror_make(m, sluice_str(name));
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(value, "properties");
    const char *own;

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    if (cJSON_IsNull(value)) {
        set_text(&c->config, NULL);
        set_text(&c->own_log, NULL);
        empty(c->tasks);
        empty(c->buffered);
    } else if (cJSON_IsObject(properties)) {
        own = sl_text(properties, "offsets.storage.topic");
        set_text(&c->config, cJSON_PrintUnformatted(properties));
        set_text(&c->own_log, own == NULL || *own == '\0' ? NULL : strdup(own));
    }
    return SLUICE_OK;
}

static int read_target(sl_mirror_t *m, const char *name, const cJSON *value) {
    sl_mirror_connector_t *c = sl_mirror_make(m, sluice_str(name));
    const char *state = sl_text(value, "state.v2");

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    if (state == NULL)
        state = sl_text(value, "state");
    if (cJSON_IsNull(value))
        c->target[0] = '\0';
    else if (state != NULL && (strcmp(state, "STARTED") == 0 || strcmp(state, "PAUSED") == 0 ||
                               strcmp(state, "STOPPED") == 0))
        strcpy(c->target, state);
    return SLUICE_OK;
}

static int read_task(sl_mirror_t *m, const char *text, const sl_log_entry_t *entry,
                     const cJSON *value) {
    sluice_str_t name;
    int number = split_task(text, &name);
    sl_mirror_connector_t *c = number < 0 ? NULL : sl_mirror_make(m, name);
    const char *digits = strrchr(text, '-');

    if (c == NULL)
        return number < 0 ? SLUICE_OK : SLUICE_NO_MEMORY;
    cJSON_DeleteItemFromObjectCaseSensitive(c->buffered, digits + 1);
    if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(value, "properties")))
        cJSON_AddStringToObject(c->buffered, digits + 1, entry->value);
    return SLUICE_OK;
}

/* The buffered tasks 0 .. count - 1 become those of the connector, if all are there. */
static void commit_tasks(sl_mirror_connector_t *c, int count) {
    char digits[16];
    int i;

    empty(c->tasks);
    for (i = 0; i < count; i++) {
        snprintf(digits, sizeof digits, "%d", i);
        if (!cJSON_HasObjectItem(c->buffered, digits))
            break;
        cJSON_AddItemToArray(c->tasks,
                             cJSON_DetachItemFromObjectCaseSensitive(c->buffered, digits));
    }
    if (i == count)
        return;
    empty(c->tasks);
    sl_log(SLUICE_LOG_WARN, SCOPE,
           "the configurations of %d tasks of connector %s were committed, but that of task %d is "
           "missing: it has no tasks until they are made anew",
           count, c->name, i);
}

static int read_commit(sl_mirror_t *m, const char *name, const cJSON *value) {
    sl_mirror_connector_t *c = sl_mirror_make(m, sluice_str(name));
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(value, "tasks");

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    if (c->config != NULL && cJSON_IsNumber(count))
        commit_tasks(c, count->valueint);
    empty(c->buffered);
    return SLUICE_OK;
}

static int read_config(sl_mirror_t *m, const sl_log_entry_t *entry, const cJSON *value) {
    const char *rest;

    if ((rest = behind(entry->key, "target-state-")) != NULL)
        return read_target(m, rest, value);
    if ((rest = behind(entry->key, "connector-")) != NULL)
        return read_connector(m, rest, value);
    if ((rest = behind(entry->key, "task-")) != NULL)
        return read_task(m, rest, entry, value);
    if ((rest = behind(entry->key, "commit-")) != NULL)
        return read_commit(m, rest, value);
    /* restart-connector-, tasks-fencing-, session-key and logger-cluster- are of their moment, or
     * between workers. */
    return SLUICE_OK;
}

/* ---- offsets ---- */

/* The second element of ["name",{...}] as it is written. */
static sluice_str_t second_text(const char *key) {
    const char *p = strchr(key, '"') + 1;
    const char *end = strrchr(key, ']');

    for (; *p != '"'; p++)
        if (*p == '\\')
            p++;
    p = strchr(p, ',') + 1;
    p += strspn(p, " \t\r\n");
    while (end > p && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    return sluice_str_n(p, (size_t)(end - p));
}

static int read_offset(sl_mirror_t *m, const sl_log_entry_t *entry, const cJSON *value) {
    cJSON *key = cJSON_Parse(entry->key);
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(key, 0));
    sl_log_entry_t taken = *entry;
    sl_mirror_connector_t *c;
    int status = SLUICE_OK;

    if (cJSON_IsNull(value))
        taken.value = NULL;

    if (cJSON_IsArray(key) && cJSON_GetArraySize(key) == 2 && name != NULL &&
        cJSON_IsObject(cJSON_GetArrayItem(key, 1)) &&
        (cJSON_IsNull(value) || cJSON_IsObject(value))) {
        c = sl_mirror_make(m, sluice_str(name));
        status = c == NULL ? SLUICE_NO_MEMORY
                           : sl_mirror_set_offset(c, &taken, second_text(entry->key));
    }
    cJSON_Delete(key);
    return status;
}

sl_mirror_offset_t *sl_mirror_key_offset(const sl_mirror_t *m, const char *text) {
    cJSON *key = cJSON_Parse(text);
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(key, 0));
    const sl_mirror_connector_t *c =
        name != NULL && cJSON_GetArraySize(key) == 2 ? sl_mirror_find(m, name) : NULL;

    cJSON_Delete(key);
    return c == NULL ? NULL : sl_map_get(&c->offsets, second_text(text));
}

/* ---- states ---- */

static int take_state(sl_mirror_t *m, sluice_str_t name, int task, const cJSON *value,
                      int is_ours) {
    sl_mirror_connector_t *c = sl_mirror_make(m, name);
    const char *state = sl_text(value, "state");
    double generation = sl_number(value, "generation");

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    if (generation > m->generation) /* Java has an int for it */
        m->generation = generation < INT32_MAX ? (int32_t)generation : INT32_MAX;
    if (state != NULL)
        return sl_mirror_set_state(c, task, state, sl_text(value, "trace"), is_ours);
    if (cJSON_IsNull(value))
        sl_mirror_drop_state(c, task);
    return SLUICE_OK;
}

static int place_of(const cJSON *texts, sluice_str_t text) {
    const cJSON *item;
    int i = 0;

    cJSON_ArrayForEach (item, texts) {
        if (strlen(item->valuestring) == text.len &&
            memcmp(item->valuestring, text.data, text.len) == 0)
            return i;
        i++;
    }
    return -1;
}

/* "<topic>:connector-<name>" */
static int take_topic(sl_mirror_t *m, const char *text, const cJSON *value) {
    static const char between[] = ":connector-";
    const char *at = strstr(text, between);
    sl_mirror_connector_t *c;
    sluice_str_t topic;
    char *copy;
    int place;

    if (at == NULL)
        return SLUICE_OK;
    topic = sluice_str_n(text, (size_t)(at - text));
    c = sl_mirror_make(m, sluice_str(at + sizeof between - 1));
    if (c == NULL)
        return SLUICE_NO_MEMORY;
    place = place_of(c->topics, topic);
    if (cJSON_IsNull(value) && place >= 0)
        cJSON_DeleteItemFromArray(c->topics, place);
    if (cJSON_IsNull(value) || place >= 0)
        return SLUICE_OK;
    copy = strndup(topic.data, topic.len);
    cJSON_AddItemToArray(c->topics, cJSON_CreateString(copy == NULL ? "" : copy));
    free(copy);
    return SLUICE_OK;
}

static int read_state(sl_mirror_t *m, const sl_log_entry_t *entry, const cJSON *value,
                      int is_ours) {
    const char *rest;
    sluice_str_t name;
    int task;

    if ((rest = behind(entry->key, "status-connector-")) != NULL)
        return take_state(m, sluice_str(rest), -1, value, is_ours);
    if ((rest = behind(entry->key, "status-task-")) != NULL)
        return (task = split_task(rest, &name)) < 0 ? SLUICE_OK
                                                    : take_state(m, name, task, value, is_ours);
    if ((rest = behind(entry->key, "status-topic-")) != NULL)
        return take_topic(m, rest, value);
    return SLUICE_OK;
}

/* ---- all ---- */

int sl_mirror_apply(sl_mirror_t *m, const sl_log_entry_t *entry, int is_ours) {
    cJSON *value = entry->value == NULL ? cJSON_CreateNull() : cJSON_Parse(entry->value);
    int status = SLUICE_OK;

    if (value == NULL) {
        sl_log(SLUICE_LOG_WARN, SCOPE, "an entry is not JSON and is passed over: %.200s",
               entry->key);
        return SLUICE_OK;
    }
    if (entry->log == SL_LOG_CONFIGS)
        status = read_config(m, entry, value);
    else if (entry->log == SL_LOG_OFFSETS)
        status = read_offset(m, entry, value);
    else
        status = read_state(m, entry, value, is_ours);
    cJSON_Delete(value);
    return status;
}
