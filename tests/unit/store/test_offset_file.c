/* The file of a standalone Connect worker: what is in it stays, whatever it is. */
#include "store/offset_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "sluice/error.h"
#include "store/java_map.h"

#define BYTES(text) {text, sizeof(text) - 1}
#define NONE        {NULL, 0}
#define KEY         "[\"a\",{\"f\":1}]"
#define ODD_KEY     "[\"a\",{\"f\":2}]"

static char path[64];

static void write_pairs(const sl_java_pair_t *pairs, size_t count) {
    size_t len;
    unsigned char *bytes = sl_java_map_write(pairs, count, &len);
    FILE *out = fopen(path, "wb");

    assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(out);
    free(bytes);
}

typedef struct seen {
    const sl_java_pair_t *wanted;
    size_t count;
    size_t all;
    unsigned found; /* a bit for each that is wanted */
} seen_t;

static int same(sluice_str_t a, sluice_str_t b) {
    return (a.data == NULL) == (b.data == NULL) && sluice_str_eq(a, b);
}

static void look(void *user, const sl_java_pair_t *pair) {
    seen_t *seen = user;
    size_t i;

    seen->all++;
    for (i = 0; i < seen->count; i++)
        if (same(pair->key, seen->wanted[i].key) && same(pair->value, seen->wanted[i].value))
            seen->found |= 1u << i;
}

static void expect_pairs(const sl_java_pair_t *wanted, size_t count) {
    seen_t seen = {wanted, count, 0, 0};
    unsigned char bytes[4096];
    char error[200] = "";
    FILE *in = fopen(path, "rb");
    size_t len = fread(bytes, 1, sizeof bytes, in);

    fclose(in);
    assert_int_equal(sl_java_map_read(bytes, len, look, &seen, error, sizeof error), 0);
    assert_int_equal(seen.all, count);
    assert_int_equal(seen.found, (1u << count) - 1);
}

static void on_written(void *user, const char *error) {
    assert_null(error);
    ++*(int *)user;
}

/* Opens the file, writes this entry, closes it. */
static void save(const char *key, const char *value) {
    sl_mirror_t *mirror = sl_mirror_create();
    sl_log_entry_t entry = {.log = SL_LOG_OFFSETS, .key = key, .value = value};
    sl_store_log_t *log;
    char error[400];
    uv_loop_t loop;
    int written = 0;

    uv_loop_init(&loop);
    assert_int_equal(sl_offset_file_open(&loop, path, mirror, &log, error, sizeof error),
                     SLUICE_OK);
    assert_int_equal(log->write(log, &entry, on_written, &written), SLUICE_OK);
    log->close(log, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(written, 1);
    sl_mirror_destroy(mirror);
}

/* Keys and values that are no texts, and Java's null as a key, survive our own saves. */
static void test_foreign_stays(void **state) {
    static const sl_java_pair_t before[] = {
        {BYTES("\xff\xfe"), BYTES("{}")},
        {BYTES(ODD_KEY), BYTES("\x00\x01")},
        {NONE, BYTES("x")},
        {BYTES("[\"b\",{}]"), NONE},
    };
    static const sl_java_pair_t after[] = {
        {BYTES("\xff\xfe"), BYTES("{}")}, {BYTES(ODD_KEY), BYTES("\x00\x01")},
        {NONE, BYTES("x")},               {BYTES("[\"b\",{}]"), NONE},
        {BYTES(KEY), BYTES("{\"p\":1}")},
    };

    (void)state;
    write_pairs(before, 4);
    save(KEY, "{\"p\":1}");
    expect_pairs(after, 5);
}

/* But a key that we write has one value. */
static void test_foreign_value_is_replaced(void **state) {
    static const sl_java_pair_t before[] = {{BYTES(KEY), BYTES("\xff")}, {BYTES("\xff"), NONE}};
    static const sl_java_pair_t after[] = {{BYTES(KEY), BYTES("{}")}, {BYTES("\xff"), NONE}};

    (void)state;
    write_pairs(before, 2);
    save(KEY, "{}");
    expect_pairs(after, 2);
}

static int setup(void **state) {
    int fd;

    (void)state;
    snprintf(path, sizeof path, "offsets-XXXXXX");
    fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int teardown(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_foreign_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_value_is_replaced, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
