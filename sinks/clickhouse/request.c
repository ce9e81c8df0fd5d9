#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/http/http_options.h"
#include "support/position.h"
#include "support/text.h"

void ch_put_name(sluice_buf_t *out, const char *name) {
    sluice_buf_put_char(out, '`');
    for (; *name != '\0'; name++) {
        if (*name == '`' || *name == '\\')
            sluice_buf_put_char(out, '\\');
        sluice_buf_put_char(out, *name);
    }
    sluice_buf_put_char(out, '`');
}

static void param(sluice_buf_t *url, const char *name, sluice_str_t value) {
    text_printf(url, "&%s=", name);
    text_put_url(url, value, "");
}

static void begin_url(ch_sink_t *s, sluice_buf_t *url, sluice_str_t sql) {
    int literal = strchr(s->hostname, ':') != NULL && s->hostname[0] != '['; /* an IPv6 address */

    heapbuf_init(url);
    text_printf(url, "http%s://%s%s%s:%d/?database=", s->tls ? "s" : "", literal ? "[" : "",
                s->hostname, literal ? "]" : "", (int)s->port);
    text_put_url(url, sluice_str(s->database), "");
    param(url, "query", sql);
}

static int post(ch_sink_t *s, sluice_buf_t *url, const char *encoding, const sluice_str_t *body,
                int64_t timeout_ms, size_t max, http_response_fn on_response) {
    char user[300], key[600];
    const char *headers[] = {user, key, encoding, NULL};
    http_request_t request = {.method = "POST",
                              .url = text_str(url),
                              .headers = headers,
                              .body = body,
                              .body_pieces = 1,
                              .connect_timeout_ms = 10000,
                              .timeout_ms = (long)timeout_ms,
                              .max_response = max};
    int rc;

    snprintf(user, sizeof(user), "X-ClickHouse-User: %s", s->username);
    snprintf(key, sizeof(key), "X-ClickHouse-Key: %s", s->password);
    if (*s->password == '\0')
        snprintf(key, sizeof(key), "X-ClickHouse-Key;"); /* curl's way to say: present and empty */
    http_options_apply(s->api, s->ctx, "proxy", &request);
    request.cert_file = s->api->config_text(s->ctx, "ssl.cert");
    request.key_file = s->api->config_text(s->ctx, "ssl.key");
    rc = url->status != SLUICE_OK ? url->status
                                  : http_send(s->life.client, &request, on_response, s);
    heapbuf_fini(url);
    return rc;
}

int ch_query(ch_sink_t *s, const char *sql, size_t max, http_response_fn on_response) {
    static const sluice_str_t nothing = {"", 0};
    sluice_buf_t url;

    begin_url(s, &url, sluice_str(sql));
    return post(s, &url, NULL, &nothing, s->timeout_ms, max, on_response);
}

/* ---- INSERT ---- */

static const char *const encodings[] = {NULL, "Content-Encoding: gzip", "Content-Encoding: zstd",
                                        "Content-Encoding: lz4"};

static void put_place(sluice_buf_t *out, const ch_place_t *place) {
    position_hex_write(out, &place->position);
    text_printf(out, ".%u", place->sub_index);
}

/* <pipeline>/<sink>:<partition>:<first row>:<last row>: the same rows give the same text. */
static void token(ch_sink_t *s, sluice_buf_t *url, const ch_block_t *b) {
    sluice_buf_t text;

    if (!s->knows_token || b->lane == NULL || b->first.position.len == 0)
        return;
    heapbuf_init(&text);
    text_printf(&text, "%s/%s:%s:", s->api->pipeline_name(s->ctx), s->api->instance_name(s->ctx),
                b->lane->partition);
    put_place(&text, &b->first);
    sluice_buf_put_char(&text, ':');
    put_place(&text, &b->last);
    param(url, "insert_deduplication_token", sluice_str_n(text.data, text.len));
    if (text.status != SLUICE_OK)
        url->status = text.status;
    heapbuf_fini(&text);
}

static int user_set(ch_sink_t *s, const char *name) {
    const char *const *items;
    size_t n = s->api->config_list(s->ctx, "clickhouseSettings", &items);
    size_t i;

    for (i = 0; i < n; i++) {
        if (strncmp(items[i], name, strlen(name)) == 0 && items[i][strlen(name)] == '=')
            return 1;
    }
    return 0;
}

/* A setting that the server does not know makes it refuse the whole INSERT (code 115), so only
 * known ones are sent. */
static void setting(ch_sink_t *s, sluice_buf_t *url, int known, const char *name,
                    const char *value) {
    if (known && !user_set(s, name))
        param(url, name, sluice_str(value));
}

static void settings(ch_sink_t *s, sluice_buf_t *url) {
    const char *const *items;
    size_t n = s->api->config_list(s->ctx, "clickhouseSettings", &items);
    size_t i;

    setting(s, url, 1, "wait_end_of_query", "1");
    setting(s, url, s->knows_async, "async_insert", "0");
    setting(s, url, s->knows_skip, "input_format_skip_unknown_fields", "1");
    setting(s, url, s->knows_best_effort, "date_time_input_format", "best_effort");
    setting(s, url, s->knows_defaults, "input_format_defaults_for_omitted_fields", "1");
    setting(s, url, s->knows_sample, "insert_sample_with_metadata", "1");
    setting(s, url, s->knows_tuples, "input_format_json_named_tuples_as_objects", "1");
    for (i = 0; i < n; i++) {
        const char *equals = strchr(items[i], '=');
        char name[128];

        if (equals == NULL || equals - items[i] >= (ptrdiff_t)sizeof(name))
            continue; /* sink_check refuses it */
        snprintf(name, sizeof(name), "%.*s", (int)(equals - items[i]), items[i]);
        param(url, name, sluice_str(equals + 1));
    }
}

/* The plain rows give way to the compressed ones. */
static int compress_body(ch_sink_t *s, ch_block_t *b) {
    compressor_t *c;
    sluice_buf_t out;
    int rc;

    if (s->compression == COMPRESS_NONE)
        return SLUICE_OK;
    heapbuf_init(&out);
    c = compressor_create(s->compression, s->compression_level);
    rc = c != NULL ? compressor_write(c, sluice_str_n(b->body.data, b->body.len), &out)
                   : SLUICE_NO_MEMORY;
    if (rc == SLUICE_OK)
        rc = compressor_finish(c, &out);
    compressor_destroy(c);
    heapbuf_fini(&b->body);
    b->body = out;
    return rc;
}

int ch_insert(ch_sink_t *s, ch_block_t *b, http_response_fn on_response) {
    sluice_buf_t sql, url;
    int rc = compress_body(s, b);

    if (rc != SLUICE_OK)
        return rc;
    b->wire = sluice_str_n(b->body.data, b->body.len);
    heapbuf_init(&sql);
    text_printf(&sql, "INSERT INTO ");
    ch_put_name(&sql, s->database);
    sluice_buf_put_char(&sql, '.');
    ch_put_name(&sql, b->table);
    text_printf(&sql, " %s FORMAT %s", b->columns != NULL ? b->columns : "",
                b->columns != NULL ? "RowBinary" : "JSONEachRow");
    begin_url(s, &url, sluice_str_n(sql.data, sql.len));
    settings(s, &url);
    token(s, &url, b);
    if (sql.status != SLUICE_OK)
        url.status = sql.status;
    heapbuf_fini(&sql);
    s->api->metric_add(s->bytes_total, (double)b->wire.len);
    return post(s, &url, encodings[s->compression], &b->wire, s->insert_timeout_ms, 0, on_response);
}
