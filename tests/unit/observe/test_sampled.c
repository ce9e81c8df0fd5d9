/* Rates, averages and maxima over two windows of 30 s. */
#include "observe/sampled.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void nothing_is_no_number(void **state) {
    sl_sampled_t s = { 0 };

    (void)state;
    assert_true(isnan(sl_sampled_avg(&s, 5)));
    assert_true(isnan(sl_sampled_max(&s, 5)));
    assert_true(sl_sampled_rate(&s, 5) == 0);
}

/* As Kafka counts: 4 records in the first seconds are 4 in 30 s and these. */
static void a_rate_has_a_whole_window_at_least(void **state) {
    sl_sampled_t s = { 0 };

    (void)state;
    sl_sampled_add(&s, 1000, 1, 4, 4);
    assert_true(fabs(sl_sampled_rate(&s, 11000) - 4.0 / 40) < 1e-9);
    assert_true(fabs(sl_sampled_rate(&s, 31000) - 4.0 / 30) < 1e-9);
}

static void both_windows_count(void **state) {
    sl_sampled_t s = { 0 };

    (void)state;
    sl_sampled_add(&s, 0, 2, 6, 5);
    sl_sampled_add(&s, 30000, 1, 3, 3);
    assert_true(sl_sampled_avg(&s, 40000) == 3);
    assert_true(sl_sampled_max(&s, 40000) == 5);
    assert_true(fabs(sl_sampled_rate(&s, 45000) - 9.0 / 45) < 1e-9);
}

static void what_is_old_is_forgotten(void **state) {
    sl_sampled_t s = { 0 };

    (void)state;
    sl_sampled_add(&s, 0, 1, 9, 9);
    sl_sampled_add(&s, 35000, 1, 2, 2);
    assert_true(sl_sampled_max(&s, 59999) == 9);
    assert_true(sl_sampled_max(&s, 60000) == 2);
    assert_true(isnan(sl_sampled_max(&s, 95000)));
    assert_true(sl_sampled_rate(&s, 95000) == 0);
    sl_sampled_add(&s, 96000, 1, 1, 1);
    assert_true(sl_sampled_avg(&s, 96001) == 1);
}

static void the_third_window_takes_the_place_of_the_first(void **state) {
    sl_sampled_t s = { 0 };

    (void)state;
    sl_sampled_add(&s, 0, 1, 1, 1);
    sl_sampled_add(&s, 30000, 1, 2, 2);
    sl_sampled_add(&s, 60000, 1, 3, 3);
    assert_true(sl_sampled_avg(&s, 60001) == 2.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_number),
        cmocka_unit_test(a_rate_has_a_whole_window_at_least),
        cmocka_unit_test(both_windows_count),
        cmocka_unit_test(what_is_old_is_forgotten),
        cmocka_unit_test(the_third_window_takes_the_place_of_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
