/* Positions as records, read and produced, with each allocation of their JSON failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../sinks/kafka/kafka_sink.h"

enum { NEVER = 1000 };

static const char KEY[] = "[\"p/kafka\",\"{\\\"p\\\":0}\"]";
static const char VALUE[] = "{\"position\":\"00ff\",\"sub\":7}";
static int left = NEVER; /* allocations until one fails */

/* As the C library's: it says why. */
static void *failing_malloc(size_t size) {
    if (left-- == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return malloc(size);
}

static int begin(void **state) {
    cJSON_Hooks hooks = {failing_malloc, free};

    (void)state;
    left = NEVER;
    cJSON_InitHooks(&hooks);
    return 0;
}

static int end(void **state) {
    (void)state;
    cJSON_InitHooks(NULL);
    return 0;
}

static int read_record(const char *key, const char *value, kafka_position_t *out) {
    kafka_sink_t sink = {.connect_offsets = 0};
    rd_kafka_message_t message = {.key = (void *)(uintptr_t)key,
                                  .key_len = strlen(key),
                                  .payload = (void *)(uintptr_t)value,
                                  .len = value == NULL ? 0 : strlen(value)};

    return kafka_position_read(&sink, &message, "p/kafka", out);
}

static void check_whole(const kafka_position_t *p) {
    assert_string_equal(p->partition, "{\"p\":0}");
    assert_int_equal(p->position.len, 2);
    assert_int_equal(p->sub_index, 7);
}

/* A position that is there is never taken for none. */
static void test_read(void **state) {
    kafka_position_t p;
    int failing;
    int status;

    (void)state;
    for (failing = 0;; failing++) {
        left = failing;
        status = read_record(KEY, VALUE, &p);
        if (left >= 0)
            break;
        assert_int_equal(status, SLUICE_NO_MEMORY);
        assert_null(p.partition);
    }
    assert_in_range(failing, 6, 20);
    assert_int_equal(status, 1);
    check_whole(&p);
    free(p.partition);
}

/* Memory has nothing to do with these. */
static void test_read_damaged(void **state) {
    kafka_position_t p;

    (void)state;
    errno = ENOMEM; /* of something before */
    assert_int_equal(read_record("[\"p/kaf", VALUE, &p), 0);
    assert_int_equal(read_record("", VALUE, &p), 0);
    assert_int_equal(read_record("[\"p/other\",\"{}\"]", VALUE, &p), 0);
    errno = ENOMEM;
    assert_int_equal(read_record(KEY, "{\"posi", &p), 1);
    assert_null(p.partition);
    assert_int_equal(read_record(KEY, NULL, &p), 1);
    assert_null(p.partition);
    assert_int_equal(read_record(KEY, "{\"position\":\"00ff\"}", &p), 1);
    assert_null(p.partition);
}

static void check_produce(int connect) {
    kafka_sink_t sink = {.connect_offsets = connect};
    char partition[] = "{\"p\":0}";
    kafka_position_t p = {.partition = partition, .position = {.len = 2}, .sub_index = 7};
    rd_kafka_resp_err_t err;
    int failing;

    sink.client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    assert_non_null(sink.client);
    for (failing = 0;; failing++) {
        left = failing;
        err = kafka_position_produce(&sink, "positions", "p/kafka", &p);
        if (left >= 0)
            break;
        assert_int_equal(err, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE);
        assert_int_equal(rd_kafka_outq_len(sink.client), 0);
    }
    assert_in_range(failing, 3, 40);
    assert_int_equal(err, RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_outq_len(sink.client), 1);
    rd_kafka_purge(sink.client, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_destroy(sink.client);
}

/* Never a record that lacks a part of itself. */
static void test_produce(void **state) {
    (void)state;
    check_produce(0);
}

static void test_produce_as_connect(void **state) {
    (void)state;
    check_produce(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, begin, end),
        cmocka_unit_test_setup_teardown(test_read_damaged, begin, end),
        cmocka_unit_test_setup_teardown(test_produce, begin, end),
        cmocka_unit_test_setup_teardown(test_produce_as_connect, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
