/* Names of objects, pieces of XML, and the order in which an object's requests go out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../../sinks/s3/s3_sink.h"
#include "plugin/ctx.h"
#include "support/heapbuf.h"
#include "support/text.h"

static const char *path(const char *pattern, int64_t ms, int64_t zone) {
    static char copy[128];
    sluice_buf_t out;

    heapbuf_init(&out);
    if (s3_time_path(pattern, ms, zone, &out) != 0)
        strcpy(copy, "refused");
    else
        snprintf(copy, sizeof(copy), "%s", text_str(&out));
    heapbuf_fini(&out);
    return copy;
}

static void test_time_patterns(void **state) {
    (void)state;
    assert_string_equal("year=2024/month=02/day=29/hour=12",
                        path("'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", 1709209800000, 0));
    assert_string_equal("24-2-29 14:30:00'", path("yy-M-d HH:mm:ss''", 1709209800000, 7200));
    assert_string_equal("1969-12-31", path("yyyy-MM-dd", -1, 0));
    assert_string_equal("refused", path("'open", 0, 0));
    assert_string_equal("refused", path("EEE", 0, 0));
    assert_string_equal("refused", path("MMM", 0, 0));
}

static void test_zones(void **state) {
    int64_t s;

    (void)state;
    assert_int_equal(0, s3_zone("UTC", &s));
    assert_int_equal(0, s3_zone("-0530", &s));
    assert_int_equal(-19800, s);
    assert_int_equal(0, s3_zone("+02:00", &s));
    assert_int_equal(7200, s);
    assert_int_equal(0, s3_zone("+02", &s));
    assert_int_equal(-1, s3_zone("Europe/Berlin", &s));
    assert_int_equal(-1, s3_zone("+2", &s));
    assert_int_equal(-1, s3_zone("", &s));
}

static s3_naming_t naming(void) {
    return (s3_naming_t){.topics_dir = "topics",
                         .directory_delim = "/",
                         .file_delim = "+",
                         .extension = ".json.gz",
                         .offset_width = 10};
}

static void key_is(const s3_naming_t *n, const sluice_record_t *r, const char *wanted) {
    sluice_buf_t directory, key;
    char why[128];

    heapbuf_init(&directory);
    heapbuf_init(&key);
    assert_int_equal(SLUICE_OK, s3_directory(n, r, "0badcafe", 0, &directory, why, sizeof(why)));
    s3_key(n, r, "0badcafe", text_str(&directory), &key);
    assert_string_equal(wanted, text_str(&key));
    heapbuf_fini(&directory);
    heapbuf_fini(&key);
}

static void test_keys(void **state) {
    s3_naming_t n = naming();
    sluice_record_t r = {.topic = sluice_str("orders"),
                         .original_topic = sluice_str("orders"),
                         .original_offset = 42,
                         .position = {2, {0xab, 1}}};

    (void)state;
    key_is(&n, &r, "topics/orders/partition=0/orders+0+0000000042.json.gz");
    r.original_topic = sluice_str("other"); /* routed */
    key_is(&n, &r, "topics/orders/partition=0-0badcafe/orders+0-0badcafe+0000000042.json.gz");
    r.original_offset = SLUICE_NO_OFFSET; /* not from Kafka */
    r.sub_index = 3;
    key_is(&n, &r, "topics/orders/partition=0badcafe/orders+0badcafe+ab01-3.json.gz");
    n.topics_dir = "";
    key_is(&n, &r, "orders/partition=0badcafe/orders+0badcafe+ab01-3.json.gz");
}

