#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "clients/http/http.h"
#include "registry_http.h"
#include "support/heapbuf.h"
#include "support/member.h"

#define MOCK         "mock://"
#define ANSWER_MAX   (8u << 20)
#define RETRIES_MOST 30

struct avro_registry {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    http_client_t *client; /* made when first needed */
    avro_access_t access;  /* how servers are spoken to */
    size_t url;            /* that answered last */

    /* the open question */
    int open;
    avro_question_t question; /* its texts are copies */
    sluice_buf_t path, body;
    avro_answer_fn on_answer;
    void *arg;
    size_t tried; /* URLs given up */
    int retries;  /* of this URL */
    sluice_timer_t *timer;
    uint64_t seed;

    void (*on_closed)(void *arg);
    void *closed_arg;
    int closing;
};

static void send_question(void *arg);

/* ---- the request ---- */

static void put(sluice_buf_t *buf, const char *text) {
    sluice_buf_put(buf, text, strlen(text));
}

static void put_escaped(sluice_buf_t *buf, sluice_str_t s) {
    static const char digits[] = "0123456789ABCDEF";
    size_t i;

    for (i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            (c != 0 && strchr("-._~", c) != NULL)) {
            sluice_buf_put_char(buf, (char)c);
            continue;
        }
        sluice_buf_put_char(buf, '%');
        sluice_buf_put_char(buf, digits[c >> 4]);
        sluice_buf_put_char(buf, digits[c & 15]);
    }
}

static void put_number(sluice_buf_t *buf, int64_t n) {
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)n);
    put(buf, text);
}

static void make_path(sluice_buf_t *path, const avro_question_t *q) {
    if (q->what == REGISTRY_BY_ID) {
        put(path, "/schemas/ids/");
        put_number(path, q->id);
        put(path, "?fetchMaxId=false");
        if (q->subject.data != NULL) {
            put(path, "&subject=");
            put_escaped(path, q->subject);
        }
        return;
    }
    put(path, "/subjects/");
    put_escaped(path, q->subject);
    if (q->what == REGISTRY_LATEST) {
        put(path, "/versions/latest");
        return;
    }
    if (q->what == REGISTRY_VERSION) {
        put(path, "/versions/");
        put_number(path, q->id);
        put(path, q->deleted ? "?deleted=true" : "?deleted=false");
        return;
    }
    put(path, q->what == REGISTRY_REGISTER ? "/versions" : "");
    put(path, q->normalize ? "?normalize=true" : "?normalize=false");
    if (q->what == REGISTRY_LOOKUP)
        put(path, q->deleted ? "&deleted=true" : "&deleted=false");
}

static void make_body(avro_registry_t *r, sluice_buf_t *body, const avro_question_t *q) {
    if (q->schema.data == NULL)
        return;
    put(body, "{\"schema\":");
    r->api->json->write_string(body, q->schema);
    if (q->references.data != NULL) {
        put(body, ",\"references\":");
        sluice_buf_put_str(body, q->references);
    }
    put(body, "}");
}

/* ---- the answer ---- */

static void finish(avro_registry_t *r, const avro_answer_t *answer) {
    avro_answer_fn on_answer = r->on_answer;

    r->open = 0;
    on_answer(r->arg, answer);
    if (!r->open) {
        heapbuf_fini(&r->path);
        heapbuf_fini(&r->body);
    }
}

static uint32_t jitter(avro_registry_t *r, int64_t most) {
    r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
    return most > 0 ? (uint32_t)((r->seed >> 33) % (uint64_t)most) + 1 : 0;
}

static int may_heal(const avro_answer_t *a) {
    return a->kind == ANSWER_NO_SERVER || a->http == 408 || a->http == 429 || a->http == 500 ||
           a->http == 502 || a->http == 503 || a->http == 504;
}

static void again(void *arg) {
    avro_registry_t *r = arg;

    r->timer = NULL;
    send_question(r);
}

