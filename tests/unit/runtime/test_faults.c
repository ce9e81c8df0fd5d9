/* Failures at awkward moments: each of these once hung, lost its way or called a plugin wrongly. */
#include "harness_impl.h"

static char folder[] = "/tmp/sluice-faults-XXXXXX";

static int set_up(void **state) {
    (void)state;
    harness_reset();
    strcpy(folder, "/tmp/sluice-faults-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    harness_fini();
    rmdir(folder);
    return 0;
}

/* A run that hangs ends by this drain: STOPPED, not FINISHED. */
#define GUARD .drain_after_ms = 3000, .drain_deadline_ms = 300

/* Clients serve their answers inside write: room may come before BUSY is said. */
static void ready_inside_write_is_heard(void **state) {
    run_options_t o = {.branches = 1, .window = 1, GUARD};
    run_result_t r;

    (void)state;
    targets[0].ready_inside = 3;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
}

static void a_cut_connection_has_its_time(void **state) {
    run_options_t o = {.branches = 1, .window = 1, .failure_mode = SLUICE_PER_RECORD,
                       .retry_timeout_ms = 100, GUARD};
    run_result_t r;

    (void)state;
    targets[0].cut_at = 3;
    targets[0].fail_reopens = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "sink.open");
}

static void a_link_lost_while_transforms_open_is_made_again(void **state) {
    run_options_t o = {.branches = 2, .transforms = 2, GUARD};
    run_result_t r;

    (void)state;
    stages.open_ms = 60;
    targets[0].break_after_ms = 20;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].opens, 2);
    assert_int_equal(targets[0].count, 500);
    assert_int_equal(targets[1].count, 500);
}

/* Its spill is full while it reconnects: the branch has dropped a batch, so nothing may follow. */
static void a_failed_branch_stays_down(void **state) {
    run_options_t o = {.branches = 2, .spill_max = 1 << 20, .spill_fail = 1, .queue_bytes = 8 << 10,
                       .state_dir = folder, .stored_ms = 1500, .window = 1, GUARD};
    run_result_t r;

    (void)state;
    the_source.count = 100000;
    targets[0].break_at = 3;
    targets[0].reopen_ms = 600;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "spill.full");
    assert_int_equal(targets[0].opens, 2);
    assert_int_equal(targets[0].writes, 3);
}

/* A branch that lost its batches just before the drain answers the end of it once, not for others. */
static void a_drain_waits_for_each_branch(void **state) {
    run_options_t o = {.branches = 2, .window = 0, .drain_after_ms = 40, .drain_blocks_ms = 300};
    run_result_t r;

    (void)state;
    the_source.stop_at = 300;
    targets[0].buffer = 1000000;
    targets[0].buffer_ms = 60;
    targets[0].lose_released = SLUICE_RETRY;
    targets[1].slow_ms = 900;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(targets[0].lose_released, 0);
    assert_int_equal(targets[1].count, 300);
    assert_int_equal(harness_stored(1, 0), 300);
}

static void a_source_is_not_closed_inside_its_emit(void **state) {
    run_options_t o = {.branches = 1, .transforms = 1, GUARD};
    run_result_t r;

    (void)state;
    stages.reject_every = 5;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.reject");
    assert_int_equal(the_source.inside_emit, 0);
}

static void a_flush_that_cannot_is_tried_again(void **state) {
    run_options_t o = {.branches = 1, GUARD};
    run_result_t r;

    (void)state;
    targets[0].buffer = 1000000;
    targets[0].flush_retries = 3;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
}

static void a_flush_that_never_can_has_its_time(void **state) {
    run_options_t o = {.branches = 1, .retry_timeout_ms = 60, GUARD};
    run_result_t r;

    (void)state;
    targets[0].buffer = 1000000;
    targets[0].flush_retries = 1000000;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.flush");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(ready_inside_write_is_heard),
        TEST(a_cut_connection_has_its_time),
        TEST(a_link_lost_while_transforms_open_is_made_again),
        TEST(a_failed_branch_stays_down),
        TEST(a_drain_waits_for_each_branch),
        TEST(a_source_is_not_closed_inside_its_emit),
        TEST(a_flush_that_cannot_is_tried_again),
        TEST(a_flush_that_never_can_has_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
