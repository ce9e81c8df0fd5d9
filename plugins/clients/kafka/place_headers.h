/*
 * clients/kafka/place_headers.h: the place that a source offset stands for, as headers of its
 * record.
 *
 * What this is: key and value of a source offset are Kafka Connect's. What Connect's readers would
 * not understand, the position of ours, stands beside them in headers: whoever goes on from such a
 * record knows the place exactly. Ownership: as said. Threads: any.
 */
#ifndef CLIENTS_KAFKA_PLACE_HEADERS_H
#define CLIENTS_KAFKA_PLACE_HEADERS_H

#include "sluice/value.h"
#include <librdkafka/rdkafka.h>

typedef struct kafka_place {
    sluice_position_t position; /* len 0: none */
    uint32_t sub_index;
    sluice_str_t partition; /* source partition, JSON text; its data is the holder's */
} kafka_place_t;

/* Given. */
rd_kafka_headers_t *kafka_place_headers(const kafka_place_t *place);
/* 1, or 0 and *out is empty: the record says none, or a damaged one. out->partition lives as long
 * as the message. */
int kafka_place_read(const rd_kafka_message_t *message, kafka_place_t *out);

#endif
