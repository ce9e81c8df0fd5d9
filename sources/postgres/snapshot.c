#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIN_FROM \
    4096u /* longer rows stay in libpq's buffer, shorter ones are copied: cheaper than a pin */

static void next_table(pg_source_t *s);
static void read_rows(pg_source_t *s);

static void failed(pg_source_t *s, const char *doing) {
    s->snapshot.running = 0;
    pg_source_error(s, pg_conn_error(s->snap), 0, doing);
}

static void table_failed(pg_source_t *s, const char *doing) {
    const pg_found_t *f = &s->facts.found[s->snapshot.next];
    char text[400];
    snprintf(text, sizeof(text), "%s %s.%s in the snapshot", doing, f->schema, f->name);
    failed(s, text);
}

/* ---- rows: the last one is held back until it is known whether it is the last ---- */

/* The row's text where the batch keeps it alive: pinned when long, else a copy. Takes `row`. */
static char *place(pg_emitter_t *e, char *row, int len) {
    sluice_batch_t *batch = pg_emitter_batch(e);
    char *text;

    if (batch != NULL && (unsigned)len >= PIN_FROM &&
        e->api->batch_pin(batch, (size_t)len, PQfreemem, row) == SLUICE_OK)
        return row;
    text = batch == NULL ? NULL : e->api->batch_alloc(batch, (size_t)len);
    if (text != NULL)
        memcpy(text, row, (size_t)len);
    PQfreemem(row);
    return text;
}

static pg_marker_t marker_of(const pg_snapshot_t *n, int final) {
    if (final)
        return PG_MARK_LAST;
    if (n->held_first)
        return PG_MARK_FIRST;
    if (n->held_ended)
        return PG_MARK_LAST_IN;
    return n->held_first_in ? PG_MARK_FIRST_IN : PG_MARK_TRUE;
}

static int emit_held(pg_source_t *s, int final) {
    pg_snapshot_t *n = &s->snapshot;
    pgo_tuple_t row = {0, n->cells};
    char *text;
    int status;

    if (n->held == NULL)
        return SLUICE_OK;
    text = place(&s->out, n->held, n->held_len);
    n->held = NULL;
    if (text == NULL)
        return SLUICE_NO_MEMORY;
    s->out.bytes += (size_t)n->held_len;
    status = pgo_copy_row(text, (size_t)n->held_len, &row);
    if (status != SLUICE_OK)
        return s->api->fail(s->ctx, SLUICE_FATAL, "postgres.protocol",
                            "a row of COPY has more than %d columns", PGO_COLUMNS_MAX);
    status = pg_emit_snapshot(&s->out, n->held_table, &row, marker_of(n, final), ++n->rows);
    if (n->held_table != n->table) {
        pg_table_free(n->held_table);
        n->held_table = NULL;
    }
    return status;
}

static int hold(pg_source_t *s, char *row, int len) {
    pg_snapshot_t *n = &s->snapshot;
    int status = emit_held(s, 0);

    n->held = row;
    n->held_len = len;
    n->held_table = n->table;
    n->held_first_in = n->table_rows++ == 0;
    n->held_first = n->held_first_in && n->tables == 1;
    n->held_ended = 0;
    return status;
}

/* Sends the batch when it is full enough; 0 when reading must stop. */
static int send_full(pg_source_t *s) {
    sluice_credit_t credit;
    int status;

    if (!pg_emitter_full(&s->out))
        return 1;
    s->api->metric_add(s->snapshot.rows_total, s->out.records);
    status = pg_emitter_flush(&s->out);
    pg_emitter_clock(&s->out);
    if (status != SLUICE_OK && status != SLUICE_BUSY) {
        pg_source_failed(s, status);
        return 0;
    }
    credit = s->api->credit(s->ctx);
    s->snapshot.blocked = status == SLUICE_BUSY || credit.records <= 0 || credit.bytes <= 0;
    return !s->snapshot.blocked;
}

static void on_copied(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    pg_snapshot_t *n = &s->snapshot;

    (void)r, (void)count;
    n->copying = 0;
    if (status != SLUICE_OK) {
        table_failed(s, "reading table");
        return;
    }
    s->api->log(s->ctx, SLUICE_LOG_INFO, "snapshot of %s.%s: %" PRIu64 " rows",
                n->table->schema_name, n->table->name, n->table_rows);
    n->held_ended = 1;
    if (n->held_table != n->table)
        pg_table_free(n->table);
    n->table = NULL;
    n->next++;
    next_table(s);
}

