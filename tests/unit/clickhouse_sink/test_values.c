/* Column types, and what becomes of values in them, in both formats; what answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../sinks/clickhouse/answer.h"
#include "../../../sinks/clickhouse/value.h"
#include "plugin/ctx.h"
#include "record/batch.h"
#include "support/heapbuf.h"
#include "support/text.h"

static ch_encoder_t enc;

static int setup(void **state) {
    (void)state;
    memset(&enc, 0, sizeof(enc));
    enc.api = sl_api();
    enc.scratch = sl_batch_create(4096);
    enc.tuples_as_objects = 1;
    return enc.scratch == NULL;
}

static int teardown(void **state) {
    (void)state;
    sl_batch_unref(enc.scratch);
    return 0;
}

/* ---- types ---- */

static void test_types_are_parsed(void **state) {
    ch_type_t *t = ch_type_parse("LowCardinality(Nullable(FixedString(16)))");

    (void)state;
    assert_int_equal(CH_FIXED, t->kind);
    assert_int_equal(16, t->width);
    assert_true(t->nullable);
    ch_type_destroy(t);

    t = ch_type_parse(
        "Map(String, Array(Tuple(a Int32, `b c` Decimal(38, 10), Enum8('x\\'y' = -3, 'z' = 4))))");
    assert_int_equal(CH_MAP, t->kind);
    t->kind = CH_MAP;
    assert_int_equal(CH_ARRAY, t->children[1]->kind);
    assert_int_equal(3, t->children[1]->children[0]->count);
    assert_string_equal("a", t->children[1]->children[0]->names[0]);
    assert_string_equal("b c", t->children[1]->children[0]->names[1]);
    assert_null(t->children[1]->children[0]->names[2]);
    assert_int_equal(10, t->children[1]->children[0]->children[1]->scale);
    assert_int_equal(16, t->children[1]->children[0]->children[1]->width);
    assert_string_equal("x'y", t->children[1]->children[0]->children[2]->names[0]);
    assert_int_equal(-3, t->children[1]->children[0]->children[2]->numbers[0]);
    ch_type_destroy(t);
}

static void kind_is(const char *text, ch_kind_t kind) {
    ch_type_t *t = ch_type_parse(text);

    assert_int_equal(kind, t->kind);
    ch_type_destroy(t);
}

static void test_other_types(void **state) {
    (void)state;
    kind_is("SimpleAggregateFunction(sum, UInt64)", CH_INT);
    kind_is("SimpleAggregateFunction(groupArrayArray(10), Array(String))", CH_ARRAY);
    kind_is("DateTime64(3, 'Europe/Berlin')", CH_DATETIME64);
    kind_is("DateTime('UTC')", CH_DATETIME);
    kind_is("JSON(max_dynamic_paths=1)", CH_JSON);
    kind_is("Decimal128(5)", CH_DECIMAL);
    kind_is("Decimal(76, 5)", CH_OTHER);
    kind_is("Variant(String, UInt64)", CH_OTHER);
    kind_is("Array(", CH_OTHER);
    kind_is("", CH_OTHER);
    kind_is("Enum8('a = 1)", CH_OTHER);
    kind_is("Nullable(Int32", CH_OTHER);
}

static void nested_is(size_t depth, ch_kind_t kind) {
    char *text = calloc(depth + 1, 7);
    size_t i;

    assert_non_null(text);
    for (i = 0; i + 1 < depth; i++)
        memcpy(text + 6 * i, "Array(", 6);
    strcpy(text + 6 * i, "Int8");
    memset(text + 6 * i + 4, ')', i);
    kind_is(text, kind);
    free(text);
}

/* However deep a type is, parsing it takes little stack. */
static void test_nested_types(void **state) {
    (void)state;
    nested_is(100, CH_ARRAY);
    nested_is(101, CH_OTHER);
    nested_is(1000000, CH_OTHER);
}

/* ---- values ---- */

static int write_value(const char *type, sluice_value_t v, const sluice_schema_t *schema,
                       sluice_buf_t *out) {
    ch_type_t *t = ch_type_parse(type);
    int rc;

    heapbuf_init(out);
    enc.why[0] = '\0';
    rc = ch_value_write(&enc, t, &v, schema, out);
    ch_type_destroy(t);
    return rc;
}

static void json_named(const char *type, sluice_value_t v, const char *name, const char *wanted) {
    sluice_schema_t schema = {.size = sizeof(schema), .name = sluice_str(name)};
    sluice_buf_t out;

    enc.binary = 0;
    if (write_value(type, v, name != NULL ? &schema : NULL, &out) != SLUICE_OK)
        fail_msg("%s: %s", type, enc.why);
    assert_string_equal(wanted, text_str(&out));
    heapbuf_fini(&out);
}

static void json(const char *type, sluice_value_t v, const char *wanted) {
    json_named(type, v, NULL, wanted);
}

