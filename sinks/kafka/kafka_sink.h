/*
 * The parts of the Kafka sink and how they meet.
 *
 *   kafka.c        options, descriptor, life of an instance
 *   delivery.c     one accepted batch: produce, delivery reports, results
 *   transaction.c  exactly once: begin, commit with the position inside, abort
 *   positions.c    reading the positions that earlier transactions left on the cluster
 *   position_record.c  a position as a record, of our own form or Kafka Connect's
 *   window.c       how much the client is given at a time
 *   memory.c       what the client allocates beside our batches
 *   flush.c        what lingers in the client goes out when the runtime wants it
 *   topics.c       the topics written to; makes those that are missing (creation.c: their
 *                  settings, make.c: asking)
 *
 * Payloads are not copied: a message points into its batch, which the delivery holds until the last
 * report came in.
 * Thread: all on the instance's, but for the bodies of offload()ed calls, which touch nothing but
 * what they are given.
 */
#ifndef SINKS_KAFKA_SINK_H
#define SINKS_KAFKA_SINK_H

#include "clients/kafka/contact.h"
#include "clients/kafka/pump.h"
#include "creation.h"
#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>

typedef struct kafka_sink kafka_sink_t;
typedef struct kafka_delivery kafka_delivery_t;
typedef struct kafka_transaction kafka_transaction_t;
typedef struct kafka_topic kafka_topic_t;
typedef struct kafka_making kafka_making_t;

/* What Connect's worker throws; the traces of its source tasks begin with it. */
#define KAFKA_CONNECT_EXCEPTION "org.apache.kafka.connect.errors.ConnectException"

/* What the client was given and has not reported, see window.c. */
typedef struct kafka_window {
    int64_t max_request; /* most bytes of one message, as Java's client counts them */
    int64_t set;         /* most bytes of one set of messages */
    int64_t given;       /* keys and values */
    int32_t partitions;  /* most of a topic that reports named */
} kafka_window_t;

struct kafka_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    rd_kafka_t *client;
    kafka_pump_t pump;
    int pump_open;
    int closing;
    int opened;
    int flushing;
    int pushing;      /* what lingers is pushed out on an offload thread */
    int was_busy;     /* a write was refused: ready is owed */
    size_t in_flight; /* deliveries not ended */
    size_t alone;     /* records still to be sent one at a time, see delivery.c */
    int warned_of_limit;
    int64_t charged;     /* what the client allocates for messages, beside our batches */
    int64_t queue_bytes; /* most of it: option queue.bytes bounds the values, too */
    kafka_window_t window;
    kafka_delivery_t *pending; /* accepted, but not all of its records are with the client */
    const char *topic; /* option topic: overrides the record's; NULL when not given */
    kafka_topic_t *topics; /* by name, for the life of the client */
    size_t topic_count;
    size_t topic_last; /* the one found last */
    kafka_creation_t *creation;   /* NULL: the brokers make topics, or nobody */
    kafka_making_t *making;       /* a topic is being made on an offload thread */
    sluice_timer_t *making_later; /* it is tried again */
    /* of the client that makes topics; NULL: the producer, or it is there */
    rd_kafka_conf_t *admin_conf;
    rd_kafka_t *admin;
    int broken; /* and said so */
    sluice_result_t unkept; /* where a result goes that there is no memory for; nobody reads it */
    kafka_transaction_t *tx; /* NULL: at least once */
    int each_batch;          /* option transaction.each.batch */
    int connect_offsets;     /* option position.format is connect */
    kafka_contact_t contact;
    int make_first; /* option topic.create */
    kafka_made_t made; /* with that */
    sluice_metric_t *produced;
    sluice_metric_t *failed;
    sluice_metric_t *transactions;
};

/* ---- delivery.c ---- */

/* Accepts a batch: produces as much as the client's queue takes; the rest follows as reports come
 * in. */
int kafka_delivery_begin(kafka_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket);
/* Whether nothing may be written because the client's memory for messages is at its bound. */
int kafka_delivery_full(const kafka_sink_t *sink);
/* Whether nothing may be written because records go one at a time. */
int kafka_delivery_alone(const kafka_sink_t *sink);
/* Goes on with the pending delivery, if any. */
void kafka_delivery_continue(kafka_sink_t *sink);
/* A message's delivery report. */
void kafka_delivery_report(kafka_sink_t *sink, const rd_kafka_message_t *message);
/* Gives up what was never handed to the client; reports of the rest still come. */
void kafka_delivery_cancel_pending(kafka_sink_t *sink);
/* Ends a delivery that waited for its transaction, with that transaction's status; precise: its own
 * refused records keep their results. Frees it. */
void kafka_delivery_end(kafka_delivery_t *delivery, int status, const char *why, int precise);
/* Its records are on the brokers: nothing but the commit is left to wait for. Lets go of the
 * batch. */
void kafka_delivery_release(kafka_delivery_t *delivery);
size_t kafka_delivery_failures(const kafka_delivery_t *delivery);
kafka_delivery_t *kafka_delivery_next(kafka_delivery_t *delivery);
void kafka_delivery_set_next(kafka_delivery_t *delivery, kafka_delivery_t *next);

/* ---- topics.c ---- */

/* The handle of a topic. SLUICE_BUSY: it is being made, kafka_delivery_continue follows.
 * SLUICE_NO_MEMORY: to be tried again. SLUICE_BAD_RECORD: no topic can have that name. */
