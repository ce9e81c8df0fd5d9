/* The sink on librdkafka's mock cluster: what it charges and holds, and transactions that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../sinks/kafka/kafka_sink.h"
#include <librdkafka/rdkafka_mock.h> /* wants rdkafka.h before */

#include "kit/fakehost.h"
#include "plugin/ctx.h"
#include "record/batch.h"

enum { PRODUCE = 0, RECORDS = 40, BROKER = 1 };

static fakehost_t h;
static rd_kafka_t *owner; /* the mock cluster's */
static rd_kafka_mock_cluster_t *cluster;

static int begin(void **state) {
    char error[256];

    (void)state;
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof(error));
    cluster = owner == NULL ? NULL : rd_kafka_mock_cluster_new(owner, 1);
    return cluster == NULL ||
           rd_kafka_mock_topic_create(cluster, "sluice-positions", 1, 1) != 0 ||
           rd_kafka_mock_topic_create(cluster, "t", 1, 1) != 0;
}

static int end(void **state) {
    (void)state;
    fakehost_fini(&h);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return 0;
}

static const char *host_config(const char *more) {
    static char config[512];

    snprintf(config, sizeof(config), "{\"bootstrap.servers\":\"%s\"%s}",
             rd_kafka_mock_cluster_bootstraps(cluster), more);
    return config;
}

static void open_sink(const char *more) {
    fakehost_init(&h, "kafka-sink", SLUICE_SINK, "kafka", host_config(more));
    assert_int_equal(fakehost_open(&h), SLUICE_OK);
}

static sluice_batch_t *records_of(int width, uint64_t first) {
    static char lines[RECORDS * 320];
    size_t at = 0;
    int i;

    for (i = 0; i < RECORDS; i++)
        at += (size_t)snprintf(lines + at, sizeof(lines) - at, "%s\"key-%02d\"\t\"%0*d\"",
                               i > 0 ? "\n" : "", i, width, i);
    return fakehost_batch(lines, first);
}

static sluice_batch_t *records(uint64_t first) {
    return records_of(250, first);
}

static int is_released(fakehost_t *host) {
    return host->tickets[0].released;
}

static void test_charged_until_reported(void **state) {
    (void)state;
    open_sink("");
    rd_kafka_mock_broker_set_rtt(cluster, BROKER, 200);
    assert_int_equal(fakehost_write(&h, records(0))->accepted, 1);
    assert_in_range(sl_ctx_charged(h.ctx), RECORDS * 176, RECORDS * 260);
    assert_true(fakehost_run_until_durable(&h, 10000));
    assert_int_equal(h.tickets[0].status, SLUICE_OK);
    assert_int_equal(sl_ctx_charged(h.ctx), 0);
}

/* Small records: the client's own memory for them is at queue.bytes long before their values
 * are. */
static void test_queue_bytes_bounds_the_clients_memory(void **state) {
    uint64_t first = 0;

    (void)state;
    open_sink(",\"queue.bytes\":1048576");
    rd_kafka_mock_broker_set_rtt(cluster, BROKER, 1000);
    while (first < 200 * RECORDS && fakehost_write(&h, records_of(10, first))->accepted)
        first += RECORDS;
    assert_in_range(first, 4000, 160 * RECORDS);
    assert_int_equal(h.tickets[h.ticket_count - 1].status, SLUICE_BUSY);
    assert_in_range(sl_ctx_charged(h.ctx), 1048576, 1048576 + 300 * RECORDS);
    rd_kafka_mock_broker_set_rtt(cluster, BROKER, 1);
    assert_true(fakehost_run_until_durable(&h, 20000));
    assert_int_equal(h.ready, 1);
    assert_int_equal(sl_ctx_charged(h.ctx), 0);
}

static void test_charge_ends_with_the_sink(void **state) {
    (void)state;
    open_sink("");
    rd_kafka_mock_broker_set_rtt(cluster, BROKER, 2000);
    fakehost_write(&h, records(0));
    assert_int_equal(fakehost_close(&h), SLUICE_OK);
    assert_int_equal(h.tickets[0].durable, 1);
    assert_int_equal(h.tickets[0].status, SLUICE_CANCELLED);
    assert_int_equal(sl_ctx_charged(h.ctx), 0);
}

/* A batch without records ends on the next turn of the loop; one that was accepted behind it, and
 * for which the client has no room yet, is not forgotten over that. */
