/* sluice/uv.h: waiting for a condition on a loop of one's own. */
#include "sluice/uv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FAR_MS 3000

typedef struct world {
    uv_loop_t loop;
    uv_timer_t near; /* makes it hold */
    uv_timer_t far;  /* what a turn could sleep for */
    int holds;
} world_t;

static void on_near(uv_timer_t *timer) {
    ((world_t *)timer->data)->holds = 1;
}

static void on_far(uv_timer_t *timer) {
    (void)timer;
}

static int holds(void *user) {
    return ((world_t *)user)->holds;
}

static int set_up(void **state) {
    static world_t w;

    w = (world_t){0};
    assert_int_equal(uv_loop_init(&w.loop), 0);
    uv_timer_init(&w.loop, &w.near);
    uv_timer_init(&w.loop, &w.far);
    w.near.data = w.far.data = &w;
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_t *w = *state;

    uv_close((uv_handle_t *)&w->near, NULL);
    uv_close((uv_handle_t *)&w->far, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    return 0;
}

/* How long it took, which must be 1 or 0. */
static uint64_t waited(world_t *w, int expected) {
    uint64_t begin = uv_hrtime();

    assert_int_equal(sluice_uv_run_until(&w->loop, holds, w), expected);
    return (uv_hrtime() - begin) / 1000000;
}

/* The first half of the first turn runs it, before the turn sleeps. */
static void test_timer_before_the_sleep(void **state) {
    world_t *w = *state;

    uv_timer_start(&w->far, on_far, FAR_MS, 0);
    uv_timer_start(&w->near, on_near, 0, 0);
    assert_true(waited(w, 1) < FAR_MS / 2);
}

static void test_timer_after_a_sleep(void **state) {
    world_t *w = *state;

    uv_timer_start(&w->far, on_far, FAR_MS, 0);
    uv_timer_start(&w->near, on_near, 20, 0);
    assert_true(waited(w, 1) < FAR_MS / 2);
}

/* Nothing stays behind that would stop the loop's next run. */
static void test_holds_before_the_first_turn(void **state) {
    world_t *w = *state;

    uv_timer_start(&w->far, on_far, FAR_MS, 0);
    w->holds = 1;
    assert_true(waited(w, 1) < FAR_MS / 2);
    w->holds = 0;
    uv_timer_start(&w->near, on_near, 20, 0);
    uv_unref((uv_handle_t *)&w->far);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->holds, 1);
    uv_ref((uv_handle_t *)&w->far);
}

static void test_nothing_left_to_wait_for(void **state) {
    world_t *w = *state;

    uv_timer_start(&w->far, on_far, 20, 0);
    assert_true(waited(w, 0) < FAR_MS / 2);
}

static void test_again_and_again(void **state) {
    world_t *w = *state;
    int i;

    uv_timer_start(&w->far, on_far, FAR_MS, 0);
    for (i = 0; i < 3; i++) {
        w->holds = 0;
        uv_timer_start(&w->near, on_near, 0, 0);
        assert_true(waited(w, 1) < FAR_MS / 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timer_before_the_sleep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_timer_after_a_sleep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_holds_before_the_first_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_left_to_wait_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_again_and_again, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
