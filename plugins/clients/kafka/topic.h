/*
 * clients/kafka/topic.h: questions about one topic that wait for their answers.
 *
 * What this is: what whoever makes topics, or reads one from its beginning to its ends, has to ask.
 * All of it blocks: for a thread that may wait.
 * Ownership: nothing is kept.
 */
#ifndef CLIENTS_KAFKA_TOPIC_H
#define CLIENTS_KAFKA_TOPIC_H

#include <librdkafka/rdkafka.h>

/* 1: it is there, and we may see it. All topics are asked for: a question for one could make it.
 * *err says whether there was an answer at all. */
int kafka_topic_is_there(rd_kafka_t *client, const char *topic, int timeout_ms,
                         rd_kafka_resp_err_t *err);

/* The answer to a request for one topic; event NULL: there was none. *why lives as long as the
 * event. */
rd_kafka_resp_err_t kafka_topic_created(rd_kafka_event_t *event, const char **why);

/* Whoever reads committed records only is told of ends that lie before open transactions, and what
 * is committed behind one counts, too. Hence a client of its own that asks for the real ends; takes
 * conf in any case. NULL with `error` filled. */
rd_kafka_t *kafka_topic_ends_client(rd_kafka_conf_t *conf, char *error, size_t size);
/* Up to where each partition must be read; 0: there is nothing in it. An error is that of partition
 * *at. */
rd_kafka_resp_err_t kafka_topic_ends(rd_kafka_t *client, const char *topic, int32_t partitions,
                                     int timeout_ms, int64_t *ends, int32_t *at);

#endif
