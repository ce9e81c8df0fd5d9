#include "options.h"

#include <stdio.h>
#include <string.h>

#include "support/endpoint.h"

static const char *const snapshot_modes[] = {
    "initial", "always", "initial_only", "no_data", "when_needed", "never", NULL};
static const char *const publication_modes[] = {"all_tables", "filtered", "disabled", "no_tables",
                                                NULL};
static const char *const decimal_modes[] = {"precise", "double", "string", NULL};
static const char *const binary_modes[] = {"bytes", "base64", "base64-url-safe", "hex", NULL};
static const char *const interval_modes[] = {"numeric", "string", NULL};
static const char *const hstore_modes[] = {"json", "map", NULL};
static const char *const time_modes[] = {
    "adaptive", "adaptive_time_microseconds", "connect", "microseconds", "nanoseconds", "isostring",
    NULL};
static const char *const ssl_modes[] = {"disable",   "allow",       "prefer", "require",
                                        "verify-ca", "verify-full", NULL};
static const char *const plugin_names[] = {"pgoutput", NULL};

#define TEXT(key, def, grp, imp, text)                                             \
    {                                                                              \
        .name = key, .type = SLUICE_OPT_STRING, .default_text = def, .group = grp, \
        .importance = imp, .doc = text                                             \
    }
#define MUST(key, grp, text)                                                                \
    {                                                                                       \
        .name = key, .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_REQUIRED, .group = grp, \
        .doc = text                                                                         \
    }
#define SECRET(key, grp, imp, text)                                                         \
    {                                                                                       \
        .name = key, .type = SLUICE_OPT_PASSWORD, .flags = SLUICE_OPT_SECRET, .group = grp, \
        .importance = imp, .doc = text                                                      \
    }
#define FLAG(key, def, grp, text)                                                   \
    {                                                                               \
        .name = key, .type = SLUICE_OPT_BOOLEAN, .default_text = def, .group = grp, \
        .importance = SLUICE_LOW, .doc = text                                       \
    }
#define NUMBER(key, def, lo, hi, grp, imp, text)                                             \
    {                                                                                        \
        .name = key, .type = SLUICE_OPT_INT, .flags = SLUICE_OPT_RANGE, .default_text = def, \
        .min = lo, .max = hi, .group = grp, .importance = imp, .doc = text                   \
    }
#define MILLIS(key, def, grp, text)                                                               \
    {                                                                                             \
        .name = key, .type = SLUICE_OPT_DURATION, .flags = SLUICE_OPT_RANGE, .default_text = def, \
        .min = 0, .max = INT32_MAX, .group = grp, .importance = SLUICE_LOW, .doc = text           \
    }
#define CHOICE(key, def, list, grp, imp, text)                                                   \
    {                                                                                            \
        .name = key, .type = SLUICE_OPT_ENUM, .default_text = def, .values = list, .group = grp, \
        .importance = imp, .doc = text                                                           \
    }
/* Accepted because Debezium's configurations carry them; they change nothing here. */
#define NO_EFFECT(key)                                                                          \
    {                                                                                           \
        .name = key, .type = SLUICE_OPT_STRING, .group = "No effect", .importance = SLUICE_LOW, \
        .doc = "accepted for Debezium's configurations, without effect here"                    \
    }
/* Known to Debezium, not to this version: pg_options_check refuses any value but the one that means
 * "off". */
#define REFUSED(key)                                                                       \
    {                                                                                      \
        .name = key, .type = SLUICE_OPT_STRING, .group = "Not supported",                  \
        .importance = SLUICE_LOW, .doc = "not supported by this version: refused when set" \
    }

/* The same for a family of options. */
#define REFUSED_ALL(key)                                                    \
    {                                                                       \
        .name = key, .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_PREFIX, \
        .group = "Not supported", .importance = SLUICE_LOW,                 \
        .doc = "not supported by this version: refused when set"            \
    }

#define CONN    "Connection"
#define TLS     "TLS"
#define REPL    "Replication"
#define CAPTURE "Capture"
#define VALUES  "Values"
#define SNAP    "Snapshot"
#define TUNE    "Tuning"