static void test_fields_and_times(void **state) {
    s3_naming_t n = naming();
    const char *fields[] = {"a", "b.c"};
    sluice_value_t inner[] = {sluice_text(SLUICE_STRING, sluice_str("c")),
                              sluice_int(SLUICE_INT32, -5)};
    sluice_value_t items[] = {sluice_text(SLUICE_STRING, sluice_str("a")),
                              sluice_text(SLUICE_STRING, sluice_str("x y")),
                              sluice_text(SLUICE_STRING, sluice_str("b")),
                              {.kind = SLUICE_MAP, .len = 1, .as.items = inner},
                              sluice_text(SLUICE_STRING, sluice_str("t")),
                              sluice_text(SLUICE_STRING, sluice_str("1709209800000"))};
    sluice_record_t r = {.topic = sluice_str("t"),
                         .original_offset = 1,
                         .value = {.kind = SLUICE_MAP, .len = 3, .as.items = items}};
    char why[128];
    int64_t ms;
    sluice_buf_t out;

    (void)state;
    n.partitioner = PARTITION_FIELD;
    n.fields = fields;
    n.field_count = 2;
    key_is(&n, &r, "topics/t/a=x y/c=-5/t+0+0000000001.json.gz");
    n.timestamp = TIMESTAMP_FIELD;
    n.timestamp_field = "t";
    assert_int_equal(0, s3_record_time(&n, &r, 0, &ms, why, sizeof(why)));
    assert_int_equal(1709209800000, ms);
    n.partitioner = PARTITION_TIME;
    n.path_format = "HH-mm";
    n.duration_ms = 3600000;
    key_is(&n, &r, "topics/t/12-00/t+0+0000000001.json.gz");
    fields[0] = "nope";
    n.partitioner = PARTITION_FIELD;
    heapbuf_init(&out);
    assert_int_equal(SLUICE_BAD_RECORD, s3_directory(&n, &r, "", 0, &out, why, sizeof(why)));
    assert_non_null(strstr(why, "no field nope"));
    heapbuf_fini(&out);
}

static void test_xml(void **state) {
    char text[32];
    sluice_buf_t out;

    (void)state;
    assert_int_equal(1, s3_xml_text(sluice_str("<A><UploadId>a&amp;b&lt;</UploadId></A>"),
                                    "UploadId", text, sizeof(text)));
    assert_string_equal("a&b<", text);
    assert_int_equal(0, s3_xml_text(sluice_str("<A/>"), "UploadId", text, sizeof(text)));
    heapbuf_init(&out);
    s3_xml_put(&out, sluice_str("\"x&<\""));
    assert_string_equal("&quot;x&amp;&lt;&quot;", text_str(&out));
    heapbuf_fini(&out);
}

/* ---- the parts of an object, with the requests answered here ---- */

static struct {
    char calls[512];
    http_response_fn on_response;
    void *arg;
} server;

int http_send(http_client_t *client, const http_request_t *request, http_response_fn on_response,
              void *arg) {
    (void)client;
    snprintf(server.calls + strlen(server.calls), sizeof(server.calls) - strlen(server.calls),
             "%s %s %zu\n", request->method, strrchr(request->url, '/'),
             request->body != NULL ? request->body->len : 0);
    server.on_response = on_response;
    server.arg = arg;
    return SLUICE_OK;
}

int http_response_header(const http_response_t *response, const char *name, char *value,
                         size_t size) {
    (void)response;
    snprintf(value, size, "\"%s\"", name);
    return 1;
}

static const char *config_text(sluice_ctx_t *ctx, const char *name) {
    (void)ctx, (void)name;
    return NULL;
}

static int64_t config_int(sluice_ctx_t *ctx, const char *name) {
    (void)ctx, (void)name;
    return 1;
}

static void charge(sluice_ctx_t *ctx, int64_t bytes) {
    (void)ctx, (void)bytes;
}

static const char *state_dir(sluice_ctx_t *ctx) {
    (void)ctx;
    return "/nowhere";
}

static char broken_why[512];

void s3_broken(s3_sink_t *s, int status, const char *code, const char *why) {
    (void)status, (void)code;
    s->life.broken = 1;
    snprintf(broken_why, sizeof(broken_why), "%s", why);
}

uint64_t s3_journal_changed(s3_sink_t *s) {
    return ++s->journal_version;
}

static s3_object_t *pumped;

void s3_writers_pump(s3_sink_t *s) {
    (void)s;
    s3_object_pump(pumped, 1);
}

