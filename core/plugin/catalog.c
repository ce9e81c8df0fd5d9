#include "plugin/catalog.h"

#include "base/channel.h"
#include "base/member.h"
#include "observe/log.h"
#include "plugin/catalog_int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCOPE "plugin.catalog"

static void start_scan(sl_catalog_t *c);
static void describe_more(sl_catalog_t *c);

/* ---- entries ---- */

static int entries_add(sl_entries_t *list, sl_entry_t *e) {
    sl_entry_t **grown = realloc(list->items, (list->count + 1) * sizeof(sl_entry_t *));

    if (grown == NULL)
        return SLUICE_NO_MEMORY;
    list->items = grown;
    grown[list->count++] = e;
    return SLUICE_OK;
}

static void entries_fini(sl_entries_t *list) {
    size_t i;

    for (i = 0; i < list->count; i++)
        sl_entry_unref(list->items[i]);
    free(list->items);
    *list = (sl_entries_t){NULL, 0};
}

/* An entry of the last scan that still holds: same file, same content, and no error that may have
 * gone meanwhile. */
static sl_entry_t *kept_entry(sl_catalog_t *c, const sl_scanned_t *item) {
    size_t i;

    for (i = 0; i < c->entries.count; i++) {
        sl_entry_t *e = c->entries.items[i];
        if (item->error != NULL || e->at.error != NULL || strcmp(e->at.file, item->file) != 0 ||
            strcmp(e->at.hash, item->hash) != 0)
            continue;
        if (e->error != NULL && uv_now(c->loop) - e->tried > CATALOG_RETRY_MS)
            return NULL;
        e->at.folder = item->folder;
        e->refs++;
        return e;
    }
    return NULL;
}

/* ---- the cache of descriptions ---- */

static char *description_path(const sl_entry_t *e) {
    char *path = NULL;

    if (e->catalog->copies == NULL ||
        asprintf(&path, "%s/%s.json", e->catalog->copies, e->at.hash) < 0)
        return NULL;
    return path;
}

static void load_description(sl_entry_t *e) {
    char *path = description_path(e);
    char *text = path != NULL ? sl_text_read(path) : NULL;
    cJSON *json = text != NULL ? cJSON_Parse(text) : NULL;

    if (json != NULL)
        sl_entry_set_description(e, json);
    free(text);
    free(path);
}

static void save_description(const sl_entry_t *e) {
    char *path = description_path(e);
    char *text = path != NULL ? cJSON_PrintUnformatted(e->json) : NULL;

    if (text != NULL && sl_text_write(path, text) != SLUICE_OK)
        sl_log(SLUICE_LOG_WARN, SCOPE, "description of %s cannot be kept in %s", e->at.file, path);
    cJSON_free(text);
    free(path);
}

/* ---- the end of a scan ---- */

static void run_waiters(sl_catalog_t *c) {
    sl_waiter_t *w = c->waiting, *next;

    c->waiting = NULL;
    for (; w != NULL; w = next) {
        next = w->next;
        if (w->done != NULL)
            w->done(w->user);
        free(w);
    }
}

static void log_changes(const sl_catalog_t *c, const sl_entries_t *before) {
    size_t i, j;

    for (i = 0; i < c->entries.count; i++) {
        const sl_entry_t *e = c->entries.items[i];
        const char *error = e->at.error != NULL ? e->at.error : e->error;
        for (j = 0; j < before->count && before->items[j] != e; j++)
            if (error != NULL && before->items[j]->at.error != NULL &&
                strcmp(before->items[j]->at.error, error) == 0)
                break;
        if (j == before->count && error != NULL)
            sl_log(SLUICE_LOG_WARN, SCOPE, "module cannot be used: %s", error);
    }
}

static void end_scan(sl_catalog_t *c) {
    run_waiters(c);
    c->scanning = 0; /* not before: a waiter may close the catalog */
    if (c->waiting_next != NULL && !c->closing) {
        c->waiting = c->waiting_next;
        c->waiting_next = NULL;
        start_scan(c);
    }
    sl_catalog_end_if_idle(c);
}

