/* The JSON converter as one instance that lives long: its caches, schemas that come and go, numbers
 * kept as text. What single values become is in tests/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "plugin/ctx.h"
#include "plugin/module.h"
#include "record/batch.h"
#include "record/schema.h"

#define SCHEMAS 40

typedef struct instance {
    const sluice_converter_t *converter;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    void *self;
} instance_t;

static sl_module_t *module;

static int open_module(void **state) {
    char error[SL_MODULE_ERROR_SIZE];

    (void)state;
    if (sl_module_open(SLUICE_TEST_BUILD "/lib/sluice/converter-json.so", &module, error,
                       sizeof(error)) == SLUICE_OK)
        return 0;
    print_message("%s\n", error);
    return -1;
}

static int close_module(void **state) {
    (void)state;
    sl_module_destroy(module);
    return 0;
}

static void open_instance(instance_t *in, const char *text) {
    const sluice_plugin_t *plugin = sl_module_find(module, SLUICE_CONVERTER, "JsonConverter");
    sl_ctx_params_t params = {.plugin = plugin, .pipeline = "test", .instance = "converter"};
    cJSON *config = cJSON_Parse(text);
    sl_report_t report;

    assert_non_null(plugin);
    sl_report_init(&report);
    assert_int_equal(sl_options_create(plugin->options, plugin->option_count, plugin->option_size,
                                       &in->options, NULL),
                     SLUICE_OK);
    assert_int_equal(sl_config_parse(in->options, config, "", 0, &report, &in->config), SLUICE_OK);
    assert_int_equal(sl_report_status(&report), SLUICE_OK);
    params.config = in->config;
    assert_int_equal(sl_ctx_create(&params, &in->ctx), SLUICE_OK);
    in->converter = plugin->converter;
    assert_int_equal(in->converter->create(sl_api(), in->ctx, &in->self), SLUICE_OK);
    sl_report_fini(&report);
    cJSON_Delete(config);
}

static void close_instance(instance_t *in) {
    in->converter->destroy(in->self);
    assert_int_equal(sl_ctx_charged(in->ctx), 0);
    sl_ctx_destroy(in->ctx);
    sl_config_destroy(in->config);
    sl_options_unref(in->options);
}

static int read_text(instance_t *in, sluice_batch_t *b, const char *text,
                     const sluice_schema_t **schema, sluice_value_t *value) {
    return in->converter->to_connect(in->self, b, sluice_str("t"), sluice_str(text), schema, value);
}

static void check_write(instance_t *in, sluice_batch_t *b, const sluice_schema_t *schema,
                        const sluice_value_t *value, const char *wanted) {
    sluice_str_t bytes;

    assert_int_equal(
        in->converter->from_connect(in->self, b, sluice_str("t"), schema, value, &bytes),
        SLUICE_OK);
    assert_int_equal(bytes.len, strlen(wanted));
    assert_memory_equal(bytes.data, wanted, bytes.len);
}

static void make_text(char *out, size_t size, int n) {
    snprintf(out, size,
             "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":true,"
             "\"default\":%d,\"field\":\"a%d\"},{\"type\":\"string\",\"optional\":false,\"field\":"
             "\"b\"}],\"optional\":false,\"name\":\"n%d\"},\"payload\":{\"a%d\":%d,\"b\":\"x\"}}",
             n, n, n, n, n * 7);
}

/* Many schemas through caches that are too small; values read first stay good until the end. */
static void go_round(const char *config, int rounds) {
    sluice_batch_t *b = sl_batch_create(0);
    const sluice_schema_t *schemas[SCHEMAS];
    sluice_value_t values[SCHEMAS];
    char text[512];
    instance_t in;
    int i;

    open_instance(&in, config);
    for (i = 0; i < rounds * SCHEMAS; i++) {
        char *copy;

        make_text(text, sizeof(text), i % SCHEMAS);
        copy = sl_batch_alloc(b, strlen(text) + 1);
        memcpy(copy, text, strlen(text) + 1);
        assert_int_equal(read_text(&in, b, copy, &schemas[i % SCHEMAS], &values[i % SCHEMAS]), 0);
        check_write(&in, b, schemas[i % SCHEMAS], &values[i % SCHEMAS], text);
    }
    for (i = 0; i < SCHEMAS; i++) {
        make_text(text, sizeof(text), i);
        check_write(&in, b, schemas[i], &values[i], text);
    }
    close_instance(&in);
    sl_batch_unref(b);
    assert_int_equal(sl_schema_count(), 0);
}

static void test_caches(void **state) {
    (void)state;
    go_round("{}", 3);
    go_round("{\"schemas.cache.size\":\"0\"}", 3);
    go_round("{\"schemas.cache.size\":\"1\"}", 2);
    go_round("{\"schemas.cache.size\":\"7\"}", 3);
}