static void test_empty_batch_before_one_that_waits(void **state) {
    kafka_sink_t *sink;

    (void)state;
    open_sink(",\"producer.override.batch.size\":600");
    sink = h.self;
    assert_int_equal(fakehost_write(&h, fakehost_batch("", 0))->accepted, 1);
    assert_int_equal(fakehost_write(&h, records(0))->accepted, 1);
    assert_non_null(sink->pending);
    assert_true(fakehost_run_until_durable(&h, 10000));
    assert_int_equal(h.tickets[0].status, SLUICE_OK);
    assert_int_equal(h.tickets[1].status, SLUICE_OK);
    assert_int_equal(sl_ctx_charged(h.ctx), 0);
}

static int no_post(sluice_ctx_t *ctx, void (*fn)(void *arg), void *arg) {
    (void)ctx;
    (void)fn;
    (void)arg;
    return SLUICE_NO_MEMORY;
}

/* Without memory for that turn it ends all the same, and what comes behind it follows. */
static void test_empty_batch_that_cannot_be_posted(void **state) {
    sluice_api_t api;
    kafka_sink_t *sink;

    (void)state;
    open_sink(",\"producer.override.batch.size\":600");
    sink = h.self;
    api = *h.api;
    api.post = no_post;
    sink->api = &api;
    assert_int_equal(fakehost_write(&h, fakehost_batch("", 0))->accepted, 1);
    sink->api = h.api;
    assert_int_equal(h.tickets[0].durable, 0);
    assert_int_equal(fakehost_write(&h, records(0))->status, SLUICE_BUSY);
    assert_true(fakehost_run_until_durable(&h, 10000));
    assert_int_equal(h.tickets[0].status, SLUICE_OK);
    assert_int_equal(h.ready, 1);
    assert_int_equal(fakehost_write(&h, records(0))->accepted, 1);
    assert_true(fakehost_run_until_durable(&h, 10000));
    assert_int_equal(h.tickets[2].status, SLUICE_OK);
}

static void on_freed(void *arg) {
    *(int *)arg = 1;
}

/* Credit returns when the brokers have the records, so the memory has to be free by then. */
static void test_open_transaction_holds_no_batch(void **state) {
    sluice_batch_t *batch = sl_batch_create(0);
    sluice_record_t *r = sl_batch_add(batch);
    int freed = 0;

    (void)state;
    open_sink(",\"exactly.once\":true,\"transaction.interval\":\"60s\"");
    r->topic = sluice_str("t");
    r->value = sluice_text(SLUICE_BYTES, sluice_str("value"));
    r->position.len = 8;
    assert_int_equal(sl_batch_pin(batch, 0, on_freed, &freed), SLUICE_OK);
    assert_int_equal(sl_batch_seal(batch), SLUICE_OK);
    fakehost_write(&h, batch);
    sl_batch_unref(h.tickets[0].batch);
    h.tickets[0].batch = NULL;
    assert_false(freed);
    assert_true(fakehost_run(&h, is_released, 10000));
    assert_true(freed);
    assert_int_equal(h.tickets[0].durable, 0);
    assert_in_range(sl_ctx_charged(h.ctx), 1, 150); /* no message of the client's */
    assert_int_equal(fakehost_flush(&h), SLUICE_OK);
    assert_int_equal(h.tickets[0].status, SLUICE_OK);
    assert_int_equal(sl_ctx_charged(h.ctx), 0);
}

static void write_until_delivered(uint64_t first) {
    fakehost_ticket_t *ticket;
    int tries;

    for (tries = 0; tries < 20; tries++) {
        while (!(ticket = fakehost_write(&h, records(first)))->accepted)
            fakehost_sleep(&h, 20);
        assert_int_equal(fakehost_flush(&h), SLUICE_OK);
        assert_int_equal(ticket->durable, 1);
        if (ticket->status == SLUICE_OK)
            return;
        assert_int_equal(ticket->status, SLUICE_RETRY);
    }
    fail_msg("never delivered");
}

/* The client keeps back the other records of a transaction that it knows to fail. */
static void test_refused_transaction_ends_at_once(void **state) {
    (void)state;
    open_sink(",\"exactly.once\":true,\"transaction.interval\":\"50s\","
              "\"producer.override.batch.size\":600");
    write_until_delivered(0);
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_int_equal(fakehost_write(&h, records(100))->accepted, 1);
    assert_true(fakehost_run_until_durable(&h, 8000));
    assert_int_equal(h.tickets[h.ticket_count - 1].status, SLUICE_RETRY);
    assert_int_equal(h.broken, 0);
    write_until_delivered(100);
    write_until_delivered(200);
}

/* ---- positions ---- */

static _Thread_local int is_tests; /* this thread is the test's, not the one that reads positions */

static void *malloc_of_tests(size_t size) {
    if (is_tests)
        return malloc(size);
    errno = ENOMEM;
    return NULL;
}

