#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the server says ---- */

enum { R_UUID, R_SERVER, R_SLOT, R_PUBLICATION, R_MEMBERS, R_TABLES, R_COUNT };

static void facts_sql(const pg_options_t *o, pg_sql_t *sql) {
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
        " to_jsonb(s)->>'wal_status' FROM pg_replication_slots s WHERE slot_name = ");
    pg_sql_literal(sql, o->slot);
    pg_sql_put(sql, ";SELECT puballtables FROM pg_publication WHERE pubname = ");
    pg_sql_literal(sql, o->publication);
    pg_sql_put(sql, ";SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = ");
    pg_sql_literal(sql, o->publication);
    pg_sql_put(
        sql,
        ";SELECT c.oid, n.nspname, c.relname, has_table_privilege(c.oid, 'SELECT')"
        " AND has_schema_privilege(n.oid, 'USAGE'), c.relkind = 'p', c.relispartition"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u')"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY n.nspname, c.relname");
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

static int check_slot(pg_source_t *s, const PGresult *r) {
    const pg_options_t *o = &s->env.options;
    const char *state;

    if (PQntuples(r) == 0)
        return SLUICE_OK;
    s->facts.has_slot = 1;
    pg_lsn_parse(PQgetvalue(r, 0, 3), &s->facts.slot_confirmed);
    state = PQgetvalue(r, 0, 5);
    s->facts.slot_lost = strcmp(state, "lost") == 0;
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

/* ---- what is to be done ---- */

static void load_stored(pg_source_t *s) {
    sluice_str_t json;
    sluice_batch_t *scratch = s->api->batch_new(s->ctx, 512);

    s->has_stored =
        s->api->stored_position(s->ctx, s->partition, &s->stored_position, &json) == 1;
    if (s->has_stored && json.data == NULL)
        s->has_stored = pg_offset_of(&s->stored_position, &s->stored) == SLUICE_OK;
    else if (scratch != NULL && s->has_stored &&
             pg_offset_read(s->api, scratch, json, &s->stored) != SLUICE_OK) {
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "the stored offset %.*s has neither lsn nor lsn_proc: treated as none",
                    (int)(json.len > 200 ? 200 : json.len), json.data);
        s->has_stored = 0;
    }
    s->api->batch_unref(scratch);
}

static int snapshot_finished(const pg_source_t *s) {
    return s->has_stored &&
           (!(s->stored.flags & PG_OFFSET_SNAPSHOT) || (s->stored.flags & PG_OFFSET_SNAPSHOT_LAST));
}

/* Where a stored offset says that streaming goes on. Our own position tells it exactly; an offset
 * that Debezium or a user wrote needs its fields: whole transactions are sent again, and what its
 * last one had given already is skipped. */
static void choose_start(pg_source_t *s) {
    const pg_offset_t *o = &s->stored;

    if (s->stored_position.len >= 8) {
        s->start_lsn = pg_position_lsn(&s->stored_position);
    } else if (!(o->flags & PG_OFFSET_PROC) || o->message == 'C' || o->message == 'B') {
        s->start_lsn = o->lsn;
    } else {
        s->start_lsn = o->flags & PG_OFFSET_COMMIT ? o->lsn_commit : 0;
        s->stream.skip_lsn = o->lsn_proc;
        s->stream.skipping = 1;
    }
    s->out.offset = *o;
    s->out.offset.flags &= (uint8_t) ~(PG_OFFSET_SNAPSHOT | PG_OFFSET_SNAPSHOT_LAST);
}

/* Changes that the stored offset still needs are gone: said once, in words. */
static int check_available(pg_source_t *s) {
    const pg_options_t *o = &s->env.options;
    char at[20], slot[20];

    if (!s->want_stream || s->want_snapshot)
        return SLUICE_OK;
    if (s->has_stored && (!s->facts.has_slot || s->facts.slot_lost))
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.slot_lost",
            "an offset is stored, but replication slot \"%s\" %s: changes since then may be "
            "lost; set "
            "snapshot.mode=when_needed to read the tables again, or delete the connector's offset",
            o->slot,
            s->facts.has_slot ? "has lost its WAL (max_slot_wal_keep_size)" : "does not exist");
    pg_lsn_text(s->start_lsn, at);
    pg_lsn_text(s->facts.slot_confirmed, slot);
    if (s->has_stored && s->start_lsn != 0 && s->facts.slot_confirmed > s->start_lsn)
        s->api->log(
            s->ctx, SLUICE_LOG_WARN,
            "the stored offset is at %s, slot %s is at %s already: changes between the two were "
            "confirmed by someone "
            "else and are not sent again",
            at, o->slot, slot);
    return SLUICE_OK;
}

