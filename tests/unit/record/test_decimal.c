/* Decimals, against what java.math.BigDecimal printed. */
#include "record/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/hex.h"
#include "java_decimals.h"
#include "record/batch.h"
#include "record/buf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_equal(sluice_str_t got, const char *wanted) {
    assert_non_null(got.data);
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void test_to_bytes(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    char hex[1024];
    sluice_str_t bytes;
    int32_t scale;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(decimals); i++) {
        assert_int_equal(sl_decimal_to_bytes(b, sluice_str(decimals[i].text), &bytes, &scale), 0);
        sl_hex_encode(bytes.data, bytes.len, hex);
        assert_string_equal(hex, decimals[i].hex);
        assert_int_equal(scale, decimals[i].scale);
        assert_int_equal(sl_decimal_scale(sluice_str(decimals[i].text)), scale);
    }
    sl_batch_unref(b);
}

static void test_from_bytes(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    char bytes[512];
    sluice_str_t text;
    int64_t n;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(decimals); i++) {
        n = sl_hex_decode(decimals[i].hex, strlen(decimals[i].hex), bytes, sizeof(bytes));
        assert_int_equal(
            sl_decimal_from_bytes(b, sluice_str_n(bytes, (size_t)n), decimals[i].scale, &text), 0);
        check_equal(text, decimals[i].canonical);
    }
    /* longer than needed */
    assert_int_equal(sl_decimal_from_bytes(b, sluice_str_n("\0\0\0\x05", 4), 1, &text), 0);
    check_equal(text, "0.5");
    assert_int_equal(sl_decimal_from_bytes(b, sluice_str_n("\xff\xff\xff\xfb", 4), 1, &text), 0);
    check_equal(text, "-0.5");
    assert_int_equal(sl_decimal_from_bytes(b, sluice_str_n("", 0), 1, &text), SLUICE_INVALID);
    sl_batch_unref(b);
}

static void test_canonical(void **state) {
    static const char *const no[] = {
        "+5",    "-0",    "-0.00",   "00.5", ".5",        "5.",           "1e5",   "1E5",
        "1E+05", "10E+5", "0.15E-9", "5E-2", "15E-1",     "1.5E+0",       "1.5E0", "",
        "-",     "abc",   "1.2.3",   "1E+",  "0.0000001", "1E+9999999999"};
    sluice_batch_t *b = sl_batch_create(0);
    sluice_str_t text;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(decimals); i++) {
        assert_int_equal(sl_decimal_canonical(b, sluice_str(decimals[i].text), &text), 0);
        check_equal(text, decimals[i].canonical);
        assert_true(sl_decimal_is_canonical(text));
        assert_int_equal(sl_decimal_is_canonical(sluice_str(decimals[i].text)),
                         strcmp(decimals[i].text, decimals[i].canonical) == 0);
    }
    for (i = 0; i < COUNT(no); i++)
        assert_false(sl_decimal_is_canonical(sluice_str(no[i])));
    assert_int_equal(sl_decimal_canonical(b, sluice_str("abc"), &text), SLUICE_INVALID);
    sl_batch_unref(b);
}

static void test_plain(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    sluice_buf_t buf;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(decimals); i++) {
        if (decimals[i].plain[0] == '\0')
            continue;
        sl_buf_init(&buf, b, 0);
        sl_decimal_write_plain(&buf, sluice_str(decimals[i].text));
        check_equal(sl_buf_finish(&buf), decimals[i].plain);
    }
    sl_batch_unref(b);
}

static int compare(const char *a, const char *b) {
    int c = sl_decimal_compare(sluice_str(a), sluice_str(b));
    int back = sl_decimal_compare(sluice_str(b), sluice_str(a));

    assert_true((c > 0) == (back < 0) && (c < 0) == (back > 0));
    return c < 0 ? -1 : c > 0;
}

static void test_compare(void **state) {
    (void)state;
    assert_int_equal(compare("1.0", "1.00"), 0);
    assert_int_equal(compare("0", "-0.00"), 0);
    assert_int_equal(compare("0", "0.001"), -1);
    assert_int_equal(compare("-1", "0"), -1);
    assert_int_equal(compare("-1", "-2"), 1);
    assert_int_equal(compare("1E+3", "1000"), 0);
    assert_int_equal(compare("999", "1E+3"), -1);
    assert_int_equal(compare("0.1", "0.09999"), 1);
    assert_int_equal(compare("12345678901234567890.1", "12345678901234567890.10000001"), -1);
    assert_int_equal(compare("-12345678901234567890.1", "12345678901234567890.1"), -1);
}

/* The largest NUMERIC that PostgreSQL has, there and back. */
static void test_large(void **state) {
    const size_t digits = 147455;
    sluice_batch_t *b = sl_batch_create(0);
    char *text = malloc(digits + 2);
    sluice_str_t bytes;
    sluice_str_t back;
    int32_t scale;
    clock_t start = clock();
    size_t i;

    (void)state;
    for (i = 0; i < digits + 1; i++)
        text[i] = (char)('1' + i * 7 % 9);
    text[131072] = '.';
    text[digits + 1] = '\0';
    assert_int_equal(sl_decimal_to_bytes(b, sluice_str(text), &bytes, &scale), 0);
    assert_int_equal(scale, digits - 131072);
    assert_int_equal(sl_decimal_from_bytes(b, bytes, scale, &back), 0);
    check_equal(back, text);
    print_message("%zu digits to bytes and back: %ld ms\n", digits,
                  (clock() - start) * 1000 / CLOCKS_PER_SEC);
    free(text);
    sl_batch_unref(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_bytes),  cmocka_unit_test(test_from_bytes),
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_plain),
        cmocka_unit_test(test_compare),   cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