/* Later, or at the next server. 0: there is no other way left. */
static int try_again(avro_registry_t *r, const avro_answer_t *answer) {
    int64_t wait = 0;

    if (r->retries < r->access.max_retries) {
        wait = r->access.retry_wait_ms;
        wait = r->retries < RETRIES_MOST && wait < INT32_MAX ? wait << r->retries : INT64_MAX;
        if (wait < 0 || wait > r->access.retry_max_ms)
            wait = r->access.retry_max_ms;
        wait = jitter(r, wait);
        r->retries++;
    } else if (r->tried + 1 < r->access.url_count) {
        r->api->log(r->ctx, SLUICE_LOG_WARN, "schema registry %s: %s; trying the next one",
                    avro_access_shown(&r->access, r->url), answer->text);
        r->tried++;
        r->retries = 0;
        r->url = (r->url + 1) % r->access.url_count;
    } else {
        return 0;
    }
    r->timer = r->api->timer_start(r->ctx, (uint64_t)wait, 0, again, r);
    return r->timer != NULL;
}

static int64_t member_int(const sluice_value_t *object, const char *name) {
    const sluice_value_t *v = value_member(object, name);

    return v != NULL && v->kind == SLUICE_INT64 ? sluice_value_int(v) : -1;
}

static void read_refusal(const sluice_value_t *json, sluice_str_t body, char *text, size_t size,
                         avro_answer_t *out) {
    sluice_str_t message = value_member_text(json, "message");

    out->kind = ANSWER_REFUSED;
    out->error_code = member_int(json, "error_code");
    if (message.data != NULL)
        snprintf(text, size, "%.*s", (int)(message.len > 500 ? 500 : message.len), message.data);
    else
        snprintf(text, size, "Unable to parse error message from schema registry: '(%.*s)'",
                 (int)(body.len > 300 ? 300 : body.len), body.data);
    if (out->error_code < 0)
        out->error_code = message.data != NULL ? out->http : 50005;
    out->text = text;
}

/* As text again: the converter keeps it, and gives it back with the schema. */
static void read_references(avro_registry_t *r, const sluice_value_t *json, sluice_batch_t *scratch,
                            avro_answer_t *out) {
    const sluice_value_t *v = value_member(json, "references");
    sluice_buf_t buf;

    if (v == NULL || v->kind != SLUICE_ARRAY || v->len == 0)
        return;
    r->api->buf_init(&buf, scratch, 256);
    if (r->api->json->write(&buf, v, 0) == SLUICE_OK)
        out->references = r->api->buf_finish(&buf);
    if (out->references.data != NULL)
        return;
    out->kind = ANSWER_NO_SERVER;
    out->text = "out of memory";
}

static void read_good(avro_registry_t *r, const sluice_value_t *json, sluice_batch_t *scratch,
                      avro_answer_t *out) {

    out->id = member_int(json, "id");
    out->version = member_int(json, "version");
    out->schema = value_member_text(json, "schema");
    out->schema_type = value_member_text(json, "schemaType");
    read_references(r, json, scratch, out);
    if ((r->question.what == REGISTRY_REGISTER || r->question.what == REGISTRY_LOOKUP)
            ? out->id < 0
            : out->schema.data == NULL) {
        out->kind = ANSWER_REFUSED;
        out->error_code = 50005;
        out->text = "the registry's answer has no id or schema: is it a schema registry?";
    }
}

static void on_response(void *arg, const http_response_t *response) {
    avro_registry_t *r = arg;
    avro_answer_t answer = {.kind = ANSWER_OK, .http = response->code, .text = ""};
    sluice_batch_t *scratch;
    sluice_value_t json;
    char text[600];

    if (r->closing || response->status == SLUICE_CANCELLED)
        return;
    scratch = r->api->batch_new(r->ctx, response->body.len + 256);
    if (response->status != SLUICE_OK || scratch == NULL) {
        answer.kind = ANSWER_NO_SERVER;
        snprintf(text, sizeof(text), "%s", scratch == NULL ? "out of memory" : response->error);
        answer.text = text;
    } else {
        if (r->api->json->parse(scratch, response->body, 0, &json, NULL) != SLUICE_OK)
            json = sluice_null();
        if (response->code == 200)
            read_good(r, &json, scratch, &answer);
        else
            read_refusal(&json, response->body, text, sizeof(text), &answer);
    }
    if (answer.kind == ANSWER_OK || !may_heal(&answer) || !try_again(r, &answer))
        finish(r, &answer);
    r->api->batch_unref(scratch);
}

