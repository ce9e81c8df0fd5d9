#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_cases.h"
#include "record/batch.h"
#include "record/buf.h"
#include "record/json.h"

static sluice_batch_t *arena;

static int set_up(void **state) {
    (void)state;
    arena = sl_batch_create(0);
    return arena == NULL;
}

static int tear_down(void **state) {
    (void)state;
    sl_batch_unref(arena);
    return 0;
}

/* Parses from a heap copy of exactly the text's size, so that a sanitizer sees every step too far.
 */
static int parse_n(const char *text, size_t len, uint32_t flags, sluice_value_t *out,
                   sluice_json_error_t *error) {
    char *copy = malloc(len == 0 ? 1 : len);
    int status;

    memcpy(copy, text, len);
    sl_batch_pin(arena, len, free, copy);
    status = sl_json_parse(arena, sluice_str_n(copy, len), flags, out, error);
    return status;
}

static sluice_value_t parse(const char *text, uint32_t flags) {
    sluice_json_error_t error = {0};
    sluice_value_t v;
    int status = parse_n(text, strlen(text), flags, &v, &error);

    if (status != SLUICE_OK)
        fail_msg("%s: %s at %zu", text, error.what, error.offset);
    return v;
}

static sluice_str_t write_value(const sluice_value_t *v, uint32_t flags) {
    sluice_buf_t buf;

    sl_buf_init(&buf, arena, 0);
    assert_int_equal(sl_json_write(&buf, v, flags), SLUICE_OK);
    return sl_buf_finish(&buf);
}

static void assert_text(sluice_str_t s, const char *expected) {
    if (s.len != strlen(expected) || memcmp(s.data, expected, s.len) != 0)
        fail_msg("got %.*s, expected %s", (int)s.len, s.data, expected);
}

static void assert_written(sluice_value_t v, uint32_t flags, const char *expected) {
    assert_text(write_value(&v, flags), expected);
}

static void check_verdict(const struct json_case *c, uint32_t flags, int expected) {
    sluice_json_error_t error = {0, NULL};
    sluice_value_t v;
    int status = parse_n(c->text, c->len, flags, &v, &error);

    if ((status == SLUICE_OK) != expected)
        fail_msg("%s (flags %u): %d %s at %zu", c->name, flags, status, error.what, error.offset);
    if (!expected) {
        assert_int_equal(status, SLUICE_BAD_RECORD);
        assert_non_null(error.what);
        assert_true(error.offset <= c->len);
    }
}

static void test_suite_verdicts(void **state) {
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(json_cases) / sizeof(json_cases[0]); i++) {
        check_verdict(&json_cases[i], 0, json_cases[i].strict);
        check_verdict(&json_cases[i], SLUICE_JSON_LENIENT, json_cases[i].lenient);
        check_verdict(&json_cases[i], SLUICE_JSON_DECIMAL_TEXT, json_cases[i].strict);
    }
}

/* Every prefix of a document is rejected and none is read past its end. */
static void test_prefixes(void **state) {
    static const char text[] =
        "{\"a\\u00e9\":[1,-2.5e3,true,null,\"\xc3\xa9\xe2\x82\xac\"],\"b\":{\"c\":\"\\ud83d\\ude00\"}}";
    sluice_value_t v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(text) - 1; i++)
        assert_int_equal(parse_n(text, i, 0, &v, NULL), SLUICE_BAD_RECORD);
    assert_int_equal(parse_n(text, sizeof(text) - 1, 0, &v, NULL), SLUICE_OK);
}

