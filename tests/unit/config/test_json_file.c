/* The reader of hand-written JSON: places of faults, duplicates, exact numbers; reports and
 * pointers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/json_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_fault(const char *text, const char *pointer, const char *message) {
    sl_report_t report;
    cJSON *json;

    sl_report_init(&report);
    assert_int_equal(sl_json_read(text, strlen(text), &report, &json), SLUICE_INVALID);
    assert_null(json);
    assert_string_equal(report.faults[0].message, message);
    assert_string_equal(report.faults[0].pointer, pointer);
    sl_report_fini(&report);
}

static void faults(void **state) {
    (void)state;
    expect_fault("", "", "line 1, column 1: the text ends where a JSON value is expected");
    expect_fault("{\n \"a\": [1,\n  2,]}", "/a/2",
                 "line 3, column 5: ']' stands where a JSON value is expected");
    expect_fault("{\"a\" 1}", "/a", "line 1, column 6: '1' stands where ':' is expected");
    expect_fault("{a:1}", "", "line 1, column 2: 'a' stands where a quoted name is expected");
    expect_fault("[1 2]", "", "line 1, column 4: '2' stands where ',' or ']' is expected");
    expect_fault("\"ä\\x\"", "", "line 1, column 3: unknown escape in a string");
    expect_fault("\"abc", "", "line 1, column 1: this string has no closing quote");
    expect_fault(
        "\"a\nb\"", "",
        "line 1, column 3: control character in a string; write it as \\n, \\t or \\u00XX");
    expect_fault("\"\xff\"", "", "line 1, column 2: the text is not UTF-8");
    expect_fault("\"\\ud800x\"", "", "line 1, column 2: half of a surrogate pair");
    expect_fault("\"\\u0000\"", "", "line 1, column 2: a NUL character is not allowed");
    expect_fault("01", "", "line 1, column 1: a number does not begin with 0");
    expect_fault("-", "", "line 1, column 1: a number needs digits");
    expect_fault("1.", "", "line 1, column 3: the text ends where a digit is expected");
    expect_fault("1e+", "", "line 1, column 4: the text ends where a digit is expected");
    expect_fault("true false", "", "line 1, column 6: 'f' stands where the end is expected");
    expect_fault("{\"a/b\":{\"c\":1,\"c\":2}}", "/a~1b/c", "\"c\" is given twice");
}

static void numbers_stay_exact(void **state) {
    const char *text =
        "\xef\xbb\xbf{\"a\":9007199254740993,\"b\":123456789012345,\"c\":1.10,\"d\":-0,\"e\":1e400,\"f\":0.1,"
        "\"g\":\"\\ud83d\\ude00\\u00e4\",\"h\":[true,false,null,{}]}";
    sl_report_t report;
    cJSON *json, *copy;
    char *printed, buffer[64];
    (void)state;
    sl_report_init(&report);
    assert_int_equal(sl_json_read(text, strlen(text), &report, &json), SLUICE_OK);
    copy = cJSON_Duplicate(json, 1);
    printed = cJSON_PrintUnformatted(copy);
    assert_string_equal(
        printed,
        "{\"a\":9007199254740993,\"b\":123456789012345,\"c\":1.1,\"d\":-0,\"e\":1e400,\"f\":0.1,"
        "\"g\":\"😀ä\",\"h\":[true,false,null,{}]}");
    assert_string_equal(sl_json_scalar(cJSON_GetObjectItem(copy, "a"), buffer, sizeof buffer),
                        "9007199254740993");
    assert_string_equal(sl_json_scalar(cJSON_GetObjectItem(copy, "c"), buffer, sizeof buffer),
                        "1.10");
    assert_string_equal(sl_json_scalar(cJSON_GetObjectItem(copy, "d"), buffer, sizeof buffer),
                        "-0");
    assert_null(sl_json_scalar(cJSON_GetObjectItem(copy, "h"), buffer, sizeof buffer));
    assert_true(sl_json_is_number(cJSON_GetObjectItem(copy, "a")));
    cJSON_free(printed);
    cJSON_Delete(copy);
    cJSON_Delete(json);
    sl_report_fini(&report);
}

static void depth_is_limited(void **state) {
    char text[300];
    sl_report_t report;
    cJSON *json;
    (void)state;
    memset(text, '[', sizeof text);
    sl_report_init(&report);
    assert_int_equal(sl_json_read(text, sizeof text, &report, &json), SLUICE_INVALID);
    assert_non_null(strstr(report.faults[0].message, "nested too deeply"));
    sl_report_fini(&report);
}

static void missing_files(void **state) {
    sl_report_t report;
    cJSON *json;
    (void)state;
    sl_report_init(&report);
    assert_int_equal(sl_json_read_file("/nonexistent/x.json", &report, &json), SLUICE_INVALID);
    assert_string_equal(report.faults[0].message,
                        "cannot read /nonexistent/x.json: No such file or directory");
    assert_int_equal(sl_json_read_file("/tmp", &report, &json), SLUICE_INVALID);
    assert_string_equal(report.faults[1].message, "cannot read /tmp: Is a directory");
    sl_report_fini(&report);
}

static void reports_cross_a_process(void **state) {
    sl_report_t report, again;
    cJSON *json;
    char *one, *two;
    (void)state;
    sl_report_init(&report);
    sl_report_init(&again);
    sl_report_error(&report, "/a", "k", "do this", "wrong %d", 1);
    sl_report_warn(&report, "/b", NULL, NULL, "odd");
    json = sl_report_json(&report);
    assert_int_equal(sl_report_add_json(&again, json), SLUICE_OK);
    one = sl_report_text(&report, "f");
    two = sl_report_text(&again, "f");
    assert_string_equal(one, two);
    assert_string_equal(one, "f: error at /a: wrong 1 (do this)\nf: warning at /b: odd\n");
    assert_int_equal(again.errors, 1);
    free(one);
    free(two);
    cJSON_Delete(json);
    sl_report_fini(&report);
    sl_report_fini(&again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults),
        cmocka_unit_test(numbers_stay_exact),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(reports_cross_a_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
