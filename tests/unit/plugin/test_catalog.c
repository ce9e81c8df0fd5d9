/*
 * The catalog, its prober children (this program itself is their executable) and the client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/channel.h"
#include "plugin/catalog.h"
#include "plugin/probe_client.h"
#include "plugin/prober.h"
#include "sluice/uv.h"

#define FIXTURES SLUICE_TEST_BUILD "/tests/abi/"
#define EXAMPLES SLUICE_TEST_BUILD "/tests/plugins/"

static char own_file[4096];

typedef struct world {
    uv_loop_t loop;
    sl_catalog_t *catalog;
    char root[64], path[128], data[128];
    int done, is_owner;
} world_t;

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...) {
    char command[2048];
    va_list args;

    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static void make_folders(world_t *w) {
    memset(w, 0, sizeof(*w));
    strcpy(w->root, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(w->root));
    snprintf(w->path, sizeof(w->path), "%s/plugins", w->root);
    snprintf(w->data, sizeof(w->data), "%s/data", w->root);
    mkdir(w->path, 0755);
    mkdir(w->data, 0755);
}

static void open_catalog(world_t *w, const char *executable, int with_data) {
    sl_catalog_params_t p = {.loop = &w->loop,
                             .plugin_path = w->path,
                             .data_dir = with_data ? w->data : NULL,
                             .executable = executable,
                             .probe_timeout_ms = 3000,
                             .is_owner = w->is_owner};

    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(sl_catalog_create(&p, &w->catalog), SLUICE_OK);
}

static void on_done(void *user) {
    ((world_t *)user)->done++;
}

static void scan(world_t *w) {
    int before = w->done;

    assert_int_equal(sl_catalog_rescan(w->catalog, on_done, w), SLUICE_OK);
    while (w->done == before)
        uv_run(&w->loop, UV_RUN_ONCE);
}

static void close_catalog(world_t *w) {
    sl_catalog_close(w->catalog, on_done, w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void remove_folders(world_t *w) {
    shell("rm -rf %s", w->root);
}

static const sl_catalog_plugin_t *find(const world_t *w, const char *name) {
    return sl_catalog_find(w->catalog, SLUICE_SINK, name);
}

static char *error_of(const world_t *w, const char *file) {
    cJSON *modules = sl_catalog_modules(w->catalog), *m;
    char *text = NULL;

    cJSON_ArrayForEach(m, modules) {
        const char *at = cJSON_GetObjectItem(m, "file")->valuestring;
        const cJSON *error = cJSON_GetObjectItem(m, "error");
        if (strcmp(strrchr(at, '/') + 1, file) == 0 && error != NULL)
            text = strdup(error->valuestring);
    }
    cJSON_Delete(modules);
    return text;
}

static void expect_error(const world_t *w, const char *file, const char *because) {
    char *text = error_of(w, file);

    if (text == NULL || strstr(text, because) == NULL || strstr(text, file) == NULL)
        fail_msg("%s: expected \"%s\" in: %s", file, because, text != NULL ? text : "(no error)");
    free(text);
}

static void test_find(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " EXAMPLES "example-*.so " FIXTURES "good/good-v1.so %s", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    assert_int_equal(sl_catalog_count(w.catalog), 5);
    assert_non_null(find(&w, "example-lines"));
    assert_null(sl_catalog_find(w.catalog, SLUICE_SOURCE, "example-lines"));
    assert_non_null(sl_catalog_find(w.catalog, 0, "example-lines"));
    assert_non_null(find(&w, "org.example.FixtureSinkConnector"));
    assert_non_null(find(&w, "FixtureSinkConnector"));
    assert_non_null(find(&w, "FixtureSink"));
    assert_null(find(&w, "com.other.FixtureSinkConnector"));
    assert_null(find(&w, "fixturesink"));
    assert_string_equal(sl_catalog_nearest(w.catalog, SLUICE_SINK, "fixtur"), "fixture");
    assert_null(sl_catalog_nearest(w.catalog, SLUICE_SINK, "something-else-entirely"));
    assert_int_equal(sl_options_count(find(&w, "fixture")->options), 2);
    assert_int_equal(find(&w, "fixture")->has_check, 1);
    assert_null(sl_catalog_broken(w.catalog, "fixture"));
    close_catalog(&w);
    remove_folders(&w);
}

/* A warm start asks no prober: with one that cannot be started, everything is still there. */
static void test_warm_start(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " EXAMPLES "example-sink.so %s", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    close_catalog(&w);
    open_catalog(&w, "/nonexistent/sluice", 1);
    scan(&w);
    assert_non_null(find(&w, "example-lines"));
    shell("cp " FIXTURES "good/good-v1.so %s", w.path);
    scan(&w);
    assert_null(find(&w, "fixture"));
    assert_non_null(sl_catalog_broken(w.catalog, "good-v1"));
    close_catalog(&w);
    remove_folders(&w);
}