static void on_readable(void *arg, int status) {
    pg_source_t *s = arg;
    if (status != SLUICE_OK)
        table_failed(s, "reading table");
    else
        read_rows(s);
}

static void read_rows(pg_source_t *s) {
    char *row;
    int len, status;

    while (s->snapshot.copying && !s->snapshot.blocked) {
        len = PQgetCopyData(pg_conn_handle(s->snap), &row, 1);
        if (len == 0)
            return;
        if (len < 0) {
            pg_conn_copy_end(s->snap, on_copied, s);
            return;
        }
        status = hold(s, row, len);
        if (status != SLUICE_OK) {
            pg_source_failed(s, status);
            return;
        }
        if (!send_full(s)) {
            pg_conn_listen(s->snap, NULL, NULL);
            return;
        }
    }
}

void pg_snapshot_credit(pg_source_t *s) {
    if (!s->snapshot.running || !s->snapshot.blocked)
        return;
    s->snapshot.blocked = 0;
    if (!s->snapshot.copying)
        return;
    pg_conn_listen(s->snap, on_readable, s);
    read_rows(s);
}

/* ---- tables, one after the other ---- */

static void on_copy(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;

    if (status != SLUICE_OK || count != 1 || PQresultStatus(r[0]) != PGRES_COPY_OUT) {
        table_failed(s, "reading table");
        return;
    }
    s->snapshot.copying = 1;
    s->snapshot.tables++;
    s->snapshot.table_rows = 0;
    if (s->snapshot.blocked)
        return;
    pg_conn_listen(s->snap, on_readable, s);
    read_rows(s);
}

/* Columns that nobody wants come as NULL, so that the tuple keeps the plan's order. */
static void copy_sql(const pg_table_t *t, pg_sql_t *sql) {
    pg_sql_put(sql, "COPY (SELECT ");
    for (uint16_t i = 0; i < t->count; i++) {
        const pg_column_t *c = &t->columns[i];
        pg_sql_put(sql, i == 0 ? "" : ", ");
        if (c->decode != NULL && (c->field >= 0 || c->key))
            pg_sql_ident(sql, c->name);
        else
            pg_sql_put(sql, "NULL");
    }
    pg_sql_put(sql, " FROM ");
    pg_sql_ident(sql, t->schema_name);
    pg_sql_put(sql, ".");
    pg_sql_ident(sql, t->name);
    pg_sql_put(sql, ") TO STDOUT");
}

static void on_catalog(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    pg_snapshot_t *n = &s->snapshot;
    const pg_found_t *f = &s->facts.found[n->next];
    pg_sql_t sql = {0};

    if (status != SLUICE_OK || count != PG_CATALOG_RESULTS) {
        table_failed(s, "reading the columns of table");
        return;
    }
    n->table = pg_table_build(&s->env, f->oid, f->schema, f->name, NULL, r);
    if (n->table == NULL) {
        pg_source_failed(s, SLUICE_NO_MEMORY);
        return;
    }
    copy_sql(n->table, &sql);
    if (sql.failed || pg_conn_query(s->snap, sql.text, on_copy, s) != SLUICE_OK)
        table_failed(s, "reading table");
    pg_sql_fini(&sql);
}

static int is_wanted(const pg_source_t *s, const pg_found_t *f) {
    char full[260];
    snprintf(full, sizeof(full), "%s.%s", f->schema, f->name);
    return pg_filter_has(&s->env.options.snapshot_tables, full);
}

static void on_dropped(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    (void)r, (void)count;
    if (status != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                        "dropping the snapshot's temporary slot");
    else
        pg_stream_begin(s);
}

static void go_streaming(pg_source_t *s) {
    pg_sql_t sql = {0};

    if (s->repl == NULL) {
        s->api->finished(s->ctx);
        return;
    }
    if (!s->temporary_slot) {
        pg_stream_begin(s);
        return;
    }
    pg_sql_putf(&sql, "DROP_REPLICATION_SLOT \"%.50s_sluice_tmp\"", s->env.options.slot);
    if (sql.failed || pg_conn_query(s->repl, sql.text, on_dropped, s) != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                        "dropping the snapshot's temporary slot");
    pg_sql_fini(&sql);
}

