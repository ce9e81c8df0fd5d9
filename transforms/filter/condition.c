#include "condition.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/extend.h"

enum { MAX_NAMES = 64, NAME_MAX_LEN = 128, SQL_MAX = 32768 };

/* A name in the expression: field, or table.field for a field of a struct in a field. */
typedef struct name {
    char table[NAME_MAX_LEN];
    char field[NAME_MAX_LEN];
} name_t;

struct condition {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sqlite3 *db;
    sqlite3_stmt *statement;
    name_t names[MAX_NAMES];
    size_t name_count;
};

void condition_destroy(condition_t *c) {
    if (c == NULL)
        return;
    sqlite3_finalize(c->statement);
    sqlite3_close(c->db);
    free(c);
}

static int first_of_table(const condition_t *c, size_t i) {
    size_t j;

    for (j = 0; j < i; j++)
        if (strcmp(c->names[j].table, c->names[i].table) == 0)
            return 0;
    return 1;
}

/* SELECT (expression) FROM (SELECT ?1 AS "a", ?3 AS "b") AS "", (SELECT ?2 AS "id") AS "after" */
static char *build_sql(const condition_t *c, const char *expression) {
    sqlite3_str *sql = sqlite3_str_new(c->db);
    size_t i, j;
    int n = 0;

    sqlite3_str_appendf(sql, "SELECT (%s\n)", expression);
    for (i = 0; i < c->name_count; i++) {
        if (!first_of_table(c, i))
            continue;
        sqlite3_str_appendf(sql, "%s (SELECT ", n++ == 0 ? " FROM" : ",");
        for (j = i; j < c->name_count; j++)
            if (strcmp(c->names[j].table, c->names[i].table) == 0)
                sqlite3_str_appendf(sql, "%s?%d AS \"%w\"", j == i ? "" : ", ", (int)j + 1,
                                    c->names[j].field);
        sqlite3_str_appendf(sql, ") AS \"%w\"",
                            c->names[i].table[0] == '\0' ? "_record" : c->names[i].table);
    }
    return sqlite3_str_finish(sql);
}

/* Adds the name that SQLite did not know. 0 when the message is about something else. */
static int learn_name(condition_t *c, const char *message) {
    static const char unknown[] = "no such column: ";
    name_t *n = &c->names[c->name_count];
    const char *text, *dot;

    if (strncmp(message, unknown, sizeof(unknown) - 1) != 0 || c->name_count == MAX_NAMES)
        return 0;
    text = message + sizeof(unknown) - 1;
    dot = strchr(text, '.');
    if (strlen(text) >= NAME_MAX_LEN || (dot != NULL && strchr(dot + 1, '.') != NULL))
        return 0;
    snprintf(n->table, sizeof(n->table), "%.*s", dot == NULL ? 0 : (int)(dot - text), text);
    snprintf(n->field, sizeof(n->field), "%s", dot == NULL ? text : dot + 1);
    c->name_count++;
    return 1;
}

static int compile(condition_t *c, const char *expression, char *error, size_t size) {
    const char *message;
    char *sql;
    int status;

    for (;;) {
        sql = build_sql(c, expression);
        if (sql == NULL)
            return SLUICE_NO_MEMORY;
        status = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->statement, NULL);
        sqlite3_free(sql);
        if (status == SQLITE_OK)
            break;
        message = sqlite3_errmsg(c->db);
        if (!learn_name(c, message)) {
            snprintf(error, size, "\"%s\" is no SQL expression: %s", expression, message);
            return SLUICE_INVALID;
        }
    }
    if (sqlite3_column_count(c->statement) == 1 && sqlite3_stmt_readonly(c->statement))
        return SLUICE_OK;
    snprintf(error, size, "must be one expression");
    return SLUICE_INVALID;
}

condition_t *condition_create(const sluice_api_t *api, sluice_ctx_t *ctx, const char *expression,
                              char *error, size_t size) {
    condition_t *c = calloc(1, sizeof(*c));

    snprintf(error, size, "no memory");
    if (c == NULL)
        return NULL;
    c->api = api;
    c->ctx = ctx;
    if (sqlite3_open_v2(":memory:", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL) == SQLITE_OK &&
        compile(c, expression, error, size) == SLUICE_OK)
        return c;
    condition_destroy(c);
    return NULL;
}

