/*
 * How much the client is given at a time: for each partition one set of messages to send and one
 * that fills up behind it.
 *
 * An idempotent librdkafka (1.x, 2.x) has one set of a partition under way at a time. While it
 * waits for the answer, and as soon as the first message behind that set has waited for linger.ms,
 * its thread polls without sleeping (rd_kafka_toppar_producer_serve: a wakeup that is due at once,
 * but no request allowed). With the client's queue full that was a whole processor. So messages
 * wait with us, where nothing spins, and the client's are young. More than two sets would gain
 * nothing: the second is there when the answer to the first comes.
 */
#include "kafka_sink.h"

#include <stdlib.h>

enum { SETS = 2 };

static int64_t number(const rd_kafka_conf_t *conf, const char *name, int64_t otherwise) {
    char text[32] = "";
    size_t size = sizeof(text);

    return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK ? strtoll(text, NULL, 10)
                                                                          : otherwise;
}

void kafka_window_init(kafka_window_t *w, const rd_kafka_conf_t *conf) {
    int64_t batch = number(conf, "batch.size", INT64_MAX);

    w->max_request = number(conf, "message.max.bytes", INT64_MAX);
    w->set = batch < w->max_request ? batch : w->max_request;
    w->partitions = 1;
    w->given = 0;
}

int kafka_window_is_full(const kafka_window_t *w, size_t topics) {
    int64_t partitions = (int64_t)w->partitions * (int64_t)(topics > 0 ? topics : 1);

    return w->given > 0 && w->given / SETS / partitions >= w->set;
}

void kafka_window_give(kafka_window_t *w, size_t bytes) {
    w->given += (int64_t)bytes;
}

void kafka_window_take_back(kafka_window_t *w, const rd_kafka_message_t *message) {
    w->given -= (int64_t)(message->len + message->key_len);
    if (message->partition >= w->partitions)
        w->partitions = message->partition + 1;
}
