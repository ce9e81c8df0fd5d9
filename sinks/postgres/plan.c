#include "postgres_sink.h"

#include <stdlib.h>

#include "support/extend.h"
#include "support/position.h"

/* ---- shape of a record ---- */

/* The value of a column: out of the record's value, or, for a key column, out of its key (a whole
 * scalar key is the only key column). NULL when the record does not have it. */
static const sluice_value_t *column_value(const sluice_record_t *r, const pg_column_t *column,
                                          int is_key, const sluice_schema_t **schema) {
    sluice_str_t name = sluice_str(column->name);
    const sluice_value_t *v = value_field(&r->value, name, schema);

    if (v != NULL || !is_key)
        return v;
    v = value_field(&r->key, name, schema);
    if (v != NULL || sluice_is_null(&r->key) || r->key.kind == SLUICE_STRUCT ||
        r->key.kind == SLUICE_MAP)
        return v;
    *schema = r->key_schema;
    return &r->key;
}

static size_t field_count(const sluice_value_t *v) {
    return v->kind == SLUICE_STRUCT ? v->as.st->schema->field_count
           : v->kind == SLUICE_MAP  ? v->len
                                    : 0;
}

static sluice_str_t field_name(const sluice_value_t *v, size_t i) {
    return v->kind == SLUICE_STRUCT ? v->as.st->schema->fields[i].name
                                    : sluice_value_str(&v->as.items[2 * i]);
}

/* Every field must have its column, unless missing columns are to be ignored. SLUICE_BUSY: the
 * table may have got the column since we looked. */
static int check_fields(pg_sink_t *sink, const pg_target_t *t, const sluice_record_t *r) {
    size_t n = field_count(&r->value);
    size_t i;

    if (sluice_is_null(&r->value))
        return SLUICE_OK;
    if (n == 0)
        return pg_bad(sink, SLUICE_BAD_RECORD, "postgres.shape",
                      "table %s: the value is neither a struct nor a map with fields", t->name);
    for (i = 0; i < n; i++) {
        sluice_str_t name = field_name(&r->value, i);

        if (pg_target_column(t, name) != NULL)
            continue;
        if (t->seen != sink->deliveries)
            return SLUICE_BUSY;
        if (sink->missing == MISSING_FAIL)
            return pg_bad(sink, SLUICE_BAD_RECORD, "postgres.column",
                          "table %s has no column for the field %.*s: add it, or set "
                          "missing.columns=ignore",
                          t->name, (int)name.len, name.data);
    }
    return SLUICE_OK;
}

/* ---- groups ---- */

static int fits(const pg_group_t *g, const pg_target_t *t, const sluice_record_t *r) {
    const sluice_schema_t *schema;
    size_t i;

    if (g == NULL || g->target != t)
        return 0;
    if (r->value.kind == SLUICE_STRUCT)
        return g->schema == r->value.as.st->schema;
    if (sluice_is_null(&r->value))
        return 1; /* a delete needs the key columns only, and every group has them */
    for (i = 0; i < field_count(&r->value); i++) {
        size_t k = 0;

        if (pg_target_column(t, field_name(&r->value, i)) == NULL)
            continue;
        while (k < g->column_count &&
               !sluice_str_eq(sluice_str(g->columns[k]->name), field_name(&r->value, i)))
            k++;
        if (k == g->column_count)
            return 0;
    }
    for (i = 0; i < g->column_count; i++) {
        if (column_value(r, g->columns[i], 1, &schema) == NULL)
            return 0;
    }
    return 1;
}

static pg_group_t *new_group(const pg_sink_t *sink, pg_plan_t *plan, const pg_target_t *t,
                             const sluice_record_t *r) {
    pg_group_t *g = calloc(1, sizeof(*g));
    const sluice_schema_t *schema;
    size_t i;

    if (g == NULL || (g->columns = calloc(t->column_count, sizeof(g->columns[0]))) == NULL) {
        free(g);
        return NULL;
    }
    g->target = t;
    g->schema = r->value.kind == SLUICE_STRUCT ? r->value.as.st->schema : NULL;
    for (i = 0; i < t->column_count; i++) {
        int is_key = pg_is_key(sink, t, &t->columns[i]);

        if (is_key || column_value(r, &t->columns[i], 0, &schema) != NULL)
            g->columns[g->column_count++] = &t->columns[i];
    }
    if (plan->last != NULL)
        plan->last->next = g;
    else
        plan->first = g;
    plan->last = g;
    return g;
}

void pg_plan_free(pg_plan_t *plan) {
    while (plan->first != NULL) {
        pg_group_t *next = plan->first->next;

        free(plan->first->columns);
        free(plan->first);
        plan->first = next;
    }
    plan->last = NULL;
}

/* ---- COPY text ---- */