static void binary(const char *type, sluice_value_t v, const char *wanted_hex) {
    sluice_buf_t out, hex;
    size_t i;

    enc.binary = 1;
    if (write_value(type, v, NULL, &out) != SLUICE_OK)
        fail_msg("%s: %s", type, enc.why);
    heapbuf_init(&hex);
    for (i = 0; i < out.len; i++)
        text_printf(&hex, "%02x", (unsigned char)out.data[i]);
    assert_string_equal(wanted_hex, text_str(&hex));
    heapbuf_fini(&hex);
    heapbuf_fini(&out);
}

static void refused(const char *type, sluice_value_t v, const char *why) {
    sluice_buf_t out;
    int i;

    for (i = 0; i < 2; i++) {
        enc.binary = i;
        assert_int_equal(SLUICE_BAD_RECORD, write_value(type, v, NULL, &out));
        if (strstr(enc.why, why) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", type, enc.why, why);
        heapbuf_fini(&out);
    }
}

static sluice_value_t text(const char *s) {
    return sluice_text(SLUICE_STRING, sluice_str(s));
}

static sluice_value_t decimal(const char *s) {
    return sluice_text(SLUICE_DECIMAL, sluice_str(s));
}

static sluice_value_t whole(int64_t n) {
    return sluice_int(SLUICE_INT64, n);
}

static void test_integers(void **state) {
    (void)state;
    json("Int64", whole(INT64_MIN), "-9223372036854775808");
    json("UInt64", decimal("18446744073709551615"), "18446744073709551615");
    json("UInt64", text("18446744073709551615"), "18446744073709551615");
    json("Int128", decimal("-12345678901234567890123456789"), "-12345678901234567890123456789");
    json("UInt8", sluice_int(SLUICE_BOOLEAN, 1), "1");
    json("Int32", decimal("5.00"), "5");
    json("Int64", sluice_float(SLUICE_FLOAT64, 3.0), "3");
    binary("Int16", whole(-2), "feff");
    binary("UInt64", decimal("18446744073709551615"), "ffffffffffffffff");
    binary("Nullable(Int8)", sluice_null(), "01");
    binary("Nullable(Int8)", whole(1), "0001");
    refused("Int8", whole(128), "outside the range");
    refused("UInt32", whole(-1), "outside the range");
    refused("Int32", decimal("1.5"), "fraction");
    refused("Int32", text("x"), "no integer");
    refused("Int32", sluice_null(), "null");
}

static void test_other_numbers(void **state) {
    (void)state;
    json("Decimal(18, 3)", decimal("12.5"), "12.500");
    json("Decimal(18, 3)", text("-0.001"), "-0.001");
    binary("Decimal(9, 2)", decimal("1.5"), "96000000");
    refused("Decimal(9, 2)", decimal("1.005"), "more digits");
    refused("Decimal(9, 2)", decimal("99999999.99"), "outside the range");
    json("Float64", sluice_float(SLUICE_FLOAT64, 0.1), "0.1");
    json("Float64", whole(7), "7.0");
    json("Float64", decimal("0.25"), "0.25");
    binary("Float32", sluice_float(SLUICE_FLOAT32, 1.0), "0000803f");
    refused("Float64", text("abc"), "no number");
    json("Bool", sluice_int(SLUICE_BOOLEAN, 0), "false");
    refused("Bool", text("true"), "no boolean");
}

static void test_dates_and_times(void **state) {
    (void)state;
    json("Date", sluice_int(SLUICE_DATE, 86400000), "\"1970-01-02\"");
    json("Date", sluice_int(SLUICE_INT32, 19782), "\"2024-02-29\"");
    json("Date32", text("1950-01-01"), "\"1950-01-01\"");
    binary("Date", text("1970-01-03"), "0200");
    binary("Date32", text("1969-12-31"), "ffffffff");
    refused("Date", text("1969-12-31"), "outside the range");
    refused("Date", text("2024-02-30"), "no date");
    json("DateTime", text("1970-01-01T01:00:00+01:00"), "0");
    json("DateTime", sluice_int(SLUICE_DATE, 1500), "1");
    json("DateTime", whole(1700000000), "1700000000");
    json_named("DateTime", whole(1700000000000000), "io.debezium.time.MicroTimestamp",
               "1700000000");
    json_named("DateTime64(6)", whole(-1), "io.debezium.time.MicroTimestamp",
               "\"1969-12-31T23:59:59.999999Z\"");
    json_named("DateTime64(3)", whole(1700000000123456789), "io.debezium.time.NanoTimestamp",
               "\"2023-11-14T22:13:20.123Z\"");
    json_named("Date", sluice_int(SLUICE_INT32, 1), "io.debezium.time.Date", "\"1970-01-02\"");
    json("DateTime64(3)", whole(1700000000123), "\"2023-11-14T22:13:20.123Z\"");
    binary("DateTime64(3)", sluice_int(SLUICE_DATE, -1), "ffffffffffffffff");
    binary("DateTime", whole(1), "01000000");
    refused("DateTime", whole(-1), "outside the range");
    refused("DateTime", sluice_int(SLUICE_BOOLEAN, 1), "no date");
}

static void test_texts(void **state) {
    (void)state;
    json("String", text("a\"\n"), "\"a\\\"\\n\"");
    json("String", whole(5), "\"5\"");
    binary("String", text("ab"), "026162");
    binary("FixedString(3)", text("a"), "610000");
    refused("FixedString(1)", text("ab"), "do not fit");
    json("UUID", text("61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
         "\"61f0c404-5cb3-11e7-907b-a6006ad3dba0\"");
    binary("UUID", text("61F0C404-5CB3-11E7-907B-A6006AD3DBA0"),
           "e711b35c04c4f061a0dbd36a00a67b90");
    refused("UUID", text("61f0c404"), "no UUID");
    json("Enum8('a' = 1, 'b' = -2)", text("b"), "\"b\"");
    json("Enum8('a' = 1, 'b' = -2)", whole(1), "\"a\"");
    binary("Enum16('a' = 1, 'b' = -2)", text("b"), "feff");
    refused("Enum8('a' = 1)", text("c"), "none of the enum's");
    binary("IPv4", text("10.0.0.1"), "0100000a");
}

static void test_compounds(void **state) {
    sluice_value_t numbers[] = {whole(1), whole(2)};
    sluice_value_t pairs[] = {text("a"), whole(1), text("b"), whole(2)};
    sluice_value_t array = {.kind = SLUICE_ARRAY, .len = 2, .as.items = numbers};
    sluice_value_t map = {.kind = SLUICE_MAP, .len = 2, .as.items = pairs};

    (void)state;
    json("Array(Int8)", array, "[1,2]");
    binary("Array(Int8)", array, "020102");
    json("Map(String, Int8)", map, "{\"a\":1,\"b\":2}");
    binary("Map(String, Int8)", map,
           "020161010162"
           "02");
    json("Tuple(b Int8, a Int8)", map, "{\"b\":2,\"a\":1}");
    binary("Tuple(b Int8, a Int8)", map, "0201");
    enc.tuples_as_objects = 0;
    json("Tuple(b Int8, a Int8)", map, "[2,1]");
    json("Tuple(Int8, Int8)", array, "[1,2]");
    json("JSON", map, "{\"a\":1,\"b\":2}");
    json("String", map, "\"{\\\"a\\\":1,\\\"b\\\":2}\"");
    refused("Array(Int8)", whole(1), "only an array");
    refused("Array(Int8)",
            (sluice_value_t){.kind = SLUICE_ARRAY, .len = 1, .as.items = &(sluice_value_t){0}},
            "null");
    refused("Map(String, Int8)", array, "only a map");
}

/* ---- answers ---- */

static ch_answer_t answer(long http, const char *headers, const char *body) {
    http_response_t r = {.status = SLUICE_OK,
                         .code = http,
                         .body = sluice_str(body),
                         .headers = sluice_str(headers)};
    ch_answer_t a;

    ch_answer_read(&r, &a);
    return a;
}

static void test_answers(void **state) {
    http_response_t lost = {
        .status = SLUICE_NOT_CONNECTED, .error = "reset", .body = {"", 0}, .headers = {"", 0}};
    ch_answer_t a;

    (void)state;
    assert_int_equal(SLUICE_OK, answer(200, "", "").status);
    a = answer(500, "", "Code: 27, e.displayText() = DB::Exception: Cannot parse\n");
    assert_int_equal(SLUICE_BAD_RECORD, a.status);
    assert_int_equal(27, a.native_code);
    assert_true(a.stale_columns);
    a = answer(200, "", "...Code: 241. DB::Exception: Memory limit");
    assert_int_equal(SLUICE_RETRY, a.status);
    a = answer(404, "HTTP/1.1 404\r\nx-clickhouse-exception-code: 60\r\n\r\n", "gone");
    assert_int_equal(SLUICE_FATAL, a.status);
    assert_string_equal("clickhouse.table", a.code);
    a = answer(500, "", "Code: 319. DB::Exception: Unknown status");
    assert_int_equal(SLUICE_NOT_CONNECTED, a.status);
    assert_true(a.uncertain);
    assert_int_equal(SLUICE_NOT_CONNECTED, answer(502, "", "bad gateway").status);
    assert_int_equal(SLUICE_RETRY, answer(503, "", "").status);
    assert_int_equal(SLUICE_FATAL, answer(401, "", "").status);
    ch_answer_read(&lost, &a);
    assert_int_equal(SLUICE_NOT_CONNECTED, a.status);
    assert_string_equal("reset", a.message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_parsed),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_nested_types),
        cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates_and_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compounds, setup, teardown),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