/* ---- records ---- */

static void bind_text(condition_t *c, int i, sluice_str_t s) {
    sqlite3_bind_text64(c->statement, i, s.data, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_number_text(condition_t *c, int i, sluice_str_t s) {
    char text[64];

    snprintf(text, sizeof(text), "%.*s", (int)(s.len < 63 ? s.len : 63), s.data);
    sqlite3_bind_double(c->statement, i, strtod(text, NULL));
}

/* Arrays, maps and structs as JSON text, which SQLite's json functions understand. */
static void bind_json(condition_t *c, int i, const sluice_value_t *v) {
    sluice_batch_t *scratch = c->api->batch_new(c->ctx, 0);
    sluice_buf_t buf;
    sluice_str_t text;

    if (scratch == NULL)
        return;
    c->api->buf_init(&buf, scratch, 0);
    c->api->json->write(&buf, v, SLUICE_JSON_NUMERIC_DECIMAL);
    text = c->api->buf_finish(&buf);
    if (text.data != NULL)
        sqlite3_bind_text64(c->statement, i, text.data, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    c->api->batch_unref(scratch);
}

static void bind_value(condition_t *c, int i, const sluice_value_t *v) {
    switch (v == NULL ? SLUICE_NULL : v->kind) {
    case SLUICE_NULL: return; /* unbound is null */
    case SLUICE_STRING: bind_text(c, i, sluice_value_str(v)); return;
    case SLUICE_BYTES: sqlite3_bind_blob64(c->statement, i, v->as.s, v->len, SQLITE_STATIC); return;
    case SLUICE_DECIMAL: bind_number_text(c, i, sluice_value_str(v)); return;
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64:
        if ((v->flags & SLUICE_TEXT) != 0)
            bind_number_text(c, i, sluice_value_str(v));
        else
            sqlite3_bind_double(c->statement, i, v->as.f);
        return;
    case SLUICE_ARRAY:
    case SLUICE_MAP:
    case SLUICE_STRUCT: bind_json(c, i, v); return;
    default: sqlite3_bind_int64(c->statement, i, sluice_value_int(v));
    }
}

/* The names that are no fields. 0 when this is none of them. */
static int bind_special(condition_t *c, int i, const char *name, const sluice_record_t *r) {
    if (strcmp(name, "_topic") == 0)
        bind_text(c, i, r->topic);
    else if (strcmp(name, "_key") == 0)
        bind_value(c, i, &r->key);
    else if (strcmp(name, "_timestamp") == 0 && r->timestamp_type != SLUICE_TIMESTAMP_NONE)
        sqlite3_bind_int64(c->statement, i, r->timestamp);
    else if (strcmp(name, "_partition") == 0 && r->partition != SLUICE_NO_PARTITION)
        sqlite3_bind_int64(c->statement, i, r->partition);
    else
        return strcmp(name, "_timestamp") == 0 || strcmp(name, "_partition") == 0;
    return 1;
}

static void bind_name(condition_t *c, int i, const name_t *n, const sluice_record_t *r) {
    const sluice_value_t *v = &r->value;

    if (n->table[0] == '\0' && n->field[0] == '_' && bind_special(c, i, n->field, r))
        return;
    if (n->table[0] != '\0')
        v = value_field(v, sluice_str(n->table), NULL);
    bind_value(c, i, v == NULL ? NULL : value_field(v, sluice_str(n->field), NULL));
}

int condition_test(condition_t *c, const sluice_record_t *record, char *error, size_t size) {
    int status, result = 0;
    size_t i;

    for (i = 0; i < c->name_count; i++)
        bind_name(c, (int)i + 1, &c->names[i], record);
    status = sqlite3_step(c->statement);
    if (status == SQLITE_ROW)
        result = sqlite3_column_type(c->statement, 0) != SQLITE_NULL &&
                 sqlite3_column_double(c->statement, 0) != 0;
    else
        result = -1;
    if (result < 0)
        snprintf(error, size, "%s", sqlite3_errmsg(c->db));
    sqlite3_reset(c->statement);
    sqlite3_clear_bindings(c->statement);
    return result;
}
