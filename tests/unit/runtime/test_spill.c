/* Batches on disk: what comes back equals what went in, in order, within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/heapbuf.h"
#include "harness_impl.h"
#include "record/batch.h"
#include "record/schema.h"
#include "runtime/serial.h"
#include "runtime/spill.h"

static const sluice_schema_t *make_schema(const sluice_schema_t **inner) {
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING, .optional = 1};
    sluice_value_t five = sluice_int(SLUICE_INT64, 5);
    sluice_param_t param = {sluice_str("a"), sluice_str("b")};
    sluice_schema_t number = {.size = sizeof(number), .type = SLUICE_INT64, .default_value = &five,
                              .has_version = 1, .version = 3, .name = sluice_str("n"),
                              .doc = sluice_str("doc"), .params = &param, .param_count = 1};
    const sluice_schema_t *t = sl_schema_intern(&text);
    const sluice_schema_t *n = sl_schema_intern(&number);
    sluice_field_t fields[] = {{sluice_str("t"), t}, {sluice_str("n"), n}};
    sluice_schema_t in = {.size = sizeof(in), .type = SLUICE_STRUCT, .fields = fields,
                          .field_count = 2, .name = sluice_str("inner")};
    sluice_field_t outer_fields[1];
    sluice_schema_t outer = {.size = sizeof(outer), .type = SLUICE_STRUCT, .fields = outer_fields,
                             .field_count = 1};
    const sluice_schema_t *result;

    *inner = sl_schema_intern(&in);
    outer_fields[0] = (sluice_field_t){sluice_str("in"), *inner};
    result = sl_schema_intern(&outer);
    sl_schema_unref(t);
    sl_schema_unref(n);
    return result;
}

static sluice_batch_t *rich_batch(void) {
    sluice_batch_t *b = sl_batch_create(0);
    const sluice_schema_t *inner;
    const sluice_schema_t *outer = make_schema(&inner);
    sluice_record_t *r = sl_batch_add(b);
    sluice_struct_t *in = sl_batch_alloc(b, sizeof(*in) + 2 * sizeof(sluice_value_t));
    sluice_struct_t *out = sl_batch_alloc(b, sizeof(*out) + sizeof(sluice_value_t));
    sluice_value_t *items = sl_batch_alloc(b, 4 * sizeof(*items));
    sluice_header_t *headers = sl_batch_alloc(b, 2 * sizeof(*headers));
    sluice_mark_t mark = {7, 2, {.len = 2, .bytes = {1, 2}}, sluice_str("cookie")};

    in->schema = inner;
    in->fields[0] = sluice_null();
    in->fields[1] = sluice_text(SLUICE_INT64, sluice_str("-123"));
    in->fields[1].flags = SLUICE_TEXT;
    out->schema = outer;
    out->fields[0] = (sluice_value_t){.kind = SLUICE_STRUCT, .len = 2, .as.st = in};
    items[0] = sluice_int(SLUICE_INT32, 1);
    items[1] = sluice_float(SLUICE_FLOAT64, 0.1);
    items[2] = sluice_text(SLUICE_DECIMAL, sluice_str("1.50"));
    items[3] = sluice_text(SLUICE_BYTES, sluice_str_n("\0\1", 2));
    r->topic = sl_batch_copy(b, sluice_str("topic"));
    r->partition = 3;
    r->source_partition = 7;
    r->timestamp = 99;
    r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    r->position = mark.position;
    r->sub_index = 2;
    r->original_topic = sl_batch_copy(b, sluice_str("orig"));
    r->original_offset = 55;
    r->offset = sl_batch_copy(b, sluice_str("cookie"));
    r->value_schema = outer;
    r->value = (sluice_value_t){.kind = SLUICE_STRUCT, .len = 1, .as.st = out};
    r->key = (sluice_value_t){.kind = SLUICE_MAP, .len = 2, .as.items = items};
    headers[0] = (sluice_header_t){sluice_str("h"), NULL, sluice_int(SLUICE_BOOLEAN, 1)};
    headers[1] =
        (sluice_header_t){sluice_str("h"), NULL, sluice_text(SLUICE_STRING, sluice_str(""))};
    r->headers = headers;
    r->header_count = 2;
    assert_int_equal(sl_batch_seal(b), SLUICE_OK);
    assert_int_equal(sl_batch_set_marks(b, &mark, 1), SLUICE_OK);
    sl_schema_unref(inner);
    sl_schema_unref(outer);
    return b;
}

static void assert_rich(sluice_batch_t *b) {
    size_t count;
    const sluice_record_t *r = sl_batch_records(b, &count);
    const sluice_mark_t *m = sl_batch_marks(b, &count);
    const sluice_schema_t *inner = r->value_schema->fields[0].schema;
    const sluice_value_t *n = &r->value.as.st->fields[0].as.st->fields[1];

    assert_int_equal(count, 1);
    assert_true(sluice_str_eq(m->offset, sluice_str("cookie")));
    assert_int_equal(m->position.len, 2);
    assert_true(sluice_str_eq(r->topic, sluice_str("topic")));
    assert_int_equal(r->partition, 3);
    assert_int_equal(r->original_offset, 55);
    assert_ptr_equal(r->value.as.st->schema, r->value_schema);
    assert_ptr_equal(r->value.as.st->fields[0].as.st->schema, inner);
    assert_int_equal(inner->fields[1].schema->version, 3);
    assert_int_equal(inner->fields[1].schema->default_value->as.i, 5);
    assert_int_equal(sluice_value_int(n), -123);
    assert_int_equal(r->key.kind, SLUICE_MAP);
    assert_true(r->key.as.items[1].as.f == 0.1);
    assert_int_equal(r->key.as.items[3].len, 2);
    assert_int_equal(r->header_count, 2);
    assert_non_null(r->headers[1].value.as.s);
}

static void everything_survives(void **state) {
    size_t before = sl_schema_count();
    sluice_batch_t *b = rich_batch();
    sluice_batch_t *copy = NULL;
    sluice_buf_t out;
    char *data;
    size_t len, i;

    (void)state;
    sl_heapbuf_init(&out);
    assert_int_equal(sl_serial_write(&out, b), SLUICE_OK);
    sl_batch_unref(b); /* the schemas go too and are interned anew */
    data = malloc(out.len);
    memcpy(data, out.data, out.len);
    assert_int_equal(sl_serial_read(data, out.len, &copy), SLUICE_OK);
    assert_rich(copy);
    sl_batch_unref(copy);
    /* Every cut is found out, and nothing breaks. */
    for (len = 0; len < out.len; len++) {
        data = malloc(len + 1);
        memcpy(data, out.data, len);
        assert_int_not_equal(sl_serial_read(data, len, &copy), SLUICE_OK);
    }
    for (i = 0; i < out.len; i++) {
        data = malloc(out.len);
        memcpy(data, out.data, out.len);
        data[i] = (char)(data[i] ^ 0xff);
        if (sl_serial_read(data, out.len, &copy) == SLUICE_OK)
            sl_batch_unref(copy);
    }
    sl_heapbuf_fini(&out);
    assert_int_equal(sl_schema_count(), before);
}

