/* FileStreamSource and FileStreamSink on real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/fakehost.h"
#include "record/batch.h"

static fakehost_t h;
static char path[] = "/tmp/sluice-test-stream-XXXXXX";
static char config[512];

static int set_up(void **state) {
    int fd;

    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

static void put_bytes(const char *data, size_t len) {
    FILE *f = fopen(path, "a");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void put(const char *text) {
    put_bytes(text, strlen(text));
}

static void open_source(const char *more) {
    snprintf(config, sizeof config, "{\"file\":\"%s\",\"topic\":\"t\"%s}", path, more);
    fakehost_init(&h, "file-stream-source", SLUICE_SOURCE, "FileStreamSource", config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
}

static void check_record(size_t i, const char *value, int64_t position) {
    const sluice_record_t *r = fakehost_record(&h, i);

    assert_non_null(r);
    assert_int_equal(r->value.kind, SLUICE_STRING);
    assert_int_equal(r->value.len, strlen(value));
    assert_memory_equal(r->value.as.s, value, r->value.len);
    assert_int_equal(r->value_schema->type, SLUICE_STRING);
    assert_int_equal(r->value_schema->optional, 0);
    assert_int_equal(r->key.kind, SLUICE_NULL);
    assert_null(r->key_schema);
    assert_int_equal(r->partition, SLUICE_NO_PARTITION);
    assert_int_equal(r->timestamp_type, SLUICE_TIMESTAMP_CREATE);
    assert_int_equal(sluice_get_be64(r->position.bytes), position);
}

/* The offset that users see of a record. */
static void check_offset(size_t i, const char *json) {
    sluice_batch_t *batch = h.api->batch_new(h.ctx, 0);
    const sluice_record_t *r = fakehost_record(&h, i);
    sluice_buf_t buf;
    sluice_str_t text;

    h.api->buf_init(&buf, batch, 0);
    assert_int_equal(h.plugin->source->offset_json(h.self, &r->position, r->offset, &buf), 0);
    text = h.api->buf_finish(&buf);
    assert_int_equal(text.len, strlen(json));
    assert_memory_equal(text.data, json, text.len);
    h.api->batch_unref(batch);
}

static void test_line_ends(void **state) {
    (void)state;
    put("one\ntwo\r\nthree\r\n\rfive\r");
    open_source("");
    assert_true(fakehost_run_until_records(&h, 4, 5000));
    check_record(0, "one", 4);
    check_record(1, "two", 9);
    check_record(2, "three", 16);
    check_record(3, "", 17);
    check_offset(2, "{\"position\":16}");
    fakehost_sleep(&h, 400);
    assert_int_equal(h.record_count, 4); /* the last \r may yet be the half of a line end */
    put("\nsix");
    assert_true(fakehost_run_until_records(&h, 5, 5000));
    check_record(4, "five", 23);
    fakehost_sleep(&h, 400);
    assert_int_equal(h.record_count, 5); /* "six" has no end */
    fakehost_fini(&h);
}

static void test_decoding(void **state) {
    (void)state;
    put("caf\xc3\xa9\n\xff\xfeok\n\xf0\x9f\x98\x80\n");
    open_source("");
    assert_true(fakehost_run_until_records(&h, 3, 5000));
    check_record(0, "caf\xc3\xa9", 6);
    check_record(1, "\xef\xbf\xbd\xef\xbf\xbdok", 11);
    check_record(2, "\xf0\x9f\x98\x80", 16);
    fakehost_fini(&h);
}

static void test_missing_file_waits(void **state) {
    (void)state;
    unlink(path);
    open_source("");
    fakehost_sleep(&h, 300);
    assert_int_equal(h.broken, 0);
    put("there\n");
    assert_true(fakehost_run_until_records(&h, 1, 5000));
    check_record(0, "there", 6);
    fakehost_fini(&h);
}

static void test_batch_size(void **state) {
    (void)state;
    put("1\n2\n3\n4\n5\n");
    open_source(",\"batch.size\":\"2\"");
    assert_true(fakehost_run_until_records(&h, 5, 5000));
    assert_int_equal(h.batch_count, 3);
    fakehost_fini(&h);
}

