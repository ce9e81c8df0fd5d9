/* The dead letter file on a disk that is full, or where somebody died in the midst of a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "runtime/letter_file.h"

static char path[300];

static int setup(void **state) {
    const char *tmp = getenv("TMPDIR");
    int fd;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    snprintf(path, sizeof(path), "%s/letters-XXXXXX", tmp != NULL ? tmp : "/tmp");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
    (void)state;
    return unlink(path);
}

/* From here on no file grows past so many bytes: what fits is written, the rest is EFBIG. */
static void limit(rlim_t bytes) {
    struct rlimit l;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void append(int fd, const char *text, int error) {
    assert_int_equal(sl_letter_file_append(fd, text, strlen(text)), error);
}

static void assert_content(const char *expected) {
    char found[200] = "";
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, found, sizeof(found) - 1);

    close(fd);
    assert_true(n >= 0);
    assert_string_equal(found, expected);
}

static void test_full_disk(void **state) {
    int fd = sl_letter_file_open(path);

    (void)state;
    append(fd, "{\"first\":1}\n", 0);
    limit(20);
    append(fd, "{\"second\":22222222}\n", EFBIG);
    assert_content("{\"first\":1}\n");
    limit(RLIM_INFINITY);
    append(fd, "{\"third\":3}\n", 0);
    assert_content("{\"first\":1}\n{\"third\":3}\n");
    close(fd);
}

static void test_part_of_another(void **state) {
    int other = open(path, O_WRONLY | O_APPEND);
    int fd;

    (void)state;
    assert_int_equal(write(other, "{\"half", 6), 6);
    fd = sl_letter_file_open(path);
    append(fd, "{\"a\":1}\n", 0);
    append(fd, "{\"b\":2}\n", 0);
    assert_content("{\"half\n{\"a\":1}\n{\"b\":2}\n");
    close(fd);
    close(other);
}

/* The part stays when there is something of another task behind it; the next line begins anew. */
static void test_two_tasks(void **state) {
    int one = sl_letter_file_open(path), two = sl_letter_file_open(path);

    (void)state;
    append(one, "{\"one\":1}\n", 0);
    append(two, "{\"two\":2}\n", 0);
    limit(25);
    append(one, "{\"three\":3}\n", EFBIG);
    limit(RLIM_INFINITY);
    assert_content("{\"one\":1}\n{\"two\":2}\n");
    append(two, "{\"four\":4}\n", 0);
    append(one, "{\"five\":5}\n", 0);
    assert_content("{\"one\":1}\n{\"two\":2}\n{\"four\":4}\n{\"five\":5}\n");
    close(one);
    close(two);
}

static void test_what_is_no_file(void **state) {
    int pipes[2];
    char name[40];
    int fd;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    snprintf(name, sizeof(name), "/dev/fd/%d", pipes[1]);
    fd = sl_letter_file_open(name);
    assert_true(fd >= 0);
    append(fd, "{}\n", 0);
    close(fd);
    fd = sl_letter_file_open("/dev/full");
    append(fd, "{}\n", ENOSPC);
    close(fd);
    assert_int_equal(sl_letter_file_open("/nowhere/letters"), -1);
    assert_int_equal(errno, ENOENT);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_of_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_tasks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
