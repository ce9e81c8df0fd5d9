#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "plugin/describe.h"
#include "plugin/elf_check.h"
#include "plugin/module.h"

#define FIXTURES SLUICE_TEST_BUILD "/tests/abi/"
#define EXAMPLES SLUICE_TEST_BUILD "/tests/plugins/"

static char error[SL_MODULE_ERROR_SIZE];

static sl_module_t *open_good(const char *path) {
    sl_module_t *m;

    if (sl_module_open(path, &m, error, sizeof(error)) != SLUICE_OK)
        fail_msg("%s", error);
    return m;
}

static void refused(const char *path, const char *because) {
    sl_module_t *m = (void *)1;

    error[0] = '\0';
    assert_int_not_equal(sl_module_open(path, &m, error, sizeof(error)), SLUICE_OK);
    assert_null(m);
    if (path[0] == '/' && strncmp(error, path, strlen(path)) != 0)
        fail_msg("error does not begin with the file: %s", error);
    if (strstr(error, because) == NULL)
        fail_msg("expected \"%s\" in: %s", because, error);
}

static void test_examples(void **state) {
    sl_module_t *m = open_good(EXAMPLES "example-sink.so");
    const sluice_plugin_t *p = sl_module_find(m, SLUICE_SINK, "example-lines");

    (void)state;
    assert_non_null(p);
    assert_ptr_equal(p, sl_module_at(m, 0));
    assert_int_equal(sl_module_count(m), 1);
    assert_int_equal(p->option_count, 1);
    assert_string_equal(p->options[0].name, "path");
    assert_int_equal(p->sink->max_in_flight, 1);
    assert_null(sl_module_find(m, SLUICE_SOURCE, "example-lines"));
    assert_null(sl_module_find(m, SLUICE_SINK, "example-line"));
    assert_non_null(sl_module_find(m, 0, "example-lines"));
    assert_string_equal(sl_module_info(m)->version, "1.0.0");
    sl_module_destroy(m);
}

static void test_aliases(void **state) {
    sl_module_t *m = open_good(FIXTURES "good/good-v1.so");

    (void)state;
    assert_non_null(sl_module_find(m, SLUICE_SINK, "org.example.FixtureSinkConnector"));
    assert_null(sl_module_find(m, SLUICE_SINK, "org.example.fixturesinkconnector"));
    sl_module_destroy(m);
}

/* Built with a later minor version: longer structs, a longer stride. */
static void test_newer(void **state) {
    sl_module_t *m = open_good(FIXTURES "good/good-newer.so");

    (void)state;
    assert_int_equal(sl_module_count(m), 2);
    assert_string_equal(sl_module_at(m, 1)->name, "fixture-second");
    assert_int_equal(sl_module_at(m, 0)->size, sizeof(sluice_plugin_t));
    assert_int_equal(sl_module_info(m)->minor, SLUICE_ABI_MINOR + 1);
    sl_module_destroy(m);
}

/* Built with 1.0: shorter structs. */
static void test_older(void **state) {
    sl_module_t *m = open_good(FIXTURES "good/good-older.so");
    const sluice_source_t *source = sl_module_at(m, 0)->source;

    (void)state;
    assert_int_equal(source->size, sizeof(*source));
    assert_non_null(source->open);
    assert_null(source->alter_offsets);
    assert_null(source->read_offsets);
    sl_module_destroy(m);
}

static void test_refusals(void **state) {
    static const char *const cases[][2] = {
        {"bad-magic", "magic"},          {"bad-major", "ABI 99.0"},
        {"bad-minor", "needs plugin ABI 1."}, {"bad-size", "size of sluice_module_t"},
        {"bad-count", "plugins"},        {"bad-name", "Bad Name"},
        {"bad-twice", "two sink plugins"}, {"bad-callback", "callback write"},
        {"bad-option", "ENUM"},          {"bad-symbol", "no such symbol"},
        {"bad-library", "a_function_that_no_library_has"}, {"bad-null", "NULL"},
    };
    char path[512];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(path, sizeof(path), FIXTURES "bad/%s.so", cases[i][0]);
        refused(path, cases[i][1]);
    }
    refused("example-sink.so", "absolute");
    refused("/nonexistent/x.so", "cannot be opened");
    refused("/tmp", "no regular file");
}

/* ---- files that are no whole shared object of this machine ---- */

static char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "r");
    char *data;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size);
    assert_int_equal(fread(data, 1, *size, f), *size);
    fclose(f);
    return data;
}

static void with_content(const char *data, size_t size, const char *because) {
    char path[] = "/tmp/sluice-test-XXXXXX";
    int fd = mkstemp(path);

    assert_int_equal(write(fd, data, size), (ssize_t)size);
    close(fd);
    refused(path, because);
    unlink(path);
}

static void test_files(void **state) {
    size_t size, cut;
    char *data = read_file(EXAMPLES "example-sink.so", &size);

    (void)state;
    with_content("", 0, "empty");
    with_content("hello\n", 6, "no shared object");
    with_content("#!/bin/sh\necho this is a text file that is longer than an ELF header\n", 68,
                 "no shared object");
    for (cut = 4; cut < size; cut += cut < 200 ? 7 : size / 23)
        with_content(data, cut, "incomplete");
    with_content(data, size - 1, "incomplete");
    data[18] = (char)0xb7; /* e_machine */
    data[19] = 0x55;
    with_content(data, size, "this machine is");
    free(data);
    data = read_file("/proc/self/exe", &size);
    with_content(data, size, "is a program");
    free(data);
}

static void test_own_file(void **state) {
    (void)state;
    assert_int_equal(sl_elf_check(EXAMPLES "example-source.so", error, sizeof(error)), SLUICE_OK);
}

static void test_describe(void **state) {
    sl_module_t *m = open_good(FIXTURES "good/good-v1.so");
    cJSON *json = sl_describe_module(m);
    const cJSON *plugin = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "plugins"), 0);

    (void)state;
    assert_string_equal(cJSON_GetObjectItem(json, "version")->valuestring, "1.9.0");
    assert_string_equal(cJSON_GetObjectItem(json, "abi")->valuestring, "1.0");
    assert_string_equal(cJSON_GetObjectItem(plugin, "kind")->valuestring, "sink");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(plugin, "check")));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(plugin, "probe")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(plugin, "options")), 2);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(plugin, "aliases")), 1);
    cJSON_Delete(json);
    sl_module_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples), cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_newer),    cmocka_unit_test(test_older),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_files),    cmocka_unit_test(test_own_file),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
