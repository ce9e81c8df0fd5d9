#include "kafka_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/topic.h"

/* As long as another's transaction may stay open in the topic. */
enum { READ_TIMEOUT_MS = 90000, POLL_MS = 500, ADMIN_TIMEOUT_MS = 15000 };

/* ---- reading ---- */

/* What the newest record of a key says. */
struct slot {
    char *key;
    size_t key_len;
    kafka_position_t position; /* partition NULL: none (any more) */
};

struct reader {
    kafka_sink_t *sink;
    rd_kafka_t *consumer;
    const char *owner;
    struct slot *slots;
    size_t count;
    int64_t *ends; /* of each partition; 0 when it was reached */
    int partitions;
    int left; /* partitions whose end was not reached */
    int status; /* NO_MEMORY: a record is lost to us, and what is known is not the newest */
};

static struct slot *slot_for(struct reader *r, const rd_kafka_message_t *message) {
    struct slot *grown;
    char *key;
    size_t i;

    for (i = 0; i < r->count; i++) {
        if (r->slots[i].key_len == message->key_len &&
            memcmp(r->slots[i].key, message->key, message->key_len) == 0)
            return &r->slots[i];
    }
    grown = realloc(r->slots, (r->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    r->slots = grown;
    key = malloc(message->key_len + 1);
    if (key == NULL)
        return NULL;
    memcpy(key, message->key, message->key_len);
    grown[r->count] = (struct slot){.key = key, .key_len = message->key_len};
    return &grown[r->count++];
}

/* Whoever alters or forgets an offset writes a record of its key without a position: then none
 * before it counts. */
static int take_record(struct reader *r, const rd_kafka_message_t *message) {
    kafka_position_t read;
    struct slot *slot;
    int is_owners = kafka_position_read(r->sink, message, r->owner, &read);

    if (is_owners <= 0)
        return is_owners;
    slot = slot_for(r, message);
    if (slot == NULL) {
        free(read.partition);
        return SLUICE_NO_MEMORY;
    }
    free(slot->position.partition);
    slot->position = read;
    return SLUICE_OK;
}

/* The positions out of the slots, which end. */
static kafka_position_t *take_positions(struct reader *r, size_t *count) {
    kafka_position_t *list = calloc(r->count + 1, sizeof(*list));
    size_t i;

    *count = 0;
    for (i = 0; i < r->count; i++) {
        free(r->slots[i].key);
        if (list != NULL && r->slots[i].position.partition != NULL)
            list[(*count)++] = r->slots[i].position;
        else
            free(r->slots[i].position.partition);
    }
    free(r->slots);
    return list;
}

/* ---- the topic ---- */

/* Its partitions; -1 when it is not there, or not yet. */
static int count_partitions(rd_kafka_t *client, const char *topic) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    int n = -1;

    if (handle != NULL && rd_kafka_metadata(client, 0, handle, &metadata, ADMIN_TIMEOUT_MS) ==
                              RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            n = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (handle != NULL)
        rd_kafka_topic_destroy(handle);
    return n > 0 ? n : -1;
}

/* Compacted. */
static int create_topic(kafka_sink_t *sink, const char *topic, char *error, size_t size) {
    rd_kafka_t *client = sink->client;
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(
        topic, (int)sink->api->config_int(sink->ctx, "position.topic.partitions"),
        (int)sink->api->config_int(sink->ctx, "position.topic.replication.factor"), error, size);
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_resp_err_t err;
    rd_kafka_event_t *event;
    const char *why;
    int made;

    if (wanted == NULL)
        return -1;
    queue = rd_kafka_queue_new(client);
    options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", "compact");
    rd_kafka_CreateTopics(client, &wanted, 1, options, queue);
    event = rd_kafka_queue_poll(queue, ADMIN_TIMEOUT_MS);
    err = kafka_topic_created(event, &why);
    made = err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    if (!made)
        snprintf(error, size, "position topic %s can't be created: %s", topic, why);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return made ? 0 : -1;
}

/* It need not be allowed to create what is there already; what was created is not known at once. */
static int ensure_topic(kafka_sink_t *sink, rd_kafka_t *consumer, const char *topic, char *error,
                        size_t size) {
    int n = count_partitions(consumer, topic);
    int i;

    if (n < 0 && create_topic(sink, topic, error, size) != 0)
        return -1;
    for (i = 0; n < 0 && i < ADMIN_TIMEOUT_MS / POLL_MS && !atomic_load(&sink->contact.stop); i++) {
        rd_kafka_poll(consumer, POLL_MS);
        n = count_partitions(consumer, topic);
    }
    if (n < 0)
        snprintf(error, size, "position topic %s: its partitions are not known", topic);
    return n;
}

/* Up to where must be read: the end of each partition, whatever transactions are open there.
 * Takes conf. */
static int find_ends(kafka_sink_t *sink, rd_kafka_conf_t *conf, const char *topic, struct reader *r,
                     char *error, size_t size) {
    rd_kafka_t *consumer = kafka_topic_ends_client(conf, error, size);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    int32_t i;

    if (consumer == NULL)
        return -1;
    r->partitions = ensure_topic(sink, consumer, topic, error, size);
    if (r->partitions > 0 && (r->ends = calloc((size_t)r->partitions, sizeof(*r->ends))) == NULL)
        snprintf(error, size, "position topic: out of memory");
    if (r->ends != NULL)
        err = kafka_topic_ends(consumer, topic, r->partitions, ADMIN_TIMEOUT_MS, r->ends, &i);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, size, "position topic %s: %s", topic, rd_kafka_err2str(err));
    rd_kafka_destroy(consumer);
    for (i = 0; r->ends != NULL && i < r->partitions; i++)
        r->left += r->ends[i] > 0;
    return r->ends != NULL && err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

/* ---- reading ---- */

static void take_end(struct reader *r, const rd_kafka_message_t *message, int64_t reached) {
    int32_t p = message->partition;

    /* An end that lies before ours is where another's transaction is still open. */
    if (p < 0 || p >= r->partitions || r->ends[p] == 0 || reached < r->ends[p])
        return;
    r->ends[p] = 0;
    r->left--;
}

/* Returns how many milliseconds went by for nothing. */
static int take_message(struct reader *r, const rd_kafka_message_t *message, char *last,
                        size_t size) {
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        take_end(r, message, message->offset);
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        r->status = take_record(r, message);
        take_end(r, message, message->offset + 1);
    } else {
        snprintf(last, size, "%s", rd_kafka_message_errstr(message));
        return POLL_MS;
    }
    return 0;
}

static int read_to_ends(kafka_sink_t *sink, struct reader *r, char *error, size_t size) {
    char last[256] = "a transaction of another producer is open there";
    int waited = 0;

    while (r->left > 0 && r->status == SLUICE_OK && waited < READ_TIMEOUT_MS &&
           !atomic_load(&sink->contact.stop)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(r->consumer, POLL_MS);

        waited += message == NULL ? POLL_MS : take_message(r, message, last, sizeof(last));
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    if (r->status != SLUICE_OK)
        snprintf(error, size, "position topic: out of memory");
    else if (r->left > 0)
        snprintf(error, size, "position topic: its end was not reached: %s", last);
    return r->status == SLUICE_OK && r->left == 0 ? 0 : -1;
}

static void assign_all(rd_kafka_t *consumer, const char *topic, int partitions) {
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    int i;

    for (i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, all);
    rd_kafka_topic_partition_list_destroy(all);
}

static int read_all(kafka_sink_t *sink, rd_kafka_conf_t *conf, const char *topic, struct reader *r,
                    char *error, size_t size) {
    int rc;

    if (rd_kafka_conf_set(conf, "isolation.level", "read_committed", error, size) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    r->consumer = kafka_client_open(RD_KAFKA_CONSUMER, conf, error, size);
    if (r->consumer == NULL)
        return -1;
    rd_kafka_poll_set_consumer(r->consumer);
    assign_all(r->consumer, topic, r->partitions);
    rc = read_to_ends(sink, r, error, size);
    rd_kafka_consumer_close(r->consumer);
    rd_kafka_destroy(r->consumer);
    return rc;
}

int kafka_positions_read(kafka_sink_t *sink, rd_kafka_conf_t *conf, const char *topic,
                         const char *owner, kafka_position_t **list, size_t *count, char *error,
                         size_t error_size) {
    struct reader reader = {.sink = sink, .owner = owner};
    int rc = find_ends(sink, rd_kafka_conf_dup(conf), topic, &reader, error, error_size);

    if (rc == 0 && reader.left > 0)
        rc = read_all(sink, conf, topic, &reader, error, error_size);
    else
        rd_kafka_conf_destroy(conf);
    free(reader.ends);
    *list = take_positions(&reader, count);
    if (*list == NULL && rc == 0)
        snprintf(error, error_size, "position topic: out of memory");
    return *list == NULL ? -1 : rc;
}

void kafka_positions_free(kafka_position_t *list, size_t count) {
    while (count > 0)
        free(list[--count].partition);
    free(list);
}