static int decide(pg_source_t *s) {
    pg_snapshot_mode_t mode = s->env.options.snapshot;
    int done = snapshot_finished(s), usable = s->facts.has_slot && !s->facts.slot_lost;

    switch (mode) {
    case PG_SNAPSHOT_ALWAYS: s->want_snapshot = 1; break;
    case PG_SNAPSHOT_WHEN_NEEDED: s->want_snapshot = !done || !usable; break;
    case PG_SNAPSHOT_NO_DATA:
    case PG_SNAPSHOT_NEVER:
        if (s->has_stored && !done)
            return s->api->fail(
                s->ctx, SLUICE_FATAL, "postgres.snapshot",
                "the last snapshot did not finish, and snapshot.mode=no_data forbids another "
                "one; use "
                "snapshot.mode=initial, or delete the connector's offset");
        break;
    default: s->want_snapshot = !done;
    }
    if (s->has_stored && done && !s->want_snapshot)
        choose_start(s);
    s->snapshot_done = !s->want_snapshot;
    return check_available(s);
}

/* ---- tables ---- */

static int check_tables(pg_source_t *s) {
    const pg_options_t *o = &s->env.options;
    const pg_facts_t *f = &s->facts;

    if (f->found_count == 0 && o->tables.count > 0)
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "no table of database %s matches the filters (table.include.list, "
                    "schema.include.list ...): nothing is "
                    "captured until one is created; names are matched as schema.table",
                    o->dbname);
    for (size_t i = 0; s->want_snapshot && i < f->found_count; i++) {
        if (!f->found[i].readable)
            return s->api->fail(
                s->ctx, SLUICE_FATAL, "postgres.permission",
                "role %s may not read table %s.%s, which the snapshot needs; run \"GRANT USAGE "
                "ON SCHEMA \"%s\" TO "
                "%s; GRANT SELECT ON \"%s\".\"%s\" TO %s\", or leave the table out "
                "(table.exclude.list)",
                o->user, f->found[i].schema, f->found[i].name, f->found[i].schema, o->user,
                f->found[i].schema, f->found[i].name, o->user);
    }
    return SLUICE_OK;
}

/* ---- publication ---- */

static void put_tables(const pg_source_t *s, pg_sql_t *sql) {
    for (size_t i = 0; i < s->facts.found_count; i++) {
        pg_sql_put(sql, i == 0 ? "" : ", ");
        pg_sql_ident(sql, s->facts.found[i].schema);
        pg_sql_put(sql, ".");
        pg_sql_ident(sql, s->facts.found[i].name);
    }
}

static void put_publication_options(const pg_options_t *o, pg_sql_t *sql) {
    const char *comma = "";

    if (!o->skipped_given && !o->via_root)
        return;
    pg_sql_put(sql, " WITH (");
    if (o->skipped_given) {
        pg_sql_put(sql, "publish = '");
        if (!o->skip_create)
            pg_sql_putf(sql, "insert"), comma = ", ";
        if (!o->skip_update)
            pg_sql_putf(sql, "%supdate", comma), comma = ", ";
        if (!o->skip_delete)
            pg_sql_putf(sql, "%sdelete", comma), comma = ", ";
        if (!o->skip_truncate)
            pg_sql_putf(sql, "%struncate", comma);
        pg_sql_put(sql, "'");
    }
    if (o->via_root)
        pg_sql_putf(sql, "%spublish_via_partition_root = true", o->skipped_given ? ", " : "");
    pg_sql_put(sql, ")");
}

