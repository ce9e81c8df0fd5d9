/* The log: levels by scope, masking, repeated lines, rendering, and a reader that does not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/log.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct capture {
    char text[64][512];
    size_t count;
} capture_t;

static capture_t capture;

static void take(void *user, const sl_log_record_t *record) {
    capture_t *to = user;
    char line[2048];
    size_t len = sl_log_render(record, SL_LOG_JSON, line, sizeof line);

    snprintf(to->text[to->count++ % 64], sizeof to->text[0], "%.*s", (int)len - 1, line);
}

static int setup(void **state) {
    (void)state;
    capture.count = 0;
    sl_log_set_output(take, &capture);
    sl_log_set_level(NULL, SLUICE_LOG_INFO);
    return 0;
}

static void levels_follow_the_longest_scope(void **state) {
    (void)state;
    sl_log_set_level("a", SLUICE_LOG_DEBUG);
    sl_log_set_level("a.b", SLUICE_LOG_ERROR);
    assert_true(sl_log_enabled(SLUICE_LOG_DEBUG, "a"));
    assert_true(sl_log_enabled(SLUICE_LOG_DEBUG, "a.c"));
    assert_false(sl_log_enabled(SLUICE_LOG_WARN, "a.b"));
    assert_false(sl_log_enabled(SLUICE_LOG_WARN, "a.b.c"));
    assert_false(sl_log_enabled(SLUICE_LOG_DEBUG, "ab"));
    assert_int_equal(sl_log_level("else"), SLUICE_LOG_INFO);
    sl_log(SLUICE_LOG_DEBUG, "ab", "not said");
    assert_int_equal(capture.count, 0);
}

static void count_scope(void *user, const char *scope, sluice_log_level_t level, int64_t changed) {
    (void)changed;
    if (strcmp(scope, "seen.once") == 0 && level == SLUICE_LOG_INFO)
        ++*(int *)user;
}

static void scopes_are_listed(void **state) {
    int seen = 0;
    (void)state;
    sl_log(SLUICE_LOG_INFO, "seen.once", "hello");
    sl_log_each_scope(count_scope, &seen);
    assert_int_equal(seen, 1);
}

static void level_names(void **state) {
    sluice_log_level_t level;
    (void)state;
    assert_int_equal(sl_log_parse_level("WaRn", &level), SLUICE_OK);
    assert_int_equal(level, SLUICE_LOG_WARN);
    assert_int_equal(sl_log_parse_level("loud", &level), SLUICE_INVALID);
    assert_int_equal(sl_log_parse_level(NULL, &level), SLUICE_INVALID);
}

static void fields_and_escapes(void **state) {
    (void)state;
    sl_log_kv(
        SLUICE_LOG_WARN, "t",
        SL_FIELDS(sl_field("who", "a \"b\"\n"), sl_field_int("n", -7), sl_field("text", NULL)),
        "bad byte \xff and %s", "tab\t");
    assert_int_equal(capture.count, 1);
    assert_non_null(strstr(capture.text[0], "\"text\":\"bad byte \\ufffd and tab\\t\""));
    assert_non_null(strstr(capture.text[0], "\"who\":\"a \\\"b\\\"\\n\",\"n\":-7,\"_text\":null}"));
}

static void secrets_are_masked(void **state) {
    char small[12] = "xsecret-99";
    char text[8] = "ab-tops"; /* as cut from "ab-topsecretlong" */
    (void)state;
    assert_int_equal(sl_log_add_secret("abc"), SLUICE_INVALID);
    assert_int_equal(sl_log_add_secret("s3cr3t"), SLUICE_OK);
    assert_int_equal(sl_log_add_secret("s3cr3t-longer"), SLUICE_OK);
    sl_log_kv(SLUICE_LOG_INFO, "t", SL_FIELDS(sl_field("url", "redis://:s3cr3t@h")),
              "with %s and %s.", "s3cr3t-longer", "s3cr3t");
    assert_non_null(strstr(capture.text[0], "with [hidden] and [hidden]."));
    assert_non_null(strstr(capture.text[0], "redis://:[hidden]@h"));
    sl_log_add_secret("secret-99");
    sl_log_mask(small, sizeof small);
    assert_string_equal(small, "x[hidden]");
    sl_log_add_secret("topsecretlong");
    sl_log_mask(text, sizeof text);
    assert_string_equal(text, "ab-");
}

