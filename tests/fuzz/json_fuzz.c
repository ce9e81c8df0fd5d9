/*
 * Fuzz target of the JSON reader and writer: clang's libFuzzer calls it, and so does
 * tests/unit/record/test_json_fuzz.c. What must hold for any bytes: no reading too far (sanitizers;
 * the text is copied to a block of its size), what is read is written and read again the same, and
 * a second parser says the same about accept and reject where the rules coincide. cJSON is lax
 * where RFC 8259 is not (numbers, control characters, UTF-8, literals' ends), so that only one
 * direction is compared: what we accept, it accepts, but for nesting past its own limit of 1000 and
 * texts with NUL.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "record/batch.h"
#include "record/buf.h"
#include "record/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *text, size_t len) {
    fprintf(stderr, "json_fuzz: %s: %.*s\n", what, (int)len, text);
    abort();
}

static sluice_str_t write_value(sluice_batch_t *arena, const sluice_value_t *v, uint32_t flags) {
    sluice_buf_t buf;

    sl_buf_init(&buf, arena, 0);
    if (sl_json_write(&buf, v, flags) != SLUICE_OK)
        fail("a value that was read can't be written", "", 0);
    return sl_buf_finish(&buf);
}

/* A number that JSON can't write comes back as text ("Infinity"), so the second text is
 * compared. */
static void check_round_trip(sluice_batch_t *arena, const sluice_value_t *v, uint32_t flags) {
    sluice_str_t first = write_value(arena, v, SLUICE_JSON_NUMERIC_DECIMAL);
    sluice_str_t second;
    sluice_value_t again;

    if (sl_json_parse(arena, first, flags & SLUICE_JSON_DECIMAL_TEXT, &again, NULL) != SLUICE_OK)
        fail("what was written can't be read", first.data, first.len);
    second = write_value(arena, &again, SLUICE_JSON_NUMERIC_DECIMAL);
    if (!sluice_str_eq(first, second))
        fail("reading and writing changes it", first.data, first.len);
}

static void check_cjson(const char *text, size_t len) {
    cJSON *tree = memchr(text, '\0', len) == NULL ? cJSON_ParseWithLength(text, len) : NULL;

    if (tree == NULL && memchr(text, '\0', len) == NULL)
        fail("cJSON rejects it", text, len);
    cJSON_Delete(tree);
}

/* Names that were read before are compared, the second time all of them: nothing else changes. */
static void check_alike(sluice_batch_t *arena, sluice_str_t text, uint32_t flags, int accepted,
                        const sluice_value_t *v) {
    sluice_value_t again;
    int i, status;

    for (i = 0; i < 2; i++) {
        status = sl_json_parse(arena, text, flags | SLUICE_JSON_ALIKE, &again, NULL);
        if ((status == SLUICE_OK) != accepted)
            fail("another verdict when names are known", text.data, text.len);
        if (accepted && !sluice_str_eq(write_value(arena, v, SLUICE_JSON_NUMERIC_DECIMAL),
                                       write_value(arena, &again, SLUICE_JSON_NUMERIC_DECIMAL)))
            fail("another value when names are known", text.data, text.len);
    }
}

static void check_flags(const char *text, size_t len, uint32_t flags, int *accepted) {
    sluice_batch_t *arena = sl_batch_create(0);
    sluice_json_error_t error = {0, NULL};
    sluice_value_t v;
    int status = sl_json_parse(arena, sluice_str_n(text, len), flags, &v, &error);

    *accepted = status == SLUICE_OK;
    if (*accepted)
        check_round_trip(arena, &v, flags);
    else if (status != SLUICE_BAD_RECORD || error.what == NULL || error.offset > len)
        fail("a rejection without place and reason", text, len);
    check_alike(arena, sluice_str_n(text, len), flags, *accepted, &v);
    sl_batch_unref(arena);
}

/* What is said about a lone surrogate written as an escape differs: cJSON rejects those. */
static int has_surrogate_escape(const char *text, size_t len) {
    size_t i;

    for (i = 0; i + 3 < len; i++)
        if (text[i] == '\\' && text[i + 1] == 'u' && (text[i + 2] | 0x20) == 'd' &&
            text[i + 3] >= '8')
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size == 0 ? 1 : size);
    int strict, lenient, decimal;

    memcpy(text, data, size);
    check_flags(text, size, 0, &strict);
    check_flags(text, size, SLUICE_JSON_DECIMAL_TEXT, &decimal);
    check_flags(text, size, SLUICE_JSON_LENIENT, &lenient);
    if (strict != decimal || (strict && !lenient && memchr(text, '\0', size) == NULL))
        fail("the ways to read disagree", text, size);
    if (strict && !has_surrogate_escape(text, size))
        check_cjson(text, size);
    free(text);
    return 0;
}