/* Texts that begin as the last one did, but are something else. */
static void test_near_envelopes(void **state) {
    static const char *const good = "{\"schema\":{\"type\":\"int32\"},\"payload\":1}";
    static const struct {
        const char *text;
        int status;
        int64_t n;
    } cases[] = {
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2}", 0, 2},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2} ", 0, 2},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2}x", 0, 2},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2},\"x\":3}", 0, 2},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2,\"payload\":3}", 0, 3},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":300,\"schema\":{\"type\":\"int8\"}}", 0, 44},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2,\"x\":3}", SLUICE_BAD_RECORD, 0},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":2", SLUICE_BAD_RECORD, 0},
        {"{\"schema\":{\"type\":\"int32\"},\"payload\":}", SLUICE_BAD_RECORD, 0},
        {"{\"schema\":{\"type\":\"int32\"}}", SLUICE_BAD_RECORD, 0},
        {"{\"schema\":{\"type\":\"int3", SLUICE_BAD_RECORD, 0},
        {"{\"schema\":{\"type\":\"int32\\\"},\"payload\":2}", SLUICE_BAD_RECORD, 0},
    };
    const sluice_schema_t *schema;
    sluice_value_t value;
    instance_t in;
    size_t i;

    (void)state;
    open_instance(&in, "{}");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sluice_batch_t *b = sl_batch_create(0);

        assert_int_equal(read_text(&in, b, good, &schema, &value), SLUICE_OK);
        assert_int_equal(value.as.i, 1);
        assert_int_equal(read_text(&in, b, cases[i].text, &schema, &value), cases[i].status);
        if (cases[i].status == SLUICE_OK)
            assert_int_equal(value.as.i, cases[i].n);
        sl_batch_unref(b);
    }
    close_instance(&in);
    assert_int_equal(sl_schema_count(), 0);
}

/* Numbers that a decoder left as text go out as they are; what JSON has not is quoted. */
static void test_text_numbers(void **state) {
    static const struct {
        sluice_kind_t kind;
        const char *text;
        const char *json;
    } cases[] = {
        {SLUICE_INT64, "9223372036854775807", "9223372036854775807"},
        {SLUICE_INT16, "-5", "-5"},
        {SLUICE_FLOAT64, "1.0E10", "1.0E10"},
        {SLUICE_FLOAT64, "NaN", "\"NaN\""},
        {SLUICE_FLOAT32, "-Infinity", "\"-Infinity\""},
        {SLUICE_FLOAT32, "0.1", "0.1"},
    };
    sluice_batch_t *b = sl_batch_create(0);
    instance_t in;
    size_t i;

    (void)state;
    open_instance(&in, "{\"schemas.enable\":false}");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sluice_schema_t plain = {.size = sizeof(plain), .type = (uint8_t)cases[i].kind};
        const sluice_schema_t *schema = sl_schema_intern(&plain);
        sluice_value_t v = sluice_text(cases[i].kind, sluice_str(cases[i].text));

        v.flags = SLUICE_TEXT;
        check_write(&in, b, schema, &v, cases[i].json);
        check_write(&in, b, NULL, &v, cases[i].json);
        sl_schema_unref(schema);
    }
    close_instance(&in);
    sl_batch_unref(b);
    assert_int_equal(sl_schema_count(), 0);
}

/* A struct that records of an arena share is written from its kept text; the same place in another
 * arena is another struct. */
static void test_shared_structs(void **state) {
    static const char *const text =
        "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\","
        "\"optional\":false,\"field\":\"x\"}],\"optional\":false,\"field\":\"inner\"},{\"type\":\"int32\","
        "\"optional\":false,\"field\":\"n\"}],\"optional\":false},\"payload\":{\"inner\":{\"x\":1},\"n\":0}}";
    sluice_batch_t *values = sl_batch_create(0);
    const sluice_schema_t *schema;
    sluice_value_t first;
    instance_t in;
    int round, i;

    (void)state;
    open_instance(&in, "{}");
    assert_int_equal(read_text(&in, values, text, &schema, &first), SLUICE_OK);
    close_instance(&in);
    open_instance(&in, "{\"schemas.enable\":false}");
    for (round = 0; round < 3; round++) {
        sluice_batch_t *arena = sl_batch_create(0);
        sluice_struct_t *inner = (sluice_struct_t *)(uintptr_t)first.as.st->fields[0].as.st;

        inner->fields[0].as.i = round;
        for (i = 0; i < 5; i++) {
            sluice_struct_t *outer =
                sl_batch_alloc(values, sizeof(*outer) + 2 * sizeof(outer->fields[0]));
            sluice_value_t v = {.kind = SLUICE_STRUCT, .len = 2};
            char wanted[64];

            outer->schema = schema;
            outer->fields[0] = first.as.st->fields[0];
            outer->fields[1] = sluice_int(SLUICE_INT32, i);
            v.as.st = outer;
            snprintf(wanted, sizeof(wanted), "{\"inner\":{\"x\":%d},\"n\":%d}", round, i);
            check_write(&in, arena, schema, &v, wanted);
        }
        sl_batch_unref(arena);
    }
    close_instance(&in);
    sl_batch_unref(values);
    assert_int_equal(sl_schema_count(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caches),
        cmocka_unit_test(test_near_envelopes),
        cmocka_unit_test(test_text_numbers),
        cmocka_unit_test(test_shared_structs),
    };
    return cmocka_run_group_tests(tests, open_module, close_module);
}
