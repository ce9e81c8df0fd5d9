/* Java's number conversions, and field paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/connect/names.h"
#include "support/connect/number.h"
#include "support/connect/path.h"

static int64_t int_of(double f, uint8_t kind) {
    const sluice_value_t v = sluice_float(SLUICE_FLOAT64, f);

    return connect_to_int(&v, kind);
}

static void test_floats_to_integers(void **state) {
    (void)state;
    assert_int_equal(int_of(1e20, SLUICE_INT64), INT64_MAX);
    assert_int_equal(int_of(-1e20, SLUICE_INT32), INT32_MIN);
    assert_int_equal(int_of(3e9, SLUICE_INT8), -1); /* stops at int32, then is cut */
    assert_int_equal(int_of(-64.75, SLUICE_INT8), -64);
    assert_int_equal(int_of(0.0 / 0.0, SLUICE_INT64), 0);
}

static void test_decimals_to_integers(void **state) {
    (void)state;
    assert_int_equal(connect_decimal_int(sluice_str("-12.99")), -12);
    assert_int_equal(connect_decimal_int(sluice_str("1.5E+3")), 1500);
    assert_int_equal(connect_decimal_int(sluice_str("1e3")), 1000);
    assert_int_equal(connect_decimal_int(sluice_str_n("1e30", 3)), 1000); /* no further */
    assert_int_equal(connect_decimal_int(sluice_str("1e+2")), 100);
    assert_int_equal(connect_decimal_int(sluice_str("0.001")), 0);
    assert_int_equal(connect_decimal_int(sluice_str("18446744073709551617")), 1);
    assert_int_equal(connect_decimal_int(sluice_str("1E+500")), 0);
}

static void check_int(const char *text, uint8_t kind, int64_t expected, const char *why_not) {
    connect_why_t why = {""};
    int64_t n = 0;

    connect_parse_int(sluice_str(text), kind, &n, &why);
    assert_string_equal(why.text, why_not);
    if (*why_not == '\0')
        assert_int_equal(n, expected);
}

static void test_reading_integers(void **state) {
    (void)state;
    check_int("-128", SLUICE_INT8, -128, "");
    check_int("+7", SLUICE_INT64, 7, "");
    check_int("-9223372036854775808", SLUICE_INT64, INT64_MIN, "");
    check_int("300", SLUICE_INT8, 0, "Value out of range. Value:\"300\" Radix:10");
    check_int("3000000000", SLUICE_INT8, 0, "For input string: \"3000000000\"");
    check_int(" 5", SLUICE_INT32, 0, "For input string: \" 5\"");
    check_int("", SLUICE_INT32, 0, "For input string: \"\"");
}

static void check_float(const char *text, double expected, const char *why_not) {
    connect_why_t why = {""};
    double f = 0;

    connect_parse_float(sluice_str(text), SLUICE_FLOAT64, &f, &why);
    assert_string_equal(why.text, why_not);
    if (*why_not == '\0')
        assert_true(f == expected);
}

static void test_reading_floats(void **state) {
    (void)state;
    check_float(" 1.5 ", 1.5, "");
    check_float("1.", 1, "");
    check_float(".5e1d", 5, "");
    check_float("0x1p3", 8, "");
    check_float("1.2.3", 0, "multiple points");
    check_float("nan", 0, "For input string: \"nan\"");
    check_float(" ", 0, "empty String");
    check_float("1e", 0, "For input string: \"1e\"");
}

static void check_path(const char *text, size_t count, const char *first, const char *last) {
    connect_path_t path;
    size_t tick;

    assert_int_equal(connect_path_init(&path, text, 1, &tick), SLUICE_OK);
    assert_int_equal(path.count, count);
    assert_true(sluice_str_eq(path.steps[0], sluice_str(first)));
    assert_true(sluice_str_eq(path.steps[count - 1], sluice_str(last)));
    connect_path_fini(&path);
}

static void test_paths(void **state) {
    connect_path_t path;
    size_t tick = 99;

    (void)state;
    check_path("a.b.c", 3, "a", "c");
    check_path("`a.b`.c", 2, "a.b", "c");
    check_path("a`b", 1, "a`b", "a`b");
    check_path("`a\\`.b`", 1, "a`.b", "a`.b");
    check_path("a.", 2, "a", "");
    assert_int_equal(connect_path_init(&path, "x.`a.b", 1, &tick), SLUICE_INVALID);
    assert_int_equal(tick, 2);
}

static void test_splitting(void **state) {
    sluice_str_t parts[2];

    (void)state;
    assert_int_equal(connect_split(sluice_str("a:b"), parts), 2);
    assert_int_equal(connect_split(sluice_str("a:b::"), parts), 2);
    assert_int_equal(connect_split(sluice_str("a:"), parts), 1);
    assert_int_equal(connect_split(sluice_str(":b"), parts), 2);
    assert_int_equal(connect_split(sluice_str("a:b:c"), parts), 3);
    assert_int_equal(connect_split(sluice_str(":"), parts), 0);
    assert_int_equal(connect_split(sluice_str(""), parts), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_to_integers),
        cmocka_unit_test(test_decimals_to_integers),
        cmocka_unit_test(test_reading_integers),
        cmocka_unit_test(test_reading_floats),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_splitting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
