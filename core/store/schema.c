#include "store/store_int.h"

#include <stdio.h>
#include <string.h>

/* steps[n] leads from format n to n + 1. Never changed once released; new formats are added at the
 * end, together with SL_STORE_FORMAT. */
static const char *const steps[] = {
    "CREATE TABLE format(version INTEGER NOT NULL, written_by TEXT NOT NULL);"
    "INSERT INTO format VALUES(0, '');"
    "CREATE TABLE configs(name TEXT PRIMARY KEY, kind TEXT NOT NULL, config TEXT NOT NULL,"
    " target TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE positions(pipeline TEXT NOT NULL, branch TEXT NOT NULL, part TEXT NOT NULL,"
    " position BLOB NOT NULL, sub INTEGER NOT NULL, offset TEXT, cookie TEXT,"
    " PRIMARY KEY(pipeline, branch, part)) WITHOUT ROWID;",

    "CREATE TABLE history(id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, task INTEGER NOT NULL,"
    " state TEXT NOT NULL, trace TEXT, ts INTEGER NOT NULL);"
    "CREATE INDEX history_pipeline ON history(pipeline, id);",

    "ALTER TABLE configs ADD COLUMN type TEXT; ALTER TABLE configs ADD COLUMN secrets TEXT;",

    "ALTER TABLE configs ADD COLUMN tasks INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE configs ADD COLUMN topics TEXT;",
};

_Static_assert(sizeof steps / sizeof steps[0] == SL_STORE_FORMAT, "one step for each format");

void sl_store_explain(sqlite3 *db, const char *folder, char *out, size_t size) {
    int code = sqlite3_extended_errcode(db);
    const char *hint;

    switch (code & 0xff) {
    case SQLITE_FULL:
        hint = "free some space on its disk";
        break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        hint = "make it writable for this user, or choose another with --data";
        break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        hint = "sluice.db is damaged: restore it from a backup, or move it away to begin anew";
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        hint = "another program has sluice.db open: close it";
        break;
    default:
        hint = "check the disk";
        break;
    }
    snprintf(out, size, "data directory %s: %s (SQLite error %d); %s", folder, sqlite3_errmsg(db),
             code, hint);
}

/* The format of the file: 0 for an empty one, -1 on failure. */
static int read_format(sqlite3 *db) {
    sqlite3_stmt *statement = NULL;
    int version = -1;
    int rc = sqlite3_prepare_v2(
        db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'format'", -1,
        &statement, NULL);

    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0) == 0 ? 0 : 1;
    sqlite3_finalize(statement);
    if (version <= 0)
        return version;
    version = -1;
    if (sqlite3_prepare_v2(db, "SELECT version FROM format", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

static int run_steps(sqlite3 *db, int version) {
    char stamp[128];
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    for (; rc == SQLITE_OK && version < SL_STORE_FORMAT; version++)
        rc = sqlite3_exec(db, steps[version], NULL, NULL, NULL);
    snprintf(stamp, sizeof stamp,
             "UPDATE format SET version = %d, written_by = 'sluice " SLUICE_VERSION "'",
             SL_STORE_FORMAT);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, stamp, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

int sl_store_migrate(sqlite3 *db, const char *folder, char *error, size_t size) {
    int version = read_format(db);

    if (version > SL_STORE_FORMAT) {
        snprintf(error, size,
                 "data directory %s was written by a newer sluice (format %d, this one, %s, knows "
                 "formats up to %d); start that newer sluice, or choose another directory with "
                 "--data",
                 folder, version, SLUICE_VERSION, SL_STORE_FORMAT);
        return -1;
    }
    if (version < 0 || (version < SL_STORE_FORMAT && run_steps(db, version) != SQLITE_OK)) {
        sl_store_explain(db, folder, error, size);
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return 0;
}
