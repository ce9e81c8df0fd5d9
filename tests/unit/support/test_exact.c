/* support/exact: parse, multiply, divide half up, print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/exact.h"

static void check_quotient(const char *a, const char *times, const char *b, int scale,
                           const char *expected) {
    exact_t x, y, z, result;
    char text[64];

    assert_int_equal(exact_parse(sluice_str(a), &x), 0);
    assert_int_equal(exact_parse(sluice_str(times), &y), 0);
    assert_int_equal(exact_parse(sluice_str(b), &z), 0);
    assert_int_equal(exact_multiply(x, y, &x), 0);
    assert_int_equal(exact_divide(x, z, scale, &result), 0);
    exact_text(result, text);
    assert_string_equal(text, expected);
}

static void test_engagement(void **state) {
    (void)state;
    check_quotient("60000", "0.1", "180", 2, "33.33");
    check_quotient("2010", "0.1", "200", 2, "1.01"); /* 1.005, which doubles round down */
    check_quotient("60000", "0.001", "180", 2, "0.33"); /* as a fraction of 1 */
    check_quotient("2010", "0.001", "200", 4, "0.0101"); /* 0.01005 */
    check_quotient("60000", "1", "1000", 3, "60.000");
    check_quotient("1", "1", "3", 0, "0");
    check_quotient("2", "1", "3", 0, "1");
}

static void test_half_up_is_away_from_zero(void **state) {
    (void)state;
    check_quotient("5", "1", "10", 0, "1");
    check_quotient("-5", "1", "10", 0, "-1");
    check_quotient("-4", "1", "10", 0, "0");
    check_quotient("25", "1", "-10", 0, "-3");
    check_quotient("0.125", "1", "1", 2, "0.13");
}

static void test_forms_of_numbers(void **state) {
    (void)state;
    check_quotient("1E+3", "1", "1", 0, "1000");
    check_quotient("1.5e-3", "1", "1", 4, "0.0015");
    check_quotient("+.5", "1", "1", 1, "0.5");
    check_quotient("-0.05", "1", "1", 2, "-0.05");
    check_quotient("7", "1", "0.5", 2, "14.00");
}

static void test_what_is_no_number(void **state) {
    static const char *const bad[] = { "", "-", ".", "abc", "1x", "1.2.3", "NaN" };
    exact_t n;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(exact_parse(sluice_str(bad[i]), &n), -1);
}

static void test_limits(void **state) {
    exact_t a, b, out;

    (void)state;
    assert_int_equal(exact_parse(sluice_str("99999999999999999999999999999999999999"), &a), 0);
    assert_int_equal(exact_multiply(a, a, &out), -1);
    assert_int_equal(exact_parse(sluice_str("999999999999999999999999999999999999999999"), &b), -1);
    assert_int_equal(exact_parse(sluice_str("0"), &b), 0);
    assert_int_equal(exact_divide(a, b, 2, &out), -1);
    /* the scaled dividend has more than 38 digits */
    assert_int_equal(exact_divide(a, a, 2, &out), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engagement),        cmocka_unit_test(test_half_up_is_away_from_zero),
        cmocka_unit_test(test_forms_of_numbers),  cmocka_unit_test(test_what_is_no_number),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
