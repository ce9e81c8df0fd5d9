#include "store/store_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/member.h"
#include "base/text.h"
#include "sluice/error.h"
#include "store/share.h"

void sl_store_request_destroy(request_t *r) {
    size_t i;

    if (r == NULL)
        return;
    sl_share_free_entries(r);
    cJSON_Delete(r->json);
    free(r->name);
    for (i = 0; i < REQUEST_TEXTS; i++)
        free(r->texts[i]);
    free(r);
}

request_t *sl_store_request_create(const char *name, const char *a, const char *b, const char *c) {
    request_t *r = calloc(1, sizeof *r);

    if (r != NULL && sl_copy_text(&r->name, name) && sl_copy_text(&r->texts[0], a) &&
        sl_copy_text(&r->texts[1], b) && sl_copy_text(&r->texts[2], c))
        return r;
    sl_store_request_destroy(r);
    return NULL;
}

int sl_store_request(sl_store_t *store, request_t *r, int status,
                     int (*run)(sqlite3 *, request_t *), sl_store_done_fn done, void *user) {
    if (r == NULL || status != SLUICE_OK) {
        sl_store_request_destroy(r);
        return r == NULL ? SLUICE_NO_MEMORY : status;
    }
    r->run = run;
    r->done = done;
    r->user = user;
    return sl_store_submit(store, r);
}

static int submit(sl_store_t *store, request_t *r, int (*run)(sqlite3 *, request_t *),
                  sl_store_done_fn done, void *user) {
    return sl_store_request(store, r, SLUICE_OK, run, done, user);
}

int sl_store_run_texts(sqlite3 *db, const request_t *r, const char *sql) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    int count = rc == SQLITE_OK ? sqlite3_bind_parameter_count(statement) : 0;
    int i;

    for (i = 1; rc == SQLITE_OK && i <= count; i++)
        rc = sqlite3_bind_text(statement, i, i == 1 ? r->name : r->texts[i - 2], -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int run_put_config(sqlite3 *db, request_t *r) {
    return sl_store_run_texts(db, r,
                              "INSERT INTO configs(name, kind, config, target, type, secrets)"
                              " VALUES(?1, ?2, ?3, coalesce(?4, 'RUNNING'), ?5, ?6)"
                              " ON CONFLICT DO UPDATE SET kind = excluded.kind,"
                              " config = excluded.config, target = coalesce(?4, target),"
                              " type = excluded.type, secrets = excluded.secrets");
}

int sl_store_put_config(sl_store_t *store, const sl_store_config_t *config, sl_store_done_fn done,
                        void *user) {
    request_t *r =
        sl_store_request_create(config->name, config->kind, config->text, config->target);

    if (r != NULL && (!sl_copy_text(&r->texts[3], config->type) ||
                      !sl_copy_text(&r->texts[4], config->secrets))) {
        sl_store_request_destroy(r);
        r = NULL;
    }
    if (r != NULL)
        r->fail_fast = 1;
    return sl_store_request(store, r, r == NULL ? 0 : sl_share_config(store->share, r, config),
                            run_put_config, done, user);
}

static int run_put_target(sqlite3 *db, request_t *r) {
    return sl_store_run_texts(db, r, "UPDATE configs SET target = ?2 WHERE name = ?1");
}

int sl_store_put_target(sl_store_t *store, const char *name, const char *target,
                        sl_store_done_fn done, void *user) {
    request_t *r = sl_store_request_create(name, target, NULL, NULL);

    if (r != NULL)
        r->fail_fast = 1;
    return sl_store_request(store, r,
                            r == NULL ? 0 : sl_share_target(store->share, r, name, target),
                            run_put_target, done, user);
}

static int run_delete_config(sqlite3 *db, request_t *r) {
    int rc = sl_store_run_texts(db, r, "DELETE FROM configs WHERE name = ?1");
    if (rc != SQLITE_OK)
        return rc;
    return sl_store_run_texts(db, r, "DELETE FROM history WHERE pipeline = ?1");
}

int sl_store_delete_config(sl_store_t *store, const char *name, sl_store_done_fn done, void *user) {
    request_t *r = sl_store_request_create(name, NULL, NULL, NULL);

    if (r != NULL)
        r->fail_fast = 1;
    return sl_store_request(store, r, r == NULL ? 0 : sl_share_delete(store->share, r, name),
                            run_delete_config, done, user);
}

static int run_delete_positions(sqlite3 *db, request_t *r) {
    return sl_store_run_texts(db, r, "DELETE FROM positions WHERE pipeline = ?1");
}

int sl_store_delete_positions(sl_store_t *store, const char *pipeline, sl_store_done_fn done,
                              void *user) {
    request_t *r = sl_store_request_create(pipeline, NULL, NULL, NULL);

    if (r != NULL) {
        r->fail_fast = 1;
        r->log = SL_LOG_OFFSETS;
    }
    return submit(store, r, run_delete_positions, done, user);
}

static int is_entry(const cJSON *entry) {
    unsigned char bytes[POSITION_MAX];
    const char *position = sl_text(entry, "position");

    return sl_text(entry, "branch") != NULL && sl_text(entry, "partition") != NULL &&
           position != NULL && sl_hex_decode(position, strlen(position), bytes, sizeof bytes) >= 0;
}

static int put_entry(sqlite3_stmt *statement, const char *pipeline, const cJSON *entry) {
    unsigned char bytes[POSITION_MAX];
    const char *position = sl_text(entry, "position");
    int len = (int)sl_hex_decode(position, strlen(position), bytes, sizeof bytes);
    int rc;

    sqlite3_bind_text(statement, 1, pipeline, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, sl_text(entry, "branch"), -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, sl_text(entry, "partition"), -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 4, bytes, len, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)sl_number(entry, "sub"));
    sqlite3_bind_text(statement, 6, sl_text(entry, "offset"), -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 7, sl_text(entry, "cookie"), -1, SQLITE_STATIC);
    rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sl_store_run_put_positions(sqlite3 *db, request_t *r) {
    sqlite3_stmt *statement = NULL;
    const cJSON *entry;
    int rc = sqlite3_prepare_v2(
        db,
        "INSERT INTO positions(pipeline, branch, part, position, sub, offset, cookie)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT DO UPDATE SET position = excluded.position, sub = excluded.sub,"
        " offset = excluded.offset, cookie = excluded.cookie",
        -1, &statement, NULL);

    for (entry = r->json->child; rc == SQLITE_OK && entry != NULL; entry = entry->next)
        rc = put_entry(statement, r->name, entry);
    sqlite3_finalize(statement);
    return rc;
}

int sl_store_is_entries(const cJSON *entries) {
    const cJSON *entry;
    int valid = cJSON_IsArray(entries);

    for (entry = valid ? entries->child : NULL; valid && entry != NULL; entry = entry->next)
        valid = is_entry(entry);
    return valid;
}

int sl_store_put_positions(sl_store_t *store, const char *pipeline, cJSON *entries,
                           sl_store_done_fn done, void *user) {
    int valid = sl_store_is_entries(entries);
    request_t *r = valid ? sl_store_request_create(pipeline, NULL, NULL, NULL) : NULL;

    if (r == NULL) {
        cJSON_Delete(entries);
        return valid ? SLUICE_NO_MEMORY : SLUICE_INVALID;
    }
    r->json = entries;
    r->log = SL_LOG_OFFSETS;
    return submit(store, r, sl_store_run_put_positions, done, user);
}

static void add_text(cJSON *object, const char *key, sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);

    if (text == NULL)
        cJSON_AddNullToObject(object, key);
    else
        cJSON_AddStringToObject(object, key, text);
}

