/* What of a redis.uri is taken for what, and that a fault quotes nothing of it. */
#include "clients/redis/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static char shown[400];

/* "tls user|password|host|port|database", or the fault. */
static const char *read_uri(const char *uri) {
    redis_target_t t = {.host = strdup("-"), .port = strdup("-")};
    char error[256];

    if (redis_uri_read(&t, uri, error, sizeof(error)) != SLUICE_OK)
        snprintf(shown, sizeof(shown), "%s", error);
    else
        snprintf(shown, sizeof(shown), "%d %s|%s|%s|%s|%d", t.tls, t.user != NULL ? t.user : "",
                 t.password != NULL ? t.password : "", t.host, t.port, (int)t.database);
    redis_target_fini(&t);
    return shown;
}

static void test_well_formed(void **state) {
    (void)state;
    assert_string_equal(read_uri("redis://h"), "0 ||h|-|0");
    assert_string_equal(read_uri("rediss://h:1/15"), "1 ||h|1|15");
    assert_string_equal(read_uri("redis://me:pw@h:65535/"), "0 me|pw|h|65535|0");
    assert_string_equal(read_uri("redis://:pw@[::1]:7/3"), "0 |pw|::1|7|3");
    assert_string_equal(read_uri("redis://[fe80::1%eth0]"), "0 ||fe80::1%eth0|-|0");
    assert_string_equal(read_uri("redis://a%40b:p%2F%3a%25@h"), "0 a@b|p/:%|h|-|0");
}

/* sscanf would take " 1", "+1" and "0x" for hexadecimal digits. */
static void test_percent_that_is_none(void **state) {
    (void)state;
    assert_string_equal(read_uri("redis://:%+1% 1%0x%2%@h"), "0 |%+1% 1%0x%2%|h|-|0");
    assert_string_equal(read_uri("redis://:%00x%4@h"), "0 |%00x%4|h|-|0");
}

static void test_password_as_it_is(void **state) {
    (void)state;
    assert_string_equal(read_uri("redis://me:pa/ss@h:1/2"), "0 me|pa/ss|h|1|2");
    assert_string_equal(read_uri("redis://me:p@a#s?s/@h:1"), "0 me|p@a#s?s/|h|1|0");
    assert_string_equal(read_uri("redis://:a:b/c:1@h"), "0 |a:b/c:1|h|-|0");
}

static void test_faults_quote_nothing(void **state) {
    static const char *const uris[] = {"http://geheim:geheim@geheim",
                                       "redis://u:geheim",
                                       "redis://u:geheim/1",
                                       "redis://u:1/geheim",
                                       "redis://u:12345geheim",
                                       "redis://h:99999",
                                       "redis://h:0",
                                       "redis://h:",
                                       "redis://h/geheim",
                                       "redis://h/1x",
                                       "redis://h/-1",
                                       "redis://h/99999999999999999999",
                                       "redis://h#geheim",
                                       "redis://h?geheim",
                                       "redis://u:geheim@",
                                       "redis://u:geheim@:1",
                                       "redis://[geheim",
                                       "redis://[::1]geheim",
                                       "redis://ge heim",
                                       "redis://",
                                       "redis://a,geheim",
                                       "redis:geheim",
                                       "",
                                       "redis://u:geheim@[]"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        read_uri(uris[i]);
        if (strstr(shown, "the form is redis[s]://") == NULL || strstr(shown, "heim") != NULL)
            fail_msg("%s: %s", uris[i], shown);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_percent_that_is_none),
        cmocka_unit_test(test_password_as_it_is),
        cmocka_unit_test(test_faults_quote_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