static sluice_batch_t *numbered(int n, size_t payload) {
    sluice_batch_t *b = sl_batch_create(0);
    sluice_record_t *r = sl_batch_add(b);
    char *data = sl_batch_alloc(b, payload);

    memset(data, 'y', payload);
    r->key = sluice_int(SLUICE_INT32, n);
    r->value = sluice_text(SLUICE_BYTES, sluice_str_n(data, payload));
    sl_batch_seal(b);
    return b;
}

static int pop_number(sl_spill_t *spill) {
    sluice_batch_t *b = NULL;
    size_t count;
    int n;

    assert_int_equal(sl_spill_pop(spill, &b), SLUICE_OK);
    if (b == NULL)
        return -1;
    n = (int)sl_batch_records(b, &count)->key.as.i;
    sl_batch_unref(b);
    return n;
}

static void fifo_within_bounds(void **state) {
    sl_spill_t *spill = NULL;
    int pushed = 0, popped = 0, full = 0, i;

    (void)state;
    assert_int_equal(sl_spill_open(harness_folder, 400000, &spill, NULL), SLUICE_OK);
    srand(7);
    for (i = 0; i < 20000; i++) {
        if (rand() % 100 < 52) {
            sluice_batch_t *b = numbered(pushed, (size_t)(rand() % 5000));
            int status = sl_spill_push(spill, b);
            sl_batch_unref(b);
            pushed += status == SLUICE_OK;
            full += status == SLUICE_BUSY;
        } else {
            int n = pop_number(spill);
            if (n >= 0)
                assert_int_equal(n, popped++);
            else
                assert_int_equal(popped, pushed);
        }
        assert_true(sl_spill_bytes(spill) <= 400000);
        assert_int_equal(sl_spill_count(spill), pushed - popped);
    }
    assert_true(full > 0);
    while (popped < pushed)
        assert_int_equal(pop_number(spill), popped++);
    assert_int_equal(sl_spill_bytes(spill), 0);
    sl_spill_close(spill);
}

