/* Tolerance "none": what comes before a bad record is delivered and committed, then the task
 * fails. */
#include "harness_impl.h"

#include "runtime/stop.h"

/* The highest number of a partition that the target has; all before it, each once. */
static int64_t has(const target_t *t, uint32_t partition, int copies) {
    int64_t last = 0;
    int copy = copies;
    size_t i;

    for (i = 0; i < t->count; i++) {
        if (t->log[i].partition != partition)
            continue;
        copy = copy == copies ? 1 : copy + 1;
        assert_int_equal(t->log[i].number, last + (copy == 1));
        last = t->log[i].number;
    }
    assert_int_equal(copy, copies);
    return last;
}

static void fails(const run_options_t *o, const char *code, int64_t delivered, int copies) {
    run_result_t r = harness_run(o);
    int i;

    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, code);
    for (i = 0; i < o->branches; i++) {
        assert_int_equal(has(&targets[i], 0, copies), delivered);
        assert_int_equal(harness_stored(i, 0), delivered);
    }
}

static void what_a_converter_refuses_stops_the_task_at_the_record(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1};

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 495;
    fails(&o, "test.convert", 494, 1);
    /* Nothing more, and nothing again. */
    fails(&o, "test.convert", 494, 1);
    stages.refuse_every = 0;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
}

static void what_a_shared_transform_rejects_stops_the_task_at_the_record(void **state) {
    run_options_t o = {.branches = 2, .stop_at_record = 1, .transforms = 1};

    (void)state;
    stages.reject_every = 495;
    fails(&o, "test.reject", 494, 2);
    stages.reject_every = 0;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[1].count, 2000);
}

static void the_first_bad_record_counts_not_the_first_stage(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1, .transforms = 1};

    (void)state;
    stages.bytes = 1;
    stages.reject_every = 499; /* in one batch of ten */
    stages.refuse_every = 493;
    fails(&o, "test.convert", 492, 2);
}

static void the_first_record_of_all_stops_with_nothing(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1, .transforms = 1};

    (void)state;
    stages.reject_every = 1;
    fails(&o, "test.reject", 0, 2);
    assert_int_equal(targets[0].empties, 0);
}

static void else_it_stops_at_the_batch(void **state) {
    run_options_t o = {.branches = 1};

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 495;
    targets[0].slow_ms = 1; /* batches before are under way, or wait */
    fails(&o, "test.convert", 490, 1);
}

static void else_it_stops_at_the_batch_for_transforms(void **state) {
    run_options_t o = {.branches = 2, .transforms = 1};

    (void)state;
    stages.reject_every = 495;
    targets[1].slow_ms = 1;
    fails(&o, "test.reject", 490, 2);
}

/* A later stage finds an earlier one, though nothing of the batch will be delivered. */
static void the_first_bad_record_is_named_when_the_batch_counts(void **state) {
    run_options_t o = {.branches = 1, .transforms = 2};
    run_result_t r;

    (void)state;
    stages.bytes = 1;
    stages.reject_every = 498;
    stages.refuse_every = 494;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.convert");
    assert_int_equal(harness_stored(0, 0), 490);
}

static void source_partitions_stop_where_the_batch_does(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1};

    (void)state;
    the_source.partitions = 2;
    stages.bytes = 1;
    stages.refuse_every = 494; /* of partition 0 first: 1,1,2,2,3,3... */
    fails(&o, "test.convert", 493, 1);
    assert_int_equal(has(&targets[0], 1, 1), 493);
    assert_int_equal(harness_stored(0, 1), 493);
}

/* The break is in the last write before the record. */
static void what_breaks_meanwhile_is_sent_again(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1};
    run_result_t r;

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 495;
    targets[0].break_at = 50;
    r = harness_run(&o);
    assert_string_equal(r.code, "test.convert");
    assert_complete(&targets[0], 1, 494, 0);
    assert_int_equal(harness_stored(0, 0), 494);
}

