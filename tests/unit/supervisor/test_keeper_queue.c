/* What goes out together to the child that keeps the logs, and what is given up. */
#include "supervisor/keeper_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/log.h"
#include "sluice/error.h"

typedef struct fixture {
    keeper_queue_t queue;
    int kept;
    int failed;
} fixture_t;

static void on_done(void *user, const char *error) {
    fixture_t *f = user;

    f->kept += error == NULL;
    f->failed += error != NULL;
}

static void add_to(fixture_t *f, int log, const char *key, size_t size, uint64_t now) {
    char *value = malloc(size + 1);
    sl_log_entry_t entry = {.log = log, .key = key, .value = value};

    memset(value, 'v', size);
    value[size] = '\0';
    assert_int_equal(keeper_queue_add(&f->queue, &entry, now, on_done, f), SLUICE_OK);
    free(value);
}

static void add(fixture_t *f, const char *key, size_t size, uint64_t now) {
    add_to(f, SL_LOG_CONFIGS, key, size, now);
}

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);

    sl_log_set_level(NULL, SLUICE_LOG_ERROR);
    keeper_queue_init(&f->queue);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture_t *f = *state;

    keeper_queue_fail(&f->queue, "the end");
    free(f);
    return 0;
}

static int count_next(fixture_t *f) {
    cJSON *entries = keeper_queue_next(&f->queue, 1000);
    int n = cJSON_GetArraySize(entries);

    cJSON_Delete(entries);
    return n;
}

/* A frame ends at 256 KiB; what is larger alone goes alone. */
static void test_frames_by_bytes(void **state) {
    fixture_t *f = *state;
    int i;

    for (i = 0; i < 5; i++)
        add(f, "task", 100000, 0);
    add(f, "large", 1000000, 0);
    add(f, "small", 10, 0);
    assert_int_equal(count_next(f), 2);
    assert_int_equal(count_next(f), 2);
    assert_int_equal(count_next(f), 1);
    assert_int_equal(count_next(f), 1);
    assert_int_equal(count_next(f), 1);
    assert_int_equal(count_next(f), 0);
}

/* So many small ones as before. */
static void test_frames_by_count(void **state) {
    fixture_t *f = *state;
    int i;

    for (i = 0; i < 700; i++)
        add(f, "k", 10, 0);
    assert_int_equal(count_next(f), 500);
    assert_int_equal(count_next(f), 200);
}

/* What could not be sent ends, and nothing else. */
static void test_refused_frame(void **state) {
    fixture_t *f = *state;
    cJSON *entries;

    add(f, "large", 300000, 0);
    add(f, "small", 10, 0);
    entries = keeper_queue_next(&f->queue, 1000);
    keeper_queue_refuse(&f->queue, SL_LOG_CONFIGS, 1, 1, "too large");
    cJSON_Delete(entries);
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->queue.count, 1);
    assert_int_equal(count_next(f), 1);
    keeper_queue_end(&f->queue, 2, NULL);
    assert_int_equal(f->kept, 1);
}

/* Offsets that nobody answers, many or large, leave the way of a configuration open. */
static void test_windows_of_logs(void **state) {
    fixture_t *f = *state;
    cJSON *entries;
    int i;

    for (i = 0; i < 1200; i++)
        add_to(f, SL_LOG_OFFSETS, "offset", 10, 0);
    assert_int_equal(count_next(f), 500);
    assert_int_equal(count_next(f), 500);
    assert_int_equal(count_next(f), 0); /* so many at once */
    add(f, "config", 10, 0);
    add_to(f, SL_LOG_STATES, "state", 10, 0);
    entries = keeper_queue_next(&f->queue, 1000);
    assert_string_equal(cJSON_GetObjectItem(entries->child, "k")->valuestring, "config");
    cJSON_Delete(entries);
    entries = keeper_queue_next(&f->queue, 1000);
    assert_string_equal(cJSON_GetObjectItem(entries->child, "k")->valuestring, "state");
    cJSON_Delete(entries);
    keeper_queue_end(&f->queue, 1201, NULL);
    assert_int_equal(f->kept, 1);
    assert_int_equal(count_next(f), 0); /* it was none of the offsets */
    keeper_queue_end(&f->queue, 1, NULL);
    assert_int_equal(count_next(f), 1);
    keeper_queue_again(&f->queue, 0);
    assert_int_equal(count_next(f), 500);
    assert_int_equal(count_next(f), 500);
    assert_int_equal(count_next(f), 1); /* the state */
}

static void test_window_by_bytes(void **state) {
    fixture_t *f = *state;
    int i;

    for (i = 0; i < 6; i++)
        add_to(f, SL_LOG_OFFSETS, "offset", (size_t)4 << 20, 0);
    for (i = 0; i < 3; i++)
        assert_int_equal(count_next(f), 1);
    assert_int_equal(count_next(f), 0); /* a fourth is above 16 MiB, with its key */
    keeper_queue_end(&f->queue, 1, NULL);
    assert_int_equal(count_next(f), 1);
}

/* A configuration that the child was given and does not answer. */
static void test_late_answers(void **state) {
    fixture_t *f = *state;

    add(f, "k", 10, 1000);
    assert_false(keeper_queue_is_stuck(&f->queue, 100000));
    assert_int_equal(count_next(f), 1);
    assert_false(keeper_queue_is_stuck(&f->queue, 36000));
    assert_true(keeper_queue_is_stuck(&f->queue, 36001));
    keeper_queue_again(&f->queue, 36001);
    assert_false(keeper_queue_is_stuck(&f->queue, 36001));
    keeper_queue_expire(&f->queue, 71001); /* it has the time once more */
    assert_int_equal(f->failed, 0);
    assert_int_equal(count_next(f), 1);
    keeper_queue_again(&f->queue, 71001);
    keeper_queue_expire(&f->queue, 71002); /* and not for ever */
    assert_int_equal(f->failed, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_frames_by_bytes),
        CASE(test_frames_by_count),
        CASE(test_refused_frame),
        CASE(test_late_answers),
        CASE(test_windows_of_logs),
        CASE(test_window_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
