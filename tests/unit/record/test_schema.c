/* Interning: what makes schemas equal, lifetime, look-up, several threads. */
#include "record/schema.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static sluice_schema_t plain(sluice_kind_t type) {
    sluice_schema_t s = {.size = sizeof(s), .type = (uint8_t)type};
    return s;
}

/* Interns both and says whether they are one. */
static int same(const sluice_schema_t *a, const sluice_schema_t *b) {
    const sluice_schema_t *x = sl_schema_intern(a);
    const sluice_schema_t *y = sl_schema_intern(b);
    int answer = x == y;

    assert_non_null(x);
    assert_true((x->id == y->id) == answer);
    sl_schema_unref(x);
    sl_schema_unref(y);
    return answer;
}

static void test_each_member_counts(void **state) {
    sluice_param_t params[2] = {{sluice_str("a"), sluice_str("1")},
                                {sluice_str("b"), sluice_str("2")}};
    sluice_value_t value = sluice_int(SLUICE_INT32, 5);
    sluice_schema_t a = plain(SLUICE_INT32);
    sluice_schema_t b = plain(SLUICE_INT32);

    (void)state;
    assert_true(same(&a, &b));
#define DIFFERS(change)         \
    b = a;                      \
    change;                     \
    assert_false(same(&a, &b)); \
    a = b;                      \
    assert_true(same(&a, &b))
    DIFFERS(b.type = SLUICE_INT64);
    DIFFERS(b.optional = 1);
    DIFFERS(b.has_version = 1);
    DIFFERS(b.version = 2);
    DIFFERS(b.name = sluice_str(""));
    DIFFERS(b.name = sluice_str("n"));
    DIFFERS(b.doc = sluice_str("d"));
    DIFFERS((b.params = params, b.param_count = 1));
    DIFFERS(b.param_count = 2);
    DIFFERS(params[1].value = sluice_str("3"); a.param_count = 1);
    DIFFERS(b.default_value = &value);
#undef DIFFERS
    assert_int_equal(sl_schema_count(), 0);
}

static void test_defaults(void **state) {
    sluice_value_t text = sluice_text(SLUICE_INT32, sluice_str("42"));
    sluice_value_t number = sluice_int(SLUICE_INT32, 42);
    sluice_value_t items[4] = {sluice_text(SLUICE_STRING, sluice_str("k")), number, number, text};
    sluice_value_t list = {.kind = SLUICE_ARRAY, .len = 4, .as = {.items = items}};
    sluice_value_t map = {.kind = SLUICE_MAP, .len = 2, .as = {.items = items}};
    sluice_schema_t a = plain(SLUICE_INT32);
    sluice_schema_t b = plain(SLUICE_INT32);
    const sluice_schema_t *s;

    (void)state;
    text.flags = SLUICE_TEXT;
    a.default_value = &text;
    b.default_value = &number;
    assert_true(same(&a, &b));
    a.default_value = &list;
    b.default_value = &map;
    assert_false(same(&a, &b));
    s = sl_schema_intern(&b);
    items[0] = sluice_null();
    assert_memory_equal(s->default_value->as.items[0].as.s, "k", 1);
    sl_schema_unref(s);
    number = sluice_float(SLUICE_FLOAT64, 0.0);
    text = sluice_float(SLUICE_FLOAT64, -0.0);
    a.default_value = &text;
    b.default_value = &number;
    assert_false(same(&a, &b));
}

static void test_struct_default(void **state) {
    sluice_schema_t leaf = plain(SLUICE_INT32);
    sluice_field_t field = {sluice_str("x"), &leaf};
    sluice_schema_t inner = plain(SLUICE_STRUCT);
    sluice_schema_t outer;
    struct {
        const sluice_schema_t *schema;
        sluice_value_t fields[1];
    } st = {&inner, {sluice_int(SLUICE_INT32, 7)}};
    sluice_value_t value = {.kind = SLUICE_STRUCT, .len = 1};
    const sluice_schema_t *s;

    (void)state;
    inner.fields = &field;
    inner.field_count = 1;
    value.as.st = (const sluice_struct_t *)(const void *)&st;
    outer = inner;
    outer.default_value = &value;
    s = sl_schema_intern(&outer);
    assert_true(same(s, &outer));
    assert_true(s->default_value->as.st->schema->id != 0);
    assert_int_equal(s->default_value->as.st->fields[0].as.i, 7);
    st.fields[0].as.i = 8;
    assert_false(same(s, &outer));
    sl_schema_unref(s);
    assert_int_equal(sl_schema_count(), 0);
}

