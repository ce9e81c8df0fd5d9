#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/text.h"

/* ---- TabSeparated ---- */

static char unescape(char c) {
    return c == 'n'   ? '\n'
           : c == 't' ? '\t'
           : c == 'r' ? '\r'
           : c == '0' ? '\0'
           : c == 'b' ? '\b'
           : c == 'f' ? '\f'
                      : c;
}

char *ch_tsv_field(char **at) {
    char *start = *at;
    char *out = start;

    if (start == NULL || *start == '\0')
        return NULL;
    while (**at != '\t' && **at != '\n' && **at != '\0') {
        if (**at == '\\' && (*at)[1] != '\0') {
            (*at)++;
            *out++ = unescape(**at);
        } else {
            *out++ = **at;
        }
        (*at)++;
    }
    if (**at != '\0')
        (*at)++;
    *out = '\0';
    return start;
}

/* ---- tables ---- */

static void free_table(ch_sink_t *s, ch_table_t *t) {
    uint32_t i;

    for (i = 0; i < t->count; i++) {
        free(t->columns[i].name);
        ch_type_destroy(t->columns[i].type);
    }
    s->api->schema_unref(t->plan_schema);
    free(t->columns);
    free(t->plan);
    free(t->name);
    free(t);
}

void ch_tables_free(ch_sink_t *s) {
    while (s->tables != NULL) {
        ch_table_t *next = s->tables->next;

        free_table(s, s->tables);
        s->tables = next;
    }
}

static ch_table_t *find(const ch_sink_t *s, const char *name) {
    ch_table_t *t = s->tables;

    while (t != NULL && strcmp(t->name, name) != 0)
        t = t->next;
    return t;
}

static ch_table_t *table_named(ch_sink_t *s, const char *name) {
    ch_table_t *t =
        s->tables != NULL && strcmp(s->tables->name, name) == 0 ? s->tables : find(s, name);

    if (t != NULL)
        return t;
    t = calloc(1, sizeof(*t));
    if (t == NULL || (t->name = strdup(name)) == NULL) {
        free(t);
        return NULL;
    }
    t->next = s->tables;
    s->tables = t;
    return t;
}

static int add_column(ch_table_t *t, const char *name, const char *type, const char *default_kind) {
    ch_column_t *columns = realloc(t->columns, (t->count + 1) * sizeof(*columns));

    if (columns == NULL)
        return SLUICE_NO_MEMORY;
    t->columns = columns;
    columns += t->count;
    columns->name = strdup(name);
    columns->type = ch_type_parse(type);
    columns->has_default = strcmp(default_kind, "DEFAULT") == 0;
    t->count++; /* counted before the check, so that free_table sees it */
    return columns->name != NULL && columns->type != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

int ch_tables_load(ch_sink_t *s, sluice_str_t text) {
    char *copy = strndup(text.data, text.len);
    char *at = copy;
    char *name;
    int rc = copy != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;

    ch_tables_free(s);
    while (rc == SLUICE_OK && (name = ch_tsv_field(&at)) != NULL) {
        char *column = ch_tsv_field(&at);
        char *type = ch_tsv_field(&at);
        char *kind = ch_tsv_field(&at);
        ch_table_t *t = table_named(s, name);

        if (t == NULL || column == NULL || type == NULL)
            rc = SLUICE_NO_MEMORY;
        else if (kind == NULL || kind[0] == '\0' ||
                 strcmp(kind, "DEFAULT") == 0) /* others cannot be inserted into */
            rc = add_column(t, column, type, kind != NULL ? kind : "");
    }
    free(copy);
    return rc;
}

/* "... SETTINGS non_replicated_deduplication_window = 100, ..." */
static int has_window(const char *engine) {
    const char *found = strstr(engine, "non_replicated_deduplication_window");
    const char *number = found != NULL ? strpbrk(found, "0123456789") : NULL;

    return number != NULL && strtol(number, NULL, 10) > 0;
}

void ch_engines_load(ch_sink_t *s, sluice_str_t text) {
    char *copy = strndup(text.data, text.len);
    char *at = copy;
    char *name;

    while (copy != NULL && (name = ch_tsv_field(&at)) != NULL) {
        char *engine = ch_tsv_field(&at);
        char *full = ch_tsv_field(&at);
        ch_table_t *t = find(s, name);

        if (t == NULL || engine == NULL || full == NULL)
            continue;
        t->replaces = strstr(engine, "Replacing") != NULL;
        t->deduplicates = s->knows_token && (strncmp(engine, "Replicated", 10) == 0 ||
                                             strncmp(engine, "Shared", 6) == 0 || has_window(full));
    }
    free(copy);
}

/* ---- topic -> table ---- */

/* topic2TableMap: items "topic=table". */
static const char *mapped(ch_sink_t *s, sluice_str_t topic) {
    const char *const *items;
    size_t n = s->api->config_list(s->ctx, "topic2TableMap", &items);
    size_t i;

    for (i = 0; i < n; i++) {
        const char *equals = strchr(items[i], '=');

        if (equals != NULL &&
            sluice_str_eq(sluice_str_n(items[i], (size_t)(equals - items[i])), topic))
            return equals + 1;
    }
    return NULL;
}

ch_table_t *ch_table_of(ch_sink_t *s, sluice_str_t topic, char name[512]) {
    const char *target = mapped(s, topic);
    const char *hole =
        target == NULL && s->table_option != NULL ? strstr(s->table_option, "${topic}") : NULL;

    if (target != NULL)
        snprintf(name, 512, "%s", target);
    else if (hole != NULL)
        snprintf(name, 512, "%.*s%.*s%s", (int)(hole - s->table_option), s->table_option,
                 (int)topic.len, topic.data, hole + 8);
    else
        snprintf(name, 512, "%s", s->table_option);
    return find(s, name);
}

int32_t ch_column_find(const ch_table_t *t, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < t->count; i++) {
        if (sluice_str_eq(sluice_str(t->columns[i].name), name))
            return (int32_t)i;
    }
    return -1;
}
