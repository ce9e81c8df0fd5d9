/* A pipeline as a whole: order, completion, credit, restart, reconnect, failure, drain. */
#include "harness_impl.h"

#include "runtime/trunk_int.h"

static void delivers_in_order(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(the_source.committed[0], 1000);
    assert_int_equal(r.ledger_faults, 0);
    assert_int_equal(targets[0].opens, 1);
    assert_int_equal(targets[0].closes, 1);
}

/* A store that refuses is asked again, with all that came since; the source hears of nothing that
 * is not there. */
static void refused_commits(void **state) {
    run_options_t o = {.branches = 1, .refusals = 1, .commit_ms = 5};
    run_result_t r;

    (void)state;
    the_source.count = 3000;
    targets[0].slow_ms = 2;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(r.refused, 1);
    assert_int_equal(harness_stored(0, 0), 3000);
    assert_int_equal(the_source.committed[0], 3000);
    assert_int_equal(r.ledger_faults, 0);
}

static void branches_of_different_speed(void **state) {
    run_options_t o = {.branches = 5, .window = 4, .queue_bytes = 1 << 16};
    run_result_t r;
    int i;

    (void)state;
    the_source.partitions = 3;
    the_source.payload = 50;
    targets[1].chaos.delay = 50;
    targets[2].slow_ms = 2;
    targets[3].buffer = 3;
    targets[4].chaos.busy = 50;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    for (i = 0; i < 5; i++) {
        assert_int_equal(assert_complete(&targets[i], 3, 1000, 0), 0);
        assert_true(targets[i].max_open <= 4);
        assert_int_equal(harness_stored(i, 2), 1000);
    }
    assert_int_equal(r.ledger_faults, 0);
}

static void restart_skips_what_a_branch_has(void **state) {
    run_options_t o = {.branches = 2, .drain_after_ms = 60, .drain_deadline_ms = 20, .window = 2};
    run_result_t r;

    (void)state;
    the_source.count = 3000;
    targets[1].slow_ms = 3; /* far behind when the drain's time is up */
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_true(harness_stored(1, 0) < harness_stored(0, 0));
    assert_true(the_source.committed[0] <= harness_stored(1, 0));
    targets[1].slow_ms = 0;
    o.drain_after_ms = 0;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_true(r.stats[0][SL_BRANCH_SKIPPED] > 0);
    assert_int_equal(assert_complete(&targets[0], 1, 3000, 0), 0);
    assert_complete(&targets[1], 1, 3000, 0);
}

static void a_hung_sink_takes_no_more_than_its_edge(void **state) {
    run_options_t o = {.branches = 2, .queue_bytes = 100000, .drain_after_ms = 300,
                       .drain_deadline_ms = 100};
    run_result_t r;

    (void)state;
    the_source.count = 1000000;
    the_source.payload = 1000;
    targets[1].hang = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    /* About 100 records of 1 kB fit; one batch of 10 may straddle. */
    assert_true(the_source.emitted < 130);
    assert_int_equal(harness_stored(1, 0), 0);
    assert_int_equal(the_source.committed[0], 0);
}

static void released_returns_credit_before_durable(void **state) {
    run_options_t o = {.branches = 1, .queue_bytes = 100000, .drain_after_ms = 300};
    run_result_t r;

    (void)state;
    the_source.count = 2000;
    the_source.payload = 1000;
    the_source.stop_at = 2000;
    targets[0].buffer = 1000000; /* durable only at the flush of the drain */
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(targets[0].max_open, 200);
    assert_int_equal(assert_complete(&targets[0], 1, 2000, 0), 0);
    assert_int_equal(harness_stored(0, 0), 2000);
}

/* Room that comes back between its two questions is no reason to forget that it stopped. */
static void who_heard_busy_is_told_of_credit(void **state) {
    run_options_t o = {.branches = 1, .queue_bytes = 5000};

    (void)state;
    the_source.payload = 1000;
    the_source.asks_again = 1;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_complete(&targets[0], 1, 1000, 0);
}

