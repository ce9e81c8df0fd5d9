/* runtime/sent.h: what is given to a sink twice is counted, over the end of the process. */
#include "runtime/sent.h"

#include "record/batch.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];
static sl_partitions_t partitions;
static sl_sent_t sent;

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test-sent-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(0, sl_partitions_init(&partitions));
    return 0;
}

static size_t each_file(int remove_it) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (remove_it)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    return count;
}

static int tear_down(void **state) {
    (void)state;
    sl_sent_close(&sent, 0);
    sl_partitions_fini(&partitions);
    each_file(1);
    rmdir(folder);
    return 0;
}

static uint32_t partition(const char *json) {
    return sl_partitions_number(&partitions, sluice_str(json));
}

static void open_branch(const char *branch) {
    sl_sent_open(&sent, folder, 0, branch, &partitions);
}

/* As the process that dies leaves it, and the next one finds it. */
static void die(void) {
    sl_sent_close(&sent, 0);
    sl_partitions_fini(&partitions);
    assert_int_equal(0, sl_partitions_init(&partitions));
}

static sluice_position_t at(int64_t number) {
    sluice_position_t position = {.len = 8};

    sluice_put_be64(position.bytes, (uint64_t)number);
    return position;
}

/* Records first..last of a partition, `each` from one position. */
static int64_t pass(uint32_t number, int64_t first, int64_t last, uint32_t each) {
    sluice_batch_t *batch = sl_batch_create(0);
    sluice_mark_t mark = {.source_partition = number, .position = at(last), .sub_index = each - 1};
    int64_t i, again;
    uint32_t k;

    for (i = first; i <= last; i++) {
        for (k = 0; k < each; k++) {
            sluice_record_t *r = sl_batch_add(batch);
            assert_non_null(r);
            r->source_partition = number;
            r->position = at(i);
            r->sub_index = k;
        }
    }
    assert_int_equal(0, sl_batch_set_marks(batch, &mark, 1));
    sl_batch_seal(batch);
    again = sl_sent_pass(&sent, batch);
    sl_batch_unref(batch);
    return again;
}

static void a_process_dies(void **state) {
    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{\"p\":0}"), 1, 10, 1));
    assert_int_equal(0, pass(partition("{\"p\":1}"), 1, 5, 2));
    assert_int_equal(0, pass(partition("{\"p\":0}"), 11, 20, 1));
    die();
    open_branch("a"); /* 8 and 2 are stored, and the partitions come the other way round */
    assert_int_equal(6, pass(partition("{\"p\":1}"), 3, 6, 2));
    assert_int_equal(2, pass(partition("{\"p\":0}"), 9, 10, 1));
    assert_int_equal(10, pass(partition("{\"p\":0}"), 11, 30, 1));
    assert_int_equal(0, pass(partition("{\"p\":0}"), 31, 40, 1));
    assert_int_equal(0, pass(partition("{\"p\":2}"), 1, 3, 1));
    assert_int_equal(18, sent.total);
    die();
    open_branch("a"); /* dies again: the sum goes on, and so does the furthest place */
    assert_int_equal(18, sent.total);
    assert_int_equal(30, pass(partition("{\"p\":0}"), 11, 50, 1));
    assert_int_equal(3, pass(partition("{\"p\":2}"), 1, 4, 1));
    assert_int_equal(51, sent.total);
}

/* It died before it came as far as the one before it. */
static void dies_on_the_way(void **state) {
    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 100, 1));
    die();
    open_branch("a");
    assert_int_equal(10, pass(partition("{}"), 51, 60, 1));
    die();
    open_branch("a");
    assert_int_equal(50, pass(partition("{}"), 51, 110, 1));
}

static void branches_are_apart(void **state) {
    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    die();
    open_branch("b");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    assert_int_equal(2, each_file(0));
}

static void goes_back_within_the_process(void **state) {
    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    sl_sent_rewound(&sent);
    assert_int_equal(7, pass(partition("{}"), 4, 20, 1));
    assert_int_equal(0, pass(partition("{}"), 21, 30, 1));
    sl_sent_again(&sent, 3);
    assert_int_equal(10, sent.total);
}

static void a_user_moved_the_offset(void **state) {
    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    die();
    open_branch("a");
    sl_sent_forget(&sent, partition("{}"));
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
}

static void an_orderly_end_leaves_nothing(void **state) {
    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    sl_sent_close(&sent, 1);
    assert_int_equal(0, each_file(0));
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    die();
    open_branch("a");
    sl_sent_close(&sent, 1); /* it ended before that partition came */
    open_branch("a");
    assert_int_equal(10, pass(partition("{}"), 1, 10, 1));
    sl_sent_close(&sent, 1); /* a sum is kept */
    assert_int_equal(1, each_file(0));
    open_branch("a");
    assert_int_equal(10, sent.total);
}

static void a_file_that_is_none_of_ours(void **state) {
    FILE *f;

    (void)state;
    open_branch("a");
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    f = fopen(sent.path, "w");
    assert_non_null(f);
    fputs("something else", f);
    fclose(f);
    die();
    open_branch("a");
    assert_int_equal(0, sent.total);
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    die();
    open_branch("a");
    assert_int_equal(5, pass(partition("{}"), 6, 12, 1));
}

/* Nowhere to keep it: this process alone is counted. */
static void no_folder(void **state) {
    (void)state;
    sl_sent_open(&sent, NULL, 0, "a", &partitions);
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
    sl_sent_rewound(&sent);
    assert_int_equal(10, pass(partition("{}"), 1, 10, 1));
    sl_sent_close(&sent, 0);
    sl_sent_open(&sent, "/nowhere/at/all", 0, "a", &partitions);
    assert_int_equal(0, pass(partition("{}"), 1, 10, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_process_dies),
        TEST(dies_on_the_way),
        TEST(branches_are_apart),
        TEST(goes_back_within_the_process),
        TEST(a_user_moved_the_offset),
        TEST(an_orderly_end_leaves_nothing),
        TEST(a_file_that_is_none_of_ours),
        TEST(no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
