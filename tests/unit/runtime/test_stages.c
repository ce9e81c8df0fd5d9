/* Converters and transforms on the way: errors policy, retry, checkpoints before positions. */
#include "harness_impl.h"

static void a_sink_of_bytes_gets_converted_records(void **state) {
    run_options_t o = {.branches = 1};

    (void)state;
    stages.bytes = stages.decode = 1;
    the_source.payload = 10;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(stages.decoded, 1000);
    assert_int_equal(stages.encoded, 2000); /* key and value */
}

static void what_a_converter_refuses_is_a_dead_letter(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 100), 0);
    assert_int_equal(harness_dead_letters("\"stage\":\"converter\""), 10);
    assert_int_equal(r.stats[0][SL_BRANCH_TOLERATED], 10);
    assert_int_equal(r.ledger_faults, 0);
    assert_int_equal(harness_stored(0, 0), 1000);
}

static void without_tolerance_a_refusal_fails(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 500;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.convert");
    assert_true(harness_stored(0, 0) < 500);
}

/* The record is good, whoever it was that had no memory for it. */
static void starve(const run_options_t *o) {
    run_result_t r;

    stages.starve_at = 500;
    r = harness_run(o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_non_null(strstr(r.trace, "no memory"));
    assert_int_equal(harness_dead_letters("\"stage\""), 0);
    assert_true(harness_stored(0, 0) < 500);
    stages.starve_at = 0;
    assert_int_equal(harness_run(o).state, SL_TRUNK_FINISHED);
}

static void without_memory_no_record_is_tolerated(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file};

    (void)state;
    stages.bytes = 1;
    starve(&o);
    assert_complete(&targets[0], 1, 1000, 0);
}

static void without_memory_no_record_is_tolerated_by_who_asks(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file};

    (void)state;
    stages.bytes = stages.asking = 1;
    starve(&o);
    assert_complete(&targets[0], 1, 1000, 0);
}

static void without_memory_no_record_is_tolerated_by_predicates(void **state) {
    run_options_t o = {.branches = 1, .trunk_tolerates = 1, .dead_letters = harness_dead_file,
                       .transforms = 1 | 4};

    (void)state;
    starve(&o);
}

/* ---- converters that ask a service ---- */

static void batches_wait_for_the_answers_of_a_service(void **state) {
    run_options_t o = {.branches = 2};

    (void)state;
    stages.bytes = stages.decode = 1;
    stages.asking = 20;
    the_source.payload = 10;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(assert_complete(&targets[1], 1, 1000, 0), 0);
    /* What was done before a wait was not done again. */
    assert_int_equal(stages.decoded, 1000);
    assert_int_equal(stages.encoded, 2 * 2 * 1000);
    assert_int_equal(stages.asked_anew, 0);
    assert_int_equal(stages.askers, 0);
}

static void refusals_on_both_sides_of_a_wait_are_dead_letters(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    stages.bytes = 1;
    stages.asking = 30;
    stages.refuse_every = 50;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 50), 0);
    assert_int_equal(harness_dead_letters("\"stage\":\"converter\""), 20);
    assert_int_equal(r.ledger_faults, 0);
}

static void a_sink_that_breaks_while_a_converter_waits_gets_everything(void **state) {
    run_options_t o = {.branches = 1};

    (void)state;
    stages.bytes = stages.decode = 1;
    stages.asking = 30;
    targets[0].break_at = 5;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_complete(&targets[0], 1, 1000, 0);
    assert_int_equal(stages.askers, 0);
}

static void a_service_that_fails_is_asked_again(void **state) {
    run_options_t o = {.branches = 1};

    (void)state;
    stages.bytes = stages.decode = 1;
    stages.asking = 5;
    stages.service_down = SLUICE_NOT_CONNECTED;
    stages.failures = 20;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(stages.failures, 0);
}

static run_result_t with_a_service_that_is_down(int status, int connect, int64_t timeout_ms) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file,
                       .connect = connect, .retry_timeout_ms = timeout_ms};

    stages.bytes = 1;
    stages.asking = 5;
    stages.service_down = status;
    stages.failures = 1000000;
    return harness_run(&o);
}

static void a_service_that_stays_away_fails_the_task_when_time_is_up(void **state) {
    run_result_t r = with_a_service_that_is_down(SLUICE_NOT_CONNECTED, 0, 30);

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.service");
    assert_int_equal(harness_dead_letters("test.service"), 0);
    assert_int_equal(stages.askers, 0);
}

