/* Blocks that are used again: sizes, the bound, giving back, threads. */
#include "record/blocks.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define REUSED 0 /* malloc's business */
#else
#define REUSED 1
#endif

static void test_sizes(void **state) {
    size_t want;

    (void)state;
    for (want = 1; want < 3u << 20; want += 1 + want / 3) {
        size_t size = want;
        void *block = sl_block_get(&size);

        assert_non_null(block);
        assert_true(size >= want && (size == want || size <= want + want / 4 + 4096));
        memset(block, 1, size);
        sl_block_put(block, size);
    }
    sl_block_put(NULL, 0);
}

static void test_used_again(void **state) {
    size_t size = 50000, same = 50000;
    void *first = sl_block_get(&size);

    (void)state;
    sl_block_put(first, size);
    if (REUSED) {
        assert_ptr_equal(sl_block_get(&same), first);
        assert_int_equal(same, size);
        sl_block_put(first, size);
        assert_true(sl_blocks_waiting() >= size);
    }
    sl_blocks_age(); /* somebody asked since the last time */
    assert_true(!REUSED || sl_blocks_waiting() >= size);
    sl_blocks_age();
    assert_int_equal(sl_blocks_waiting(), 0);
}

static void test_bound(void **state) {
    enum { COUNT = 200 };
    void *blocks[COUNT];
    size_t i, size = 65536;

    (void)state;
    for (i = 0; i < COUNT; i++)
        blocks[i] = sl_block_get(&size);
    for (i = 0; i < COUNT; i++)
        sl_block_put(blocks[i], size);
    assert_true(sl_blocks_waiting() <= SL_BLOCKS_WAITING_MAX);
    sl_blocks_age();
    sl_blocks_age();
    assert_int_equal(sl_blocks_waiting(), 0);
}

static void *churn(void *arg) {
    uintptr_t seed = (uintptr_t)arg;
    int i;

    for (i = 0; i < 2000; i++) {
        size_t size = 16384 + (seed * 7919 + (uintptr_t)i * 104729) % 100000;
        unsigned char *block = sl_block_get(&size);

        block[0] = block[size - 1] = (unsigned char)seed;
        if (i % 100 == 0)
            sl_blocks_age();
        assert_int_equal(block[0] + block[size - 1], 2 * (unsigned char)seed);
        sl_block_put(block, size);
    }
    return NULL;
}

static void test_threads(void **state) {
    pthread_t threads[4];
    uintptr_t i;

    (void)state;
    for (i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    sl_blocks_age();
    sl_blocks_age();
    assert_int_equal(sl_blocks_waiting(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_used_again),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
