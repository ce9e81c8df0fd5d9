/* Writes entries as Connect's own clients do: one after another, acknowledged by all replicas, to
 * the partition that Java's hash of the key says. */
#include "topic_store.h"

#include <stdio.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/place_headers.h"

#define CONFIG_TIMEOUT_MS "30000" /* Connect's own: after that the request was refused */

enum {
    LATE_MS = 5000, /* a write that waits for longer is trouble */
    WATCH_MS = 1000,
    NS_PER_MS = 1000000
};

/* ---- opening ---- */

rd_kafka_topic_t *topic_store_writer(topic_store_t *s, const store_log_t *log,
                                     const char *topic) {
    const char *timeout = log == &s->logs[0] ? CONFIG_TIMEOUT_MS : "0";
    const char *const own[][2] = {
        {"message.timeout.ms", timeout}, {"acks", "all"}, {"partitioner", "murmur2"}};
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_t *writer;
    char error[512];
    size_t i;

    for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (rd_kafka_topic_conf_set(conf, own[i][0], own[i][1], error, sizeof(error)) !=
            RD_KAFKA_CONF_OK) {
            rd_kafka_topic_conf_destroy(conf);
            s->api->fail(s->ctx, SLUICE_FATAL, "kafka-store.client", "%s: %s", own[i][0], error);
            return NULL;
        }
    writer = rd_kafka_topic_new(s->producer, topic, conf);
    if (writer != NULL)
        return writer;
    rd_kafka_topic_conf_destroy(conf);
    s->api->fail(s->ctx, SLUICE_INVALID, "kafka-store.topic", "%stopic %s: %s", log->family, topic,
                 rd_kafka_err2str(rd_kafka_last_error()));
    return NULL;
}

static int open_pump(topic_store_t *s) {
    int status = kafka_pump_open(&s->pump, s->api, s->ctx, rd_kafka_queue_get_main(s->producer),
                                 topic_store_serve, s);

    s->pump_open = status == SLUICE_OK;
    return status;
}

int topic_store_open_writing(topic_store_t *s) {
    static const topic_store_setting_t own[] = {
        {"max.in.flight.requests.per.connection", "1"},
        {"retries", "2147483647"},
        /* Somebody waits for each; but those of one change, and of changes that are made side by
         * side, go together, which halves the broker's work and is no later than one by one. */
        {"linger.ms", "1"},
        {"queue.buffering.max.kbytes", "65536"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    int i, status = topic_store_conf(s, own, &conf);

    if (status == SLUICE_OK)
        status = topic_store_client(s, RD_KAFKA_PRODUCER, conf, RD_KAFKA_EVENT_DR, &s->producer);
    if (status != SLUICE_OK)
        return status;
    for (i = 0; i < STORE_LOGS; i++) {
        store_log_t *log = &s->logs[i];
        log->writer = topic_store_writer(s, log, log->topic);
        if (log->writer == NULL)
            return SLUICE_INVALID;
    }
    return open_pump(s);
}

/* ---- trouble ---- */

static void say(topic_store_t *s, const char *text) {
    s->in_trouble = text != NULL;
    s->api->store_trouble(s->ctx, text);
}

static void watch(void *arg) {
    topic_store_t *s = arg;
    uint64_t now = s->api->tick_ns(s->ctx);
    char text[600];

    if (s->unwritten == 0 || now - s->waiting_since < (uint64_t)LATE_MS * NS_PER_MS)
        return;
    snprintf(text, sizeof(text), "bootstrap.servers %s: no answer to writes for %llu s%s%s",
             s->api->config_text(s->ctx, "bootstrap.servers"),
             (unsigned long long)((now - s->waiting_since) / NS_PER_MS / 1000),
             s->contact.heard[0] != '\0' ? "; " : "", s->contact.heard);
    if (!s->in_trouble)
        say(s, text);
}

/* ---- writing ---- */

static rd_kafka_resp_err_t produce(topic_store_t *s, rd_kafka_topic_t *writer, uint64_t number,
                                   const sluice_entry_t *e) {
    kafka_place_t place = {e->position, e->sub_index, e->partition};
    rd_kafka_headers_t *headers = e->position.len > 0 ? kafka_place_headers(&place) : NULL;
    rd_kafka_resp_err_t err = rd_kafka_producev(
        s->producer, RD_KAFKA_V_RKT(writer), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(e->key.data, e->key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)e->value.data, e->value.len),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)number), RD_KAFKA_V_END);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
        rd_kafka_headers_destroy(headers);
    return err;
}

int topic_store_produce(topic_store_t *s, rd_kafka_topic_t *writer, uint64_t number,
                        const sluice_entry_t *entry) {
    rd_kafka_resp_err_t err = produce(s, writer, number, entry);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return s->api->fail(s->ctx,
                            err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? SLUICE_BUSY : SLUICE_INVALID,
                            "kafka-store.write", "writing to %s: %s", rd_kafka_topic_name(writer),
                            rd_kafka_err2str(err));
    if (s->unwritten++ == 0)
        s->waiting_since = s->api->tick_ns(s->ctx);
    if (s->watch == NULL)
        s->watch = s->api->timer_start(s->ctx, WATCH_MS, WATCH_MS, watch, s);
    return SLUICE_OK;
}

int topic_store_write(void *self, uint64_t number, const sluice_entry_t *entry) {
    topic_store_t *s = self;

    if (entry->log >= STORE_LOGS)
        return SLUICE_INVALID;
    if (entry->name.data != NULL)
        return topic_store_write_named(s, number, entry);
    return topic_store_produce(s, s->logs[entry->log].writer, number, entry);
}

static void answered(topic_store_t *s, const rd_kafka_message_t *m) {
    int status = SLUICE_OK;

    if (m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        status = SLUICE_CANCELLED;
    else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = s->api->fail(
            s->ctx, m->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ? SLUICE_RETRY : SLUICE_INVALID,
            "kafka-store.write", "writing to %s: %s", rd_kafka_topic_name(m->rkt),
            rd_kafka_err2str(m->err)); /* of a message the client's text is its payload */
    s->unwritten--;
    s->waiting_since = s->api->tick_ns(s->ctx);
    if (status == SLUICE_OK && s->in_trouble)
        say(s, NULL);
    s->api->store_written(s->ctx, (uint64_t)(uintptr_t)m->_private, status);
}

static void on_event(topic_store_t *s, rd_kafka_event_t *event) {
    const rd_kafka_message_t *m;

    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        while ((m = rd_kafka_event_message_next(event)) != NULL)
            answered(s, m);
        break;
    case RD_KAFKA_EVENT_ERROR:
        kafka_contact_heard(&s->contact, rd_kafka_event_error(event),
                            rd_kafka_event_error_string(event));
        break;
    case RD_KAFKA_EVENT_LOG: kafka_log_event(s->api, s->ctx, &s->contact, event); break;
    default: break;
    }
}

static void drain(topic_store_t *s, rd_kafka_queue_t *queue) {
    rd_kafka_event_t *event;

    while (queue != NULL && (event = rd_kafka_queue_poll(queue, 0)) != NULL) {
        on_event(s, event);
        rd_kafka_event_destroy(event);
    }
}

void topic_store_serve(void *self) {
    topic_store_t *s = self;
    drain(s, s->pump.queue);
}

void topic_store_serve_asking(void *self) {
    topic_store_t *s = self;
    drain(s, s->ask_pump.queue);
}
