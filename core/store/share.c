#include "store/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/log.h"
#include "sluice/error.h"
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
    s->generation = mirror->generation;
    sl_share_next_generation(s);
    sl_repairs_init(&s->repairs, store->async.loop, log);
    return s;
}

static void on_repairs_closed(void *user) {
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

static void on_log_closed(void *user) {
    sl_share_t *s = user;

    sl_repairs_close(&s->repairs, on_repairs_closed, s);
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

/* The next one under the same key, of these requests that are still to be answered. */
static entry_t *find_later(const request_t *r, const char *key) {
    entry_t *e;

    for (; r != NULL; r = r->next)
        for (e = r->entries; e != NULL; e = e->next)
            if (e->log == SL_LOG_CONFIGS && strcmp(e->key, key) == 0)
                return e;
    return NULL;
}

/* The log must not be said to have it: neither by the mirror, nor by the log itself, which may have
 * it all the same. Tasks are said anew next time. */
static void undo(sl_share_t *s, const request_t *others, entry_t *e) {
    entry_t *later = find_later(others, e->key);
    sl_log_entry_t was = {.log = e->log, .key = e->key, .value = e->before};

    if (later != NULL) { /* what is there counts; but it may fail, too */
        free(later->before);
        later->before = e->before;
        e->before = NULL;
    } else if (e->undo != SL_UNDO_NOT) {
        (void)sl_mirror_apply(s->mirror, &was, 0);
        if (e->undo == SL_UNDO_WRITE && e->is_given)
            sl_repairs_add(&s->repairs, e->key, e->before);
    }
}

/* The mirror's offset is no longer in doubt, unless it was written again meanwhile. */
static void confirm(sl_share_t *s, const entry_t *e) {
    sl_mirror_offset_t *o = NULL;

    if (e->log == SL_LOG_OFFSETS && e->name == NULL)
        o = sl_mirror_key_offset(s->mirror, e->key);
    if (o != NULL && o->writes == e->version)
        o->unsure = 0;
}

/* SQLite follows, unless the log has not got all of it: then none of it counts. */
static void let_go(sl_share_t *s, const request_t *others, request_t *r) {
    entry_t *e;

    for (e = r->entries; e != NULL; e = e->next) {
        if (r->status == SLUICE_OK)
            confirm(s, e);
        else if (e->log == SL_LOG_CONFIGS)
            undo(s, others, e);
    }
    if (r->status != SLUICE_OK)
        r->run = run_nothing;
    sl_store_queue(s->store, r);
}

/* In order: the first that still waits holds up those behind it in its lane. */
static void release(sl_share_t *s, sl_lane_t *lane) {
    request_t *r;

    while (lane != NULL && (r = lane->requests.first)->unwritten == 0) {
        lane = sl_lanes_take(&s->lanes, lane);
        let_go(s, lane == NULL ? NULL : lane->requests.first, r);
    }
}

static void on_written(void *user, const char *error) {
    entry_t *e = user;
    request_t *r = e->request;
    sl_share_t *s = r->share;

    r->unwritten--;
    if (error != NULL) {
        r->status = SLUICE_RETRY;
        snprintf(r->error, sizeof r->error, "%s", error);
    }
    release(s, sl_lanes_find(&s->lanes, r));
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
        sl_log_entry_t entry = sl_share_entry(e);
        e->request = r;
        if (e->log == SL_LOG_CONFIGS)
            sl_repairs_drop(&s->repairs, e->key);
        if (lane != NULL && s->log->write(s->log, &entry, on_written, e) == SLUICE_OK) {
            e->is_given = 1;
            r->unwritten++;
        } else {
            fail_request(r);
        }
    }
    if (lane != NULL)
        release(s, lane);
    else
        let_go(s, NULL, r);
}
