#include "store/takeover.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json_same.h"
#include "observe/log.h"
#include "sluice/error.h"
#include "store/store_int.h"

#define SCOPE  "store"
#define BRANCH "@topics" /* of a source connector: Connect's shape has one */
#define PIPELINES "'pipeline', 'file:pipeline'" /* kinds that are not in the logs */

/* Statements with texts as parameters; NULL is null. */
static int run(sqlite3 *db, const char *sql, const char *const *texts, int count) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    int i;

    for (i = 0; rc == SQLITE_OK && i < count; i++)
        rc = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_TRANSIENT);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* ---- connectors ---- */

static int put_connector(sqlite3 *db, const sl_mirror_connector_t *c) {
    char *topics = cJSON_PrintUnformatted(c->topics);
    char tasks[16];
    const char *texts[] = {c->name, c->config, sl_mirror_target(c), tasks, topics};
    int rc;

    snprintf(tasks, sizeof tasks, "%d", cJSON_GetArraySize(c->tasks));
    /* What plugins said of another configuration is not known of this one. */
    rc = run(db,
             "INSERT INTO configs(name, kind, config, target, tasks, topics)"
             " VALUES(?1, 'connector', ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET"
             " type = CASE WHEN config = excluded.config AND kind = 'connector' THEN type END,"
             " secrets = CASE WHEN config = excluded.config AND kind = 'connector'"
             " THEN secrets END, kind = 'connector', config = excluded.config,"
             " target = excluded.target, tasks = excluded.tasks, topics = excluded.topics"
             " WHERE kind NOT IN (" PIPELINES ")",
             texts, 5);
    if (rc == SQLITE_OK && sqlite3_changes(db) == 0)
        sl_log(SLUICE_LOG_ERROR, SCOPE,
               "connector %s of the worker's topics is in conflict with a pipeline of that name "
               "here, which stays; the connector does not run: give one of them another name",
               c->name);
    free(topics);
    return rc;
}

typedef struct names {
    char **items;
    size_t count;
} names_t;