const sluice_option_t pg_option_table[PG_OPTION_COUNT] = {
    MUST("database.hostname", CONN, "host name or address of the PostgreSQL server"),
    NUMBER("database.port", "5432", 1, 65535, CONN, SLUICE_HIGH, "TCP port of the server"),
    MUST("database.user", CONN, "role to log in as; needs REPLICATION"),
    SECRET("database.password", CONN, SLUICE_HIGH, "password of the role"),
    MUST("database.dbname", CONN, "database whose changes are captured"),
    CHOICE("database.sslmode", "prefer", ssl_modes, TLS, SLUICE_MEDIUM,
           "whether TLS is used and what is verified"),
    TEXT("database.sslcert", NULL, TLS, SLUICE_LOW, "file with the client certificate (PEM)"),
    TEXT("database.sslkey", NULL, TLS, SLUICE_LOW,
         "file with the client key (PEM; Debezium wants PK8 DER)"),
    SECRET("database.sslpassword", TLS, SLUICE_LOW, "password of the client key"),
    TEXT("database.sslrootcert", NULL, TLS, SLUICE_LOW,
         "file with the certificate authorities to trust (PEM)"),
    FLAG("database.tcpKeepAlive", "true", CONN, "TCP keepalive probes on idle connections"),
    TEXT("database.initial.statements", NULL, CONN, SLUICE_LOW,
         "SQL run on each ordinary connection, ';' between, ';;' is a ';'"),
    MILLIS("connection.validation.timeout.ms", "60000", CONN,
           "how long connecting may take, milliseconds"),
    MUST("topic.prefix", CAPTURE, "first part of all topic names and the name in the source block"),
    TEXT("topic.delimiter", ".", CAPTURE, SLUICE_MEDIUM,
         "what stands between prefix, schema and table in topic names"),
    CHOICE("plugin.name", "pgoutput", plugin_names, REPL, SLUICE_MEDIUM,
           "logical decoding plugin of the server: pgoutput"),
    TEXT("slot.name", "debezium", REPL, SLUICE_MEDIUM,
         "replication slot, created when it does not exist"),
    FLAG("slot.drop.on.stop", "false", REPL,
         "drop the slot on an orderly stop: what is written while stopped is lost"),
    TEXT("publication.name", "dbz_publication", REPL, SLUICE_MEDIUM,
         "publication that says which tables are sent"),
    CHOICE("publication.autocreate.mode", "all_tables", publication_modes, REPL, SLUICE_MEDIUM,
           "what is done when the publication is missing or covers other tables"),
    FLAG("publish.via.partition.root", "false", REPL,
         "changes of partitions come under the name of the partitioned table"),
    MILLIS("status.update.interval.ms", "10000", REPL,
           "how often the server hears from us, milliseconds"),
    MILLIS("heartbeat.interval.ms", "0", REPL,
           "heartbeat records, milliseconds between them; 0: none"),
    TEXT("topic.heartbeat.prefix", "__debezium-heartbeat", REPL, SLUICE_LOW,
         "first part of the heartbeat topic's name"),
    TEXT("topic.heartbeat.name", NULL, REPL, SLUICE_LOW, "whole name of the heartbeat topic"),
    TEXT("schema.include.list", NULL, CAPTURE, SLUICE_MEDIUM, "regexes of schemas to capture"),
    TEXT("schema.exclude.list", NULL, CAPTURE, SLUICE_MEDIUM, "regexes of schemas to leave out"),
    TEXT("table.include.list", NULL, CAPTURE, SLUICE_HIGH, "regexes of schema.table to capture"),
    TEXT("table.exclude.list", NULL, CAPTURE, SLUICE_MEDIUM,
         "regexes of schema.table to leave out"),
    TEXT("column.include.list", NULL, CAPTURE, SLUICE_MEDIUM,
         "regexes of schema.table.column to put into values"),
    TEXT("column.exclude.list", NULL, CAPTURE, SLUICE_MEDIUM,
         "regexes of schema.table.column to leave out of values"),
    TEXT("skipped.operations", "t", CAPTURE, SLUICE_LOW,
         "operations that give no record: c, u, d, t or none"),
    FLAG("skip.messages.without.change", "false", CAPTURE,
         "leave out updates that change no captured column"),
    FLAG("tombstones.on.delete", "true", CAPTURE, "a record without value behind each delete"),
    FLAG("extended.headers.enabled", "true", CAPTURE,
         "headers __debezium.context.* on each record"),
    CHOICE("decimal.handling.mode", "precise", decimal_modes, VALUES, SLUICE_MEDIUM,
           "form of numeric and money columns"),
    CHOICE("time.precision.mode", "adaptive", time_modes, VALUES, SLUICE_MEDIUM,
           "form of date, time and timestamp columns"),
    CHOICE("binary.handling.mode", "bytes", binary_modes, VALUES, SLUICE_LOW,
           "form of bytea columns"),
    CHOICE("hstore.handling.mode", "json", hstore_modes, VALUES, SLUICE_LOW,
           "form of hstore columns"),
    CHOICE("interval.handling.mode", "numeric", interval_modes, VALUES, SLUICE_LOW,
           "form of interval columns"),
    NUMBER("money.fraction.digits", "2", 0, 20, VALUES, SLUICE_LOW,
           "digits behind the decimal point of money columns"),
    FLAG("include.unknown.datatypes", "false", VALUES,
         "columns of types without a mapping come as bytes instead of not at all"),
    TEXT("unavailable.value.placeholder", "__debezium_unavailable_value", VALUES, SLUICE_MEDIUM,
         "stands for a TOASTed value that the server did not send; hex: gives bytes"),
    CHOICE("snapshot.mode", "initial", snapshot_modes, SNAP, SLUICE_MEDIUM,
           "when the tables are read before streaming"),
    TEXT("snapshot.include.collection.list", NULL, SNAP, SLUICE_LOW,
         "regexes of schema.table: limits the snapshot only"),
    NUMBER("max.batch.size", "2048", 1, 1000000, TUNE, SLUICE_MEDIUM,
           "records handed on at once, at most"),
    NO_EFFECT("database.server.name"),
    NO_EFFECT("max.queue.size"),
    NO_EFFECT("max.queue.size.in.bytes"),
    NO_EFFECT("poll.interval.ms"),
    NO_EFFECT("snapshot.fetch.size"),
    NO_EFFECT("query.fetch.size"),
    NO_EFFECT("topic.cache.size"),
    NO_EFFECT("schema.refresh.mode"),
    NO_EFFECT("slot.max.retries"),
    NO_EFFECT("slot.retry.delay.ms"),
    NO_EFFECT("errors.max.retries"),
    NO_EFFECT("retriable.restart.connector.wait.ms"),
    NO_EFFECT("database.query.timeout.ms"),
    NO_EFFECT("executor.shutdown.timeout.ms"),
    NO_EFFECT("statistics.metrics.enabled"),
    NO_EFFECT("queue.provider.type"),
    NO_EFFECT("snapshot.max.threads"),
    NO_EFFECT("snapshot.isolation.mode"),
    NO_EFFECT("snapshot.tables.order.by.row.count"),
    NO_EFFECT("table.ignore.builtin"),
    NO_EFFECT("custom.metric.tags"),
    NO_EFFECT("lsn.flush.timeout.ms"),
    NO_EFFECT("lsn.flush.timeout.action"),
    NO_EFFECT("snapshot.query.mode"),
    NO_EFFECT("snapshot.locking.mode"),
    NO_EFFECT("streaming.delay.ms"),
    NO_EFFECT("snapshot.delay.ms"),
    NO_EFFECT("snapshot.lock.timeout.ms"),
    NO_EFFECT("offset.mismatch.strategy"),
    NO_EFFECT("event.processing.failure.handling.mode"),
    NO_EFFECT("event.converting.failure.handling.mode"),
    NO_EFFECT("signal.poll.interval.ms"),
    NO_EFFECT("incremental.snapshot.chunk.size"),
    NO_EFFECT("include.schema.comments"),
    TEXT("signal.data.collection", NULL, CAPTURE, SLUICE_LOW,
         "accepted, but signals are not acted on by this version: a warning says so"),
    REFUSED("topic.naming.strategy"),
    REFUSED("schema.name.adjustment.mode"),
    REFUSED("field.name.adjustment.mode"),
    REFUSED("message.key.columns"),
    REFUSED("provide.transaction.metadata"),
    REFUSED("signal.enabled.channels"),
    REFUSED("notification.enabled.channels"),
    REFUSED("converters"),
    REFUSED("post.processors"),
    REFUSED("snapshot.select.statement.overrides"),
    REFUSED("column.propagate.source.type"),
    REFUSED("datatype.propagate.source.type"),
    REFUSED("slot.failover"),
    REFUSED("slot.stream.params"),
    REFUSED("xmin.fetch.interval.ms"),
    REFUSED("lsn.flush.mode"),
    REFUSED("read.only"),
    REFUSED("replica.identity.autoset.values"),
    REFUSED("heartbeat.action.query"),
    REFUSED("sourceinfo.struct.maker"),
    REFUSED("message.prefix.include.list"),
    REFUSED("message.prefix.exclude.list"),
    REFUSED("database.sslfactory"),
    REFUSED("table.whitelist"),
    REFUSED("table.blacklist"),
    REFUSED("schema.whitelist"),
    REFUSED("schema.blacklist"),
    REFUSED_ALL("column.mask."),
    REFUSED_ALL("column.truncate."),
    REFUSED("column.whitelist"),
    REFUSED("column.blacklist"),
};

