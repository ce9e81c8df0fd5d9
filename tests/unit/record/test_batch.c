/* Arena, records, pins, sharing, sealing, marks, buffers, positions. */
#include "record/batch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/buf.h"
#include "record/position.h"
#include "record/schema.h"

static int released;

static void release(void *arg) {
    released += *(int *)arg;
}

static void test_arena(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    char *blocks[400];
    size_t i;
    size_t k;

    (void)state;
    assert_true(sl_batch_bytes(b) < 2048);
    for (i = 0; i < 400; i++) {
        size_t size = i * 37 % 3000;
        blocks[i] = sl_batch_alloc(b, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, size);
    }
    for (i = 0; i < 400; i++)
        for (k = 0; k < i * 37 % 3000; k++)
            assert_int_equal((uint8_t)blocks[i][k], (uint8_t)i);
    assert_true(sl_batch_bytes(b) > 400 * 1400 && sl_batch_bytes(b) < 400 * 2200);
    assert_null(sl_batch_alloc(b, SIZE_MAX - 3));
    assert_non_null(sl_batch_alloc(b, 10u << 20));
    sl_batch_unref(b);
    assert_null(sl_batch_create(SIZE_MAX - 3));
    sl_batch_unref(NULL);
}

static void test_copy(void **state) {
    sluice_batch_t *b = sl_batch_create(100000);
    sluice_str_t s = sl_batch_copy(b, sluice_str("text"));

    (void)state;
    assert_int_equal(s.len, 4);
    assert_memory_equal(s.data, "text", 4);
    s = sl_batch_copy(b, sluice_str(NULL));
    assert_null(s.data);
    s = sl_batch_copy(b, sluice_str(""));
    assert_non_null(s.data);
    assert_int_equal(s.len, 0);
    sl_batch_unref(b);
}

static void test_records_and_schemas(void **state) {
    sluice_schema_t t = {.size = sizeof(t), .type = SLUICE_STRING};
    sluice_batch_t *b = sl_batch_create(0);
    const sluice_record_t *records;
    sluice_header_t header = {0};
    size_t count;
    int i;

    (void)state;
    for (i = 0; i < 300; i++) {
        sluice_record_t *r = sl_batch_add(b);
        const sluice_schema_t *s;

        t.has_version = 1;
        t.version = i % 100;
        s = sl_schema_intern(&t);
        assert_int_equal(sl_batch_keep_schema(b, s), SLUICE_OK);
        sl_schema_unref(s);
        assert_int_equal(r->partition, SLUICE_NO_PARTITION);
        assert_true(r->original_offset == SLUICE_NO_OFFSET);
        assert_int_equal(r->value.kind, SLUICE_NULL);
        r->value_schema = s;
        r->source_partition = (uint32_t)i;
    }
    t.version = 1000;
    header.schema = sl_schema_intern(&t);
    ((sluice_record_t *)(uintptr_t)sl_batch_records(b, &count))->headers = &header;
    ((sluice_record_t *)(uintptr_t)sl_batch_records(b, &count))->header_count = 1;
    assert_int_equal(sl_batch_seal(b), SLUICE_OK);
    assert_int_equal(sl_batch_seal(b), SLUICE_OK);
    assert_true(sl_batch_is_sealed(b));
    sl_schema_unref(header.schema);
    records = sl_batch_records(b, &count);
    assert_int_equal(count, 300);
    for (i = 0; i < 300; i++) {
        assert_int_equal(records[i].source_partition, i);
        assert_int_equal(records[i].value_schema->version, i % 100);
    }
    assert_int_equal(sl_schema_count(), 101);
    sl_batch_unref(b);
    assert_int_equal(sl_schema_count(), 0);
}

static void test_pins_and_sharing(void **state) {
    sluice_batch_t *inner = sl_batch_create(0);
    sluice_batch_t *outer = sl_batch_create(0);
    int one = 1;
    int ten = 10;
    size_t before = sl_batch_bytes(inner);

    (void)state;
    released = 0;
    assert_int_equal(sl_batch_pin(inner, 5000, release, &one), SLUICE_OK);
    assert_int_equal(sl_batch_pin(inner, 0, release, &ten), SLUICE_OK);
    assert_int_equal(sl_batch_bytes(inner), before + 5000);
    sl_batch_seal(inner);
    before = sl_batch_bytes(outer);
    assert_int_equal(sl_batch_share(outer, inner), SLUICE_OK);
    assert_int_equal(sl_batch_bytes(outer), before + sl_batch_bytes(inner));
    sl_batch_unref(inner);
    assert_int_equal(released, 0);
    sl_batch_ref(outer);
    sl_batch_unref(outer);
    assert_int_equal(released, 0);
    sl_batch_unref(outer);
    assert_int_equal(released, 11);
}

