/* What answers mean, which codes are meant, and the keys of repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../../sinks/http/webhook.h"
#include "support/heapbuf.h"
#include "support/text.h"

/* ---- codes ---- */

static int codes(const char *a, const char *b, webhook_codes_t *out) {
    const char *items[] = {a, b};
    return webhook_codes_read(items, b == NULL ? 1 : 2, out);
}

static void test_codes(void **state) {
    webhook_codes_t c[WEBHOOK_CODES_MAX];

    (void)state;
    assert_int_equal(codes("429", "500-", c), 2);
    assert_int_equal(c[0].from, 429);
    assert_int_equal(c[0].to, 429);
    assert_int_equal(c[1].from, 500);
    assert_int_equal(c[1].to, 599);
    assert_int_equal(codes("400-404", NULL, c), 1);
    assert_int_equal(c[0].to, 404);
    assert_int_equal(codes("", NULL, c), -1);
    assert_int_equal(codes("5xx", NULL, c), -1);
    assert_int_equal(codes("99", NULL, c), -1);
    assert_int_equal(codes("500-600", NULL, c), -1);
    assert_int_equal(codes("404-400", NULL, c), -1);
    assert_int_equal(codes("500-5x", NULL, c), -1);
    assert_int_equal(codes("-500", NULL, c), -1);
    assert_int_equal(codes("500--", NULL, c), -1);
}

/* ---- answers ---- */

static webhook_verdict_t judge(long code, const char *headers, const char *body) {
    static webhook_t w = {.url = "http://h/p?secret=1", .method = "POST"};
    http_response_t r = {.status = SLUICE_OK,
                         .code = code,
                         .headers = sluice_str(headers),
                         .body = sluice_str(body)};
    webhook_verdict_t v;

    w.retried[0] = (webhook_codes_t){429, 429};
    w.retried[1] = (webhook_codes_t){500, 599};
    w.retried_count = 2;
    webhook_judge(&w, &r, &v);
    return v;
}

static void test_answers(void **state) {
    webhook_verdict_t v;

    (void)state;
    assert_int_equal(judge(200, "", "").status, SLUICE_OK);
    assert_int_equal(judge(299, "", "").status, SLUICE_OK);
    assert_int_equal(judge(503, "", "").status, SLUICE_RETRY);
    assert_int_equal(judge(422, "", "").status, SLUICE_BAD_RECORD);
    assert_int_equal(judge(404, "", "").status, SLUICE_FATAL);
    assert_int_equal(judge(308, "", "").status, SLUICE_FATAL);
    v = judge(400, "", "no such field");
    assert_string_equal(v.text, "POST http://h/p answered 400: no such field");
    assert_string_equal(v.name, "http.refused");
    assert_int_equal(v.code, 400);
}

static void test_retry_after(void **state) {
    char date[100];
    time_t soon = time(NULL) + 100;

    (void)state;
    assert_int_equal(judge(429, "", "").retry_after_ms, 0);
    assert_int_equal(judge(429, "Retry-After: 7\r\n", "").retry_after_ms, 7000);
    assert_int_equal(judge(429, "retry-after: 99999999999\r\n", "").retry_after_ms, 3600000);
    assert_int_equal(judge(429, "Retry-After: -1\r\n", "").retry_after_ms, 0);
    assert_int_equal(judge(429, "Retry-After: soon\r\n", "").retry_after_ms, 0);
    assert_int_equal(judge(400, "Retry-After: 7\r\n", "").retry_after_ms, 0);
    strftime(date, sizeof(date), "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&soon));
    assert_in_range(judge(503, date, "").retry_after_ms, 50000, 100000);
    assert_int_equal(judge(503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", "").retry_after_ms,
                     0);
}

/* A body that is cut in the middle of a character stays text. */
static void test_long_body(void **state) {
    char body[300];
    webhook_verdict_t v;

    (void)state;
    memset(body, 'x', sizeof(body));
    memcpy(body + 199, "\xc3\xa9", 2);
    body[299] = '\0';
    v = judge(400, "", body);
    assert_int_equal(v.text[strlen(v.text) - 1], 'x');
    assert_null(strchr(v.text, '\xc3'));
}

/* ---- keys ---- */

static const char *key(const sluice_record_t *records, size_t count) {
    static char text[200];
    webhook_t w = {.key = KEY_POSITION};
    sluice_buf_t out;

    heapbuf_init(&out);
    webhook_put_key(&w, records, count, &out);
    snprintf(text, sizeof(text), "%s", text_str(&out));
    heapbuf_fini(&out);
    return text;
}

static void test_keys(void **state) {
    sluice_record_t r[2] = {
        {.topic = sluice_str("a b\n"),
         .original_offset = SLUICE_NO_OFFSET,
         .position = {.len = 2, .bytes = {0x0a, 0xff}}},
        {.topic = sluice_str("routed"),
         .original_topic = sluice_str("t"),
         .original_partition = 3,
         .original_offset = 42},
    };

    (void)state;
    assert_string_equal(key(r, 1), "a%20b%0A-0aff");
    assert_string_equal(key(&r[1], 1), "t-3-42");
    r[1].sub_index = 7;
    assert_string_equal(key(&r[1], 1), "t-3-42-7");
    assert_string_equal(key(r, 2), "a%20b%0A-0aff..t-3-42-7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),       cmocka_unit_test(test_answers),
        cmocka_unit_test(test_retry_after), cmocka_unit_test(test_long_body),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