static int in_publication(const PGresult *members, const pg_found_t *f) {
    for (int i = 0; i < PQntuples(members); i++) {
        if (strcmp(PQgetvalue(members, i, 0), f->schema) == 0 &&
            strcmp(PQgetvalue(members, i, 1), f->name) == 0)
            return 1;
    }
    return 0;
}

/* How many captured tables the publication lacks; *which names one. Roots of partitions are listed
 * by their leaves. */
static size_t lacking(const pg_source_t *s, const PGresult *members, const pg_found_t **which) {
    size_t n = 0;
    for (size_t i = 0; i < s->facts.found_count; i++) {
        if (s->facts.found[i].partition_root || in_publication(members, &s->facts.found[i]))
            continue;
        *which = &s->facts.found[i];
        n++;
    }
    return n;
}

static int need_tables(pg_source_t *s) {
    const pg_options_t *o = &s->env.options;
    if (s->facts.found_count > 0)
        return SLUICE_OK;
    return s->api->fail(
        s->ctx, SLUICE_FATAL, "postgres.tables",
        "no table of database %s matches table.include.list \"%s\" and schema.include.list: with "
        "publication.autocreate.mode=filtered the publication \"%s\" would be empty; check the "
        "names (schema.table)",
        o->dbname, s->api->config_text(s->ctx, "table.include.list"), o->publication);
}

/* The statement that makes or changes the publication; empty when it is right as it is. */
static int publication_sql(pg_source_t *s, PGresult *const *r, pg_sql_t *sql) {
    const pg_options_t *o = &s->env.options;
    int exists = PQntuples(r[R_PUBLICATION]) > 0,
        all = exists && PQgetvalue(r[R_PUBLICATION], 0, 0)[0] == 't';
    const pg_found_t *missing_one = NULL;
    size_t missing = lacking(s, r[R_MEMBERS], &missing_one);
    pg_publication_mode_t mode = o->publication_mode;

    s->facts.has_publication = exists;
    if (!exists && (mode == PG_PUB_DISABLED || s->facts.standby))
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.publication",
            "publication \"%s\" does not exist in database %s and is not to be created (%s); "
            "create it with "
            "CREATE PUBLICATION, or choose another publication.autocreate.mode",
            o->publication, o->dbname,
            s->facts.standby ? "the server is a standby" : "publication.autocreate.mode=disabled");
    if (mode == PG_PUB_FILTERED && all)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.publication",
            "publication \"%s\" exists FOR ALL TABLES and cannot be limited to the captured "
            "tables; drop it, choose "
            "another publication.name, or publication.autocreate.mode=all_tables",
            o->publication);
    if (mode == PG_PUB_FILTERED && !s->facts.standby && need_tables(s) != SLUICE_OK)
        return SLUICE_FATAL;
    if (exists && mode == PG_PUB_FILTERED && !s->facts.standby &&
        (missing > 0 || (size_t)PQntuples(r[R_MEMBERS]) > s->facts.found_count)) {
        pg_sql_put(sql, "ALTER PUBLICATION ");
        pg_sql_ident(sql, o->publication);
        pg_sql_put(sql, " SET TABLE ");
        put_tables(s, sql);
    } else if (exists && missing > 0) {
        s->api->log(
            s->ctx, SLUICE_LOG_WARN,
            "publication %s lacks %zu of the captured tables, %s.%s among them: their changes "
            "are not sent; add them with "
            "ALTER PUBLICATION ... ADD TABLE",
            o->publication, missing, missing_one->schema, missing_one->name);
    }
    if (exists)
        return SLUICE_OK;
    pg_sql_put(sql, "CREATE PUBLICATION ");
    pg_sql_ident(sql, o->publication);
    if (mode == PG_PUB_ALL_TABLES)
        pg_sql_put(sql, " FOR ALL TABLES");
    if (mode == PG_PUB_FILTERED) {
        pg_sql_put(sql, " FOR TABLE ");
        put_tables(s, sql);
    }
    put_publication_options(o, sql);
    return SLUICE_OK;
}