/* As when a batch is tried record by record: each part keeps the whole, which is charged once. */
static void test_a_shared_batch_is_charged_once(void **state) {
    sluice_batch_t *whole = sl_batch_create(100000);
    sluice_batch_t *all = sl_batch_create(0);
    size_t i, own = 0;

    (void)state;
    sl_batch_seal(whole);
    for (i = 0; i < 100; i++) {
        sluice_batch_t *part = sl_batch_create(0);
        assert_int_equal(sl_batch_share(part, whole), SLUICE_OK);
        assert_in_range(sl_batch_bytes(part), sl_batch_bytes(whole), sl_batch_bytes(whole) + 10000);
        sl_batch_seal(part);
        assert_false(sl_batch_keeps(all, part));
        assert_int_equal(sl_batch_share(all, part), SLUICE_OK);
        assert_int_equal(sl_batch_share(all, part), SLUICE_OK);
        assert_true(sl_batch_keeps(all, part));
        own += sl_batch_bytes(part) - sl_batch_bytes(whole);
        sl_batch_unref(part);
    }
    assert_true(sl_batch_keeps(all, whole));
    assert_false(sl_batch_keeps(whole, all));
    assert_in_range(sl_batch_bytes(all), sl_batch_bytes(whole) + own,
                    sl_batch_bytes(whole) + own + 20000);
    sl_batch_unref(whole);
    sl_batch_unref(all);
}

/* As when a predicate lets every other record through: a slice pays for what it holds, whatever
 * else is in the batch that it is of. */
static void test_a_slice_costs_its_own_records(void **state) {
    enum { RECORDS = 2000 };
    sluice_batch_t *whole = sl_batch_create(0);
    sluice_batch_t *all = sl_batch_create(0);
    size_t i, count;

    (void)state;
    for (i = 0; i < RECORDS; i++)
        sl_batch_add(whole);
    sl_batch_seal(whole);
    for (i = 0; i < RECORDS / 2; i++) {
        sluice_batch_t *part = sl_batch_create(0);
        assert_int_equal(sl_batch_share(part, whole), SLUICE_OK);
        assert_int_equal(sl_batch_reserve(part, 2), SLUICE_OK);
        sl_batch_add(part);
        sl_batch_add(part);
        assert_in_range(sl_batch_bytes(part), sl_batch_bytes(whole), sl_batch_bytes(whole) + 4096);
        sl_batch_seal(part);
        assert_int_equal(sl_batch_share(all, part), SLUICE_OK);
        sl_batch_add(all);
        sl_batch_add(all);
        sl_batch_unref(part);
    }
    sl_batch_records(all, &count);
    assert_int_equal(count, RECORDS);
    assert_in_range(sl_batch_bytes(all), sl_batch_bytes(whole),
                    4 * sl_batch_bytes(whole) + RECORDS / 2 * 4096);
    sl_batch_unref(whole);
    sl_batch_unref(all);
}

static void test_marks(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    char offset[] = "private";
    sluice_mark_t mark = {.source_partition = 3, .sub_index = 2, .offset = sluice_str(offset)};
    const sluice_mark_t *marks;
    size_t count;

    (void)state;
    marks = sl_batch_marks(b, &count);
    assert_int_equal(count, 0);
    sl_batch_seal(b);
    assert_int_equal(sl_batch_set_marks(b, &mark, 1), SLUICE_OK);
    memset(offset, 'x', sizeof(offset));
    marks = sl_batch_marks(b, &count);
    assert_int_equal(count, 1);
    assert_int_equal(marks[0].source_partition, 3);
    assert_memory_equal(marks[0].offset.data, "private", 7);
    mark.offset = sluice_str(NULL);
    assert_int_equal(sl_batch_set_marks(b, &mark, 1), SLUICE_OK);
    assert_null(sl_batch_marks(b, &count)[0].offset.data);
    sl_batch_unref(b);
}

static void write_numbers(sluice_buf_t *buf, int n) {
    int i;

    for (i = 0; i < n; i++)
        sluice_buf_put(buf, "0123456789", 10);
}

static void check_numbers(sluice_str_t text, int n) {
    int i;

    assert_int_equal(text.len, 10 * n);
    for (i = 0; i < n; i++)
        assert_memory_equal(text.data + 10 * i, "0123456789", 10);
}

