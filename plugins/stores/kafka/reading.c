/* Reads every partition of the topics from its beginning to what was its end before. */
#include "topic_store.h"

#include <stdlib.h>

#include "clients/kafka/place_headers.h"
#include "clients/kafka/topic.h"

enum { ASK_MS = 10000 };

static int number_of(const topic_store_t *s, const rd_kafka_topic_t *topic) {
    int i;

    for (i = 0; i < STORE_LOGS; i++)
        if (s->logs[i].reader == topic)
            return i;
    return -1;
}

/* Whether a partition is one that must be read further. */
static int is_unread(const topic_store_t *s, int number, int32_t p) {
    return number >= 0 && p >= 0 && p < s->logs[number].partitions && s->logs[number].ends[p] != 0;
}

static void set_held(topic_store_t *s, store_log_t *log, int32_t p, int held) {
    s->held += held - log->held[p];
    log->held[p] = (char)held;
}

/* The partition was read up to here. */
static void have_reached(topic_store_t *s, int number, int32_t p, int64_t offset) {
    store_log_t *log = &s->logs[number < 0 ? 0 : number];

    if (!is_unread(s, number, p))
        return;
    set_held(s, log, p, 0);
    if (offset >= log->ends[p]) {
        log->ends[p] = 0;
        s->unread--;
    }
}

/* The client says an end whenever it comes to one, and of committed records that is where another's
 * transaction is still open. */
static void at_some_end(topic_store_t *s, const rd_kafka_message_t *m, int number) {
    have_reached(s, number, m->partition, m->offset);
    if (!is_unread(s, number, m->partition))
        return;
    set_held(s, &s->logs[number], m->partition, 1);
    s->api->log(s->ctx, SLUICE_LOG_WARN,
                "reading %s: a transaction is open in partition %d at offset %lld; waiting "
                "until it ends",
                s->logs[number].topic, (int)m->partition, (long long)m->offset);
}

/* The host knows whose they may be when it knows everything else. */
static void say_blocked(topic_store_t *s) {
    if (s->blocked || s->unread <= 0 || s->held < s->unread || s->closing)
        return;
    s->blocked = 1;
    if (SLUICE_HAS(s->api, store_blocked))
        s->api->store_blocked(s->ctx);
}

/* SLUICE_BUSY when the host wants a pause. */
static int take(topic_store_t *s, const rd_kafka_message_t *m) {
    int log = number_of(s, m->rkt);
    sluice_entry_t entry = {.log = (uint32_t)(log < 0 ? 0 : log),
                            .key = sluice_str_n(m->key, m->key_len),
                            .value = sluice_str_n(m->payload, m->len)};
    kafka_place_t place;

    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        at_some_end(s, m, log);
        return SLUICE_OK;
    }
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        s->api->log(s->ctx, SLUICE_LOG_WARN, "reading %s: %s", rd_kafka_topic_name(m->rkt),
                    rd_kafka_message_errstr(m));
        return SLUICE_OK; /* the client tries again */
    }
    have_reached(s, log, m->partition, m->offset + 1);
    if (log < 0 || m->key == NULL)
        return SLUICE_OK;
    if (m->payload == NULL)
        entry.value = sluice_str(NULL);
    if (kafka_place_read(m, &place)) {
        entry.position = place.position;
        entry.sub_index = place.sub_index;
        entry.partition = place.partition;
    }
    return s->api->store_entry(s->ctx, &entry);
}

/* The pump's timer comes back to what a pause left. */
static void serve_reading(void *arg) {
    topic_store_t *s = arg;
    rd_kafka_message_t *m;
    int status = SLUICE_OK;

    while (s->unread > 0 && status != SLUICE_BUSY &&
           (m = rd_kafka_consume_queue(s->read_queue, 0)) != NULL) {
        status = take(s, m);
        rd_kafka_message_destroy(m);
    }
    say_blocked(s);
    if (s->unread == 0 && !s->closing) {
        s->unread = -1;
        topic_store_have_read(s);
    }
}

/* ---- the consumer ---- */

static int open_ask_pump(topic_store_t *s) {
    int status = kafka_pump_open(&s->ask_pump, s->api, s->ctx,
                                 rd_kafka_queue_get_main(s->consumer), topic_store_serve_asking, s);

    s->ask_pump_open = status == SLUICE_OK;
    return status;
}