/* What was not read for want of memory is not the same as what is not there. */
static void test_positions_are_read_whole_or_not(void **state) {
    cJSON_Hooks hooks = {malloc_of_tests, free};
    static const char config[] = ",\"exactly.once\":true,\"transaction.interval\":\"50s\"";

    (void)state;
    open_sink(config);
    write_until_delivered(0);
    fakehost_fini(&h);
    is_tests = 1;
    cJSON_InitHooks(&hooks);
    fakehost_init(&h, "kafka-sink", SLUICE_SINK, "kafka", host_config(config));
    assert_int_equal(fakehost_open(&h), SLUICE_NOT_CONNECTED);
    fakehost_fini(&h);
    cJSON_InitHooks(NULL);
    open_sink(config);
    write_until_delivered(100);
}

/* ---- the sizes ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t allocated(void) {
    return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t allocated(void) {
    return mallinfo2().uordblks;
}
#endif

enum { MANY = 20000 };

static void produce(rd_kafka_topic_t *topic, const sluice_record_t *r) {
    rd_kafka_headers_t *headers = NULL;
    uint32_t i;

    if (r->header_count > 0)
        headers = rd_kafka_headers_new(r->header_count);
    for (i = 0; i < r->header_count; i++)
        rd_kafka_header_add(headers, r->headers[i].key.data, (ssize_t)r->headers[i].key.len,
                            r->headers[i].value.as.s, (ssize_t)r->headers[i].value.len);
    assert_int_equal(rd_kafka_producev(owner, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t) "value", 5),
                                       RD_KAFKA_V_KEY(r->key.as.s, r->key.len),
                                       RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void check_size(const sluice_record_t *r) {
    rd_kafka_topic_t *topic;
    double ours = (double)kafka_client_bytes(r, 1);
    double theirs;
    size_t before;
    int i;

    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    topic = rd_kafka_topic_new(owner, "t", NULL);
    before = allocated();
    for (i = 0; i < MANY; i++)
        produce(topic, r);
    theirs = (double)(allocated() - before) / MANY;
    printf("a message with %u headers: %.1f bytes, charged %.1f\n", r->header_count, theirs, ours);
    rd_kafka_purge(owner, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(owner);
    assert_true(ours >= 0.98 * theirs); /* the sanitizer counts no heads of blocks */
    assert_true(ours <= 1.25 * theirs);
}

static void test_sizes_are_the_clients(void **state) {
    sluice_header_t headers[3];
    sluice_record_t r = {.key = sluice_text(SLUICE_BYTES, sluice_str("a-key-of-23-characters."))};
    int i;

    (void)state;
    check_size(&r);
    for (i = 0; i < 3; i++) {
        memset(&headers[i], 0, sizeof(headers[i]));
        headers[i].key = sluice_str("op");
        headers[i].value = sluice_text(SLUICE_BYTES, sluice_str("a-value-of-27-characters..."));
    }
    r.headers = headers;
    r.header_count = 3;
    check_size(&r);
}

/* What Connect said of the same record: "The message is 3086 bytes when serialized". */
static void test_size_as_java_counts(void **state) {
    static char text[3000];
    sluice_header_t header = {.key = sluice_str("name"), .value = sluice_null()};
    sluice_record_t r = {.value = sluice_text(SLUICE_BYTES, sluice_str_n(text, sizeof(text)))};

    (void)state;
    assert_int_equal(kafka_java_bytes(&r), 3086);
    r.key = sluice_text(SLUICE_BYTES, sluice_str_n(text, 64));
    assert_int_equal(kafka_java_bytes(&r), 3086 + 1 + 64);
    r.headers = &header;
    r.header_count = 1;
    assert_int_equal(kafka_java_bytes(&r), 3086 + 1 + 64 + 1 + 4 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_charged_until_reported, begin, end),
        cmocka_unit_test_setup_teardown(test_queue_bytes_bounds_the_clients_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_charge_ends_with_the_sink, begin, end),
        cmocka_unit_test_setup_teardown(test_empty_batch_before_one_that_waits, begin, end),
        cmocka_unit_test_setup_teardown(test_empty_batch_that_cannot_be_posted, begin, end),
        cmocka_unit_test_setup_teardown(test_open_transaction_holds_no_batch, begin, end),
        cmocka_unit_test_setup_teardown(test_refused_transaction_ends_at_once, begin, end),
        cmocka_unit_test_setup_teardown(test_positions_are_read_whole_or_not, begin, end),
        cmocka_unit_test(test_sizes_are_the_clients),
        cmocka_unit_test(test_size_as_java_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
