/* The datagen source: determinism, exact resumption, credit, pause, end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/fakehost.h"

static fakehost_t h, again;

static uint64_t number_of(const sluice_record_t *r) {
    return sluice_get_be64(r->position.bytes);
}

static void assert_same_value(const sluice_record_t *a, const sluice_record_t *b) {
    char *x = fakehost_json(&a->value), *y = fakehost_json(&b->value);

    assert_string_equal(x, y);
    free(x);
    free(y);
}

static void test_counts_and_ends(void **state) {
    (void)state;
    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", "{\"count\":1234}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_true(fakehost_run_until_records(&h, 1234, 5000));
    fakehost_sleep(&h, 20);
    assert_int_equal(h.record_count, 1234);
    assert_int_equal(h.finished, 1);
    assert_int_equal(number_of(fakehost_record(&h, 1233)), 1233);
    assert_int_equal(fakehost_record(&h, 7)->key.as.i, 7);
    assert_int_equal(fakehost_record(&h, 7)->value.kind, SLUICE_STRUCT);
    assert_int_equal(fakehost_close(&h), SLUICE_OK);
    fakehost_fini(&h);
}

/* What waits in the runtime is read after the source is gone. */
static void test_records_outlive_the_source(void **state) {
    char *json;
    size_t i;

    (void)state;
    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen",
                  "{\"count\":50,\"fields\":{\"kind\":\"choice:one|one\",\"t\":\"text:3\"},"
                  "\"key\":\"kind\",\"schema\":false}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_true(fakehost_run_until_records(&h, 50, 5000));
    assert_int_equal(fakehost_close(&h), SLUICE_OK);
    for (i = 0; i < 50; i++) {
        json = fakehost_json(&fakehost_record(&h, i)->value);
        assert_non_null(strstr(json, "\"one\""));
        free(json);
    }
    fakehost_fini(&h);
}

/* What a second instance makes behind a stored position is what the first one made there. */
static void check_resume(const char *config, uint64_t stored) {
    size_t i;

    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", config);
    fakehost_init(&again, "datagen", SLUICE_SOURCE, "datagen", config);
    again.has_stored = 1;
    again.stored.len = 8;
    sluice_put_be64(again.stored.bytes, stored);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_int_equal(fakehost_open(&again), SLUICE_OK);
    assert_true(fakehost_run_until_records(&h, 100, 5000));
    assert_true(fakehost_run_until_records(&again, 99 - stored, 5000));
    fakehost_sleep(&again, 10);
    assert_int_equal(again.record_count, 99 - stored);
    for (i = 0; i < again.record_count; i++) {
        assert_int_equal(number_of(fakehost_record(&again, i)), stored + 1 + i);
        assert_same_value(fakehost_record(&h, stored + 1 + i), fakehost_record(&again, i));
    }
    fakehost_fini(&again);
    fakehost_fini(&h);
}

static void test_resumes_exactly(void **state) {
    (void)state;
    check_resume("{\"count\":100}", 41);
    check_resume("{\"count\":100,\"schema\":false,\"seed\":9}", 98);
}

/* With partitions, one position is stored for each; the fake host gives the same for all. */
static void test_partitions(void **state) {
    size_t i;

    (void)state;
    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", "{\"count\":90,\"partitions\":3}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_true(fakehost_run_until_records(&h, 90, 5000));
    for (i = 0; i < 90; i++)
        assert_int_equal(fakehost_record(&h, i)->source_partition, i % 3);
    assert_int_equal(h.partition_count, 3);
    fakehost_fini(&h);
}

static void test_altered_offset(void **state) {
    (void)state;
    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", "{\"count\":20}");
    h.has_stored = 1;
    h.stored_offset = "{\"record\":14}";
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_true(fakehost_run_until_records(&h, 5, 5000));
    assert_int_equal(number_of(fakehost_record(&h, 0)), 15);
    fakehost_fini(&h);
}

static void test_keeps_to_credit(void **state) {
    (void)state;
    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", "{}");
    h.credit = (sluice_credit_t){7, 1 << 20};
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    fakehost_sleep(&h, 20);
    assert_int_equal(h.record_count, 7);
    h.credit = (sluice_credit_t){5, 1 << 20};
    h.plugin->source->on_credit(h.self);
    fakehost_sleep(&h, 20);
    assert_int_equal(h.record_count, 12);
    h.plugin->source->pause(h.self);
    h.credit = (sluice_credit_t){5, 1 << 20};
    h.plugin->source->on_credit(h.self);
    fakehost_sleep(&h, 20);
    assert_int_equal(h.record_count, 12);
    h.plugin->source->resume(h.self);
    fakehost_sleep(&h, 20);
    assert_int_equal(h.record_count, 17);
    fakehost_fini(&h);
}

static void test_rate(void **state) {
    (void)state;
    fakehost_init(&h, "datagen", SLUICE_SOURCE, "datagen", "{\"rate\":1000}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    fakehost_sleep(&h, 300);
    assert_in_range(h.record_count, 150, 320);
    fakehost_fini(&h);
}

static void test_faults(void **state) {
    static const char *const bad[] = {
        "{\"fields\":{}}",
        "{\"fields\":{\"a\":\"nothing\"}}",
        "{\"fields\":{\"id\":\"int:5..1\"}}",
        "{\"fields\":{\"id\":\"choice:\"}}",
        "{\"key\":\"absent\"}",
        "{\"partitions\":0}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(fakehost_config_faults("datagen", SLUICE_SOURCE, "datagen", bad[i]), 1);
    assert_int_equal(fakehost_config_faults("datagen", SLUICE_SOURCE, "datagen", "{}"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_and_ends),
        cmocka_unit_test(test_records_outlive_the_source), cmocka_unit_test(test_resumes_exactly),
        cmocka_unit_test(test_partitions),      cmocka_unit_test(test_altered_offset),
        cmocka_unit_test(test_keeps_to_credit), cmocka_unit_test(test_rate),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
