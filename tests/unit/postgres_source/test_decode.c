/* Columns: how a type is mapped under the modes, and what its texts become. Expected values:
 * Debezium's, as recorded. */
#include "../../../sources/postgres/column.h"
#include "plugin/ctx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static sluice_batch_t *arena;
static pg_modes_t modes;

static const pg_type_t types[] = {
    {1007, 'b', 23, 0, -1, ',', "_int4", NULL},
    {23, 'b', 0, 0, -1, ',', "int4", NULL},
    {1009, 'b', 25, 0, -1, ',', "_text", NULL},
    {25, 'b', 0, 0, -1, ',', "text", NULL},
    {20001, 'e', 0, 0, -1, ',', "mood", "sad,ok"},
    {20002, 'd', 0, 1700, ((8 << 16) | 3) + 4, ',', "dom", NULL},
    {20003, 'b', 0, 0, -1, ',', "hstore", NULL},
    {20004, 'b', 20001, 0, -1, ',', "_mood", NULL},
    {20005, 'c', 0, 0, -1, ',', "row", NULL},
    {1015, 'b', 1043, 0, -1, ',', "_varchar", NULL},
};

static pg_column_t bound(uint32_t type, int32_t typmod, int not_null, const char *default_text) {
    static const pg_types_t all = {types, sizeof(types) / sizeof(types[0])};
    pg_bind_t bind = {sl_api(), arena, &modes, &all};
    pg_column_t c = {.name = "c", .type = type, .typmod = typmod, .not_null = (uint8_t)not_null};

    assert_int_equal(pg_column_bind(&bind, &c, default_text), SLUICE_OK);
    return c;
}

static sluice_value_t decoded(uint32_t type, int32_t typmod, const char *text) {
    pg_column_t c = bound(type, typmod, 0, NULL);
    sluice_value_t v;

    assert_non_null(c.decode);
    if (c.decode(&c, arena, sluice_str(text), &v) != SLUICE_OK)
        v = sluice_null();
    pg_column_unbind(&c);
    return v;
}

static void is_text(uint32_t type, int32_t typmod, const char *text, const char *want) {
    sluice_value_t v = decoded(type, typmod, text);
    char got[300];

    assert_true(v.kind == SLUICE_STRING || v.kind == SLUICE_DECIMAL || (v.flags & SLUICE_TEXT));
    assert_true(v.len < sizeof(got));
    memcpy(got, v.as.s, v.len);
    got[v.len] = '\0';
    assert_string_equal(got, want);
}

static void is_int(uint32_t type, int32_t typmod, const char *text, int64_t want) {
    sluice_value_t v = decoded(type, typmod, text);
    assert_true(v.kind != SLUICE_NULL);
    assert_true(sluice_value_int(&v) == want);
}

static void is_null(uint32_t type, int32_t typmod, const char *text) {
    assert_int_equal(decoded(type, typmod, text).kind, SLUICE_NULL);
}

static void test_scalars(void **state) {
    (void)state;
    is_int(20, -1, "-9223372036854775808", INT64_MIN);
    is_int(26, -1, "4294967295", 4294967295LL);
    is_int(16, -1, "t", 1);
    is_null(23, -1, "07");
    is_null(23, -1, "1e5");
    is_null(23, -1, "-");
    is_null(23, -1, "");
    assert_true(decoded(701, -1, "-Infinity").as.f < -1e300);
    is_null(701, -1, "1x");
    assert_int_equal(decoded(17, -1, "\\x000102").len, 3);
    is_null(17, -1, "\\x0");
    is_null(17, -1, "\\xzz");
    is_int(1560, 1, "1", 1);
    assert_int_equal(decoded(1560, 24, "000000110000001000000001").len, 3);
    assert_int_equal(decoded(1562, -1, "00").len, 0);
}