/* A string with something special at each place of long and short texts, on every alignment. */
static void test_scan_places(void **state) {
    static const char *const inserts[] = {"\\n", "\xc3\xa9", "\xf0\x9f\x98\x80", "\\u0041", "\x7f"};
    static const char *const rewritten[] = {"\n", "\xc3\xa9", "\xf0\x9f\x98\x80", "A", "\x7f"};
    char text[128], expected[128];
    sluice_value_t v;
    size_t len, at, k;

    (void)state;
    for (k = 0; k < 5; k++)
        for (len = 0; len < 40; len++)
            for (at = 0; at <= len; at++) {
                snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", (int)at,
                         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop", inserts[k], (int)(len - at),
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop");
                snprintf(expected, sizeof(expected), "%.*s%s%.*s", (int)at,
                         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop", rewritten[k],
                         (int)(len - at), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop");
                v = parse(text, 0);
                assert_text(sluice_value_str(&v), expected);
            }
}

static void test_integers(void **state) {
    static const char *const same[] = {
        "0", "7", "-7", "123456789012345678", "9223372036854775807", "-9223372036854775808"};
    sluice_value_t v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        v = parse(same[i], 0);
        assert_int_equal(v.kind, SLUICE_INT64);
        assert_int_equal(v.as.i, strtoll(same[i], NULL, 10));
        assert_written(v, 0, same[i]);
    }
    assert_int_equal(parse("-0", 0).as.i, 0);
    assert_int_equal(parse("0000000000000000000000012", SLUICE_JSON_LENIENT).as.i, 12);
    v = parse("9223372036854775808", 0);
    assert_int_equal(v.kind, SLUICE_DECIMAL);
    assert_written(v, SLUICE_JSON_NUMERIC_DECIMAL, "9223372036854775808");
    v = parse("-00123456789012345678901234567890", SLUICE_JSON_LENIENT);
    assert_text(sluice_value_str(&v), "-123456789012345678901234567890");
}

/* As strtod rounds, for digits and exponents all around what the fast ways cover. */
static void test_doubles_rounded(void **state) {
    uint64_t seed = 88172645463325252ull;
    char text[64];
    sluice_value_t v;
    double expected;
    int i;

    (void)state;
    for (i = 0; i < 200000; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        snprintf(text, sizeof(text), "%s%s%llu%s%03lluE%d", i % 2 == 0 ? "" : "-",
                 i % 5 == 0 ? "0.000" : "", (unsigned long long)(seed >> (i % 56) | 1),
                 i % 3 == 0 && i % 5 != 0 ? "." : "", (unsigned long long)(seed % 1000),
                 (int)(seed % 60) - 40);
        assert_int_equal(sl_json_parse(arena, sluice_str(text), 0, &v, NULL), SLUICE_OK);
        expected = strtod(text, NULL);
        if (v.kind != SLUICE_FLOAT64 || memcmp(&v.as.f, &expected, sizeof(expected)) != 0)
            fail_msg("%s: %.17g, not %.17g", text, v.as.f, expected);
    }
}

static void check_double(const char *text, double expected, const char *written, int is_text) {
    sluice_value_t v = parse(text, 0);

    assert_int_equal(v.kind, SLUICE_FLOAT64);
    assert_int_equal(v.flags, is_text ? SLUICE_TEXT : 0);
    if (!is_text)
        assert_memory_equal(&v.as.f, &expected, sizeof(expected));
    assert_written(v, 0, written);
}

static void test_doubles(void **state) {
    (void)state;
    check_double("12.5", 12.5, "12.5", 1);
    check_double("-0.0", -0.0, "-0.0", 1);
    check_double("9999999.0", 9999999, "9999999.0", 1);
    check_double("0.001", 0.001, "0.001", 1);
    check_double("0.0001", 0.0001, "1.0E-4", 0);
    check_double("10000000.0", 1e7, "1.0E7", 0);
    check_double("1.50", 1.5, "1.5", 0);
    check_double("1E0", 1, "1.0", 0);
    check_double("1e400", INFINITY, "\"Infinity\"", 0);
    check_double("-1e400", -INFINITY, "\"-Infinity\"", 0);
    check_double("1e-400", 0, "0.0", 0);
    check_double("0.12345678901234567890123", 0.12345678901234568, "0.12345678901234568", 0);
    check_double("9007199254740993.0", 9007199254740992.0, "9.007199254740992E15", 0);
    check_double("123456789012345678901234567890e-10", 12345678901234567890.1234567890,
                 "1.2345678901234567E19", 0);
    assert_written(parse("-0.0", SLUICE_JSON_LENIENT), 0, "0.0");
    assert_written(parse("-0e5", SLUICE_JSON_LENIENT), 0, "0.0");
}

