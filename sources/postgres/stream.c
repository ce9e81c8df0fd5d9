#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIN_FROM \
    4096u /* longer messages stay in libpq's buffer, shorter ones are copied: cheaper than a pin */
#define LINGER_NS     1000000u
#define BUSY_NS       500000u /* data again so soon after the last drain: let it gather */
#define BUSY_MESSAGES 256
#define ADVANCE_NS    500000000u
#define TURN_NS       50000000u /* then timers, feedback and close have a turn of the loop */

static void pump(pg_source_t *s);

/* ---- feedback ---- */

static void put_status(char *out, const pg_stream_t *m, int64_t now_us) {
    out[0] = 'r';
    sluice_put_be64((uint8_t *)out + 1, m->received > m->flushed ? m->received : m->flushed);
    sluice_put_be64((uint8_t *)out + 9, m->flushed);
    sluice_put_be64((uint8_t *)out + 17, m->flushed);
    sluice_put_be64((uint8_t *)out + 25, (uint64_t)(now_us - 946684800000000LL));
    out[33] = 0;
}

static void send_status(pg_source_t *s) {
    char message[34];
    pg_stream_t *m = &s->stream;

    if (!m->running || (m->stops & PG_STOP_BROKEN))
        return;
    put_status(message, m, s->api->now_ms(s->ctx) * 1000);
    if (pg_conn_copy_send(s->repl, message, sizeof(message)) != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                        "telling the server how far the stream is durable");
}

/* Moves an idle partition on, so that the slot does not hold WAL that concerns nobody. */
static void advance_to(pg_source_t *s, uint64_t lsn) {
    pg_stream_t *m = &s->stream;
    sluice_position_t position = pg_position_at(lsn);
    uint64_t now = s->api->tick_ns(s->ctx);

    if (lsn <= m->advanced || m->in_transaction || s->out.records > 0 ||
        now - m->advanced_ns < ADVANCE_NS)
        return;
    m->advanced = lsn;
    m->advanced_ns = now;
    pg_emitter_advance(&s->out, &position);
}

static void on_status_timer(void *arg) {
    pg_source_t *s = arg;
    pg_stream_t *m = &s->stream;
    uint64_t end = m->wal_end > m->received ? m->wal_end : m->received;

    if (m->running && m->stops == 0)
        advance_to(s, m->received);
    s->api->metric_set(m->lag_bytes,
                       m->flushed == 0 || end < m->flushed ? 0.0 : (double)(end - m->flushed));
    send_status(s);
}

void pg_stream_committed(pg_source_t *s, uint64_t lsn) {
    if (lsn <= s->stream.flushed)
        return;
    s->stream.flushed = lsn;
    send_status(s);
}

/* ---- changes ---- */

static void skip_done(pg_source_t *s, const pgo_event_t *e) {
    if (e->as.begin.final_lsn >= s->stream.skip_lsn)
        s->stream.skipping = 2; /* the transaction that the offset was in */
}

/* Whether a change was delivered before, by the offset that was taken over. */
static int is_done(pg_stream_t *m, uint64_t lsn) {
    if (m->skipping == 0)
        return 0;
    if (m->skipping == 2 && lsn > m->skip_lsn) {
        m->skipping = 0;
        return 0;
    }
    if (m->skipping == 2 && lsn == m->skip_lsn)
        m->skipping = 3; /* one record with that LSN was out, others may not have been */
    else if (m->skipping == 3)
        m->skipping = 0;
    return m->skipping != 0;
}

static int is_skipped(const pg_options_t *o, char op) {
    return op == 'I'   ? o->skip_create
           : op == 'U' ? o->skip_update
           : op == 'D' ? o->skip_delete
                       : o->skip_truncate;
}

