/* Connector JSON to native descriptors: both kinds, converters, transforms, predicates, faults
 * in Connect's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/connect.h"
#include "config/json_file.h"
#include "config/pipeline.h"
#include "fake_catalog.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct result {
    sl_report_t report;
    cJSON *native;
    sl_pipeline_t *pipeline;
} result_t;

static void translate(const char *text, const char *worker_text, result_t *out) {
    sl_connect_map_t *map;
    cJSON *json, *worker = NULL;

    memset(out, 0, sizeof *out);
    assert_int_equal(sl_json_read(text, strlen(text), &out->report, &json), SLUICE_OK);
    if (worker_text != NULL)
        assert_int_equal(sl_json_read(worker_text, strlen(worker_text), &out->report, &worker),
                         SLUICE_OK);
    assert_true(sl_connect_is(json));
    sl_connect_to_native(json, worker, &fake_catalog, "by-file", &out->report, &out->native, &map);
    if (out->native != NULL) {
        size_t from = out->report.count;
        sl_pipeline_read(out->native, &fake_catalog, NULL, &out->report, &out->pipeline);
        sl_connect_map_report(map, &out->report, from);
    }
    sl_connect_map_destroy(map);
    cJSON_Delete(json);
    cJSON_Delete(worker);
}

static void done(result_t *result) {
    sl_pipeline_destroy(result->pipeline);
    cJSON_Delete(result->native);
    sl_report_fini(&result->report);
}

static void expect(const sl_report_t *report, const char *pointer, const char *message) {
    size_t i;

    for (i = 0; i < report->count; i++)
        if (strcmp(report->faults[i].pointer, pointer) == 0 &&
            strcmp(report->faults[i].message, message) == 0)
            return;
    print_error("no fault at %s: %s; there are:\n%s\n", pointer, message,
                sl_report_text(report, NULL));
    fail();
}

static const char *config_text(const sl_plugin_use_t *use, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(use->config, key));
}

static void source_connector(void **state) {
    result_t r;
    sl_pipeline_t *p;
    (void)state;
    translate(
        "{\"name\":\"c\",\"config\":{\"connector.class\":\"com.example.ReaderConnector\",\"tasks.max\":2,\"path\":\"/x\","
        "\"rate\":5,\"value.converter\":\"com.example.JsonConverter\",\"value.converter.schemas.enable\":\"false\","
        "\"key.converter.ignored\":\"1\",\"transforms\":\"a, "
        "b\",\"transforms.a.type\":\"com.example.Mask$Value\","
        "\"transforms.a.field\":\"f\",\"transforms.a.predicate\":\"p\",\"transforms.a.negate\":\"true\","
        "\"transforms.b.type\":\"mask\",\"transforms.b.field\":\"g\",\"predicates\":\"p\","
        "\"predicates.p.type\":\"has-field\",\"predicates.p.field\":\"h\",\"errors.tolerance\":\"all\","
        "\"errors.retry.timeout\":\"-1\",\"producer.override.acks\":\"all\","
        "\"header.converter\":\"string\"}}",
        "{\"key.converter\":\"com.example.StringConverter\",\"value.converter\":\"x\",\"bootstrap.servers\":\"h:1\","
        "\"producer.linger.ms\":\"9\",\"producer.acks\":\"1\"}",
        &r);
    p = r.pipeline;
    if (p == NULL)
        print_error("%s", sl_report_text(&r.report, NULL));
    assert_non_null(p);
    assert_int_equal(r.report.count, 0);
    assert_string_equal(p->name, "c");
    assert_true(p->connect);
    assert_int_equal(p->tasks_max, 2);
    assert_string_equal(p->source.plugin, "com.example.ReaderConnector");
    assert_string_equal(config_text(&p->source, "rate"), "5");
    assert_int_equal(cJSON_GetArraySize(p->source.config), 2);
    assert_string_equal(p->branches[0].sink.plugin, "@topics");
    assert_string_equal(config_text(&p->branches[0].sink, "producer.override.acks"), "all");
    assert_string_equal(config_text(&p->branches[0].sink, "producer.override.linger.ms"), "9");
    assert_string_equal(config_text(&p->branches[0].sink, "bootstrap.servers"), "h:1");
    assert_string_equal(p->branches[0].converters.key.plugin, "com.example.StringConverter");
    assert_string_equal(config_text(&p->branches[0].converters.value, "schemas.enable"), "false");
    assert_string_equal(p->branches[0].converters.header.plugin, "string");
    assert_int_equal(p->transforms.count, 2);
    assert_string_equal(p->transforms.items[0].name, "a");
    assert_string_equal(p->transforms.items[0].predicate.plugin, "has-field");
    assert_string_equal(config_text(&p->transforms.items[0].predicate, "field"), "h");
    assert_int_equal(p->transforms.items[0].negate, 1);
    assert_int_equal(p->errors.tolerate_all, 1);
    assert_int_equal(p->errors.retry_timeout_ms, -1);
    assert_int_equal(p->branches[0].errors.log, 0);
    done(&r);
}

static void sink_connector(void **state) {
    result_t r;
    sl_pipeline_t *p;
    (void)state;
    translate(
        "{\"connector.class\":\"com.example.WriterConnector\",\"topics\":\"t1,t2\",\"url\":\"u\","
        "\"consumer.override.max.poll.records\":10,\"mapping\":\"{\\\"a\\\":1}\","
        "\"key.converter\":\"com.example.StringConverter\"}",
        NULL, &r);
    p = r.pipeline;
    assert_non_null(p);
    assert_string_equal(p->name, "by-file");
    assert_string_equal(p->source.plugin, "@topics");
    assert_string_equal(config_text(&p->source, "topics"), "t1,t2");
    assert_string_equal(config_text(&p->source, "consumer.override.max.poll.records"), "10");
    assert_string_equal(p->source_converters.key.plugin, "com.example.StringConverter");
    assert_null(p->source_converters.value.plugin);
    assert_string_equal(p->source_converters.header.plugin, "@headers"); /* nobody named one */
    assert_string_equal(config_text(&p->branches[0].sink, "url"), "u");
    assert_int_equal(p->branches[0].errors.retry_timeout_ms, 0);
    done(&r);
}

