/* sasl.jaas.config as Java reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "clients/kafka/jaas.h"

static kafka_jaas_t jaas;
static char error[256];

static const char *option(const char *text, const char *name) {
    static char found[128];
    const char *value;

    assert_int_equal(kafka_jaas_parse(text, &jaas, error, sizeof(error)), 0);
    value = kafka_jaas_option(&jaas, name);
    strcpy(found, value != NULL ? value : "(none)");
    kafka_jaas_fini(&jaas);
    return found;
}

static void refused(const char *text, const char *why) {
    assert_int_equal(kafka_jaas_parse(text, &jaas, error, sizeof(error)), -1);
    assert_non_null(strstr(error, why));
    assert_null(strstr(error, "secret"));
}

static void test_values(void **state) {
    (void)state;
    assert_string_equal(option("a.B required;", "x"), "(none)");
    assert_string_equal(option("a.B required x=\"1 ;=\" y='2';", "x"), "1 ;=");
    assert_string_equal(option("a.B required x=\"1\" y='2';", "y"), "2");
    assert_string_equal(option("a.B REQUIRED x=bare-word/+;", "x"), "bare-word/+");
    assert_string_equal(option("a.B required x=\"q\\\"u\\\\o\\'t\\te\\101\";", "x"),
                        "q\"u\\o't\teA");
    assert_string_equal(option(" a.B\n required // why\n /* x=\"2\" */ x = \"1\" ; ", "x"), "1");
    assert_string_equal(option("a.B required x=\"\";", "x"), "");
    assert_string_equal(option("a.B required x=\"\xc3\xa4\";", "x"), "\xc3\xa4");
}

static void test_refusals(void **state) {
    (void)state;
    refused("", "no login module");
    refused("   ", "no login module");
    refused("a.B", "control flag");
    refused("a.B x=\"secret\";", "control flag");
    refused("a.B required x=\"secret\"", "semicolon");
    refused("a.B required x=\"secret;", "closing quote");
    refused("a.B required x;", "name=\"value\"");
    refused("a.B required x=;", "name=\"value\"");
    refused("a.B required x=\"secret\"; c.D required;", "one login module");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
