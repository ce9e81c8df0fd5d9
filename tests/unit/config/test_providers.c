/* Config providers of a Connect worker, and Java's order of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/java_order.h"
#include "config/providers.h"
#include "sluice/error.h"

static char folder[64];

static int setup(void **state) {
    char path[128];
    FILE *file;
    (void)state;
    strcpy(folder, "/tmp/sl-providers-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/a.properties", folder);
    if ((file = fopen(path, "w")) == NULL)
        return -1;
    fputs("user=me\nnested=${env:SL_TEST_VALUE}\n", file);
    fclose(file);
    setenv("SL_TEST_VALUE", "seen", 1);
    return 0;
}

static int teardown(void **state) {
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/a.properties", folder);
    unlink(path);
    return rmdir(folder);
}

/* `text` with the folder for every '@', as the value of a key; given. */
static char *resolved(const char *worker_more, const char *text, char **message) {
    char worker_text[1200], value[300], *out = NULL;
    cJSON *worker, *flat = cJSON_CreateObject();
    size_t len = 0;

    for (; *text != '\0'; text++)
        len += (size_t)snprintf(value + len, sizeof value - len, "%.*s",
                                *text == '@' ? (int)sizeof folder : 1,
                                *text == '@' ? folder : text);
    snprintf(worker_text, sizeof worker_text,
             "{\"config.providers\":\"f, e,d\","
             "\"config.providers.f.class\":\"org.apache.kafka.common.config.provider."
             "FileConfigProvider\",\"config.providers.d.class\":\"DirectoryConfigProvider\","
             "\"config.providers.e.class\":\"org.apache.kafka.common.config.provider."
             "EnvVarConfigProvider\"%s}",
             worker_more);
    worker = cJSON_Parse(worker_text);
    assert_non_null(worker);
    cJSON_AddStringToObject(flat, "k", value);
    if (sl_providers_resolve(worker, flat, message) == SLUICE_OK)
        out = strdup(cJSON_GetObjectItem(flat, "k")->valuestring);
    cJSON_Delete(worker);
    cJSON_Delete(flat);
    return out;
}

static void gives(const char *worker_more, const char *text, const char *wanted) {
    char *message = NULL, *got = resolved(worker_more, text, &message);

    assert_non_null(got);
    assert_string_equal(got, wanted);
    free(got);
    free(message);
}

static void refuses(const char *text, const char *part) {
    char *message = NULL, *got = resolved("", text, &message);

    assert_null(got);
    assert_non_null(message);
    assert_non_null(strstr(message, part));
    free(message);
}

static void test_found(void **state) {
    (void)state;
    gives("", "a-${f:@/a.properties:user}-${e:SL_TEST_VALUE}-z", "a-me-seen-z");
    gives("", "${f:@/a.properties:nested}", "${env:SL_TEST_VALUE}"); /* not looked at again */
    gives("", "${d:@:a.properties}", "user=me\nnested=${env:SL_TEST_VALUE}\n");
}

static void test_left_alone(void **state) {
    char wanted[200];
    (void)state;
    gives("", "${env:SL_TEST_VALUE} $1 ${topic} ${", "${env:SL_TEST_VALUE} $1 ${topic} ${");
    gives("", "${e:SL_TEST_NOT_SET}", "${e:SL_TEST_NOT_SET}");
    snprintf(wanted, sizeof wanted, "${f:%s/a.properties:none}", folder);
    gives("", "${f:@/a.properties:none}", wanted);
    snprintf(wanted, sizeof wanted, "${d:%s:../a.properties}", folder);
    gives("", "${d:@:../a.properties}", wanted);
}

static void test_limits(void **state) {
    char wanted[200];
    (void)state;
    snprintf(wanted, sizeof wanted, "${f:%s/a.properties:user}", folder);
    gives(",\"config.providers.f.param.allowed.paths\":\"/nowhere,/usr\"",
          "${f:@/a.properties:user}", wanted);
    gives(",\"config.providers.f.param.allowed.paths\":\"/nowhere,/tmp\"",
          "${f:@/a.properties:user}", "me");
    gives(",\"config.providers.e.param.allowlist.pattern\":\"SL_TEST_X.*\"", "${e:SL_TEST_VALUE}",
          "${e:SL_TEST_VALUE}");
    gives(",\"config.providers.e.param.allowlist.pattern\":\"SL_.*\"", "${e:SL_TEST_VALUE}",
          "seen");
}

static void test_refused(void **state) {
    (void)state;
    refuses("${f:@/none.properties:user}", "Could not read properties from file ");
    refuses("${e:some/path:SL_TEST_VALUE}",
            "Path is not supported for EnvVarConfigProvider, invalid value 'some/path'");
}

static void test_java_order(void **state) {
    static const char *const wanted[] = {"decimal.format", "converter.type", "schemas.cache.size",
                                         "replace.null.with.default", "schemas.enable"};
    cJSON *object = cJSON_CreateObject();
    size_t i;
    (void)state;
    cJSON_AddNullToObject(object, "converter.type");
    cJSON_AddNullToObject(object, "schemas.enable");
    cJSON_AddNullToObject(object, "schemas.cache.size");
    cJSON_AddNullToObject(object, "decimal.format");
    cJSON_AddNullToObject(object, "replace.null.with.default");
    sl_java_order(object);
    for (i = 0; i < 5; i++)
        assert_string_equal(cJSON_GetArrayItem(object, (int)i)->string, wanted[i]);
    cJSON_Delete(object);
    assert_int_equal(sl_java_hash("hello"), 99162322);
    assert_int_equal(sl_java_hash("\xf0\x9f\x98\x80"), 1772899); /* a surrogate pair */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),    cmocka_unit_test(test_left_alone),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_java_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