/* The value of a refused option that asks for nothing, so is let through. */
static const struct {
    const char *name;
    const char *off;
} harmless[] = {
    {"schema.name.adjustment.mode", "none"},
    {"field.name.adjustment.mode", "none"},
    {"provide.transaction.metadata", "false"},
    {"topic.naming.strategy", "io.debezium.schema.SchemaTopicNamingStrategy"},
    {"sourceinfo.struct.maker", "io.debezium.connector.postgresql.PostgresSourceInfoStructMaker"},
    {"signal.enabled.channels", "source"},
    {"slot.failover", "false"},
    {"read.only", "false"},
    {"lsn.flush.mode", "connector"},
    {"xmin.fetch.interval.ms", "0"},
};

static int is_off(const char *name, const char *value) {
    if (value == NULL || value[0] == '\0')
        return 1;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (strcmp(harmless[i].name, name) == 0)
            return strcmp(harmless[i].off, value) == 0;
    }
    return 0;
}

static void check_refused_family(const sluice_api_t *api, sluice_ctx_t *ctx, const char *prefix) {
    const char *key, *text;
    char full[200];

    for (size_t i = 0; i < api->config_prefix_count(ctx, prefix); i++) {
        if (api->config_prefix_at(ctx, prefix, i, &key, &text) != SLUICE_OK)
            continue;
        snprintf(full, sizeof(full), "%s%s", prefix, key);
        api->config_error(
            ctx, full,
            "not supported by this version of the postgres source: take the option out, or leave "
            "the "
            "column out with column.exclude.list");
    }
}

