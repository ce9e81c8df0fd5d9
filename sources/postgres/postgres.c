/* The PostgreSQL source as a plugin: life cycle, errors, and what the host asks for. */
#include "probe.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

#define DROP_MS 4000u /* how long close waits for a slot to be dropped */

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    pg_source_t *s = calloc(1, sizeof(*s));
    int status;

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = s->env.api = api;
    s->ctx = s->env.ctx = ctx;
    status = pg_options_init(&s->env.options, api, ctx);
    if (status == SLUICE_OK)
        status = pg_common_init(&s->env.common, api);
    if (status != SLUICE_OK) {
        pg_options_fini(&s->env.options);
        free(s);
        return status;
    }
    *self = s;
    return SLUICE_OK;
}

static void destroy(void *self) {
    pg_source_t *s = self;

    pg_snapshot_fini(s);
    pg_stream_fini(s);
    pg_emitter_fini(&s->out);
    pg_facts_fini(&s->facts);
    pg_common_fini(&s->env.common, s->api);
    pg_options_fini(&s->env.options);
    free(s);
}

/* {"server":"<topic.prefix>"}: the prefix has no character that JSON escapes. */
static uint32_t partition_of(pg_source_t *s) {
    pg_sql_t json = {0};
    uint32_t number = 0;

    pg_sql_putf(&json, "{\"server\":\"%s\"}", s->env.options.prefix);
    if (!json.failed)
        number = s->api->source_partition(s->ctx, sluice_str_n(json.text, json.len));
    pg_sql_fini(&json);
    return number;
}

/* An option that does nothing yet, and whose absence would make no event wrong. */
static void warn_of_signals(pg_source_t *s) {
    const char *table = s->api->config_text(s->ctx, "signal.data.collection");

    if (table != NULL && table[0] != '\0')
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "option signal.data.collection: signals in table %s are not acted on by this "
                    "version",
                    table);
}

