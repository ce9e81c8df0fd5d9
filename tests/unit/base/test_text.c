/* Growing text, hex, hash, list, map. */
#include "base/hash.h"
#include "base/heapbuf.h"
#include "base/hex.h"
#include "base/list.h"
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_heapbuf(void **state) {
    sluice_buf_t b;
    char *taken;
    int i;

    (void)state;
    sl_heapbuf_init(&b);
    assert_string_equal(sl_heapbuf_text(&b), "");
    for (i = 0; i < 1000; i++)
        sl_buf_printf(&b, "%d,", i);
    assert_int_equal(b.status, SLUICE_OK);
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(sl_heapbuf_text(&b), "0,1,2,", 6);
    sl_heapbuf_clear(&b);
    sl_buf_puts(&b, "kept");
    taken = sl_heapbuf_take(&b);
    assert_string_equal(taken, "kept");
    free(taken);
    assert_null(b.data);
    assert_int_equal(b.grow(&b, SIZE_MAX - 1), SLUICE_NO_MEMORY);
    assert_null(sl_heapbuf_take(&b));
    assert_int_equal(b.status, SLUICE_OK);
    sl_heapbuf_fini(&b);
}

static void test_hex(void **state) {
    uint8_t bytes[4];
    char text[9];

    (void)state;
    sl_hex_encode("\x00\xff\x1a\x7f", 4, text);
    assert_string_equal(text, "00ff1a7f");
    assert_int_equal(sl_hex_decode("00FF1a7F", 8, bytes, 4), 4);
    assert_memory_equal(bytes, "\x00\xff\x1a\x7f", 4);
    assert_int_equal(sl_hex_decode("00f", 3, bytes, 4), -1);
    assert_int_equal(sl_hex_decode("0g", 2, bytes, 4), -1);
    assert_int_equal(sl_hex_decode("0000000000", 10, bytes, 4), -1);
}

static void test_hash(void **state) {
    uint64_t seen = 0;
    char zeros[40] = {0};
    int i;

    (void)state;
    for (i = 0; i < 40; i++) {
        assert_true(sl_hash(0, zeros, (size_t)i) != seen);
        seen = sl_hash(0, zeros, (size_t)i);
    }
    assert_true(sl_hash(1, "a", 1) != sl_hash(2, "a", 1));
    assert_true(sl_hash(0, "abcdefgh1", 9) != sl_hash(0, "abcdefgh2", 9));
}

typedef struct item {
    int n;
    sl_list_t link;
} item_t;

static void test_list(void **state) {
    item_t items[3] = {{.n = 0}, {.n = 1}, {.n = 2}};
    sl_list_t head;
    int i = 0;

    (void)state;
    sl_list_init(&head);
    assert_null(sl_list_pop(&head));
    sl_list_push(&head, &items[1].link);
    sl_list_push(&head, &items[2].link);
    sl_list_insert(head.next, &items[0].link);
    SL_LIST_EACH(node, &head) {
        assert_int_equal(SL_LIST_ENTRY(node, item_t, link)->n, i++);
        sl_list_remove(node);
        sl_list_remove(node);
    }
    assert_int_equal(i, 3);
    assert_true(sl_list_empty(&head));
}

/* Against the obvious array: puts, replacements and removals in a mixed order. */
static void test_map(void **state) {
    void *model[500] = {0};
    sl_map_t m = {0};
    unsigned seed = 7;
    char key[16];
    int i;
    int k;

    (void)state;
    assert_null(sl_map_get(&m, sluice_str("none")));
    assert_null(sl_map_remove(&m, sluice_str("none")));
    for (i = 0; i < 20000; i++) {
        k = rand_r(&seed) % 500;
        snprintf(key, sizeof(key), "key-%d", k);
        if (rand_r(&seed) % 3 == 0) {
            assert_ptr_equal(sl_map_remove(&m, sluice_str(key)), model[k]);
            model[k] = NULL;
        } else {
            model[k] = (void *)(uintptr_t)(i + 1);
            assert_int_equal(sl_map_put(&m, sluice_str(key), model[k]), SLUICE_OK);
        }
    }
    for (i = 0, k = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(sl_map_get(&m, sluice_str(key)), model[i]);
        k += model[i] != NULL;
    }
    assert_int_equal(m.count, k);
    sl_map_fini(&m);
    assert_int_equal(sl_map_put(&m, sluice_str(""), &m), SLUICE_OK);
    assert_ptr_equal(sl_map_get(&m, sluice_str("")), &m);
    sl_map_fini(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heapbuf), cmocka_unit_test(test_hex), cmocka_unit_test(test_hash),
        cmocka_unit_test(test_list),    cmocka_unit_test(test_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
