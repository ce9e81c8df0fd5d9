/* The file of a standalone Connect worker: bytes that Java wrote, and ours as Java would. */
#include "store/java_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* new ObjectOutputStream(...).writeObject(map) of Java 17: ["b",{"f":"ž"}] -> null,
 * ["a",{"f":1}] -> {"position":30}, ["c",{}] -> {"x":2}, in the order of its hash table. */
static const char by_java[] =
    "\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16`\xd1\x03\x00\x02"
    "F\x00\nloadFactorI\x00\tthresholdxp?@\x00\x00\x00\x00\x00\x0cw\x08\x00\x00\x00\x10\x00\x00\x00"
    "\x03ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08T\xe0\x02\x00\x00xp\x00\x00\x00\x10"
    "[\"b\",{\"f\":\"\xc5\xbe\"}]puq\x00~\x00\x02\x00\x00\x00\r"
    "[\"a\",{\"f\":1}]uq\x00~\x00\x02\x00\x00"
    "\x00\x0f{\"position\":30}uq\x00~\x00\x02\x00\x00\x00\x08"
    "[\"c\",{}]uq\x00~\x00\x02\x00\x00\x00\x07"
    "{\"x\":2}x";
static const char empty_by_java[] =
    "\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16`\xd1\x03\x00\x02"
    "F\x00\nloadFactorI\x00\tthresholdxp?@\x00\x00\x00\x00\x00\x00w\x08\x00\x00\x00\x10\x00\x00\x00"
    "\x00x";

#define BYTES(text) {text, sizeof(text) - 1}
#define NONE        {NULL, 0}

static const sl_java_pair_t pairs[] = {
    {BYTES("[\"b\",{\"f\":\"\xc5\xbe\"}]"), NONE},
    {BYTES("[\"a\",{\"f\":1}]"), BYTES("{\"position\":30}")},
    {BYTES("[\"c\",{}]"), BYTES("{\"x\":2}")},
};

static void same_bytes(sluice_str_t a, sluice_str_t b) {
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_true(sluice_str_eq(a, b));
}

static void check_pair(void *user, const sl_java_pair_t *pair) {
    size_t *at = user;

    same_bytes(pair->key, pairs[*at].key);
    same_bytes(pair->value, pairs[*at].value);
    (*at)++;
}

static int read_bytes(const void *bytes, size_t len, size_t *at) {
    unsigned char *copy = malloc(len + 1); /* exactly as long, for the sanitizer */
    char error[200] = "";
    int status;

    memcpy(copy, bytes, len);
    *at = 0;
    status = sl_java_map_read(copy, len, check_pair, at, error, sizeof error);
    if (status != 0)
        assert_non_null(strstr(error, "no serialised java.util.HashMap"));
    free(copy);
    return status;
}

static void test_reads_java(void **state) {
    size_t at;

    (void)state;
    assert_int_equal(read_bytes(by_java, sizeof by_java - 1, &at), 0);
    assert_int_equal(at, 3);
    assert_int_equal(read_bytes(empty_by_java, sizeof empty_by_java - 1, &at), 0);
    assert_int_equal(at, 0);
}

static void test_writes_as_java(void **state) {
    size_t len;
    unsigned char *bytes = sl_java_map_write(pairs, 3, &len);

    (void)state;
    assert_int_equal(len, sizeof by_java - 1);
    assert_memory_equal(bytes, by_java, len);
    free(bytes);
    bytes = sl_java_map_write(pairs, 0, &len);
    assert_int_equal(len, sizeof empty_by_java - 1);
    assert_memory_equal(bytes, empty_by_java, len);
    free(bytes);
}

/* No prefix is a map, and no byte that is another one does harm. */
static void test_damaged(void **state) {
    char copy[sizeof by_java];
    size_t at, i;

    (void)state;
    for (i = 0; i < sizeof by_java - 1; i++)
        assert_int_equal(read_bytes(by_java, i, &at), -1);
    for (i = 0; i < 120; i++) {
        memcpy(copy, by_java, sizeof copy);
        copy[i] = (char)(copy[i] ^ 0x55);
        if (i < 64 || (i > 79 && i < 92)) /* the table's numbers may be others */
            read_bytes(copy, i < 91 ? sizeof copy - 1 : 91, &at);
    }
}

static void take(void *user, const sl_java_pair_t *pair) {
    sl_java_pair_t **at = user;

    *(*at)++ = *pair;
}

/* An array that stands twice is written once; bytes need not be a text. */
static void test_references_and_bytes(void **state) {
    static const char head_part[] =
        "\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16`\xd1\x03\x00\x02"
        "F\x00\nloadFactorI\x00\tthresholdxp?@\x00\x00\x00\x00\x00\x0cw\x08\x00\x00\x00\x10\x00\x00"
        "\x00\x02ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08T\xe0\x02\x00\x00xp\x00\x00\x00\x01"
        "aq\x00~\x00\x03uq\x00~\x00\x02\x00\x00\x00\x02\xff\x00px";
    static const sl_java_pair_t wanted[] = {{BYTES("a"), BYTES("a")}, {BYTES("\xff\x00"), NONE}};
    sl_java_pair_t found[2], *at = found;
    char error[200];
    size_t i;

    (void)state;
    assert_int_equal(sl_java_map_read((const unsigned char *)head_part, sizeof head_part - 1, take,
                                      &at, error, sizeof error),
                     0);
    assert_int_equal(at - found, 2);
    for (i = 0; i < 2; i++) {
        same_bytes(found[i].key, wanted[i].key);
        same_bytes(found[i].value, wanted[i].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_java),
        cmocka_unit_test(test_writes_as_java),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_references_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
