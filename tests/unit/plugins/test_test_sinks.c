/* The sinks that other tests are built on do what they say. */
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

static fakehost_t h;

static void open_sink(const char *module, const char *name, const char *config) {
    fakehost_init(&h, module, SLUICE_SINK, name, config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
}

static void test_null(void **state) {
    (void)state;
    open_sink("null", "null", "{}");
    assert_int_equal(fakehost_write(&h, fakehost_batch("1\n2", 0))->durable, 1);
    assert_int_equal(fakehost_flush(&h), SLUICE_OK);
    fakehost_fini(&h);
}

static void test_buffer(void **state) {
    (void)state;
    open_sink("buffer-sink", "buffer-sink", "{\"records\":3,\"interval\":\"40ms\"}");
    fakehost_write(&h, fakehost_batch("1\n2", 0));
    assert_int_equal(h.tickets[0].released, 1);
    assert_int_equal(h.tickets[0].durable, 0);
    fakehost_write(&h, fakehost_batch("3", 2));
    assert_int_equal(h.tickets[0].durable, 1);
    assert_int_equal(h.tickets[1].durable, 1);
    fakehost_write(&h, fakehost_batch("4", 3));
    assert_true(fakehost_run_until_durable(&h, 1000));
    fakehost_write(&h, fakehost_batch("5", 4));
    fakehost_close(&h);
    assert_int_equal(h.tickets[3].status, SLUICE_CANCELLED);
    fakehost_fini(&h);
}

static void test_slow(void **state) {
    (void)state;
    open_sink("slow-sink", "slow-sink", "{\"delay\":\"20ms\",\"hang.after\":1}");
    fakehost_write(&h, fakehost_batch("1", 0));
    assert_int_equal(fakehost_write(&h, fakehost_batch("2", 1))->status, SLUICE_BUSY);
    assert_int_equal(h.tickets[0].durable, 0);
    assert_int_equal(fakehost_flush(&h), SLUICE_OK);
    assert_int_equal(h.tickets[0].durable, 1);
    assert_int_equal(h.ready, 1);
    fakehost_write(&h, fakehost_batch("2", 1));
    assert_false(fakehost_run_until_durable(&h, 60));
    fakehost_close(&h);
    assert_int_equal(h.tickets[2].status, SLUICE_CANCELLED);
    fakehost_fini(&h);
}

static void test_flaky_schedule(void **state) {
    (void)state;
    open_sink("flaky-sink", "flaky-sink",
              "{\"schedule\":\"ok, busy, retry, not-connected, fatal\"}");
    assert_int_equal(fakehost_write(&h, fakehost_batch("1", 0))->status, SLUICE_OK);
    assert_int_equal(fakehost_write(&h, fakehost_batch("2", 1))->accepted, 0);
    fakehost_sleep(&h, 20);
    assert_int_equal(h.ready, 1);
    assert_int_equal(fakehost_write(&h, fakehost_batch("2", 1))->status, SLUICE_RETRY);
    assert_int_equal(fakehost_write(&h, fakehost_batch("2", 1))->status, SLUICE_NOT_CONNECTED);
    assert_int_equal(fakehost_write(&h, fakehost_batch("2", 1))->status, SLUICE_FATAL);
    assert_int_equal(fakehost_write(&h, fakehost_batch("2", 1))->status, SLUICE_OK);
    fakehost_fini(&h);
}

/* The lines 1, bad, 3, bad, 5: which come through. */
static void check_bad(const char *name, size_t results, uint32_t first, const char *kept) {
    char path[] = "/tmp/sluice-test-flaky-XXXXXX", config[128], text[256];
    FILE *f = fdopen(mkstemp(path), "r");

    snprintf(config, sizeof(config), "{\"file\":\"%s\"}", path);
    open_sink("flaky-sink", name, config);
    fakehost_write(&h, fakehost_batch("1\n{\"bad\":1}\n3\n{\"bad\":2}\n5", 0));
    assert_int_equal(h.tickets[0].status, SLUICE_BAD_RECORD);
    assert_int_equal(h.tickets[0].result_count, results);
    assert_int_equal(h.tickets[0].results[0].record, first);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    assert_string_equal(text, kept);
    fclose(f);
    unlink(path);
    fakehost_fini(&h);
}

static void test_flaky_bad_records(void **state) {
    (void)state;
    check_bad("flaky-sink", 1, 1, "");
    check_bad("flaky-sink-per-record", 2, 1, "t\t1\nt\t3\nt\t5\n");
    check_bad("flaky-sink-prefix", 1, 1, "t\t1\n");
}

static void test_collect(void **state) {
    char path[] = "/tmp/sluice-test-collect-XXXXXX", config[128], text[512];
    FILE *f = fdopen(mkstemp(path), "r");

    (void)state;
    snprintf(config, sizeof(config), "{\"file\":\"%s\",\"marks\":true}", path);
    open_sink("collect-sink", "collect-sink", config);
    fakehost_write(&h, fakehost_batch("{\"id\":1}\t{\"v\":\"x\"}\n2\tnull", 254));
    fakehost_write(&h, fakehost_batch("", 300));
    assert_true(fakehost_run_until_durable(&h, 1000));
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    assert_string_equal(text,
                        "00000000000000fe,0,{\"id\":1},{\"v\":\"x\"}\n00000000000000ff,0,2,null\n"
                        "mark,0,00000000000000ff,0\nmark,0,0000000000000000,0\n");
    fclose(f);
    unlink(path);
    fakehost_fini(&h);
}

static void test_crash_that_does_nothing(void **state) {
    (void)state;
    open_sink("crash", "crash", "{}");
    assert_int_equal(fakehost_write(&h, fakehost_batch("1", 0))->durable, 1);
    fakehost_fini(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_flaky_schedule),
        cmocka_unit_test(test_flaky_bad_records),
        cmocka_unit_test(test_collect),
        cmocka_unit_test(test_crash_that_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
