/* support/names: numbers in the order of coming, few and many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "support/names.h"

enum { MANY = 5000 };

static char texts[MANY][12];

static void test_numbers(void **state) {
    names_t n = {0};
    uint32_t i;

    (void)state;
    assert_true(names_find(&n, sluice_str("a")) == NAMES_NONE);
    for (i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%u", i * 7919);
        assert_true(names_find(&n, sluice_str(texts[i])) == NAMES_NONE);
        assert_true(names_add(&n, sluice_str(texts[i])) == i);
        assert_true(names_add(&n, sluice_str(texts[i / 2])) == i / 2);
    }
    for (i = 0; i < MANY; i++)
        assert_true(names_find(&n, sluice_str(texts[i])) == i);
    assert_true(names_find(&n, sluice_str("n")) == NAMES_NONE);
    names_fini(&n);
}

/* Bytes, not C strings: a NUL belongs to the name; the empty name is one. */
static void test_any_bytes(void **state) {
    names_t n = {0};

    (void)state;
    assert_true(names_add(&n, sluice_str_n("a\0b", 3)) == 0);
    assert_true(names_add(&n, sluice_str_n("a\0c", 3)) == 1);
    assert_true(names_add(&n, sluice_str("")) == 2);
    assert_true(names_find(&n, sluice_str_n("a\0c", 3)) == 1);
    assert_true(names_find(&n, sluice_str("")) == 2);
    names_fini(&n);
    names_fini(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
