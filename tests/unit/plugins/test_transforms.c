/* select, filter, unwrap, route and extract-field: with and without schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/fakehost.h"
#include "record/batch.h"
#include "record/schema.h"

static fakehost_t h, source;
static sluice_batch_t *out;

/* Applies one transform to a batch, whose reference it takes; the answer is `out`. */
static void apply(const char *name, const char *config, sluice_batch_t *in) {
    fakehost_init(&h, name, SLUICE_TRANSFORM, name, config);
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    assert_int_equal(h.plugin->transform->apply(h.self, in, &out), SLUICE_OK);
    sl_batch_unref(in);
    if (out != NULL)
        assert_int_equal(sl_batch_seal(out), SLUICE_OK);
}

static void done(void) {
    sl_batch_unref(out);
    out = NULL;
    fakehost_fini(&h);
}

static const sluice_record_t *record(size_t i, size_t expected_count) {
    const sluice_record_t *records;
    size_t n = 0;

    assert_non_null(out);
    records = sl_batch_records(out, &n);
    assert_int_equal(n, expected_count);
    return &records[i];
}

static void assert_json(const sluice_value_t *v, const char *expected) {
    char *text = fakehost_json(v);

    assert_string_equal(text, expected);
    free(text);
}

static void check(const char *name, const char *config, const char *in,
                  const char *const *expected) {
    size_t n, i;

    for (n = 0; expected[n] != NULL;)
        n++;
    apply(name, config, fakehost_batch(in, 0));
    if (n == 0)
        assert_null(out);
    for (i = 0; i < n; i++)
        assert_json(&record(i, n)->value, expected[i]);
    done();
}

#define CHECK(name, config, in, ...) \
    check(name, config, in, (const char *const[]){__VA_ARGS__, NULL})

static void test_select_maps(void **state) {
    (void)state;
    CHECK("select", "{\"drop\":\"a\"}", "{\"a\":1,\"b\":2}\n{\"b\":3}\nnull", "{\"b\":2}",
          "{\"b\":3}", "null");
    CHECK("select", "{\"fields\":\"c,a,x\",\"rename\":\"a:z\"}", "{\"a\":1,\"b\":2,\"c\":[3]}",
          "{\"c\":[3],\"z\":1}");
    CHECK("select", "{\"constants\":{\"b\":\"x\",\"n\":1,\"f\":1.5,\"t\":true,\"u\":null}}",
          "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":\"x\",\"n\":1,\"f\":1.5,\"t\":true,\"u\":null}");
    CHECK("select", "{\"topics\":\"other\",\"drop\":\"a\"}", "{\"a\":1}", "{\"a\":1}");
}

static void test_select_rejects(void **state) {
    char error[256];

    (void)state;
    apply("select", "{\"drop\":\"a\"}", fakehost_batch("{\"a\":1}\n[1]\n{\"a\":2,\"b\":3}", 0));
    assert_json(&record(1, 2)->value, "{\"b\":3}");
    assert_int_equal(h.reject_count, 1);
    assert_int_equal(h.rejects[0], 1);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof(error)), "no row"));
    done();
}

/* Structs come from datagen: a batch of real ones. */
static sluice_batch_t *structs(size_t count) {
    char config[512];

    snprintf(
        config, sizeof(config),
        "{\"count\":%zu,\"fields\":{\"id\":\"sequence\",\"kind\":\"choice:play\",\"ms\":\"int:5..5\"}}",
        count);
    fakehost_init(&source, "datagen", SLUICE_SOURCE, "datagen", config);
    assert_int_equal(fakehost_open(&source), SLUICE_OK);
    assert_true(fakehost_run_until_records(&source, count, 2000));
    return sl_batch_ref(source.batches[0]);
}

static void test_select_structs(void **state) {
    const sluice_record_t *r;
    const sluice_schema_t *schema;

    (void)state;
    apply(
        "select",
        "{\"fields\":\"kind,id\",\"rename\":\"kind:event\",\"constants\":{\"v\":2,\"s\":\"x\",\"n\":null}}",
        structs(100));
    r = record(99, 100);
    assert_json(&r->value, "{\"event\":\"play\",\"id\":99,\"v\":2,\"s\":\"x\",\"n\":null}");
    schema = r->value_schema;
    assert_ptr_equal(schema, record(0, 100)->value_schema);
    assert_int_equal(schema->field_count, 5);
    assert_int_equal(schema->fields[2].schema->type, SLUICE_INT64);
    assert_int_equal(schema->fields[4].schema->optional, 1);
    assert_int_equal(sluice_get_be64(r->position.bytes), 99);
    fakehost_fini(&source);
    done();
}