/* Given back and lost: the source goes back, and comes to the record once more. */
static void lose(run_options_t *o, const char *code) {
    run_result_t r;

    targets[0].buffer = 8;
    targets[0].break_at = 50;
    o->commit_ms = 60000; /* a commit would flush what is to be lost */
    r = harness_run(o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, code);
    assert_int_equal(harness_stored(0, 0), 494);
    assert_true(the_source.opened > 1);
}

static void what_is_lost_meanwhile_comes_again(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1};

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 495;
    lose(&o, "test.convert");
    assert_complete(&targets[0], 1, 494, 0);
}

static void what_is_lost_meanwhile_comes_again_to_all(void **state) {
    run_options_t o = {.branches = 2, .stop_at_record = 1, .transforms = 1};

    (void)state;
    stages.reject_every = 495;
    lose(&o, "test.reject");
    assert_int_equal(harness_stored(1, 0), 494);
    assert_int_equal(has(&targets[1], 0, 2), 494);
}

/* What comes before the record waits in the trunk's transform while the source breaks: it and the
 * record come again, and this time the record is good. */
static void what_waits_before_it_comes_again_with_it(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1, .transforms = 1};

    (void)state;
    stages.decode = 1;
    stages.refuse_decode = 495;
    stages.again_every = 493;
    stages.again_left = 3;
    the_source.broken_at = 500;
    assert_int_equal(harness_run(&o).state, SL_TRUNK_FINISHED);
    assert_int_equal(the_source.opened, 2);
    assert_int_equal(has(&targets[0], 0, 2), 1000);
}

static void a_target_that_never_ends_does_not_keep_the_task(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1, .window = 1};
    run_result_t r;
    uint64_t began = uv_hrtime();

    (void)state;
    stages.bytes = 1;
    stages.refuse_every = 4;
    targets[0].hang = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.convert");
    assert_int_equal(harness_stored(0, 0), 0);
    assert_true(uv_hrtime() - began >= SL_STOP_MS * (uint64_t)1000000);
}

static void a_target_that_never_ends_does_not_keep_the_trunk(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1, .transforms = 1};
    run_result_t r;

    (void)state;
    stages.reject_every = 4;
    targets[0].hang = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.reject");
}

static int is_written_to(void) {
    return targets[0].writes > 0;
}

/* The drain comes while what is before the record is being written. */
static void a_dead_letter_that_never_ends_does_not_keep_a_drain(void **state) {
    run_options_t o = {.branches = 1, .stop_at_record = 1, .transforms = 1, .letters = 1,
                       .drain_when = is_written_to, .drain_deadline_ms = 2000};
    run_result_t r;

    (void)state;
    the_source.batch = 500;
    stages.reject_every = 495;
    targets[0].slow_ms = 400;
    targets[LETTERS].hang = 1;
    r = harness_run(&o);
    assert_int_equal(has(&targets[0], 0, 2), 494);
    assert_int_equal(targets[LETTERS].count, 0);
    assert_in_range(r.drain_ms, 1000, 8000);
    assert_true(harness_stored(0, 0) < 495);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_a_converter_refuses_stops_the_task_at_the_record),
        TEST(what_a_shared_transform_rejects_stops_the_task_at_the_record),
        TEST(the_first_bad_record_counts_not_the_first_stage),
        TEST(the_first_record_of_all_stops_with_nothing),
        TEST(else_it_stops_at_the_batch),
        TEST(else_it_stops_at_the_batch_for_transforms),
        TEST(the_first_bad_record_is_named_when_the_batch_counts),
        TEST(source_partitions_stop_where_the_batch_does),
        TEST(what_breaks_meanwhile_is_sent_again),
        TEST(what_is_lost_meanwhile_comes_again),
        TEST(what_is_lost_meanwhile_comes_again_to_all),
        TEST(what_waits_before_it_comes_again_with_it),
        TEST(a_target_that_never_ends_does_not_keep_the_task),
        TEST(a_target_that_never_ends_does_not_keep_the_trunk),
        TEST(a_dead_letter_that_never_ends_does_not_keep_a_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
