#include "clickhouse_sink.h"

#include "clients/http/http_options.h"
#include "support/endpoint.h"
#include "support/option.h"

static const char *const formats[] = {"JSONEachRow", "RowBinary", NULL};
static const char *const compressions[] = {"none", "gzip", "zstd", "lz4", NULL};
static const char *const unknowns[] = {"ignore", "error", NULL};
static const char *const tombstones[] = {"skip", "fail", NULL};

const sluice_option_t ch_options[] = {
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
    HTTP_OPTION_PROXY("proxy"),
    HTTP_OPTION_CA,
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
    HTTP_OPTION_VERIFY,
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
    COMPRESS_OPTION_LEVEL("compression.level"),
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
         "UInt64 column that gets a number which grows with the source position, for "
         "ReplacingMergeTree."},
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
    OPTION_IGNORED("retryCount", SLUICE_OPT_INT,
                   "Of the Connect sink; errors.retry.timeout rules here."),
    OPTION_IGNORED("tableRefreshInterval", SLUICE_OPT_INT,
                   "Of the Connect sink; columns are read again when the server refuses rows."),
    OPTION_IGNORED("zkPath", SLUICE_OPT_STRING,
                   "Of the Connect sink; the state is in the state directory."),
    OPTION_IGNORED("zkDatabase", SLUICE_OPT_STRING,
                   "Of the Connect sink; the state is in the state directory."),
    OPTION_IGNORED("bypassRowBinary", SLUICE_OPT_BOOLEAN, "Of the Connect sink; see format."),
};

/* ---- reading ---- */

static void read_connection(ch_sink_t *s) {
    const sluice_api_t *api = s->api;

    s->hostname = api->config_text(s->ctx, "hostname");
    s->port = api->config_int(s->ctx, "port");
    s->tls = (int)api->config_int(s->ctx, "ssl");
    s->database = option_text(api, s->ctx, "database", "default");
    s->username = option_text(api, s->ctx, "username", "default");
    s->password = option_text(api, s->ctx, "password", "");
    s->timeout_ms = api->config_int(s->ctx, "timeoutSeconds") * 1000;
    s->insert_timeout_ms = api->config_int(s->ctx, "insert.timeout");
}

void ch_options_read(ch_sink_t *s) {
    const sluice_api_t *api = s->api;
    sluice_ctx_t *ctx = s->ctx;

    read_connection(s);
    s->table_option = option_text(api, s->ctx, "table", "${topic}");
    s->format = (enum ch_format)api->config_int(ctx, "format");
    s->encoder.binary = s->format == FORMAT_BINARY;
    s->compression = (compress_kind_t)api->config_int(ctx, "compression");
    s->compression_level = (int)api->config_int(ctx, "compression.level");
    s->unknown = (enum ch_unknown)api->config_int(ctx, "unknown.fields");
    s->null_as_default = (int)api->config_int(ctx, "null.as.default");
    s->tombstones = (enum ch_tombstones)api->config_int(ctx, "tombstones");
    s->version_column = option_text(api, s->ctx, "version.column", NULL);
    s->deleted_column = option_text(api, s->ctx, "deleted.column", NULL);
    s->missing_table_ok = (int)api->config_int(ctx, "suppressTableExistenceException");
    s->max_records = api->config_int(ctx, "batch.max.records");
    s->max_bytes = api->config_int(ctx, "batch.max.bytes");
    s->linger_ms = api->config_int(ctx, "linger");
    s->exactly_once = (int)api->config_int(ctx, "exactlyOnce");
    s->ignore_partitions = (int)api->config_int(ctx, "ignorePartitionsWhenBatching");
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

int ch_options_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *table = api->config_text(ctx, "table");

    endpoint_check_hosts(api, ctx, "hostname");
    http_options_check_url(api, ctx, "proxy", HTTP_URL_CREDENTIALS);
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