static void test_select_faults(void **state) {
    (void)state;
    assert_int_equal(
        fakehost_config_faults("select", SLUICE_TRANSFORM, "select", "{\"rename\":\"a\"}"), 1);
    assert_int_equal(
        fakehost_config_faults("select", SLUICE_TRANSFORM, "select", "{\"constants\":[1]}"), 1);
    assert_int_equal(
        fakehost_config_faults("select", SLUICE_TRANSFORM, "select", "{\"constants\":{\"a\":[]}}"),
        1);
}

static void test_filter_maps(void **state) {
    (void)state;
    CHECK("filter", "{\"condition\":\"ms > 10 AND kind = 'a'\"}",
          "{\"ms\":11,\"kind\":\"a\"}\n{\"ms\":11}\n{\"ms\":9,\"kind\":\"a\"}\nnull",
          "{\"ms\":11,\"kind\":\"a\"}", "null");
    CHECK("filter", "{\"condition\":\"ms > 10\",\"when\":\"drop\",\"tombstones\":\"drop\"}",
          "{\"ms\":11}\n{\"ms\":10.5}\n{}\nnull", "{}");
    CHECK("filter", "{\"condition\":\"after.id IS NOT NULL\"}",
          "{\"after\":{\"id\":1}}\n{\"after\":{}}\n{\"id\":1}", "{\"after\":{\"id\":1}}");
    CHECK("filter", "{\"condition\":\"_topic = 't' AND _key = 'k'\"}",
          "\"k\"\t{\"a\":1}\n\"l\"\t{\"a\":2}", "{\"a\":1}");
    CHECK("filter", "{\"condition\":\"json_extract(tags, '$[0]') = 'x'\"}",
          "{\"tags\":[\"x\"]}\n{\"tags\":[\"y\"]}", "{\"tags\":[\"x\"]}");
    CHECK("filter", "{\"condition\":\"\\\"a b\\\" = 1\"}", "{\"a b\":1}\n{\"a b\":2}",
          "{\"a b\":1}");
    check("filter", "{\"condition\":\"0\"}", "{\"a\":1}", (const char *const[]){NULL});
}

/* What stays goes on as the same batch. */
static void test_filter_keeps_batch(void **state) {
    sluice_batch_t *in = structs(50);

    (void)state;
    apply("filter", "{\"condition\":\"ms = 5 AND id >= 0\"}", sl_batch_ref(in));
    assert_ptr_equal(out, in);
    done();
    apply("filter", "{\"condition\":\"id % 10 = 3\"}", sl_batch_ref(in));
    assert_int_equal(record(4, 5)->key.as.i, 43);
    done();
    sl_batch_unref(in);
    fakehost_fini(&source);
}

static void test_filter_faults(void **state) {
    (void)state;
    assert_int_equal(
        fakehost_config_faults("filter", SLUICE_TRANSFORM, "filter", "{\"condition\":\"a >\"}"), 1);
    assert_int_equal(
        fakehost_config_faults("filter", SLUICE_TRANSFORM, "filter", "{\"condition\":\"nofn(a)\"}"),
        1);
    assert_int_equal(
        fakehost_config_faults("filter", SLUICE_TRANSFORM, "filter", "{\"condition\":\"a, b\"}"),
        1);
    assert_int_equal(fakehost_config_faults("filter", SLUICE_TRANSFORM, "filter", "{}"), 1);
}

#define ENVELOPES \
    "{\"before\":null,\"after\":{\"id\":1},\"source\":{\"table\":\"x\",\"lsn\":7},\"op\":\"c\",\"ts_ms\":5}\n"       \
    "{\"before\":{\"id\":1},\"after\":{\"id\":2},\"source\":{\"table\":\"x\",\"lsn\":8},\"op\":\"u\",\"ts_ms\":6}\n" \
    "{\"before\":{\"id\":2},\"after\":null,\"source\":{\"table\":\"x\",\"lsn\":9},\"op\":\"d\",\"ts_ms\":7}\n"       \
    "null\n{\"no\":\"envelope\"}"

