/* The file source and the file sink on real files. */
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
static char path[] = "/tmp/sluice-test-file-XXXXXX";
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
    return unlink(path);
}

static void put(const char *text, const char *mode) {
    FILE *f = fopen(path, mode);

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char *content(void) {
    static char text[65536];
    FILE *f = fopen(path, "r");

    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static const char *with_path(const char *more) {
    snprintf(config, sizeof(config), "{\"file\":\"%s\"%s}", path, more);
    return config;
}

static void open_source(const char *more) {
    fakehost_init(&h, "file-source", SLUICE_SOURCE, "file", with_path(more));
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
}

static void assert_value(size_t i, const char *expected) {
    const sluice_record_t *r = fakehost_record(&h, i);
    char *text;

    assert_non_null(r);
    text = fakehost_json(&r->value);
    assert_string_equal(text, expected);
    free(text);
}

static void run_to_end(size_t records) {
    uint64_t i;

    for (i = 0; i < 5000 && !h.finished && !h.broken; i++)
        fakehost_sleep(&h, 1);
    assert_int_equal(h.record_count, records);
}

static void test_text(void **state) {
    (void)state;
    put("one\n\ntwo\r\nlast", "w");
    open_source(",\"topic\":\"t\",\"follow\":false");
    run_to_end(4);
    assert_int_equal(h.finished, 1);
    assert_value(0, "\"one\"");
    assert_value(1, "\"\"");
    assert_value(2, "\"two\"");
    assert_value(3, "\"last\"");
    assert_int_equal(sluice_get_be64(fakehost_record(&h, 2)->position.bytes + 8), 10);
    fakehost_fini(&h);
}

static void test_json(void **state) {
    (void)state;
    put("{\"a\":1}\n\n[\"x\",null]\n", "w");
    open_source(",\"topic\":\"t\",\"follow\":false,\"format\":\"json\"");
    run_to_end(2);
    assert_value(0, "{\"a\":1}");
    assert_value(1, "[\"x\",null]");
    fakehost_fini(&h);
}

/* Lines before a bad one are delivered; the fault names the place. */
static void test_bad_json(void **state) {
    char error[512];

    (void)state;
    put("1\n2\n{\"a\":\n4\n", "w");
    open_source(",\"topic\":\"t\",\"follow\":false,\"format\":\"json\"");
    run_to_end(2);
    assert_int_equal(h.broken_status, SLUICE_FATAL);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof(error)), "at byte 4 is no JSON"));
    fakehost_fini(&h);
}

static void test_csv(void **state) {
    (void)state;
    put("id,name,\"a \"\"b\"\"\"\r\n1,\"x,y\",\"two\nlines\"\n\n2,,\n3,short\n", "w");
    open_source(",\"topic\":\"t\",\"follow\":false,\"format\":\"csv\"");
    run_to_end(3);
    assert_value(0, "{\"id\":\"1\",\"name\":\"x,y\",\"a \\\"b\\\"\":\"two\\nlines\"}");
    assert_value(1, "{\"id\":\"2\",\"name\":\"\",\"a \\\"b\\\"\":\"\"}");
    assert_value(2, "{\"id\":\"3\",\"name\":\"short\",\"a \\\"b\\\"\":null}");
    fakehost_fini(&h);
}

static void test_resumes(void **state) {
    (void)state;
    put("one\ntwo\nthree\n", "w");
    fakehost_init(&h, "file-source", SLUICE_SOURCE, "file",
                  with_path(",\"topic\":\"t\",\"follow\":false"));
    h.has_stored = 1;
    h.stored_offset = "{\"position\":4}";
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    run_to_end(2);
    assert_value(0, "\"two\"");
    fakehost_fini(&h);
}

static void test_follows(void **state) {
    (void)state;
    put("one\npar", "w");
    open_source(",\"topic\":\"t\",\"poll.interval\":5");
    assert_true(fakehost_run_until_records(&h, 1, 2000));
    fakehost_sleep(&h, 30);
    assert_int_equal(h.record_count, 1);
    put("tial\n", "a");
    assert_true(fakehost_run_until_records(&h, 2, 2000));
    assert_value(1, "\"partial\"");
    assert_int_equal(h.finished, 0);
    fakehost_fini(&h);
}

static void rotate(void) {
    char old[64];

    snprintf(old, sizeof(old), "%s.1", path);
    assert_int_equal(rename(path, old), 0);
    put("new\n", "w");
    unlink(old);
}

static void test_rotation(void **state) {
    (void)state;
    put("one\ntwo\n", "w");
    open_source(",\"topic\":\"t\",\"poll.interval\":5,\"when.replaced\":\"restart\"");
    assert_true(fakehost_run_until_records(&h, 2, 2000));
    rotate();
    assert_true(fakehost_run_until_records(&h, 3, 2000));
    assert_value(2, "\"new\"");
    assert_true(sluice_position_cmp(&fakehost_record(&h, 1)->position,
                                    &fakehost_record(&h, 2)->position) < 0);
    put("x\n", "w");
    assert_true(fakehost_run_until_records(&h, 4, 2000));
    assert_value(3, "\"x\"");
    fakehost_fini(&h);
}

static void test_truncation_fails(void **state) {
    char error[512];

    (void)state;
    put("one\ntwo\n", "w");
    open_source(",\"topic\":\"t\",\"poll.interval\":5");
    assert_true(fakehost_run_until_records(&h, 2, 2000));
    put("", "w");
    run_to_end(2);
    assert_int_equal(h.broken_status, SLUICE_FATAL);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof(error)), "when.replaced"));
    fakehost_fini(&h);
}