static void position_row(cJSON *object, sqlite3_stmt *statement) {
    add_text(object, "branch", statement, 0);
    add_text(object, "partition", statement, 1);
    add_text(object, "position", statement, 2);
    cJSON_AddNumberToObject(object, "sub", (double)sqlite3_column_int64(statement, 3));
    add_text(object, "offset", statement, 4);
    add_text(object, "cookie", statement, 5);
}

static void history_row(cJSON *object, sqlite3_stmt *statement) {
    cJSON_AddNumberToObject(object, "task", sqlite3_column_int(statement, 0));
    add_text(object, "state", statement, 1);
    add_text(object, "trace", statement, 2);
    cJSON_AddNumberToObject(object, "ts", (double)sqlite3_column_int64(statement, 3));
}

static int run_load(sqlite3 *db, request_t *r, const char *sql,
                    void (*row)(cJSON *object, sqlite3_stmt *statement)) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    cJSON_Delete(r->json); /* of an attempt that was rolled back */
    r->json = cJSON_CreateArray();
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, r->name, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        cJSON *object = cJSON_CreateObject();
        row(object, statement);
        cJSON_AddItemToArray(r->json, object);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_load_positions(sqlite3 *db, request_t *r) {
    return run_load(db, r,
                    "SELECT branch, part, lower(hex(position)), sub, offset, cookie FROM positions"
                    " WHERE pipeline = ?1",
                    position_row);
}

static int run_load_status(sqlite3 *db, request_t *r) {
    return run_load(db, r,
                    "SELECT task, state, trace, ts FROM history WHERE pipeline = ?1"
                    " ORDER BY id DESC",
                    history_row);
}

static int submit_load(sl_store_t *store, const char *name, int log,
                       int (*run)(sqlite3 *, request_t *), sl_store_load_fn loaded, void *user) {
    request_t *r = sl_store_request_create(name, NULL, NULL, NULL);

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    r->loaded = loaded;
    r->log = log;
    return submit(store, r, run, NULL, user);
}

int sl_store_load_positions(sl_store_t *store, const char *pipeline, sl_store_load_fn loaded,
                            void *user) {
    return submit_load(store, pipeline, SL_LOG_OFFSETS, run_load_positions, loaded, user);
}

int sl_store_load_status(sl_store_t *store, const char *pipeline, sl_store_load_fn loaded,
                         void *user) {
    return submit_load(store, pipeline, SL_LOG_CONFIGS, run_load_status, loaded, user);
}

static int run_put_status(sqlite3 *db, request_t *r) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "INSERT INTO history(pipeline, state, trace, task, ts)"
                                " VALUES(?1, ?2, ?3, ?4, ?5)",
                                -1, &statement, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, r->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, r->texts[0], -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, r->texts[1], -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 4, r->task);
        sqlite3_bind_int64(statement, 5, sl_wall_ms());
        rc = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    if (rc != SQLITE_DONE)
        return rc;
    return sl_store_run_texts(db, r,
                              "DELETE FROM history WHERE pipeline = ?1 AND id <= (SELECT id FROM "
                              "history WHERE pipeline = ?1 ORDER BY id DESC LIMIT 1 OFFSET 50)");
}

int sl_store_put_status(sl_store_t *store, const char *pipeline, int task, const char *state,
                        const char *trace) {
    request_t *r = sl_store_request_create(pipeline, state, trace, NULL);

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    r->task = task;
    return submit(store, r, run_put_status, NULL, NULL);
}
