#include "store/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/log.h"
#include "sluice/error.h"
#include "store/connect_text.h"
#include "store/share_int.h"
#include "store/store_int.h"

#define SCOPE "store"

sl_share_t *sl_share_create(sl_store_t *store, sl_store_log_t *log, sl_mirror_t *mirror) {
    sl_share_t *s = calloc(1, sizeof *s);

    if (s == NULL) {
        sl_mirror_destroy(mirror);
        return NULL;
    }
    s->store = store;
    s->log = log;
    s->mirror = mirror;
    s->generation = mirror->generation + 1;
    return s;
}

static void on_log_closed(void *user) {
    sl_share_t *s = user;
    void (*closed)(void *store) = s->closed;
    sl_store_t *store = s->store;

    sl_mirror_destroy(s->mirror);
    sl_lanes_fini(&s->lanes);
    free(s->worker);
    free(s->offset_log);
    free(s);
    closed(store);
}

void sl_share_close(sl_share_t *s, void (*closed)(void *store)) {
    s->closed = closed;
    s->log->close(s->log, on_log_closed, s);
}

void sl_share_hurry(sl_share_t *s) {
    s->log->hurry(s->log);
}

void sl_share_set_worker(sl_share_t *s, const char *worker_id) {
    free(s->worker);
    s->worker = strdup(worker_id);
}