static void test_unwrap_maps(void **state) {
    (void)state;
    CHECK("unwrap", "{}", ENVELOPES, "{\"id\":1}", "{\"id\":2}", "null", "{\"no\":\"envelope\"}");
    CHECK("unwrap", "{\"delete.tombstone.handling.mode\":\"drop\"}", ENVELOPES, "{\"id\":1}",
          "{\"id\":2}", "{\"no\":\"envelope\"}");
    CHECK("unwrap", "{\"delete.tombstone.handling.mode\":\"rewrite\"}", ENVELOPES,
          "{\"id\":1,\"__deleted\":\"false\"}", "{\"id\":2,\"__deleted\":\"false\"}",
          "{\"id\":2,\"__deleted\":\"true\"}", "{\"no\":\"envelope\"}");
    CHECK("unwrap", "{\"delete.tombstone.handling.mode\":\"delete-to-tombstone\"}", ENVELOPES,
          "{\"id\":1}", "{\"id\":2}", "null", "{\"no\":\"envelope\"}");
    CHECK(
        "unwrap",
        "{\"add.fields\":\"op,table,source.lsn,ts_ms:at\",\"delete.tombstone.handling.mode\":\"drop\"}",
        ENVELOPES, "{\"id\":1,\"__op\":\"c\",\"__table\":\"x\",\"__source_lsn\":7,\"__at\":5}",
        "{\"id\":2,\"__op\":\"u\",\"__table\":\"x\",\"__source_lsn\":8,\"__at\":6}",
        "{\"no\":\"envelope\"}");
}

static const sluice_schema_t *schema_of(uint8_t type, const sluice_field_t *fields,
                                        uint32_t count) {
    sluice_schema_t t = {
        .size = sizeof(t), .type = type, .optional = 1, .fields = fields, .field_count = count};

    return sl_schema_intern(&t);
}

static sluice_value_t struct_of(sluice_batch_t *batch, const sluice_schema_t *schema,
                                const sluice_value_t *values) {
    sluice_struct_t *st =
        sl_batch_alloc(batch, sizeof(*st) + schema->field_count * sizeof(st->fields[0]));
    sluice_value_t v = {.kind = SLUICE_STRUCT, .len = schema->field_count};

    st->schema = schema;
    memcpy(st->fields, values, schema->field_count * sizeof(st->fields[0]));
    v.as.st = st;
    return v;
}

/* One envelope of structs for each of `tables` tables, whose rows have different schemas. */
static sluice_batch_t *struct_envelopes(int tables) {
    const sluice_schema_t *number = schema_of(SLUICE_INT64, NULL, 0),
                          *text = schema_of(SLUICE_STRING, NULL, 0);
    sluice_batch_t *batch = sl_batch_create(0);
    char name[16];
    int i;

    for (i = 0; i < tables; i++) {
        sluice_field_t column = {.schema = number};
        sluice_field_t fields[3] = {
            {sluice_str("before"), NULL}, {sluice_str("after"), NULL}, {sluice_str("op"), text}};
        sluice_value_t values[3] = {sluice_null(), sluice_int(SLUICE_INT64, i),
                                    sluice_text(SLUICE_STRING, sluice_str("c"))};
        const sluice_schema_t *row, *envelope;
        sluice_record_t *r = sl_batch_add(batch);

        snprintf(name, sizeof(name), "c%d", i);
        column.name = sluice_str(name);
        row = fields[0].schema = fields[1].schema = schema_of(SLUICE_STRUCT, &column, 1);
        envelope = schema_of(SLUICE_STRUCT, fields, 3);
        values[1] = struct_of(batch, row, &values[1]);
        r->topic = sluice_str("t");
        r->value = struct_of(batch, envelope, values);
        r->value_schema = envelope;
        assert_int_equal(sl_batch_keep_schema(batch, envelope), SLUICE_OK);
        sl_schema_unref(row);
        sl_schema_unref(envelope);
    }
    sl_schema_unref(number);
    sl_schema_unref(text);
    assert_int_equal(sl_batch_seal(batch), SLUICE_OK);
    return batch;
}

/* More schemas in one batch than caches keep. */
static void test_many_schemas(void **state) {
    size_t before = sl_schema_count();

    (void)state;
    apply("unwrap", "{\"add.fields\":\"op\"}", struct_envelopes(300));
    assert_json(&record(299, 300)->value, "{\"c299\":299,\"__op\":\"c\"}");
    assert_json(&record(0, 300)->value, "{\"c0\":0,\"__op\":\"c\"}");
    assert_int_equal(record(7, 300)->value_schema->field_count, 2);
    done();
    apply("select", "{\"drop\":\"before\"}", struct_envelopes(300));
    assert_json(&record(150, 300)->value, "{\"after\":{\"c150\":150},\"op\":\"c\"}");
    done();
    assert_int_equal(sl_schema_count(), before);
}

static void check_topic(const char *config, const char *in, const char *expected) {
    const sluice_record_t *r;

    apply("route", config, fakehost_batch(in, 0));
    r = record(0, 1);
    if (r->topic.len != strlen(expected) || memcmp(r->topic.data, expected, r->topic.len) != 0)
        fail_msg("topic %.*s, not %s", (int)r->topic.len, r->topic.data, expected);
    done();
}

