/* How much the client is given: two sets of messages for each partition that reports named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../../sinks/kafka/kafka_sink.h"

static void init(kafka_window_t *w, const char *batch_size, const char *message_max) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[128];

    assert_int_equal(rd_kafka_conf_set(conf, "batch.size", batch_size, error, sizeof(error)),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(
        rd_kafka_conf_set(conf, "message.max.bytes", message_max, error, sizeof(error)),
        RD_KAFKA_CONF_OK);
    kafka_window_init(w, conf);
    rd_kafka_conf_destroy(conf);
}

static void report(kafka_window_t *w, size_t bytes, int32_t partition) {
    rd_kafka_message_t message = {.len = bytes - 3, .key_len = 3, .partition = partition};

    kafka_window_take_back(w, &message);
}

static void test_two_sets(void **state) {
    kafka_window_t w;

    (void)state;
    init(&w, "2000", "1000000");
    assert_false(kafka_window_is_full(&w, 1));
    kafka_window_give(&w, 3999);
    assert_false(kafka_window_is_full(&w, 1));
    kafka_window_give(&w, 1);
    assert_true(kafka_window_is_full(&w, 1));
    report(&w, 10, 0);
    assert_false(kafka_window_is_full(&w, 1));
}

static void test_size_of_a_set(void **state) {
    kafka_window_t w;

    (void)state;
    init(&w, "1000000", "5000"); /* message.max.bytes bounds a set, too */
    kafka_window_give(&w, 10000);
    assert_true(kafka_window_is_full(&w, 1));
}

static void test_partitions_and_topics(void **state) {
    kafka_window_t w;

    (void)state;
    init(&w, "1000", "1000000");
    kafka_window_give(&w, 2100);
    assert_true(kafka_window_is_full(&w, 1));
    assert_false(kafka_window_is_full(&w, 2));
    report(&w, 100, 2);
    kafka_window_give(&w, 3999);
    assert_false(kafka_window_is_full(&w, 1));
    kafka_window_give(&w, 1);
    assert_true(kafka_window_is_full(&w, 1));
    report(&w, 100, -1); /* refused before it had a partition */
    assert_false(kafka_window_is_full(&w, 1));
}

/* A message larger than the window goes when nothing else is under way. */
static void test_never_stuck(void **state) {
    kafka_window_t w;

    (void)state;
    init(&w, "1", "1000");
    assert_false(kafka_window_is_full(&w, 1));
    kafka_window_give(&w, 900);
    assert_true(kafka_window_is_full(&w, 1));
    report(&w, 900, 0);
    assert_false(kafka_window_is_full(&w, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_sets),
        cmocka_unit_test(test_size_of_a_set),
        cmocka_unit_test(test_partitions_and_topics),
        cmocka_unit_test(test_never_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
