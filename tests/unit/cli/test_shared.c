/* Opening what a standalone worker shares, and giving it up at each point. */
#include "cli/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sluice/error.h"

typedef struct fixture {
    uv_loop_t loop;
    uv_prepare_t turn;
    char folder[64];
    sl_store_t *store;
    cJSON *worker;
    sl_shared_t *shared; /* until done */
    int cancels_in_turn;
    int done;
    int failed;
} fixture_t;

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);
    sl_store_options_t options = {f->folder, NULL, NULL, 2000};
    char error[512], path[100];

    strcpy(f->folder, "/tmp/sluice-shared-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    uv_loop_init(&f->loop);
    assert_int_equal(sl_store_open(&f->loop, &options, &f->store, error, sizeof error), SLUICE_OK);
    snprintf(path, sizeof path, "%s/offsets", f->folder);
    f->worker = cJSON_CreateObject();
    cJSON_AddStringToObject(f->worker, "sluice.connect.mode", "standalone");
    cJSON_AddStringToObject(f->worker, "offset.storage.file.filename", path);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture_t *f = *state;
    char command[100];

    sl_store_close(f->store, NULL, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    cJSON_Delete(f->worker);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void on_done(void *user, const char *cluster, const char *error) {
    fixture_t *f = user;

    assert_null(cluster);
    f->shared = NULL;
    f->done++;
    f->failed = error != NULL;
}

/* Behind the timers of a turn and before what they closed is gone: as a signal comes. */
static void on_turn(uv_prepare_t *turn) {
    fixture_t *f = turn->data;

    if (f->cancels_in_turn && f->shared != NULL)
        sl_shared_cancel(f->shared);
    uv_close((uv_handle_t *)turn, NULL);
}

static void open_shared(fixture_t *f) {
    sl_shared_params_t params = {
        .loop = &f->loop, .worker = f->worker, .store = f->store, .done = on_done, .user = f};

    uv_prepare_init(&f->loop, &f->turn);
    f->turn.data = f;
    uv_prepare_start(&f->turn, on_turn);
    assert_int_equal(sl_shared_open(&params, &f->shared), SLUICE_OK);
}

static void run(fixture_t *f) {
    while (f->done == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->done, 1);
}

static void test_opens(void **state) {
    fixture_t *f = *state;

    open_shared(f);
    run(f);
    assert_false(f->failed);
}

static void test_cancelled_before(void **state) {
    fixture_t *f = *state;

    open_shared(f);
    sl_shared_cancel(f->shared);
    run(f);
    assert_true(f->failed);
}

/* It is shared: the log is the store's, and nobody else may close it. */
static void test_cancelled_when_shared(void **state) {
    fixture_t *f = *state;

    f->cancels_in_turn = 1;
    open_shared(f);
    run(f);
    assert_false(f->failed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_opens),
        CASE(test_cancelled_before),
        CASE(test_cancelled_when_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
