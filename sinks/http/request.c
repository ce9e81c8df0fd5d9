#include "webhook.h"

#include <stdlib.h>

#include "clients/http/http_options.h"
#include "support/position.h"
#include "support/text.h"

/* What may stand in a header's value as it is; the rest is percent-encoded. */
static const char visible[] = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}";

/* ---- body ---- */

static int put_value(const webhook_t *w, const sluice_record_t *r, sluice_buf_t *body) {
    if (r->value.kind == SLUICE_NULL)
        return w->api->fail(w->ctx, SLUICE_BAD_RECORD, "http.null",
                            "the record has no value; set behavior.on.null.values to ignore to "
                            "leave such records out");
    if (r->value.kind != SLUICE_STRING && r->value.kind != SLUICE_BYTES)
        return w->api->json->write(body, &r->value, w->json_flags);
    sluice_buf_put_str(body, sluice_value_str(&r->value));
    return SLUICE_OK;
}

int webhook_put_body(const webhook_t *w, const sluice_record_t *records, size_t count,
                     sluice_buf_t *body) {
    size_t i;
    int status = SLUICE_OK;

    if (w->batch_max > 0)
        sluice_buf_put_str(body, sluice_str(w->prefix));
    for (i = 0; i < count && status == SLUICE_OK; i++) {
        if (i > 0)
            sluice_buf_put_str(body, sluice_str(w->separator));
        status = put_value(w, &records[i], body);
    }
    if (w->batch_max > 0)
        sluice_buf_put_str(body, sluice_str(w->suffix));
    return status != SLUICE_OK ? status : body->status;
}

/* ---- what repeats are known by ---- */

static void put_position(const sluice_record_t *r, sluice_buf_t *key) {
    if (r->original_offset != SLUICE_NO_OFFSET && r->original_topic.data != NULL) {
        text_put_url(key, r->original_topic, visible);
        text_printf(key, "-%d-%lld", (int)r->original_partition, (long long)r->original_offset);
    } else {
        text_put_url(key, r->topic, visible);
        sluice_buf_put_char(key, '-');
        position_hex_write(key, &r->position);
    }
    if (r->sub_index > 0)
        text_printf(key, "-%u", r->sub_index);
}

static void put_record_key(const webhook_t *w, const sluice_record_t *r, sluice_buf_t *key) {
    sluice_buf_t text;

    heapbuf_init(&text);
    if (r->key.kind == SLUICE_STRING || r->key.kind == SLUICE_BYTES)
        sluice_buf_put_str(&text, sluice_value_str(&r->key));
    else
        w->api->json->write(&text, &r->key, w->json_flags);
    text_put_url(key, sluice_str_n(text.data, text.len), visible);
    heapbuf_fini(&text);
}

static void put_one_key(const webhook_t *w, const sluice_record_t *r, sluice_buf_t *key) {
    if (w->key == KEY_RECORD && r->key.kind != SLUICE_NULL)
        put_record_key(w, r, key);
    else
        put_position(r, key);
}

void webhook_put_key(const webhook_t *w, const sluice_record_t *records, size_t count,
                     sluice_buf_t *key) {
    put_one_key(w, &records[0], key);
    if (count > 1) {
        sluice_buf_put_str(key, sluice_str(".."));
        put_one_key(w, &records[count - 1], key);
    }
}

/* ---- headers ---- */

typedef struct header_list {
    char *lines[WEBHOOK_HEADERS_MAX + 1];
    size_t count;
    int failed;
} header_list_t;

static void add(header_list_t *l, const char *name, const char *scheme, const char *value) {
    if (l->count == WEBHOOK_HEADERS_MAX ||
        asprintf(&l->lines[l->count], "%s: %s%s", name, scheme, value) < 0) {
        l->lines[l->count] = NULL;
        l->failed = 1;
        return;
    }
    l->count++;
}

static void add_given(header_list_t *l, const char *line) {
    size_t name = strcspn(line, ":");
    char *copy = strndup(line, name);

    if (copy == NULL || line[name] == '\0')
        l->failed = 1;
    else
        add(l, copy, "", line + name + 1 + strspn(line + name + 1, " "));
    free(copy);
}

static const char *type_of(const webhook_t *w, const sluice_record_t *r) {
    if (w->content_type != NULL)
        return w->content_type;
    return r->value.kind == SLUICE_STRING  ? "text/plain; charset=utf-8"
           : r->value.kind == SLUICE_BYTES ? "application/octet-stream"
                                           : "application/json";
}

static void add_all(const webhook_t *w, const sluice_record_t *records, size_t count,
                    header_list_t *l) {
    sluice_buf_t key;
    size_t i;

    add(l, "Content-Type", "", type_of(w, &records[0]));
    if (w->authorization != NULL)
        add(l, "Authorization", "", w->authorization);
    if (w->token != NULL)
        add(l, "Authorization", "Bearer ", w->token);
    for (i = 0; i < w->header_count; i++)
        add_given(l, w->headers[i]);
    if (*w->key_header == '\0')
        return;
    heapbuf_init(&key);
    webhook_put_key(w, records, count, &key);
    add(l, w->key_header, "", text_str(&key));
    l->failed = l->failed || key.status != SLUICE_OK;
    heapbuf_fini(&key);
}

int webhook_send(webhook_t *w, const sluice_record_t *records, size_t count,
                 http_response_fn on_response) {
    sluice_str_t body = sluice_str_n(w->body.data, w->body.len);
    header_list_t list = {.count = 0};
    http_request_t request = {.method = w->method,
                              .url = w->url,
                              .headers = (const char *const *)list.lines,
                              .body = &body,
                              .body_pieces = 1,
                              .user = w->user,
                              .password = w->password,
                              .connect_timeout_ms = (long)w->timeout_ms,
                              .timeout_ms = (long)w->timeout_ms};
    int status;
    size_t i;

    add_all(w, records, count, &list);
    http_options_apply(w->api, w->ctx, "http.proxy.url", &request);
    status = list.failed ? SLUICE_NO_MEMORY : http_send(w->life.client, &request, on_response, w);
    for (i = 0; i < list.count; i++)
        free(list.lines[i]);
    return status;
}