/* Lines longer than a piece are read; those past the bound are an error. */
static void test_long_lines(void **state) {
    char error[512];
    FILE *f = fopen(path, "w");
    int i;

    (void)state;
    for (i = 0; i < 700000; i++)
        fputc(i == 699999 ? '\n' : 'a', f);
    fputs("end\n", f);
    fclose(f);
    open_source(",\"topic\":\"t\",\"follow\":false");
    run_to_end(2);
    assert_int_equal(fakehost_record(&h, 0)->value.len, 699999);
    fakehost_fini(&h);
    open_source(",\"topic\":\"t\",\"follow\":false,\"line.max.bytes\":\"300k\"");
    run_to_end(0);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof(error)), "line.max.bytes"));
    fakehost_fini(&h);
}

static void test_many_lines_and_credit(void **state) {
    FILE *f = fopen(path, "w");
    char expected[32];
    int i;

    (void)state;
    for (i = 0; i < 50000; i++)
        fprintf(f, "line %d\n", i);
    fclose(f);
    fakehost_init(&h, "file-source", SLUICE_SOURCE, "file",
                  with_path(",\"topic\":\"t\",\"follow\":false,\"batch.size\":777"));
    h.credit = (sluice_credit_t){1000, 1 << 20};
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    fakehost_sleep(&h, 50);
    assert_int_equal(h.record_count, 1000);
    assert_true(fakehost_run_until_records(&h, 50000, 10000));
    for (i = 0; i < 50000; i += 997) {
        snprintf(expected, sizeof(expected), "\"line %d\"", i);
        assert_value((size_t)i, expected);
    }
    fakehost_fini(&h);
}

static void test_missing_file(void **state) {
    (void)state;
    fakehost_init(&h, "file-source", SLUICE_SOURCE, "file",
                  "{\"file\":\"/nonexistent/x\",\"topic\":\"t\",\"follow\":false}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    run_to_end(0);
    assert_int_equal(h.broken_status, SLUICE_FATAL);
    fakehost_fini(&h);
}

/* ---- sink ---- */

static void open_sink(const char *more) {
    fakehost_init(&h, "file-sink", SLUICE_SINK, "file", with_path(more));
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
}

static void test_sink_text(void **state) {
    (void)state;
    put("before\n", "w");
    open_sink("");
    fakehost_write(&h, fakehost_batch("\"a\"\n{\"b\":1.50}\nnull", 0));
    fakehost_write(&h, fakehost_batch("\"c\"", 3));
    assert_true(fakehost_run_until_durable(&h, 2000));
    assert_string_equal(content(), "before\na\n{\"b\":1.50}\nnull\nc\n");
    assert_int_equal(h.tickets[0].released, 1);
    assert_int_equal(h.tickets[0].durable, 1);
    assert_int_equal(h.tickets[0].status, SLUICE_OK);
    assert_int_equal(fakehost_flush(&h), SLUICE_OK);
    fakehost_fini(&h);
}

static void test_sink_record(void **state) {
    (void)state;
    open_sink(",\"format\":\"record\"");
    fakehost_write(&h, fakehost_batch("{\"id\":1}\t\"v\"", 7));
    assert_true(fakehost_run_until_durable(&h, 2000));
    assert_string_equal(
        content(),
        "{\"topic\":\"t\",\"partition\":null,\"key\":{\"id\":1},\"value\":\"v\",\"headers\":[],"
        "\"timestamp\":null,\"position\":\"0000000000000007\",\"sub_index\":0,\"offset\":{}}\n");
    fakehost_fini(&h);
}

/* A part of a line that a crash left goes; whole lines stay. */
static void test_sink_repairs(void **state) {
    (void)state;
    put("whole\npart", "w");
    open_sink("");
    fakehost_write(&h, fakehost_batch("\"next\"", 0));
    assert_true(fakehost_run_until_durable(&h, 2000));
    assert_string_equal(content(), "whole\nnext\n");
    fakehost_fini(&h);
}

static void test_sink_close_with_work(void **state) {
    int i;

    (void)state;
    open_sink("");
    for (i = 0; i < 100; i++)
        fakehost_write(&h, fakehost_batch("\"line\"", (uint64_t)i));
    assert_int_equal(fakehost_close(&h), SLUICE_OK);
    for (i = 0; i < 100; i++)
        assert_int_equal(h.tickets[i].durable, 1);
    assert_int_equal(strlen(content()), 500);
    fakehost_fini(&h);
}

static void test_sink_full_disk(void **state) {
    (void)state;
    fakehost_init(&h, "file-sink", SLUICE_SINK, "file", "{\"file\":\"/dev/full\"}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    fakehost_write(&h, fakehost_batch("\"a\"", 0));
    assert_true(fakehost_run_until_durable(&h, 2000));
    assert_int_equal(h.tickets[0].status, SLUICE_RETRY);
    assert_int_equal(h.broken, 1);
    fakehost_fini(&h);
}

static void test_sink_no_folder(void **state) {
    (void)state;
    fakehost_init(&h, "file-sink", SLUICE_SINK, "file", "{\"file\":\"/nonexistent/x\"}");
    assert_int_equal(fakehost_open(&h), SLUICE_RETRY);
    fakehost_fini(&h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_text),
        TEST(test_json),
        TEST(test_bad_json),
        TEST(test_csv),
        TEST(test_resumes),
        TEST(test_follows),
        TEST(test_rotation),
        TEST(test_truncation_fails),
        TEST(test_long_lines),
        TEST(test_many_lines_and_credit),
        TEST(test_missing_file),
        TEST(test_sink_text),
        TEST(test_sink_record),
        TEST(test_sink_repairs),
        TEST(test_sink_close_with_work),
        TEST(test_sink_full_disk),
        TEST(test_sink_no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
