#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (s->has_stored && (!s->facts.has_slot || s->facts.slot_lost != NULL))
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.slot_lost",
            "an offset is stored, but replication slot \"%s\" %s: changes since then may be "
            "lost; set "
            "snapshot.mode=when_needed to read the tables again, or delete the connector's offset",
            o->slot,
            s->facts.has_slot ? s->facts.slot_lost : "does not exist");
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
    int done = snapshot_finished(s), usable = s->facts.has_slot && s->facts.slot_lost == NULL;

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

static void create_slot(pg_source_t *s);

static void on_slot_dropped(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;

    (void)r, (void)count;
    if (status != SLUICE_OK) {
        pg_source_error(s, pg_conn_error(s->repl), 0, "dropping the replication slot that is lost");
        return;
    }
    s->facts.has_slot = 0;
    s->facts.slot_lost = NULL;
    create_slot(s);
}

/* By itself: a replication connection takes one command at a time. */
static void drop_lost_slot(pg_source_t *s) {
    pg_sql_t sql = {0};
    int status;

    pg_sql_put(&sql, "DROP_REPLICATION_SLOT ");
    pg_sql_ident(&sql, s->env.options.slot);
    status = sql.failed ? SLUICE_NO_MEMORY : pg_conn_query(s->repl, sql.text, on_slot_dropped, s);
    pg_sql_fini(&sql);
    if (status != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                        "dropping the replication slot that is lost");
}

static void create_slot(pg_source_t *s) {
    pg_sql_t sql = {0};
    char name[64];
    int status;

    if (s->facts.has_slot && !s->want_snapshot) {
        opened(s);
        return;
    }
    if (s->facts.slot_lost != NULL) {
        drop_lost_slot(s);
        return;
    }
    /* The slot is there already but a snapshot is due: a second, temporary slot gives one that
     * joins the stream exactly. */
    s->temporary_slot = s->facts.has_slot;
    snprintf(name, sizeof(name), "%.50s_sluice_tmp", s->env.options.slot);
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
        status = pg_publication_sql(s, r, &sql);
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

    if (status != SLUICE_OK || count != PG_FACTS_COUNT) {
        pg_source_error(s, pg_conn_error(s->general), 0,
                        "reading the server's settings and catalog");
        return;
    }
    load_stored(s);
    s->want_stream = s->env.options.snapshot != PG_SNAPSHOT_INITIAL_ONLY;
    status = pg_facts_read(s, r);
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

    pg_facts_sql(&s->env.options, &sql);
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