static void a_drain_has_its_deadline(void **state) {
    run_options_t o = {.branches = 1, .drain_after_ms = 50, .drain_deadline_ms = 50};
    run_result_t r;

    (void)state;
    targets[0].hang = 1;
    the_source.stop_at = 50;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(harness_stored(0, 0), 0);
    assert_int_equal(targets[0].closes, 1);
    targets[0].hang = 0;
    the_source.stop_at = 0;
    o.drain_after_ms = 0;
    r = harness_run(&o);
    assert_complete(&targets[0], 1, 1000, 0);
}

static void reconnects_with_work_in_flight(void **state) {
    run_options_t o = {.branches = 2, .window = 8};
    run_result_t r;

    (void)state;
    the_source.count = 3000;
    targets[0].chaos.disconnect = 5;
    targets[0].chaos.delay = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_true(r.stats[0][SL_BRANCH_RECONNECTS] > 3);
    assert_int_equal(targets[0].opens, targets[0].closes);
    assert_complete(&targets[0], 1, 3000, 0);
    assert_int_equal(assert_complete(&targets[1], 1, 3000, 0), 0);
    assert_int_equal(targets[1].opens, 1); /* the other went on */
    assert_int_equal(r.ledger_faults, 0);
}

static void a_target_that_is_away_is_waited_for(void **state) {
    run_options_t o = {.branches = 1};

    (void)state;
    targets[0].fail_opens = 5;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].opens, 6);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
}

static void own_position_is_the_truth(void **state) {
    run_options_t o = {.branches = 2, .window = 8};
    run_result_t r;

    (void)state;
    the_source.count = 3000;
    targets[0].own_position = targets[1].own_position = 1;
    targets[0].own[0] = 100; /* the target has these: the store does not know */
    targets[0].chaos.disconnect = 4;
    targets[0].chaos.delay = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(r.stats[0][SL_BRANCH_SKIPPED], 100);
    assert_int_equal(targets[0].log[0].number, 101);
    /* exactly once: nothing twice, although tickets were lost */
    assert_int_equal(targets[0].count, 2900);
    assert_int_equal(assert_complete(&targets[1], 1, 3000, 0), 0);
}

/* Filtered to the end: the store knows more than such a target can. */
static void a_target_without_empty_batches_does_not_go_back(void **state) {
    run_options_t o = {.branches = 1, .transforms = 2};
    run_result_t r;

    (void)state;
    the_source.count = 11; /* "evens" leaves 10 as the last */
    the_source.batch = 1;
    targets[0].own_position = 2;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].own[0], 10);
    assert_int_equal(harness_stored(0, 0), 11);
    the_source.emitted = 0;
    the_source.count = 13;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(the_source.emitted, 2);
    assert_int_equal(targets[0].count, 6);
}

/* Killed between the targets' commit and the store's: the source goes on by an offset that it
 * gave. */
static void targets_ahead_of_the_store(void **state) {
    run_options_t o = {.branches = 2, .window = 8};
    run_result_t r;

    (void)state;
    targets[0].own_position = targets[1].own_position = 1;
    the_source.count = 1000;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(harness_stored(0, 0), 1000);
    targets[0].own[0] = 1500;
    targets[1].own[0] = 1600;
    targets[0].count = targets[1].count = 0;
    the_source.count = 3000;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(the_source.without_offset, 0);
    assert_int_equal(targets[0].log[0].number, 1501);
    assert_int_equal(targets[0].count, 1500);
    assert_int_equal(targets[1].log[0].number, 1601);
    assert_int_equal(harness_stored(0, 0), 3000);
}

static void lost_after_release_goes_back(void **state) {
    static const int how[] = {SLUICE_NOT_CONNECTED, SLUICE_RETRY, SLUICE_BAD_RECORD};
    run_options_t o = {.branches = 2, .queue_bytes = 50000, .window = 50};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        run_result_t r;
        harness_reset();
        the_source.count = 3000;
        the_source.payload = 100;
        targets[0].buffer = 7;
        targets[0].lose_released = how[i];
        r = harness_run(&o);
        assert_int_equal(r.state, SL_TRUNK_FINISHED);
        assert_complete(&targets[0], 1, 3000, 0);
        assert_int_equal(assert_complete(&targets[1], 1, 3000, 0), 0);
        assert_int_equal(the_source.opened, 2);
        assert_true(r.stats[1][SL_BRANCH_SKIPPED] > 0);
        assert_int_equal(r.ledger_faults, 0);
    }
}