int kafka_topics_find(kafka_sink_t *sink, sluice_str_t name, rd_kafka_topic_t **handle);
/* Whether a topic can have that name; cheap for one that records went to before. */
int kafka_topics_may_be_named(kafka_sink_t *sink, sluice_str_t name);
void kafka_topics_forget(kafka_sink_t *sink);
/* On the loop, while opening: what making topics will need. */
int kafka_topics_configure(kafka_sink_t *sink);
/* Offload thread, while opening. */
void kafka_topics_make_blocking(kafka_sink_t *sink, const char *topic, kafka_made_t *made);
/* Offload thread: blocks. */
void kafka_topics_destroy_client(kafka_sink_t *sink);

/* ---- kafka.c ---- */

extern const char *const kafka_sink_families[]; /* of the client's properties */
/* Room came back, or everything ended: wakes the runtime, completes flush and close. */
void kafka_sink_progress(kafka_sink_t *sink);
/* There is none for `what`, and no going on without it: the sink breaks, and is opened again. */
void kafka_sink_no_memory(kafka_sink_t *sink, const char *what);

/* ---- transaction.c ---- */

int kafka_transaction_create(kafka_sink_t *sink);
/* On the loop, while opening: what the offloaded part will need. */
int kafka_transaction_configure(kafka_sink_t *sink);
void kafka_transaction_destroy(kafka_sink_t *sink);
/* Blocking, on an offload thread: joins the transaction coordinator and reads the positions. */
void kafka_transaction_prepare(kafka_sink_t *sink);
/* On the loop, after prepare: tells the host what the cluster has; or fails, with a status. */
int kafka_transaction_announce(kafka_sink_t *sink);
/* The open transaction can't be committed any more; `why` is static, the first one counts. */
void kafka_transaction_spoil(kafka_sink_t *sink, int status, const char *why);
/* Aborts a transaction that was spoilt. At once: of one that it knows to fail the client sends
 * nothing more, so the other records' reports come with the abort. */
void kafka_transaction_give_up(kafka_sink_t *sink);
/* Whether an error says that somebody else has our transactional id; api->fail for it. */
int kafka_is_fenced(rd_kafka_resp_err_t err);
int kafka_fail_fenced(kafka_sink_t *sink);
int kafka_transaction_busy(const kafka_sink_t *sink);
/* Whether the batch comes from a source whose partitions move between tasks: then api->fail. */
int kafka_transaction_check(kafka_sink_t *sink, sluice_batch_t *batch);
int kafka_transaction_begin(kafka_sink_t *sink);
/* All records of a delivery are reported: it now waits for the commit. */
void kafka_transaction_add(kafka_sink_t *sink, kafka_delivery_t *delivery, sluice_batch_t *batch);
void kafka_transaction_commit_soon(kafka_sink_t *sink);
int kafka_transaction_idle(const kafka_sink_t *sink);
void kafka_transaction_stop(kafka_sink_t *sink);

/* ---- positions.c ---- */

typedef struct kafka_position {
    char *partition; /* source partition, JSON text */
    char *offset;    /* what users see, JSON text; NULL: not known, or not wanted */
    sluice_position_t position;
    uint32_t sub_index;
} kafka_position_t;

/* Blocking: makes the position topic if it is missing and reads this owner's newest committed
 * positions, up to what the topic held when we came. Takes conf. 0, or -1 with `error` filled.
 * *list is malloc'ed, each partition too. */
int kafka_positions_read(kafka_sink_t *sink, rd_kafka_conf_t *conf, const char *topic,
                         const char *owner, kafka_position_t **list, size_t *count, char *error,
                         size_t error_size);
void kafka_positions_free(kafka_position_t *list, size_t count);

/* ---- position_record.c ---- */

/* Hands the position's record to the client; __CRIT_SYS_RESOURCE: no memory. */
rd_kafka_resp_err_t kafka_position_produce(kafka_sink_t *sink, const char *topic, const char *owner,
                                           const kafka_position_t *position);
/* 1: it is a record of that owner; 0: it is not; SLUICE_NO_MEMORY: that is not known.
 * out->partition is malloc'ed; NULL: it says that there is no position, or is damaged (then more is
 * written again than need be, nothing is left out). */
int kafka_position_read(kafka_sink_t *sink, const rd_kafka_message_t *message, const char *owner,
                        kafka_position_t *out);

/* ---- window.c ---- */

/* conf: the producer's, with all that users set. */
void kafka_window_init(kafka_window_t *window, const rd_kafka_conf_t *conf);
/* Whether the client has enough for now; topics: how many it was given messages of. */
int kafka_window_is_full(const kafka_window_t *window, size_t topics);
void kafka_window_give(kafka_window_t *window, size_t bytes);
/* At a message's report. */
void kafka_window_take_back(kafka_window_t *window, const rd_kafka_message_t *message);

/* Bytes of a key, value or header's value; 0 for none. */
static inline size_t kafka_length(const sluice_value_t *v) {
    return sluice_is_null(v) ? 0 : v->len;
}

/* ---- flush.c ---- */
/* While FLUSH is under way: what the client holds back for linger.ms goes now. */
void kafka_flush_push(kafka_sink_t *sink);

/* ---- memory.c ---- */
/* What the client allocates for messages of these records. */
int64_t kafka_client_bytes(const sluice_record_t *records, size_t count);
/* The size of a record as Java's producer compares it with max.request.size. */
int64_t kafka_java_bytes(const sluice_record_t *record);

/* ---- probe.c ---- */
/* For `validate --connect`: brokers, topics named by options. */
int kafka_sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx);

#endif
