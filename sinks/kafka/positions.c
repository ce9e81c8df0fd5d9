#include "kafka_sink.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

enum { READ_TIMEOUT_MS = 30000, POLL_MS = 500, ADMIN_TIMEOUT_MS = 15000 };

/* ---- the record: key ["owner", partition], value {"position": hex, "sub": n} ---- */

char *kafka_position_key(const char *owner, sluice_str_t partition) {
    cJSON *key = cJSON_CreateArray();
    char *text = strndup(partition.data, partition.len);
    char *out;

    cJSON_AddItemToArray(key, cJSON_CreateString(owner));
    cJSON_AddItemToArray(key, cJSON_CreateRaw(text != NULL ? text : "null"));
    out = cJSON_PrintUnformatted(key);
    cJSON_Delete(key);
    free(text);
    return out;
}

char *kafka_position_value(const sluice_mark_t *mark) {
    char hex[2 * SLUICE_POSITION_MAX + 1] = "";
    cJSON *value = cJSON_CreateObject();
    char *out;
    int i;

    for (i = 0; i < mark->position.len; i++)
        snprintf(hex + 2 * i, 3, "%02x", mark->position.bytes[i]);
    cJSON_AddStringToObject(value, "position", hex);
    cJSON_AddNumberToObject(value, "sub", mark->sub_index);
    out = cJSON_PrintUnformatted(value);
    cJSON_Delete(value);
    return out;
}

static int parse_position(const char *text, size_t len, kafka_position_t *out) {
    cJSON *value = cJSON_ParseWithLength(text, len);
    const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "position"));
    const cJSON *sub = cJSON_GetObjectItemCaseSensitive(value, "sub");
    size_t n = hex != NULL ? strlen(hex) / 2 : 0;
    size_t i;
    int ok = n > 0 && n <= SLUICE_POSITION_MAX;

    out->position.len = (uint8_t)n;
    for (i = 0; ok && i < n; i++) {
        unsigned byte;

        ok = sscanf(hex + 2 * i, "%2x", &byte) == 1;
        out->position.bytes[i] = (uint8_t)byte;
    }
    out->sub_index = cJSON_IsNumber(sub) ? (uint32_t)sub->valuedouble : 0;
    cJSON_Delete(value);
    return ok;
}

/* ---- reading ---- */

struct reader {
    rd_kafka_t *consumer;
    const char *owner;
    kafka_position_t *list;
    size_t count;
};

static kafka_position_t *slot_for(struct reader *r, const char *partition) {
    kafka_position_t *grown;
    size_t i;

    for (i = 0; i < r->count; i++) {
        if (strcmp(r->list[i].partition, partition) == 0)
            return &r->list[i];
    }
    grown = realloc(r->list, (r->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    r->list = grown;
    memset(&grown[r->count], 0, sizeof(*grown));
    grown[r->count].partition = strdup(partition);
    return grown[r->count].partition == NULL ? NULL : &grown[r->count++];
}

/* A record of ours replaces what an earlier one of the same key said. */
static void take_record(struct reader *r, const rd_kafka_message_t *message) {
    cJSON *key = cJSON_ParseWithLength(message->key, message->key_len);
    const char *owner = cJSON_GetStringValue(cJSON_GetArrayItem(key, 0));
    char *partition = cJSON_PrintUnformatted(cJSON_GetArrayItem(key, 1));
    kafka_position_t parsed = { 0 };

    if (owner != NULL && partition != NULL && strcmp(owner, r->owner) == 0 &&
        parse_position(message->payload, message->len, &parsed)) {
        kafka_position_t *slot = slot_for(r, partition);

        if (slot != NULL) {
            slot->position = parsed.position;
            slot->sub_index = parsed.sub_index;
        }
    }
    cJSON_free(partition);
    cJSON_Delete(key);
}

/* Reads until every partition reported its end. */
static int read_to_end(struct reader *r, int partitions, char *error, size_t size) {
    int left = partitions;
    int waited = 0;

    while (left > 0) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(r->consumer, POLL_MS);

        if (message == NULL) {
            waited += POLL_MS;
            if (waited >= READ_TIMEOUT_MS) {
                snprintf(error, size, "position topic: its end was not reached within %d s", READ_TIMEOUT_MS / 1000);
                return -1;
            }
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            left--;
        else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_record(r, message);
        rd_kafka_message_destroy(message);
    }
    return 0;
}

static int count_partitions(rd_kafka_t *client, const char *topic) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    int n = -1;

    if (handle != NULL && rd_kafka_metadata(client, 0, handle, &metadata, ADMIN_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            n = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (handle != NULL)
        rd_kafka_topic_destroy(handle);
    return n;
}

/* One partition, compacted, the broker's own replication factor. That it exists already is fine. */
static int create_topic(rd_kafka_t *client, const char *topic, char *error, size_t size) {
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, 1, -1, error, size);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event;
    size_t n = 0;
    int rc = -1;

    rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", "compact");
    rd_kafka_CreateTopics(client, &wanted, 1, options, queue);
    event = rd_kafka_queue_poll(queue, ADMIN_TIMEOUT_MS);
    results = event == NULL ? NULL : rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    if (n == 1) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[0]);

        rc = err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? 0 : -1;
        if (rc != 0)
            snprintf(error, size, "position topic %s can't be created: %s", topic, rd_kafka_topic_result_error_string(results[0]));
    } else {
        snprintf(error, size, "position topic %s can't be created: %s", topic,
                 event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return rc;
}

static void assign_all(rd_kafka_t *consumer, const char *topic, int partitions) {
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    int i;

    for (i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, all);
    rd_kafka_topic_partition_list_destroy(all);
}

int kafka_positions_read(rd_kafka_t *producer, rd_kafka_conf_t *conf, const char *topic, const char *owner,
                         kafka_position_t **list, size_t *count, char *error, size_t error_size) {
    struct reader reader = { .owner = owner };
    int partitions;
    int rc;

    if (conf == NULL) {
        snprintf(error, error_size, "the client properties are not usable for a consumer");
        return -1;
    }
    if (create_topic(producer, topic, error, error_size) != 0) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    reader.consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, error_size);
    if (reader.consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    rd_kafka_poll_set_consumer(reader.consumer);
    partitions = count_partitions(reader.consumer, topic);
    rc = -1;
    if (partitions > 0) {
        assign_all(reader.consumer, topic, partitions);
        rc = read_to_end(&reader, partitions, error, error_size);
    } else {
        snprintf(error, error_size, "position topic %s: its partitions are not known", topic);
    }
    rd_kafka_consumer_close(reader.consumer);
    rd_kafka_destroy(reader.consumer);
    *list = reader.list;
    *count = reader.count;
    return rc;
}

void kafka_positions_free(kafka_position_t *list, size_t count) {
    while (count > 0)
        free(list[--count].partition);
    free(list);
}
