#include "supervisor/supervisor_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/json_same.h"
#include "base/member.h"
#include "config/connect.h"
#include "supervisor/offset_values.h"
#include "supervisor/publish.h"
#include "supervisor/sink_offsets.h"

enum { LOOK_MS = 50, LOOKS = 600 };

#define BRANCH SL_CONNECT_TOPICS /* of a source connector: Connect's shape has one */

/* One request under way. Where the system that a connector reads keeps its offsets they are read
 * and set there (resolver->upstream); else they are the store's. What a user wants to set is put
 * to the connector's own plugin first. */
typedef struct work {
    sl_supervisor_t *supervisor;
    char *name;
    sl_offsets_do_t what;
    cJSON *offsets; /* asked for */
    cJSON *config;
    cJSON *entries; /* stored; NULL: not read */
    int is_sink;
    int is_source;
    int by_plugin;
    uv_timer_t look; /* whether its processes are gone */
    int looks;
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

/* ---- what users see ---- */

static int is_json(const char *text) {
    cJSON *json = text == NULL ? NULL : cJSON_Parse(text);
    int is = json != NULL;

    cJSON_Delete(json);
    return is;
}

/* Partitions are compared as values: the order of their members does not matter. */
static int is_listed(const cJSON *list, const char *partition) {
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
        if (sl_json_same(cJSON_GetObjectItemCaseSensitive(item, "partition")->valuestring,
                         partition))
            return 1;
    return 0;
}

/* Texts as they are stored: no number becomes a double. */
static cJSON *visible(const cJSON *entries) {
    cJSON *list = cJSON_CreateArray();
    const cJSON *entry;

    cJSON_ArrayForEach(entry, entries) {
        const char *partition = sl_text(entry, "partition"), *offset = sl_text(entry, "offset");
        cJSON *one;
        if (!is_json(partition) || !is_json(offset) || is_listed(list, partition))
            continue;
        one = cJSON_CreateObject();
        cJSON_AddRawToObject(one, "partition", partition);
        cJSON_AddRawToObject(one, "offset", offset);
        cJSON_AddItemToArray(list, one);
    }
    return list;
}

/* ---- changes ---- */

static void on_written(void *user, int status, const char *error) {
    finish(user, status, error, NULL);
}

/* The stored entry of a partition, or a new one; its partition keeps the text that it had. */
static cJSON *entry_of(cJSON *entries, const cJSON *partition) {
    char *text = cJSON_PrintUnformatted(partition);
    cJSON *entry;

    cJSON_ArrayForEach(entry, entries)
        if (sl_json_same(sl_text(entry, "partition"), text)) {
            free(text);
            return entry;
        }
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
    if (w->is_source) {
        status = sl_store_replace_offsets(store, w->name, entries, on_written, w);
    } else if (cJSON_GetArraySize(entries) == 0) {
        cJSON_Delete(entries);
        status = sl_store_delete_positions(store, w->name, on_written, w);
    } else {
        sl_store_delete_positions(store, w->name, NULL, NULL);
        status = sl_store_put_positions(store, w->name, entries, on_written, w);
    }
    if (status != SLUICE_OK)
        finish(w, status, "the offsets cannot be stored", NULL);
}

static void alter_stored(work_t *w) {
    if (w->what == SL_OFFSETS_ALTER)
        merge(w);
    else
        while (w->entries->child != NULL)
            cJSON_DeleteItemFromArray(w->entries, 0);
    write_all(w);
}

static void on_set(void *user, const char *offsets, const char *error) {
    work_t *w = user;

    (void)offsets;
    finish(w, error == NULL ? SLUICE_OK : SLUICE_RETRY, error, NULL);
}

/* Asks what the connector reads; SLUICE_UNSUPPORTED: the store has the offsets. */
static int ask_upstream(work_t *w, const char *offsets, sl_upstream_fn done) {
    sl_resolver_t *r = w->supervisor->o.resolver;

    return r->upstream == NULL ? SLUICE_UNSUPPORTED
                               : r->upstream(r, w->name, w->config, offsets, done, w);
}

static void load(work_t *w);

static void on_allowed(void *user, int complete, const char *error) {
    work_t *w = user;
    char *text;
    int status;

    w->by_plugin = complete;
    if (error != NULL) {
        finish(w, SLUICE_INVALID, error, NULL);
        return;
    }
    text = w->what == SL_OFFSETS_ALTER ? cJSON_PrintUnformatted(w->offsets) : strdup("null");
    status = text == NULL ? SLUICE_NO_MEMORY : ask_upstream(w, text, on_set);
    free(text);
    if (status == SLUICE_UNSUPPORTED && w->entries == NULL)
        load(w);
    else if (status == SLUICE_UNSUPPORTED)
        alter_stored(w);
    else if (status != SLUICE_OK)
        finish(w, status, "the offsets cannot be set: out of memory", NULL);
}

static void ask_plugin(work_t *w) {
    sl_resolver_t *resolver = w->supervisor->o.resolver;
    char *text = cJSON_PrintUnformatted(w->offsets);
    int status = SLUICE_NO_MEMORY;

    if (resolver->alter_offsets == NULL)
        on_allowed(w, 0, NULL);
    else if (text == NULL || (status = resolver->alter_offsets(resolver, w->config, text,
                                                               on_allowed, w)) != SLUICE_OK)
        finish(w, status, "the plugin cannot be asked", NULL);
    free(text);
}

/* A reset asks for null in every partition that there is. Takes `list`. */
static void ask_for_null(work_t *w, cJSON *list) {
    cJSON *one;

    cJSON_ArrayForEach(one, list)
        cJSON_ReplaceItemInObjectCaseSensitive(one, "offset", cJSON_CreateNull());
    cJSON_Delete(w->offsets);
    w->offsets = list;
    ask_plugin(w);
}

/* ---- the beginning ---- */

static void on_loaded(void *user, int status, cJSON *entries) {
    work_t *w = user;
    cJSON *list;

    w->entries = entries;
    if (status != SLUICE_OK) {
        finish(w, status, "the offsets cannot be read", NULL);
    } else if (w->what == SL_OFFSETS_READ) {
        list = visible(entries);
        finish(w, SLUICE_OK, NULL, list);
        cJSON_Delete(list);
    } else if (w->what == SL_OFFSETS_RESET) {
        ask_for_null(w, visible(entries));
    } else {
        alter_stored(w);
    }
}

static void load(work_t *w) {
    int status =
        sl_store_load_positions(w->supervisor->o.store, w->name, on_loaded, w);

    if (status != SLUICE_OK)
        finish(w, status, "the offsets cannot be read", NULL);
}

static void on_read(void *user, const char *offsets, const char *error) {
    work_t *w = user;
    cJSON *list = NULL;
    char message[400];

    if (w->what == SL_OFFSETS_RESET && error != NULL) {
        snprintf(message, sizeof message,
                 "Failed to list offsets prior to resetting offsets for %s connector %s",
                 w->is_sink ? "sink" : "source", w->name);
        finish(w, SLUICE_RETRY, message, NULL);
    } else if (error != NULL) {
        finish(w, SLUICE_RETRY, error, NULL);
    } else if (w->what == SL_OFFSETS_RESET) {
        ask_for_null(w, cJSON_Parse(offsets == NULL ? "[]" : offsets));
    } else {
        list = cJSON_CreateRaw(offsets == NULL ? "[]" : offsets); /* no number becomes a double */
        finish(w, SLUICE_OK, NULL, list);
        cJSON_Delete(list);
    }
}

static void begin(work_t *w) {
    char message[200];
    int status;

    if (w->what == SL_OFFSETS_ALTER && w->is_source &&
        !sl_offsets_are_primitive(w->offsets, message, sizeof message)) {
        finish(w, SLUICE_INVALID, message, NULL);
        return;
    }
    if (w->what == SL_OFFSETS_ALTER) {
        ask_plugin(w);
        return;
    }
    status = ask_upstream(w, NULL, on_read);
    if (status == SLUICE_UNSUPPORTED)
        load(w);
    else if (status != SLUICE_OK)
        finish(w, status, "the offsets cannot be read: out of memory", NULL);
}

static int has_processes(const sl_managed_t *m) {
    size_t i;

    for (i = 0; m != NULL && i < m->task_count; i++)
        if (m->tasks[i].child != NULL)
            return 1;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle) {
    begin(handle->data);
}

static void on_look(uv_timer_t *timer) {
    work_t *w = timer->data;
    const sl_managed_t *m = sl_supervisor_find(w->supervisor, w->name);

    if (has_processes(m) && strcmp(m->target, "STOPPED") == 0 && ++w->looks < LOOKS)
        return;
    uv_close((uv_handle_t *)timer, on_timer_closed);
}

/* A stopped connector's tasks may still be at their last commit: what is set before would be
 * undone. When they do not go, or run again, what they read refuses by itself. */
static void wait_for_tasks(work_t *w) {
    uv_timer_init(w->supervisor->o.loop, &w->look);
    w->look.data = w;
    uv_timer_start(&w->look, on_look, LOOK_MS, LOOK_MS);
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

    if (w == NULL || m->supervisor->closing) {
        free(w);
        cJSON_Delete(offsets);
        return w == NULL ? SLUICE_NO_MEMORY : SLUICE_CANCELLED;
    }
    w->supervisor = m->supervisor;
    w->name = strdup(m->name);
    w->what = what;
    w->offsets = offsets;
    sl_offsets_keep_texts(offsets);
    w->config = cJSON_Duplicate(m->config, 1);
    w->is_sink = strcmp(m->type, "sink") == 0;
    w->is_source = strcmp(m->type, "source") == 0;
    w->done = done;
    w->user = user;
    if (w->name == NULL || w->config == NULL) {
        work_destroy(w);
        return SLUICE_NO_MEMORY;
    }
    if (refuse_sink(w)) {
        work_destroy(w);
        return SLUICE_OK;
    }
    m->supervisor->pending++;
    if (what != SL_OFFSETS_READ && has_processes(m))
        wait_for_tasks(w);
    else
        begin(w);
    return SLUICE_OK;
}

/* ---- topics ---- */

void sl_supervisor_forget_topics(sl_managed_t *m) {
    size_t i;

    cJSON_Delete(m->topics);
    m->topics = NULL;
    sl_publish_topics(m, 0);
    for (i = 0; i < m->task_count; i++)
        if (m->tasks[i].child != NULL)
            sl_child_send(m->tasks[i].child, sl_channel_message("forget_topics"));
}
