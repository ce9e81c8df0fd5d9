/* SimpleDateFormat: what Java 17 writes and reads, in UTC and English. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/connect/date_format.h"
#include "support/heapbuf.h"

#define NOW 1483425001864 /* 2017-01-03 */

static date_format_t *format_of(const char *pattern) {
    date_format_t *format = NULL;
    char why[128];

    assert_int_equal(date_format_create(pattern, &format, why, sizeof(why)), SLUICE_OK);
    return format;
}

static void check_text(const char *pattern, int64_t ms, const char *expected) {
    date_format_t *format = format_of(pattern);
    sluice_buf_t buf;

    heapbuf_init(&buf);
    date_format_write(format, ms, &buf);
    sluice_buf_put_char(&buf, '\0');
    assert_string_equal(buf.data, expected);
    heapbuf_fini(&buf);
    date_format_destroy(format);
}

static void check_time(const char *pattern, const char *text, int64_t expected) {
    date_format_t *format = format_of(pattern);
    int64_t ms = -7;

    assert_int_equal(date_format_parse(format, sluice_str(text), NOW, &ms), SLUICE_OK);
    assert_int_equal(ms, expected);
    date_format_destroy(format);
}

static void test_writing(void **state) {
    (void)state;
    check_text("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", NOW, "2017-01-03T06:30:01.864Z");
    check_text("G y yy yyyyy YYYY MMM MMMM LLLL w W d D F", NOW,
               "AD 2017 17 02017 2017 Jan January January 1 1 3 3 1");
    check_text("E EEEE u a H k K h m s S SSSSSS", NOW, "Tue Tuesday 2 AM 6 6 6 6 30 1 864 000864");
    check_text("z zzzz Z X XX XXX", 0, "UTC Coordinated Universal Time +0000 Z Z Z");
    check_text("H k K h a", 0, "0 24 0 12 AM");
    check_text("'o''''clock x' ''yyyy''", 0, "o''clock x '1970'");
}

/* The calendar is Julian before 15 October 1582, years before 1 are counted backwards. */
static void test_old_times(void **state) {
    (void)state;
    check_text("yyyy-MM-dd w W D", -12219292800001, "1582-10-04 40 1 277");
    check_text("yyyy-MM-dd w W D", -12219292800000, "1582-10-15 40 1 278");
    check_text("G yyyy YYYY", -62198755200000, "BC 0002 -0001");
    check_text("yyyy-MM-dd HH:mm", INT64_MAX, "292278994-08-17 07:12");
    check_text("G yyyy-MM-dd HH:mm", INT64_MIN, "BC 292269055-12-02 16:47");
    check_text("YYYY w", -1, "1970 1");
}

static void test_reading(void **state) {
    (void)state;
    check_time("yyyy-MM-dd", "2017-01-03 and more", 1483401600000);
    check_time("yyyyMMdd", "20170103", 1483401600000);
    check_time("yyyy-MM-dd", "2017-13-45", 1518566400000);
    check_time("yyyy-MM-dd", "2017-01--3", 1482883200000);
    check_time("yy-M-d", "17-1-3", 1483401600000);
    check_time("yy-M-d", "40-1-3", -946598400000);
    check_time("MMM d, yyyy", "january 3, 2017", 1483401600000);
    check_time("yyyy-MM-dd HH:mm:ss.SSS", "2017-01-03 06:30:01.123456", 1483425124456);
    check_time("h:mm a", "12:30 am", 1800000);
    check_time("YYYY-'W'ww-u", "2017-W01-2", 1483401600000);
    check_time("D yyyy", "3 2017", 1483401600000);
}

static void test_reading_zones(void **state) {
    (void)state;
    check_time("HH:mm Z", "06:30 +0130", 18000000);
    check_time("HH:mm XXX", "06:30 -01:30", 28800000);
    check_time("HH:mm X", "06:30 Z", 23400000);
    check_time("HH:mm z", "06:30 GMT+01:00", 19800000);
    check_time("HH:mm z", "06:30 PST", 52200000);
}

/* As Java says: numbers past an int's range end there, and months go round. */
static void test_reading_infinity(void **state) {
    (void)state;
    check_time("yyyy-MM", "2021-\u221e", 5647338137433600000);
    check_time("yyyy-MM", "2021--\u221e", 5647338140112000000);
    check_time("yyyy-MM-dd", "2021--\u221e-03", 5647338140284800000);
}

static void check_unreadable(const char *pattern, const char *text) {
    date_format_t *format = format_of(pattern);
    int64_t ms;

    assert_int_equal(date_format_parse(format, sluice_str(text), NOW, &ms), SLUICE_INVALID);
    date_format_destroy(format);
}

static void test_unreadable(void **state) {
    (void)state;
    check_unreadable("yyyy-MM-dd", "not a date");
    check_unreadable("yyyy-MM-dd", "2017-01");
    check_unreadable("yyyyMMdd", "20170");
    check_unreadable("XXX", "+0130");
    check_unreadable("z", "Nowhere");
    check_unreadable("MMM", "1");
}

static void check_pattern(const char *pattern, const char *expected) {
    date_format_t *format;
    char why[128] = "";

    assert_int_equal(date_format_create(pattern, &format, why, sizeof(why)), SLUICE_INVALID);
    assert_string_equal(why, expected);
}

static void test_patterns(void **state) {
    (void)state;
    check_pattern("yyyy b", "Illegal pattern character 'b'");
    check_pattern("yyyy 'at", "Unterminated quote");
    check_pattern("XXXX", "invalid ISO 8601 format: length=4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing),    cmocka_unit_test(test_old_times),
        cmocka_unit_test(test_reading),    cmocka_unit_test(test_reading_zones),
        cmocka_unit_test(test_reading_infinity),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
