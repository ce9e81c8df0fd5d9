/* The converters of numbers: every kind there and back, numbers kept as text, what is refused. */
#include "converting.h"

#define MODULE SLUICE_TEST_BUILD "/lib/sluice/converter-number.so"
#define DATA   "org.apache.kafka.connect.errors.DataException"

static void check(const char *name, sluice_value_t value, const char *bytes, size_t len) {
    converting_t in;
    sluice_str_t written;

    converting_open(&in, MODULE, name, "{}");
    assert_int_equal(converting_write(&in, NULL, value, &written), SLUICE_OK);
    assert_int_equal(written.len, len);
    assert_memory_equal(written.data, bytes, len);
    assert_int_equal(converting_read(&in, written), SLUICE_OK);
    assert_int_equal(in.schema->type, value.kind);
    assert_int_equal(in.schema->optional, 1);
    assert_int_equal(in.value.kind, value.kind);
    if ((value.flags & SLUICE_TEXT) == 0)
        assert_memory_equal(&in.value.as, &value.as, sizeof(value.as));
    assert_int_equal(converting_read(&in, sluice_str_n("123456789", 9)), SLUICE_BAD_RECORD);
    converting_failed(&in, DATA, "Failed to deserialize ");
    assert_int_equal(converting_read(&in, sluice_str(NULL)), SLUICE_OK);
    assert_int_equal(in.value.kind, SLUICE_NULL);
    assert_non_null(in.schema);
    converting_close(&in);
}

static void there_and_back(void **state) {
    (void)state;
    check("short", sluice_int(SLUICE_INT16, -2), "\xff\xfe", 2);
    check("ShortConverter", sluice_int(SLUICE_INT16, INT16_MIN), "\x80\0", 2);
    check("org.apache.kafka.connect.converters.IntegerConverter", sluice_int(SLUICE_INT32, 258),
          "\0\0\1\2", 4);
    check("integer", sluice_int(SLUICE_INT32, INT32_MIN), "\x80\0\0\0", 4);
    check("long", sluice_int(SLUICE_INT64, INT64_MIN), "\x80\0\0\0\0\0\0\0", 8);
    check("Long", sluice_int(SLUICE_INT64, INT64_MAX), "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
    check("float", sluice_float(SLUICE_FLOAT32, -1.5), "\xbf\xc0\0\0", 4);
    check("double", sluice_float(SLUICE_FLOAT64, -0.0), "\x80\0\0\0\0\0\0\0", 8);
    check("boolean", sluice_int(SLUICE_BOOLEAN, 1), "\1", 1);
}

/* A number that arrived as text is the same number. */
static void numbers_as_text(void **state) {
    sluice_value_t n = sluice_text(SLUICE_INT32, sluice_str("-70000"));
    sluice_value_t f = sluice_text(SLUICE_FLOAT64, sluice_str("0.1"));

    (void)state;
    n.flags = f.flags = SLUICE_TEXT;
    check("integer", n, "\xff\xfe\xee\x90", 4);
    check("double", f, "\x3f\xb9\x99\x99\x99\x99\x99\x9a", 8);
}

static void refused(void **state) {
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING};
    const sluice_schema_t *schema = sl_schema_intern(&text);
    sluice_str_t bytes;
    converting_t in;

    (void)state;
    converting_open(&in, MODULE, "boolean", "{}");
    assert_int_equal(converting_read(&in, sluice_str_n("\2", 1)), SLUICE_BAD_RECORD);
    converting_failed(&in, DATA, "Failed to deserialize boolean: ");
    assert_int_equal(converting_write(&in, schema, sluice_null(), &bytes), SLUICE_BAD_RECORD);
    converting_failed(&in, DATA, "Invalid schema type for BooleanConverter: STRING");
    assert_int_equal(converting_write(&in, NULL, sluice_int(SLUICE_INT8, 1), &bytes),
                     SLUICE_BAD_RECORD);
    converting_failed(&in, DATA,
                      "BooleanConverter is not compatible with objects of type class "
                      "java.lang.Byte");
    sl_schema_unref(schema);
    converting_close(&in);
    converting_open(&in, MODULE, "long", "{}");
    assert_int_equal(converting_write(&in, NULL, sluice_int(SLUICE_INT32, 1), &bytes),
                     SLUICE_BAD_RECORD);
    converting_failed(&in, DATA, "Failed to serialize to long (was class java.lang.Integer): ");
    converting_close(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(numbers_as_text),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