static void test_decimals(void **state) {
    static const char *const cases[][2] = {
        {"1.50", "1.50"},
        {"1e5", "1E+5"},
        {"-0.0", "0.0"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1E-7"},
        {"1.0e-7", "1.0E-7"},
        {"123e-2", "1.23"},
        {"0e5", "0E+5"},
        {"12345e-9", "0.000012345"},
        {"10.00e1", "100.0"},
        {"1e2147483647", "1E+2147483647"},
    };
    sluice_value_t v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        v = parse(cases[i][0], SLUICE_JSON_DECIMAL_TEXT);
        assert_int_equal(v.kind, SLUICE_DECIMAL);
        assert_text(sluice_value_str(&v), cases[i][1]);
    }
    v = parse("[00.50]", SLUICE_JSON_DECIMAL_TEXT | SLUICE_JSON_LENIENT);
    assert_written(v, SLUICE_JSON_NUMERIC_DECIMAL, "[0.50]");
}

static void test_strings(void **state) {
    sluice_value_t v = parse("\"a\\u00e9\\n\\t\\\"\\\\\\/\\b\\f\\r\\ud83d\\ude00\"", 0);

    (void)state;
    assert_text(sluice_value_str(&v), "a\xc3\xa9\n\t\"\\/\b\f\r\xf0\x9f\x98\x80");
    v = parse("\"\\ud83d\"", 0);
    assert_text(sluice_value_str(&v), "\xed\xa0\xbd");
    assert_written(v, 0, "\"\\uD83D\"");
    v = parse("\"\\uDE00\\uD83Dx\"", 0);
    assert_written(v, 0, "\"\\uDE00\\uD83Dx\"");
    v = parse("\"a\\u0000b\"", 0);
    assert_int_equal(v.len, 3);
    assert_written(v, 0, "\"a\\u0000b\"");
    v = parse("\"\xc0\x80\xe0\x80\xaf\"", SLUICE_JSON_LENIENT);
    assert_written(v, 0, "\"\\u0000/\"");
    v = parse("\"\"", 0);
    assert_int_equal(v.kind, SLUICE_STRING);
    assert_non_null(v.as.s);
}

/* Text without escapes is not copied. */
static void test_slices(void **state) {
    const char *text = "{\"key\":\"value\"}";
    sluice_value_t v;

    (void)state;
    assert_int_equal(sl_json_parse(arena, sluice_str(text), 0, &v, NULL), SLUICE_OK);
    assert_ptr_equal(v.as.items[0].as.s, text + 2);
    assert_ptr_equal(v.as.items[1].as.s, text + 8);
}

/* A string is the same, whatever its length and wherever in it an escape stands. Heap copies: a
 * sanitizer sees each byte read too far. */
static void test_written_lengths(void **state) {
    char text[48], expected[64];
    size_t len, at;

    (void)state;
    for (len = 0; len < sizeof(text); len++)
        for (at = 0; at <= len; at++) { /* at len: no escape */
            char *copy = malloc(len == 0 ? 1 : len);
            sluice_value_t v;
            size_t i, n = 0;

            expected[n++] = '"';
            for (i = 0; i < len; i++) {
                copy[i] = i == at ? '"' : (char)('a' + (int)(i % 26));
                if (i == at)
                    expected[n++] = '\\';
                expected[n++] = copy[i];
            }
            expected[n++] = '"';
            v = sluice_text(SLUICE_STRING, sluice_str_n(copy, len));
            assert_true(sluice_str_eq(write_value(&v, 0), sluice_str_n(expected, n)));
            free(copy);
        }
}

static void test_escapes_as_jackson(void **state) {
    sluice_value_t v = sluice_text(
        SLUICE_STRING, sluice_str("q\" b\\ s/ n\n t\t r\r b\b f\f v\v bell\a esc\x1b del\x7f "
                                  "nbsp\xc2\xa0 ls\xe2\x80\xa8 \xc3\xa9 \xe6\xbc\xa2 "
                                  "\xed\x9f\xbf \xef\xbf\xbf \xf0\x9f\x98\x80 <>&'"));

    (void)state;
    assert_written(
        v, 0,
        "\"q\\\" b\\\\ s/ n\\n t\\t r\\r b\\b f\\f v\\u000B bell\\u0007 esc\\u001B del\x7f "
        "nbsp\xc2\xa0 "
        "ls\xe2\x80\xa8 \xc3\xa9 \xe6\xbc\xa2 \xed\x9f\xbf \xef\xbf\xbf \\uD83D\\uDE00 <>&'\"");
}

