/* Failures at awkward moments: each of these once hung, lost its way or called a plugin wrongly. */
#include "harness_impl.h"

/* A run that hangs ends by this drain: STOPPED, not FINISHED. */
#define GUARD .drain_after_ms = HARNESS_PATIENCE_MS, .drain_deadline_ms = 300

static size_t count_of(target_t *t) {
    size_t count;

    uv_mutex_lock(&t->lock);
    count = t->count;
    uv_mutex_unlock(&t->lock);
    return count;
}

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
    stages.open_behind_break = 1;
    targets[0].break_in_transforms = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].opens, 2);
    assert_int_equal(targets[0].count, 500);
    assert_int_equal(targets[1].count, 500);
}

/* Its spill is full while it reconnects: the branch has dropped a batch, so nothing may follow. */
static void a_failed_branch_stays_down(void **state) {
    run_options_t o = {.branches = 2,
                       .spill_max = 64 << 10,
                       .spill_fail = 1,
                       .queue_bytes = 8 << 10,
                       .state_dir = harness_folder,
                       .stored_ms = 1500,
                       .window = 1,
                       GUARD};
    run_result_t r;

    (void)state;
    the_source.count = 100000;
    the_source.until_reopen = 1;
    targets[0].break_at = 3;
    targets[0].reopen_when_failed = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "spill.full");
    assert_int_equal(targets[0].opens, 2);
    assert_int_equal(targets[0].writes, 3);
}

/* A branch that lost its batches just before the drain answers the end of it once, not for
 * others. */
static int both_have_all(void) {
    return targets[0].max_open == 30 && targets[1].max_open == 30;
}

static int not_lost_yet(void) {
    return targets[0].lose_released != 0;
}

static void a_drain_waits_for_each_branch(void **state) {
    run_options_t o = {.branches = 2, .window = 0, .drain_when = both_have_all,
                       .drain_blocks = not_lost_yet};
    run_result_t r;

    (void)state;
    the_source.stop_at = 300;
    targets[0].buffer = 1000000;
    targets[0].buffer_to_drain = 1;
    targets[0].lose_released = SLUICE_RETRY;
    targets[1].slow_ms = 4000;
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

/* ---- targets that are away at the start ---- */

/* Both targets have 1000 and keep positions; then the first is away for a while. */
static run_result_t away_at_the_start(int64_t own) {
    run_options_t o = {.branches = 2, .window = 8, .may_go_back = 1};
    run_result_t r;

    targets[0].own_position = targets[1].own_position = 1;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(harness_stored(0, 0), 1000);
    targets[0].own[0] = own;
    targets[0].count = targets[1].count = 0;
    targets[0].fail_opens = 25;
    targets[0].away_until = 100;
    targets[0].away = 1;
    the_source.opened = 0;
    the_source.count = 3000;
    the_source.committed[0] = 0;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(the_source.told_early, 0);
    assert_true(targets[1].while_away > 0);
    assert_int_equal(targets[1].count, 2000);
    assert_int_equal(targets[0].count, 3000 - own); /* exactly once */
    assert_int_equal(targets[0].log[0].number, own + 1);
    assert_int_equal(harness_stored(0, 0), 3000);
    assert_int_equal(the_source.committed[0], 3000);
    assert_int_equal(r.ledger_faults, 0);
    return r;
}

static void away_and_as_stored(void **state) {
    (void)state;
    (void)away_at_the_start(1000);
    assert_int_equal(the_source.opened, 1);
}

static void away_and_ahead_of_the_store(void **state) {
    (void)state;
    (void)away_at_the_start(1500);
}

static void away_and_behind_the_store(void **state) {
    (void)state;
    (void)away_at_the_start(900);
}

/* Nobody knows where it is: nothing begins without it. */
static void away_and_unknown(void **state) {
    run_options_t o = {.branches = 2, .window = 8};

    (void)state;
    targets[0].own_position = targets[1].own_position = 1;
    targets[0].own[0] = 400;
    targets[0].fail_opens = 10;
    targets[0].away = 1;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[1].while_away, 0);
    assert_int_equal(targets[0].count, 600);
    assert_int_equal(targets[1].count, 1000);
}

/* A transform makes two of one; later the batches of the source are cut elsewhere. */
static void made_of_one_and_once(void **state) {
    run_options_t o = {.branches = 2, .window = 8, .transforms = 1};

    (void)state;
    targets[0].own_position = targets[1].own_position = 1;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 2000);
    targets[1].own[0] = targets[1].own_sub[0] = 0;
    harness_forget();
    memset(the_source.committed, 0, sizeof(the_source.committed)); /* it is told anew */
    the_source.count = 1500;
    the_source.batch = 37;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[0].count, 3000);
    assert_int_equal(targets[1].count, 5000);
}

/* ---- sinks that do not answer ---- */

static int one_hangs_and_one_has_all(void) {
    return harness_stuck(0)[0] != 0 && count_of(&targets[1]) == 1000;
}

static void a_sink_without_an_answer_is_shown(void **state) {
    run_options_t o = {.branches = 2, .drain_when = one_hangs_and_one_has_all,
                       .drain_deadline_ms = 100, .beat_ms = 10, .stuck_ms = 1000};
    run_result_t r;

    (void)state;
    targets[0].hang = 1;
    targets[1].slow_ms = 20;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_string_equal(r.stuck[0], "write");
    assert_string_equal(r.stuck[1], "");
    assert_int_equal(targets[1].count, 1000);
}

