#include "clickhouse_sink.h"

#include <stdlib.h>

static const char *const aliases[] = {"com.clickhouse.kafka.connect.ClickHouseSinkConnector",
                                      "ClickHouseSinkConnector", "clickhouse-sink", NULL};

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    ch_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->encoder.api = api;
    http_sink_init(&s->life, api, ctx);
    ch_options_read(s);
    s->rows_total = api->metric(ctx, SLUICE_COUNTER, "rows_total", "Rows that were inserted.");
    s->bytes_total =
        api->metric(ctx, SLUICE_COUNTER, "bytes_total", "Bytes of requests with rows, as sent.");
    s->inserts_total = api->metric(ctx, SLUICE_COUNTER, "inserts_total", "INSERTs sent.");
    s->errors_total = api->metric(ctx, SLUICE_COUNTER, "errors_total", "INSERTs that failed.");
    s->repeated_total = api->metric(ctx, SLUICE_COUNTER, "repeated_total",
                                    "Rows left out because their table had them.");
    s->insert_seconds = api->metric(ctx, SLUICE_HISTOGRAM, "insert_seconds",
                                    "From sending an INSERT to its answer.");
    *self = s;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    ch_sink_t *s = self;

    ch_lanes_free(s);
    ch_tables_free(s);
    journal_destroy(s->journal);
    free(s);
}

/* ---- events ---- */

void ch_opened(ch_sink_t *s, int status) {
    if (s->life.opening && status == SLUICE_OK)
        s->api->log(s->ctx, SLUICE_LOG_INFO, "connected to ClickHouse %s at %s:%d, database %s",
                    s->version, s->hostname, (int)s->port, s->database);
    http_sink_opened(&s->life, status);
}

void ch_broken(ch_sink_t *s, const ch_answer_t *a) {
    if (s->life.broken)
        return;
    s->life.broken = 1;
    s->api->metric_add(s->errors_total, 1);
    ch_group_end_all(s, a->status, a->code, a->message);
    s->api->fail(s->ctx, a->status, a->code, "%s:%d: %s", s->hostname, (int)s->port, a->message);
    s->api->broken(s->ctx, a->status);
}

void ch_idle(ch_sink_t *s) {
    if (s->life.closing)
        return;
    if (!s->reading)
        http_sink_ready(&s->life);
    ch_group_go(s);
    if (ch_group_idle(s))
        http_sink_flushed(&s->life);
}

/* ---- callbacks of the runtime ---- */

static int sink_open(void *self) {
    ch_sink_t *s = self;
    int rc = SLUICE_OK;

    if (s->exactly_once)
        rc = journal_open(s->api, s->ctx, "clickhouse.positions", &s->journal);
    if (rc != SLUICE_OK)
        return rc;
    rc = http_sink_open(&s->life, 2);
    return rc == SLUICE_OK ? ch_open_begin(s) : rc;
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    ch_sink_t *s = self;

    if (s->life.broken)
        return s->api->fail(s->ctx, SLUICE_NOT_CONNECTED, "clickhouse.closed",
                            "the connection is lost");
    return ch_group_write(s, batch, ticket);
}

static void flush_later(void *arg) {
    ch_idle(arg);
}

static int sink_flush(void *self) {
    ch_sink_t *s = self;

    return http_sink_flush(&s->life, flush_later, s);
}

static int sink_close(void *self) {
    ch_sink_t *s = self;

    s->life.broken = 1;
    ch_group_end_all(s, SLUICE_CANCELLED, "clickhouse.cancelled", "closed before the answer");
    return http_sink_close(&s->life);
}

/* ---- probe ---- */

/* Opens as a task would, but waiting, and looks at the tables. */
static int sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    void *self = NULL;
    int rc = sink_create(ch_probe_api(api), ctx, &self);
    ch_sink_t *s = self;

    if (rc != SLUICE_OK)
        return rc;
    s->life.client = http_client_create_blocking(s->api, ctx);
    s->life.opening = 1;
    if (s->life.client != NULL && ch_open_begin(s) == SLUICE_OK && !s->life.broken)
        ch_probe_tables(s);
    if (s->life.client != NULL)
        http_client_close(s->life.client, NULL, NULL);
    sink_destroy(s);
    return SLUICE_OK;
}

static const sluice_sink_t clickhouse_sink = {
    .size = sizeof(sluice_sink_t),
    .failure_mode = SLUICE_ATOMIC,
    .max_in_flight = 0,
    .flags = SLUICE_SINK_OWN_POSITION,
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
    .name = "clickhouse",
    .aliases = aliases,
    .summary = "Inserts records into ClickHouse tables over HTTP, in blocks.",
    .options = ch_options,
    .option_count = CH_OPTION_COUNT,
    .option_size = sizeof(sluice_option_t),
    .check = ch_options_check,
    .probe = sink_probe,
    .sink = &clickhouse_sink,
}};

SLUICE_DEFINE_MODULE("clickhouse-sink", SLUICE_VERSION, "Apache-2.0", plugins);