static void no_server(avro_registry_t *r, const char *why) {
    avro_answer_t answer = {.kind = ANSWER_NO_SERVER, .text = why};

    finish(r, &answer);
}

static void send_question(void *arg) {
    avro_registry_t *r = arg;
    sluice_str_t body = sluice_str_n(r->body.data, r->body.len);
    http_request_t request = {
        .method = r->body.len > 0 ? "POST" : "GET",
        .body = r->body.len > 0 ? &body : NULL,
        .body_pieces = 1,
        .max_response = ANSWER_MAX,
    };
    char error[200];

    if (r->client == NULL)
        r->client = http_client_create(r->api, r->ctx, 2);
    if (r->client == NULL) {
        no_server(r, "out of memory");
        return;
    }
    if (!avro_access_fill(&r->access, r->url, &r->path, &request, error, sizeof(error)))
        no_server(r, error);
    else if (http_send(r->client, &request, on_response, r) != SLUICE_OK)
        no_server(r, "out of memory");
    avro_access_done(&r->access);
}

/* ---- the public part ---- */

avro_registry_t *avro_registry_create(const sluice_api_t *api, sluice_ctx_t *ctx) {
    avro_registry_t *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->api = api;
    r->ctx = ctx;
    r->seed = api->tick_ns(ctx);
    heapbuf_init(&r->path);
    heapbuf_init(&r->body);
    avro_access_read(&r->access, api, ctx);
    if (r->access.randomize && r->access.url_count > 1)
        r->url = jitter(r, (int64_t)r->access.url_count) - 1;
    return r;
}

int avro_registry_ask(avro_registry_t *r, const avro_question_t *q, avro_answer_fn on_answer,
                      void *arg) {
    if (r->access.url_count > 0 && strncmp(r->access.urls[0], MOCK, strlen(MOCK)) == 0)
        return avro_mock_ask(r->access.urls[0] + strlen(MOCK), q, on_answer, arg);
    r->path.len = r->body.len = 0;
    make_path(&r->path, q);
    sluice_buf_put_char(&r->path, '\0');
    make_body(r, &r->body, q);
    if (r->path.status != SLUICE_OK || r->body.status != SLUICE_OK) {
        heapbuf_fini(&r->path);
        heapbuf_fini(&r->body);
        heapbuf_init(&r->path);
        heapbuf_init(&r->body);
        return SLUICE_NO_MEMORY;
    }
    r->question = *q;
    r->question.subject = r->question.schema = r->question.references = sluice_str(NULL);
    r->on_answer = on_answer;
    r->arg = arg;
    r->open = 1;
    r->tried = 0;
    r->retries = 0;
    send_question(r);
    return SLUICE_OK;
}

static void on_client_closed(void *arg) {
    avro_registry_t *r = arg;

    r->client = NULL;
    r->on_closed(r->closed_arg);
}

void avro_registry_close(avro_registry_t *r, void (*on_closed)(void *arg), void *arg) {
    r->closing = 1;
    r->on_closed = on_closed;
    r->closed_arg = arg;
    if (r->timer != NULL)
        r->api->timer_stop(r->ctx, r->timer);
    r->timer = NULL;
    if (r->client == NULL)
        on_closed(arg);
    else
        http_client_close(r->client, on_client_closed, r);
}

void avro_registry_destroy(avro_registry_t *r) {
    heapbuf_fini(&r->path);
    heapbuf_fini(&r->body);
    avro_access_fini(&r->access);
    free(r);
}
