/*
 * A short, deterministic run of the JSON fuzz target with any compiler: the suite's texts, each
 * changed in many ways. The long run, guided by coverage, is tests/fuzz/test_json_fuzz.sh.
 */
#include "../../fuzz/json_fuzz.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json_cases.h"

#define ROUNDS 1000
#define TEXT_MAX 512

static uint64_t seed = 88172645463325252ull;

static size_t next(size_t bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % bound);
}

/* One change: a byte replaced, dropped or doubled, or a piece of another case put in. */
static size_t mutate(char *text, size_t len) {
    static const char bytes[] = "\"\\{}[],:0123456789.eE+-tfnu \n\xc3\xa9\xed\xf0\x80";
    const struct json_case *other = &json_cases[next(sizeof(json_cases) / sizeof(json_cases[0]))];
    size_t at = len == 0 ? 0 : next(len);

    switch (next(4)) {
    case 0:
        if (len > 0)
            text[at] = bytes[next(sizeof(bytes))];
        return len;
    case 1:
        if (len > 0)
            memmove(text + at, text + at + 1, len - at - 1);
        return len == 0 ? 0 : len - 1;
    case 2:
        memmove(text + at + 1, text + at, len - at);
        text[at] = bytes[next(sizeof(bytes))];
        return len + 1;
    default:
        memmove(text + at + other->len, text + at, len - at);
        memcpy(text + at, other->text, other->len);
        return len + other->len;
    }
}

static void test_mutations(void **state) {
    char text[TEXT_MAX * 2];
    size_t i, len = 0;
    int round;

    (void)state;
    for (i = 0; i < sizeof(json_cases) / sizeof(json_cases[0]); i++) {
        for (round = 0; round < ROUNDS; round++) {
            if (round % 8 == 0) {
                len = json_cases[i].len;
                memcpy(text, json_cases[i].text, len);
            }
            LLVMFuzzerTestOneInput((const uint8_t *)text, len);
            if (len < TEXT_MAX)
                len = mutate(text, len);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