static void faults_in_connects_words(void **state) {
    result_t r;
    (void)state;
    translate(
        "{\"name\":\"c\",\"config\":{\"connector.class\":\"com.example.WriterConnector\",\"mode\":\"upsrt\",\"ulr\":\"x\","
        "\"tasks.max\":\"x\",\"errors.tolerance\":\"some\",\"key.converter\":\"com.example.Nope\","
        "\"value.converter\":\"com.example.JsonConverter\",\"value.converter.schemas.enable\":\"maybe\","
        "\"transforms\":\"a,b,a,c\",\"transforms.a.type\":\"com.example.Nope\",\"transforms.c.type\":\"mask\","
        "\"transforms.c.big\":\"z\",\"errors.deadletterqueue.topic.name\":\"d\"}}",
        NULL, &r);
    assert_null(r.pipeline);
    expect(&r.report, "/config/topics", "Must configure one of topics or topics.regex");
    expect(&r.report, "/config/topics.regex", "Must configure one of topics or topics.regex");
    expect(&r.report, "/config/tasks.max",
           "Invalid value x for configuration tasks.max: Not a number of type INT");
    expect(&r.report, "/config/tasks.max",
           "Invalid value null for configuration tasks.max: Value must be non-null");
    expect(
        &r.report, "/config/errors.tolerance",
        "Invalid value some for configuration errors.tolerance: String must be one of: none, all");
    expect(
        &r.report, "/config/key.converter",
        "Invalid value com.example.Nope for configuration key.converter: Class com.example.Nope "
        "could not be found.");
    expect(
        &r.report, "/config/value.converter.schemas.enable",
        "Invalid value maybe for configuration value.converter.schemas.enable: Expected value to "
        "be either true or false");
    expect(&r.report, "/config/transforms",
           "Invalid value [a, b, a, c] for configuration transforms: Duplicate alias provided.");
    expect(
        &r.report, "/config/transforms.a.type",
        "Invalid value com.example.Nope for configuration transforms.a.type: Class "
        "com.example.Nope could not be found.");
    expect(&r.report, "/config/transforms.b.type",
           "Missing required configuration \"transforms.b.type\" which has no default value.");
    expect(&r.report, "/config/transforms.c.field",
           "Missing required configuration \"transforms.c.field\" which has no default value.");
    expect(&r.report, "/config/transforms.c.big",
           "Invalid value z for configuration transforms.c.big: Not a number of type LONG");
    expect(&r.report, "/config/url",
           "Missing required configuration \"url\" which has no default value.");
    expect(
        &r.report, "/config/mode",
        "Invalid value upsrt for configuration mode: String must be one of (case insensitive): "
        "UPSERT, INSERT");
    expect(&r.report, "/config/ulr", "\"ulr\" is not a known option; it is ignored");
    done(&r);
}

