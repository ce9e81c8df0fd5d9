/* Bad records in each failure mode, dead letters, retry time. */
#include "harness_impl.h"

#include <sys/stat.h>

static void bad_records(int mode, int window, int partial) {
    run_options_t o = {.branches = 1, .failure_mode = mode, .window = window, .tolerate_all = 1,
                       .dead_letters = harness_dead_file};
    run_result_t r;

    the_source.batch = 37;
    targets[0].bad_every = 41;
    targets[0].chaos.partial = partial;
    targets[0].chaos.delay = 30;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    /* who tells each record apart keeps no order of them */
    if (partial == 0 || mode != SLUICE_PER_RECORD)
        assert_int_equal(assert_complete(&targets[0], 1, 1000, 41), 0);
    assert_int_equal(targets[0].count, 1000 - 24); /* nothing lost, nothing twice */
    assert_int_equal(harness_dead_letters("\"code\":\"test.bad\""), 24);
    assert_int_equal(harness_dead_letters("\"key\":41,"), 1);
    assert_int_equal(r.stats[0][SL_BRANCH_TOLERATED], 24);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(r.ledger_faults, 0);
}

static void atomic_is_bisected(void **state) {
    (void)state;
    bad_records(SLUICE_ATOMIC, 1, 0);
}

static void prefix_goes_on_behind(void **state) {
    (void)state;
    bad_records(SLUICE_PREFIX, 1, 5);
}

static void per_record_takes_the_rest(void **state) {
    (void)state;
    bad_records(SLUICE_PER_RECORD, 1, 5);
}

static void per_record_with_a_window(void **state) {
    (void)state;
    bad_records(SLUICE_PER_RECORD, 8, 0);
}

/* Nothing but api->fail says why: its words are in the dead letters, each with its own record. */
static void words_of_write_itself_are_kept(void **state) {
    (void)state;
    targets[0].bad_at_once = 1;
    bad_records(SLUICE_ATOMIC, 1, 0);
    assert_int_equal(harness_dead_letters("\"message\":\"bad number 41 at once\""), 1);
    assert_int_equal(harness_dead_letters("\"message\":\"bad number 984 at once\""), 1);
    assert_int_equal(harness_dead_letters(" at once\""), 24);
}

static void words_of_write_itself_are_in_the_trace(void **state) {
    run_options_t o = {.branches = 1, .window = 1};
    run_result_t r;

    (void)state;
    targets[0].bad_every = 505;
    targets[0].bad_at_once = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.bad");
    assert_non_null(strstr(r.trace, "bad number 505 at once"));
}

static void without_tolerance_the_task_fails(void **state) {
    run_options_t o = {.branches = 1, .window = 1, .commit_ms = 10000};
    run_result_t r;

    (void)state;
    targets[0].bad_every = 505;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.bad");
    assert_non_null(strstr(r.trace, "bad number"));
    assert_non_null(strstr(r.trace, "topic numbers"));
    assert_non_null(strstr(r.trace, "{\"p\":0}"));
    assert_non_null(strstr(r.trace, "00000000000001f9")); /* 505 */
    /* What was delivered of its batch counts. */
    assert_int_equal(harness_stored(0, 0), 504);
    assert_int_equal(targets[0].log[targets[0].count - 1].number, 504);
}

static void retry_has_its_time(void **state) {
    run_options_t o = {.branches = 1, .retry_timeout_ms = 60};
    run_result_t r;

    (void)state;
    targets[0].chaos.retry = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_true(r.stats[0][SL_BRANCH_RETRIES] > 3);
    assert_non_null(strstr(r.trace, "retry.timeout"));
}

static void retries_keep_order(void **state) {
    run_options_t o = {.branches = 1, .window = 1};
    run_result_t r;

    (void)state;
    targets[0].chaos = (chaos_t){.retry = 20, .reject = 20, .busy = 20, .delay = 50};
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_true(r.stats[0][SL_BRANCH_REPEATED] > 0);
}

static void a_dead_letter_file_that_cannot_be_written_fails(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = "/nowhere/at/all"};
    run_result_t r;

    (void)state;
    targets[0].bad_every = 5;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_non_null(strstr(r.trace, "/nowhere/at/all"));
    assert_int_equal(harness_stored(0, 0), 4);
}

/* A retry, or the source that goes back, makes stages see records again: one dead letter each. */
static void rejected_once_through_retries(void **state) {
    run_options_t o = {.branches = 1, .window = 1, .tolerate_all = 1, .transforms = 2,
                       .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    stages.reject_every = 10;
    stages.again_after_reject = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(harness_dead_letters("test.reject"), 100);
    assert_int_equal(r.stats[0][SL_BRANCH_TOLERATED], 100);
    assert_int_equal(r.ledger_faults, 0);
}

static void go_back(run_options_t *o) {
    run_result_t r;

    the_source.batch = 10;
    targets[0].buffer = 40; /* released at once, then the first of them are lost */
    targets[0].lose_released = SLUICE_RETRY;
    r = harness_run(o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].lose_released, 0);
    assert_true(the_source.opened > 1);
    assert_int_equal(r.ledger_faults, 0);
}

static void rejected_once_though_the_source_goes_back(void **state) {
    run_options_t o = {
        .branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file, .transforms = 2};

    (void)state;
    stages.reject_every = 10;
    go_back(&o);
    assert_int_equal(harness_dead_letters("test.reject"), 100);
}

static void refused_once_though_the_source_goes_back(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file};

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 10;
    go_back(&o);
    assert_int_equal(harness_dead_letters("test.convert"), 100);
}

static void a_value_past_32_bits_is_refused(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .dead_letters = harness_dead_file};
    run_result_t r;

    (void)state;
    the_source.count = 100;
    stages.bytes = stages.huge = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 99);
    assert_int_equal(harness_dead_letters("record.too_large"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(atomic_is_bisected),
        TEST(prefix_goes_on_behind),
        TEST(per_record_takes_the_rest),
        TEST(per_record_with_a_window),
        TEST(words_of_write_itself_are_kept),
        TEST(words_of_write_itself_are_in_the_trace),
        TEST(without_tolerance_the_task_fails),
        TEST(retry_has_its_time),
        TEST(retries_keep_order),
        TEST(rejected_once_through_retries),
        TEST(rejected_once_though_the_source_goes_back),
        TEST(refused_once_though_the_source_goes_back),
        TEST(a_value_past_32_bits_is_refused),
        TEST(a_dead_letter_file_that_cannot_be_written_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
