#include "postgres_sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/endpoint.h"
#include "support/position.h"

static const char *const aliases[] = {"postgres-sink", NULL};
static const char *const modes[] = {"insert", "upsert", NULL};
static const char *const missing_modes[] = {"fail", "ignore", NULL};
static const char *const ssl_modes[] = {"disable",   "allow",       "prefer", "require",
                                        "verify-ca", "verify-full", NULL};

static const sluice_option_t options[] = {
    {.name = "hostname",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Host name or address of the server."},
    {.name = "port",
     .type = SLUICE_OPT_INT,
     .default_text = "5432",
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 65535,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Port of the server."},
    {.name = "dbname",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Database to write to."},
    {.name = "user",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Role to log in as."},
    {.name = "password",
     .type = SLUICE_OPT_PASSWORD,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Password of the role."},
    {.name = "sslmode",
     .type = SLUICE_OPT_ENUM,
     .values = ssl_modes,
     .default_text = "prefer",
     .group = "TLS",
     .importance = SLUICE_MEDIUM,
     .doc = "Whether TLS is used and what is verified, as in libpq."},
    {.name = "sslrootcert",
     .type = SLUICE_OPT_STRING,
     .group = "TLS",
     .importance = SLUICE_LOW,
     .doc = "PEM file of the authorities to trust."},
    {.name = "sslcert",
     .type = SLUICE_OPT_STRING,
     .group = "TLS",
     .importance = SLUICE_LOW,
     .doc = "PEM file of the client certificate."},
    {.name = "sslkey",
     .type = SLUICE_OPT_STRING,
     .group = "TLS",
     .importance = SLUICE_LOW,
     .doc = "PEM file of the client key."},
    {.name = "connect.timeout",
     .type = SLUICE_OPT_DURATION,
     .default_text = "10s",
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "Longest wait for a connection."},
    {.name = "table.name.format",
     .type = SLUICE_OPT_STRING,
     .default_text = "${topic}",
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc = "Table of a record; ${topic} is its topic. Of a.b.c the last two parts count."},
    {.name = "insert.mode",
     .type = SLUICE_OPT_ENUM,
     .values = modes,
     .default_text = "upsert",
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc = "insert: COPY; upsert: insert, or update where the key exists."},
    {.name = "pk.fields",
     .type = SLUICE_OPT_LIST,
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "Columns of the key; default: the table's primary key."},
    {.name = "delete.enabled",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "A record without value deletes the row of its key (upsert only)."},
    {.name = "missing.columns",
     .type = SLUICE_OPT_ENUM,
     .values = missing_modes,
     .default_text = "fail",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "What to do with a field that has no column."},
    {.name = "batch.max.records",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 1000000,
     .default_text = "20000",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "Rows of the batches that share a transaction at most."},
    {.name = "batch.max.bytes",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .min = 1024,
     .max = 1 << 30,
     .default_text = "4m",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "Bytes of the batches that share a transaction at most."},
    {.name = "linger",
     .type = SLUICE_OPT_DURATION,
     .default_text = "0",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "How long rows wait for more; 0: only for the transaction under way."},
    {.name = "exactly.once",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_HIGH,
     .doc = "Keep the source position in table sluice_positions, in the same transaction."},
};

int pg_bad(pg_sink_t *s, int status, const char *code, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(s->bad_text, sizeof(s->bad_text), fmt, args);
    va_end(args);
    s->bad_code = code;
    return status;
}

void pg_sink_options(pg_sink_t *s, const sluice_api_t *api, sluice_ctx_t *ctx) {
    s->api = api;
    s->ctx = ctx;
    s->mode = (enum insert_mode)api->config_int(ctx, "insert.mode");
    s->missing = (enum missing_mode)api->config_int(ctx, "missing.columns");
    s->delete_enabled = (int)api->config_int(ctx, "delete.enabled");
    s->exactly_once = (int)api->config_int(ctx, "exactly.once");
    s->max_rows = api->config_int(ctx, "batch.max.records");
    s->max_bytes = api->config_int(ctx, "batch.max.bytes");
    s->linger_ms = api->config_int(ctx, "linger");
    s->table_format = api->config_text(ctx, "table.name.format");
    s->key_count = api->config_list(ctx, "pk.fields", &s->keys);
    snprintf(s->owner, sizeof(s->owner), "%s/%s", api->pipeline_name(ctx), api->instance_name(ctx));
}

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    pg_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    pg_sink_options(s, api, ctx);
    s->rows =
        api->metric(ctx, SLUICE_COUNTER, "rows_total", "Rows written in committed transactions.");
    s->transactions =
        api->metric(ctx, SLUICE_COUNTER, "transactions_total", "Transactions committed.");
    *self = s;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    pg_sink_t *s = self;

    pg_targets_free(s);
    free(s);
}

/* ---- open: connect, position table, positions ---- */

static void finish_open(pg_sink_t *s, int status) {
    s->opening = 0;
    s->ready = status == SLUICE_OK;
    s->api->complete(s->ctx, SLUICE_OP_OPEN, status);
}

static void fail_open(pg_sink_t *s, int status, const char *doing) {
    finish_open(s, pg_fail(s->api, s->ctx, pg_conn_error(s->conn), status, doing));
}

/* Of a position that is not what this sink wrote nobody knows what it covers. */
static int announce(pg_sink_t *s, const PGresult *rows) {
    int i;

    for (i = 0; i < PQntuples(rows); i++) {
        sluice_position_t position;
        uint32_t sub;

        if (position_hex_read(sluice_str(PQgetvalue(rows, i, 1)), &position) != SLUICE_OK ||
            position_sub_read(sluice_str(PQgetvalue(rows, i, 2)), &sub) != SLUICE_OK)
            return s->api->fail(
                s->ctx, SLUICE_FATAL, "postgres.position",
                "the row of owner %s, partition %s in table sluice_positions holds no"
                " position of this sink. Correct it; or delete it: what was written"
                " last may then be written again.",
                s->owner, PQgetvalue(rows, i, 0));
        s->api->sink_position(s->ctx, sluice_str(PQgetvalue(rows, i, 0)), &position, sub);
    }
    return SLUICE_OK;
}

static void on_positions(void *arg, int status, PGresult *const *results, int count) {
    pg_sink_t *s = arg;

    if (s->closing)
        return;
    if (status != SLUICE_OK)
        fail_open(s, 0, "reading table sluice_positions");
    else
        finish_open(s, count > 0 ? announce(s, results[count - 1]) : SLUICE_OK);
}

/* A second look before CREATE: a role that may write the table need not be allowed to create one.
 * The lock: several sinks open at the same moment, and IF NOT EXISTS does not keep two sessions
 * from colliding in the catalogue. */
static void read_positions(pg_sink_t *s) {
    pg_sql_t sql = {0};

    pg_sql_put(
        &sql,
        "SET client_min_messages=warning;"
        "DO $$ BEGIN IF to_regclass('sluice_positions') IS NULL THEN "
        "PERFORM pg_advisory_xact_lock(hashtext('sluice_positions')); CREATE TABLE IF NOT EXISTS "
        "sluice_positions("
        "owner text, partition text, position bytea, sub bigint, PRIMARY KEY(owner,partition)); "
        "END IF; END $$;"
        "SELECT partition, encode(position,'hex'), sub FROM sluice_positions WHERE owner=");
    pg_sql_literal(&sql, s->owner);
    if (sql.failed || pg_conn_query(s->conn, sql.text, on_positions, s) != SLUICE_OK)
        fail_open(s, SLUICE_NOT_CONNECTED, "reading table sluice_positions");
    pg_sql_fini(&sql);
}

static void on_locked(void *arg, int status, PGresult *const *results, int count) {
    pg_sink_t *s = arg;

    if (s->closing)
        return;
    if (status != SLUICE_OK || count == 0) {
        fail_open(s, 0, "locking our positions");
    } else if (strcmp(PQgetvalue(results[0], 0, 0), "t") != 0) {
        s->api->fail(
            s->ctx, SLUICE_NOT_CONNECTED, "postgres.in_use",
            "another session writes as %s: the server still has to notice that it is gone, "
            "or the same pipeline runs a second time; waiting",
            s->owner);
        finish_open(s, SLUICE_NOT_CONNECTED);
    } else {
        read_positions(s);
    }
}

/* The server may still be at work for a session of ours that is dead here: what it commits must be
 * in the positions that are read next. So each task holds a lock for the life of its session. */
static void lock_positions(pg_sink_t *s) {
    pg_sql_t sql = {0};
    char name[300];

    snprintf(name, sizeof(name), "sluice/%s/%d", s->owner, (int)s->api->task_number(s->ctx));
    pg_sql_put(&sql, "SELECT pg_try_advisory_lock(hashtextextended(");
    pg_sql_literal(&sql, name);
    pg_sql_put(&sql, ",0))");
    if (sql.failed || pg_conn_query(s->conn, sql.text, on_locked, s) != SLUICE_OK)
        fail_open(s, SLUICE_NOT_CONNECTED, "locking our positions");
    pg_sql_fini(&sql);
}

static void on_connected(void *arg, int status) {
    pg_sink_t *s = arg;

    if (s->closing)
        return;
    if (status != SLUICE_OK)
        fail_open(s, status, "connecting");
    else if (s->exactly_once)
        lock_positions(s);
    else
        finish_open(s, SLUICE_OK);
}

pg_params_t pg_sink_params(const pg_sink_t *s) {
    const sluice_api_t *api = s->api;
    pg_params_t p = {
        .hostname = api->config_text(s->ctx, "hostname"),
        .port = (int)api->config_int(s->ctx, "port"),
        .user = api->config_text(s->ctx, "user"),
        .password = api->config_text(s->ctx, "password"),
        .dbname = api->config_text(s->ctx, "dbname"),
        .sslmode = api->config_text(s->ctx, "sslmode"),
        .sslcert = api->config_text(s->ctx, "sslcert"),
        .sslkey = api->config_text(s->ctx, "sslkey"),
        .sslrootcert = api->config_text(s->ctx, "sslrootcert"),
        .application_name = "sluice",
        .session = "-c timezone=UTC -c datestyle=ISO -c client_encoding=UTF8",
        .keepalive = 1,
        .timeout_ms = (uint64_t)api->config_int(s->ctx, "connect.timeout"),
    };

    return p;
}

static int sink_open(void *self) {
    pg_sink_t *s = self;
    const sluice_api_t *api = s->api;
    pg_params_t p = pg_sink_params(s);

    s->conn = pg_conn_create(api->uv_loop(s->ctx));
    if (s->conn == NULL)
        return SLUICE_NO_MEMORY;
    s->opening = 1;
    return pg_conn_connect(s->conn, &p, on_connected, s);
}

/* ---- running ---- */

void pg_sink_progress(pg_sink_t *s) {
    if (s->flushing && s->flush_left == 0) {
        s->flushing = 0;
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    }
}

void pg_sink_lost(pg_sink_t *s) {
    s->ready = 0;
    if (s->closing)
        return;
    pg_fail(s->api, s->ctx, pg_conn_error(s->conn), SLUICE_NOT_CONNECTED, "writing");
    s->api->broken(s->ctx, SLUICE_NOT_CONNECTED);
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    pg_sink_t *s = self;

    if (!s->ready)
        return s->api->fail(s->ctx, SLUICE_NOT_CONNECTED, "postgres.closed",
                            "the connection is lost");
    return pg_delivery_begin(s, batch, ticket);
}

static void flush_later(void *arg) {
    pg_sink_progress(arg);
}

static int sink_flush(void *self) {
    pg_sink_t *s = self;

    s->flushing = 1;
    s->flush_left = s->in_flight;
    pg_delivery_hurry(s);
    return s->in_flight > 0 ? SLUICE_OK : s->api->post(s->ctx, flush_later, s);
}

static void on_closed(void *arg) {
    pg_sink_t *s = arg;

    if (s->opening)
        finish_open(s, SLUICE_CANCELLED);
    if (s->flushing) {
        s->flushing = 0;
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_CANCELLED);
    }
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static int sink_close(void *self) {
    pg_sink_t *s = self;

    s->closing = 1;
    s->ready = 0;
    pg_delivery_cancel(s, SLUICE_CANCELLED, "postgres.cancelled", "closed before the answer");
    if (s->conn == NULL)
        return s->api->post(s->ctx, on_closed, s);
    pg_conn_close(s->conn, on_closed, s);
    s->conn = NULL;
    return SLUICE_OK;
}

static int sink_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    endpoint_check_hosts(api, ctx, "hostname");
    if (api->config_int(ctx, "delete.enabled") &&
        api->config_int(ctx, "insert.mode") == INSERT_PLAIN)
        api->config_error(ctx, "delete.enabled",
                          "needs insert.mode=upsert: plain inserts have no key to delete by");
    return SLUICE_OK;
}

static const sluice_sink_t postgres_sink = {
    .size = sizeof(sluice_sink_t),
    .failure_mode = SLUICE_ATOMIC,
    .max_in_flight = PG_IN_FLIGHT,
    .flags = SLUICE_SINK_OWN_POSITION | SLUICE_SINK_EMPTY_BATCHES,
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_SINK,
    .name = "postgres",
    .aliases = aliases,
    .summary =
        "Writes records to PostgreSQL tables: COPY, upsert and delete, in one transaction a batch.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .check = sink_check,
    .probe = pg_sink_probe,
    .sink = &postgres_sink,
}};

SLUICE_DEFINE_MODULE("postgres-sink", SLUICE_VERSION, "Apache-2.0", plugins);
