/* Deliveries of the sink without memory for what they need, on librdkafka's mock cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../../sinks/kafka/kafka_sink.h"
#include <librdkafka/rdkafka_mock.h> /* wants rdkafka.h before */

#include "plugin/ctx.h"
#include "record/batch.h"

enum { RECORDS = 4, FAILING = 1 };

static rd_kafka_t *client;
static rd_kafka_topic_t *topic;
static kafka_sink_t sink;
static sluice_api_t api;
static int finds;   /* of topics, so far */
static int durable; /* how often, and the last time's status and results */
static int durable_status;
static size_t durable_results;

/* ---- what is around a delivery ---- */

int kafka_topics_find(kafka_sink_t *s, sluice_str_t name, rd_kafka_topic_t **handle) {
    (void)s;
    (void)name;
    *handle = topic;
    return finds++ == FAILING ? SLUICE_NO_MEMORY : SLUICE_OK;
}

int kafka_topics_may_be_named(kafka_sink_t *s, sluice_str_t name) {
    (void)s;
    (void)name;
    return 1;
}

void kafka_sink_no_memory(kafka_sink_t *s, const char *what) {
    (void)s;
    fail_msg("broken for want of memory for %s", what);
}

void kafka_sink_progress(kafka_sink_t *s) {
    (void)s;
}

void kafka_transaction_add(kafka_sink_t *s, kafka_delivery_t *delivery, sluice_batch_t *batch) {
    (void)s;
    (void)delivery;
    (void)batch;
}

void kafka_transaction_spoil(kafka_sink_t *s, int status, const char *why) {
    (void)s;
    (void)status;
    (void)why;
}

void kafka_transaction_give_up(kafka_sink_t *s) {
    (void)s;
}

static void on_durable(sluice_ctx_t *ctx, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    (void)ctx;
    (void)ticket;
    (void)results;
    durable++;
    durable_status = status;
    durable_results = count;
}

static void on_charge(sluice_ctx_t *ctx, int64_t bytes) {
    (void)ctx;
    (void)bytes;
}

static void on_metric(sluice_metric_t *metric, double value) {
    (void)metric;
    (void)value;
}

static void set_api(void) {
    api = *sl_api();
    api.durable = on_durable;
    api.charge = on_charge;
    api.metric_add = on_metric;
}

/* ---- */

static int begin(void **state) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    (void)state;
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", error, sizeof(error));
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
    memset(&sink, 0, sizeof(sink));
    kafka_window_init(&sink.window, conf);
    set_api();
    client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    topic = client == NULL ? NULL : rd_kafka_topic_new(client, "t", NULL);
    sink.api = &api;
    sink.client = client;
    sink.topic = "t";
    finds = durable = 0;
    return topic == NULL;
}

static int end(void **state) {
    (void)state;
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return 0;
}

static sluice_batch_t *records(void) {
    sluice_batch_t *batch = sl_batch_create(0);
    int i;

    for (i = 0; i < RECORDS; i++) {
        sluice_record_t *r = sl_batch_add(batch);

        r->topic = sluice_str("t");
        r->value = sluice_text(SLUICE_BYTES, sluice_str("value"));
    }
    assert_int_equal(sl_batch_seal(batch), SLUICE_OK);
    return batch;
}

static void take_reports(void) {
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(client);
    int tries;

    for (tries = 0; durable == 0 && tries < 100; tries++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 100);
        const rd_kafka_message_t *message;

        while (event != NULL && (message = rd_kafka_event_message_next(event)) != NULL)
            kafka_delivery_report(&sink, message);
        if (event != NULL)
            rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
}

/* The ones behind it would overtake it if it came again alone. */
static void test_record_without_a_topic_waits_with_those_behind_it(void **state) {
    sluice_batch_t *batch = records();

    (void)state;
    assert_int_equal(kafka_delivery_begin(&sink, batch, NULL), SLUICE_OK);
    assert_non_null(sink.pending);
    assert_int_equal(finds, FAILING + 1);
    kafka_delivery_continue(&sink);
    assert_null(sink.pending);
    assert_int_equal(finds, RECORDS + 1);
    take_reports();
    assert_int_equal(durable, 1);
    assert_int_equal(durable_status, SLUICE_OK);
    assert_int_equal(durable_results, 0);
    sl_batch_unref(batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_record_without_a_topic_waits_with_those_behind_it,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
