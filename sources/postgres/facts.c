#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pg_membership_sql(const pg_options_t *o, pg_sql_t *sql) {
    pg_sql_put(sql, ";SELECT puballtables FROM pg_publication WHERE pubname = ");
    pg_sql_literal(sql, o->publication);
    pg_sql_put(sql, ";SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = ");
    pg_sql_literal(sql, o->publication);
}

void pg_facts_sql(const pg_options_t *o, pg_sql_t *sql) {
    pg_sql_put(sql, "SELECT md5(");
    pg_sql_literal(sql, o->modes.placeholder);
    pg_sql_put(sql, ");");
    pg_sql_put(
        sql,
        "SELECT current_setting('server_version_num'), current_setting('wal_level'),"
        " pg_encoding_to_char(encoding), pg_is_in_recovery(),"
        " (SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout'),"
        " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"
        " FROM pg_database WHERE datname = current_database();"
        "SELECT plugin, database, active_pid, confirmed_flush_lsn, slot_type,"
        " to_jsonb(s)->>'wal_status', to_jsonb(s)->>'invalidation_reason'"
        " FROM pg_replication_slots s WHERE slot_name = ");
    pg_sql_literal(sql, o->slot);
    pg_membership_sql(o, sql);
    pg_sql_put(
        sql,
        ";SELECT c.oid, n.nspname, c.relname, has_table_privilege(c.oid, 'SELECT')"
        " AND has_schema_privilege(n.oid, 'USAGE'), c.relkind = 'p', c.relispartition"
        PG_FROM_TABLES);
}

void pg_facts_fini(pg_facts_t *f) {
    for (size_t i = 0; i < f->found_count; i++)
        free(f->found[i].schema);
    free(f->found);
    memset(f, 0, sizeof(*f));
}

static int by_rank(const void *a, const void *b) {
    const pg_found_t *x = a, *y = b;
    int c;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    c = strcmp(x->schema, y->schema);
    return c != 0 ? c : strcmp(x->name, y->name);
}

/* schema and name in one allocation. */
static int keep_found(pg_found_t *f, const char *schema, const char *name) {
    size_t n = strlen(schema) + 1, m = strlen(name) + 1;

    f->schema = malloc(n + m);
    if (f->schema == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(f->schema, schema, n);
    f->name = memcpy(f->schema + n, name, m);
    return SLUICE_OK;
}

static int find_tables(pg_source_t *s, const PGresult *r) {
    const pg_options_t *o = &s->env.options;
    pg_facts_t *f = &s->facts;
    char full[260];

    f->found = calloc((size_t)PQntuples(r) + 1, sizeof(*f->found));
    if (f->found == NULL)
        return SLUICE_NO_MEMORY;
    for (int i = 0; i < PQntuples(r); i++) {
        const char *schema = PQgetvalue(r, i, 1), *name = PQgetvalue(r, i, 2);
        pg_found_t *found = &f->found[f->found_count];
        if (!pg_is_captured(o, schema, name))
            continue;
        snprintf(full, sizeof(full), "%s.%s", schema, name);
        found->oid = (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10);
        found->readable = PQgetvalue(r, i, 3)[0] == 't';
        found->partition_root = PQgetvalue(r, i, 4)[0] == 't';
        found->rank = o->tables.exclude ? 0 : pg_filter_rank(&o->tables, full);
        if (keep_found(found, schema, name) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
        f->found_count++;
    }
    qsort(f->found, f->found_count, sizeof(*f->found), by_rank);
    return SLUICE_OK;
}

/* java.util.UUID.nameUUIDFromBytes: MD5 with version 3 and variant 2 set. */
static void name_uuid(const char *md5, char out[40]) {
    char variant = md5[16] >= 'a' ? (char)(md5[16] - 'a' + 10) : (char)(md5[16] - '0');

    snprintf(out, 40, "%.8s-%.4s-3%.3s-%c%.3s-%.12s", md5, md5 + 8, md5 + 13, "89ab"[variant & 3],
             md5 + 17, md5 + 20);
}

static int check_server(pg_source_t *s, const PGresult *r) {
    const char *level = PQgetvalue(r, 0, 1), *encoding = PQgetvalue(r, 0, 2);

    s->facts.version = atoi(PQgetvalue(r, 0, 0));
    s->facts.standby = PQgetvalue(r, 0, 3)[0] == 't';
    s->facts.sender_timeout_ms = strtoull(PQgetvalue(r, 0, 4), NULL, 10);
    pg_lsn_parse(PQgetvalue(r, 0, 5), &s->facts.wal_lsn);
    if (s->facts.version < 100000)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.version",
            "the server is PostgreSQL %d: logical replication with pgoutput begins with 10",
            s->facts.version);
    if (s->want_stream && strcmp(level, "logical") != 0)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.wal_level",
            "the server at %s:%d has wal_level=%s: streaming changes needs wal_level=logical; "
            "run \"ALTER SYSTEM "
            "SET wal_level = logical\" as superuser and restart PostgreSQL",
            s->env.options.hostname, s->env.options.port, level);
    if (strcmp(encoding, "UTF8") != 0)
        return s->api->fail(s->ctx, SLUICE_FATAL, "postgres.encoding",
                            "database %s has encoding %s: only UTF8 databases are supported",
                            s->env.options.dbname, encoding);
    return SLUICE_OK;
}

