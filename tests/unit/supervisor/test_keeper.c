/* The child that keeps a worker's topics, as its supervisor sees it: how long it may read. */
#include "supervisor/keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "fake_child.h"
#include "observe/log.h"
#include "sluice/error.h"

typedef struct fixture {
    uv_loop_t loop;
    sl_store_log_t *log;
    int began;
    int entries; /* since it began */
    int opened;
    int closed;
    char error[300];
} fixture_t;

/* The name of the system that it says is the first writer's whose transaction it was to end. */
static void wait_blocked(useconds_t us) {
    char opened[200];
    cJSON *fence;

    fake_send("{\"type\":\"blocked\"}");
    fence = fake_receive();
    usleep(us);
    snprintf(opened, sizeof opened, "{\"type\":\"opened\",\"system\":\"%s %s\"}",
             fake_text(fence, "type"),
             cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItem(fence, "writers"), 1)));
    fake_send(opened);
    cJSON_Delete(fence);
}

/* ---- the child: "frames" of one entry each, "pause" between them in ms, then the end ---- */

static int fake_store_main(void) {
    cJSON *open = fake_receive();
    const cJSON *config = cJSON_GetObjectItem(open, "config");
    int i, frames = atoi(fake_text(config, "frames"));
    const char *end = fake_text(config, "end");

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (i = 0; i < frames; i++) {
        fake_send("{\"type\":\"entries\",\"entries\":[{\"l\":1,\"k\":\"k\",\"v\":\"{}\"}]}");
        usleep((useconds_t)atoi(fake_text(config, "pause")) * 1000);
    }
    if (strcmp(end, "blocked") == 0)
        wait_blocked((useconds_t)atoi(fake_text(config, "pause")) * 1000);
    if (strcmp(end, "open") == 0)
        fake_send("{\"type\":\"opened\",\"system\":\"s\"}");
    else if (strcmp(end, "fail") == 0)
        fake_send("{\"type\":\"failed\",\"message\":\"no broker\",\"heals\":true}");
    if (strcmp(end, "fail") == 0)
        _exit(10);
    for (;;)
        cJSON_Delete(fake_receive());
}

/* ---- fixture ---- */

static void on_begin(void *user) {
    fixture_t *f = user;

    f->began++;
    f->entries = 0;
}

static void on_entry(void *user, const sl_log_entry_t *entry) {
    assert_int_equal(entry->log, SL_LOG_OFFSETS);
    ((fixture_t *)user)->entries++;
}

static cJSON *on_writers(void *user) {
    (void)user;
    return cJSON_Parse("[\"group-a-0\",\"group-a-1\"]");
}

static void on_opened(void *user, const char *system, const char *error) {
    fixture_t *f = user;

    f->opened++;
    snprintf(f->error, sizeof f->error, "%s", error == NULL ? system : error);
}

static void on_closed(void *user) {
    ((fixture_t *)user)->closed = 1;
}

static void run(fixture_t *f, const char *config, uint64_t open_ms) {
    sl_keeper_params_t p = {.loop = &f->loop,
                            .executable = "/proc/self/exe",
                            .module = "none",
                            .plugin = "none",
                            .config = cJSON_Parse(config),
                            .lock_fd = -1,
                            .open_ms = open_ms,
                            .begin = on_begin,
                            .entry = on_entry,
                            .writers = on_writers,
                            .opened = on_opened,
                            .user = f};

    assert_int_equal(sl_keeper_open(&p, &f->log), SLUICE_OK);
    while (f->opened == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    f->log->close(f->log, on_closed, f);
    while (!f->closed)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->opened, 1);
}

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);

    signal(SIGPIPE, SIG_IGN); /* children end when they like */
    sl_log_set_level(NULL, SLUICE_LOG_ERROR);
    uv_loop_init(&f->loop);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture_t *f = *state;

    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

/* Reading that goes on takes as long as it takes. */
static void test_long_reading(void **state) {
    fixture_t *f = *state;

    run(f, "{\"frames\":\"15\",\"pause\":\"300\",\"end\":\"open\"}", 2000);
    assert_string_equal(f->error, "s");
    assert_int_equal(f->began, 1);
    assert_int_equal(f->entries, 15);
}

/* Others' transactions have their time, whatever the patience with anything else. */
static void test_blocked_reading(void **state) {
    fixture_t *f = *state;

    run(f, "{\"frames\":\"0\",\"pause\":\"2500\",\"end\":\"blocked\"}", 1000);
    assert_string_equal(f->error, "fence group-a-1");
}

static void test_stalled_reading(void **state) {
    fixture_t *f = *state;

    run(f, "{\"frames\":\"3\",\"pause\":\"1\",\"end\":\"stall\"}", 2000);
    assert_string_equal(f->error, "given up after 2 s without progress, 3 entries having been "
                                  "read: the worker's topics could not be read");
}

/* The same again is no progress. */
static void test_reading_that_begins_anew(void **state) {
    fixture_t *f = *state;

    run(f, "{\"frames\":\"3\",\"pause\":\"1\",\"end\":\"fail\"}", 3000);
    assert_true(f->began > 1);
    assert_string_equal(f->error, "given up after 3 s without progress, 3 entries having been "
                                  "read: no broker");
}

static void test_nothing_to_read(void **state) {
    fixture_t *f = *state;

    run(f, "{\"frames\":\"0\",\"end\":\"fail\"}", 1000);
    assert_string_equal(f->error, "given up after 1 s: no broker");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        CASE(test_long_reading),
        CASE(test_blocked_reading),
        CASE(test_stalled_reading),
        CASE(test_reading_that_begins_anew),
        CASE(test_nothing_to_read),
    };

    if (argc > 1 && strcmp(argv[1], "__store") == 0)
        return fake_store_main();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
