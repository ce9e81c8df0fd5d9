/* What is read lives on memory of the converter's caches: an arena holds it once, not for each
 * record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "converters/avro/avro.h"
#include "plugin/ctx.h"
#include "record/batch.h"

#define RECORDS 100

static sluice_api_t counting;
static int pins;

static int count_pin(sluice_batch_t *batch, size_t bytes, void (*release)(void *arg), void *arg) {
    pins++;
    return sl_api()->batch_pin(batch, bytes, release, arg);
}

typedef struct fixture {
    converter_t c;
    avro_reading_t r;
    uint64_t unions;
} fixture_t;

/* Records of schema 7 in topic t are an enum's, whose symbols are the plan's. */
static void open_it(fixture_t *f) {
    read_plan_t *p;

    memset(f, 0, sizeof(*f));
    counting = *sl_api();
    counting.batch_pin = count_pin;
    f->c.api = &counting;
    f->c.plans_max = 10;
    p = avro_new_read(&f->c, 7, sluice_str("t"));
    f->r = (avro_reading_t){.doc = &p->doc, .options = &f->c.options, .unions = &f->unions};
    p->doc.root = avro_parse(&p->doc, sluice_str("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":"
                                                 "[\"A\",\"B\"]}"));
    p->dec = avro_dec_compile(&f->r, p->doc.root, 0, 0, &p->schema);
    assert_non_null(p->dec);
    avro_keep_read(&f->c, p);
}

/* Pins that the records of one arena took. */
static int read_all(fixture_t *f, sluice_batch_t *arena) {
    const sluice_schema_t *schema;
    sluice_value_t value;
    int i, before = pins;

    for (i = 0; i < RECORDS; i++) {
        assert_int_equal(avro_to_connect(&f->c, arena, sluice_str("t"),
                                         sluice_str_n("\0\0\0\0\7\2", 6), &schema, &value),
                         SLUICE_OK);
        assert_true(sluice_str_eq(sluice_value_str(&value), sluice_str("B")));
    }
    return pins - before;
}

/* What was read is there after the caches are gone. */
static void close_it(fixture_t *f, sluice_batch_t **arenas, size_t count) {
    const sluice_schema_t *schema;
    sluice_value_t value;
    size_t i;

    assert_int_equal(avro_to_connect(&f->c, arenas[0], sluice_str("t"),
                                     sluice_str_n("\0\0\0\0\7\0", 6), &schema, &value),
                     SLUICE_OK);
    avro_reading_fini(&f->r);
    avro_plans_fini(&f->c);
    assert_true(sluice_str_eq(sluice_value_str(&value), sluice_str("A")));
    for (i = 0; i < count; i++)
        sl_batch_unref(arenas[i]);
}

static void an_arena_holds_a_plan_once(void **state) {
    sluice_batch_t *arenas[2] = {sl_batch_create(0), sl_batch_create(0)};
    fixture_t f;

    (void)state;
    open_it(&f);
    assert_int_equal(read_all(&f, arenas[0]), 1);
    assert_int_equal(read_all(&f, arenas[1]), 1);
    close_it(&f, arenas, 2);
}

static void without_serials_it_does_for_each_record(void **state) {
    sluice_batch_t *arena = sl_batch_create(0);
    fixture_t f;

    (void)state;
    open_it(&f);
    counting.size = offsetof(sluice_api_t, batch_serial);
    assert_int_equal(read_all(&f, arena), RECORDS);
    close_it(&f, &arena, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_holds_a_plan_once),
        cmocka_unit_test(without_serials_it_does_for_each_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
