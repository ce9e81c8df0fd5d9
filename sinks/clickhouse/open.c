#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/text.h"

enum { MAX_COLUMNS_TEXT = 64 << 20 };

/* ---- version and settings ---- */

static const char question[] =
    "SELECT 'version', version() UNION ALL SELECT 'setting', name FROM system.settings WHERE name "
    "IN ("
    "'insert_deduplication_token', 'async_insert', 'input_format_defaults_for_omitted_fields', "
    "'insert_sample_with_metadata', "
    "'date_time_input_format', 'input_format_skip_unknown_fields', "
    "'input_format_json_named_tuples_as_objects')"
    " FORMAT TabSeparated";

static void know(ch_sink_t *s, const char *name) {
    struct {
        const char *name;
        int *flag;
    } flags[] = {
        {"insert_deduplication_token", &s->knows_token},
        {"async_insert", &s->knows_async},
        {"input_format_defaults_for_omitted_fields", &s->knows_defaults},
        {"insert_sample_with_metadata", &s->knows_sample},
        {"date_time_input_format", &s->knows_best_effort},
        {"input_format_skip_unknown_fields", &s->knows_skip},
        {"input_format_json_named_tuples_as_objects", &s->knows_tuples},
    };
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(flags[i].name, name) == 0)
            *flags[i].flag = 1;
    }
}

static void take_server(ch_sink_t *s, sluice_str_t text) {
    char *copy = strndup(text.data, text.len);
    char *at = copy;
    char *what;

    while (copy != NULL && (what = ch_tsv_field(&at)) != NULL) {
        char *value = ch_tsv_field(&at);

        if (value == NULL)
            break;
        if (strcmp(what, "version") == 0)
            snprintf(s->version, sizeof(s->version), "%s", value);
        else
            know(s, value);
    }
    free(copy);
    s->encoder.tuples_as_objects = s->knows_tuples;
}

/* ---- columns and engines ---- */

static void (*columns_done(ch_sink_t *s))(ch_sink_t *, const ch_answer_t *) {
    void (*done)(ch_sink_t *, const ch_answer_t *) = s->on_columns;

    s->reading = 0;
    s->on_columns = NULL;
    return done;
}

/* 1: the answer is good. Else the reading has ended. */
static int good(ch_sink_t *s, const http_response_t *response) {
    ch_answer_t answer;

    ch_answer_read(response, &answer);
    if (answer.status == SLUICE_OK)
        return 1;
    if (answer.status != SLUICE_CANCELLED && !s->life.broken)
        columns_done(s)(s, &answer);
    return 0;
}

static void no_memory(ch_sink_t *s) {
    ch_answer_t answer = {.status = SLUICE_NOT_CONNECTED,
                          .code = "clickhouse.memory",
                          .message = "out of memory while the columns were read"};

    columns_done(s)(s, &answer);
}

static void on_engines(void *arg, const http_response_t *response) {
    ch_sink_t *s = arg;

    if (!good(s, response))
        return;
    ch_engines_load(s, response->body);
    columns_done(s)(s, NULL);
}

static int ask(ch_sink_t *s, const char *select, const char *rest, http_response_fn on_response) {
    sluice_buf_t sql;
    const char *c;
    int rc;

    heapbuf_init(&sql);
    text_printf(&sql, "%s WHERE database = '", select);
    for (c = s->database; *c != '\0'; c++)
        text_printf(&sql, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
    text_printf(&sql, "'%s FORMAT TabSeparated", rest);
    rc = ch_query(s, text_str(&sql), MAX_COLUMNS_TEXT, on_response);
    heapbuf_fini(&sql);
    return rc;
}

static void on_columns(void *arg, const http_response_t *response) {
    ch_sink_t *s = arg;

    if (!good(s, response))
        return;
    if (ch_tables_load(s, response->body) != SLUICE_OK ||
        ask(s, "SELECT name, engine, engine_full FROM system.tables", "", on_engines) != SLUICE_OK)
        no_memory(s);
}

int ch_columns_read(ch_sink_t *s, void (*done)(ch_sink_t *s, const ch_answer_t *failed)) {
    int rc;

    if (s->reading)
        return SLUICE_BUSY;
    s->on_columns = done;
    rc = ask(s, "SELECT table, name, type, default_kind FROM system.columns", "", on_columns);
    s->reading = rc == SLUICE_OK;
    return rc;
}

/* ---- open ---- */

static int fail_open(ch_sink_t *s, const ch_answer_t *a) {
    const char *help = a->status == SLUICE_FATAL && strcmp(a->code, "clickhouse.auth") == 0
                           ? " Check username and password."
                           : "";

    /* At open there is nothing to take apart: what the server does not let us read is final. */
    return s->api->fail(s->ctx, a->status == SLUICE_BAD_RECORD ? SLUICE_FATAL : a->status, a->code,
                        "%s:%d: %s.%s", s->hostname, (int)s->port, a->message, help);
}

static int has_database(const ch_sink_t *s) {
    return s->tables != NULL;
}

static void on_first_columns(ch_sink_t *s, const ch_answer_t *failed) {
    int rc = SLUICE_OK;

    if (failed != NULL)
        rc = fail_open(s, failed);
    else if (!has_database(s) && !s->missing_table_ok)
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "database %s has no tables yet, or none that %s may see", s->database,
                    s->username);
    if (rc == SLUICE_OK && s->journal != NULL)
        rc = ch_lanes_load(s);
    ch_opened(s, rc);
}

/* Debian's 18.16 takes gzip only, and says so in words that nobody understands. */
static int check_compression(ch_sink_t *s) {
    int major = (int)strtol(s->version, NULL, 10);

    if (major >= 20 || s->compression == COMPRESS_NONE || s->compression == COMPRESS_GZIP)
        return SLUICE_OK;
    return s->api->fail(
        s->ctx, SLUICE_FATAL, "clickhouse.compression",
        "ClickHouse %s takes no zstd or lz4 over HTTP: set compression to gzip or none",
        s->version);
}

static void on_server(void *arg, const http_response_t *response) {
    ch_sink_t *s = arg;
    ch_answer_t answer;
    int rc;

    ch_answer_read(response, &answer);
    if (answer.status == SLUICE_CANCELLED)
        return;
    if (answer.status != SLUICE_OK) {
        ch_opened(s, fail_open(s, &answer));
        return;
    }
    take_server(s, response->body);
    rc = check_compression(s);
    if (rc == SLUICE_OK)
        rc = ch_columns_read(s, on_first_columns);
    if (rc != SLUICE_OK)
        ch_opened(s, rc);
}

int ch_open_begin(ch_sink_t *s) {
    return ch_query(s, question, 0, on_server);
}
