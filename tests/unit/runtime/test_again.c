/* Transforms and converters of connectors that ask for time, as Kafka Connect gives it. */
#include "harness_impl.h"

/* `where`: 1 a shared transform, 2 one of the branch (which leaves odd numbers out). */
static run_result_t run(int where, int64_t timeout_ms, int tolerate) {
    run_options_t o = {.branches = 1, .connect = 1, .transforms = where, .stop_at_record = 1,
                       .tolerate_all = tolerate, .trunk_tolerates = tolerate,
                       .retry_timeout_ms = timeout_ms, .trunk_retry_timeout_ms = timeout_ms};

    stages.again_every = 500;
    return harness_run(&o);
}

static void without_a_timeout_there_is_no_second_try(void **state) {
    run_result_t r = run(1, 0, 0);

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_non_null(strstr(r.trace, "test.later"));
    assert_non_null(strstr(r.trace, "Tolerance exceeded"));
    assert_int_equal(stages.again_alone, 1);
    assert_int_equal(targets[0].count, 2 * 499);
    assert_int_equal(harness_stored(0, 0), 499);
}

static void what_has_no_time_left_is_tolerated(void **state) {
    run_result_t r = run(1, 0, 1);

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2 * 998);
    assert_int_equal(stages.again_alone, 2);
    assert_int_equal(r.ledger_faults, 0);
}

static void each_record_has_its_own_time(void **state) {
    uint64_t began = uv_hrtime();
    run_result_t r = run(2, 60, 1);
    uint64_t spent = (uv_hrtime() - began) / 1000000;

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 498);
    assert_true(stages.again_alone > 4); /* waits are below 4 ms */
    assert_true(spent >= 120);
    assert_int_equal(r.stats[0][SL_BRANCH_TOLERATED], 2);
}

static void without_an_end_it_is_tried_until_it_works(void **state) {
    run_result_t r;

    (void)state;
    stages.again_left = 20;
    r = run(1, -1, 0);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2000);
    assert_int_equal(stages.again_alone, 19);
    assert_int_equal(r.ledger_faults, 0);
}

/* The first wait is 300 ms by itself: there is one more try at the end of the time (or two, when
 * the timer's clock is a millisecond ahead). */
static void waits_are_cut_at_the_end(void **state) {
    run_options_t o = {.branches = 1, .connect = 1, .transforms = 1, .trunk_tolerates = 1,
                       .trunk_retry_timeout_ms = 280, .delay_max_ms = 60000};

    (void)state;
    stages.again_every = 1000;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_in_range(stages.again_alone, 2, 3);
    assert_int_equal(targets[0].count, 2 * 999);
}

static void who_is_only_busy_has_time(void **state) {
    run_result_t r;

    (void)state;
    stages.again_left = 20;
    stages.again_status = SLUICE_BUSY;
    r = run(1, 0, 0);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2000);
}

static uint64_t now_ms(void *user) {
    (void)user;
    return uv_hrtime() / 1000000;
}

static uint64_t least(void *user) {
    (void)user;
    return 0; /* of each wait's range, which is never under a hundredth of its end */
}

/* Waits that grew from record to record would add up to 8 s. */
static void who_is_busy_with_each_record_waits_no_longer_for_the_next(void **state) {
    sl_retry_env_t env = {now_ms, least, NULL};
    run_options_t o = {.branches = 1, .connect = 1, .transforms = 1, .delay_max_ms = 60000,
                       .trunk_retry_timeout_ms = 1000, .retry_env = &env};
    uint64_t began = uv_hrtime();

    (void)state;
    the_source.count = the_source.batch = 20;
    stages.busy_alone = 1;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 40);
    assert_true(uv_hrtime() - began < (uint64_t)4000000000);
}

static void a_transform_whose_server_is_away_fails_the_task(void **state) {
    run_result_t r;

    (void)state;
    stages.again_status = SLUICE_NOT_CONNECTED;
    r = run(1, 30, 1);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "retry.timeout");
    assert_non_null(strstr(r.trace, "test.later"));
}

/* Records that the predicate lets by-pass it are not lost, and keep their order. */
static void predicates_hold_record_by_record(void **state) {
    run_options_t o = {.branches = 1, .connect = 1, .transforms = 1 | 4, .trunk_tolerates = 1};

    (void)state;
    the_source.count = 90;
    stages.again_every = 9;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    /* Two of each third, one of the others, none of each ninth. */
    assert_int_equal(targets[0].count, 60 + 2 * 20);
}

static run_result_t convert(int failures, int64_t timeout_ms) {
    run_options_t o = {.branches = 1, .connect = 1, .tolerate_all = 1,
                       .retry_timeout_ms = timeout_ms};

    the_source.count = 20;
    stages.bytes = 1;
    stages.asking = 1;
    stages.service_down = SLUICE_RETRY;
    stages.failures = failures;
    return harness_run(&o);
}

static void a_converters_time_is_each_keys_own(void **state) {
    uint64_t began = uv_hrtime();
    run_result_t r = convert(1000000, 20);
    uint64_t spent = (uv_hrtime() - began) / 1000000;

    (void)state;
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(r.stats[0][SL_BRANCH_TOLERATED], 20);
    assert_int_equal(targets[0].count, 0);
    assert_true(spent >= 20 * 20);
}

static void a_converter_is_asked_until_it_works(void **state) {
    (void)state;
    assert_int_equal(convert(30, -1).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 20);
    assert_int_equal(stages.failures, 0);
}

/* A time for transforms and converters is none for the target. */
static void a_connectors_target_is_waited_for(void **state) {
    run_options_t o = {.branches = 1, .connect = 1, .retry_timeout_ms = 1};

    (void)state;
    targets[0].fail_opens = 20;
    targets[0].chaos.retry = 20;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_complete(&targets[0], 1, 1000, 0);
    targets[0].count = 0;
    targets[0].fail_opens = 20;
    harness_forget();
    o.connect = 0;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(without_a_timeout_there_is_no_second_try),
        TEST(what_has_no_time_left_is_tolerated),
        TEST(each_record_has_its_own_time),
        TEST(without_an_end_it_is_tried_until_it_works),
        TEST(waits_are_cut_at_the_end),
        TEST(who_is_only_busy_has_time),
        TEST(who_is_busy_with_each_record_waits_no_longer_for_the_next),
        TEST(a_transform_whose_server_is_away_fails_the_task),
        TEST(predicates_hold_record_by_record),
        TEST(a_converters_time_is_each_keys_own),
        TEST(a_converter_is_asked_until_it_works),
        TEST(a_connectors_target_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
