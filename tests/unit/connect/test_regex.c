/* Java's regular expressions: what they match, what they replace, and the words of their errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/connect/regex.h"
#include "support/heapbuf.h"

static connect_regex_t *regex_of(const char *pattern) {
    connect_regex_t *regex = NULL;
    char why[1024] = "";

    if (connect_regex_create(pattern, &regex, why, sizeof(why)) != SLUICE_OK)
        fail_msg("%s: %s", pattern, why);
    return regex;
}

static void check(const char *pattern, const char *text, int expected) {
    connect_regex_t *regex = regex_of(pattern);

    if (connect_regex_matches(regex, sluice_str(text)) != expected)
        fail_msg("%s on %s is not %d", pattern, text, expected);
    connect_regex_destroy(regex);
}

static void test_matching(void **state) {
    (void)state;
    check("a|ab", "ab", 1);
    check("(.*)-(\\d{8})", "index-20160117", 1);
    check("test", "test2", 0);
    check("(?i)TEST", "test", 1);
    check("a++ab", "aaab", 0);
    check("\\Qa.b\\E", "a.b", 1);
    check("\\Qa.b\\E", "axb", 0);
    check("(.)\\1", "aa", 1);
    check("(?<n>a)\\k<n>", "aa", 1);
    check("\\p{Alpha}+\\p{Digit}+", "ab12", 1);
    check("\\p{javaUpperCase}", "\xc5\xbd", 1);
    check("\\u0061\\x62\\0143\\x{64}", "abcd", 1);
}

static void test_classes(void **state) {
    (void)state;
    check("[a-z&&[^aeiou]]+", "xyz", 1);
    check("[a-z&&[^aeiou]]+", "xaz", 0);
    check("[ab[cd]]+", "abcd", 1);
    check("[^ab[cd]]", "c", 0);
    check("[a-z&&b-y&&[^m]]", "m", 0);
    check("[]a]+", "]a", 1);
    check("[\\w.-]+", "a-b.c_1", 1);
    check("[\\P{L}x]", "x", 1);
}

static void test_lines(void **state) {
    (void)state;
    check("a.b", "a\nb", 0);
    check("a.b", "a\vb", 1);
    check("(?s)a.b", "a\nb", 1);
    check("a$\\n?", "a\n", 1);
    check("(?m)a$\\n^b", "a\nb", 1);
    check("(?x) a  b # not this", "ab", 1);
}

static void check_replaced(const char *pattern, const char *text, const char *replacement,
                           const char *expected) {
    connect_regex_t *regex = regex_of(pattern);
    const char *class_name = "";
    char why[256] = "";
    sluice_buf_t buf;

    heapbuf_init(&buf);
    if (connect_regex_replace(regex, sluice_str(text), replacement, &buf, &class_name, why,
                              sizeof(why)) == SLUICE_OK) {
        sluice_buf_put_char(&buf, '\0');
        assert_string_equal(buf.data, expected);
    } else {
        assert_string_equal(why, expected);
    }
    heapbuf_fini(&buf);
    connect_regex_destroy(regex);
}

static void test_replacing(void **state) {
    (void)state;
    check_replaced("(\\w+)_(\\w+)", "a_b_c", "$2_$1", "c_a_b");
    check_replaced("(.)(.*)", "xyz", "$12", "x2");
    check_replaced("(?<n>.*)", "t", "${n}\\$", "t$");
    check_replaced("a|ab", "ab", "x", "xb");
    check_replaced("(a)?b", "b", "[$1]", "[]");
    check_replaced("(.*)", "t", "x$", "Illegal group reference: group index is missing");
    check_replaced("(.*)", "t", "${nope}", "No group with name {nope}");
    check_replaced("(.*)", "t", "$2", "No group 2");
    check_replaced("(.*)", "t", "\\", "character to be escaped is missing");
}

static void check_error(const char *pattern, const char *expected) {
    connect_regex_t *regex;
    char why[512] = "";

    assert_int_equal(connect_regex_create(pattern, &regex, why, sizeof(why)), SLUICE_INVALID);
    assert_string_equal(why, expected);
}

static void test_errors(void **state) {
    (void)state;
    check_error("a(", "Unclosed group near index 2\na(");
    check_error("a[", "Unclosed character class near index 1\na[\n ^");
    check_error("*a", "Dangling meta character '*' near index 0\n*a\n^");
    check_error("a)", "Unmatched closing ')' near index 0\na)\n^");
    check_error("a{2,1}", "Illegal repetition range near index 5\na{2,1}\n     ^");
    check_error("[b-a]", "Illegal character range near index 3\n[b-a]\n   ^");
    check_error("\\y", "Illegal/unsupported escape sequence near index 1\n\\y\n ^");
    check_error("\\p{Foo}",
                "Unknown character property name {Foo} near index 6\n\\p{Foo}\n      ^");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching), cmocka_unit_test(test_classes),
        cmocka_unit_test(test_lines),    cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