static int emit_row(pg_source_t *s, pg_table_t *t, sluice_str_t payload) {
    pg_stream_t *m = &s->stream;
    pgo_tuple_t old_row = {0, m->old_cells}, new_row = {0, m->new_cells};
    pgo_event_t e;

    if (pgo_parse(payload, &e, &old_row, &new_row) != SLUICE_OK)
        return s->api->fail(s->ctx, SLUICE_FATAL, "postgres.protocol",
                            "a change message of pgoutput is damaged");
    return pg_emit_change(&s->out, t, e.kind, &old_row, &new_row, 0);
}

/* I, U, D. data: the whole CopyData buffer, taken (*taken = 1) when the batch pins it. */
static int on_change(pg_source_t *s, const pgo_frame_t *f, char *data, int len, int *taken) {
    pg_stream_t *m = &s->stream;
    sluice_str_t payload = f->payload;
    uint32_t relid = 0;
    pg_table_t *t;
    sluice_batch_t *batch;
    char *text;

    if (payload.len < 5)
        return s->api->fail(s->ctx, SLUICE_FATAL, "postgres.protocol",
                            "a change message of pgoutput is cut off");
    for (int i = 1; i < 5; i++)
        relid = relid << 8 | (uint8_t)payload.data[i];
    t = pg_relations_find(m, relid);
    if (t == NULL)
        return SLUICE_OK;
    pg_emitter_change(&s->out, f->start);
    if (is_skipped(&s->env.options, payload.data[0]) || is_done(m, s->out.last_lsn))
        return SLUICE_OK;
    batch = pg_emitter_batch(&s->out);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    s->out.bytes += payload.len;
    if (payload.len >= PIN_FROM &&
        s->api->batch_pin(batch, (size_t)len, PQfreemem, data) == SLUICE_OK) {
        *taken = 1;
        return emit_row(s, t, payload);
    }
    text = s->api->batch_alloc(batch, payload.len);
    if (text == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(text, payload.data, payload.len);
    return emit_row(s, t, sluice_str_n(text, payload.len));
}

static int on_truncate(pg_source_t *s, const pgo_frame_t *f, pgo_event_t *e) {
    pgo_tuple_t none = {0, NULL};
    uint32_t part = 0;
    int status = SLUICE_OK;

    pg_emitter_change(&s->out, f->start);
    if (s->env.options.skip_truncate || is_done(&s->stream, s->out.last_lsn))
        return SLUICE_OK;
    for (uint32_t i = 0; i < e->as.truncate.count && status == SLUICE_OK; i++) {
        pg_table_t *t = pg_relations_find(&s->stream, pgo_u32(&e->as.truncate.relids));
        if (t != NULL)
            status = pg_emit_change(&s->out, t, 'T', &none, &none, part++);
    }
    return status;
}

static void on_begin(pg_source_t *s, const pgo_event_t *e) {
    s->stream.in_transaction = 1;
    if (s->stream.skipping != 0)
        skip_done(s, e);
    pg_emitter_begin(&s->out, e->as.begin.final_lsn, e->as.begin.commit_us, e->as.begin.xid);
}

static void on_commit(pg_source_t *s, const pgo_event_t *e) {
    pg_stream_t *m = &s->stream;

    m->in_transaction = 0;
    if (m->skipping >= 2)
        m->skipping = 0;
    if (e->as.commit.end_lsn > m->received)
        m->received = e->as.commit.end_lsn;
    pg_emitter_commit(&s->out, e->as.commit.end_lsn);
    s->api->metric_add(m->transactions, 1);
}

/* Where the transaction was first committed, when it was replicated to here. */
static int on_origin(pg_source_t *s, const pgo_event_t *e) {
    size_t n = strlen(e->as.origin.name);

    if (n >= sizeof(s->out.origin))
        return SLUICE_OK;
    memcpy(s->out.origin, e->as.origin.name, n + 1);
    s->out.origin_lsn = e->as.origin.lsn;
    s->out.texts_serial = 0;
    return SLUICE_OK;
}

static int on_data(pg_source_t *s, const pgo_frame_t *f, char *data, int len, int *taken) {
    pg_stream_t *m = &s->stream;
    pgo_tuple_t old_row = {0, m->old_cells}, new_row = {0, m->new_cells};
    pgo_event_t e;
    char kind = f->payload.len > 0 ? f->payload.data[0] : 0;

    if (kind == 'I' || kind == 'U' || kind == 'D')
        return on_change(s, f, data, len, taken);
    if (pgo_parse(f->payload, &e, &old_row, &new_row) != SLUICE_OK)
        return s->api->fail(
            s->ctx, SLUICE_FATAL, "postgres.protocol",
            "a message of pgoutput (kind 0x%02x, %zu bytes) is damaged or not of protocol "
            "version 1",
            (unsigned char)kind, f->payload.len);
    if (kind == 'B')
        on_begin(s, &e);
    else if (kind == 'C')
        on_commit(s, &e);
    else if (kind == 'R')
        return pg_relations_read(s, &e, f->payload);
    else if (kind == 'O')
        return on_origin(s, &e);
    else if (kind == 'T')
        return on_truncate(s, f, &e);
    return SLUICE_OK;
}

static void on_keepalive(pg_source_t *s, const pgo_frame_t *f) {
    pg_stream_t *m = &s->stream;

    if (f->end > m->received)
        m->received = f->end;
    advance_to(s, f->end);
    if (f->reply)
        send_status(s);
}

static int on_message(pg_source_t *s, char *data, int len, int *taken) {
    pgo_frame_t f;

    if (pgo_frame(sluice_str_n(data, (size_t)len), &f) != SLUICE_OK)
        return s->api->fail(s->ctx, SLUICE_FATAL, "postgres.protocol",
                            "a replication message of the server is damaged");
    if (f.end > s->stream.wal_end)
        s->stream.wal_end = f.end;
    if (f.kind == 'k') {
        on_keepalive(s, &f);
        return SLUICE_OK;
    }
    return on_data(s, &f, data, len, taken);
}

/* ---- batches: sent when full, or a millisecond after the last one ---- */

int pg_stream_flush(pg_source_t *s) {
    sluice_credit_t credit;
    int status;

    if (s->out.offset.ts_us > 0)
        s->api->metric_set(s->stream.lag_seconds,
                           (double)(s->out.now_us - s->out.offset.ts_us) / 1e6);
    status = pg_emitter_flush(&s->out);
    if (status != SLUICE_OK && status != SLUICE_BUSY)
        return status;
    credit = s->api->credit(s->ctx);
    if (status == SLUICE_BUSY || credit.records <= 0 || credit.bytes <= 0)
        pg_stream_stop(s, PG_STOP_CREDIT);
    return SLUICE_OK;
}

static void on_linger(uv_timer_t *t) {
    pg_source_t *s = t->data;

    if (!s->stream.running)
        return;
    if (s->stream.stops & PG_STOP_LINGER) {
        s->stream.stops &= ~PG_STOP_LINGER;
        if (s->stream.stops == 0 && pg_conn_consume(s->repl) != SLUICE_OK) {
            pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                            "reading the replication stream");
            return;
        }
        pg_stream_go(s, 0);
    }
    if (s->stream.running && s->out.records > 0 &&
        !(s->stream.stops & (PG_STOP_CREDIT | PG_STOP_PAUSE))) {
        int status = pg_stream_flush(s);
        if (status != SLUICE_OK)
            pg_source_failed(s, status);
    }
}

