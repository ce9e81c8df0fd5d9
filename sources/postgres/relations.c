#include "source.h"

#include <stdlib.h>
#include <string.h>

static pg_table_t **slot_of(const pg_stream_t *m, uint32_t relid) {
    size_t i = relid * 2654435761u;
    for (;; i++) {
        pg_table_t **at = &m->tables[i & (m->table_room - 1)];
        if (*at == NULL || (*at)->relid == relid)
            return at;
    }
}

pg_table_t *pg_relations_find(const pg_stream_t *m, uint32_t relid) {
    return m->table_room == 0 ? NULL : *slot_of(m, relid);
}

static int grow_tables(pg_stream_t *m) {
    pg_table_t **old = m->tables;
    size_t room = m->table_room;

    m->table_room = room == 0 ? 64 : room * 2;
    m->tables = calloc(m->table_room, sizeof(*m->tables));
    if (m->tables == NULL) {
        m->tables = old;
        m->table_room = room;
        return SLUICE_NO_MEMORY;
    }
    for (size_t i = 0; i < room; i++) {
        if (old[i] != NULL)
            *slot_of(m, old[i]->relid) = old[i];
    }
    free(old);
    return SLUICE_OK;
}

static int keep_table(pg_stream_t *m, pg_table_t *t) {
    pg_table_t **at;

    if ((m->table_count + 1) * 2 > m->table_room && grow_tables(m) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    at = slot_of(m, t->relid);
    m->table_count += *at == NULL;
    pg_table_free(*at);
    *at = t;
    return SLUICE_OK;
}

/* A relation that is not captured any more (a rename, say) or that changed its name. */
static void forget_table(pg_stream_t *m, uint32_t relid) {
    pg_table_t *t = pg_relations_find(m, relid), **all = m->tables;
    size_t room = m->table_room;

    if (t == NULL)
        return;
    pg_table_free(t);
    *slot_of(m, relid) = NULL;
    m->tables = calloc(room, sizeof(*m->tables));
    if (m->tables == NULL) {
        m->tables = all; /* its chain may be cut: at worst a Relation message is read again */
        return;
    }
    for (size_t i = 0; i < room; i++) {
        if (all[i] != NULL)
            *slot_of(m, all[i]->relid) = all[i];
    }
    free(all);
}

static void on_catalog(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    pg_stream_t *m = &s->stream;
    pgo_tuple_t old_row = {0, m->old_cells}, new_row = {0, m->new_cells};
    pgo_event_t e;
    pg_table_t *t = NULL;

    if (status != SLUICE_OK || count != PG_CATALOG_RESULTS) {
        pg_source_error(s, pg_conn_error(s->general), SLUICE_NOT_CONNECTED,
                        "reading the columns of a changed table");
        return;
    }
    if (pgo_parse(sluice_str_n(m->relation, (size_t)m->relation_len), &e, &old_row, &new_row) ==
        SLUICE_OK)
        t = pg_table_build(&s->env, e.as.relation.relid, e.as.relation.schema, e.as.relation.name,
                           &e, r);
    free(m->relation);
    m->relation = NULL;
    if (t == NULL || keep_table(m, t) != SLUICE_OK) {
        pg_table_free(t);
        pg_source_failed(s, SLUICE_NO_MEMORY);
        return;
    }
    pg_stream_go(s, PG_STOP_CATALOG);
}

int pg_relations_read(pg_source_t *s, const pgo_event_t *e, sluice_str_t payload) {
    pg_stream_t *m = &s->stream;
    pg_sql_t sql = {0};
    int status;

    if (!pg_is_captured(&s->env.options, e->as.relation.schema, e->as.relation.name)) {
        forget_table(m, e->as.relation.relid);
        return SLUICE_OK;
    }
    m->relation = malloc(payload.len);
    if (m->relation == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(m->relation, payload.data, payload.len);
    m->relation_len = (int)payload.len;
    pg_stream_stop(s, PG_STOP_CATALOG);
    pg_catalog_sql(&sql, e->as.relation.relid);
    status = sql.failed ? SLUICE_NO_MEMORY : pg_conn_query(s->general, sql.text, on_catalog, s);
    pg_sql_fini(&sql);
    if (status != SLUICE_OK)
        return pg_fail(s->api, s->ctx, pg_conn_error(s->general), SLUICE_NOT_CONNECTED,
                       "reading the columns of a changed table");
    return SLUICE_OK;
}

void pg_relations_fini(pg_stream_t *m) {
    for (size_t i = 0; i < m->table_room; i++)
        pg_table_free(m->tables[i]);
    free(m->tables);
    free(m->relation);
}