static void test_decimals(void **state) {
    int32_t two = ((10 << 16) | 2) + 4, minus_two = ((5 << 16) | 0x7fe) + 4;

    (void)state;
    modes.decimal = PG_DECIMAL_PRECISE;
    is_text(1700, two, "-1.10", "-1.10");
    is_text(1700, two, "1", "1.00");
    is_text(1700, two, "9.995", "10.00");
    is_text(1700, two, "-99.999", "-100.00");
    is_text(1700, minus_two, "12300", "123E+2");
    is_null(1700, two, "NaN");
    is_text(790, -1, "$1,234.11", "1234.11");
    is_text(790, -1, "($1,234.11)", "-1234.11");
    is_text(20002, -1, "1.5", "1.500"); /* a domain */
    assert_int_equal(decoded(1700, -1, "100.500").kind, SLUICE_STRUCT);
    modes.decimal = PG_DECIMAL_STRING;
    is_text(1700, -1, "NaN", "NAN");
    is_text(1700, -1, "-Infinity", "NEGATIVE_INFINITY");
    modes.decimal = PG_DECIMAL_DOUBLE;
    assert_true(decoded(1700, -1, "1.25").as.f == 1.25);
    modes.decimal = PG_DECIMAL_PRECISE;
}

static void test_temporal(void **state) {
    (void)state;
    modes.time = PG_TIME_ADAPTIVE;
    is_int(1082, -1, "2016-11-04", 17109);
    is_int(1082, -1, "0001-12-31 BC", -719163);
    is_int(1082, -1, "infinity", -2147472692);
    is_int(1083, -1, "24:00:00", 86400000000);
    is_int(1083, 3, "13:51:30.123", 49890123);
    is_int(1114, -1, "2016-11-04 13:51:30.123456", 1478267490123456);
    is_int(1114, 3, "1969-12-31 23:59:59.999", -1);
    is_int(1114, -1, "4713-12-31 23:59:59.999999 BC", -210831897600000001);
    is_int(1114, -1, "infinity", 9223372036825200000);
    is_int(1114, -1, "294276-12-31 23:59:59.999999", -9223372036853775810);
    is_text(1184, -1, "2020-04-01 11:51:02+00", "2020-04-01T11:51:02.000000Z");
    is_text(1184, 3, "2020-04-01 11:51:02.1+00", "2020-04-01T11:51:02.100Z");
    is_text(1184, 0, "2020-04-01 11:51:02+00", "2020-04-01T11:51:02Z");
    is_text(1184, -1, "21016-11-04 06:51:30.123456+00", "+21016-11-04T06:51:30.123456Z");
    is_text(1184, -1, "4713-12-31 23:59:59.999999+00 BC", "-4712-12-31T23:59:59.999999Z");
    is_text(1184, -1, "2020-01-01 00:30:00+05:30", "2019-12-31T19:00:00.000000Z");
    is_text(1184, -1, "-infinity", "-infinity");
    is_text(1266, -1, "13:51:30.123789+02", "11:51:30.123789Z");
    is_text(1266, -1, "00:00:00.5-05:30", "05:30:00.5Z");
    is_null(1114, -1, "2016-13-04 00:00:00");
    is_null(1114, -1, "2016-11-04");
    is_null(1114, -1, "");
    is_null(1083, -1, "1:2:3");
    modes.time = PG_TIME_NANOSECONDS;
    is_int(1114, -1, "1970-01-01 00:00:00.000001", 1000);
    is_null(1114, -1, "9999-01-01 00:00:00");
    modes.time = PG_TIME_ISOSTRING;
    is_text(1082, -1, "2017-09-15", "2017-09-15Z");
    is_text(1083, -1, "04:05:11.789", "04:05:11.789Z");
    is_text(1114, -1, "2019-07-09 02:28:57.12", "2019-07-09T02:28:57.12Z");
    modes.time = PG_TIME_ADAPTIVE;
}

static void test_intervals(void **state) {
    (void)state;
    is_int(1186, -1, "1 year 2 mons 3 days 04:05:06.78", 37091106780000);
    is_int(1186, -1, "1 year", 31557600000000);
    is_int(1186, -1, "-1 days -00:00:01", -86401000000);
    modes.interval = PG_INTERVAL_STRING;
    is_text(1186, -1, "1 year 2 mons 3 days 04:05:06.78", "P1Y2M3DT4H5M6.78S");
    is_text(1186, -1, "-10 mons -3 days +04:05:06.000001", "P0Y-10M-3DT4H5M6.000001S");
    modes.interval = PG_INTERVAL_NUMERIC;
    is_null(1186, -1, "x");
}