static void test_logical(void **state) {
    static const struct {
        const char *name;
        sluice_kind_t type;
        sluice_logical_t logical;
    } cases[] = {
        {"org.apache.kafka.connect.data.Decimal", SLUICE_BYTES, SLUICE_LOGICAL_DECIMAL},
        {"org.apache.kafka.connect.data.Date", SLUICE_INT32, SLUICE_LOGICAL_DATE},
        {"org.apache.kafka.connect.data.Time", SLUICE_INT32, SLUICE_LOGICAL_TIME},
        {"org.apache.kafka.connect.data.Timestamp", SLUICE_INT64, SLUICE_LOGICAL_TIMESTAMP},
        {"org.apache.kafka.connect.data.Timestamp", SLUICE_INT32, SLUICE_LOGICAL_NONE},
        {"other", SLUICE_INT32, SLUICE_LOGICAL_NONE},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sluice_schema_t t = plain(cases[i].type);
        const sluice_schema_t *s;

        t.name = sluice_str(cases[i].name);
        s = sl_schema_intern(&t);
        assert_int_equal(s->logical, cases[i].logical);
        sl_schema_unref(s);
    }
}

static void check_width(uint32_t width) {
    sluice_schema_t leaf = plain(SLUICE_STRING);
    sluice_schema_t t = plain(SLUICE_STRUCT);
    sluice_field_t fields[200];
    char names[200][16];
    const sluice_schema_t *s;
    uint32_t i;

    for (i = 0; i < width; i++) {
        snprintf(names[i], sizeof(names[i]), "f%u", i);
        fields[i] = (sluice_field_t){sluice_str(names[i]), &leaf};
    }
    t.fields = fields;
    t.field_count = width;
    s = sl_schema_intern(&t);
    assert_int_equal(sl_schema_count(), width == 0 ? 1 : 2);
    for (i = 0; i < width; i++)
        assert_int_equal(sl_schema_field(s, sluice_str(names[i])), i);
    assert_int_equal(sl_schema_field(s, sluice_str("none")), -1);
    assert_int_equal(sl_schema_field(s, sluice_str("")), -1);
    sl_schema_unref(s);
    assert_int_equal(sl_schema_count(), 0);
}

static void test_fields(void **state) {
    (void)state;
    check_width(0);
    check_width(3);
    check_width(8);
    check_width(9);
    check_width(200);
}

static void test_ids_are_not_reused(void **state) {
    sluice_schema_t t = plain(SLUICE_BOOLEAN);
    uint64_t last = 0;
    int i;

    (void)state;
    for (i = 0; i < 10; i++) {
        const sluice_schema_t *s = sl_schema_intern(&t);
        assert_true(s->id > last);
        last = s->id;
        assert_ptr_equal(sl_schema_ref(s), s);
        sl_schema_unref(s);
        assert_ptr_equal(sl_schema_intern(s), s);
        sl_schema_unref(s);
        sl_schema_unref(s);
    }
    assert_null(sl_schema_ref(NULL));
    sl_schema_unref(NULL);
}

/* Every thread makes, holds and drops the same few schemas, so that the last reference often goes
 * while another thread looks the schema up. */
static void *churn(void *arg) {
    sluice_schema_t leaf = plain(SLUICE_INT32);
    sluice_field_t field = {sluice_str("x"), &leaf};
    sluice_schema_t t = plain(SLUICE_STRUCT);
    const sluice_schema_t *held[3];
    unsigned seed = (unsigned)(uintptr_t)arg;
    int i;
    int k;

    t.fields = &field;
    t.field_count = 1;
    t.has_version = 1;
    for (i = 0; i < 4000; i++) {
        for (k = 0; k < 3; k++) {
            t.version = rand_r(&seed) % 5;
            held[k] = sl_schema_intern(&t);
            if (held[k]->version != t.version || sl_schema_field(held[k], field.name) != 0)
                return NULL;
        }
        for (k = 0; k < 3; k++)
            sl_schema_unref(held[k]);
    }
    return arg;
}

static void test_threads(void **state) {
    pthread_t threads[4];
    void *answer;
    uintptr_t i;

    (void)state;
    for (i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (i = 0; i < 4; i++) {
        pthread_join(threads[i], &answer);
        assert_non_null(answer);
    }
    assert_int_equal(sl_schema_count(), 0);
}

static void test_many(void **state) {
    static const sluice_schema_t *all[2000];
    sluice_schema_t t = plain(SLUICE_STRING);
    int i;

    (void)state;
    t.has_version = 1;
    for (i = 0; i < 2000; i++) {
        t.version = i;
        all[i] = sl_schema_intern(&t);
    }
    assert_int_equal(sl_schema_count(), 2000);
    t.version = 1234;
    assert_true(same(&t, all[1234]));
    for (i = 0; i < 2000; i++)
        sl_schema_unref(all[i]);
    assert_int_equal(sl_schema_count(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_member_counts),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_struct_default),
        cmocka_unit_test(test_logical),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_ids_are_not_reused),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