static int put_row(pg_sink_t *sink, const pg_group_t *g, const sluice_record_t *r,
                   sluice_buf_t *out, size_t number) {
    static const sluice_value_t null_value = {SLUICE_NULL, 0, 0, 0, {0}};
    char tail[48];
    size_t i;

    for (i = 0; i < g->column_count; i++) {
        const sluice_schema_t *schema = NULL;
        int is_key = pg_is_key(sink, g->target, g->columns[i]);
        const sluice_value_t *v = column_value(r, g->columns[i], is_key, &schema);

        if (is_key && (v == NULL || sluice_is_null(v)))
            return pg_bad(sink, SLUICE_BAD_RECORD, "postgres.key",
                          "table %s: the record has no value for the key column %s",
                          g->target->name, g->columns[i]->name);
        if (i > 0)
            sluice_buf_put_char(out, '\t');
        if (pg_copy_value(sink->api, out, sink->ctx, v != NULL ? v : &null_value, schema,
                          g->columns[i]->type) == SLUICE_NO_MEMORY)
            return SLUICE_NO_MEMORY;
    }
    if (sink->mode == INSERT_UPSERT)
        sluice_buf_put(out, tail,
                       (size_t)snprintf(tail, sizeof(tail), "\t%zu\t%c", number,
                                        sluice_is_null(&r->value) ? 'd' : 'u'));
    sluice_buf_put_char(out, '\n');
    return SLUICE_OK;
}

static int skip_tombstone(const pg_sink_t *sink, const sluice_record_t *r) {
    return sluice_is_null(&r->value) && !(sink->delete_enabled && sink->mode == INSERT_UPSERT);
}

struct maker {
    pg_sink_t *sink;
    pg_plan_t *plan;
    sluice_batch_t *scratch;
    sluice_buf_t text;  /* of the last group, while it is open */
    sluice_str_t topic; /* the last one, and its table */
    pg_target_t *target;
};

static void end_group(struct maker *m) {
    if (m->plan->last != NULL)
        m->plan->last->rows = m->sink->api->buf_finish(&m->text);
}

/* The table of a record; NULL when it is not known yet, with its name in *unknown. */
static pg_target_t *target_of(struct maker *m, const sluice_record_t *r, char **unknown) {
    char *name;

    if (m->target != NULL && sluice_str_eq(m->topic, r->topic))
        return m->target;
    name = pg_table_name(m->sink, r->topic);
    m->topic = r->topic;
    m->target = name != NULL ? pg_target_find(m->sink, name) : NULL;
    if (m->target == NULL)
        *unknown = name;
    else
        free(name);
    return m->target;
}

static int plan_record(struct maker *m, const sluice_record_t *r, size_t number, char **unknown) {
    pg_target_t *t = target_of(m, r, unknown);
    int rc;

    if (t == NULL)
        return *unknown != NULL ? SLUICE_BUSY : SLUICE_NO_MEMORY;
    if (m->sink->mode == INSERT_UPSERT && pg_key_count(m->sink, t) == 0)
        return pg_bad(
            m->sink, SLUICE_FATAL, "postgres.key",
            "table %s has no primary key, which insert.mode=upsert needs: give it one, set "
            "pk.fields to "
            "columns with a unique index, or use insert.mode=insert",
            t->name);
    rc = check_fields(m->sink, t, r);
    if (rc == SLUICE_BUSY && (*unknown = strdup(t->name)) == NULL)
        rc = SLUICE_NO_MEMORY;
    if (rc != SLUICE_OK)
        return rc;
    if (!fits(m->plan->last, t, r)) {
        end_group(m);
        if (new_group(m->sink, m->plan, t, r) == NULL)
            return SLUICE_NO_MEMORY;
        m->sink->api->buf_init(&m->text, m->scratch, 65536);
    }
    m->plan->rows++;
    return put_row(m->sink, m->plan->last, r, &m->text, number);
}

int pg_plan_make(pg_sink_t *sink, pg_plan_t *plan, const pg_parts_t *parts,
                 sluice_batch_t *scratch, char **unknown, size_t *bad_one) {
    struct maker m = {.sink = sink, .plan = plan, .scratch = scratch};
    const pg_part_t *part;
    size_t number = 0;
    int rc = SLUICE_OK;

    memset(plan, 0, sizeof(*plan));
    for (part = parts->first; rc == SLUICE_OK && part != NULL; part = part->next) {
        size_t i, count;
        const sluice_record_t *records = sink->api->batch_records(part->batch, &count);

        for (i = 0; rc == SLUICE_OK && i < count; i++, number++) {
            if (!skip_tombstone(sink, &records[i]))
                rc = plan_record(&m, &records[i], number, unknown);
            *bad_one = number;
        }
    }
    end_group(&m);
    return rc;
}

/* ---- SQL ---- */

static void put_columns(pg_sql_t *sql, const pg_group_t *g, const char *prefix) {
    size_t i;

    for (i = 0; i < g->column_count; i++) {
        pg_sql_put(sql, i > 0 ? "," : "");
        pg_sql_put(sql, prefix);
        pg_sql_ident(sql, g->columns[i]->name);
    }
}

static void put_keys(const pg_sink_t *sink, pg_sql_t *sql, const pg_group_t *g,
                     const char *prefix) {
    const char *comma = "";
    size_t i;

    for (i = 0; i < g->column_count; i++) {
        if (!pg_is_key(sink, g->target, g->columns[i]))
            continue;
        pg_sql_put(sql, comma);
        pg_sql_put(sql, prefix);
        pg_sql_ident(sql, g->columns[i]->name);
        comma = ",";
    }
}