static void test_versions(void **state) {
    char copy[4096];
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " FIXTURES "good/good-v1.so %s/a.so", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    assert_string_equal(find(&w, "fixture")->version, "1.9.0");
    snprintf(copy, sizeof(copy), "%s", find(&w, "fixture")->module_copy);
    shell("cp " FIXTURES "good/good-v2.so %s/b.so", w.path); /* dropped into a running host */
    scan(&w);
    assert_string_equal(find(&w, "fixture")->version, "1.10.0");
    shell("cp " FIXTURES "bad/bad-magic.so %s/b.so", w.path); /* a broken one in its place */
    scan(&w);
    assert_string_equal(find(&w, "fixture")->version, "1.9.0");
    expect_error(&w, "b.so", "magic");
    shell("cp " FIXTURES "good/good-v2.so %s/a.so", w.path); /* overwritten while in use */
    scan(&w);
    assert_string_equal(find(&w, "fixture")->version, "1.10.0");
    assert_string_not_equal(find(&w, "fixture")->module_copy, copy);
    shell("cmp %s " FIXTURES "good/good-v1.so", copy); /* who has the old one keeps it whole */
    shell("rm %s/a.so", w.path);
    scan(&w);
    assert_null(find(&w, "fixture"));
    close_catalog(&w);
    remove_folders(&w);
}

static void test_bad_modules(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " FIXTURES "bad/*.so " EXAMPLES "example-sink.so %s", w.path);
    shell("head -c 3000 " EXAMPLES "example-sink.so > %s/half.so", w.path);
    shell("echo hello > %s/text.so; : > %s/empty.so; echo x > %s/ignored.txt", w.path, w.path,
          w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    expect_error(&w, "bad-magic.so", "expected 0x534c4943, found 0x11223344");
    expect_error(&w, "bad-major.so", "ABI 99.0");
    expect_error(&w, "bad-minor.so", "needs plugin ABI");
    expect_error(&w, "bad-symbol.so", "no such symbol");
    expect_error(&w, "bad-null.so", "NULL");
    expect_error(&w, "bad-crash.so", "crashed (Aborted)");
    expect_error(&w, "bad-exit.so", "ended by itself");
    expect_error(&w, "bad-hang.so", "no answer within 3.0 s");
    expect_error(&w, "bad-library.so", "a_function_that_no_library_has");
    expect_error(&w, "half.so", "incomplete");
    expect_error(&w, "text.so", "no shared object");
    expect_error(&w, "empty.so", "empty");
    assert_non_null(find(&w, "example-lines"));
    assert_int_equal(sl_catalog_count(w.catalog), 1);
    assert_non_null(sl_catalog_broken(w.catalog, "bad-hang"));
    shell("cp " EXAMPLES "example-sink.so %s/half.so", w.path); /* the copy is complete now */
    scan(&w);
    assert_null(error_of(&w, "half.so"));
    close_catalog(&w);
    remove_folders(&w);
}

static void test_without_data(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " EXAMPLES "example-sink.so %s", w.path);
    open_catalog(&w, own_file, 0);
    scan(&w);
    assert_string_equal(find(&w, "example-lines")->module_copy,
                        find(&w, "example-lines")->module_file);
    close_catalog(&w);
    remove_folders(&w);
}

static void test_close_while_scanning(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " FIXTURES "bad/bad-hang.so " FIXTURES "bad/bad-crash.so %s", w.path);
    open_catalog(&w, own_file, 1);
    sl_catalog_rescan(w.catalog, on_done, &w);
    sl_catalog_rescan(w.catalog, on_done, &w);
    uv_run(&w.loop, UV_RUN_ONCE);
    w.done = 0;
    close_catalog(&w); /* does not wait for the deadline of the one that hangs */
    assert_int_equal(w.done, 3); /* both scans were completed, and the closing */
    remove_folders(&w);
}