static int add_name(names_t *names, const char *name) {
    char **grown = realloc(names->items, (names->count + 1) * sizeof *grown);

    if (grown == NULL)
        return SQLITE_NOMEM;
    names->items = grown;
    grown[names->count] = strdup(name);
    return grown[names->count++] == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static void names_fini(names_t *names) {
    while (names->count > 0)
        free(names->items[--names->count]);
    free(names->items);
}

/* Connectors that SQLite has and the logs have not. */
static int find_dropped(sqlite3 *db, const sl_mirror_t *mirror, names_t *dropped) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT name FROM configs WHERE kind = 'connector'", -1,
                                &statement, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const sl_mirror_connector_t *c = sl_mirror_find(mirror, name);
        rc = c == NULL || c->config == NULL ? add_name(dropped, name) : SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int drop_connectors(sqlite3 *db, const sl_mirror_t *mirror) {
    names_t dropped = {NULL, 0};
    int rc = find_dropped(db, mirror, &dropped);
    size_t i;

    for (i = 0; rc == SQLITE_OK && i < dropped.count; i++) {
        const char *texts[] = {dropped.items[i]};
        sl_log(SLUICE_LOG_WARN, SCOPE,
               "connector %s is not in the worker's topics any more, so it is deleted here, too",
               dropped.items[i]);
        rc = run(db, "DELETE FROM configs WHERE name = ?1", texts, 1);
    }
    names_fini(&dropped);
    return rc;
}

static int take_connectors(sqlite3 *db, const sl_mirror_t *mirror) {
    int rc = drop_connectors(db, mirror);
    size_t i;

    for (i = 0; rc == SQLITE_OK && i < mirror->connectors.count; i++) {
        const sl_mirror_connector_t *c = mirror->connectors.entries[i].value;
        if (c->config != NULL)
            rc = put_connector(db, c);
    }
    return rc;
}

/* ---- offsets ---- */

/* Columns: connector, partition, offset, position in hexadecimal, sub index. A row that says
 * another offset than the logs, or, where they say one, another position. */
static int is_outdated(const sl_mirror_t *mirror, sqlite3_stmt *row) {
    const sl_mirror_connector_t *c =
        sl_mirror_find(mirror, (const char *)sqlite3_column_text(row, 0));
    const sl_mirror_offset_t *o =
        c == NULL ? NULL : sl_mirror_find_offset(c, (const char *)sqlite3_column_text(row, 1));

    if (o == NULL || !sl_json_same(o->value, (const char *)sqlite3_column_text(row, 2)))
        return 1;
    return o->position != NULL &&
           (strcmp(o->position, (const char *)sqlite3_column_text(row, 3)) != 0 ||
            sqlite3_column_int64(row, 4) != (sqlite3_int64)o->sub);
}

static int find_outdated(sqlite3 *db, const sl_mirror_t *mirror, names_t *rows) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT pipeline, part, offset, lower(hex(position)), sub"
                                " FROM positions WHERE branch = ?1 AND"
                                " pipeline NOT IN (SELECT name FROM configs"
                                " WHERE kind IN (" PIPELINES "))",
                                -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, BRANCH, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *part = (const char *)sqlite3_column_text(statement, 1);
        rc = SQLITE_OK;
        if (is_outdated(mirror, statement) && (rc = add_name(rows, name)) == SQLITE_OK)
            rc = add_name(rows, part);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int drop_outdated(sqlite3 *db, const sl_mirror_t *mirror) {
    names_t rows = {NULL, 0};
    int rc = find_outdated(db, mirror, &rows);
    size_t i;

    for (i = 0; rc == SQLITE_OK && i + 1 < rows.count; i += 2) {
        const char *texts[] = {rows.items[i], rows.items[i + 1], BRANCH};
        rc = run(db, "DELETE FROM positions WHERE pipeline = ?1 AND part = ?2 AND branch = ?3",
                 texts, 3);
    }
    names_fini(&rows);
    return rc;
}

/* The offsets, by their partitions, of which SQLite knows a position. */
static int find_stored(sqlite3 *db, const sl_mirror_connector_t *c, sl_map_t *stored) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT part FROM positions WHERE pipeline = ?1 AND branch = ?2", -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, c->name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 2, BRANCH, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        sl_mirror_offset_t *o =
            sl_mirror_find_offset(c, (const char *)sqlite3_column_text(statement, 0));
        rc = SQLITE_OK;
        if (o != NULL && sl_map_put(stored, sluice_str(o->partition), o) != SLUICE_OK)
            rc = SQLITE_NOMEM;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_offset(sqlite3 *db, const char *name, const sl_mirror_offset_t *o) {
    const char *part = o->place_partition == NULL ? o->partition : o->place_partition;
    unsigned char position[POSITION_MAX] = {0};
    int64_t len = o->position == NULL ? 0
                                      : sl_hex_decode(o->position, strlen(o->position), position,
                                                      sizeof position);
    sqlite3_stmt *statement = NULL;
    /* Two keys may be the same partition in other bytes. */
    int rc = sqlite3_prepare_v2(db,
                                "INSERT OR IGNORE INTO"
                                " positions(pipeline, branch, part, position, sub, offset)"
                                " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?1 NOT IN"
                                " (SELECT name FROM configs WHERE kind IN (" PIPELINES "))",
                                -1, &statement, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, BRANCH, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, part, -1, SQLITE_STATIC);
        sqlite3_bind_blob(statement, 4, position, len < 0 ? 0 : (int)len, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 5, (sqlite3_int64)o->sub);
        sqlite3_bind_text(statement, 6, o->value, -1, SQLITE_STATIC);
        rc = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What is left in SQLite agrees with the logs; what it lacks begins from what they say: an offset,
 * and the position if they have it. */
static int put_offsets(sqlite3 *db, const sl_mirror_connector_t *c) {
    sl_map_t stored = {0};
    int rc = find_stored(db, c, &stored);
    size_t i;

    for (i = 0; rc == SQLITE_OK && i < c->offsets.count; i++) {
        const sl_mirror_offset_t *o = c->offsets.entries[i].value;
        if (o->value != NULL && sl_map_get(&stored, sluice_str(o->partition)) == NULL)
            rc = put_offset(db, c->name, o);
    }
    sl_map_fini(&stored);
    return rc;
}

static int take_offsets(sqlite3 *db, const sl_mirror_t *mirror) {
    int rc = drop_outdated(db, mirror);
    size_t i;

    for (i = 0; rc == SQLITE_OK && i < mirror->connectors.count; i++)
        rc = put_offsets(db, mirror->connectors.entries[i].value);
    return rc;
}

int sl_take_over(sl_store_t *s, const sl_mirror_t *mirror, int only_offsets) {
    char why[512];
    int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc == SQLITE_OK && !only_offsets)
        rc = take_connectors(s->db, mirror);
    if (rc == SQLITE_OK)
        rc = take_offsets(s->db, mirror);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return SLUICE_OK;
    sl_store_explain(s->db, s->folder, why, sizeof why);
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    sl_log(SLUICE_LOG_ERROR, SCOPE, "what the worker's topics say cannot be stored: %s", why);
    return SLUICE_FATAL;
}
