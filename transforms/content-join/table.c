#include "content_join.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A version's order: position, then sub-index. Blobs compare with memcmp, as positions do. */
static size_t order_of(const sluice_position_t *position, uint32_t sub, uint8_t *out) {
    size_t n = position->len;

    memcpy(out, position->bytes, n);
    out[n++] = (uint8_t)(sub >> 24);
    out[n++] = (uint8_t)(sub >> 16);
    out[n++] = (uint8_t)(sub >> 8);
    out[n++] = (uint8_t)sub;
    return n;
}

static int fault(join_table_t *t, const char **why) {
    *why = sqlite3_errmsg(t->db);
    return SLUICE_FATAL;
}

/* ---- life ---- */

static int prepare(join_table_t *t, const char *sql, sqlite3_stmt **stmt) {
    return sqlite3_prepare_v3(t->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

/* synchronous=NORMAL: commits do not sync; a checkpoint of ours does, on a helper thread, by the
 * log's own descriptor. */
static int set_up(join_table_t *t, int64_t memory_bytes) {
    char sql[256];

    snprintf(
        sql, sizeof(sql),
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-%lld;"
        "CREATE TABLE IF NOT EXISTS versions(key BLOB, at BLOB, row BLOB, PRIMARY KEY(key, at)) "
        "WITHOUT ROWID;",
        (long long)memory_bytes / 1024);
    if (sqlite3_exec(t->db, sql, NULL, NULL, NULL) != SQLITE_OK ||
        prepare(t, "SELECT row FROM versions WHERE key=?1 AND at<=?2 ORDER BY at DESC LIMIT 1",
                &t->find) != SQLITE_OK ||
        prepare(t, "INSERT OR REPLACE INTO versions VALUES(?1,?2,?3)", &t->put) != SQLITE_OK ||
        prepare(
            t,
            "DELETE FROM versions WHERE key=?1 AND at<(SELECT max(at) FROM versions WHERE key=?1 "
            "AND at<=?2)",
            &t->prune) != SQLITE_OK ||
        prepare(t, "BEGIN IMMEDIATE", &t->begin) != SQLITE_OK ||
        prepare(t, "COMMIT", &t->commit) != SQLITE_OK)
        return SLUICE_FATAL;
    return SLUICE_OK;
}

int join_table_open(join_table_t *t, const char *path, int64_t memory_bytes, const char **why) {
    char wal[4096];

    memset(t, 0, sizeof(*t));
    t->wal_fd = -1;
    if (sqlite3_open_v2(path, &t->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        set_up(t, memory_bytes) != SLUICE_OK)
        return fault(t, why);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    t->wal_fd = open(wal, O_RDWR | O_CLOEXEC);
    if (t->wal_fd < 0) {
        *why = "its write-ahead log can't be opened";
        return SLUICE_FATAL;
    }
    return SLUICE_OK;
}

void join_table_close(join_table_t *t) {
    sqlite3_finalize(t->find);
    sqlite3_finalize(t->put);
    sqlite3_finalize(t->prune);
    sqlite3_finalize(t->begin);
    sqlite3_finalize(t->commit);
    if (t->wal_fd >= 0)
        close(t->wal_fd);
    sqlite3_close(t->db);
    memset(t, 0, sizeof(*t));
    t->wal_fd = -1;
}

/* ---- reading and writing ---- */

static void bind(sqlite3_stmt *stmt, int i, const void *data, size_t len) {
    sqlite3_bind_blob64(stmt, i, data, len, SQLITE_STATIC);
}

static int run(join_table_t *t, sqlite3_stmt *stmt, const char **why) {
    int rc = sqlite3_step(stmt);

    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? SLUICE_OK : fault(t, why);
}

static int begin(join_table_t *t, const char **why) {
    if (t->writing)
        return SLUICE_OK;
    if (run(t, t->begin, why) != SLUICE_OK)
        return SLUICE_FATAL;
    t->writing = 1;
    return SLUICE_OK;
}

static int prune(join_table_t *t, sluice_str_t key, const char **why) {
    if (t->committed_len == 0)
        return SLUICE_OK;
    bind(t->prune, 1, key.data, key.len);
    bind(t->prune, 2, t->committed, t->committed_len);
    return run(t, t->prune, why);
}

int join_table_put(join_table_t *t, sluice_str_t key, const sluice_record_t *at, sluice_str_t row,
                   const char **why) {
    uint8_t order[JOIN_ORDER_MAX];
    size_t n = order_of(&at->position, at->sub_index, order);

    if (begin(t, why) != SLUICE_OK)
        return SLUICE_FATAL;
    bind(t->put, 1, key.data, key.len);
    bind(t->put, 2, order, n);
    if (row.data != NULL)
        bind(t->put, 3, row.data, row.len);
    if (run(t, t->put, why) != SLUICE_OK)
        return SLUICE_FATAL;
    return prune(t, key, why);
}

int join_table_find(join_table_t *t, sluice_str_t key, const sluice_record_t *at, sluice_str_t *row,
                    const char **why) {
    uint8_t order[JOIN_ORDER_MAX];
    size_t n = order_of(&at->position, at->sub_index, order);
    int rc;

    sqlite3_reset(t->find);
    bind(t->find, 1, key.data, key.len);
    bind(t->find, 2, order, n);
    rc = sqlite3_step(t->find);
    if (rc == SQLITE_ROW && sqlite3_column_type(t->find, 0) != SQLITE_NULL) {
        row->data = sqlite3_column_blob(t->find, 0);
        row->len = (size_t)sqlite3_column_bytes(t->find, 0);
        return 1;
    }
    sqlite3_reset(t->find);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fault(t, why);
}

/* ---- durability ---- */

int join_table_commit(join_table_t *t, const char **why) {
    if (!t->writing)
        return SLUICE_OK;
    sqlite3_reset(t->find); /* an open read would hold the old snapshot */
    if (run(t, t->commit, why) != SLUICE_OK)
        return SLUICE_FATAL;
    t->writing = 0;
    t->dirty = 1;
    return SLUICE_OK;
}

int join_table_sync(const join_table_t *t) {
    return fdatasync(t->wal_fd) == 0 ? SLUICE_OK : SLUICE_FATAL;
}

void join_table_committed(join_table_t *t, const sluice_position_t *position) {
    t->committed_len = order_of(position, UINT32_MAX, t->committed);
}
