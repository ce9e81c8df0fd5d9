/*
 * The ABI does not move: every struct, member and number that crosses the line to plugins is where
 * it was when version 1.0 was frozen. A failure here means that plugins in the field would break.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "sluice/plugin.h"

typedef struct fact {
    const char *what;
    long long expected;
    long long found;
} fact_t;

static const fact_t layout[] = {
#define SIZE(type, bytes, alignment)                                                               \
    {"size of " #type, bytes, (long long)sizeof(struct type)},                                     \
        {"alignment of " #type, alignment, (long long)_Alignof(struct type)},
#define MEMBER(type, member, place)                                                                \
    {"offset of " #type "." #member, place, (long long)offsetof(struct type, member)},
#include "layout-lp64.inc"
};

static const fact_t values[] = {
#define VALUE(name, number) {#name, number, name},
#include "values.inc"
};

static void compare(const fact_t *facts, size_t count) {
    size_t i, wrong = 0;

    for (i = 0; i < count; i++)
        if (facts[i].expected != facts[i].found) {
            print_error("%s: frozen as %lld, now %lld\n", facts[i].what, facts[i].expected,
                        facts[i].found);
            wrong++;
        }
    assert_int_equal(wrong, 0);
}

static void test_layout(void **state) {
    (void)state;
    if (sizeof(void *) != 8 || CHAR_BIT != 8 || _Alignof(int64_t) != 8)
        skip(); /* another class of machine: it needs a table of its own */
    compare(layout, sizeof(layout) / sizeof(layout[0]));
}

static void test_values(void **state) {
    (void)state;
    compare(values, sizeof(values) / sizeof(values[0]));
}

static void test_constants(void **state) {
    (void)state;
    assert_int_equal(SLUICE_ABI_MAGIC, 0x534c4943);
    assert_int_equal(SLUICE_ABI_MAJOR, 1);
    assert_int_equal(SLUICE_POSITION_MAX, 31);
    assert_int_equal(SLUICE_TEXT, 1);
    assert_int_equal(SLUICE_OPT_REQUIRED, 0x01);
    assert_int_equal(SLUICE_OPT_SECRET, 0x02);
    assert_int_equal(SLUICE_OPT_DEPRECATED, 0x04);
    assert_int_equal(SLUICE_OPT_HIDDEN, 0x08);
    assert_int_equal(SLUICE_OPT_PREFIX, 0x10);
    assert_int_equal(SLUICE_OPT_RANGE, 0x20);
    assert_int_equal(SLUICE_OPT_UNGROUPED, 0x40);
    assert_int_equal(SLUICE_OPT_ORDERED, 0x80);
    assert_int_equal(SLUICE_OPT_EXACT, 0x100);
    assert_int_equal(SLUICE_OPT_DEFINITION, 0x200);
    assert_int_equal(SLUICE_OPT_HOST, 0x400);
    assert_int_equal(SLUICE_SINK_BYTES, 0x01);
    assert_int_equal(SLUICE_SINK_OWN_POSITION, 0x02);
    assert_int_equal(SLUICE_SINK_EMPTY_BATCHES, 0x04);
    assert_int_equal(SLUICE_JSON_DECIMAL_TEXT, 0x01);
    assert_int_equal(SLUICE_JSON_NUMERIC_DECIMAL, 0x02);
    assert_int_equal(SLUICE_JSON_LENIENT, 0x04);
    assert_int_equal(SLUICE_JSON_ALIKE, 0x08);
}

/* A member that was added without a line in the table. */
static void test_nothing_unlisted(void **state) {
    (void)state;
    assert_true(SLUICE_HAS(&(sluice_api_t){.size = sizeof(sluice_api_t)}, store_blocked));
    assert_int_equal(offsetof(sluice_api_t, store_blocked) + sizeof(void *),
                     sizeof(sluice_api_t));
    assert_int_equal(offsetof(sluice_plugin_t, store) + sizeof(void *),
                     sizeof(sluice_plugin_t));
    assert_int_equal(offsetof(sluice_module_t, plugin_size) + sizeof(uint32_t),
                     sizeof(sluice_module_t));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_nothing_unlisted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