static void linger(pg_source_t *s) {
    if (!uv_is_active((uv_handle_t *)&s->stream.linger)) {
        uv_update_time(sluice_uv_loop(s->api, s->ctx));
        uv_timer_start(&s->stream.linger, on_linger, 1, 0);
    }
}

/* The socket is empty for now: what is gathered goes out, at once when nothing went out in the last
 * millisecond. */
static int drained(pg_source_t *s, int messages) {
    pg_stream_t *m = &s->stream;
    uint64_t now = s->api->tick_ns(s->ctx), since = now - m->last_drain_ns;

    m->last_drain_ns = now;
    if (messages > 0 && messages < BUSY_MESSAGES && since < BUSY_NS) {
        pg_stream_stop(s, PG_STOP_LINGER);
        linger(s);
        return SLUICE_OK;
    }
    if (s->out.records == 0) {
        if (!m->in_transaction && (s->out.offset.flags & PG_OFFSET_COMMIT))
            advance_to(s, s->out.offset.lsn_commit);
        return SLUICE_OK;
    }
    if (now - s->out.last_emit_ns >= LINGER_NS)
        return pg_stream_flush(s);
    linger(s);
    return SLUICE_OK;
}

/* ---- reading ---- */

static void on_ended(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    pg_error_t error = *pg_conn_error(s->repl);

    (void)r, (void)count;
    if (status == SLUICE_OK)
        snprintf(error.message, sizeof(error.message), "the server ended the replication stream");
    pg_source_error(s, &error, status == SLUICE_FATAL ? SLUICE_FATAL : SLUICE_NOT_CONNECTED,
                    "streaming changes");
}

