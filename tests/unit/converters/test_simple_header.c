/* The simple header converter beyond what tests/golden holds: text that is no UTF-8, defaults of
 * fields, many headers in one batch. */
#include <stdio.h>

#include "converting.h"

#define MODULE SLUICE_TEST_BUILD "/lib/sluice/converter-simple-header.so"

static void open_it(converting_t *in) {
    converting_open(in, MODULE, "@headers", "{\"converter.type\":\"header\"}");
}

static void check_text(converting_t *in, sluice_value_t value, const char *wanted) {
    sluice_str_t bytes;

    assert_int_equal(converting_write(in, NULL, value, &bytes), SLUICE_OK);
    if (bytes.len != strlen(wanted) || memcmp(bytes.data, wanted, bytes.len) != 0)
        fail_msg("wrote %.*s, not %s", (int)bytes.len, bytes.data, wanted);
}

static void texts(void **state) {
    sluice_value_t members[4] = {
        sluice_text(SLUICE_STRING, sluice_str("a\"\\b")),
        sluice_text(SLUICE_BYTES, sluice_str("x")),
        sluice_int(SLUICE_DATE, 86400000),
        sluice_null(),
    };
    sluice_value_t list = {.kind = SLUICE_ARRAY, .len = 4, .as.items = members};
    sluice_value_t map = {.kind = SLUICE_MAP, .len = 2, .as.items = members};
    converting_t in;

    (void)state;
    open_it(&in);
    check_text(&in, members[0], "a\"\\b");
    check_text(&in, list, "[\"a\\\"\\\\b\",\"eA==\",1970-01-02,null]");
    check_text(&in, map, "{\"a\\\"\\\\b\":\"eA==\",1970-01-02:null}");
    check_text(&in, sluice_text(SLUICE_STRING, sluice_str("")), "");
    check_text(&in, sluice_text(SLUICE_STRING, sluice_str_n("x\xed\xa0\x80y", 5)), "x?y");
    check_text(&in, sluice_int(SLUICE_DATE, -1), "23:59:59.999Z");
    converting_close(&in);
}

static void broken_utf8(void **state) {
    converting_t in;

    (void)state;
    open_it(&in);
    assert_int_equal(converting_read(&in, sluice_str_n("[\"\xff\"]", 5)), SLUICE_OK);
    assert_int_equal(in.value.kind, SLUICE_ARRAY);
    assert_int_equal(in.value.as.items[0].len, 3);
    assert_memory_equal(in.value.as.items[0].as.s, "\xef\xbf\xbd", 3);
    converting_close(&in);
}

/* Schemas of one batch stay good until it goes. */
static void many(void **state) {
    const sluice_schema_t *schemas[40];
    converting_t in;
    int i;

    (void)state;
    open_it(&in);
    for (i = 0; i < 400; i++) {
        char *text = sl_batch_alloc(in.arena, 16);

        snprintf(text, 16, i % 2 == 0 ? "[%d]" : "{\"a\":%d}", i * 100);
        assert_int_equal(converting_read(&in, sluice_str(text)), SLUICE_OK);
        schemas[i % 40] = in.schema;
    }
    for (i = 0; i < 40; i++)
        assert_int_equal(schemas[i]->type, i % 2 == 0 ? SLUICE_ARRAY : SLUICE_MAP);
    converting_close(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(broken_utf8),
        cmocka_unit_test(many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