/* Each end loses what was delivered since the last commit: it comes again, and is counted. */
static void what_comes_twice_is_counted_over_ends(void **state) {
    run_options_t o = {.branches = 2, .window = 1, .queue_bytes = 50000, .commit_ms = 15,
                       .state_dir = harness_folder};
    run_result_t r;
    size_t repeats;
    int64_t again;
    int i;

    (void)state;
    the_source.count = 4000;
    the_source.batch = 5;
    targets[1].slow_ms = 1;
    for (i = 0; i < 4; i++) {
        o.kill_after_ms = i < 3 ? 40 + 20 * i : 0;
        r = harness_run(&o);
    }
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    for (i = 0; i < 2; i++) {
        repeats = assert_complete(&targets[i], 1, 4000, 0);
        assert_true((int64_t)repeats <= r.stats[i][SL_BRANCH_REPEATED]);
        /* Beyond what the target got: a batch that was on its way at each end. */
        assert_true(r.stats[i][SL_BRANCH_REPEATED] <= (int64_t)repeats + 3 * the_source.batch);
    }
    again = r.stats[1][SL_BRANCH_REPEATED];
    r = harness_run(&o); /* after an orderly end nothing comes again, and the sum is kept */
    assert_int_equal(r.stats[1][SL_BRANCH_REPEATED], again);
}

static void a_source_that_breaks_goes_on(void **state) {
    run_options_t o = {.branches = 2, .window = 3};
    run_result_t r;

    (void)state;
    the_source.broken_at = 500;
    targets[1].slow_ms = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(the_source.opened, 2);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(assert_complete(&targets[1], 1, 1000, 0), 0);
}

/* ---- a source over whose connection nothing comes ---- */

static uint64_t hours; /* that pass whenever somebody looks at the clock */
static uint32_t most_attempts;

static uint64_t look_at_clock(void *user) {
    static uint64_t at;

    (void)user;
    at += hours * 3600000 + 1;
    return at;
}

static uint64_t note_attempts(void *user) {
    (void)user;
    if (harness_trunk->source_retry.attempts > most_attempts)
        most_attempts = harness_trunk->source_retry.attempts;
    return 0;
}

static void an_idle_source_that_held_for_long_reconnects_soon(void **state) {
    static const sl_retry_env_t env = {look_at_clock, note_attempts, NULL};
    run_options_t o = {.branches = 1, .window = 3, .retry_env = &env};

    (void)state;
    for (hours = 0; hours < 2; hours++) {
        harness_reset();
        most_attempts = 0;
        the_source.idle_breaks = 5;
        assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
        assert_int_equal(the_source.opened, 6);
        assert_int_equal(most_attempts, hours == 0 ? 4 : 0);
    }
}

static void a_fatal_branch_fails_the_task_and_keeps_what_is_durable(void **state) {
    run_options_t o = {.branches = 2, .window = 1, .commit_ms = 10000};
    run_result_t r;

    (void)state;
    targets[0].fatal_at = 500;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.fatal");
    assert_non_null(strstr(r.trace, "the test wants it"));
    assert_non_null(strstr(r.trace, "t0"));
    assert_int_equal(harness_stored(0, 0), 490);
}

static void a_close_that_hangs_is_abandoned(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    targets[0].hang_close = 1;
    targets[0].fatal_at = 100; /* a failed task has little patience */
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_int_equal(r.abandoned, 1);
}

static void offloaded_work_that_hangs_is_abandoned(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    targets[0].hang_offload = 1;
    targets[0].fatal_at = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_int_equal(r.abandoned, 1);
}

/* The others run; what the dead one misses waits within its bounds, and comes when it is back. */
static void a_target_that_is_away_at_the_start_holds_nobody_back(void **state) {
    run_options_t o = {.branches = 2, .drain_after_ms = 300, .drain_deadline_ms = 100,
                       .queue_bytes = 1 << 24};
    run_result_t r;

    (void)state;
    targets[1].fail_opens = 1000000;
    the_source.stop_at = 1000;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(harness_stored(1, 0), 0);
    assert_int_equal(the_source.committed[0], 0);
    targets[1].fail_opens = 3;
    the_source.stop_at = 0;
    o.drain_after_ms = 0;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(assert_complete(&targets[1], 1, 1000, 0), 0);
    assert_int_equal(r.ledger_faults, 0);
}

