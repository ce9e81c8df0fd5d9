/* Numbers as text, against what Java printed. */
#include "record/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "java_numbers.h"
#include "sluice/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_int64(void **state) {
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-10, "-10"},
        {99, "99"},
        {100, "100"},
        {12345678, "12345678"},
        {99999999, "99999999"},
        {-100000000, "-100000000"},
        {100000001, "100000001"},
        {1483425001864, "1483425001864"},
        {9999999999999999, "9999999999999999"},
        {10000000000000000, "10000000000000000"},
        {-1000000000000000009, "-1000000000000000009"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    char out[SL_INT64_TEXT_MAX + 1];
    int64_t n;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        out[sl_int64_text(cases[i].n, out)] = '\0';
        assert_string_equal(out, cases[i].text);
        assert_int_equal(sl_text_int64(sluice_str(out), &n), SLUICE_OK);
        assert_true(n == cases[i].n);
    }
    assert_int_equal(sl_text_int64(sluice_str("9223372036854775808"), &n), SLUICE_UNSUPPORTED);
    assert_int_equal(sl_text_int64(sluice_str("-9223372036854775809"), &n), SLUICE_UNSUPPORTED);
    assert_int_equal(sl_text_int64(sluice_str("99999999999999999999999"), &n), SLUICE_UNSUPPORTED);
    assert_int_equal(sl_text_int64(sluice_str("0012"), &n), SLUICE_OK);
    assert_int_equal(n, 12);
    assert_int_equal(sl_text_int64(sluice_str(""), &n), SLUICE_INVALID);
    assert_int_equal(sl_text_int64(sluice_str("-"), &n), SLUICE_INVALID);
    assert_int_equal(sl_text_int64(sluice_str("+1"), &n), SLUICE_INVALID);
    assert_int_equal(sl_text_int64(sluice_str("1 "), &n), SLUICE_INVALID);
}

static void test_doubles(void **state) {
    char out[SL_DOUBLE_TEXT_MAX + 1];
    double f;
    double back;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(doubles); i++) {
        memcpy(&f, &doubles[i].bits, sizeof(f));
        out[sl_double_text(f, out)] = '\0';
        assert_string_equal(out, doubles[i].text);
        assert_int_equal(sl_text_double(sluice_str(out), &back), SLUICE_OK);
        assert_memory_equal(&f, &back, sizeof(f));
    }
}

static void test_floats(void **state) {
    char out[SL_DOUBLE_TEXT_MAX + 1];
    float f;
    float back;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(floats); i++) {
        memcpy(&f, &floats[i].bits, sizeof(f));
        out[sl_float_text(f, out)] = '\0';
        assert_string_equal(out, floats[i].text);
        assert_int_equal(sl_text_float(sluice_str(out), &back), SLUICE_OK);
        assert_memory_equal(&f, &back, sizeof(f));
    }
}

static void check_text(double f, const char *text) {
    char out[SL_DOUBLE_TEXT_MAX + 1];

    out[sl_double_text(f, out)] = '\0';
    assert_string_equal(out, text);
    out[sl_float_text((float)f, out)] = '\0';
    assert_string_equal(out, text);
}

static void test_special(void **state) {
    double f = 0;
    float narrow = 0;

    (void)state;
    check_text(0.0, "0.0");
    check_text(-0.0, "-0.0");
    check_text((double)NAN, "NaN");
    check_text((double)INFINITY, "Infinity");
    check_text(-(double)INFINITY, "-Infinity");
    assert_int_equal(sl_text_double(sluice_str("-Infinity"), &f), SLUICE_OK);
    assert_true(isinf(f) && f < 0);
    assert_int_equal(sl_text_float(sluice_str("NaN"), &narrow), SLUICE_OK);
    assert_true(isnan(narrow));
    assert_int_equal(sl_text_double(sluice_str("-0"), &f), SLUICE_OK);
    assert_true(f == 0 && signbit(f));
    assert_int_equal(sl_text_double(sluice_str("1e400"), &f), SLUICE_OK);
    assert_true(isinf(f));
    assert_int_equal(sl_text_double(sluice_str("1e-400"), &f), SLUICE_OK);
    assert_true(f == 0);
}

/* Against the C library, which rounds correctly, on texts that take each way through the reader. */
static void test_reading(void **state) {
    static const char *const texts[] = {
        "1",
        "0.1",
        "123456789012345678",
        "9007199254740993",
        "1e22",
        "1e23",
        "123e-22",
        "0.000000000000000000000000000000000000001",
        "1.7976931348623158e308",
        "4.9406564584124654e-324",
        "2.4703282292062327208e-324",
        "8.988465674311580536566680721305029496e307",
        "9007199254740992.99999999999999999999999",
        "100000000000000000000000000000000000000000000000000",
        "0.30000000000000004440892098500626",
        "7.2057594037927933e16",
        "00001.50",
        "1.5E+0003",
        "5.",
        ".5",
        "-12.34",
        "0e99999999999",
    };
    double f;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++) {
        assert_int_equal(sl_text_double(sluice_str(texts[i]), &f), SLUICE_OK);
        assert_true(f == strtod(texts[i], NULL));
    }
}

static void test_no_numbers(void **state) {
    static const char *const texts[] = {"",    "-",         "+",    ".",   "e5",  "1e",
                                        "1e+", "0x10",      "1.5f", "inf", "nan", "1..2",
                                        "--1", "Infinity ", " 1",   "1_0"};
    double f;
    float narrow;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(texts); i++) {
        assert_int_equal(sl_text_double(sluice_str(texts[i]), &f), SLUICE_INVALID);
        assert_int_equal(sl_text_float(sluice_str(texts[i]), &narrow), SLUICE_INVALID);
    }
}

static void test_value_double(void **state) {
    sluice_value_t v = sluice_int(SLUICE_INT64, -5);

    (void)state;
    assert_true(sl_value_double(&v) == -5.0);
    v = sluice_float(SLUICE_FLOAT32, 1.5);
    assert_true(sl_value_double(&v) == 1.5);
    v = sluice_text(SLUICE_FLOAT64, sluice_str("0.1"));
    v.flags = SLUICE_TEXT;
    assert_true(sl_value_double(&v) == 0.1);
    v.kind = SLUICE_FLOAT32;
    assert_true(sl_value_double(&v) == (double)0.1f);
    v = sluice_text(SLUICE_INT16, sluice_str("-300"));
    v.flags = SLUICE_TEXT;
    assert_true(sl_value_double(&v) == -300.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int64),        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_floats),       cmocka_unit_test(test_special),
        cmocka_unit_test(test_reading),      cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_value_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