static void test_arrays(void **state) {
    sluice_value_t v;

    (void)state;
    v = decoded(1007, -1, "{1,NULL,-3}");
    assert_int_equal(v.len, 3);
    assert_int_equal(v.as.items[1].kind, SLUICE_NULL);
    assert_int_equal(sluice_value_int(&v.as.items[2]), -3);
    v = decoded(1009, -1, "{\"a,b\",\"q\\\"q\",\"NULL\",NULL,\"\"}");
    assert_int_equal(v.len, 5);
    assert_int_equal(v.as.items[0].len, 3);
    assert_memory_equal(v.as.items[1].as.s, "q\"q", 3);
    assert_int_equal(v.as.items[2].kind, SLUICE_STRING);
    assert_int_equal(v.as.items[3].kind, SLUICE_NULL);
    assert_int_equal(decoded(1007, -1, "{}").len, 0);
    assert_int_equal(decoded(1007, -1, "{{1,2},{3}}").len, 2);
    assert_int_equal(decoded(1007, -1, "[0:1]={7,8}").len, 2);
    is_null(1007, -1, "{1,2");
    is_null(1007, -1, "{\"1");
    is_null(1007, -1, "{{1");
    is_null(20004, -1, "{sad,NULL}");
}

static void test_other_types(void **state) {
    pg_column_t c;

    (void)state;
    is_text(20001, -1, "ok", "ok");
    is_text(20003, -1, "\"key4\"=>\"val4\", \"key5\"=>NULL", "{\"key5\":null,\"key4\":\"val4\"}");
    is_null(20003, -1, "\"a\"=>");
    is_null(20003, -1, "a=>1");
    c = bound(20005, -1, 0, NULL);
    assert_null(c.decode);
    pg_column_unbind(&c);
    modes.unknown_types = 1;
    assert_int_equal(decoded(20005, -1, "(1,x)").kind, SLUICE_BYTES);
    modes.unknown_types = 0;
    assert_int_equal(decoded(600, -1, "(1,-2)").kind, SLUICE_STRUCT);
    is_null(600, -1, "(1)");
}

static sluice_value_t default_of(uint32_t type, int32_t typmod, const char *text) {
    pg_column_t c = bound(type, typmod, 0, text);
    sluice_value_t v = c.schema->default_value == NULL ? sluice_null() : c.fallback;
    pg_column_unbind(&c);
    return v;
}

static void test_defaults(void **state) {
    sluice_value_t v;

    (void)state;
    v = default_of(23, -1, "'-1'::integer");
    assert_int_equal(sluice_value_int(&v), -1);
    v = default_of(23, -1, "nextval('sq'::regclass)");
    assert_int_equal(sluice_value_int(&v), 0);
    v = default_of(1184, -1, "now()");
    assert_memory_equal(v.as.s, "1970-01-01T00:00:00.000000Z", v.len);
    v = default_of(16, -1, "true");
    assert_int_equal(v.as.i, 1);
    v = default_of(25, -1, "'text: ::x'::text");
    assert_memory_equal(v.as.s, "text: ::x", v.len);
    assert_int_equal(default_of(25, -1, "NULL::text").kind, SLUICE_NULL);
    assert_int_equal(default_of(23, -1, "(1 + 2)").kind, SLUICE_NULL);
    assert_int_equal(default_of(17, -1, "'\\x01'::bytea").kind, SLUICE_NULL);
}

static int set_up(void **state) {
    (void)state;
    modes = (pg_modes_t){.money_digits = 2, .placeholder = "__debezium_unavailable_value"};
    arena = sl_api()->batch_new(NULL, 4096);
    return arena == NULL;
}

static int tear_down(void **state) {
    (void)state;
    sl_api()->batch_unref(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),  cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_temporal), cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_arrays),   cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
