/* UTF-8: what is, and what only looks like it. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static int is(const char *text) {
    return sl_utf8_check(text, strlen(text));
}

static void test_good(void **state) {
    (void)state;
    assert_true(is(""));
    assert_true(is("plain"));
    assert_true(is("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    assert_true(sl_utf8_check("a\0b", 3));
    assert_int_equal(sl_utf8_length("\xe2\x82\xac", 3), 3);
}

static void test_bad(void **state) {
    static const char *const texts[] = { "\x80",         "\xc0\x80",         "\xc1\xbf",
                                         "\xe0\x9f\xbf", "\xed\xa0\x80",     "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
                                         "\xe2\x82",     "\xe2\x28\xa1",     "a\xc3" };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(is(texts[i]));
    assert_int_equal(sl_utf8_length("\xe2\x82\xac", 2), 0);
    assert_int_equal(sl_utf8_length("", 0), 0);
}

static void test_put(void **state) {
    char text[SL_UTF8_MAX];
    uint32_t code;
    size_t n;

    (void)state;
    for (code = 0; code <= 0x10ffff; code++) {
        n = sl_utf8_put(text, code);
        assert_int_equal(sl_utf8_length(text, n), code >= 0xd800 && code < 0xe000 ? 0 : n);
        assert_int_equal(n, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
    }
    assert_int_equal(sl_utf8_put(text, 0x20ac), 3);
    assert_memory_equal(text, "\xe2\x82\xac", 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