static void test_goes_on_at_offset(void **state) {
    (void)state;
    put("1\n2\n3\n");
    snprintf(config, sizeof config, "{\"file\":\"%s\",\"topic\":\"t\"}", path);
    fakehost_init(&h, "file-stream-source", SLUICE_SOURCE, "file-stream", config);
    h.has_stored = 1;
    h.stored_offset = "{\"position\":2}"; /* as a user sets it: without a position */
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_true(fakehost_run_until_records(&h, 2, 5000));
    check_record(0, "2", 4);
    assert_string_equal(h.partitions[0] + strlen(h.partitions[0]) - 2, "\"}");
    fakehost_fini(&h);
}

static void test_offset_of_wrong_type(void **state) {
    char error[256];

    (void)state;
    snprintf(config, sizeof config, "{\"file\":\"%s\",\"topic\":\"t\"}", path);
    fakehost_init(&h, "file-stream-source", SLUICE_SOURCE, "file-stream", config);
    h.has_stored = 1;
    h.stored_offset = "{\"position\":\"2\"}";
    assert_int_equal(fakehost_open(&h), SLUICE_FATAL);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof error), "incorrect type"));
    fakehost_fini(&h);
}

static void test_line_of_limit(void **state) {
    char error[256];
    char *line = malloc(200000);

    (void)state;
    memset(line, 'x', 200000);
    line[150000] = '\n';
    put_bytes(line, 200000);
    open_source(",\"line.max.bytes\":\"1k\"");
    assert_true(fakehost_run_until_records(&h, 1, 5000) || h.broken);
    fakehost_fini(&h);
    open_source(",\"line.max.bytes\":\"190k\"");
    assert_true(fakehost_run_until_records(&h, 1, 5000));
    assert_int_equal(fakehost_record(&h, 0)->value.len, 150000);
    put("\n");
    assert_true(fakehost_run_until_records(&h, 2, 5000));
    put_bytes(line, 150000);
    put_bytes(line, 150000);
    fakehost_sleep(&h, 1000);
    assert_int_equal(h.broken_status, SLUICE_FATAL);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof error), "line.max.bytes"));
    fakehost_fini(&h);
    free(line);
}

static void test_empty_topic(void **state) {
    (void)state;
    assert_int_equal(fakehost_config_faults("file-stream-source", SLUICE_SOURCE, "file-stream",
                                            "{\"topic\":\"\"}"),
                     1);
    assert_int_equal(fakehost_config_faults("file-stream-source", SLUICE_SOURCE, "file-stream",
                                            "{\"topic\":\"t\"}"),
                     0);
}

/* ---- the sink ---- */

static void check_content(const char *expected) {
    char text[4096];
    FILE *f = fopen(path, "r");

    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, expected);
}

static void test_sink(void **state) {
    (void)state;
    put("what was there, without an end");
    snprintf(config, sizeof config, "{\"file\":\"%s\"}", path);
    fakehost_init(&h, "file-stream-sink", SLUICE_SINK, "FileStreamSink", config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    fakehost_write(&h, fakehost_batch("\"text\"\nnull\n{\"a\":1,\"b\":[true,null,\"x\"]}\n1.5\n"
                                      "\"lone \\ud800 half\"",
                                      1));
    assert_true(fakehost_run_until_durable(&h, 5000));
    assert_int_equal(h.tickets[0].status, SLUICE_OK);
    check_content("what was there, without an endtext\nnull\n{a=1, b=[true, null, x]}\n1.5\n"
                  "lone ? half\n");
    fakehost_fini(&h);
}

static void test_sink_without_folder(void **state) {
    char error[512];

    (void)state;
    fakehost_init(&h, "file-stream-sink", SLUICE_SINK, "file-stream",
                  "{\"file\":\"/nowhere/out.txt\"}");
    assert_int_equal(fakehost_open(&h), SLUICE_FATAL);
    assert_non_null(
        strstr(fakehost_error(&h, error, sizeof error),
               "Couldn't find or create file '/nowhere/out.txt' for FileStreamSinkTask"));
    fakehost_fini(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decoding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_file_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_batch_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goes_on_at_offset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_offset_of_wrong_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_line_of_limit, set_up, tear_down),
        cmocka_unit_test(test_empty_topic),
        cmocka_unit_test_setup_teardown(test_sink, set_up, tear_down),
        cmocka_unit_test(test_sink_without_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