static void finish_scan(sl_catalog_t *c) {
    sl_entries_t before = c->entries;

    c->entries = c->next;
    c->next = (sl_entries_t){NULL, 0};
    if (sl_catalog_choose(c) != SLUICE_OK)
        sl_log(SLUICE_LOG_ERROR, SCOPE, "out of memory: no plugin can be found");
    if (!c->closing)
        log_changes(c, &before);
    entries_fini(&before);
    end_scan(c);
}

/* ---- describing ---- */

static void on_described(void *user, const cJSON *answer, const char *error) {
    sl_entry_t *e = user;
    sl_catalog_t *c = e->catalog;
    cJSON *module = cJSON_GetObjectItemCaseSensitive(answer, "module");

    if (error == NULL)
        error = sl_text(answer, "error");
    if (error == NULL && sl_entry_set_description(e, cJSON_Duplicate(module, 1)) != SLUICE_OK)
        error = "its description is no description of plugins";
    if (error != NULL)
        sl_entry_set_error(e, error);
    else
        save_description(e);
    sl_entry_close_client(
        e); /* one warm prober for each module that is used, none for the others */
    c->describing--;
    sl_entry_unref(e);
    describe_more(c);
}

static void describe_one(sl_entry_t *e) {
    sl_catalog_t *c = e->catalog;
    sl_probe_client_t *client = sl_entry_client(e);

    if (client == NULL || sl_probe_client_ask(client, sl_channel_message("describe"), c->timeout_ms,
                                              on_described, e) != SLUICE_OK) {
        char text[1024];
        snprintf(text, sizeof(text), "%s: the process that looks into modules cannot be started",
                 e->at.file);
        sl_entry_set_error(e, text);
        return;
    }
    e->refs++;
    c->describing++;
}

static void describe_more(sl_catalog_t *c) {
    while (!c->closing && c->describing < CATALOG_PROBERS_MAX && c->to_describe < c->next.count) {
        sl_entry_t *e = c->next.items[c->to_describe++];
        if (e->at.error != NULL || e->json != NULL || e->error != NULL)
            continue;
        load_description(e);
        if (e->json == NULL)
            describe_one(e);
    }
    if (c->scanning && c->describing == 0 && (c->closing || c->to_describe == c->next.count))
        finish_scan(c);
}

/* ---- scanning ---- */

static void on_scan(uv_work_t *work) {
    sl_catalog_t *c = work->data;

    c->scan_status = sl_scan_folders(c->plugin_path, c->copies, &c->known, &c->found);
    c->is_unchanged = c->scan_status == SLUICE_OK && sl_scan_is_same(&c->found, &c->known);
    if (c->scan_status == SLUICE_OK && c->copies != NULL && c->found.count > 0 && !c->is_unchanged)
        sl_scan_save(c->copies, &c->found);
    if (c->scan_status == SLUICE_OK && c->prune)
        sl_scan_prune(c->copies, &c->found);
    c->prune = 0;
}

/* What the next scan may take as known, kept apart from the entries, which take the texts. */
static void remember(sl_catalog_t *c, const sl_entries_t *entries) {
    size_t i;

    sl_scan_fini(&c->known);
    c->known.items = calloc(entries->count + 1, sizeof(*c->known.items));
    for (i = 0; c->known.items != NULL && i < entries->count; i++) {
        const sl_scanned_t *at = &entries->items[i]->at;
        sl_scanned_t *item = &c->known.items[c->known.count];
        if (at->error != NULL || (item->file = strdup(at->file)) == NULL)
            continue;
        item->key = at->key;
        memcpy(item->hash, at->hash, sizeof(item->hash));
        c->known.count++;
    }
}

/* Each of the files found is described: looking again changes nothing. */
static int all_are_known(const sl_catalog_t *c) {
    size_t i;

    for (i = 0; i < c->entries.count; i++)
        if (c->entries.items[i]->json == NULL || c->entries.items[i]->error != NULL)
            return 0;
    return c->entries.count == c->found.count;
}

