/* Whether two JSON texts say the same. */
#include "base/json_same.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void same(const char *a, const char *b) {
    assert_true(sl_json_same(a, b));
    assert_true(sl_json_same(b, a));
}

static void differ(const char *a, const char *b) {
    assert_false(sl_json_same(a, b));
    assert_false(sl_json_same(b, a));
}

static void test_form(void **state) {
    (void)state;
    same("{\"a\":1,\"b\":[true,null,\"x\"]}", " { \"b\" : [true, null, \"x\"], \"a\" : 1 } ");
    same("{\"a\":\"\\u0078\\\"9\"}", "{\"a\":\"x\\\"9\"}");
    differ("{\"a\":1}", "{\"a\":1,\"b\":1}");
    differ("{\"a\":\"1\"}", "{\"a\":1}");
    differ("{\"a\":\"x\"}", "{\"a\":\"X\"}");
    differ("[1,2]", "[2,1]");
}

static void test_numbers(void **state) {
    (void)state;
    differ("{\"id\":9007199254740993}", "{ \"id\":9007199254740992}");
    differ("{\"id\":9223372036854775807}", "{ \"id\":9223372036854775806}");
    differ("{\"id\":4503599627370497}", "{ \"id\":4503599627370496}");
    differ("[1]", "[1.0]");
    differ("[1]", "[-1]");
    same("[1.0]", "[1.00]");
    same("[-0]", "[ 0]");
    same("[1e2]", "[100.0]");
    differ("[0.1]", "[0.10000000000000002]");
    same("[12]", "[ 12 ]");
}

static void test_no_json(void **state) {
    (void)state;
    differ("{\"a\":", "{ \"a\":");
    differ("\"a", "\"a\"");
    differ("\"a\\", "{}");
    differ("", "{}");
    assert_false(sl_json_same(NULL, NULL));
    differ(NULL, "{}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
