/* compute: the arithmetic, with and without schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/fakehost.h"
#include "record/batch.h"

static fakehost_t h, source;

#define ENGAGEMENT                                                                         \
    "{\"fields\":{\"engagement_seconds\":{\"of\":\"ms\",\"divided.by\":1000,\"scale\":3}," \
    "\"engagement_pct\":{\"of\":\"ms\",\"times\":\"0.1\",\"divided.by\":\"length\","       \
    "\"scale\":2}}}"

static sluice_batch_t *apply(const char *config, sluice_batch_t *in) {
    sluice_batch_t *out = NULL;

    fakehost_init(&h, "compute", SLUICE_TRANSFORM, "compute", config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_int_equal(h.plugin->transform->apply(h.self, in, &out), SLUICE_OK);
    sl_batch_unref(in);
    assert_int_equal(sl_batch_seal(out), SLUICE_OK);
    return out;
}

static void check(const char *config, const char *in, const char *expected) {
    sluice_batch_t *out = apply(config, fakehost_batch(in, 0));
    size_t count;
    const sluice_record_t *records = sl_batch_records(out, &count);
    char *text;

    assert_int_equal(count, 1);
    text = fakehost_json(&records[0].value);
    assert_string_equal(text, expected);
    free(text);
    sl_batch_unref(out);
    fakehost_fini(&h);
}

static void check_engagement(const char *fields, const char *seconds, const char *pct) {
    char in[200];
    char out[300];

    snprintf(in, sizeof(in), "{%s}", fields);
    snprintf(out, sizeof(out), "{%s,\"engagement_seconds\":%s,\"engagement_pct\":%s}", fields,
             seconds, pct);
    check(ENGAGEMENT, in, out);
}

static void test_engagement(void **state) {
    (void)state;
    check_engagement("\"ms\":60000,\"length\":180", "60.0", "33.33");
    check_engagement("\"ms\":2010,\"length\":200", "2.01", "1.01"); /* 1.005, which no double is */
    check_engagement("\"ms\":1,\"length\":3", "0.001", "0.03");
    check_engagement("\"ms\":0,\"length\":3", "0.0", "0.0");
    check_engagement("\"ms\":null,\"length\":180", "null", "null");
    check_engagement("\"ms\":60000,\"length\":null", "60.0", "null");
    check_engagement("\"ms\":60000", "60.0", "null");
    check_engagement("\"ms\":60000,\"length\":0", "60.0", "null");
    check_engagement("\"ms\":60000,\"length\":-5", "60.0", "null");
    check_engagement("\"ms\":-2010,\"length\":200", "-2.01", "-1.01"); /* half away from zero */
    check_engagement("\"ms\":9223372036854775807,\"length\":1", "9.223372036854776E15",
                     "9.2233720368547763E17");
}

#define ONE(formula) "{\"fields\":{\"r\":" formula "}}"

static void test_place_of_a_known_field(void **state) {
    (void)state;
    check(ONE("{\"of\":\"a\",\"times\":2,\"scale\":0}"), "{\"r\":\"old\",\"a\":4}",
          "{\"r\":8.0,\"a\":4}");
    check(ONE("{\"of\":\"a\",\"divided.by\":8,\"scale\":0}"), "{\"a\":4}", "{\"a\":4,\"r\":1.0}");
    check(ONE("{\"of\":\"a\",\"divided.by\":7,\"scale\":18,\"as\":\"decimal\"}"), "{\"a\":1}",
          "{\"a\":1,\"r\":0.142857142857142857}");
    check(ONE("{\"of\":\"a\",\"times\":1e-2,\"scale\":3,\"as\":\"decimal\"}"), "{\"a\":12.5e1}",
          "{\"a\":125,\"r\":1.250}");
}

static void test_rejects(void **state) {
    sluice_batch_t *out = apply(ONE("{\"of\":\"a\",\"times\":\"b\"}"),
                                fakehost_batch("{\"a\":1,\"b\":2}\n{\"a\":\"x\",\"b\":2}\n"
                                               "{\"a\":9223372036854775807e30,\"b\":1e30}\n[1]",
                                               0));
    size_t count;
    char error[256];

    (void)state;
    (void)sl_batch_records(out, &count);
    assert_int_equal(count, 2); /* the list passes unchanged */
    assert_int_equal(h.reject_count, 2);
    assert_int_equal(h.rejects[0], 1);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof(error)), "38 digits"));
    sl_batch_unref(out);
    fakehost_fini(&h);
}

static void test_structs(void **state) {
    sluice_batch_t *out;
    size_t count;
    const sluice_record_t *r;
    const sluice_schema_t *schema;

    (void)state;
    fakehost_init(&source, "datagen", SLUICE_SOURCE, "datagen",
                  "{\"count\":3,\"fields\":{\"ms\":\"int:2010..2010\",\"length\":\"int:200..200\"},"
                  "\"key\":\"\"}");
    assert_int_equal(fakehost_open(&source), SLUICE_OK);
    assert_true(fakehost_run_until_records(&source, 3, 2000));
    out = apply("{\"fields\":{\"p\":{\"of\":\"ms\",\"times\":\"0.1\",\"divided.by\":\"length\","
                "\"scale\":2,\"as\":\"decimal\"}}}",
                sl_batch_ref(source.batches[0]));
    r = sl_batch_records(out, &count);
    assert_int_equal(count, 3);
    schema = r[0].value_schema;
    assert_ptr_equal(schema, r[2].value_schema);
    assert_int_equal(schema->field_count, 3);
    assert_int_equal(schema->fields[2].schema->logical, SLUICE_LOGICAL_DECIMAL);
    assert_int_equal(schema->fields[2].schema->optional, 1);
    assert_memory_equal(r[0].value.as.st->fields[2].as.s, "1.01", 4);
    sl_batch_unref(out);
    fakehost_fini(&h);
    fakehost_fini(&source);
}

static size_t faults(const char *config) {
    return fakehost_config_faults("compute", SLUICE_TRANSFORM, "compute", config);
}

static void test_configuration(void **state) {
    (void)state;
    assert_int_equal(faults(ENGAGEMENT), 0);
    assert_int_equal(faults("{\"fields\":{}}"), 1);
    assert_int_equal(faults("{\"fields\":[1]}"), 1);
    assert_int_equal(faults(ONE("{\"times\":2}")), 1);
    assert_int_equal(faults(ONE("{\"of\":5}")), 1);
    assert_int_equal(faults(ONE("{\"of\":\"a\",\"scale\":19}")), 1);
    assert_int_equal(faults(ONE("{\"of\":\"a\",\"as\":\"float\"}")), 1);
    assert_int_equal(faults(ONE("{\"of\":\"a\",\"divide\":2}")), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engagement),    cmocka_unit_test(test_place_of_a_known_field),
        cmocka_unit_test(test_rejects),       cmocka_unit_test(test_structs),
        cmocka_unit_test(test_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
