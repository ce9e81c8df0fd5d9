/* A short run of the fuzz targets in tests/fuzz: seeds, and seeds with bytes changed by a fixed
 * random sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LLVMFuzzerTestOneInput descriptor_target
#include "fuzz/descriptor_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput interpolate_target
#include "fuzz/interpolate_fuzz.c"
#undef LLVMFuzzerTestOneInput

#define ROUNDS 1500

static const char *const descriptors[] = {
    "{\"name\":\"p\",\"source\":{\"plugin\":\"reader\",\"config\":{\"path\":\"/x\",\"rate\":5}},"
    "\"transforms\":[{\"plugin\":\"mask\",\"config\":{\"field\":1.10},\"predicate\":{\"plugin\":"
    "\"has-field\",\"config\":{\"field\":\"c\"},\"negate\":true}}],\"sinks\":[{\"plugin\":\"writer\","
    "\"config\":{\"url\":\"u\",\"mapping\":{\"a\":[9007199254740993]}},\"errors\":{\"tolerance\":"
    "\"all\"},\"spill\":{\"max.bytes\":\"1g\"}}],\"commit.interval\":\"500ms\"}",
    "{\"name\":\"c\",\"config\":{\"connector.class\":\"reader\",\"path\":\"/x\",\"transforms\":\"a\","
    "\"transforms.a.type\":\"mask\",\"transforms.a.field\":\"f\",\"key.converter\":\"json\"}}",
    "{\"connector.class\":\"writer\",\"topics\":\"t\",\"url\":\"u\",\"tasks.max\":2}",
};
static const char *const texts[] = {
    "a${env:HOME:x}b${file:/nonexistent:k}${directory:/nonexistent:f}${x:y}${",
    "a = 1\\\n  2\n#c\nk:\\u00e4\\ud83d\\ude00\n",
};

static uint32_t next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void run(const char *seed, int (*target)(const uint8_t *, size_t)) {
    static const char pieces[] = "{}[]\":,\\u0e-.19 ${}=\n";
    size_t len = strlen(seed), round, edits;
    uint8_t *copy = malloc(len);
    uint32_t state = (uint32_t)len;

    target((const uint8_t *)seed, len);
    for (round = 0; round < ROUNDS; round++) {
        memcpy(copy, seed, len);
        for (edits = next(&state) % 4; edits < 4; edits++)
            copy[next(&state) % len] = next(&state) % 3 == 0
                                           ? (uint8_t)next(&state)
                                           : (uint8_t)pieces[next(&state) % (sizeof pieces - 1)];
        target(copy, next(&state) % 8 == 0 ? next(&state) % len : len);
    }
    free(copy);
}

static void descriptor_seeds(void **state) {
    size_t i;
    (void)state;
    for (i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        run(descriptors[i], descriptor_target);
}

static void reference_seeds(void **state) {
    size_t i;
    (void)state;
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        run(texts[i], interpolate_target);
}

static int teardown(void **state) {
    (void)state;
    fake_catalog_fini();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptor_seeds),
        cmocka_unit_test(reference_seeds),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}
