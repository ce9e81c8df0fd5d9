/* support/journal: what a save left is found again; a file that it did not write is refused as a
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/journal.h"

static char folder[300];
static char code[40];

/* ---- as much of a host as a journal needs ---- */

static const char *state_dir(sluice_ctx_t *ctx) {
    (void)ctx;
    return folder;
}

static int fail_(sluice_ctx_t *ctx, int status, const char *its, const char *fmt, ...) {
    (void)ctx;
    (void)fmt;
    snprintf(code, sizeof(code), "%s", its);
    return status;
}

static int offload(sluice_ctx_t *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg) {
    (void)ctx;
    work(arg);
    done(arg);
    return SLUICE_OK;
}

static const sluice_api_t api = {.state_dir = state_dir, .fail = fail_, .offload = offload};

static void write_file(const char *text, size_t len) {
    char path[320];
    FILE *f;

    snprintf(path, sizeof(path), "%s/j", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
}

static int setup(void **state) {
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof(folder), "%s/journal-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state) {
    char path[320];

    (void)state;
    snprintf(path, sizeof(path), "%s/j", folder);
    unlink(path);
    return rmdir(folder);
}

/* ---- cases ---- */

static void on_saved(void *arg, int status, const char *error) {
    (void)error;
    *(int *)arg = status;
}

static void test_saved_and_found(void **state) {
    sluice_position_t position = {.len = 3, .bytes = {0, 171, 255}};
    const journal_entry_t *e;
    journal_t *j;
    int status = -1;

    (void)state;
    assert_int_equal(journal_open(&api, NULL, "j", &j), SLUICE_OK);
    assert_null(journal_at(j, 0));
    assert_int_equal(journal_set(j, "a key / with blanks", &position, UINT32_MAX), SLUICE_OK);
    position.len = 0;
    assert_int_equal(journal_set(j, "", &position, 0), SLUICE_OK);
    assert_int_equal(journal_save(j, on_saved, &status), SLUICE_OK);
    assert_int_equal(status, SLUICE_OK);
    journal_destroy(j);
    assert_int_equal(journal_open(&api, NULL, "j", &j), SLUICE_OK);
    e = journal_find(j, "a key / with blanks");
    assert_non_null(e);
    assert_int_equal(e->position.len, 3);
    assert_int_equal(e->position.bytes[1], 171);
    assert_true(e->sub_index == UINT32_MAX);
    assert_non_null(journal_find(j, ""));
    journal_destroy(j);
}

static void refused(const char *lines, size_t len) {
    char text[400];
    size_t head = (size_t)snprintf(text, sizeof(text), "sluice positions 1\n00/1 good\n");
    journal_t *j;

    memcpy(text + head, lines, len);
    write_file(text, head + len);
    code[0] = '\0';
    assert_int_equal(journal_open(&api, NULL, "j", &j), SLUICE_FATAL);
    assert_string_equal(code, "state.format");
    assert_null(j);
}

static void test_damaged_lines(void **state) {
    static const char *const bad[] = {
        "\n",
        "x\n",
        "00/1\n",
        "0/1 k\n",
        "+1/1 k\n",
        " 1/1 k\n",
        "0x/1 k\n",
        "zz/1 k\n",
        "00/-1 k\n",
        "00/+1 k\n",
        "00/0x1 k\n",
        "00/4294967296 k\n",
        "00/18446744073709551617 k\n",
        "00/1k\n",
        "00 /1 k\n",
        "00/1/2 k\n",
        "0000000000000000000000000000000000000000000000000000000000000000/1 k\n",
        "00/",
        "sluice positions 1\n"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(bad[i], strlen(bad[i]));
    refused("00/1 k\0ey\n", 10);
    refused("00\0/1 key\n", 10);
}

static void test_wrong_head(void **state) {
    journal_t *j;

    (void)state;
    write_file("", 0);
    assert_int_equal(journal_open(&api, NULL, "j", &j), SLUICE_FATAL);
    write_file("sluice positions 2\n", 19);
    assert_int_equal(journal_open(&api, NULL, "j", &j), SLUICE_FATAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_saved_and_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_head, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
