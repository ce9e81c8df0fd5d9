#include "postgres_sink.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- names ---- */

char *pg_table_name(const pg_sink_t *sink, sluice_str_t topic) {
    const char *at = strstr(sink->table_format, "${topic}");
    char *name = NULL;

    if (at == NULL)
        return strdup(sink->table_format);
    if (asprintf(&name, "%.*s%.*s%s", (int)(at - sink->table_format), sink->table_format,
                 (int)topic.len, topic.data, at + strlen("${topic}")) < 0)
        return NULL;
    return name;
}

/* "a.b.c" is schema b and table c: the last two parts, as a Debezium topic has them. */
static const char *last_two(const char *name) {
    const char *dot = strrchr(name, '.');
    const char *before = dot != NULL ? memrchr(name, '.', (size_t)(dot - name)) : NULL;

    return before != NULL ? before + 1 : name;
}

char *pg_quoted_name(const char *name) {
    const char *rest = last_two(name);
    const char *dot = strchr(rest, '.');
    pg_sql_t sql = {0};
    char *schema;

    if (dot != NULL) {
        schema = strndup(rest, (size_t)(dot - rest));
        if (schema != NULL)
            pg_sql_ident(&sql, schema);
        free(schema);
        pg_sql_put(&sql, ".");
        rest = dot + 1;
    }
    pg_sql_ident(&sql, rest);
    if (sql.failed)
        pg_sql_fini(&sql);
    return sql.text;
}

pg_target_t *pg_target_find(const pg_sink_t *sink, const char *name) {
    pg_target_t *t = sink->targets;

    while (t != NULL && strcmp(t->name, name) != 0)
        t = t->next;
    return t;
}

/* ---- the catalogue ---- */

void pg_target_query(pg_sql_t *sql, const char *name) {
    char *quoted = pg_quoted_name(name);

    pg_sql_put(
        sql,
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), "
        "coalesce(array_position(i.indkey::int2[], a.attnum)+1, 0)"
        " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid=a.attrelid AND i.indisprimary"
        " WHERE a.attrelid=to_regclass(");
    pg_sql_literal(sql, quoted != NULL ? quoted : "");
    pg_sql_put(sql,
               ") AND a.attnum>0 AND NOT a.attisdropped AND a.attgenerated='' ORDER BY a.attnum");
    free(quoted);
}

static void free_target(pg_target_t *t) {
    size_t i;

    for (i = 0; i < t->column_count; i++) {
        free(t->columns[i].name);
        free(t->columns[i].type);
    }
    free(t->columns);
    free(t->name);
    free(t->sql_name);
    free(t);
}

pg_target_t *pg_target_from(const pg_sink_t *sink, const char *name, const PGresult *result) {
    int rows = PQntuples(result);
    pg_target_t *t;
    int i;

    if (rows == 0)
        return NULL;
    t = calloc(1, sizeof(*t));
    if (t == NULL || (t->columns = calloc((size_t)rows, sizeof(*t->columns))) == NULL) {
        free(t);
        return NULL;
    }
    t->seen = sink->deliveries;
    t->name = strdup(name);
    t->sql_name = pg_quoted_name(name);
    for (i = 0; i < rows; i++) {
        pg_column_t *c = &t->columns[t->column_count++];

        c->name = strdup(PQgetvalue(result, i, 0));
        c->type = strdup(PQgetvalue(result, i, 1));
        c->key = (int)strtol(PQgetvalue(result, i, 2), NULL, 10);
        t->key_count += c->key > 0;
    }
    return t;
}

size_t pg_targets_forget(pg_sink_t *sink) {
    pg_target_t **at = &sink->targets;
    size_t n = 0;

    while (*at != NULL) {
        pg_target_t *t = *at;

        if (t->seen == sink->deliveries) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        free_target(t);
        n++;
    }
    return n;
}

void pg_targets_free(pg_sink_t *sink) {
    while (sink->targets != NULL) {
        pg_target_t *next = sink->targets->next;

        free_target(sink->targets);
        sink->targets = next;
    }
}

const pg_column_t *pg_target_column(const pg_target_t *t, sluice_str_t name) {
    size_t i;

    for (i = 0; i < t->column_count; i++) {
        if (strlen(t->columns[i].name) == name.len &&
            memcmp(t->columns[i].name, name.data, name.len) == 0)
            return &t->columns[i];
    }
    return NULL;
}

int pg_is_key(const pg_sink_t *sink, const pg_target_t *t, const pg_column_t *column) {
    size_t i;

    (void)t;
    if (sink->key_count == 0)
        return column->key > 0;
    for (i = 0; i < sink->key_count; i++) {
        if (strcmp(sink->keys[i], column->name) == 0)
            return 1;
    }
    return 0;
}

size_t pg_key_count(const pg_sink_t *sink, const pg_target_t *t) {
    return sink->key_count > 0 ? sink->key_count : t->key_count;
}
