/* What a transform remembers of a batch's records for those like them: each record of a batch, with
 * names in one place or in several, becomes what it becomes alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/fakehost.h"
#include "random_records.h"
#include "record/batch.h"
#include "record/schema.h"

#define ROUNDS 20

/* ---- as a batch, and one by one ---- */

/* The record's value as it is alone; "rejected" when it is. */
static char *alone(fakehost_t *h, const sluice_record_t *record) {
    sluice_batch_t *in = sl_batch_create(0), *out = NULL;
    sluice_record_t *r = sl_batch_add(in);
    const sluice_record_t *made;
    char *text = NULL;
    size_t count;

    *r = *record;
    sl_batch_seal(in);
    h->reject_count = 0;
    assert_int_equal(h->plugin->transform->apply(h->self, in, &out), SLUICE_OK);
    if (h->reject_count == 0) {
        made = sl_batch_records(out, &count);
        assert_int_equal(count, 1);
        text = fakehost_json(&made->value);
    }
    sl_batch_unref(out);
    sl_batch_unref(in);
    return text != NULL ? text : strdup("rejected");
}

static void check_batch(fakehost_t *h, sluice_batch_t *in) {
    uint32_t rejects[FAKEHOST_REJECTS];
    size_t i, count, made_count = 0, rejected, at = 0, next_reject = 0;
    const sluice_record_t *records = sl_batch_records(in, &count), *made = NULL;
    sluice_batch_t *out = NULL;

    h->reject_count = 0;
    assert_int_equal(h->plugin->transform->apply(h->self, in, &out), SLUICE_OK);
    rejected = h->reject_count;
    memcpy(rejects, h->rejects, sizeof(rejects));
    if (out != NULL)
        made = sl_batch_records(out, &made_count);
    assert_int_equal(made_count + rejected, count);
    for (i = 0; i < count; i++) {
        char *expected = alone(h, &records[i]), *text;

        if (next_reject < rejected && rejects[next_reject] == i) {
            next_reject++;
            text = strdup("rejected");
        } else {
            text = fakehost_json(&made[at++].value);
        }
        assert_string_equal(text, expected);
        free(text);
        free(expected);
    }
    sl_batch_unref(out);
}

static void check(const char *name, const char *config) {
    const sluice_schema_t *schema = struct_schema();
    static fakehost_t h; /* too large for the stack */
    int i;

    fakehost_init(&h, name, SLUICE_TRANSFORM, name, config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    for (i = 0; i < ROUNDS; i++) {
        sluice_batch_t *in = make_batch(i % 2 == 0 ? NULL : schema);

        check_batch(&h, in);
        sl_batch_unref(in);
    }
    fakehost_close(&h);
    fakehost_fini(&h);
    sl_schema_unref(schema);
}

/* ---- fields that do not suit their schema ---- */

/* The third has text in place of a number, the second null where there must be something; the
 * fourth null where there is a default. */
static void check_unsuited(const char *name, const char *config) {
    const sluice_schema_t *schema = struct_schema();
    sluice_batch_t *in = sl_batch_create(0), *out = NULL;
    const sluice_record_t *made;
    static fakehost_t h;
    size_t i, count;
    char *text;

    for (i = 0; i < 4; i++) {
        sluice_record_t *r = sl_batch_add(in);
        sluice_struct_t *st = sl_batch_alloc(in, sizeof(*st) + 6 * sizeof(st->fields[0]));

        st->schema = r->value_schema = schema;
        st->fields[0] = sluice_int(SLUICE_INT64, 1);
        st->fields[1] = sluice_null();
        st->fields[2] = sluice_text(SLUICE_STRING, sluice_str("2"));
        st->fields[3] = i == 3 ? sluice_null() : sluice_int(SLUICE_INT64, 3);
        st->fields[4] = sluice_text(SLUICE_STRING, sluice_str("e"));
        st->fields[5] = sluice_float(SLUICE_FLOAT64, 1.5);
        if (i == 1)
            st->fields[2] = sluice_null();
        if (i == 2)
            st->fields[5] = sluice_text(SLUICE_STRING, sluice_str("x"));
        r->value = (sluice_value_t){.kind = SLUICE_STRUCT, .len = 6, .as = {.st = st}};
    }
    sl_batch_seal(in);
    fakehost_init(&h, name, SLUICE_TRANSFORM, name, config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_int_equal(h.plugin->transform->apply(h.self, in, &out), SLUICE_OK);
    assert_int_equal(h.reject_count, 2);
    assert_int_equal(h.rejects[0], 1);
    assert_int_equal(h.rejects[1], 2);
    made = sl_batch_records(out, &count);
    assert_int_equal(count, 2);
    text = fakehost_json(&made[1].value);
    assert_non_null(strstr(text, "\"b\":7"));
    free(text);
    sl_batch_unref(out);
    sl_batch_unref(in);
    fakehost_close(&h);
    fakehost_fini(&h);
    sl_schema_unref(schema);
}

static void test_unsuited_fields(void **state) {
    (void)state;
    check_unsuited("insert-field", "{\"static.field\":\"x\",\"static.value\":\"y\"}");
    check_unsuited("replace-field", "{\"exclude\":\"email\"}");
    check_unsuited("cast", "{\"spec\":\"id:string\"}");
    check_unsuited("mask-field", "{\"fields\":\"email\"}");
}

static void test_insert_field(void **state) {
    (void)state;
    check("insert-field", "{\"topic.field\":\"topic\",\"timestamp.field\":\"at!\"}");
    check("insert-field", "{\"topic.field\":\"x\",\"static.field\":\"x\",\"static.value\":\"y\"}");
    check("insert-field",
          "{\"partition.field\":\"a\",\"static.field\":\"id\",\"static.value\":\"\"}");
}

static void test_replace_field(void **state) {
    (void)state;
    check("replace-field", "{\"exclude\":\"email\",\"renames\":\"id:key,a:b\"}");
    check("replace-field", "{\"include\":\"a,amount,count\"}");
    check("replace-field", "{\"renames\":\"a:b,b:a\",\"replace.null.with.default\":false}");
}

static void test_cast(void **state) {
    (void)state;
    check("cast", "{\"spec\":\"amount:float64,count:string\"}");
    check("cast", "{\"spec\":\"a:int32,missing:string,id:string\"}");
    check("cast", "{\"spec\":\"b:boolean\",\"replace.null.with.default\":false}");
}

static void test_mask_field(void **state) {
    (void)state;
    check("mask-field", "{\"fields\":\"email\"}");
    check("mask-field", "{\"fields\":\"missing,a,missing,id\",\"replacement\":\"5\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_field),
        cmocka_unit_test(test_replace_field),
        cmocka_unit_test(test_cast),
        cmocka_unit_test(test_mask_field),
        cmocka_unit_test(test_unsuited_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
