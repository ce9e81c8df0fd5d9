/* Steps of a chain that a batch passes at once, and what makes it go step by step. */
#include "harness_impl.h"

#define CHAIN_OF_THREE 8

static void steps_that_take_records_are_passed_at_once(void **state) {
    run_options_t o = {.branches = 2, .transforms = CHAIN_OF_THREE};
    run_result_t r;

    (void)state;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(assert_complete(&targets[1], 1, 1000, 0), 0);
    assert_int_equal(stages.passed, 3 * 1000);
    assert_int_equal(stages.step_by_step, 0);
    assert_int_equal(stages.wrong_keys, 0);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(r.ledger_faults, 0);
}

/* The batch was changed in part when the third found it: it begins anew with what came in. */
static void a_bad_record_is_the_step_s_that_refused_it(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE, .trunk_tolerates = 1,
                       .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    stages.reject_every = 8;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 8), 0);
    assert_int_equal(harness_dead_letters("rejected number"), 125);
    assert_int_equal(harness_dead_letters("pass-3"), 125);
    assert_int_equal(harness_dead_letters("\"key\":2000016,"), 1); /* as the second left it */
    assert_int_equal(stages.wrong_keys, 0);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(r.ledger_faults, 0);
}

/* Two bad records in a hundred batches. */
static void some_batches_behind_a_bad_one_go_step_by_step(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE, .trunk_tolerates = 1};

    (void)state;
    the_source.batch = 10;
    stages.reject_every = 400;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 400), 0);
    assert_in_range(stages.step_by_step, 2 * 3 * 2, 2 * 3 * 9);
    assert_true(stages.passed > 3 * 700);
    assert_int_equal(stages.wrong_keys, 0);
}

static void what_comes_before_a_bad_record_is_delivered(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE, .stop_at_record = 1};
    run_result_t r;

    (void)state;
    stages.reject_every = 495;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.reject");
    assert_non_null(strstr(r.trace, "transform pass-3"));
    assert_int_equal(targets[0].count, 494);
    assert_int_equal(harness_stored(0, 0), 494);
    stages.reject_every = 0;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(stages.wrong_keys, 0);
}

static void what_a_step_leaves_out_is_done(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE};
    run_result_t r;

    (void)state;
    stages.drop_every = 10;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 10), 0);
    assert_int_equal(stages.passed, 3 * 1000 - 100);
    assert_int_equal(stages.step_by_step, 0);
    assert_int_equal(stages.wrong_keys, 0);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(r.ledger_faults, 0);
}

static void batches_of_which_nothing_is_left_move_the_position(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE};
    run_result_t r;

    (void)state;
    stages.drop_every = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 0);
    assert_int_equal(stages.passed, 2 * 1000);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(r.ledger_faults, 0);
}

static void a_predicate_lets_records_past_one_step(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE | 4};
    run_result_t r;

    (void)state;
    stages.judged = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_true(stages.passed > 2 * 1000 + 300 && stages.passed < 2 * 1000 + 370);
    assert_int_equal(stages.step_by_step, 0);
    assert_int_equal(stages.wrong_keys, 0);
    assert_int_equal(r.ledger_faults, 0);
}

/* A retry of the step behind them begins with what they made. */
static void a_retry_behind_them_does_not_repeat_them(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE | 1,
                       .trunk_retry_timeout_ms = -1};
    run_result_t r;

    (void)state;
    stages.retry_percent = 15;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2 * 1000);
    assert_int_equal(stages.passed, 3 * 1000);
    assert_int_equal(stages.wrong_keys, 0);
    assert_int_equal(r.ledger_faults, 0);
}

/* One that retries with bad records before it: neither is done twice. */
static void a_retry_behind_steps_by_themselves_does_not_repeat_them(void **state) {
    run_options_t o = {.branches = 1, .transforms = CHAIN_OF_THREE | 1, .trunk_tolerates = 1,
                       .trunk_retry_timeout_ms = -1, .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    stages.retry_percent = 15;
    stages.reject_every = 50;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2 * 980);
    assert_int_equal(harness_dead_letters("rejected number"), 20);
    assert_int_equal(stages.wrong_keys, 0);
    assert_int_equal(r.ledger_faults, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(steps_that_take_records_are_passed_at_once),
        TEST(a_bad_record_is_the_step_s_that_refused_it),
        TEST(some_batches_behind_a_bad_one_go_step_by_step),
        TEST(what_comes_before_a_bad_record_is_delivered),
        TEST(what_a_step_leaves_out_is_done),
        TEST(batches_of_which_nothing_is_left_move_the_position),
        TEST(a_predicate_lets_records_past_one_step),
        TEST(a_retry_behind_them_does_not_repeat_them),
        TEST(a_retry_behind_steps_by_themselves_does_not_repeat_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
