/* support/position, support/hex: what was written comes back; nothing that is only nearly that
 * does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/hex.h"
#include "support/position.h"

static sluice_position_t of(size_t len) {
    sluice_position_t p = {0};

    for (p.len = 0; p.len < len; p.len++)
        p.bytes[p.len] = (uint8_t)(p.len * 37 + 200);
    return p;
}

static void test_there_and_back(void **state) {
    char hex[POSITION_HEX_MAX], place[POSITION_PLACE_MAX];
    size_t len;

    (void)state;
    for (len = 0; len <= SLUICE_POSITION_MAX; len++) {
        sluice_position_t p = of(len), back;
        uint32_t sub;

        assert_int_equal(position_hex_read(sluice_str(position_hex(&p, hex)), &back), SLUICE_OK);
        assert_memory_equal(&p, &back, sizeof(p));
        assert_int_equal(
            position_place_read(sluice_str(position_place(&p, UINT32_MAX, place)), &back, &sub),
            SLUICE_OK);
        assert_memory_equal(&p, &back, sizeof(p));
        assert_true(sub == UINT32_MAX);
    }
}

static void test_either_case(void **state) {
    sluice_position_t p;

    (void)state;
    assert_int_equal(position_hex_read(sluice_str("aBCd"), &p), SLUICE_OK);
    assert_int_equal(p.len, 2);
    assert_int_equal(p.bytes[0], 0xab);
    assert_int_equal(p.bytes[1], 0xcd);
}

static void test_hostile_positions(void **state) {
    static const char *const bad[] = {
        "0", "000", " 1", "1 ", "+1", "-1", "0x", "0X12", "gg", "1g", "00 0", "\t1", "00\n", "1.",
        /* 32 bytes: one too many */
        "0000000000000000000000000000000000000000000000000000000000000000"};
    sluice_position_t p = of(3);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(position_hex_read(sluice_str(bad[i]), &p), SLUICE_INVALID);
        assert_int_equal(p.len, 0);
        assert_int_equal(p.bytes[0], 0);
    }
    assert_int_equal(position_hex_read(sluice_str(NULL), &p), SLUICE_INVALID);
    assert_int_equal(position_hex_read(sluice_str_n("0\0000", 4), &p), SLUICE_INVALID);
}

static void test_hostile_places(void **state) {
    static const char *const bad[] = {
        "",       "/",     "00",    "00/",    "/-1",           "00/-1",
        "00/ 1",  "00/1 ", "00/+1", "00/0x1", "00/4294967296", "00/99999999999999999999",
        "00/1/1", "0/1",   " 00/1"};
    sluice_position_t p;
    uint32_t sub;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(position_place_read(sluice_str(bad[i]), &p, &sub), SLUICE_INVALID);
    assert_int_equal(position_place_read(sluice_str(NULL), &p, &sub), SLUICE_INVALID);
    /* empty position */
    assert_int_equal(position_place_read(sluice_str("/0"), &p, &sub), SLUICE_OK);
}

static void test_bytes(void **state) {
    (void)state;
    assert_int_equal(hex_byte("ff"), 255);
    assert_int_equal(hex_byte(""), -1);
    assert_int_equal(hex_byte("f"), -1);
    assert_int_equal(hex_byte(" f"), -1);
    assert_int_equal(hex_byte("f "), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),  cmocka_unit_test(test_either_case),
        cmocka_unit_test(test_hostile_positions), cmocka_unit_test(test_hostile_places),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
