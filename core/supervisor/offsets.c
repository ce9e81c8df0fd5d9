#include "supervisor/supervisor_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "supervisor/sink_offsets.h"

#define BRANCH "@topics" /* of a source connector: Connect's shape has one */

/* One request under way. */
typedef struct work {
    sl_supervisor_t *supervisor;
    char *name;
    sl_offsets_do_t what;
    cJSON *offsets; /* asked for */
    cJSON *config;
    cJSON *entries; /* stored */
    int is_sink;
    int by_plugin;
    sl_offsets_fn done;
    void *user;
} work_t;

static void work_destroy(work_t *w) {
    free(w->name);
    cJSON_Delete(w->offsets);
    cJSON_Delete(w->config);
    cJSON_Delete(w->entries);
    free(w);
}

static void finish(work_t *w, int status, const char *message, const cJSON *offsets) {
    sl_supervisor_t *s = w->supervisor;
    sl_offsets_result_t result = { status, message, 0, w->by_plugin, offsets };

    s->pending--;
    w->done(w->user, &result);
    work_destroy(w);
    sl_supervisor_settle(s);
}

static const char *text_of(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* ---- what users see ---- */

/* Partitions are compared as values: the order of their members does not matter. */
static cJSON *find_partition(const cJSON *list, const cJSON *partition) {
    cJSON *item;

    cJSON_ArrayForEach(item, list)
        if (cJSON_Compare(cJSON_GetObjectItemCaseSensitive(item, "partition"), partition, 1))
            return item;
    return NULL;
}

static cJSON *visible(const cJSON *entries, int is_sink) {
    cJSON *list = cJSON_CreateArray();
    const cJSON *entry;

    cJSON_ArrayForEach(entry, entries) {
        const char *text = text_of(entry, "offset");
        cJSON *partition = cJSON_Parse(text_of(entry, "partition"));
        cJSON *offset = text == NULL ? NULL : cJSON_Parse(text);
        cJSON *one = NULL;
        if (partition != NULL && offset != NULL && find_partition(list, partition) == NULL) {
            one = cJSON_CreateObject();
            cJSON_AddItemToObject(one, "partition", partition);
            cJSON_AddItemToObject(one, "offset", offset);
            if (is_sink)
                sl_sink_offset_show(one);
            cJSON_AddItemToArray(list, one);
        } else {
            cJSON_Delete(partition);
            cJSON_Delete(offset);
        }
    }
    return list;
}

/* ---- changes ---- */

static void on_written(void *user, int status, const char *error) {
    finish(user, status, error, NULL);
}

/* The stored entry of a partition, or a new one; its partition keeps the text that it had. */
static cJSON *entry_of(cJSON *entries, const cJSON *partition) {
    cJSON *entry;
    char *text;

    cJSON_ArrayForEach(entry, entries) {
        cJSON *own = cJSON_Parse(text_of(entry, "partition"));
        int same = cJSON_Compare(own, partition, 1);
        cJSON_Delete(own);
        if (same)
            return entry;
    }
    text = cJSON_PrintUnformatted(partition);
    entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "branch", BRANCH);
    cJSON_AddStringToObject(entry, "partition", text == NULL ? "{}" : text);
    cJSON_AddStringToObject(entry, "position", "");
    cJSON_AddItemToArray(entries, entry);
    free(text);
    return entry;
}

static void set_member(cJSON *entry, const char *key, const char *text) {
    cJSON_DeleteItemFromObjectCaseSensitive(entry, key);
    cJSON_AddItemToObject(entry, key, text == NULL ? cJSON_CreateNull() : cJSON_CreateString(text));
}

/* The offset is all that is known of the place: a source begins from it (no position). */
static void set_offset(cJSON *entry, const cJSON *offset) {
    char *text = cJSON_PrintUnformatted(offset);

    set_member(entry, "position", "");
    set_member(entry, "offset", text);
    set_member(entry, "cookie", NULL);
    cJSON_DeleteItemFromObjectCaseSensitive(entry, "sub");
    free(text);
}

static void merge(work_t *w) {
    const cJSON *one;

    cJSON_ArrayForEach(one, w->offsets) {
        const cJSON *partition = cJSON_GetObjectItemCaseSensitive(one, "partition");
        const cJSON *offset = cJSON_GetObjectItemCaseSensitive(one, "offset");
        cJSON *entry;
        if (!cJSON_IsObject(partition))
            continue;
        entry = entry_of(w->entries, partition);
        if (cJSON_IsObject(offset))
            set_offset(entry, offset);
        else
            cJSON_Delete(cJSON_DetachItemViaPointer(w->entries, entry));
    }
}