static void unknown_class(void **state) {
    result_t r;
    (void)state;
    translate("{\"connector.class\":\"com.example.Reader\"}", NULL, &r);
    assert_null(r.native);
    assert_int_equal(r.report.errors, 1);
    expect(
        &r.report, "/connector.class",
        "Failed to find any class that implements Connector and which name matches "
        "com.example.Reader");
    done(&r);
    translate("{\"name\":\"x\",\"config\":{}}", NULL, &r);
    expect(&r.report, "/config/connector.class",
           "Connector config contains no connector type: \"connector.class\" is missing");
    done(&r);
}

static void the_workers_header_converter(void **state) {
    result_t r;

    (void)state;
    translate(
        "{\"connector.class\":\"com.example.WriterConnector\",\"topics\":\"t\",\"url\":\"u\"}",
        "{\"header.converter\":\"com.example.JsonConverter\","
        "\"header.converter.schemas.enable\":\"false\"}",
        &r);
    assert_non_null(r.pipeline);
    assert_string_equal(r.pipeline->source_converters.header.plugin, "com.example.JsonConverter");
    assert_string_equal(config_text(&r.pipeline->source_converters.header, "schemas.enable"),
                        "false");
    done(&r);
}

static void the_frameworks_options(void **state) {
    sl_options_t *source, *sink;
    (void)state;
    assert_int_equal(sl_connect_options(0, &source), SLUICE_OK);
    assert_int_equal(sl_connect_options(1, &sink), SLUICE_OK);
    assert_non_null(sl_options_find(source, "transaction.boundary", NULL));
    assert_null(sl_options_find(source, "topics", NULL));
    assert_non_null(sl_options_find(sink, "topics", NULL));
    assert_true(sl_connect_is_framework_key(1, "transforms.a.type"));
    assert_false(sl_connect_is_framework_key(0, "topics"));
    sl_options_unref(source);
    sl_options_unref(sink);
}

static int teardown(void **state) {
    (void)state;
    fake_catalog_fini();
    return 0;
}

static const char making[] =
    "{\"name\":\"c\",\"connector.class\":\"com.example.ReaderConnector\",\"path\":\"x\",\"value.converter\":\"json\"%s}";

static void expect_making(const char *settings, const char *worker, const char *key,
                          const char *message) {
    char text[600], pointer[200];
    result_t r;

    snprintf(text, sizeof text, making, settings);
    translate(text, worker, &r);
    snprintf(pointer, sizeof pointer, "/%s", key);
    expect(&r.report, pointer, message);
    done(&r);
}

static void test_topic_creation(void **state) {
    static const char full[] = ",\"topic.creation.default.partitions\":\"3\","
                               "\"topic.creation.default.replication.factor\":\"-1\","
                               "\"topic.creation.groups\":\"default, g\","
                               "\"topic.creation.g.include\":\"a.*\"";
    const cJSON *config;
    char text[600];
    result_t r;

    (void)state;
    expect_making(
        ",\"topic.creation.default.partitions\":\"1\"", NULL,
        "topic.creation.default.replication.factor",
        "Missing required configuration \"topic.creation.default.replication.factor\" which "
        "has no default value.");
    expect_making(",\"topic.creation.default.partitions\":\"0\","
                  "\"topic.creation.default.replication.factor\":\"1\"", NULL,
                  "topic.creation.default.partitions",
                  "Invalid value 0 for configuration topic.creation.default.partitions: Number of "
                  "partitions must be positive, or -1 to use the broker's default");
    expect_making(",\"topic.creation.groups\":\"g\",\"topic.creation.g.replication.factor\":\"x\"",
                  NULL, "topic.creation.g.replication.factor",
                  "Invalid value x for configuration topic.creation.g.replication.factor: Not a "
                  "number of type SHORT");
    snprintf(text, sizeof text, making, full);
    translate(text, NULL, &r);
    assert_int_equal(r.report.errors, 0);
    config = r.pipeline->branches[0].sink.config;
    assert_non_null(cJSON_GetObjectItemCaseSensitive(config, "topic.creation.g.include"));
    done(&r);
    translate(text, "{\"topic.creation.enable\":\"false\"}", &r);
    config = r.pipeline->branches[0].sink.config;
    assert_null(cJSON_GetObjectItemCaseSensitive(config, "topic.creation.g.include"));
    done(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topic_creation),
        cmocka_unit_test(source_connector),         cmocka_unit_test(sink_connector),
        cmocka_unit_test(faults_in_connects_words), cmocka_unit_test(unknown_class),
        cmocka_unit_test(the_frameworks_options),
        cmocka_unit_test(the_workers_header_converter),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