static void finish(pg_source_t *s) {
    pg_snapshot_t *n = &s->snapshot;
    sluice_position_t end = pg_position(n->lsn, 0, PG_BEATS);
    int status = emit_held(s, 1);

    s->api->metric_add(n->rows_total, s->out.records);
    if (status == SLUICE_OK)
        status = pg_emitter_flush(&s->out);
    if (status == SLUICE_OK || status == SLUICE_BUSY) {
        s->out.offset.flags |=
            PG_OFFSET_SNAPSHOT | PG_OFFSET_SNAPSHOT_LAST; /* also when no table had a row */
        status = pg_emitter_advance(&s->out, &end);
    }
    if (status != SLUICE_OK && status != SLUICE_BUSY) {
        pg_source_failed(s, status);
        return;
    }
    s->out.offset.flags &= (uint8_t) ~(PG_OFFSET_SNAPSHOT | PG_OFFSET_SNAPSHOT_LAST);
    s->api->log(s->ctx, SLUICE_LOG_INFO, "snapshot finished: %" PRIu64 " rows of %zu tables",
                n->rows, s->facts.found_count);
    n->running = 0;
    s->snapshot_done = 1;
    pg_conn_close(s->snap, NULL, NULL); /* ends its transaction */
    s->snap = NULL;
    go_streaming(s);
}

static void next_table(pg_source_t *s) {
    pg_snapshot_t *n = &s->snapshot;
    pg_sql_t sql = {0};

    while (n->next < s->facts.found_count && !is_wanted(s, &s->facts.found[n->next]))
        n->next++;
    if (n->next == s->facts.found_count) {
        finish(s);
        return;
    }
    pg_catalog_sql(&sql, s->facts.found[n->next].oid);
    if (sql.failed || pg_conn_query(s->snap, sql.text, on_catalog, s) != SLUICE_OK)
        table_failed(s, "reading the columns of table");
    pg_sql_fini(&sql);
}

/* ---- the transaction ---- */

static void on_begun(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    pg_snapshot_t *n = &s->snapshot;
    const PGresult *facts;

    if (status != SLUICE_OK || count < 1) {
        failed(s, "beginning the snapshot's transaction");
        return;
    }
    facts = r[count - 1];
    if (n->lsn == 0)
        pg_lsn_parse(PQgetvalue(facts, 0, 2), &n->lsn);
    s->out.offset = (pg_offset_t){.lsn = n->lsn};
    pg_emitter_begin(&s->out, n->lsn, strtoll(PQgetvalue(facts, 0, 0), NULL, 10),
                     (uint32_t)strtoull(PQgetvalue(facts, 0, 1), NULL, 10));
    pg_emitter_clock(&s->out);
    next_table(s);
}

static void on_connected(void *arg, int status) {
    pg_source_t *s = arg;
    pg_sql_t sql = {0};

    if (status != SLUICE_OK) {
        failed(s, "opening the snapshot's connection");
        return;
    }
    pg_options_initial_sql(&s->env.options, &sql);
    pg_sql_put(&sql, sql.len > 0 ? ";" : "");
    pg_sql_put(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;");
    if (s->snapshot.name[0] != '\0') {
        pg_sql_put(&sql, "SET TRANSACTION SNAPSHOT ");
        pg_sql_literal(&sql, s->snapshot.name);
        pg_sql_put(&sql, ";");
    }
    pg_sql_putf(&sql, "SELECT (extract(epoch FROM current_timestamp) * 1000000)::bigint, %s, %s",
                s->facts.standby ? "0" : "txid_current() & 4294967295",
                s->facts.standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_lsn()");
    if (sql.failed || pg_conn_query(s->snap, sql.text, on_begun, s) != SLUICE_OK)
        failed(s, "beginning the snapshot's transaction");
    pg_sql_fini(&sql);
}

void pg_snapshot_begin(pg_source_t *s) {
    pg_params_t params = pg_options_params(&s->env.options, "Debezium General", 0);
    pg_snapshot_t *n = &s->snapshot;

    n->running = 1;
    n->cells = calloc(PGO_COLUMNS_MAX, sizeof(*n->cells));
    n->rows_total =
        s->api->metric(s->ctx, SLUICE_COUNTER, "snapshot_rows_total", "rows read by snapshots");
    s->snap = pg_conn_create(sluice_uv_loop(s->api, s->ctx));
    if (n->cells == NULL || s->snap == NULL ||
        pg_conn_connect(s->snap, &params, on_connected, s) != SLUICE_OK)
        pg_source_failed(s, SLUICE_NO_MEMORY);
}

void pg_snapshot_fini(pg_source_t *s) {
    pg_snapshot_t *n = &s->snapshot;

    PQfreemem(n->held);
    if (n->held_table != n->table)
        pg_table_free(n->held_table);
    pg_table_free(n->table);
    free(n->cells);
    memset(n, 0, sizeof(*n));
}
