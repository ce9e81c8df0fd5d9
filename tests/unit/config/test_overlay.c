/* Changes from outside: --set, merge patches, references to the environment and to files,
 * properties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/interpolate.h"
#include "config/json_file.h"
#include "config/overlay.h"
#include "config/properties.h"
#include "config/worker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static cJSON *read_json(const char *text) {
    sl_report_t report;
    cJSON *json;

    sl_report_init(&report);
    assert_int_equal(sl_json_read(text, strlen(text), &report, &json), SLUICE_OK);
    return json;
}

static void expect_json(cJSON *json, const char *text) {
    char *printed = cJSON_PrintUnformatted(json);

    assert_string_equal(printed, text);
    cJSON_free(printed);
}

static void expect_set(const char *document, const char *assignment, const char *result) {
    cJSON *json = read_json(document);
    sl_report_t report;

    sl_report_init(&report);
    assert_int_equal(sl_overlay_set(json, assignment, &report),
                     result != NULL ? SLUICE_OK : SLUICE_INVALID);
    expect_json(json, result != NULL ? result : document);
    assert_int_equal(report.errors, result != NULL ? 0 : 1);
    sl_report_fini(&report);
    cJSON_Delete(json);
}

static void setting(void **state) {
    (void)state;
    expect_set("{\"a\":{\"b\":[{\"c\":1}]}}", "a.b[0].c=x=y", "{\"a\":{\"b\":[{\"c\":\"x=y\"}]}}");
    expect_set("{\"a\":{\"b\":[{\"c\":1}]}}", "/a/b/0/c=9007199254740993",
               "{\"a\":{\"b\":[{\"c\":9007199254740993}]}}");
    expect_set("{\"a\":[1]}", "a[1]=true", "{\"a\":[1,true]}");
    expect_set("{\"a\":[1]}", "a[3]=true", NULL);
    expect_set("{\"a\":[1]}", "a[=true", NULL);
    expect_set("{\"a\":1}", "a.b=2", NULL);
    expect_set("{\"a\":1}", "noequals", NULL);
    expect_set("{\"a\":1}", "=1", NULL);
    expect_set("{}", "commit.interval=2s", "{\"commit.interval\":\"2s\"}");
    expect_set("{}", "source.config.batch.size=5", "{\"source\":{\"config\":{\"batch.size\":5}}}");
    expect_set("{}", "sinks[0].errors.retry.timeout=-1",
               "{\"sinks\":[{\"errors\":{\"retry.timeout\":-1}}]}");
    expect_set("{\"connector.class\":\"c\"}", "errors.tolerance=all",
               "{\"connector.class\":\"c\",\"errors.tolerance\":\"all\"}");
    expect_set("{\"config\":{\"m\":{\"x\":1}}}", "config.m.x={\"y\":null}",
               "{\"config\":{\"m\":{\"x\":{\"y\":null}}}}");
    expect_set("{}", "/config/a~1b=\"5\"", "{\"config\":{\"a/b\":\"5\"}}");
    expect_set("{\"a\":1}", "a=", "{\"a\":\"\"}");
}

static void merge_patch(void **state) {
    cJSON *target = read_json("{\"a\":\"b\",\"c\":{\"d\":\"e\",\"f\":\"g\"},\"k\":[1]}"),
          *patch = read_json(
              "{\"a\":\"z\",\"c\":{\"f\":null},\"n\":{\"x\":null,\"y\":1},\"k\":[2,null]}");
    (void)state;
    assert_int_equal(sl_overlay_merge(&target, patch), SLUICE_OK);
    expect_json(target, "{\"a\":\"z\",\"c\":{\"d\":\"e\"},\"n\":{\"y\":1},\"k\":[2,null]}");
    assert_string_equal(cJSON_GetStringValue(sl_json_at(target, "/c/d")), "e");
    assert_null(sl_json_at(target, "/c/x"));
    assert_null(sl_json_at(target, "c"));
    assert_ptr_equal(sl_json_at(target, ""), target);
    cJSON_Delete(target);
    cJSON_Delete(patch);
}

static void put_file(const char *name, const char *text) {
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void references(void **state) {
    char document[1024];
    cJSON *json;
    sl_report_t report;
    sl_refs_t refs;
    (void)state;
    sl_report_init(&report);
    sl_refs_init(&refs);
    put_file("pw", "top\nsecret\r\n");
    put_file("s.properties",
             "# c\n user = me\\\n   too \npw:\\u00e4\\=b\npw = \\ud83d\\ude00 \\t!\n");
    setenv("SL_TEST_HOST", "h${env:SL_TEST_HOST}", 1);
    unsetenv("SL_TEST_NONE");
    snprintf(
        document, sizeof document,
        "{\"host\":\"x${env:SL_TEST_HOST}:${env:SL_TEST_NONE:80}\",\"pw\":[\"${file:%s/pw}\"],"
        "\"user\":\"${file:%s/s.properties:user}\",\"p\":\"${file:%s/s.properties:pw}\",\"d\":\"${directory:%s:pw}\","
        "\"other\":\"$1 ${topic} ${vault:x} ${\",\"empty\":\"${env:SL_TEST_NONE:}\"}",
        folder, folder, folder, folder);
    json = read_json(document);
    assert_int_equal(sl_interpolate(json, "", &report, &refs), SLUICE_OK);
    assert_int_equal(report.count, 0);
    expect_json(
        json,
        "{\"host\":\"xh${env:SL_TEST_HOST}:80\",\"pw\":[\"top\\nsecret\"],\"user\":\"metoo "
        "\",\"p\":\"😀 \\t!\","
        "\"d\":\"top\\nsecret\\r\\n\",\"other\":\"$1 ${topic} ${vault:x} ${\",\"empty\":\"\"}");
    assert_int_equal(refs.count, 6);
    sl_report_error(&report, "/host", "host", NULL, "\"%s\" is wrong, %s!",
                    "xh${env:SL_TEST_HOST}:80", "xh${env:SL_TEST_HOST}:80");
    sl_report_error(&report, "/user", "user", NULL, "m metoo me%s", "metoo ");
    sl_report_error(&report, "/other", "other", NULL, "metoo ");
    sl_report_error(&report, "/empty", "empty", NULL, "\"\" is wrong");
    sl_refs_show(&refs, &report);
    assert_string_equal(report.faults[0].message,
                        "\"x${env:SL_TEST_HOST}:${env:SL_TEST_NONE:80}\" is wrong, "
                        "x${env:SL_TEST_HOST}:${env:SL_TEST_NONE:80}!");
    assert_string_equal(report.faults[2].message, "metoo ");
    assert_string_equal(report.faults[3].message, "\"\" is wrong");
    assert_null(strstr(report.faults[1].message, "metoo"));
    cJSON_Delete(json);
    sl_refs_fini(&refs);
    sl_report_fini(&report);
}

static void unresolved(void **state) {
    cJSON *json =
        read_json("{\"a\":\"${env:SL_TEST_NONE}\",\"b\":[{\"c\":\"${file:/nonexistent/x:k}\"}],"
                  "\"d\":\"${directory:/tmp}\",\"e\":\"${directory:/tmp:../etc/passwd}\"}");
    sl_report_t report;
    (void)state;
    sl_report_init(&report);
    unsetenv("SL_TEST_NONE");
    assert_int_equal(sl_interpolate(json, "/base", &report, NULL), SLUICE_OK);
    assert_int_equal(report.errors, 4);
    assert_string_equal(report.faults[0].pointer, "/base/a");
    assert_string_equal(report.faults[0].message, "environment variable SL_TEST_NONE is not set");
    assert_string_equal(report.faults[1].pointer, "/base/b/0/c");
    assert_string_equal(report.faults[1].message,
                        "cannot read /nonexistent/x: No such file or directory");
    assert_string_equal(report.faults[3].pointer, "/base/e");
    cJSON_Delete(json);
    sl_report_fini(&report);
}

static void properties(void **state) {
    cJSON *json = sl_properties_read("a=1\r\nb : 2\nc 3\n!x=1\nd\n e\\ f = g\\\\\ni=\\u00zz\nj=\\");
    (void)state;
    expect_json(
        json,
        "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":\"\",\"e "
        "f\":\"g\\\\\",\"i\":\"00zz\",\"j\":\"\"}");
    cJSON_Delete(json);
}

static void worker_files(void **state) {
    char path[128];
    sl_report_t report;
    cJSON *json;
    (void)state;
    sl_report_init(&report);
    snprintf(path, sizeof path, "%s/pw", folder);
    put_file("pw", "bootstrap.servers=a:1,b:2\nkey.converter = x\n");
    assert_int_equal(sl_worker_read(path, &report, &json), SLUICE_OK);
    expect_json(json, "{\"bootstrap.servers\":\"a:1,b:2\",\"key.converter\":\"x\"}");
    cJSON_Delete(json);
    put_file("pw", " {\"a\":5,\"b\":true,\"c\":\"${env:SL_TEST_NONE:d}\"}");
    assert_int_equal(sl_worker_read(path, &report, &json), SLUICE_OK);
    expect_json(json, "{\"a\":\"5\",\"b\":\"true\",\"c\":\"d\"}");
    cJSON_Delete(json);
    put_file("pw", "{\"a\":[]}");
    assert_int_equal(sl_worker_read(path, &report, &json), SLUICE_INVALID);
    assert_int_equal(report.errors, 1);
    sl_report_fini(&report);
}

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sl-overlay-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state) {
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/pw", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/s.properties", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting),    cmocka_unit_test(merge_patch), cmocka_unit_test(references),
        cmocka_unit_test(unresolved), cmocka_unit_test(properties),  cmocka_unit_test(worker_files),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