static void a_ticket_ended_twice_is_the_plugins_fault(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    targets[0].twice = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "plugin.contract");
    assert_non_null(strstr(r.trace, "ended already"));
}

static void a_ticket_ended_and_refused_is_the_plugins_fault(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    targets[0].refuse_after = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "plugin.contract");
}

/* Nothing may count as delivered because its result went astray. */
static void a_result_for_no_record_is_the_plugins_fault(void **state) {
    run_options_t o = {.branches = 1, .failure_mode = SLUICE_PER_RECORD};
    run_result_t r;

    (void)state;
    targets[0].wild_result = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "plugin.contract");
    assert_int_equal(harness_stored(0, 0), 20);
}

static void a_sink_that_breaks_as_it_opens_is_opened_again(void **state) {
    run_options_t o = {.branches = 1, .drain_after_ms = 5000};
    run_result_t r;

    (void)state;
    targets[0].break_early = 2;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].opens, 3);
}

/* The branches hear END, then that the source went back: they still have to end. */
static void a_drain_while_the_source_leaves_ends(void **state) {
    run_options_t o = {.branches = 2, .drain_after_ms = 100};
    run_result_t r;
    uint64_t began = uv_hrtime();

    (void)state;
    the_source.broken_at = 500;
    the_source.close_ms = 300;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(harness_stored(0, 0), 500);
    assert_true(uv_hrtime() - began < 10000000000u); /* not the drain's deadline */
}

static void pause_stops_the_source(void **state) {
    run_options_t o = {.branches = 1, .window = 1, .pause_at_ms = 20, .resume_at_ms = 50,
                       .queue_bytes = 8000};
    run_result_t r;

    (void)state;
    targets[0].slow_ms = 1;
    the_source.payload = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(the_source.paused, 1);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
}

static void transforms_keep_order_and_ledger(void **state) {
    run_options_t o = {.branches = 1, .transforms = 1 | 2 | 4};
    run_result_t r;
    size_t i;
    int64_t last = 0;

    (void)state;
    the_source.count = 200;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    for (i = 0; i < targets[0].count; i++) {
        assert_true(targets[0].log[i].number >= last);
        assert_int_equal(targets[0].log[i].number % 2, 0);
        last = targets[0].log[i].number;
    }
    assert_int_equal(targets[0].count, 100 + 33); /* evens, and twice those divisible by 6 */
    assert_int_equal(harness_stored(0, 0), 200);
    if (r.ledger_faults > 0)
        print_error("%s\n", r.ledger_text);
    assert_int_equal(r.ledger_faults, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(delivers_in_order),
        TEST(refused_commits),
        TEST(branches_of_different_speed),
        TEST(restart_skips_what_a_branch_has),
        TEST(a_hung_sink_takes_no_more_than_its_edge),
        TEST(released_returns_credit_before_durable),
        TEST(who_heard_busy_is_told_of_credit),
        TEST(a_drain_has_its_deadline),
        TEST(reconnects_with_work_in_flight),
        TEST(a_target_that_is_away_is_waited_for),
        TEST(own_position_is_the_truth),
        TEST(a_target_without_empty_batches_does_not_go_back),
        TEST(targets_ahead_of_the_store),
        TEST(lost_after_release_goes_back),
        TEST(what_comes_twice_is_counted_over_ends),
        TEST(a_source_that_breaks_goes_on),
        TEST(an_idle_source_that_held_for_long_reconnects_soon),
        TEST(a_fatal_branch_fails_the_task_and_keeps_what_is_durable),
        TEST(a_close_that_hangs_is_abandoned),
        TEST(offloaded_work_that_hangs_is_abandoned),
        TEST(a_target_that_is_away_at_the_start_holds_nobody_back),
        TEST(a_ticket_ended_twice_is_the_plugins_fault),
        TEST(a_ticket_ended_and_refused_is_the_plugins_fault),
        TEST(a_result_for_no_record_is_the_plugins_fault),
        TEST(a_sink_that_breaks_as_it_opens_is_opened_again),
        TEST(a_drain_while_the_source_leaves_ends),
        TEST(pause_stops_the_source),
        TEST(transforms_keep_order_and_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