static void a_service_that_refuses_us_fails_the_task(void **state) {
    run_result_t r = with_a_service_that_is_down(SLUICE_FATAL, 0, 0);

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.service");
    assert_int_equal(harness_dead_letters("test.service"), 0);
}

static void a_connector_without_a_retry_timeout_does_not_ask_again(void **state) {
    run_result_t r = with_a_service_that_is_down(SLUICE_NOT_CONNECTED, 1, 0);

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_int_equal(stages.failures, 1000000 - 1);
}

static void what_a_service_keeps_failing_is_the_records_failure(void **state) {
    run_result_t r = with_a_service_that_is_down(SLUICE_RETRY, 1, 0);

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(harness_dead_letters("test.service"), 1000);
}

static void what_a_shared_transform_rejects_is_a_dead_letter(void **state) {
    run_options_t o = {.branches = 2, .transforms = 1, .trunk_tolerates = 1,
                       .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    stages.reject_every = 10;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2 * 900);
    assert_int_equal(targets[1].count, 2 * 900);
    assert_int_equal(harness_dead_letters("rejected number"), 100); /* once, not for each branch */
    assert_int_equal(r.ledger_faults, 0);
}

static void without_tolerance_a_rejection_fails(void **state) {
    run_options_t o = {.branches = 1, .transforms = 1};
    run_result_t r;

    (void)state;
    stages.reject_every = 500;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_non_null(strstr(r.trace, "transform double"));
    assert_non_null(strstr(r.trace, "00000000000001f4"));
}

static void transforms_that_ask_for_time_get_it(void **state) {
    run_options_t o = {.branches = 2, .transforms = 1 | 2, .retry_timeout_ms = -1};
    run_result_t r;

    (void)state;
    stages.retry_percent = 15;
    the_source.count = 400;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 400); /* evens, each twice */
    assert_int_equal(targets[1].count, 400);
    assert_int_equal(r.ledger_faults, 0);
}

static void state_is_durable_before_positions(void **state) {
    run_options_t o = {.branches = 1, .transforms = 1, .commit_ms = 2, .window = 1};

    (void)state;
    stages.stateful = 1;
    targets[0].slow_ms = 1;
    the_source.partitions = 2;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_true(stages.checkpoints > 2);
    assert_int_equal(harness_stored(0, 1), 1000);
}

/* `shared`: the transform of the trunk, else a branch's. */
static void hang(int shared) {
    run_options_t o = {.branches = 1, .commit_ms = 2, .window = 1, .checkpoint_ms = 100};
    run_result_t r;

    o.transforms = shared ? 1 : 2;
    stages.stateful = 1;
    stages.hang_at = 3;
    targets[0].slow_ms = 1;
    the_source.partitions = 2;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_non_null(strstr(r.trace, "never ended it"));
    assert_int_equal(stages.checkpoints, 3);
}

static void a_shared_checkpoint_that_hangs_fails_the_task(void **state) {
    (void)state;
    hang(1);
}

static void a_checkpoint_of_a_branch_that_hangs_fails_the_task(void **state) {
    (void)state;
    hang(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_sink_of_bytes_gets_converted_records),
        TEST(what_a_converter_refuses_is_a_dead_letter),
        TEST(without_tolerance_a_refusal_fails),
        TEST(without_memory_no_record_is_tolerated),
        TEST(without_memory_no_record_is_tolerated_by_who_asks),
        TEST(without_memory_no_record_is_tolerated_by_predicates),
        TEST(batches_wait_for_the_answers_of_a_service),
        TEST(refusals_on_both_sides_of_a_wait_are_dead_letters),
        TEST(a_sink_that_breaks_while_a_converter_waits_gets_everything),
        TEST(a_service_that_fails_is_asked_again),
        TEST(a_service_that_stays_away_fails_the_task_when_time_is_up),
        TEST(a_service_that_refuses_us_fails_the_task),
        TEST(a_connector_without_a_retry_timeout_does_not_ask_again),
        TEST(what_a_service_keeps_failing_is_the_records_failure),
        TEST(what_a_shared_transform_rejects_is_a_dead_letter),
        TEST(without_tolerance_a_rejection_fails),
        TEST(transforms_that_ask_for_time_get_it),
        TEST(state_is_durable_before_positions),
        TEST(a_shared_checkpoint_that_hangs_fails_the_task),
        TEST(a_checkpoint_of_a_branch_that_hangs_fails_the_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