static void on_scanned(uv_work_t *work, int cancelled) {
    sl_catalog_t *c = work->data;
    size_t i;

    (void)cancelled;
    if (c->is_unchanged && all_are_known(c)) {
        sl_scan_fini(&c->found);
        end_scan(c);
        return;
    }
    if (c->scan_status != SLUICE_OK)
        sl_log(SLUICE_LOG_ERROR, SCOPE, "out of memory while scanning %s", c->plugin_path);
    for (i = 0; i < c->found.count; i++) {
        sl_scanned_t *item = &c->found.items[i];
        sl_entry_t *e = kept_entry(c, item);
        if (e == NULL)
            e = sl_entry_create(c, item);
        else
            e->at.key = item->key;
        if (e != NULL && entries_add(&c->next, e) != SLUICE_OK)
            sl_entry_unref(e);
    }
    sl_scan_fini(&c->found);
    remember(c, &c->next);
    c->to_describe = 0;
    describe_more(c);
}

static void start_scan(sl_catalog_t *c) {
    c->scanning = 1;
    c->work.data = c;
    uv_queue_work(c->loop, &c->work, on_scan, on_scanned);
}

int sl_catalog_rescan(sl_catalog_t *c, void (*done)(void *user), void *user) {
    sl_waiter_t *w, **at;

    if (c->closing)
        return SLUICE_CANCELLED;
    if ((w = calloc(1, sizeof(*w))) == NULL)
        return SLUICE_NO_MEMORY;
    w->done = done;
    w->user = user;
    at = c->scanning ? &c->waiting_next : &c->waiting;
    while (*at != NULL)
        at = &(*at)->next;
    *at = w;
    if (!c->scanning)
        start_scan(c);
    return SLUICE_OK;
}

/* ---- life ---- */

static void catalog_free(sl_catalog_t *c) {
    entries_fini(&c->entries);
    sl_scan_fini(&c->known);
    sl_scan_fini(&c->found);
    free(c->plugins);
    free(c->plugin_path);
    free(c->copies);
    free(c->executable);
    free(c);
}

int sl_catalog_create(const sl_catalog_params_t *params, sl_catalog_t **out) {
    sl_catalog_t *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return SLUICE_NO_MEMORY;
    sl_list_init(&c->all);
    c->loop = params->loop;
    c->prune = params->is_owner && params->data_dir != NULL;
    c->timeout_ms = params->probe_timeout_ms > 0 ? params->probe_timeout_ms : 10000;
    c->plugin_path = strdup(params->plugin_path != NULL ? params->plugin_path : "");
    c->executable = strdup(params->executable);
    if (params->data_dir != NULL && asprintf(&c->copies, "%s/modules", params->data_dir) < 0)
        c->copies = NULL;
    if (c->plugin_path == NULL || c->executable == NULL ||
        (params->data_dir != NULL && c->copies == NULL)) {
        catalog_free(c);
        return SLUICE_NO_MEMORY;
    }
    if (c->copies != NULL)
        sl_scan_load(c->copies, &c->known);
    *out = c;
    return SLUICE_OK;
}

void sl_catalog_end_if_idle(sl_catalog_t *c) {
    void (*closed)(void *user) = c->closed;
    void *user = c->closed_user;

    if (!c->closing || c->scanning || c->clients > 0)
        return;
    run_waiters(c);
    c->waiting = c->waiting_next;
    c->waiting_next = NULL;
    run_waiters(c);
    catalog_free(c);
    if (closed != NULL)
        closed(user);
}

void sl_catalog_close(sl_catalog_t *c, void (*closed)(void *user), void *user) {
    c->closing = 1;
    c->closed = closed;
    c->closed_user = user;
    SL_LIST_EACH(link, &c->all)
    sl_entry_close_client(SL_LIST_ENTRY(link, sl_entry_t, link));
    sl_catalog_end_if_idle(c);
}
