/* Native descriptors: all faults with their pointers, defaults and names, the canonical form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/json_file.h"
#include "config/pipeline.h"
#include "fake_catalog.h"
#include <stdio.h>
#include <stdlib.h>

static int read_text(const char *text, sl_report_t *report, sl_pipeline_t **out) {
    cJSON *json;
    int status;

    sl_report_init(report);
    assert_int_equal(sl_json_read(text, strlen(text), report, &json), SLUICE_OK);
    status = sl_pipeline_read(json, &fake_catalog, "by-file", report, out);
    cJSON_Delete(json);
    return status;
}

static void expect(const sl_report_t *report, const char *pointer, const char *part,
                   const char *hint) {
    size_t i;

    for (i = 0; i < report->count; i++)
        if (strcmp(report->faults[i].pointer, pointer) == 0 &&
            strstr(report->faults[i].message, part) != NULL &&
            (hint == NULL ||
             (report->faults[i].hint != NULL && strstr(report->faults[i].hint, hint) != NULL)))
            return;
    print_error("no fault at %s with \"%s\"; there are:\n%s\n", pointer, part,
                sl_report_text(report, NULL));
    fail();
}

static const char full[] =
    "{\"name\":\"p\",\"source\":{\"plugin\":\"reader\",\"config\":{\"path\":\"/x\",\"rate\":9007199254740993},"
    "\"converters\":{\"key\":\"string\",\"value\":{\"plugin\":\"json\",\"config\":{\"schemas.enable\":false}}}},"
    "\"transforms\":[{\"plugin\":\"mask\",\"config\":{\"field\":1.10}},{\"plugin\":\"mask\",\"config\":{\"field\":\"b\"},"
    "\"predicate\":{\"plugin\":\"has-field\",\"config\":{\"field\":\"c\"},\"negate\":true}},"
    "{\"name\":\"mask-2\",\"plugin\":\"mask\",\"config\":{\"field\":\"d\"}}],"
    "\"sinks\":[{\"plugin\":\"writer\",\"config\":{\"url\":\"u\",\"mapping\":{\"a\":[9007199254740993]}}},"
    "{\"plugin\":\"writer\",\"config\":{\"url\":\"u2\"},\"errors\":{\"tolerance\":\"all\",\"retry.timeout\":\"2m\","
    "\"dead.letters.file\":\"dl\"},\"queue.bytes\":\"1m\",\"spill\":{\"max.bytes\":\"1g\",\"when.full\":\"fail\"}}],"
    "\"commit.interval\":\"500ms\",\"tasks.max\":2}";

static void everything(void **state) {
    sl_report_t report;
    sl_pipeline_t *p;
    (void)state;
    assert_int_equal(read_text(full, &report, &p), SLUICE_OK);
    assert_string_equal(p->name, "p");
    assert_string_equal(p->source.plugin, "reader");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(p->source.config, "rate")),
                        "9007199254740993");
    assert_string_equal(p->source_converters.key.plugin, "string");
    assert_null(p->source_converters.header.plugin);
    assert_string_equal(p->transforms.items[0].name, "mask");
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(p->transforms.items[0].use.config, "field")),
        "1.10");
    assert_string_equal(p->transforms.items[1].name, "mask-3");
    assert_int_equal(p->transforms.items[1].negate, 1);
    assert_string_equal(p->transforms.items[1].predicate.pointer, "/transforms/1/predicate");
    assert_string_equal(p->branches[1].name, "writer-2");
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(p->branches[0].sink.config, "mapping")),
        "{\"a\":[9007199254740993]}");
    assert_int_equal(p->branches[0].errors.retry_timeout_ms, -1);
    assert_int_equal(p->branches[0].queue_bytes, 4 << 20);
    assert_int_equal(p->branches[1].errors.tolerate_all, 1);
    assert_int_equal(p->branches[1].errors.retry_timeout_ms, 120000);
    assert_string_equal(p->branches[1].errors.dead_letters_file, "dl");
    assert_true(p->branches[1].spill_max_bytes == 1 << 30 && p->branches[1].spill_fail);
    assert_int_equal(p->commit_interval_ms, 500);
    assert_int_equal(p->memory_limit, 256 << 20);
    assert_int_equal(p->tasks_max, 2);
    sl_pipeline_destroy(p);
    sl_report_fini(&report);
}

static void count_use(void *user, const sl_plugin_use_t *use, const char *instance) {
    char *all = user;
    size_t len = strlen(all);

    snprintf(all + len, 1024 - len, "%s:%s ", sl_plugin_kind_name(use->kind), instance);
}

static void canonical_form(void **state) {
    sl_report_t report;
    sl_pipeline_t *p, *again;
    char *one, *two, all[1024] = "";
    cJSON *json, *parsed;
    (void)state;
    assert_int_equal(read_text(full, &report, &p), SLUICE_OK);
    json = sl_pipeline_to_json(p);
    one = cJSON_PrintUnformatted(json);
    parsed = cJSON_Parse(one); /* as it arrives in a task */
    assert_int_equal(sl_pipeline_read(parsed, NULL, NULL, &report, &again), SLUICE_OK);
    cJSON_Delete(json);
    json = sl_pipeline_to_json(again);
    two = cJSON_PrintUnformatted(json);
    assert_string_equal(one, two);
    sl_pipeline_each_plugin(again, count_use, all);
    assert_string_equal(
        all, "source:source converter:source/key.converter converter:source/value.converter "
             "transform:mask transform:mask-3 predicate:mask-3/predicate transform:mask-2 "
             "sink:sinks/writer sink:sinks/writer-2 ");
    cJSON_free(one);
    cJSON_free(two);
    cJSON_Delete(json);
    cJSON_Delete(parsed);
    sl_pipeline_destroy(p);
    sl_pipeline_destroy(again);
    sl_report_fini(&report);
}