static void a_sink_without_an_answer_has_its_time(void **state) {
    run_options_t o = {
        .branches = 2, .beat_ms = 10, .stuck_ms = 50, .retry_timeout_ms = 100, GUARD};
    run_result_t r;

    (void)state;
    targets[0].hang = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "sink.stuck");
    assert_non_null(strstr(r.trace, "sink t0"));
}

static int has_ten_tickets(void) {
    return targets[0].max_open == 10;
}

static void a_sink_that_gathers_is_not_stuck(void **state) {
    run_options_t o = {.branches = 1, .beat_ms = 10, .stuck_ms = 600, .drain_after_ms = 1200,
                       .drain_when = has_ten_tickets};
    run_result_t r;

    (void)state;
    the_source.stop_at = 100;
    targets[0].buffer = 1000000;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_string_equal(r.stuck[0], "");
    assert_int_equal(targets[0].count, 100);
}

/* What is behind it has to be remembered, so it cannot go on without bound. */
/* Nothing came for a while, and what is behind the lost one is not stored. */
static int writes_no_more(void) {
    static int writes;
    static uint64_t since;

    if (writes != targets[0].writes) {
        writes = targets[0].writes;
        since = uv_hrtime();
    }
    return harness_stored(0, 0) == 20 && uv_hrtime() > since + 400 * (uint64_t)1000000;
}

static void a_lost_ticket_stops_its_branch(void **state) {
    run_options_t o = {.branches = 1, .drain_when = writes_no_more, .drain_deadline_ms = 50};
    run_result_t r;

    (void)state;
    the_source.count = 1000000;
    the_source.batch = 10;
    targets[0].lose_ticket = 3;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(harness_stored(0, 0), 20);
    assert_in_range(targets[0].writes, 3, 16384 + 2);
}

/* The deadline is for all of it: delivery, the last commit and closing. */
static int one_has_all(void) {
    return count_of(&targets[1]) == 1000;
}

static void a_drain_ends_in_its_time(void **state) {
    run_options_t o = {.branches = 2, .drain_when = one_has_all, .drain_deadline_ms = 3000};
    run_result_t r;

    (void)state;
    targets[0].hang = targets[0].hang_close = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(harness_stored(1, 0), 1000);
    assert_in_range(r.drain_ms, 0, 6500);
}

/* ---- a drain behind the end of the source ---- */

static int has_thirty(void) {
    return targets[0].max_open == 30;
}

/* What was lost comes with the next start; nothing is read any more. */
static void a_source_that_has_ended_stays_so_in_a_drain(void **state) {
    run_options_t o = {.branches = 1, .drain_when = has_thirty, .drain_after_ms = 100};
    run_result_t r;

    (void)state;
    the_source.count = 300;
    targets[0].buffer = 1000000;
    targets[0].slow_ms = 1500; /* until the flush that its end brought */
    targets[0].lose_released = SLUICE_RETRY;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_STOPPED);
    assert_int_equal(targets[0].lose_released, 0);
    assert_int_equal(the_source.opened, 1);
    assert_int_equal(harness_stored(0, 0), 0);

    o = (run_options_t){.branches = 1, GUARD};
    targets[0].slow_ms = 0;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_complete(&targets[0], 1, 300, 0);
}

static int asks_for_the_last(void) {
    return stages.again_left < 1000000;
}

/* The last batch waits in a transform when the drain comes: not all is delivered. */
static void a_source_that_has_ended_has_not_delivered(void **state) {
    run_options_t o = {.branches = 1, .transforms = 1, .drain_when = asks_for_the_last,
                       .drain_after_ms = 100};

    (void)state;
    the_source.count = 300;
    stages.again_every = 295;
    stages.again_left = 1000000;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_STOPPED);
    assert_int_equal(harness_stored(0, 0), 290);

    o = (run_options_t){.branches = 1, .transforms = 1, GUARD};
    stages.again_left = 0;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_complete(&targets[0], 1, 300, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ready_inside_write_is_heard),
        TEST(a_cut_connection_has_its_time),
        TEST(a_link_lost_while_transforms_open_is_made_again),
        TEST(a_failed_branch_stays_down),
        TEST(a_drain_waits_for_each_branch),
        TEST(a_source_is_not_closed_inside_its_emit),
        TEST(a_flush_that_cannot_is_tried_again),
        TEST(a_flush_that_never_can_has_its_time),
        TEST(away_and_as_stored),
        TEST(away_and_ahead_of_the_store),
        TEST(away_and_behind_the_store),
        TEST(away_and_unknown),
        TEST(made_of_one_and_once),
        TEST(a_sink_without_an_answer_is_shown),
        TEST(a_sink_without_an_answer_has_its_time),
        TEST(a_sink_that_gathers_is_not_stuck),
        TEST(a_lost_ticket_stops_its_branch),
        TEST(a_drain_ends_in_its_time),
        TEST(a_source_that_has_ended_stays_so_in_a_drain),
        TEST(a_source_that_has_ended_has_not_delivered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
