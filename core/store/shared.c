/* Requests that a store with shared logs has beside those of requests.c, and the same without. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/error.h"
#include "store/share.h"
#include "store/store_int.h"
#include "store/takeover.h"

/* ---- offsets ---- */

static int put_offsets(sl_store_t *store, const char *name, cJSON *entries, int all,
                       int (*run)(sqlite3 *, request_t *), sl_store_done_fn done, void *user) {
    int valid = sl_store_is_entries(entries);
    request_t *r = valid ? sl_store_request_create(name, NULL, NULL, NULL) : NULL;

    if (r == NULL) {
        cJSON_Delete(entries);
        return valid ? SLUICE_NO_MEMORY : SLUICE_INVALID;
    }
    r->json = entries;
    r->log = SL_LOG_OFFSETS;
    return sl_store_request(store, r, sl_share_offsets(store->share, r, name, entries, all), run,
                            done, user);
}

int sl_store_put_offsets(sl_store_t *store, const char *name, cJSON *entries, sl_store_done_fn done,
                         void *user) {
    return put_offsets(store, name, entries, 0, sl_store_run_put_positions, done, user);
}

static int run_replace(sqlite3 *db, request_t *r) {
    int rc = sl_store_run_texts(db, r, "DELETE FROM positions WHERE pipeline = ?1");
    return rc == SQLITE_OK ? sl_store_run_put_positions(db, r) : rc;
}

int sl_store_replace_offsets(sl_store_t *store, const char *name, cJSON *entries,
                             sl_store_done_fn done, void *user) {
    return put_offsets(store, name, entries, 1, run_replace, done, user);
}

/* ---- tasks and topics ---- */

static int run_put_tasks(sqlite3 *db, request_t *r) {
    return sl_store_run_texts(db, r, "UPDATE configs SET tasks = ?2 WHERE name = ?1");
}

int sl_store_put_tasks(sl_store_t *store, const char *name, const cJSON *configs) {
    char count[16];
    request_t *r;

    snprintf(count, sizeof count, "%d", cJSON_GetArraySize(configs));
    r = sl_store_request_create(name, count, NULL, NULL);
    return sl_store_request(store, r,
                            r == NULL ? 0 : sl_share_tasks(store->share, r, name, configs),
                            run_put_tasks, NULL, NULL);
}

static int run_put_topics(sqlite3 *db, request_t *r) {
    return sl_store_run_texts(db, r, "UPDATE configs SET topics = ?2 WHERE name = ?1");
}

int sl_store_put_topics(sl_store_t *store, const char *name, const cJSON *topics, int task) {
    char *text = topics == NULL ? NULL : cJSON_PrintUnformatted(topics);
    request_t *r = sl_store_request_create(name, text, NULL, NULL);

    free(text);
    if (r != NULL)
        r->log = SL_LOG_STATES;
    return sl_store_request(store, r,
                            r == NULL ? 0 : sl_share_topics(store->share, r, name, topics, task),
                            run_put_topics, NULL, NULL);
}

/* ---- shared logs ---- */

int sl_store_share(sl_store_t *s, sl_store_log_t *log, sl_mirror_t *mirror, int only_offsets) {
    if (sl_take_over(s, mirror, only_offsets) != SLUICE_OK) {
        sl_mirror_destroy(mirror);
        return SLUICE_FATAL;
    }
    s->share = sl_share_create(s, log, mirror);
    if (s->share == NULL)
        return SLUICE_NO_MEMORY;
    if (only_offsets)
        sl_share_only_offsets(s->share);
    return SLUICE_OK;
}

int sl_store_set_offset_log(sl_store_t *s, const char *name, int tasks_write) {
    return s->share == NULL ? SLUICE_INVALID
                            : sl_share_set_offset_log(s->share, name, tasks_write);
}

void sl_store_set_worker(sl_store_t *s, const char *worker_id) {
    if (s->share != NULL)
        sl_share_set_worker(s->share, worker_id);
}

void sl_store_put_state(sl_store_t *s, const char *name, int task, const char *state,
                        const char *trace) {
    sl_share_state(s->share, name, task, state, trace);
}

void sl_store_drop_states(sl_store_t *s, const char *name, int from) {
    sl_share_drop_states(s->share, name, from);
}

void sl_store_note(sl_store_t *s, const char *key, const char *value) {
    sl_share_note(s->share, key, value);
}