static void check_refused(const sluice_api_t *api, sluice_ctx_t *ctx) {
    for (uint32_t i = 0; i < PG_OPTION_COUNT; i++) {
        const sluice_option_t *o = &pg_option_table[i];
        const char *removed = strstr(o->name, "list") == NULL ? NULL : strstr(o->name, "whitelist");
        if (removed == NULL)
            removed = strstr(o->name, "blacklist");
        if (o->flags & SLUICE_OPT_PREFIX) {
            check_refused_family(api, ctx, o->name);
            continue;
        }
        if (strcmp(o->group, "Not supported") != 0 || !api->config_given(ctx, o->name) ||
            is_off(o->name, api->config_text(ctx, o->name)))
            continue;
        if (removed != NULL)
            api->config_error(ctx, o->name, "Debezium removed this option in 2.0: use %.*s%s",
                              (int)(removed - o->name), o->name,
                              *removed == 'w' ? "include.list" : "exclude.list");
        else
            api->config_error(
                ctx, o->name,
                "not supported by this version of the postgres source: take the option out");
    }
}

static int is_set(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    const char *text = api->config_text(ctx, name);
    return text != NULL && text[0] != '\0';
}

static void check_lists(const sluice_api_t *api, sluice_ctx_t *ctx) {
    static const char *const kinds[] = {"schema", "table", "column"};
    char include[40], exclude[40], error[300];
    pg_filter_t f;

    for (size_t i = 0; i < 3; i++) {
        snprintf(include, sizeof(include), "%s.include.list", kinds[i]);
        snprintf(exclude, sizeof(exclude), "%s.exclude.list", kinds[i]);
        if (is_set(api, ctx, include) && is_set(api, ctx, exclude))
            api->config_error(ctx, exclude, "\"%s\" is already specified: give one of the two",
                              include);
        if (pg_filter_init(&f, api->config_text(ctx, include), NULL, error, sizeof(error)) != 0)
            api->config_error(ctx, include, "%s", error);
        else
            pg_filter_fini(&f);
        if (pg_filter_init(&f, NULL, api->config_text(ctx, exclude), error, sizeof(error)) != 0)
            api->config_error(ctx, exclude, "%s", error);
        else
            pg_filter_fini(&f);
    }
}