/* One message, if there is a whole one: 1, 0 for none now, or a negative status. */
static int take_message(pg_source_t *s) {
    char *data = NULL;
    int taken = 0, status, len = PQgetCopyData(pg_conn_handle(s->repl), &data, 1);

    if (len == 0)
        return 0;
    if (len < 0) {
        s->stream.stops |= PG_STOP_BROKEN;
        pg_conn_copy_end(s->repl, on_ended, s);
        return 0;
    }
    status = on_message(s, data, len, &taken);
    if (!taken)
        PQfreemem(data);
    if (status == SLUICE_OK && pg_emitter_full(&s->out))
        status = pg_stream_flush(s);
    return status == SLUICE_OK ? 1 : status;
}

/* A server that sends as fast as we read would keep us here for ever, and hear nothing of us. */
static void yield(pg_source_t *s) {
    pg_stream_stop(s, PG_STOP_LINGER);
    linger(s);
}

static void pump(pg_source_t *s) {
    pg_stream_t *m = &s->stream;
    uint64_t began = s->api->tick_ns(s->ctx);
    int messages = 0, status = 1;

    pg_emitter_clock(&s->out);
    while (m->stops == 0 && status > 0) {
        status = take_message(s);
        messages += status > 0;
        if ((messages & 63) == 63) {
            pg_emitter_clock(&s->out);
            if (m->stops == 0 && status > 0 && s->api->tick_ns(s->ctx) - began > TURN_NS)
                yield(s);
        }
        if (status == 0 && m->stops == 0 && messages > 0) { /* maybe more came while we worked */
            if (pg_conn_consume(s->repl) != SLUICE_OK)
                break; /* the next read says so */
            status = take_message(s);
            messages += status > 0;
        }
    }
    if (status >= 0 && m->stops == 0)
        status = drained(s, messages);
    else if (status >= 0 && (m->stops & PG_STOP_CATALOG))
        status = s->out.records > 0 ? pg_stream_flush(s) : SLUICE_OK;
    if (status < 0)
        pg_source_failed(s, status);
}

static void on_readable(void *arg, int status) {
    pg_source_t *s = arg;

    if (status != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), SLUICE_NOT_CONNECTED,
                        "reading the replication stream");
    else
        pump(s);
}

void pg_stream_stop(pg_source_t *s, unsigned why) {
    unsigned before = s->stream.stops;
    s->stream.stops |= why;
    if (s->stream.running && before == 0)
        pg_conn_listen(s->repl, NULL, NULL);
}

void pg_stream_go(pg_source_t *s, unsigned why) {
    s->stream.stops &= ~why;
    if (!s->stream.running || s->stream.stops != 0)
        return;
    pg_conn_listen(s->repl, on_readable, s);
    pump(s);
}