/* ---- the steps ---- */

static void opened(pg_source_t *s) {
    s->opening = 0;
    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    if (s->closing)
        return;
    if (s->want_snapshot)
        pg_snapshot_begin(s);
    else
        pg_stream_begin(s);
}

static void on_slot(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    char doing[160];

    snprintf(doing, sizeof(doing), "creating replication slot \"%s\" with pgoutput",
             s->env.options.slot);
    if (status != SLUICE_OK || count == 0) {
        const char *state = pg_conn_error(s->repl)->sqlstate;
        pg_source_error(
            s, pg_conn_error(s->repl),
            strcmp(state, "42501") == 0 || strcmp(state, "53400") == 0 ? SLUICE_FATAL : 0, doing);
        return;
    }
    s->made_slot = !s->temporary_slot;
    pg_lsn_parse(PQgetvalue(r[0], 0, 1), &s->snapshot.lsn);
    snprintf(s->snapshot.name, sizeof(s->snapshot.name), "%s",
             PQgetisnull(r[0], 0, 2) ? "" : PQgetvalue(r[0], 0, 2));
    if (s->want_snapshot || s->start_lsn == 0)
        s->start_lsn = s->snapshot.lsn;
    opened(s);
}

static void create_slot(pg_source_t *s) {
    pg_sql_t sql = {0};
    char name[64];
    int status;

    if (s->facts.has_slot && !s->want_snapshot) {
        opened(s);
        return;
    }
    /* The slot is there already but a snapshot is due: a second, temporary slot gives one that
     * joins the stream exactly. */
    s->temporary_slot = s->facts.has_slot && !s->facts.slot_lost;
    snprintf(name, sizeof(name), "%.50s_sluice_tmp", s->env.options.slot);
    if (s->facts.slot_lost) {
        pg_sql_put(&sql, "DROP_REPLICATION_SLOT ");
        pg_sql_ident(&sql, s->env.options.slot);
        pg_sql_put(&sql, ";");
    }
    pg_sql_put(&sql, "CREATE_REPLICATION_SLOT ");
    pg_sql_ident(&sql, s->temporary_slot ? name : s->env.options.slot);
    pg_sql_putf(&sql, "%s LOGICAL pgoutput %s", s->temporary_slot ? " TEMPORARY" : "",
                s->want_snapshot ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT");
    status = sql.failed ? SLUICE_NO_MEMORY : pg_conn_query(s->repl, sql.text, on_slot, s);
    pg_sql_fini(&sql);
    if (status != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                        "creating the replication slot");
}

static void on_repl(void *arg, int status) {
    pg_source_t *s = arg;
    char doing[200];

    if (status == SLUICE_OK) {
        create_slot(s);
        return;
    }
    snprintf(doing, sizeof(doing),
             "opening a replication connection, which role %s needs the attribute "
             "REPLICATION for",
             s->env.options.user);
    pg_source_error(s, pg_conn_error(s->repl), 0, doing);
}

static void connect_repl(pg_source_t *s) {
    pg_params_t params = pg_options_params(&s->env.options, "Debezium Streaming", 1);

    if (!s->want_stream ||
        (s->want_snapshot && s->env.options.snapshot == PG_SNAPSHOT_INITIAL_ONLY)) {
        opened(s);
        return;
    }
    s->repl = pg_conn_create(sluice_uv_loop(s->api, s->ctx));
    if (s->repl == NULL || pg_conn_connect(s->repl, &params, on_repl, s) != SLUICE_OK)
        pg_source_failed(s, SLUICE_NO_MEMORY);
}

static void on_publication(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    char doing[160];

    (void)r, (void)count;
    if (status != SLUICE_OK) {
        snprintf(doing, sizeof(doing),
                 "creating or changing publication \"%s\" (publication.autocreate.mode=%s)",
                 s->env.options.publication,
                 s->api->config_text(s->ctx, "publication.autocreate.mode"));
        pg_source_error(s, pg_conn_error(s->general), 0, doing);
        return;
    }
    s->made_publication = !s->facts.has_publication;
    connect_repl(s);
}

static void make_publication(pg_source_t *s, PGresult *const *r) {
    pg_sql_t sql = {0};
    int status = SLUICE_OK;

    if (s->want_stream)
        status = publication_sql(s, r, &sql);
    if (status == SLUICE_OK && sql.failed)
        status = SLUICE_NO_MEMORY;
    if (status != SLUICE_OK)
        pg_source_failed(s, status);
    else if (sql.len == 0)
        connect_repl(s);
    else if (pg_conn_query(s->general, sql.text, on_publication, s) != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->general), SLUICE_NOT_CONNECTED,
                        "creating the publication");
    pg_sql_fini(&sql);
}

