/* A pipeline as a whole: order, completion, credit, restart, failure. */
#include "harness_impl.h"

static void delivers_in_order(void **state) {
    run_options_t o = {.branches = 1};
    run_result_t r;

    (void)state;
    harness_reset();
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 1, 1000, 0), 0);
    assert_int_equal(harness_stored(0, 0), 1000);
    assert_int_equal(the_source.committed[0], 1000);
    assert_int_equal(r.ledger_faults, 0);
    assert_int_equal(targets[0].opens, 1);
    assert_int_equal(targets[0].closes, 1);
    harness_fini();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