static void test_prune(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " EXAMPLES "example-sink.so " EXAMPLES "example-source.so %s", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    shell("test $(ls %s/modules/*.so | wc -l) = 2", w.data);
    shell("rm %s/example-sink.so; cd %s/modules; touch .copy-abcdef mine.so "
          "0123456789abcdef0123456789abcdef.json index.json.77.new",
          w.path, w.data);
    scan(&w); /* not ours alone: everything stays */
    shell("test $(ls -A %s/modules | wc -l) = 9", w.data);
    close_catalog(&w);
    w.is_owner = 1;
    open_catalog(&w, own_file, 1);
    scan(&w);
    shell("cd %s/modules; test $(ls -A | wc -l) = 4 -a $(ls *.so | wc -l) = 2 -a -e mine.so",
          w.data);
    assert_int_equal(sl_catalog_count(w.catalog), 1);
    close_catalog(&w);
    remove_folders(&w);
}

static void close_at_once(void *user) {
    world_t *w = user;

    sl_catalog_close(w->catalog, on_done, w);
    assert_int_equal(sl_catalog_rescan(w->catalog, on_done, w), SLUICE_CANCELLED);
}

static void test_close_in_a_completion(void **state) {
    world_t w;

    (void)state;
    make_folders(&w);
    open_catalog(&w, own_file, 1);
    sl_catalog_rescan(w.catalog, close_at_once, &w);
    sl_catalog_rescan(w.catalog, on_done, &w);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.done, 2);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    remove_folders(&w);
}

/* ---- asking ---- */

typedef struct answer {
    int count;
    char error[1024];
    cJSON *json;
} answer_t;

static void on_answer(void *user, const cJSON *json, const char *error) {
    answer_t *a = user;

    a->count++;
    snprintf(a->error, sizeof(a->error), "%s", error != NULL ? error : "");
    cJSON_Delete(a->json);
    a->json = cJSON_Duplicate(json, 1);
}

static void ask(world_t *w, const char *type, const char *path, answer_t *a) {
    cJSON *config = cJSON_CreateObject();

    memset(a, 0, sizeof(*a));
    cJSON_AddStringToObject(config, "path", path);
    assert_int_equal(sl_catalog_ask(w->catalog, type, SLUICE_SINK, "fixture", config, 1, 2000,
                                    on_answer, a),
                     SLUICE_OK);
    cJSON_Delete(config);
    assert_int_equal(a->count, 0);
    while (a->count == 0)
        uv_run(&w->loop, UV_RUN_ONCE);
}

static void test_check(void **state) {
    const cJSON *fault;
    answer_t a;
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " FIXTURES "good/good-v1.so %s", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    ask(&w, "check", "fine", &a);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(a.json, "faults")), 0);
    cJSON_Delete(a.json);
    ask(&w, "check", "forbidden", &a);
    fault = cJSON_GetArrayItem(cJSON_GetObjectItem(a.json, "faults"), 0);
    assert_string_equal(cJSON_GetObjectItem(fault, "name")->valuestring, "path");
    assert_string_equal(cJSON_GetObjectItem(fault, "message")->valuestring,
                        "\"forbidden\" is not allowed");
    cJSON_Delete(a.json);
    ask(&w, "check", "fatal", &a);
    assert_string_equal(
        cJSON_GetObjectItem(cJSON_GetObjectItem(a.json, "error"), "code")->valuestring,
        "fixture.path");
    cJSON_Delete(a.json);
    ask(&w, "probe", "fine", &a);
    assert_int_equal(cJSON_GetObjectItem(a.json, "status")->valueint, 0);
    cJSON_Delete(a.json);
    ask(&w, "plan", "fine", &a);
    assert_int_equal(cJSON_GetObjectItem(a.json, "tasks")->valueint, 1);
    cJSON_Delete(a.json);
    assert_int_equal(sl_catalog_ask(w.catalog, "check", SLUICE_SINK, "none", NULL, 1, 1000,
                                    on_answer, &a),
                     SLUICE_INVALID);
    close_catalog(&w);
    remove_folders(&w);
}