static void damage_is_found(void **state) {
    sl_spill_t *spill = NULL;
    sluice_batch_t *b = numbered(1, 1000);
    char path[128];
    FILE *f;

    (void)state;
    assert_int_equal(sl_spill_open(harness_folder, 1 << 20, &spill, NULL), SLUICE_OK);
    assert_int_equal(sl_spill_push(spill, b), SLUICE_OK);
    sl_batch_unref(b);
    snprintf(path, sizeof(path), "%s/00000000.spill", harness_folder);
    f = fopen(path, "r+");
    fseek(f, 500, SEEK_SET);
    fputc('z', f);
    fclose(f);
    assert_int_equal(sl_spill_pop(spill, &b), SLUICE_FATAL);
    assert_non_null(strstr(sl_spill_error(spill), "damaged"));
    sl_spill_close(spill);
}

static void a_slow_branch_spills_and_the_others_go_on(void **state) {
    run_options_t o = {.branches = 2, .queue_bytes = 20000, .spill_max = 10 << 20, .window = 1,
                       .state_dir = harness_folder};
    run_result_t r;

    (void)state;
    the_source.payload = 100;
    the_source.partitions = 2;
    targets[1].slow_ms = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[0], 2, 1000, 0), 0);
    assert_int_equal(assert_complete(&targets[1], 2, 1000, 0), 0);
}

static void a_full_spill_waits_or_fails(void **state) {
    run_options_t o = {.branches = 2, .queue_bytes = 20000, .spill_max = 200000, .window = 1,
                       .state_dir = harness_folder};
    run_result_t r;

    (void)state;
    the_source.payload = 1000;
    targets[1].slow_ms = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[1], 1, 1000, 0), 0);
    harness_reset();
    the_source.payload = 1000;
    targets[1].hang = 1;
    o.spill_fail = 1;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FAILED);
    assert_string_equal(r.code, "spill.full");
}

/* A sink without a window of its own takes all that it is given and keeps it: what comes back from
 * the disk has to stop at queue.bytes, and so has what is on its way there. */
static void memory_is_bounded_while_a_branch_spills(void **state) {
    run_options_t o = {.branches = 2, .queue_bytes = 200000, .spill_max = 100 << 20, .beat_ms = 1,
                       .state_dir = harness_folder};
    run_result_t r;

    (void)state;
    the_source.payload = 1000;
    the_source.count = 20000;
    targets[1].slow_ms = 20;
    r = harness_run(&o);
    assert_int_equal(r.state, SL_TRUNK_FINISHED);
    assert_int_equal(assert_complete(&targets[1], 1, 20000, 0), 0);
    assert_in_range(r.most_held[1], 100000, 2 * o.queue_bytes + 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(everything_survives),
        TEST(fifo_within_bounds),
        TEST(damage_is_found),
        TEST(a_slow_branch_spills_and_the_others_go_on),
        TEST(a_full_spill_waits_or_fails),
        TEST(memory_is_bounded_while_a_branch_spills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