static void test_encodings(void **state) {
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {{"\0\"\0x\0\"", 6},
                 {"\"\0x\0\"\0", 6},
                 {"\xfe\xff\0\"\0x\0\"", 8},
                 {"\xff\xfe\"\0x\0\"\0", 8},
                 {"\0\0\0\"\0\0\0x\0\0\0\"", 12},
                 {"\0\0\xfe\xff\0\0\0\"\0\0\0x\0\0\0\"", 16},
                 {"\"\0\0\0x\0\0\0\"\0\0\0", 12},
                 {"\xef\xbb\xbf\"x\"", 6}};
    sluice_value_t v;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_n(cases[i].text, cases[i].len, SLUICE_JSON_LENIENT, &v, NULL),
                         SLUICE_OK);
        assert_text(sluice_value_str(&v), "x");
    }
    assert_int_equal(parse_n("\0\"\xd8\x3d\xde\0\0\"", 8, SLUICE_JSON_LENIENT, &v, NULL),
                     SLUICE_OK);
    assert_text(sluice_value_str(&v), "\xf0\x9f\x98\x80");
    assert_int_equal(parse_n("", 0, SLUICE_JSON_LENIENT, &v, NULL), SLUICE_OK);
    assert_int_equal(v.kind, SLUICE_NULL);
    assert_int_equal(sl_json_parse(arena, sluice_str(NULL), 0, &v, NULL), SLUICE_BAD_RECORD);
}

static int parse_nested(size_t depth, const char *open, const char *close) {
    size_t n = strlen(open), m = strlen(close);
    char *text = malloc(depth * (n + m) + 1);
    sluice_value_t v;
    sluice_buf_t buf;
    size_t i;
    int status;

    for (i = 0; i < depth; i++)
        memcpy(text + i * n, open, n);
    text[depth * n] = '1';
    for (i = 0; i < depth; i++)
        memcpy(text + depth * n + 1 + i * m, close, m);
    status = parse_n(text, depth * (n + m) + 1, 0, &v, NULL);
    if (status == SLUICE_OK) {
        sl_buf_init(&buf, arena, 0);
        assert_int_equal(sl_json_write(&buf, &v, 0), SLUICE_OK);
        assert_int_equal(sl_buf_finish(&buf).len, depth * (n + m) + 1);
    }
    free(text);
    return status;
}

static void test_depth(void **state) {
    (void)state;
    assert_int_equal(parse_nested(1000, "[", "]"), SLUICE_OK);
    assert_int_equal(parse_nested(1001, "[", "]"), SLUICE_BAD_RECORD);
    assert_int_equal(parse_nested(1000, "{\"a\":", "}"), SLUICE_OK);
    assert_int_equal(parse_nested(1001, "{\"a\":", "}"), SLUICE_BAD_RECORD);
    assert_int_equal(parse_nested(100000, "[", "]"), SLUICE_BAD_RECORD);
}

static int parse_repeated(const char *before, char c, size_t count, const char *after) {
    size_t n = strlen(before), m = strlen(after);
    char *text = malloc(n + count + m);
    sluice_value_t v;
    int status;

    memcpy(text, before, n);
    memset(text + n, c, count);
    memcpy(text + n + count, after, m);
    status = sl_json_parse(arena, sluice_str_n(text, n + count + m), 0, &v, NULL);
    free(text);
    return status;
}

static void test_limits(void **state) {
    (void)state;
    assert_int_equal(parse_repeated("", '1', 1000, ""), SLUICE_OK);
    assert_int_equal(parse_repeated("-", '1', 1000, ""), SLUICE_OK);
    assert_int_equal(parse_repeated("", '1', 1001, ""), SLUICE_BAD_RECORD);
    assert_int_equal(parse_repeated("1.", '1', 999, ""), SLUICE_OK);
    assert_int_equal(parse_repeated("1.", '1', 1000, ""), SLUICE_BAD_RECORD);
    assert_int_equal(parse_repeated("1e", '0', 1000, ""), SLUICE_BAD_RECORD);
    assert_int_equal(parse_repeated("{\"", 'a', SL_JSON_NAME_MAX, "\":1}"), SLUICE_OK);
    assert_int_equal(parse_repeated("{\"", 'a', SL_JSON_NAME_MAX + 1, "\":1}"), SLUICE_BAD_RECORD);
    assert_int_equal(parse_repeated("\"", 'a', SL_JSON_STRING_MAX, "\""), SLUICE_OK);
    assert_int_equal(parse_repeated("\"", 'a', SL_JSON_STRING_MAX + 1, "\""), SLUICE_BAD_RECORD);
}