static void all_faults(void **state) {
    sl_report_t report;
    sl_pipeline_t *p;
    (void)state;
    assert_int_equal(
        read_text(
            "{\"nmae\":\"p\",\"source\":{\"plugin\":\"raeder\",\"config\":[]},\"transforms\":{},"
            "\"sinks\":[{\"plugin\":\"writer\",\"config\":{\"ulr\":\"u\",\"mode\":\"upsrt\"},"
            "\"errors\":{\"tolerance\":\"some\"},\"queue\":1},{\"name\":\"a\",\"plugin\":\"broken\"},"
            "{\"name\":\"a\"},7,{\"plugin\":\"writer\",\"config\":{\"url\":\"\"},\"transforms\":"
            "[{\"plugin\":\"mask\"}],\"converters\":{\"valu\":\"json\",\"key\":\"jsno\"}}],"
            "\"commit.interval\":\"1 fortnight\",\"tasks.max\":0}",
            &report, &p),
        SLUICE_INVALID);
    assert_null(p);
    expect(&report, "/nmae", "not a known option", "did you mean \"name\"?");
    expect(&report, "/source/plugin", "there is no source plugin \"raeder\"",
           "did you mean \"reader\"?");
    expect(&report, "/source/config", "must be an object", NULL);
    expect(&report, "/transforms", "must be an array", NULL);
    expect(&report, "/sinks/0/config/ulr", "not a known option", "did you mean \"url\"?");
    expect(&report, "/sinks/0/config/url", "\"url\" is required", NULL);
    expect(&report, "/sinks/0/config/mode", "must be one of: insert, upsert",
           "did you mean \"upsert\"?");
    expect(&report, "/sinks/0/errors/tolerance", "must be one of", NULL);
    expect(&report, "/sinks/0/queue", "not a known option", NULL);
    expect(&report, "/sinks/1/plugin", "cannot be used: broken.so: wrong ABI", NULL);
    expect(&report, "/sinks/2/plugin", "\"plugin\" is required", NULL);
    expect(&report, "/sinks/2/name", "name of another one", NULL);
    expect(&report, "/sinks/3", "must be an object", NULL);
    expect(&report, "/sinks/4/transforms/0/config/field", "\"field\" is required", NULL);
    expect(&report, "/sinks/4/converters/valu", "not a known option", "did you mean \"value\"?");
    expect(&report, "/sinks/4/converters/key/plugin", "there is no converter plugin \"jsno\"",
           "did you mean \"json\"?");
    expect(&report, "/commit.interval", "unknown unit", NULL);
    expect(&report, "/tasks.max", "must be at least 1", NULL);
    sl_report_fini(&report);
}

static void missing_parts(void **state) {
    sl_report_t report;
    sl_pipeline_t *p;
    (void)state;
    assert_int_equal(read_text("{}", &report, &p), SLUICE_INVALID);
    expect(&report, "/source", "\"source\" is required", NULL);
    expect(&report, "/sinks", "\"sinks\" is required", NULL);
    sl_report_fini(&report);
    assert_int_equal(
        read_text("{\"source\":{\"plugin\":\"reader\",\"config\":{\"path\":\"x\"}},\"sinks\":[]}",
                  &report, &p),
        SLUICE_INVALID);
    expect(&report, "/sinks", "at least one", NULL);
    sl_report_fini(&report);
    assert_int_equal(read_text("[]", &report, &p), SLUICE_INVALID);
    sl_report_fini(&report);
    assert_int_equal(sl_pipeline_check_name("a\nb", "/name", &report), SLUICE_INVALID);
    assert_int_equal(sl_pipeline_check_name("", "/name", &report), SLUICE_INVALID);
    sl_report_fini(&report);
}

static int teardown(void **state) {
    (void)state;
    fake_catalog_fini();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(canonical_form),
        cmocka_unit_test(all_faults),
        cmocka_unit_test(missing_parts),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