/* ---- beginning and end ---- */

static void on_started(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    const char *state = pg_conn_error(s->repl)->sqlstate;
    char doing[200], at[20];

    if (status != SLUICE_OK || count < 1 || PQresultStatus(r[count - 1]) != PGRES_COPY_BOTH) {
        pg_lsn_text(s->start_lsn, at);
        snprintf(doing, sizeof(doing), "streaming from replication slot \"%s\" at %s",
                 s->env.options.slot, at);
        pg_source_error(s, pg_conn_error(s->repl), strcmp(state, "55000") == 0 ? SLUICE_FATAL : 0,
                        doing);
        return;
    }
    s->stream.running = 1;
    send_status(s);
    pg_stream_go(s, 0);
}

static int begin(pg_source_t *s) {
    pg_stream_t *m = &s->stream;
    const pg_options_t *o = &s->env.options;
    uint64_t every = o->status_ms, third = s->facts.sender_timeout_ms / 3;
    pg_sql_t sql = {0}, names = {0};
    char at[20];
    int status;

    m->old_cells = calloc(PGO_COLUMNS_MAX, sizeof(*m->old_cells));
    m->new_cells = calloc(PGO_COLUMNS_MAX, sizeof(*m->new_cells));
    if (every == 0 || (third > 0 && every > third))
        every = third > 0 ? third : 10000;
    m->status_timer = s->api->timer_start(s->ctx, every, every, on_status_timer, s);
    if (o->heartbeat_ms > 0)
        m->heartbeat_timer =
            s->api->timer_start(s->ctx, o->heartbeat_ms, o->heartbeat_ms, pg_heartbeat, s);
    if (m->old_cells == NULL || m->new_cells == NULL || m->status_timer == NULL)
        return SLUICE_NO_MEMORY;
    pg_lsn_text(s->start_lsn, at);
    pg_sql_put(&sql, "START_REPLICATION SLOT ");
    pg_sql_ident(&sql, o->slot);
    pg_sql_ident(&names, o->publication);
    pg_sql_putf(&sql, " LOGICAL %s (proto_version '1', publication_names ", at);
    pg_sql_literal(&sql, names.failed ? "" : names.text);
    pg_sql_put(&sql, ")");
    status = sql.failed || names.failed ? SLUICE_NO_MEMORY
                                        : pg_conn_query(s->repl, sql.text, on_started, s);
    pg_sql_fini(&sql);
    pg_sql_fini(&names);
    return status;
}

void pg_stream_begin(pg_source_t *s) {
    pg_stream_t *m = &s->stream;
    int status;

    m->lag_bytes =
        s->api->metric(s->ctx, SLUICE_GAUGE, "lag_bytes", "WAL that the slot holds back for us");
    m->lag_seconds = s->api->metric(s->ctx, SLUICE_GAUGE, "lag_seconds",
                                    "age of the last change when it was read");
    m->transactions = s->api->metric(s->ctx, SLUICE_COUNTER, "transactions_total",
                                     "commits read from the stream");
    if (s->out.offset.lsn == 0)
        s->out.offset.lsn = s->start_lsn;
    m->advanced = s->start_lsn;
    m->beats = PG_BEATS;
    status = begin(s);
    if (status != SLUICE_OK)
        pg_source_error(s, pg_conn_error(s->repl), status, "starting the stream");
}

void pg_stream_end(pg_source_t *s) {
    pg_stream_t *m = &s->stream;

    m->running = 0;
    s->api->timer_stop(s->ctx, m->status_timer);
    s->api->timer_stop(s->ctx, m->heartbeat_timer);
    m->status_timer = m->heartbeat_timer = NULL;
    uv_timer_stop(&m->linger);
}

void pg_stream_fini(pg_source_t *s) {
    pg_stream_t *m = &s->stream;

    pg_relations_fini(m);
    free(m->old_cells);
    free(m->new_cells);
    memset(m, 0, sizeof(*m));
}
