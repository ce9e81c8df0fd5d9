/* The small parts of the supervisor: backoff, the tail of a log, hidden secrets. */
#include "supervisor/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/log.h"
#include "supervisor/secrets.h"
#include "supervisor/tail.h"

static void test_backoff(void **state) {
    unsigned attempt;
    uint64_t random;

    (void)state;
    for (attempt = 0; attempt < 80; attempt++) {
        uint64_t full = attempt < 7 ? 500ull << attempt : 60000;
        if (full > 60000)
            full = 60000;
        for (random = 0; random < 100000; random += 777) {
            uint64_t ms = sl_backoff_ms(500, 60000, attempt, random);
            assert_true(ms <= full);
            assert_true(ms >= full / 2);
        }
    }
    assert_int_equal(sl_backoff_ms(0, 0, 3, 5), 0);
    assert_int_equal(sl_backoff_ms(1, 1, 3, 5), 1);
}

static void test_tail(void **state) {
    sl_tail_t tail;
    char line[700];
    char *text;
    int i;

    (void)state;
    sl_tail_init(&tail);
    text = sl_tail_text(&tail, "head");
    assert_string_equal(text, "head");
    free(text);
    for (i = 0; i < 50; i++) {
        snprintf(line, sizeof line, "line %d", i);
        sl_tail_add(&tail, line);
    }
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    sl_tail_add(&tail, line);
    text = sl_tail_text(&tail, "head");
    assert_non_null(strstr(text, "head\n\tline 31\n\tline 32"));
    assert_null(strstr(text, "line 30"));
    assert_true(strlen(text) < 1000);
    free(text);
    sl_tail_fini(&tail);
}

/* A process may die with a password on its lips; where the line is cut nothing of it is left. */
static void test_tail_hides(void **state) {
    static const char secret[] = "correct-horse-battery";
    sl_tail_t tail;
    char line[700];
    char *text;

    (void)state;
    sl_log_add_secret(secret);
    sl_tail_init(&tail);
    sl_tail_add(&tail, "cannot log in with correct-horse-battery!");
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line + 490, secret, sizeof secret - 1);
    sl_tail_add(&tail, line);
    text = sl_tail_text(&tail, "head");
    assert_non_null(strstr(text, "\n\tcannot log in with [hidden]!\n"));
    assert_null(strstr(text, "corr"));
    free(text);
    sl_tail_fini(&tail);
}

static char *shown(const char *config, const char *pointers) {
    cJSON *c = cJSON_Parse(config);
    cJSON *p = cJSON_Parse(pointers);
    cJSON *hidden = sl_secrets_hide(c, p);
    char *text = cJSON_PrintUnformatted(hidden);

    cJSON_Delete(c);
    cJSON_Delete(p);
    cJSON_Delete(hidden);
    return text;
}

static void test_hide(void **state) {
    char *text = shown("{\"source\":{\"config\":{\"key\":\"abc\",\"user\":\"me\"}},"
                       "\"a.password\":\"x\",\"b.password\":\"${env:X}\",\"c.password\":\"\"}",
                       "[\"/source/config/key\",\"/not/there\"]");

    (void)state;
    assert_string_equal(text, "{\"source\":{\"config\":{\"key\":\"[hidden]\",\"user\":\"me\"}},"
                              "\"a.password\":\"[hidden]\",\"b.password\":\"${env:X}\","
                              "\"c.password\":\"\"}");
    free(text);
}

static void test_hide_any_type(void **state) {
    char *text = shown("{\"pin\":1234,\"keys\":[\"a\",{\"b\":5,\"c\":true}],"
                       "\"token\":77,\"password\":\"${a}b}\"}",
                       "[\"/pin\",\"/keys\"]");

    (void)state;
    assert_string_equal(text, "{\"pin\":\"[hidden]\",\"keys\":[\"[hidden]\",{\"b\":\"[hidden]\","
                              "\"c\":true}],\"token\":\"[hidden]\",\"password\":\"[hidden]\"}");
    free(text);
}

/* A password that nobody percent-encoded is one, too. */
static void test_hide_uris(void **state) {
    char *text = shown("{\"a\":\"http://u:p/w@h\",\"b\":\"x://u:p#w?@h/0\",\"c\":\"http://h:80/x\","
                       "\"d\":\"x://h,http://u:p@h\",\"e\":\"x://u:${env:P}@h\",\"f\":\"a b@c\"}",
                       "[]");

    (void)state;
    assert_string_equal(text, "{\"a\":\"[hidden]\",\"b\":\"[hidden]\",\"c\":\"http://h:80/x\","
                              "\"d\":\"[hidden]\",\"e\":\"x://u:${env:P}@h\",\"f\":\"a b@c\"}");
    free(text);
}

static void test_keep_number(void **state) {
    cJSON *old = cJSON_Parse("{\"pin\":1234,\"x\":1}");
    cJSON *new = cJSON_Parse("{\"pin\":\"[hidden]\",\"x\":2}");
    char *text;

    (void)state;
    sl_secrets_keep(new, old);
    text = cJSON_PrintUnformatted(new);
    assert_string_equal(text, "{\"pin\":1234,\"x\":2}");
    free(text);
    cJSON_Delete(old);
    cJSON_Delete(new);
}

static void test_keep(void **state) {
    cJSON *old = cJSON_Parse("{\"a\":\"1\",\"sinks\":[{\"p\":\"s3cret\"},{\"p\":\"t\"}]}");
    cJSON *new = cJSON_Parse("{\"a\":\"[hidden]\",\"b\":\"[hidden]\","
                             "\"sinks\":[{\"p\":\"[hidden]\"},{\"p\":\"new\"},{\"p\":\"z\"}]}");
    char *text;

    (void)state;
    sl_secrets_keep(new, old);
    text = cJSON_PrintUnformatted(new);
    assert_string_equal(text, "{\"a\":\"1\",\"b\":\"[hidden]\","
                              "\"sinks\":[{\"p\":\"s3cret\"},{\"p\":\"new\"},{\"p\":\"z\"}]}");
    free(text);
    sl_secrets_keep(new, NULL);
    cJSON_Delete(old);
    cJSON_Delete(new);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_tail_hides),
        cmocka_unit_test(test_hide),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_hide_any_type),
        cmocka_unit_test(test_hide_uris),
        cmocka_unit_test(test_keep_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