int topic_store_open_asking(topic_store_t *s) {
    static const topic_store_setting_t own[] = {
        {"enable.partition.eof", "true"},
        {"isolation.level", "read_committed"},
        {"queued.max.messages.kbytes", "4096"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    int i, status = topic_store_conf(s, own, &conf);

    if (status != SLUICE_OK)
        return status;
    s->ends_conf = rd_kafka_conf_dup(conf);
    status = topic_store_client(s, RD_KAFKA_CONSUMER, conf, 0, &s->consumer);
    for (i = 0; i < STORE_LOGS && status == SLUICE_OK; i++) {
        store_log_t *log = &s->logs[i];
        log->reader = rd_kafka_topic_new(s->consumer, log->topic, NULL);
        if (log->reader == NULL)
            status = s->api->fail(s->ctx, SLUICE_INVALID, "kafka-store.topic", "%stopic %s: %s",
                                  log->family, log->topic, rd_kafka_err2str(rd_kafka_last_error()));
    }
    return status == SLUICE_OK ? open_ask_pump(s) : status;
}

/* ---- how far ---- */

/* 0: nothing is there to be read. */
static int find_log_ends(topic_store_t *s, rd_kafka_t *client, store_log_t *log) {
    rd_kafka_resp_err_t err;
    int32_t p;

    free(log->ends);
    free(log->held);
    log->ends = calloc((size_t)log->partitions, sizeof(*log->ends));
    log->held = calloc((size_t)log->partitions, sizeof(*log->held));
    if (log->ends == NULL || log->held == NULL)
        return topic_store_note(s, SLUICE_NO_MEMORY, "kafka-store.read", "out of memory");
    err = kafka_topic_ends(client, log->topic, log->partitions, ASK_MS, log->ends, &p);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return topic_store_note(s, SLUICE_RETRY, "kafka-store.read",
                            "the end of %s, partition %d, is not known: %s", log->topic, (int)p,
                            rd_kafka_err2str(err));
}

int topic_store_prepare_ends(topic_store_t *s) {
    char error[512];
    rd_kafka_t *client = kafka_topic_ends_client(s->ends_conf, error, sizeof(error));
    int i, status = SLUICE_OK;

    s->ends_conf = NULL;
    if (client == NULL)
        return topic_store_note(s, SLUICE_FATAL, "kafka-store.client", "%s", error);
    rd_kafka_set_log_queue(client, NULL);
    for (i = 0; i < STORE_LOGS && status == SLUICE_OK; i++)
        status = find_log_ends(s, client, &s->logs[i]);
    rd_kafka_destroy(client);
    return status;
}

/* ---- reading ---- */

static int start_log(topic_store_t *s, store_log_t *log) {
    int32_t p;

    for (p = 0; p < log->partitions; p++) {
        if (rd_kafka_consume_start_queue(log->reader, p, RD_KAFKA_OFFSET_BEGINNING,
                                         s->read_queue) != 0)
            return s->api->fail(s->ctx, SLUICE_RETRY, "kafka-store.read", "reading %s: %s",
                                log->topic, rd_kafka_err2str(rd_kafka_last_error()));
        s->unread += log->ends[p] > 0;
        log->started = p + 1;
    }
    return SLUICE_OK;
}

int topic_store_read(topic_store_t *s) {
    int i, status = SLUICE_OK;

    s->read_queue = rd_kafka_queue_new(s->consumer);
    s->unread = 0;
    for (i = 0; i < STORE_LOGS && status == SLUICE_OK; i++)
        status = start_log(s, &s->logs[i]);
    if (status != SLUICE_OK) {
        rd_kafka_queue_destroy(s->read_queue);
        return status;
    }
    status = kafka_pump_open(&s->read_pump, s->api, s->ctx, s->read_queue, serve_reading, s);
    s->read_pump_open = status == SLUICE_OK;
    return status;
}

void topic_store_end_asking(void *self) {
    topic_store_t *s = self;
    int32_t p;
    int i;

    for (i = 0; i < STORE_LOGS; i++) {
        store_log_t *log = &s->logs[i];
        for (p = 0; log->reader != NULL && p < log->started; p++)
            rd_kafka_consume_stop(log->reader, p);
        if (log->reader != NULL)
            rd_kafka_topic_destroy(log->reader);
        log->reader = NULL;
        log->started = 0;
    }
    if (s->consumer != NULL)
        rd_kafka_destroy(s->consumer);
    s->consumer = NULL;
    if (s->ends_conf != NULL)
        rd_kafka_conf_destroy(s->ends_conf);
    s->ends_conf = NULL;
}