static void check_breaks(const char *fixture, const char *because) {
    answer_t a;
    world_t w;

    make_folders(&w);
    shell("cp " FIXTURES "rule/%s.so %s", fixture, w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    ask(&w, "check", "x", &a);
    if (strstr(a.error, because) == NULL)
        fail_msg("expected \"%s\" in: %s", because, a.error);
    ask(&w, "check", "x", &a); /* a new child, the same end */
    assert_string_not_equal(a.error, "");
    close_catalog(&w);
    remove_folders(&w);
}

static void count_process(uv_handle_t *handle, void *count) {
    *(int *)count += handle->type == UV_PROCESS;
}

static int no_process(void *user) {
    int count = 0;

    uv_walk(&((world_t *)user)->loop, count_process, &count);
    return count == 0;
}

/* Who is not asked any more ends soon, and is there again when it is. */
static void test_idle_prober_ends(void **state) {
    uint64_t began;
    answer_t a;
    world_t w;
    int i;

    (void)state;
    make_folders(&w);
    shell("cp " FIXTURES "good/good-v1.so %s", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    for (i = 0; i < 2; i++) {
        ask(&w, "check", "fine", &a);
        assert_string_equal(a.error, "");
        cJSON_Delete(a.json);
        assert_false(no_process(&w));
        began = uv_hrtime();
        assert_true(sluice_uv_run_until(&w.loop, no_process, &w));
        assert_true(uv_hrtime() - began < 10 * (uint64_t)1000000000);
    }
    close_catalog(&w);
    remove_folders(&w);
}

static void test_check_breaks(void **state) {
    (void)state;
    check_breaks("rule-check-crashes", "crashed");
    check_breaks("rule-check-hangs", "no answer within 2.0 s");
}

static void test_for_config(void **state) {
    sl_plugin_catalog_t view;
    sl_plugin_info_t info;
    const char *why = NULL;
    sl_report_t report;
    cJSON *object = cJSON_CreateObject();
    world_t w;

    (void)state;
    make_folders(&w);
    shell("cp " FIXTURES "good/good-v1.so " FIXTURES "bad/bad-magic.so %s", w.path);
    open_catalog(&w, own_file, 1);
    scan(&w);
    sl_catalog_for_config(w.catalog, 1, &view);
    assert_int_equal(view.lookup(view.ctx, SLUICE_SINK, "fixture", &info, &why), SLUICE_OK);
    assert_int_equal(view.lookup(view.ctx, 0, "FixtureSink", &info, &why), SLUICE_OK);
    assert_string_equal(info.name, "fixture");
    assert_int_equal(view.lookup(view.ctx, SLUICE_SINK, "none", NULL, &why), SLUICE_INVALID);
    assert_int_equal(view.lookup(view.ctx, SLUICE_SINK, "bad-magic", NULL, &why),
                     SLUICE_NOT_CONNECTED);
    assert_non_null(strstr(why, "magic"));
    assert_string_equal(view.name_at(view.ctx, SLUICE_SINK, 0), "fixture");
    assert_non_null(view.name_at(view.ctx, 0, 1));
    assert_null(view.name_at(view.ctx, SLUICE_SINK, 2));
    cJSON_AddStringToObject(object, "path", "forbidden");
    sl_report_init(&report);
    assert_int_equal(view.check(view.ctx, &info, object, "/sinks/0/config", 1, &report), SLUICE_OK);
    assert_int_equal(report.errors, 1);
    assert_string_equal(report.faults[0].pointer, "/sinks/0/config/path");
    sl_report_fini(&report);
    cJSON_Delete(object);
    close_catalog(&w);
    remove_folders(&w);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_warm_start),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_bad_modules),
        cmocka_unit_test(test_without_data),
        cmocka_unit_test(test_close_while_scanning),
        cmocka_unit_test(test_close_in_a_completion),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_idle_prober_ends),
        cmocka_unit_test(test_check_breaks),
        cmocka_unit_test(test_for_config),
    };
    ssize_t n = readlink("/proc/self/exe", own_file, sizeof(own_file) - 1);

    if (argc == 3 && strcmp(argv[1], "__probe") == 0)
        return sl_prober_main(argv[2]);
    if (n <= 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