static int only(const char *text, const char *allowed) {
    return text[0] != '\0' && strspn(text, allowed) == strlen(text);
}

#define LETTERS  "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS   "0123456789"

static void check_names(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *prefix = api->config_text(ctx, "topic.prefix"),
               *slot = api->config_text(ctx, "slot.name");

    if (prefix != NULL && !only(prefix, LETTERS CAPITALS DIGITS "_.-"))
        api->config_error(ctx, "topic.prefix",
                          "\"%s\" has other characters than letters, digits, '.', '_' and '-'",
                          prefix);
    if (slot != NULL && (!only(slot, LETTERS DIGITS "_") || strlen(slot) > 63))
        api->config_error(ctx, "slot.name", "\"%s\" is no slot name: 1 to 63 of a-z, 0-9 and '_'",
                          slot);
}

/* "c,u , d": each item one of the letters, or "none" alone. 0 when wrong. */
static int parse_skipped(const char *text, pg_options_t *o) {
    char letter;

    if (strcmp(text, "none") == 0)
        return 1;
    for (; *text != '\0'; text++) {
        letter = *text;
        if (letter == ' ' || letter == ',')
            continue;
        if (strchr("cudt", letter) == NULL || strchr(" ,", text[1]) == NULL)
            return 0;
        o->skip_create |= letter == 'c';
        o->skip_update |= letter == 'u';
        o->skip_delete |= letter == 'd';
        o->skip_truncate |= letter == 't';
    }
    return 1;
}

int pg_options_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    pg_options_t scratch = {0};
    const char *skipped = api->config_text(ctx, "skipped.operations");

    endpoint_check_hosts(api, ctx, "database.hostname");
    check_refused(api, ctx);
    check_lists(api, ctx);
    check_names(api, ctx);
    if (skipped != NULL && !parse_skipped(skipped, &scratch))
        api->config_error(ctx, "skipped.operations",
                          "\"%s\": a comma separated list of c, u, d, t, or none", skipped);
    return SLUICE_OK;
}

static void read_connection(pg_options_t *o, const sluice_api_t *api, sluice_ctx_t *ctx) {
    o->hostname = api->config_text(ctx, "database.hostname");
    o->port = (int)api->config_int(ctx, "database.port");
    o->user = api->config_text(ctx, "database.user");
    o->password = api->config_text(ctx, "database.password");
    o->dbname = api->config_text(ctx, "database.dbname");
    o->sslmode = api->config_text(ctx, "database.sslmode");
    o->sslcert = api->config_text(ctx, "database.sslcert");
    o->sslkey = api->config_text(ctx, "database.sslkey");
    o->sslpassword = api->config_text(ctx, "database.sslpassword");
    o->sslrootcert = api->config_text(ctx, "database.sslrootcert");
    o->keepalive = (int)api->config_int(ctx, "database.tcpKeepAlive");
    o->initial_statements = api->config_text(ctx, "database.initial.statements");
    o->connect_ms = (uint64_t)api->config_int(ctx, "connection.validation.timeout.ms");
}

static void read_modes(pg_modes_t *m, const sluice_api_t *api, sluice_ctx_t *ctx) {
    m->decimal = (pg_decimal_mode_t)api->config_int(ctx, "decimal.handling.mode");
    m->time = (pg_time_mode_t)api->config_int(ctx, "time.precision.mode");
    m->binary = (pg_binary_mode_t)api->config_int(ctx, "binary.handling.mode");
    m->interval = (pg_interval_mode_t)api->config_int(ctx, "interval.handling.mode");
    m->hstore_map = (int)api->config_int(ctx, "hstore.handling.mode");
    m->money_digits = (int)api->config_int(ctx, "money.fraction.digits");
    m->unknown_types = (int)api->config_int(ctx, "include.unknown.datatypes");
    m->placeholder = api->config_text(ctx, "unavailable.value.placeholder");
}

