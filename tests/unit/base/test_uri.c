/* Passwords in URIs, also those that were not percent-encoded. */
#include "base/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* All passwords of a text, each in brackets. */
static const char *found(const char *text) {
    static char out[200];
    const char *password;
    size_t len, n = 0;

    out[0] = '\0';
    while (sl_uri_password(&text, &password, &len))
        n += (size_t)snprintf(out + n, sizeof out - n, "[%.*s]", (int)len, password);
    return out;
}

static void test_found(void **state) {
    (void)state;
    assert_string_equal(found("redis://me:secret@host:1/0"), "[secret]");
    assert_string_equal(found("redis://:secret@host"), "[secret]");
    assert_string_equal(found("a://u:pa/ss@h"), "[pa/ss]");
    assert_string_equal(found("a://u:p@s#s?/@h/x"), "[p@s#s?/]");
    assert_string_equal(found("a://u:p:q@h"), "[p:q]");
    assert_string_equal(found("a+b://u:one@h,c://h2, d://u:two@h \"e://u:three@h\" f@g"),
                        "[one][two][three]");
}

static void test_none(void **state) {
    static const char *const texts[] = {
        "",        "://",      "a://",  "a://h",        "a://h:80/x",
        "a://u@h", "a://u:@h", "u:p@h", "a://h:80 b@c", "a://h:80,b://c@d",
        "a://://@"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(found(texts[i]), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
