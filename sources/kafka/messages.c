#include "kafka_source.h"

#include <stdlib.h>

/* The messages that a batch points into. */
struct pinned {
    kafka_client_t *client;
    size_t count;
    rd_kafka_message_t *messages[];
};

static void release(void *arg) {
    struct pinned *p = arg;

    kafka_messages_drop(p->messages, p->count);
    kafka_client_unref(p->client);
    free(p);
}

static struct pinned *pin(kafka_source_t *source, rd_kafka_message_t **messages, size_t count) {
    struct pinned *p = malloc(sizeof(*p) + count * sizeof(p->messages[0]));

    if (p == NULL)
        return NULL;
    p->client = source->client;
    p->count = count;
    memcpy(p->messages, messages, count * sizeof(messages[0]));
    kafka_client_ref(source->client);
    return p;
}

static size_t memory_of(rd_kafka_message_t **messages, size_t count) {
    size_t bytes = 0;
    size_t i;

    for (i = 0; i < count; i++)
        bytes += messages[i]->len + messages[i]->key_len + KAFKA_MESSAGE_BYTES;
    return bytes;
}

static sluice_value_t bytes_value(const void *data, size_t len) {
    return data == NULL ? sluice_null() : sluice_text(SLUICE_BYTES, sluice_str_n(data, len));
}

static int add_headers(kafka_source_t *source, sluice_batch_t *batch, rd_kafka_message_t *message,
                       sluice_record_t *r) {
    rd_kafka_headers_t *headers = NULL;
    sluice_header_t *out;
    size_t count;
    size_t i;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    count = rd_kafka_header_cnt(headers);
    out = source->api->batch_alloc(batch, count * sizeof(*out) + 1);
    if (out == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        const char *name = NULL;
        const void *value = NULL;
        size_t len = 0;

        rd_kafka_header_get_all(headers, i, &name, &value, &len);
        out[i].key = sluice_str(name);
        out[i].schema = NULL;
        out[i].value = bytes_value(value, len);
    }
    r->headers = out;
    r->header_count = (uint32_t)count;
    return SLUICE_OK;
}

static void set_timestamp(const rd_kafka_message_t *message, sluice_record_t *r) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(message, &type);

    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
        return;
    r->timestamp = ms;
    r->timestamp_type = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? SLUICE_TIMESTAMP_LOG_APPEND
                                                                   : SLUICE_TIMESTAMP_CREATE;
}

static int add_message(kafka_source_t *source, sluice_batch_t *batch, rd_kafka_message_t *message) {
    const char *topic = rd_kafka_topic_name(message->rkt);
    kafka_assigned_t *assigned = kafka_consumer_find(source, topic, message->partition);
    sluice_record_t *r = source->api->batch_add(batch);

    if (r == NULL || assigned == NULL)
        return SLUICE_NO_MEMORY;
    r->topic = r->original_topic = sluice_str(topic);
    r->original_partition = message->partition;
    r->original_offset = message->offset;
    r->source_partition = assigned->source_partition;
    r->key = bytes_value(message->key, message->key_len);
    r->value = bytes_value(message->payload, message->len);
    r->position.len = sizeof(uint64_t);
    sluice_put_be64(r->position.bytes, (uint64_t)message->offset);
    set_timestamp(message, r);
    return add_headers(source, batch, message, r);
}

void kafka_messages_drop(rd_kafka_message_t **messages, size_t count) {
    size_t i;

    for (i = 0; i < count; i++)
        rd_kafka_message_destroy(messages[i]);
}

/* A batch that the messages belong to; NULL: they are freed. */
static sluice_batch_t *batch_of(kafka_source_t *source, rd_kafka_message_t **messages,
                                size_t count) {
    const sluice_api_t *api = source->api;
    struct pinned *p = pin(source, messages, count);
    sluice_batch_t *batch =
        p != NULL ? api->batch_new(source->ctx, count * sizeof(sluice_record_t)) : NULL;

    if (batch != NULL &&
        api->batch_pin(batch, memory_of(messages, count), release, p) == SLUICE_OK)
        return batch;
    api->batch_unref(batch);
    if (p != NULL)
        release(p);
    else
        kafka_messages_drop(messages, count);
    return NULL;
}

int kafka_messages_emit(kafka_source_t *source, rd_kafka_message_t **messages, size_t count) {
    const sluice_api_t *api = source->api;
    sluice_batch_t *batch = batch_of(source, messages, count);
    size_t i;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        if (add_message(source, batch, messages[i]) == SLUICE_OK)
            continue;
        api->batch_unref(batch);
        return SLUICE_NO_MEMORY;
    }
    api->metric_add(source->messages, (double)count);
    return api->emit(source->ctx, batch);
}