static void test_duplicates(void **state) {
    (void)state;
    assert_written(parse("{\"a\":1,\"b\":2,\"a\":3}", 0), 0, "{\"a\":3,\"b\":2}");
    assert_written(parse("{\"a\":1,\"\\u0061\":2}", 0), 0, "{\"a\":2}");
    assert_written(parse("{\"\":1,\"\":2,\"\":3}", 0), 0, "{\"\":3}");
    assert_written(parse("{}", 0), 0, "{}");
}

static sluice_value_t parse_alike(const char *text) {
    return parse(text, SLUICE_JSON_ALIKE);
}

static void test_alike(void **state) {
    sluice_value_t first = parse_alike("{\"a\":1,\"bc\":2}");
    sluice_value_t v = parse_alike("{\"a\": 3 , \"bc\" :{\"x\":1,\"x\":2}}");

    (void)state;
    assert_ptr_equal(v.as.items[0].as.s, first.as.items[0].as.s);
    assert_ptr_not_equal(v.as.items[2].as.s, first.as.items[2].as.s); /* a blank too many */
    assert_written(v, 0, "{\"a\":3,\"bc\":{\"x\":2}}");
    v = parse_alike("{\"a\":[],\"bc\":{\"x\":1,\"x\":2}}");
    assert_written(v, 0, "{\"a\":[],\"bc\":{\"x\":2}}");
    assert_written(parse_alike("{\"a\":4}"), 0, "{\"a\":4}");
    assert_written(parse_alike("{\"a\":4,\"a\":5}"), 0, "{\"a\":5}");
    assert_written(parse_alike("{\"a\":1,\"bc\":2,\"a\":3}"), 0, "{\"a\":3,\"bc\":2}");
    assert_written(parse_alike("{\"a\":1,\"bc\":2,\"d\":3}"), 0, "{\"a\":1,\"bc\":2,\"d\":3}");
    assert_written(parse("{\"a\":1}", 0), 0, "{\"a\":1}");
    v = parse("{\"a\":1}", 0); /* nobody promised how long that text lives */
    assert_ptr_not_equal(v.as.items[0].as.s, first.as.items[0].as.s);
}

static void test_alike_escapes(void **state) {
    sluice_value_t v;
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        assert_written(parse_alike("{\"q\\\"r\":1,\"s\":2}"), 0, "{\"q\\\"r\":1,\"s\":2}");
        assert_int_equal(parse_n("{\"q\"r\":1}", 9, SLUICE_JSON_ALIKE, &v, NULL),
                         SLUICE_BAD_RECORD);
        assert_int_equal(parse_n("{\"q\":1", 6, SLUICE_JSON_ALIKE, &v, NULL), SLUICE_BAD_RECORD);
        assert_int_equal(parse_n("{\"q\"", 4, SLUICE_JSON_ALIKE, &v, NULL), SLUICE_BAD_RECORD);
        assert_int_equal(parse_n("{\"q\":", 5, SLUICE_JSON_ALIKE, &v, NULL), SLUICE_BAD_RECORD);
        assert_written(parse_alike("{\"q\":1}"), 0, "{\"q\":1}");
    }
}

/* n members, then all again: as many are left, in the order of the first round with the values of
 * the second. */
static void check_big_object(size_t n) {
    char *text = malloc(n * 96 + 8);
    char *p = text;
    sluice_value_t v;
    size_t i;

    *p++ = '{';
    for (i = 0; i < 2 * n; i++)
        p += sprintf(p, "%s\"key-%zu-longer-than-eight\":%zu", i == 0 ? "" : ",", i % n, i);
    *p++ = '}';
    assert_int_equal(sl_json_parse(arena, sluice_str_n(text, (size_t)(p - text)), 0, &v, NULL),
                     SLUICE_OK);
    assert_int_equal(v.len, n);
    for (i = 0; i < n; i++)
        assert_int_equal(v.as.items[2 * i + 1].as.i, i + n);
    free(text);
}

