/*
 * The parts of the Kafka source and how they meet.
 *
 *   kafka.c     options, descriptor, life of an instance
 *   consumer.c  the group member: rebalances, poll within credit, commit of what is durable
 *   discovery.c topics.regex: which topics there are that match
 *   lag.c       how far behind it is, as Java's consumer tells it
 *   messages.c  messages of one poll -> one batch, without copying them
 *   offsets.c   outside a task: the group's offsets, for users
 *
 * The position of a record is its Kafka offset; a source partition is
 * {"kafka_topic","kafka_partition"}, as in Connect.
 * Thread: the instance's, but for the release of messages, which may come from any.
 */
#ifndef SOURCES_KAFKA_SOURCE_H
#define SOURCES_KAFKA_SOURCE_H

#include "clients/kafka/contact.h"
#include "clients/kafka/pump.h"
#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* The client outlives the instance as long as batches hold messages of it: each holds a
 * reference. */
typedef struct kafka_client {
    rd_kafka_t *handle;
    atomic_size_t refs;
} kafka_client_t;

kafka_client_t *kafka_client_create(rd_kafka_t *handle);
void kafka_client_ref(kafka_client_t *client);
void kafka_client_unref(kafka_client_t *client); /* the last one destroys the handle; any thread */

/* What librdkafka 2.0 allocates for a fetched message beside the bytes of the response. */
#define KAFKA_MESSAGE_BYTES 312

/* What is known of a topic partition that was ever assigned. */
typedef struct kafka_assigned {
    char *topic;
    int32_t partition;
    uint32_t source_partition; /* the host's number for it */
    int64_t durable_next;      /* offset to commit: one past the last durable record; -1 none yet */
    int64_t committed_next;    /* of that, what the brokers have; -1 none yet */
    int64_t emitted;           /* the last offset given to the pipeline; -1 none yet */
    int mine;                  /* assigned now */
    sluice_metric_t *lag;      /* NULL: never shown */
} kafka_assigned_t;

typedef struct kafka_source {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    kafka_client_t *client;
    kafka_pump_t pump;
    int pump_open;
    int closing;
    int paused;                /* by the host */
    int fetching_paused;       /* partitions are paused because there was no credit for a while */
    uint64_t starved_since_ns; /* 0: there is credit */
    int broken;
    kafka_contact_t contact;
    kafka_assigned_t *assigned;
    size_t assigned_count;
    size_t last_found; /* in assigned: messages of a partition come in runs */
    sluice_timer_t *commit_again;
    struct connect_regex *pattern;            /* topics.regex, or NULL */
    rd_kafka_topic_partition_list_t *matched; /* the topics that it means; NULL: none found yet */
    int looking;                              /* an offload thread asks for the topics */
    sluice_metric_t *messages;
    sluice_metric_t *rebalances;
    sluice_timer_t *lag_timer;
    sluice_metric_t *lag_max;
    sluice_metric_t *partitions[2]; /* assigned: as consumer and as sink task */
} kafka_source_t;

/* ---- kafka.c ---- */
extern const char *const kafka_source_families[]; /* of the client's properties */

/* ---- consumer.c ---- */
/* What consumer.override.NAME says; NULL: nothing. */
const char *kafka_override(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name);
/* The consumer group of a configuration. */
void kafka_group_id(const sluice_api_t *api, sluice_ctx_t *ctx, char *out, size_t size);
int kafka_consumer_open(kafka_source_t *source);
int kafka_consumer_subscribe(kafka_source_t *source);
void kafka_consumer_serve(void *arg);
void kafka_consumer_committed(kafka_source_t *source, uint32_t source_partition,
                              int64_t next_offset);
kafka_assigned_t *kafka_consumer_find(kafka_source_t *source, const char *topic, int32_t partition);

/* ---- discovery.c ---- */
/* Subscribes to what the pattern means, from now on. A negative status after api->fail. */
int kafka_discovery_open(kafka_source_t *source, const char *pattern);
void kafka_discovery_fini(kafka_source_t *source);
/* For `check`: whether topics.regex is a pattern. */
void kafka_discovery_check(const sluice_api_t *api, sluice_ctx_t *ctx);

/* ---- lag.c ---- */
void kafka_lag_start(kafka_source_t *source); /* once it is open */
void kafka_lag_stop(kafka_source_t *source);  /* nothing is shown any more */

/* ---- messages.c ---- */
/* Takes `count` messages and emits them as one batch. What api->emit answered; or
 * SLUICE_NO_MEMORY: they are gone, and as the client does not give them twice, so must it be. */
int kafka_messages_emit(kafka_source_t *source, rd_kafka_message_t **messages, size_t count);
void kafka_messages_drop(rd_kafka_message_t **messages, size_t count);

/* ---- probe.c ---- */
/* For `validate --connect`: brokers, topics. */
int kafka_source_probe(const sluice_api_t *api, sluice_ctx_t *ctx);

#endif