static void read_replication(pg_options_t *o, const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *skipped = api->config_text(ctx, "skipped.operations");

    o->prefix = api->config_text(ctx, "topic.prefix");
    o->delimiter = api->config_text(ctx, "topic.delimiter");
    o->slot = api->config_text(ctx, "slot.name");
    o->publication = api->config_text(ctx, "publication.name");
    o->publication_mode =
        (pg_publication_mode_t)api->config_int(ctx, "publication.autocreate.mode");
    o->snapshot = (pg_snapshot_mode_t)api->config_int(ctx, "snapshot.mode");
    o->drop_slot = (int)api->config_int(ctx, "slot.drop.on.stop");
    o->via_root = (int)api->config_int(ctx, "publish.via.partition.root");
    o->tombstones = (int)api->config_int(ctx, "tombstones.on.delete");
    o->extended_headers = (int)api->config_int(ctx, "extended.headers.enabled");
    o->skip_unchanged = (int)api->config_int(ctx, "skip.messages.without.change");
    o->skipped_given = api->config_given(ctx, "skipped.operations");
    o->status_ms = (uint64_t)api->config_int(ctx, "status.update.interval.ms");
    o->heartbeat_ms = (uint64_t)api->config_int(ctx, "heartbeat.interval.ms");
    o->heartbeat_prefix = api->config_text(ctx, "topic.heartbeat.prefix");
    o->heartbeat_name = api->config_text(ctx, "topic.heartbeat.name");
    o->batch_records = (uint32_t)api->config_int(ctx, "max.batch.size");
    if (skipped != NULL)
        parse_skipped(skipped, o);
}

static int read_filter(pg_filter_t *f, const sluice_api_t *api, sluice_ctx_t *ctx,
                       const char *include, const char *exclude) {
    char error[300];

    if (pg_filter_init(f, api->config_text(ctx, include),
                       exclude == NULL ? NULL : api->config_text(ctx, exclude), error,
                       sizeof(error)) == 0)
        return SLUICE_OK;
    return api->fail(ctx, SLUICE_INVALID, "postgres.config", "option %s: %s", include, error);
}

int pg_options_init(pg_options_t *o, const sluice_api_t *api, sluice_ctx_t *ctx) {
    memset(o, 0, sizeof(*o));
    read_connection(o, api, ctx);
    read_modes(&o->modes, api, ctx);
    read_replication(o, api, ctx);
    if (read_filter(&o->schemas, api, ctx, "schema.include.list", "schema.exclude.list") !=
            SLUICE_OK ||
        read_filter(&o->tables, api, ctx, "table.include.list", "table.exclude.list") !=
            SLUICE_OK ||
        read_filter(&o->columns, api, ctx, "column.include.list", "column.exclude.list") !=
            SLUICE_OK ||
        read_filter(&o->snapshot_tables, api, ctx, "snapshot.include.collection.list", NULL) !=
            SLUICE_OK) {
        pg_options_fini(o);
        return SLUICE_INVALID;
    }
    return SLUICE_OK;
}

void pg_options_fini(pg_options_t *o) {
    pg_filter_fini(&o->schemas);
    pg_filter_fini(&o->tables);
    pg_filter_fini(&o->columns);
    pg_filter_fini(&o->snapshot_tables);
}

/* Values must come in one form whatever the role's or the database's settings say. */
#define SESSION                                                              \
    "-c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3 "    \
    "-c bytea_output=hex -c timezone=UTC -c standard_conforming_strings=on " \
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"

pg_params_t pg_options_params(const pg_options_t *o, const char *application_name,
                              int replication) {
    pg_params_t p = {0};
    p.hostname = o->hostname;
    p.port = o->port;
    p.user = o->user;
    p.password = o->password;
    p.dbname = o->dbname;
    p.sslmode = o->sslmode;
    p.sslcert = o->sslcert;
    p.sslkey = o->sslkey;
    p.sslpassword = o->sslpassword;
    p.sslrootcert = o->sslrootcert;
    p.application_name = application_name;
    p.session = SESSION;
    p.replication = replication;
    p.keepalive = o->keepalive;
    p.timeout_ms = o->connect_ms;
    return p;
}

void pg_options_initial_sql(const pg_options_t *o, pg_sql_t *sql) {
    char one[2] = "";

    for (const char *p = o->initial_statements; p != NULL && *p != '\0'; p++) {
        if (p[0] == ';' && p[1] == ';')
            p++;
        one[0] = *p;
        pg_sql_put(sql, one);
    }
}
