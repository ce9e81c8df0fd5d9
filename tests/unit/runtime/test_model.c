/*
 * Random targets, random ends, compared with a model.
 *
 * Each round is one history: several runs of the same pipeline, each cut off at a random time as a
 * crash would (positions that were not stored are forgotten, what targets have they keep), the last
 * one to the end. Then every target must have every number, each partition in order once repeats
 * are taken away; what comes twice must have been sent after the last stored position, and must
 * have been counted, over all runs. SLUICE_MODEL_ROUNDS sets how many, SLUICE_MODEL_SEED where to
 * begin.
 */
#include "harness_impl.h"

static unsigned seed;

static int upto(int n) {
    seed = seed * 1103515245u + 12345u;
    return (int)((seed >> 12) % (unsigned)n);
}

static int sometimes(int percent, int value) {
    return upto(100) < percent ? value : 0;
}

static void draw_target(target_t *t, int window) {
    t->seed = (unsigned)upto(1 << 30);
    t->chaos.busy = sometimes(30, upto(30));
    t->chaos.retry = sometimes(30, upto(10));
    t->chaos.reject = sometimes(30, upto(10));
    t->chaos.disconnect = sometimes(40, upto(6));
    t->chaos.vanish = sometimes(40, upto(6));
    t->chaos.partial = sometimes(40, upto(8));
    t->chaos.delay = sometimes(70, upto(100));
    t->slow_ms = sometimes(20, 1);
    t->fail_opens = sometimes(20, upto(3));
    t->buffer = sometimes(25, 1 + upto(6));
    t->buffer_ms = 2;
    t->bad_every = 0;
    (void)window;
}

static void draw_run(run_options_t *o, int last) {
    o->kill_after_ms = last ? 0 : 1 + upto(120);
    o->commit_ms = 1 + upto(30);
}

static char folder[64]; /* of the pipeline's state */

/* The number after which the target may have gone back, at most: what was stored when it did. */
static void check_target(const target_t *t, int branch, int64_t count, int64_t counted) {
    int64_t repeats = (int64_t)assert_complete(t, the_source.partitions, count, 0);
    int p;

    if (repeats > counted)
        print_error("branch %d: %lld came twice, %lld counted\n", branch, (long long)repeats,
                    (long long)counted);
    assert_true(repeats <= counted);
    for (p = 0; p < the_source.partitions; p++)
        assert_int_equal(harness_stored(branch, p), count);
}

static void one_history(int round) {
    run_options_t o = {.window = 1, .retry_timeout_ms = -1, .state_dir = folder};
    run_result_t r;
    int i, runs = 1 + upto(5);

    harness_reset();
    harness_empty_folder(folder);
    o.branches = 1 + upto(4);
    o.failure_mode = upto(3);
    /* A target that fails one ticket and takes the next keeps no order: then one at a time. */
    o.window = 1;
    o.queue_bytes = 3000 + upto(100000);
    the_source.partitions = 1 + upto(PARTITIONS_MAX);
    the_source.count = 200 + upto(1500);
    the_source.batch = 1 + upto(40);
    the_source.payload = upto(300);
    for (i = 0; i < o.branches; i++)
        draw_target(&targets[i], o.window);
    for (i = 0; i < o.branches; i++)
        if (o.failure_mode == SLUICE_PER_RECORD)
            targets[i].chaos.partial = 0; /* tells records apart, so keeps no order of them */
    targets[0].own_position = sometimes(30, 1);
    if (targets[0].own_position)
        for (i = 0; i < o.branches; i++) {
            targets[i].own_position = 1;
            targets[i].chaos.partial = 0; /* a part without a position is not exactly once */
        }
    for (i = 0; i < runs; i++) {
        draw_run(&o, i == runs - 1);
        the_source.broken_at = sometimes(20, 1 + upto(2000));
        the_source.emitted = 0;
        memset(the_source.committed, 0, sizeof(the_source.committed));
        r = harness_run(&o);
        if (r.state == SL_TRUNK_FAILED)
            print_error("round %d: %s %s\n", round, r.code, r.trace);
        assert_int_not_equal(r.state, SL_TRUNK_FAILED);
        if (r.ledger_faults > 0)
            print_error("round %d: %s\n", round, r.ledger_text);
        assert_int_equal(r.ledger_faults, 0);
    }
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    for (i = 0; i < o.branches; i++) {
        check_target(&targets[i], i, the_source.count, r.stats[i][SL_BRANCH_REPEATED]);
        if (targets[i].own_position) /* exactly once */
            assert_int_equal(targets[i].count, the_source.partitions * the_source.count);
    }
    harness_fini();
}

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);

    return text != NULL ? atoi(text) : otherwise;
}

static void histories_agree_with_the_model(void **state) {
    int i, rounds = number("SLUICE_MODEL_ROUNDS", 12);

    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test-model-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (i = 0; i < rounds; i++) {
        seed = (unsigned)(number("SLUICE_MODEL_SEED", 1) + i) * 2654435761u;
        if (getenv("HARNESS_LOG") != NULL)
            print_message("round %d\n", i);
        one_history(i);
    }
    harness_empty_folder(folder);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histories_agree_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