static void test_big_objects(void **state) {
    (void)state;
    check_big_object(5);
    check_big_object(12);
    check_big_object(13);
    check_big_object(32);
    check_big_object(33);
    check_big_object(100000);
}

static void test_written_forms(void **state) {
    const sluice_value_t pairs[] = {sluice_int(SLUICE_INT32, 1),
                                    sluice_text(SLUICE_STRING, sluice_str("x")), sluice_null(),
                                    sluice_int(SLUICE_BOOLEAN, 1)};
    sluice_value_t map = {.kind = SLUICE_MAP, .len = 2, .as.items = pairs};
    sluice_value_t nan_text = {
        .kind = SLUICE_FLOAT64, .flags = SLUICE_TEXT, .len = 3, .as.s = "NaN"};

    (void)state;
    assert_written(map, 0, "[[1,\"x\"],[null,true]]");
    assert_written(nan_text, 0, "\"NaN\"");
    assert_written(sluice_float(SLUICE_FLOAT64, NAN), 0, "\"NaN\"");
    assert_written(sluice_float(SLUICE_FLOAT32, 0.1f), 0, "0.1");
    assert_written(sluice_int(SLUICE_DATE, -1), 0, "-1");
    assert_written(sluice_text(SLUICE_BYTES, sluice_str("")), 0, "\"\"");
    assert_written(sluice_text(SLUICE_BYTES, sluice_str("\x01\x02\x04\xff")), 0, "\"AQIE/w==\"");
    assert_written(sluice_text(SLUICE_BYTES, sluice_str("\xfb\xff\xbf\x01\x02")), 0,
                   "\"+/+/AQI=\"");
}

static void test_decimal_bytes(void **state) {
    static const char *const cases[][2] = {
        {"1.56", "\"AJw=\""},
        {"-1.28", "\"gA==\""},
        {"0", "\"AA==\""},
        {"1.5000", "\"Opg=\""},
        {"1E+2", "\"AQ==\""},
        {"-1.29", "\"/38=\""},
        {"12345678901234567890.1234567890", "\"AY7pD/bDc+DuTj8K0g==\""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_written(sluice_text(SLUICE_DECIMAL, sluice_str(cases[i][0])), 0, cases[i][1]);
    assert_written(sluice_text(SLUICE_DECIMAL, sluice_str("1E+2")), SLUICE_JSON_NUMERIC_DECIMAL,
                   "1E+2");
}

static void test_round_trip(void **state) {
    static const char text[] =
        "{\"before\":null,\"after\":{\"id\":1,\"name\":\"\xc5\xbelu\xc5\xa5\xc3\xbd\",\"score\":12.25,"
        "\"tags\":[\"a\",[],{}],\"big\":123456789012345678},\"op\":\"c\",\"ok\":true,\"no\":false}";

    (void)state;
    assert_written(parse(text, 0), 0, text);
    assert_written(parse(" { \"a\" :\t[ 1 ,\r\n2 ] } ", 0), 0, "{\"a\":[1,2]}");
}

static void test_error_places(void **state) {
    sluice_json_error_t error;
    sluice_value_t v;

    (void)state;
    assert_int_equal(parse_n("{\"a\":tru}", 9, 0, &v, &error), SLUICE_BAD_RECORD);
    assert_int_equal(error.offset, 5);
    assert_int_equal(parse_n("[1,2", 4, 0, &v, &error), SLUICE_BAD_RECORD);
    assert_int_equal(error.offset, 4);
    assert_string_equal(error.what, "unexpected end of text");
    assert_int_equal(parse_n("\"ab\\qc\"", 7, 0, &v, &error), SLUICE_BAD_RECORD);
    assert_int_equal(error.offset, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_suite_verdicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_prefixes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doubles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doubles_rounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decimals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_written_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_escapes_as_jackson, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encodings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alike_escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_big_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_written_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decimal_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_places, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
