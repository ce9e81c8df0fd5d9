/* Dead letters that go to a sink: each record once somewhere, at least once over kills, and no
 * position before its letter. */
#include "harness_impl.h"

static int has(const target_t *t, int64_t number) {
    size_t i;

    for (i = 0; i < t->count; i++)
        if (t->log[i].number == number)
            return 1;
    return 0;
}

/* 1..count, each in the target or (bad ones) among the letters. */
static void assert_all(int64_t count, int64_t every) {
    int64_t n;

    for (n = 1; n <= count; n++) {
        assert_int_equal(has(&targets[0], n), n % every != 0);
        assert_int_equal(has(&targets[LETTERS], n), n % every == 0);
    }
}

static void of_the_sink(void **state) {
    static const int modes[] = {SLUICE_ATOMIC, SLUICE_PER_RECORD, SLUICE_PREFIX};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        run_options_t o = {.branches = 1, .window = 1, .tolerate_all = 1, .letters = 2,
                           .failure_mode = modes[i]};
        run_result_t r;
        harness_reset();
        targets[0].bad_every = 7;
        r = harness_run(&o);
        assert_int_equal(r.state, SL_TRUNK_FINISHED);
        assert_all(1000, 7);
        assert_int_equal(targets[LETTERS].count, 142);
        assert_int_equal(harness_stored(0, 0), 1000);
        assert_int_equal(r.ledger_faults, 0);
    }
}

static void of_stages(void **state) {
    run_options_t o = {.branches = 1, .tolerate_all = 1, .trunk_tolerates = 1, .letters = 2,
                       .transforms = 2};
    run_result_t r;

    (void)state;
    stages.reject_every = 10; /* in the branch: what is left is even */
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[LETTERS].count, 100);
    assert_true(has(&targets[LETTERS], 10) && !has(&targets[0], 10));
    assert_int_equal(harness_stored(0, 0), 1000);

    harness_reset();
    stages.reject_every = 10;
    o.transforms = 1; /* in the trunk, before it fans out */
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[LETTERS].count, 100);
    assert_int_equal(harness_stored(0, 0), 1000);

    harness_reset();
    stages.decode = stages.bytes = 1; /* converters of the branch, behind those of the source */
    stages.refuse_every = 9;
    o.transforms = 0;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_all(1000, 9);
    assert_int_equal(harness_stored(0, 0), 1000);
}

static void the_sink_of_letters_has_its_troubles(void **state) {
    run_options_t o = {.branches = 1, .window = 2, .tolerate_all = 1, .letters = 1,
                       .failure_mode = SLUICE_PER_RECORD};
    run_result_t r;

    (void)state;
    targets[0].bad_every = 11;
    targets[LETTERS].chaos =
        (chaos_t){.busy = 20, .retry = 20, .reject = 20, .disconnect = 10, .vanish = 5,
                  .partial = 20, .delay = 50};
    targets[LETTERS].fail_opens = 2;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_all(1000, 11);
    assert_int_equal(harness_stored(0, 0), 1000);
}

/* A letter that nobody takes: the record would be lost. A connector goes on, as Connect does. */
static void a_letter_that_is_refused(void **state) {
    run_options_t o = {.branches = 1, .window = 1, .tolerate_all = 1, .letters = 1,
                       .failure_mode = SLUICE_PER_RECORD};
    run_result_t r;

    (void)state;
    targets[0].bad_every = 50;
    targets[LETTERS].bad_every = 100;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_non_null(strstr(r.trace, "dead letter"));
    assert_true(harness_stored(0, 0) < 100);

    harness_reset();
    targets[0].bad_every = 50;
    targets[LETTERS].bad_every = 100;
    o.connect = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(targets[LETTERS].count, 10);
    assert_int_equal(harness_stored(0, 0), 1000);
}

static void without_tolerance_the_letter_comes_first(void **state) {
    run_options_t o = {.branches = 1, .window = 1, .letters = 2, .commit_ms = 10000};
    run_result_t r;

    (void)state;
    targets[0].bad_every = 505;
    targets[LETTERS].slow_ms = 50;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "test.bad");
    assert_int_equal(targets[LETTERS].count, 1);
    assert_true(has(&targets[LETTERS], 505));
    assert_int_equal(harness_stored(0, 0), 504);

    harness_reset();
    stages.reject_every = 300;
    targets[LETTERS].slow_ms = 50;
    o.transforms = 1; /* in the trunk */
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_true(has(&targets[LETTERS], 300));
    assert_true(harness_stored(0, 0) < 300);
}

static void no_position_before_its_letter(void **state) {
    int i;

    (void)state;
    targets[0].bad_every = 13;
    stages.reject_every = 17;
    the_source.count = 20000;
    targets[LETTERS].slow_ms = 3;
    for (i = 0; i < 12; i++) {
        run_options_t o = {.branches = 1, .window = 2, .tolerate_all = 1, .trunk_tolerates = 1,
                           .letters = 1, .transforms = 2, .failure_mode = SLUICE_PER_RECORD,
                           .commit_ms = 2, .kill_after_ms = 10 + 7 * i};
        int64_t n, place;
        (void)harness_run(&o);
        place = (int64_t)harness_stored(0, 0);
        for (n = 1; n <= place; n++)
            if (n % 2 == 0) /* "evens" */
                assert_true(has(&targets[0], n) || has(&targets[LETTERS], n));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(of_the_sink),
        TEST(of_stages),
        TEST(the_sink_of_letters_has_its_troubles),
        TEST(a_letter_that_is_refused),
        TEST(without_tolerance_the_letter_comes_first),
        TEST(no_position_before_its_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