static void test_buf(void **state) {
    static const int sizes[] = {0, 1, 7, 100, 3, 30000, 1, 8000, 50};
    sluice_str_t texts[sizeof(sizes) / sizeof(sizes[0])];
    sluice_batch_t *b = sl_batch_create(0);
    sluice_buf_t buf;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        sl_buf_init(&buf, b, i % 3 * 100);
        write_numbers(&buf, sizes[i]);
        texts[i] = sl_buf_finish(&buf);
        assert_non_null(texts[i].data);
        memset(sl_batch_alloc(b, 24), 'x', 24);
    }
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        check_numbers(texts[i], sizes[i]);
    assert_true(sl_batch_bytes(b) < 2 * 400000 + 200000);
    sl_batch_unref(b);
}

static void test_buf_without_memory(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    sluice_buf_t buf;
    sluice_str_t text;

    (void)state;
    sl_buf_init(&buf, b, 0);
    sluice_buf_put(&buf, "abc", 3);
    assert_int_equal(sluice_buf_reserve(&buf, SIZE_MAX / 2), SLUICE_NO_MEMORY);
    assert_int_equal(sluice_buf_reserve(&buf, SIZE_MAX), SLUICE_NO_MEMORY);
    text = sl_buf_finish(&buf);
    assert_null(text.data);
    assert_non_null(sl_batch_alloc(b, 16));
    sl_batch_unref(b);
}

static void *hold(void *arg) {
    int i;

    for (i = 0; i < 20000; i++) {
        sluice_batch_t *b = sl_batch_ref(arg);
        size_t count;
        if (sl_batch_records(b, &count)[0].source_partition != 9)
            break;
        sl_batch_unref(b);
    }
    sl_batch_unref(arg);
    return NULL;
}

static void test_threads(void **state) {
    sluice_batch_t *b = sl_batch_create(0);
    pthread_t threads[4];
    int one = 1;
    int i;

    (void)state;
    released = 0;
    sl_batch_add(b)->source_partition = 9;
    sl_batch_pin(b, 0, release, &one);
    sl_batch_seal(b);
    for (i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, hold, sl_batch_ref(b));
    sl_batch_unref(b);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(released, 1);
}

static void test_deriving(void **state) {
    sluice_batch_t *in = sl_batch_create(0);
    sluice_batch_t *out;
    sluice_record_t *records;
    size_t i, count;

    (void)state;
    for (i = 0; i < 100; i++)
        sl_batch_add(in)->timestamp = (int64_t)i;
    sl_batch_seal(in);
    out = sl_batch_derive(in, &records);
    assert_true(sl_batch_keeps(out, in));
    assert_int_equal(sl_batch_records(out, &count)[99].timestamp, 99);
    assert_int_equal(count, 100);
    for (i = 0; i < 50; i++)
        records[i] = records[2 * i];
    sl_batch_cut(out, 50);
    assert_int_equal(sl_batch_add(out)->timestamp, 0); /* nothing of the one that stood there */
    assert_int_equal(sl_batch_add(out)->topic.len, 0);
    sl_batch_cut(out, 51);
    assert_int_equal(sl_batch_records(out, &count)[49].timestamp, 98);
    assert_int_equal(count, 51);
    assert_int_equal(sl_batch_records(in, &count)[1].timestamp, 1);
    sl_batch_seal(out);
    sl_batch_unref(in);
    sl_batch_unref(out);
    in = sl_batch_create(0);
    sl_batch_seal(in);
    out = sl_batch_derive(in, &records);
    sl_batch_records(out, &count);
    assert_int_equal(count, 0);
    sl_batch_unref(out);
    sl_batch_unref(in);
}

static void test_position(void **state) {
    sluice_position_t p = {.len = 3, .bytes = {0, 0xab, 0x7f}};
    sluice_position_t q;
    char text[SL_POSITION_TEXT_MAX + 1];

    (void)state;
    sl_position_text(&p, text);
    assert_string_equal(text, "00ab7f");
    assert_int_equal(sl_position_parse(sluice_str(text), &q), SLUICE_OK);
    assert_int_equal(sluice_position_cmp(&p, &q), 0);
    assert_int_equal(sl_position_parse(sluice_str(""), &q), SLUICE_OK);
    assert_int_equal(q.len, 0);
    assert_int_equal(sl_position_parse(sluice_str("0"), &q), SLUICE_INVALID);
    assert_int_equal(sl_position_parse(sluice_str("0123456789012345678901234567890123456789"
                                                  "012345678901234567890123"),
                                       &q),
                     SLUICE_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_records_and_schemas),
        cmocka_unit_test(test_pins_and_sharing),
        cmocka_unit_test(test_a_shared_batch_is_charged_once),
        cmocka_unit_test(test_a_slice_costs_its_own_records),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_buf_without_memory),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_deriving),
        cmocka_unit_test(test_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
