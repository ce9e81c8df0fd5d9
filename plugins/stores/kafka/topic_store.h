/*
 * stores/kafka/topic_store.h: shared by the files of the Kafka store only.
 *
 * What this is: a worker's three logs as compacted Kafka topics. kafka.c opens and closes, on an
 * offload thread where it blocks; topics.c makes and checks the topics; group.c looks whether a
 * Connect worker still runs; reading.c reads all to the end; writing.c produces;
 * named.c makes the topics of connectors that have their own; fencing.c ends transactions that
 * hold the reading up.
 * Threads: the instance's, but for `topic_store_prepare_*`, which run offloaded while nothing else
 * touches the store.
 */
#ifndef STORES_KAFKA_TOPIC_STORE_H
#define STORES_KAFKA_TOPIC_STORE_H

#include "clients/kafka/contact.h"
#include "clients/kafka/pump.h"
#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>

enum { STORE_LOGS = 3 };

/* One of the topics. */
typedef struct store_log {
    const char *family; /* the beginning of its options' names: "config.storage." */
    const char *keeps;  /* what it keeps, for messages */
    const char *topic;
    int32_t partitions; /* the topic has; 0 before it was looked at */
    rd_kafka_topic_t *writer;
    rd_kafka_topic_t *reader;
    int32_t started; /* partitions that are being read */
    int64_t *ends;   /* of each partition, up to where must be read; 0: it was */
    char *held;      /* of each partition: another's transaction is open before that */
} store_log_t;

typedef struct topic_store {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    store_log_t logs[STORE_LOGS];
    rd_kafka_t
        *consumer; /* while opening: asks, makes topics and reads. (A producer that asks for a
                             topic makes the broker create it, with the broker's settings.) */
    rd_kafka_t *producer;
    rd_kafka_conf_t *ends_conf; /* of the client that asks how far must be read */
    rd_kafka_queue_t *read_queue;
    kafka_contact_t contact;
    kafka_pump_t ask_pump; /* what the consumer has to say */
    kafka_pump_t read_pump;
    kafka_pump_t pump; /* of the producer */
    int ask_pump_open;
    int read_pump_open;
    int pump_open;
    struct named_log *named;
    int jobs; /* offloaded beside `busy`; close waits for them */
    int closing;
    int busy; /* work is offloaded: close waits for it */
    int wanted; /* what is read, by the host */
    int prepared;
    char *cluster;
    char error[1024]; /* of the offloaded preparation */
    const char *code;
    int32_t unread; /* partitions whose end was not reached yet */
    int32_t held;   /* of these, those where another's transaction is open */
    int blocked;    /* the host was told so */
    uint64_t unwritten;
    uint64_t waiting_since; /* tick of the oldest write without an answer, about; 0: none */
    int in_trouble;
    sluice_timer_t *watch;
} topic_store_t;

/* An option of this log: "config.storage." and `name`. */
const char *topic_store_option(const topic_store_t *s, const store_log_t *log, const char *name);
/* Keeps why the preparation failed; returns status. */
int topic_store_note(topic_store_t *s, int status, const char *code, const char *fmt, ...)
    SLUICE_PRINTF(4, 5);

/* Blocks: makes a topic as this log's would be; it may be there. Else text says why not. */
int topic_store_make(const topic_store_t *s, rd_kafka_t *client, const store_log_t *log,
                     const char *topic, char *text, size_t size);
/* Offloaded; a negative status after topic_store_note. */
int topic_store_prepare_topics(topic_store_t *s);
int topic_store_prepare_group(topic_store_t *s);
/* How far topic_store_read has to read. */
int topic_store_prepare_ends(topic_store_t *s);

/* A property of a client, under librdkafka's name; a list ends with one without a name. */
typedef struct topic_store_setting {
    const char *name;
    const char *value;
} topic_store_setting_t;

/* What the user set, then `own`. A negative status after api->fail. */
int topic_store_conf(topic_store_t *s, const topic_store_setting_t *own, rd_kafka_conf_t **out);
/* A client whose errors, log lines and `events` come to its main queue; takes conf in any case.
 * A negative status after api->fail. */
int topic_store_client(topic_store_t *s, rd_kafka_type_t type, rd_kafka_conf_t *conf, int events,
                       rd_kafka_t **out);

/* The consumer and its events. */
int topic_store_open_asking(topic_store_t *s);
/* Reads all topics; then topic_store_have_read, once. */
int topic_store_read(topic_store_t *s);
void topic_store_have_read(topic_store_t *s);
void topic_store_end_asking(void *self); /* offloaded, behind the pumps */

int topic_store_open_writing(topic_store_t *s);
int topic_store_write(void *self, uint64_t number, const sluice_entry_t *entry);
/* Of a topic that is there, with the settings of that log; NULL after api->fail. */
rd_kafka_topic_t *topic_store_writer(topic_store_t *s, const store_log_t *log, const char *topic);
int topic_store_produce(topic_store_t *s, rd_kafka_topic_t *writer, uint64_t number,
                        const sluice_entry_t *entry);

/* ---- named.c: logs that an entry names ---- */
int topic_store_write_named(topic_store_t *s, uint64_t number, const sluice_entry_t *entry);
/* Not while one is being made (s->jobs). */
void topic_store_end_named(topic_store_t *s);

/* ---- fencing.c ---- */
int topic_store_fence(void *self, const char *const *writers, uint32_t count);

/* ---- kafka.c ---- */
/* An offloaded job of its own, while others run: `done` ends with topic_store_end_job, and the
 * store lives until then. */
int topic_store_begin_job(topic_store_t *s, void (*work)(void *arg), void (*done)(void *arg),
                          void *arg);
void topic_store_end_job(topic_store_t *s);
/* Serves the producer's events; those of the consumer. */
void topic_store_serve(void *self);
void topic_store_serve_asking(void *self);

#endif