static void old_secrets_make_room(void **state) {
    char text[64];
    int i;

    (void)state;
    sl_log_add_secret("in-use-all-the-time");
    for (i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "<throw-away-%d>", i);
        assert_int_equal(sl_log_add_secret(text), SLUICE_OK);
        if (i % 1000 == 0)
            sl_log_add_secret("in-use-all-the-time");
    }
    snprintf(text, sizeof text, "in-use-all-the-time <throw-away-0> <throw-away-2999>");
    sl_log_mask(text, sizeof text);
    assert_string_equal(text, "[hidden] <throw-away-0> [hidden]");
}

static void repeated_lines_are_limited(void **state) {
    int i;
    (void)state;
    for (i = 0; i < 30; i++)
        sl_log(SLUICE_LOG_WARN, "flood", "record %d is bad", i);
    assert_int_equal(capture.count, 10);
    sl_log(SLUICE_LOG_WARN, "flood", "another line");
    assert_int_equal(capture.count, 11);
    sl_log_tick(); /* the window is still open */
    assert_int_equal(capture.count, 11);
}

static void records_cross_a_process(void **state) {
    sl_log_record_t record = {SLUICE_LOG_ERROR, "s", "te\"xt", 1700000000123,
                              SL_FIELDS(sl_field("k", "v"), sl_field_int("n", 3))};
    cJSON *json = sl_log_record_to_json(&record);
    (void)state;
    assert_non_null(json);
    assert_int_equal(sl_log_write_json(json, SL_FIELDS(sl_field("pipeline", "p"))), SLUICE_OK);
    assert_string_equal(
        capture.text[0],
        "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"ERROR\",\"scope\":\"s\",\"text\":"
        "\"te\\\"xt\",\"pipeline\":\"p\",\"k\":\"v\",\"n\":3}");
    cJSON_DeleteItemFromObject(json, "scope");
    assert_int_equal(sl_log_write_json(json, NULL, 0), SLUICE_INVALID);
    cJSON_Delete(json);
}

static void long_text_is_cut_and_valid(void **state) {
    static char big[10000];
    char line[1024];
    sl_log_record_t record = {SLUICE_LOG_INFO, "s", big, 0, SL_FIELDS(sl_field("k", "v"))};
    cJSON *json;
    size_t len;
    (void)state;
    memset(big, '"', sizeof big - 1);
    len = sl_log_render(&record, SL_LOG_JSON, line, sizeof line);
    assert_true(len < sizeof line);
    json = cJSON_ParseWithLength(line, len);
    assert_non_null(json);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "k")), "v");
    cJSON_Delete(json);
    sl_log(SLUICE_LOG_INFO, "s", "%s", big);
    assert_int_equal(capture.count, 1);
}

static void a_full_pipe_does_not_block(void **state) {
    int fds[2], i;
    struct timespec start, end;
    char buffer[65536], *seen = NULL;
    ssize_t n;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    sl_log_set_output(NULL, NULL);
    sl_log_set_fd(fds[1]);
    sl_log_set_format(SL_LOG_TEXT);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (i = 0; i < 3000; i++) {
        char scope[8] = {'f', (char)('a' + i % 26), (char)('a' + i / 26 % 26),
                         (char)('a' + i / 676), 0};
        sl_log(SLUICE_LOG_INFO, scope, "%0100d", i);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - start.tv_sec < 3);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    while (read(fds[0], buffer, sizeof buffer) > 0) {}
    sl_log(SLUICE_LOG_INFO, "after", "again");
    n = read(fds[0], buffer, sizeof buffer - 1);
    assert_true(n > 0);
    buffer[n] = '\0';
    seen = strstr(buffer, "lines dropped");
    assert_non_null(seen);
    assert_non_null(strstr(seen, "again\n"));
    sl_log_set_fd(2);
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(levels_follow_the_longest_scope, setup),
        cmocka_unit_test_setup(scopes_are_listed, setup),
        cmocka_unit_test_setup(level_names, setup),
        cmocka_unit_test_setup(fields_and_escapes, setup),
        cmocka_unit_test_setup(secrets_are_masked, setup),
        cmocka_unit_test_setup(old_secrets_make_room, setup),
        cmocka_unit_test_setup(repeated_lines_are_limited, setup),
        cmocka_unit_test_setup(records_cross_a_process, setup),
        cmocka_unit_test_setup(long_text_is_cut_and_valid, setup),
        cmocka_unit_test_setup(a_full_pipe_does_not_block, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