/* All of it anew, in one transaction: the store takes what is queued together. */
static void write_all(work_t *w) {
    sl_store_t *store = w->supervisor->o.store;
    cJSON *entries = w->entries;
    int status;

    w->entries = NULL;
    if (cJSON_GetArraySize(entries) == 0) {
        cJSON_Delete(entries);
        status = sl_store_delete_positions(store, w->name, on_written, w);
    } else {
        sl_store_delete_positions(store, w->name, NULL, NULL);
        status = sl_store_put_positions(store, w->name, entries, on_written, w);
    }
    if (status != SLUICE_OK)
        finish(w, status, "the offsets cannot be stored", NULL);
}

static void on_allowed(void *user, int complete, const char *error) {
    work_t *w = user;

    w->by_plugin = complete;
    if (error != NULL) {
        finish(w, SLUICE_INVALID, error, NULL);
        return;
    }
    if (w->what == SL_OFFSETS_ALTER)
        merge(w);
    else
        while (w->entries->child != NULL)
            cJSON_DeleteItemFromArray(w->entries, 0);
    write_all(w);
}

/* A reset asks for null in every partition that there is. */
static cJSON *all_null(const cJSON *entries) {
    cJSON *list = cJSON_CreateArray();
    const cJSON *entry;

    cJSON_ArrayForEach(entry, entries) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToObject(one, "partition", cJSON_Parse(text_of(entry, "partition")));
        cJSON_AddNullToObject(one, "offset");
        cJSON_AddItemToArray(list, one);
    }
    return list;
}

static void ask_plugin(work_t *w) {
    sl_resolver_t *resolver = w->supervisor->o.resolver;
    char *text;
    int status = SLUICE_NO_MEMORY;

    if (w->offsets == NULL)
        w->offsets = all_null(w->entries);
    text = cJSON_PrintUnformatted(w->offsets);
    if (resolver->alter_offsets == NULL)
        on_allowed(w, 0, NULL);
    else if (text == NULL || (status = resolver->alter_offsets(resolver, w->config, text,
                                                               on_allowed, w)) != SLUICE_OK)
        finish(w, status, "the plugin cannot be asked", NULL);
    free(text);
}

/* ---- the beginning ---- */

static void on_loaded(void *user, int status, cJSON *entries) {
    work_t *w = user;
    cJSON *list;

    w->entries = entries;
    if (status != SLUICE_OK) {
        finish(w, status, "the offsets cannot be read", NULL);
    } else if (w->what == SL_OFFSETS_READ) {
        list = visible(entries, w->is_sink);
        finish(w, SLUICE_OK, NULL, list);
        cJSON_Delete(list);
    } else {
        ask_plugin(w);
    }
}

/* What Connect refuses in offsets of a sink before it asks anybody; else puts them into our
 * form. */
static int refuse_sink(work_t *w) {
    char message[400];
    int is_bad = 0;
    sl_offsets_result_t result = { SLUICE_INVALID, message, 0, 0, NULL };

    if (!w->is_sink || w->what != SL_OFFSETS_ALTER)
        return 0;
    if (sl_sink_offsets_read(w->offsets, w->name, message, sizeof message, &is_bad) == SLUICE_OK)
        return 0;
    result.is_refusal = is_bad;
    w->done(w->user, &result);
    return 1;
}

int sl_supervisor_offsets(sl_managed_t *m, sl_offsets_do_t what, cJSON *offsets, sl_offsets_fn done,
                          void *user) {
    work_t *w = calloc(1, sizeof *w);
    int status = SLUICE_NO_MEMORY;

    if (w == NULL) {
        cJSON_Delete(offsets);
        return status;
    }
    w->supervisor = m->supervisor;
    w->name = strdup(m->name);
    w->what = what;
    w->offsets = offsets;
    w->config = cJSON_Duplicate(m->config, 1);
    w->is_sink = strcmp(m->type, "sink") == 0;
    w->done = done;
    w->user = user;
    if (w->name != NULL && refuse_sink(w)) {
        work_destroy(w);
        return SLUICE_OK;
    }
    if (w->name != NULL)
        status = sl_store_load_positions(m->supervisor->o.store, m->name, on_loaded, w);
    if (status != SLUICE_OK)
        work_destroy(w);
    else
        m->supervisor->pending++;
    return status;
}

/* ---- topics ---- */

void sl_supervisor_forget_topics(sl_managed_t *m) {
    size_t i;

    cJSON_Delete(m->topics);
    m->topics = NULL;
    for (i = 0; i < m->task_count; i++)
        if (m->tasks[i].child != NULL)
            sl_child_send(m->tasks[i].child, sl_channel_message("forget_topics"));
}
