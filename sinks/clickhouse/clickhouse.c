#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const aliases[] = {"com.clickhouse.kafka.connect.ClickHouseSinkConnector",
                                      "ClickHouseSinkConnector", "clickhouse-sink", NULL};
static const char *const formats[] = {"JSONEachRow", "RowBinary", NULL};
static const char *const compressions[] = {"none", "gzip", "zstd", "lz4", NULL};
static const char *const unknowns[] = {"ignore", "error", NULL};
static const char *const tombstones[] = {"skip", "fail", NULL};

static const sluice_option_t options[] = {
    {.name = "hostname",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Name or address of the server."},
    {.name = "port",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 65535,
     .default_text = "8443",
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Its HTTP port (often 8123), or its HTTPS port with ssl=true."},
    {.name = "ssl",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Speak HTTPS."},
    {.name = "database",
     .type = SLUICE_OPT_STRING,
     .default_text = "default",
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Database of the tables."},
    {.name = "username",
     .type = SLUICE_OPT_STRING,
     .default_text = "default",
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "User of the database."},
    {.name = "password",
     .type = SLUICE_OPT_PASSWORD,
     .default_text = "",
     .group = "Connection",
     .importance = SLUICE_HIGH,
     .doc = "Its password."},
    {.name = "timeoutSeconds",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = 600,
     .default_text = "30",
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "Seconds for a question to the server; 0: no limit."},
    {.name = "insert.timeout",
     .type = SLUICE_OPT_DURATION,
     .default_text = "240s",
     .group = "Connection",
     .aliases = (const char *const[]){"clickhouseClientInsertTimeoutMs", NULL},
     .importance = SLUICE_LOW,
     .doc = "Time for one INSERT; 0: no limit."},
    {.name = "proxy",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "URL of an HTTP or SOCKS proxy; default: none, whatever the environment says."},
    {.name = "ssl.ca",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "PEM file of certificate authorities instead of the system's."},
    {.name = "ssl.cert",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "PEM file of the client's certificate."},
    {.name = "ssl.key",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "PEM file of the client's key."},
    {.name = "ssl.verify",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .group = "Connection",
     .importance = SLUICE_LOW,
     .doc = "Check the server's certificate."},
    {.name = "topic2TableMap",
     .type = SLUICE_OPT_LIST,
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc = "Items topic=table; topics that are not named go to the table of option table."},
    {.name = "table",
     .type = SLUICE_OPT_STRING,
     .default_text = "${topic}",
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc = "Table; ${topic} is the record's topic."},
    {.name = "format",
     .type = SLUICE_OPT_ENUM,
     .values = formats,
     .default_text = "JSONEachRow",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "How rows are sent; RowBinary is smaller and knows fewer types."},
    {.name = "compression",
     .type = SLUICE_OPT_ENUM,
     .values = compressions,
     .default_text = "none",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "Of requests; servers before 20 take gzip only."},
    {.name = "compression.level",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = -1,
     .max = 19,
     .default_text = "-1",
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "The library's level; -1: its default."},
    {.name = "unknown.fields",
     .type = SLUICE_OPT_ENUM,
     .values = unknowns,
     .default_text = "ignore",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "What becomes of a field that has no column."},
    {.name = "null.as.default",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "A null for a column that is not Nullable gives the column's default; else an error."},
    {.name = "tombstones",
     .type = SLUICE_OPT_ENUM,
     .values = tombstones,
     .default_text = "skip",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "What becomes of a record whose value is null, without deleted.column."},
    {.name = "version.column",
     .type = SLUICE_OPT_STRING,
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc =
         "UInt64 column that gets a number which grows with the source position, for ReplacingMergeTree."},
    {.name = "deleted.column",
     .type = SLUICE_OPT_STRING,
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "UInt8 column that gets 1 with the key's fields when the value is null, else 0."},
    {.name = "clickhouseSettings",
     .type = SLUICE_OPT_LIST,
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "Items setting=value, sent with each INSERT."},
    {.name = "suppressTableExistenceException",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "Drop the records of a table that does not exist, with a warning."},
    {.name = "batch.max.records",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 1000000,
     .default_text = "100000",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "Rows that are sent together at most."},
    {.name = "batch.max.bytes",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .min = 1024,
     .max = 1 << 30,
     .default_text = "16m",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "Bytes of rows that are sent together at most; queue.bytes of the sink bounds it too."},
    {.name = "linger",
     .type = SLUICE_OPT_DURATION,
     .default_text = "100ms",
     .group = "Batching",
     .importance = SLUICE_MEDIUM,
     .doc = "How long rows wait for more before they are sent."},
    {.name = "exactlyOnce",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_HIGH,
     .doc = "Rows that are sent again form the same blocks with the same tokens; see README.md."},
    {.name = "ignorePartitionsWhenBatching",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "One INSERT for all source partitions of a table, without a deduplication token."},
    {.name = "retryCount",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_HIDDEN,
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; errors.retry.timeout rules here."},
    {.name = "tableRefreshInterval",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_HIDDEN,
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; columns are read again when the server refuses rows."},
    {.name = "zkPath",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_HIDDEN,
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; the state is in the state directory."},
    {.name = "zkDatabase",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_HIDDEN,
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; the state is in the state directory."},
    {.name = "bypassRowBinary",
     .type = SLUICE_OPT_BOOLEAN,
     .flags = SLUICE_OPT_HIDDEN,
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; see format."},
};

static const char *text_option(const ch_sink_t *s, const char *name) {
    const char *text = s->api->config_text(s->ctx, name);

    return text != NULL && *text != '\0' ? text : NULL;
}

static void read_connection(ch_sink_t *s) {
    const sluice_api_t *api = s->api;

    s->hostname = api->config_text(s->ctx, "hostname");
    s->port = api->config_int(s->ctx, "port");
    s->tls = (int)api->config_int(s->ctx, "ssl");
    s->database = text_option(s, "database") != NULL ? text_option(s, "database") : "default";
    s->username = text_option(s, "username") != NULL ? text_option(s, "username") : "default";
    s->password = text_option(s, "password") != NULL ? text_option(s, "password") : "";
    s->timeout_ms = api->config_int(s->ctx, "timeoutSeconds") * 1000;
    s->insert_timeout_ms = api->config_int(s->ctx, "insert.timeout");
}

static void read_options(ch_sink_t *s) {
    const sluice_api_t *api = s->api;
    sluice_ctx_t *ctx = s->ctx;

    read_connection(s);
    s->table_option = text_option(s, "table") != NULL ? text_option(s, "table") : "${topic}";
    s->format = (enum ch_format)api->config_int(ctx, "format");
    s->encoder.binary = s->format == FORMAT_BINARY;
    s->compression = (compress_kind_t)api->config_int(ctx, "compression");
    s->compression_level = (int)api->config_int(ctx, "compression.level");
    s->unknown = (enum ch_unknown)api->config_int(ctx, "unknown.fields");
    s->null_as_default = (int)api->config_int(ctx, "null.as.default");
    s->tombstones = (enum ch_tombstones)api->config_int(ctx, "tombstones");
    s->version_column = text_option(s, "version.column");
    s->deleted_column = text_option(s, "deleted.column");
    s->missing_table_ok = (int)api->config_int(ctx, "suppressTableExistenceException");
    s->max_records = api->config_int(ctx, "batch.max.records");
    s->max_bytes = api->config_int(ctx, "batch.max.bytes");
    s->linger_ms = api->config_int(ctx, "linger");
    s->exactly_once = (int)api->config_int(ctx, "exactlyOnce");
    s->ignore_partitions = (int)api->config_int(ctx, "ignorePartitionsWhenBatching");
}

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    ch_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->encoder.api = api;
    read_options(s);
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
    if (!s->opening)
        return;
    s->opening = 0;
    s->broken = status != SLUICE_OK;
    if (status == SLUICE_OK)
        s->api->log(s->ctx, SLUICE_LOG_INFO, "connected to ClickHouse %s at %s:%d, database %s",
                    s->version, s->hostname, (int)s->port, s->database);
    s->api->complete(s->ctx, SLUICE_OP_OPEN, status);
}

void ch_broken(ch_sink_t *s, const ch_answer_t *a) {
    if (s->broken)
        return;
    s->broken = 1;
    s->api->metric_add(s->errors_total, 1);
    ch_group_end_all(s, a->status, a->code, a->message);
    s->api->fail(s->ctx, a->status, a->code, "%s:%d: %s", s->hostname, (int)s->port, a->message);
    s->api->broken(s->ctx, a->status);
}

static void finish_close(ch_sink_t *s) {
    if (!s->closing || s->saving || s->http != NULL)
        return;
    if (s->opening)
        s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_CANCELLED);
    if (s->flushing)
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_CANCELLED);
    s->opening = s->flushing = 0;
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

void ch_idle(ch_sink_t *s) {
    if (s->closing) {
        finish_close(s);
        return;
    }
    if (s->waiting_ready && !s->reading) {
        s->waiting_ready = 0;
        s->api->ready(s->ctx);
    }
    ch_group_go(s);
    if (s->flushing && ch_group_idle(s)) {
        s->flushing = 0;
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    }
}

static void on_http_closed(void *arg) {
    ch_sink_t *s = arg;

    s->http = NULL;
    finish_close(s);
}

/* ---- callbacks of the runtime ---- */

static int sink_open(void *self) {
    ch_sink_t *s = self;
    int rc = SLUICE_OK;

    if (s->exactly_once)
        rc = journal_open(s->api, s->ctx, "clickhouse.positions", &s->journal);
    if (rc != SLUICE_OK)
        return rc;
    s->http = http_client_create(s->api, s->ctx, 2);
    if (s->http == NULL)
        return SLUICE_NO_MEMORY;
    s->opening = 1;
    return ch_open_begin(s);
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    ch_sink_t *s = self;

    if (s->broken)
        return s->api->fail(s->ctx, SLUICE_NOT_CONNECTED, "clickhouse.closed",
                            "the connection is lost");
    return ch_group_write(s, batch, ticket);
}

static void flush_later(void *arg) {
    ch_idle(arg);
}

static int sink_flush(void *self) {
    ch_sink_t *s = self;

    s->flushing = 1;
    return s->api->post(s->ctx, flush_later, s);
}

static void close_later(void *arg) {
    finish_close(arg);
}

static int sink_close(void *self) {
    ch_sink_t *s = self;

    s->closing = 1;
    s->broken = 1;
    if (s->timer != NULL)
        s->api->timer_stop(s->ctx, s->timer);
    s->timer = NULL;
    ch_group_end_all(s, SLUICE_CANCELLED, "clickhouse.cancelled", "closed before the answer");
    if (s->http == NULL)
        return s->api->post(s->ctx, close_later, s);
    http_client_close(s->http, on_http_closed, s);
    return SLUICE_OK;
}

/* ---- check ---- */

static void check_pairs(const sluice_api_t *api, sluice_ctx_t *ctx, const char *option,
                        const char *form) {
    const char *const *items;
    size_t n = api->config_list(ctx, option, &items);
    size_t i;

    for (i = 0; i < n; i++) {
        const char *equals = strchr(items[i], '=');

        if (equals == NULL || equals == items[i])
            api->config_error(ctx, option, "\"%s\" is not of the form %s", items[i], form);
    }
}

static int sink_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *table = api->config_text(ctx, "table");

    check_pairs(api, ctx, "topic2TableMap", "topic=table");
    check_pairs(api, ctx, "clickhouseSettings", "setting=value");
    if (table != NULL && *table == '\0')
        api->config_error(ctx, "table", "is empty: name a table, or leave it at ${topic}");
    if (api->config_int(ctx, "exactlyOnce") && api->config_int(ctx, "ignorePartitionsWhenBatching"))
        api->config_error(
            ctx, "ignorePartitionsWhenBatching",
            "exactlyOnce=true needs a block for each source partition: leave this false");
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
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .check = sink_check,
    .sink = &clickhouse_sink,
}};

SLUICE_DEFINE_MODULE("clickhouse-sink", SLUICE_VERSION, "Apache-2.0", plugins);