static void test_route(void **state) {
    (void)state;
    check_topic("{\"regex\":\"(.*)\",\"replacement\":\"new-$1\"}", "1", "new-t");
    check_topic("{\"regex\":\"(?<all>.)\",\"replacement\":\"${all}${all}\"}", "1", "tt");
    check_topic("{\"regex\":\"x\",\"replacement\":\"y\"}", "1", "t");
    check_topic("{\"topic.field\":\"kind\"}", "{\"kind\":\"k\"}", "k");
    check_topic("{\"topic.field\":\"kind\"}", "{\"kind\":5}", "t");
    assert_int_equal(fakehost_config_faults("route", SLUICE_TRANSFORM, "route", "{}"), 1);
    assert_int_equal(
        fakehost_config_faults("route", SLUICE_TRANSFORM, "route", "{\"regex\":\"a\"}"), 1);
    assert_true(fakehost_config_faults("route", SLUICE_TRANSFORM, "route",
                                       "{\"regex\":\"(\",\"replacement\":\"\"}") > 0);
    apply("route", "{\"topic.field\":\"kind\",\"field.missing\":\"fail\"}",
          fakehost_batch("{}\n{\"kind\":\"k\"}", 0));
    assert_int_equal(h.reject_count, 1);
    record(0, 1);
    done();
}

static void test_extract_field(void **state) {
    char error[256];

    (void)state;
    CHECK("extract-field", "{\"field\":\"a\"}", "{\"a\":42,\"b\":1}\n{\"b\":1}\nnull", "42", "null",
          "null");
    apply("extract-field", "{\"field\":\"a\"}", fakehost_batch("5\n{\"a\":1}", 0));
    assert_int_equal(h.reject_count, 1);
    assert_non_null(
        strstr(fakehost_error(&h, error, sizeof(error)),
               "Only Map objects supported in absence of schema for [field extraction], "
               "found: java.lang.Long"));
    done();
    apply("extract-field", "{\"field\":\"kind\"}", structs(3));
    assert_json(&record(2, 3)->value, "\"play\"");
    assert_int_equal(record(2, 3)->value_schema->type, SLUICE_STRING);
    done();
    fakehost_fini(&source);
    apply("extract-field", "{\"field\":\"zz\"}", structs(1));
    assert_int_equal(h.reject_count, 1);
    assert_non_null(strstr(fakehost_error(&h, error, sizeof(error)), "Unknown field: zz"));
    done();
    fakehost_fini(&source);
}

/* Records of one topic share what it becomes, within a batch and again in the next one. */
static void test_regex_router(void **state) {
    int i;

    (void)state;
    fakehost_init(&h, "regex-router", SLUICE_TRANSFORM, "regex-router",
                  "{\"regex\":\"t\",\"replacement\":\"x-$0\"}");
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
    for (i = 0; i < 2; i++) {
        sluice_batch_t *in = fakehost_batch("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 1);

        assert_int_equal(h.plugin->transform->apply(h.self, in, &out), SLUICE_OK);
        sl_batch_unref(in);
        assert_true(sluice_str_eq(record(0, 3)->topic, sluice_str("x-t")));
        assert_true(sluice_str_eq(record(2, 3)->topic, sluice_str("x-t")));
        sl_batch_unref(out);
        out = NULL;
    }
    done();
}

/* What a header's value points at lives as long as the records, not as long as the instance. */
static void test_insert_header_outlives_its_instance(void **state) {
    const sluice_header_t *header;
    sluice_batch_t *kept;

    (void)state;
    apply("insert-header", "{\"header\":\"h\",\"value.literal\":\"[a, b c]\"}",
          fakehost_batch("{\"a\":1}\n", 1));
    kept = sl_batch_ref(out);
    done();
    header = &sl_batch_records(kept, &(size_t){0})[0].headers[0];
    assert_true(sluice_str_eq(header->key, sluice_str("h")));
    assert_int_equal(header->value.kind, SLUICE_STRING);
    assert_true(sluice_str_eq(sluice_value_str(&header->value), sluice_str("[a, b c]")));
    sl_batch_unref(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regex_router),
        cmocka_unit_test(test_insert_header_outlives_its_instance),
        cmocka_unit_test(test_select_maps),
        cmocka_unit_test(test_select_rejects),
        cmocka_unit_test(test_select_structs),
        cmocka_unit_test(test_select_faults),
        cmocka_unit_test(test_filter_maps),
        cmocka_unit_test(test_filter_keeps_batch),
        cmocka_unit_test(test_filter_faults),
        cmocka_unit_test(test_unwrap_maps),
        cmocka_unit_test(test_many_schemas),
        cmocka_unit_test(test_route),
        cmocka_unit_test(test_extract_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