static void on_facts(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;

    if (status != SLUICE_OK || count != R_COUNT) {
        pg_source_error(s, pg_conn_error(s->general), 0,
                        "reading the server's settings and catalog");
        return;
    }
    load_stored(s);
    name_uuid(PQgetvalue(r[R_UUID], 0, 0), s->env.options.modes.placeholder_uuid);
    s->want_stream = s->env.options.snapshot != PG_SNAPSHOT_INITIAL_ONLY;
    if (find_tables(s, r[R_TABLES]) != SLUICE_OK)
        status = SLUICE_NO_MEMORY;
    if (status == SLUICE_OK)
        status = check_server(s, r[R_SERVER]);
    if (status == SLUICE_OK)
        status = check_slot(s, r[R_SLOT]);
    if (status == SLUICE_OK)
        status = decide(s);
    if (status == SLUICE_OK)
        status = check_tables(s);
    if (status != SLUICE_OK)
        pg_source_failed(s, status);
    else
        make_publication(s, r);
}

static void ask_facts(pg_source_t *s) {
    pg_sql_t sql = {0};
    int status;

    facts_sql(&s->env.options, &sql);
    status = sql.failed ? SLUICE_NO_MEMORY : pg_conn_query(s->general, sql.text, on_facts, s);
    pg_sql_fini(&sql);
    if (status != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->general), SLUICE_NOT_CONNECTED,
                        "reading the server's settings");
}

static void on_initial(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    (void)r, (void)count;
    if (status == SLUICE_OK)
        ask_facts(s);
    else
        pg_source_error(s, pg_conn_error(s->general), 0, "running database.initial.statements");
}

static void on_general(void *arg, int status) {
    pg_source_t *s = arg;
    pg_sql_t sql = {0};

    if (status != SLUICE_OK) {
        char doing[200];
        snprintf(doing, sizeof(doing), "connecting to database %s at %s:%d as %s",
                 s->env.options.dbname, s->env.options.hostname, s->env.options.port,
                 s->env.options.user);
        pg_source_error(s, pg_conn_error(s->general), 0, doing);
        return;
    }
    pg_options_initial_sql(&s->env.options, &sql);
    if (sql.len == 0)
        ask_facts(s);
    else if (sql.failed || pg_conn_query(s->general, sql.text, on_initial, s) != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->general), SLUICE_NOT_CONNECTED,
                        "running database.initial.statements");
    pg_sql_fini(&sql);
}

int pg_setup_begin(pg_source_t *s) {
    pg_params_t params = pg_options_params(&s->env.options, "Debezium General", 0);

    s->opening = 1;
    s->want_stream = 1;
    s->general = pg_conn_create(sluice_uv_loop(s->api, s->ctx));
    if (s->general == NULL)
        return SLUICE_NO_MEMORY;
    return pg_conn_connect(s->general, &params, on_general, s);
}

void pg_slot_drop_sql(pg_sql_t *sql, const char *slot) {
    pg_sql_put(sql,
               "DO $sluice$ BEGIN FOR i IN 1..30 LOOP BEGIN PERFORM pg_drop_replication_slot(");
    pg_sql_literal(sql, slot);
    pg_sql_put(
        sql,
        "); EXIT; EXCEPTION WHEN object_in_use THEN PERFORM pg_sleep(0.1); WHEN undefined_object "
        "THEN EXIT; END;"
        " END LOOP; END $sluice$;");
}