static int open_source(void *self) {
    pg_source_t *s = self;
    int status;

    warn_of_signals(s);

    uv_timer_init(sluice_uv_loop(s->api, s->ctx),
                  &s->stream.linger); /* close ends it, also after a failed open */
    s->stream.linger.data = s;
    s->to_close = 1;
    s->partition = partition_of(s);
    if (pg_emitter_init(&s->out, &s->env, s->partition) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    status = pg_setup_begin(s);
    s->opening = status == SLUICE_OK;
    return status;
}

/* ---- failing ---- */

/* OPEN completes once: by success, failure, or close. */
static void finish_open(pg_source_t *s) {
    if (!s->opening)
        return;
    s->opening = 0;
    s->api->complete(s->ctx, SLUICE_OP_OPEN, s->open_status);
}

/* Nothing half-made stays behind a failed open. */
static void on_undone(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;
    (void)status, (void)r, (void)count;
    finish_open(s);
}

static void open_failed(pg_source_t *s, int status) {
    pg_sql_t sql = {0};

    s->open_status = status;
    if (s->made_publication) {
        pg_sql_put(&sql, "DROP PUBLICATION IF EXISTS ");
        pg_sql_ident(&sql, s->env.options.publication);
    }
    if (sql.len == 0 || sql.failed ||
        pg_conn_query(s->general, sql.text, on_undone, s) != SLUICE_OK)
        finish_open(s);
    pg_sql_fini(&sql);
}

void pg_source_failed(pg_source_t *s, int status) {
    if (s->closing || s->failed)
        return;
    s->failed = 1;
    s->stream.stops |= PG_STOP_BROKEN;
    if (s->stream.running)
        pg_conn_listen(s->repl, NULL, NULL);
    if (s->snapshot.copying)
        pg_conn_listen(s->snap, NULL, NULL);
    if (s->opening) {
        open_failed(s, status);
        return;
    }
    pg_stream_end(s);
    s->api->broken(s->ctx, status);
}

void pg_source_error(pg_source_t *s, const pg_error_t *error, int status, const char *doing) {
    pg_source_failed(s, pg_fail(s->api, s->ctx, error, status, doing));
}

/* ---- running ---- */

static void on_credit(void *self) {
    pg_snapshot_credit(self);
    pg_stream_go(self, PG_STOP_CREDIT);
}

static void pause_source(void *self) {
    pg_source_t *s = self;
    s->snapshot.blocked = s->snapshot.running;
    if (s->snapshot.copying)
        pg_conn_listen(s->snap, NULL, NULL);
    pg_stream_stop(s, PG_STOP_PAUSE);
}

static void resume_source(void *self) {
    pg_snapshot_credit(self);
    pg_stream_go(self, PG_STOP_PAUSE);
}

static void committed(void *self, uint32_t partition, const sluice_position_t *position,
                      sluice_str_t offset) {
    pg_source_t *s = self;
    (void)offset;
    if (partition == s->partition)
        pg_stream_committed(s, pg_position_lsn(position));
}

static int offset_json(void *self, const sluice_position_t *position, sluice_str_t offset,
                       sluice_buf_t *out) {
    pg_offset_t o;

    (void)self;
    if (offset.data == NULL) {
        if (pg_offset_of(position, &o) != SLUICE_OK)
            return SLUICE_INVALID;
    } else if (offset.len != sizeof(o)) {
        return SLUICE_INVALID;
    } else {
        memcpy(&o, offset.data, sizeof(o));
    }
    pg_offset_write(&o, out);
    return out->status;
}

/* ---- closing: connections first, the slot if it must go, then the last handles ---- */

static void handle_closed(void *arg) {
    pg_source_t *s = arg;
    if (--s->to_close > 0)
        return;
    if (s->open_status == SLUICE_OK)
        s->open_status = SLUICE_CANCELLED;
    finish_open(s);
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static void linger_closed(uv_handle_t *h) {
    handle_closed(h->data);
}

static void close_conn(pg_source_t *s, pg_conn_t **conn) {
    if (*conn == NULL)
        return;
    s->to_close++;
    pg_conn_close(*conn, handle_closed, s);
    *conn = NULL;
}

static void close_rest(pg_source_t *s) {
    close_conn(s, &s->general);
    uv_close((uv_handle_t *)&s->stream.linger, linger_closed);
}

static void on_slot_dropped(void *arg, int status, PGresult *const *r, int count) {
    pg_source_t *s = arg;

    (void)r, (void)count;
    uv_timer_stop(&s->stream.linger);
    if (status != SLUICE_OK)
        s->api->log(s->ctx, SLUICE_LOG_WARN, "replication slot %s could not be dropped: %s",
                    s->env.options.slot, pg_conn_error(s->general)->message);
    close_rest(s);
}

static void on_drop_late(uv_timer_t *t) {
    pg_source_t *s = t->data;
    s->api->log(
        s->ctx, SLUICE_LOG_WARN,
        "replication slot %s was not dropped in time: drop it with pg_drop_replication_slot()",
        s->env.options.slot);
    close_rest(s);
}

static int close_source(void *self) {
    pg_source_t *s = self;
    pg_sql_t sql = {0};
    /* A slot whose snapshot did not finish is worth nothing: the next start snapshots again. */
    int drop = s->general != NULL && ((s->made_slot && !s->snapshot_done) ||
                                      (s->env.options.drop_slot && s->repl != NULL));

    s->closing = 1;
    pg_stream_end(s);
    close_conn(s, &s->snap);
    close_conn(s, &s->repl);
    if (drop)
        pg_slot_drop_sql(&sql, s->env.options.slot);
    if (drop && !sql.failed && pg_conn_query(s->general, sql.text, on_slot_dropped, s) == SLUICE_OK)
        uv_timer_start(&s->stream.linger, on_drop_late, DROP_MS, 0);
    else
        close_rest(s);
    pg_sql_fini(&sql);
    return SLUICE_OK;
}

static const sluice_source_t source = {
    .size = sizeof(sluice_source_t),
    .create = create,
    .destroy = destroy,
    .open = open_source,
    .on_credit = on_credit,
    .pause = pause_source,
    .resume = resume_source,
    .committed = committed,
    .offset_json = offset_json,
    .close = close_source,
};

static const char *const aliases[] = {"io.debezium.connector.postgresql.PostgresConnector",
                                      "PostgresConnector", NULL};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_SOURCE,
    .name = "postgres",
    .aliases = aliases,
    .summary = "Changes of PostgreSQL tables by logical replication, as Debezium's events",
    .options = pg_option_table,
    .option_count = PG_OPTION_COUNT,
    .option_size = sizeof(sluice_option_t),
    .check = pg_options_check,
    .probe = pg_source_probe,
    .source = &source,
}};

SLUICE_DEFINE_MODULE("postgres-source", SLUICE_VERSION, "Apache-2.0", plugins);