static void put_assignments(const pg_sink_t *sink, pg_sql_t *sql, const pg_group_t *g) {
    const char *comma = " DO UPDATE SET ";
    size_t i;

    for (i = 0; i < g->column_count; i++) {
        if (pg_is_key(sink, g->target, g->columns[i]))
            continue;
        pg_sql_put(sql, comma);
        pg_sql_ident(sql, g->columns[i]->name);
        pg_sql_put(sql, "=EXCLUDED.");
        pg_sql_ident(sql, g->columns[i]->name);
        comma = ",";
    }
    if (comma[0] == ' ')
        pg_sql_put(sql, " DO NOTHING");
}

/* Stage, then merge in one statement: the last change of each key decides, so no row is deleted and
 * inserted at once. */
static void put_upsert(const pg_sink_t *sink, pg_sql_t *sql, const pg_group_t *g) {
    pg_sql_put(sql, "CREATE TEMP TABLE sluice_stage ON COMMIT DROP AS SELECT ");
    put_columns(sql, g, "");
    pg_sql_putf(sql,
                ",0::bigint AS sluice_number,'u'::text AS sluice_op FROM %s WITH NO DATA;"
                "COPY sluice_stage FROM STDIN;",
                g->target->sql_name);
    pg_sql_put(sql, "WITH last AS (SELECT DISTINCT ON (");
    put_keys(sink, sql, g, "");
    pg_sql_put(sql, ") * FROM sluice_stage ORDER BY ");
    put_keys(sink, sql, g, "");
    pg_sql_putf(sql,
                ",sluice_number DESC),gone AS (DELETE FROM %s t USING last s WHERE "
                "s.sluice_op='d' AND (",
                g->target->sql_name);
    put_keys(sink, sql, g, "t.");
    pg_sql_put(sql, ")=(");
    put_keys(sink, sql, g, "s.");
    pg_sql_putf(sql, ")) INSERT INTO %s (", g->target->sql_name);
    put_columns(sql, g, "");
    pg_sql_put(sql, ") SELECT ");
    put_columns(sql, g, "");
    pg_sql_put(sql, " FROM last WHERE sluice_op='u' ORDER BY sluice_number ON CONFLICT (");
    put_keys(sink, sql, g, "");
    pg_sql_put(sql, ")");
    put_assignments(sink, sql, g);
    pg_sql_put(sql, ";DROP TABLE sluice_stage;");
}

static void put_insert(pg_sql_t *sql, const pg_group_t *g) {
    pg_sql_putf(sql, "COPY %s (", g->target->sql_name);
    put_columns(sql, g, "");
    pg_sql_put(sql, ") FROM STDIN;");
}

static void put_position(const pg_sink_t *sink, pg_sql_t *sql, const sluice_mark_t *mark) {
    sluice_str_t json = sink->api->source_partition_json(sink->ctx, mark->source_partition);
    char *partition = strndup(json.data, json.len);
    char hex[POSITION_HEX_MAX];

    pg_sql_put(sql, "INSERT INTO sluice_positions VALUES(");
    pg_sql_literal(sql, sink->owner);
    pg_sql_put(sql, ",");
    pg_sql_literal(sql, partition != NULL ? partition : "");
    pg_sql_putf(
        sql,
        ",'\\x%s',%u) ON CONFLICT (owner,partition) DO UPDATE SET "
        "position=EXCLUDED.position,sub=EXCLUDED.sub;",
        position_hex(&mark->position, hex), mark->sub_index);
    free(partition);
}

/* Whether a part behind this one moves the source partition further. */
static int is_overtaken(const pg_sink_t *sink, const pg_part_t *part, uint32_t partition) {
    while ((part = part->next) != NULL) {
        size_t i, count;
        const sluice_mark_t *marks = sink->api->batch_marks(part->batch, &count);

        for (i = 0; i < count; i++)
            if (marks[i].source_partition == partition)
                return 1;
    }
    return 0;
}

static void put_positions(const pg_sink_t *sink, const pg_parts_t *parts, pg_sql_t *sql) {
    const pg_part_t *part;

    for (part = parts->first; part != NULL; part = part->next) {
        size_t i, count;
        const sluice_mark_t *marks = sink->api->batch_marks(part->batch, &count);

        for (i = 0; i < count; i++)
            if (!is_overtaken(sink, part, marks[i].source_partition))
                put_position(sink, sql, &marks[i]);
    }
}

void pg_plan_sql(const pg_sink_t *sink, const pg_plan_t *plan, const pg_parts_t *parts,
                 pg_sql_t *sql) {
    const pg_group_t *g;

    pg_sql_put(sql, "BEGIN;");
    for (g = plan->first; g != NULL; g = g->next) {
        if (sink->mode == INSERT_UPSERT)
            put_upsert(sink, sql, g);
        else
            put_insert(sql, g);
    }
    if (sink->exactly_once)
        put_positions(sink, parts, sql);
    pg_sql_put(sql, "COMMIT");
}