void s3_idle(s3_sink_t *s) {
    (void)s;
}

static void reply(long code, const char *body) {
    http_response_t r = {
        .status = SLUICE_OK, .code = code, .body = sluice_str(body), .headers = {"", 0}};

    server.calls[0] = '\0';
    server.on_response(server.arg, &r);
}

static s3_object_t *make(s3_sink_t *s, sluice_api_t *api) {
    *api = *sl_api();
    api->config_text = config_text;
    api->config_int = config_int;
    api->charge = charge;
    api->state_dir = state_dir;
    memset(s, 0, sizeof(*s));
    s->api = api;
    s->endpoint = (char *)(uintptr_t) "http://s3";
    s->bucket = "b";
    s->path_style = 1;
    s->part_size = 10;
    assert_int_equal(SLUICE_OK, journal_open(api, NULL, "x", &s->journal));
    server.calls[0] = '\0';
    return pumped = s3_object_create(s, NULL, "d", "k");
}

static void finish(s3_sink_t *s) {
    s3_object_destroy(pumped);
    journal_destroy(s->journal);
}

static void test_small_object_is_one_put(void **state) {
    s3_sink_t s;
    sluice_api_t api;
    s3_object_t *o = make(&s, &api);

    (void)state;
    s3_object_append(o, sluice_str("12345"));
    s3_object_pump(o, 0);
    assert_string_equal("", server.calls);
    s3_object_finish(o);
    s3_object_pump(o, 0); /* a generation before it is not complete */
    assert_string_equal("", server.calls);
    s3_object_pump(o, 1);
    assert_string_equal("PUT /k 5\n", server.calls);
    reply(200, "");
    assert_int_equal(STAGE_DONE, o->stage);
    finish(&s);
}

static void test_parts_go_out_as_they_fill(void **state) {
    s3_sink_t s;
    sluice_api_t api;
    s3_object_t *o = make(&s, &api);

    (void)state;
    s3_object_append(o, sluice_str("1234567890ab"));
    s3_object_pump(o, 1);
    assert_string_equal("", server.calls); /* that there is an upload must be durable first */
    assert_true(s3_object_is_crowded(o));
    s.saved_version = s.journal_version;
    s3_object_pump(o, 1);
    assert_string_equal("POST /k?uploads= 0\n", server.calls);
    assert_true(s3_object_is_crowded(o));
    reply(200, "<UploadId>u/1</UploadId>");
    assert_string_equal("PUT /k?partNumber=1&uploadId=u%2F1 12\n", server.calls);
    assert_false(s3_object_is_crowded(o));
    s3_object_append(o, sluice_str("xyz"));
    reply(200, "");
    assert_string_equal("", server.calls);
    s3_object_finish(o);
    s3_object_pump(o, 1);
    assert_string_equal("PUT /k?partNumber=2&uploadId=u%2F1 3\n", server.calls);
    reply(200, "");
    assert_string_equal("POST /k?uploadId=u%2F1 187\n", server.calls);
    reply(200, "<CompleteMultipartUploadResult/>");
    assert_int_equal(STAGE_DONE, o->stage);
    assert_null(journal_at(s.journal, 0));
    finish(&s);
}

static void test_late_error_of_completion(void **state) {
    s3_sink_t s;
    sluice_api_t api;
    s3_object_t *o = make(&s, &api);

    (void)state;
    s3_object_append(o, sluice_str("1"));
    s3_object_finish(o);
    s3_object_pump(o, 1);
    reply(200, "<Error><Code>InternalError</Code><Message>try again</Message></Error>");
    assert_true(s.life.broken);
    assert_non_null(strstr(broken_why, "InternalError"));
    assert_non_null(strstr(broken_why, "try again"));
    finish(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_patterns),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_fields_and_times),
        cmocka_unit_test(test_xml),
        cmocka_unit_test(test_small_object_is_one_put),
        cmocka_unit_test(test_parts_go_out_as_they_fill),
        cmocka_unit_test(test_late_error_of_completion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