const char *pg_slot_lost(const char *wal_status, const char *reason) {
    static const struct {
        const char *reason, *words;
    } losses[] = {
        {"rows_removed", "has lost catalog rows that it needs (hot_standby_feedback of a standby)"},
        {"wal_level_insufficient", "was given up when the primary's wal_level fell below logical"},
        {"idle_timeout", "was given up while nobody used it (idle_replication_slot_timeout)"},
    };

    if (strcmp(wal_status, "lost") != 0)
        return NULL;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        if (strcmp(losses[i].reason, reason) == 0)
            return losses[i].words;
    }
    return "has lost its WAL (max_slot_wal_keep_size)"; /* older servers tell no reason */
}

static int check_slot(pg_source_t *s, const PGresult *r) {
    const pg_options_t *o = &s->env.options;

    if (PQntuples(r) == 0)
        return SLUICE_OK;
    s->facts.has_slot = 1;
    pg_lsn_parse(PQgetvalue(r, 0, 3), &s->facts.slot_confirmed);
    s->facts.slot_lost = pg_slot_lost(PQgetvalue(r, 0, 5), PQgetvalue(r, 0, 6));
    if (!s->want_stream)
        return SLUICE_OK;
    if (strcmp(PQgetvalue(r, 0, 4), "logical") != 0 || strcmp(PQgetvalue(r, 0, 0), "pgoutput") != 0)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.slot",
            "replication slot \"%s\" exists as a %s slot with plugin \"%s\", not as a logical "
            "one with pgoutput; "
            "choose another slot.name or drop that slot",
            o->slot, PQgetvalue(r, 0, 4), PQgetvalue(r, 0, 0));
    if (strcmp(PQgetvalue(r, 0, 1), o->dbname) != 0)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.slot",
            "replication slot \"%s\" belongs to database \"%s\", not to \"%s\"; choose another "
            "slot.name",
            o->slot, PQgetvalue(r, 0, 1), o->dbname);
    if (!PQgetisnull(r, 0, 2))
        return s->api->fail(
            s->ctx, SLUICE_NOT_CONNECTED, "postgres.in_use",
            "replication slot \"%s\" is in use by the server process %s: another connector "
            "streams from it, or a "
            "dead one was not noticed yet (wal_sender_timeout); stop the other one or choose "
            "another slot.name",
            o->slot, PQgetvalue(r, 0, 2));
    return SLUICE_OK;
}

int pg_facts_read(pg_source_t *s, PGresult *const *r) {
    int status = SLUICE_OK;

    name_uuid(PQgetvalue(r[PG_FACTS_UUID], 0, 0), s->env.options.modes.placeholder_uuid);
    if (find_tables(s, r[PG_FACTS_TABLES]) != SLUICE_OK)
        status = SLUICE_NO_MEMORY;
    if (status == SLUICE_OK)
        status = check_server(s, r[PG_FACTS_SERVER]);
    if (status == SLUICE_OK)
        status = check_slot(s, r[PG_FACTS_SLOT]);
    return status;
}