int sl_share_set_offset_log(sl_share_t *s, const char *name, int tasks_write) {
    s->tasks_write = tasks_write;
    free(s->offset_log);
    s->offset_log = strdup(name);
    return s->offset_log == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

void sl_share_only_offsets(sl_share_t *s) {
    s->only_offsets = 1;
}

/* ---- requests that wait for their entries ---- */

int sl_share_wants(const sl_share_t *s, const request_t *r) {
    return r->entries != NULL || sl_lanes_find(&s->lanes, r) != NULL;
}

static int run_nothing(sqlite3 *db, request_t *r) {
    (void)db;
    (void)r;
    return SQLITE_OK;
}

/* SQLite follows, unless the log has not got it. */
static void let_go(sl_share_t *s, request_t *r) {
    if (r->status != SLUICE_OK)
        r->run = run_nothing;
    sl_store_queue(s->store, r);
}

/* In order: the first that still waits holds up those behind it in its lane. */
static void release(sl_share_t *s, sl_lane_t *lane) {
    request_t *r;

    while (lane != NULL && (r = lane->requests.first)->unwritten == 0) {
        lane = sl_lanes_take(&s->lanes, lane);
        let_go(s, r);
    }
}

static int begins(const char *key, const char *prefix) {
    return strncmp(key, prefix, strlen(prefix)) == 0;
}

/* The next one under the same key that is still to be answered. */
static entry_t *find_later(const request_t *r, const char *key) {
    entry_t *e;

    for (r = r->next; r != NULL; r = r->next)
        for (e = r->entries; e != NULL; e = e->next)
            if (e->log == SL_LOG_CONFIGS && strcmp(e->key, key) == 0)
                return e;
    return NULL;
}

/* The log has not got it: the mirror must not go on saying so. Tasks are said anew next time. */
static void undo(sl_share_t *s, entry_t *e) {
    entry_t *later = e->log == SL_LOG_CONFIGS ? find_later(e->request, e->key) : NULL;
    sl_log_entry_t was = {.log = e->log, .key = e->key, .value = e->before};

    if (later != NULL) { /* what is there counts; but it may fail, too */
        free(later->before);
        later->before = e->before;
        e->before = NULL;
    }
    if (e->log != SL_LOG_CONFIGS || later != NULL)
        return;
    if (begins(e->key, "commit-"))
        was.value = "{\"tasks\":0}";
    else if (!begins(e->key, "connector-") && !begins(e->key, "target-state-"))
        return;
    (void)sl_mirror_apply(s->mirror, &was, 0);
}

static void on_written(void *user, const char *error) {
    entry_t *e = user;
    request_t *r = e->request;
    sl_share_t *s = r->share;

    r->unwritten--;
    if (error != NULL) {
        undo(s, e);
        r->status = SLUICE_RETRY;
        snprintf(r->error, sizeof r->error, "%s", error);
    }
    release(s, sl_lanes_find(&s->lanes, r));
}

static sl_log_entry_t entry_of(const entry_t *e) {
    return (sl_log_entry_t){
        e->log, e->key, e->value, {e->position, e->partition, e->sub}, e->name};
}

static void fail_request(request_t *r) {
    r->status = SLUICE_NO_MEMORY;
    snprintf(r->error, sizeof r->error, "out of memory");
}

void sl_share_submit(sl_share_t *s, request_t *r) {
    sl_lane_t *lane = sl_lanes_add(&s->lanes, r);
    entry_t *e;

    r->share = s;
    if (lane == NULL)
        fail_request(r);
    for (e = r->entries; e != NULL; e = e->next) {
        sl_log_entry_t entry = entry_of(e);
        e->request = r;
        if (lane != NULL && s->log->write(s->log, &entry, on_written, e) == SLUICE_OK) {
            r->unwritten++;
        } else {
            undo(s, e);
            fail_request(r);
        }
    }
    if (lane != NULL)
        release(s, lane);
    else
        let_go(s, r);
}

/* ---- entries ---- */

static void entry_destroy(entry_t *e) {
    if (e != NULL) {
        free(e->key);
        free(e->value);
        free(e->position);
        free(e->partition);
        free(e->name);
        free(e->before);
        free(e);
    }
}

void sl_share_free_entries(request_t *r) {
    entry_t *e;

    while ((e = r->entries) != NULL) {
        r->entries = e->next;
        entry_destroy(e);
    }
}

/* What the mirror says under the key of a configuration or a target, as an entry. */
static char *said(const sl_share_t *s, const char *key) {
    const char *target = begins(key, "target-state-") ? key + strlen("target-state-") : NULL;
    const char *config = begins(key, "connector-") ? key + strlen("connector-") : NULL;
    const sl_mirror_connector_t *c =
        sl_mirror_find(s->mirror, target != NULL ? target : config != NULL ? config : "");
    char *text = NULL;

    if (c != NULL && target != NULL && c->target[0] != '\0')
        return sl_connect_target(sl_mirror_target(c));
    if (c != NULL && config != NULL && c->config != NULL &&
        asprintf(&text, "{\"properties\":%s}", c->config) < 0)
        return NULL;
    return text;
}

/* Behind the others. Takes e; NULL: no memory. */
static int add(sl_share_t *s, request_t *r, entry_t *e) {
    entry_t **at = &r->entries;
    sl_log_entry_t entry;

    if (e == NULL)
        return SLUICE_NO_MEMORY;
    while (*at != NULL)
        at = &(*at)->next;
    *at = e;
    if (e->log == SL_LOG_CONFIGS)
        e->before = said(s, e->key);
    entry = entry_of(e);
    return e->name != NULL ? SLUICE_OK : sl_mirror_apply(s->mirror, &entry, 1);
}

/* Takes key and value. */
static entry_t *entry_create(int log, char *key, char *value, int has_value) {
    entry_t *e = calloc(1, sizeof *e);

    if (e == NULL || key == NULL || (has_value && value == NULL)) {
        free(e);
        free(key);
        free(value);
        return NULL;
    }
    e->log = log;
    e->key = key;
    e->value = value;
    return e;
}

int sl_share_put(sl_share_t *s, request_t *r, int log, char *key, char *value) {
    return add(s, r, entry_create(log, key, value, 1));
}

int sl_share_bury(sl_share_t *s, request_t *r, int log, char *key) {
    return add(s, r, entry_create(log, key, NULL, 0));
}

static int copy(char **member, const char *text) {
    *member = text == NULL ? NULL : strdup(text);
    return text == NULL || *member != NULL;
}

int sl_share_put_offset(sl_share_t *s, request_t *r, char *key, const char *value,
                        const sl_log_place_t *place, const char *name) {
    entry_t *e = entry_create(SL_LOG_OFFSETS, key, value == NULL ? NULL : strdup(value),
                              value != NULL);

    if (e == NULL)
        return SLUICE_NO_MEMORY;
    e->sub = place->sub;
    if (copy(&e->position, place->position) && copy(&e->partition, place->partition) &&
        copy(&e->name, name))
        return add(s, r, e);
    entry_destroy(e);
    return SLUICE_NO_MEMORY;
}
