/* Makes the topics that are missing and refuses those that would lose what is written. */
#include "topic_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/kafka/topic.h"

enum { ASK_MS = 10000, TRIES = 20, TRY_MS = 250, ERROR_TEXT = 512 };

/* What is known of a topic. */
typedef struct found {
    int exists;
    int32_t partitions;
    rd_kafka_resp_err_t err;
} found_t;

static found_t look(topic_store_t *s, const store_log_t *log) {
    const struct rd_kafka_metadata *metadata = NULL;
    found_t found = {0, 0, RD_KAFKA_RESP_ERR_NO_ERROR};

    found.err = rd_kafka_metadata(s->consumer, 0, log->reader, &metadata, ASK_MS);
    if (found.err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) {
        found.err = metadata->topics[0].err;
        found.partitions = metadata->topics[0].partition_cnt;
        found.exists = found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partitions > 0;
    }
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    return found;
}

/* The options below the family that are settings of the topic itself. */
static int is_setting(const char *name) {
    return strcmp(name, "topic") != 0 && strcmp(name, "partitions") != 0 &&
           strcmp(name, "replication.factor") != 0 && strcmp(name, "cleanup.policy") != 0;
}

static void add_settings(const topic_store_t *s, const store_log_t *log,
                         rd_kafka_NewTopic_t *wanted) {
    size_t i, n = s->api->config_prefix_count(s->ctx, log->family);

    rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", "compact");
    for (i = 0; i < n; i++) {
        const char *name, *value;
        if (s->api->config_prefix_at(s->ctx, log->family, i, &name, &value) == SLUICE_OK &&
            is_setting(name))
            rd_kafka_NewTopic_set_config(wanted, name, value);
    }
}

static int number_of(const topic_store_t *s, const store_log_t *log, const char *name,
                     int fallback) {
    const char *text = topic_store_option(s, log, name);

    return text != NULL ? atoi(text) : fallback;
}

int topic_store_make(const topic_store_t *s, rd_kafka_t *client, const store_log_t *log,
                     const char *topic, char *text, size_t size) {
    int partitions = log == &s->logs[0] ? 1 : number_of(s, log, "partitions", -1);
    int factor = number_of(s, log, "replication.factor", -1);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, factor, text, size);
    rd_kafka_event_t *event = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__INVALID_ARG;
    const char *why;

    if (wanted != NULL) {
        add_settings(s, log, wanted);
        rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
        event = rd_kafka_queue_poll(queue, ASK_MS);
        err = kafka_topic_created(event, &why);
        snprintf(text, size, "%s", why);
        rd_kafka_NewTopic_destroy(wanted);
        if (event != NULL)
            rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS
               ? SLUICE_OK
               : SLUICE_RETRY;
}

static int make(topic_store_t *s, const store_log_t *log) {
    char text[ERROR_TEXT];

    if (topic_store_make(s, s->consumer, log, log->topic, text, sizeof(text)) == SLUICE_OK)
        return SLUICE_OK;
    return topic_store_note(s, SLUICE_RETRY, "org.apache.kafka.connect.errors.ConnectException",
                            "Error while attempting to create/find topic(s) '%s': %s. Make it by "
                            "hand, or change %sreplication.factor or %spartitions",
                            log->topic, text, log->family, log->family);
}

/* ---- what it must be ---- */

/* Its cleanup.policy into out; 0 when we may not know. */
static int policy_of(topic_store_t *s, const store_log_t *log, char *out, size_t size) {
    rd_kafka_ConfigResource_t *wanted =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, log->topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(s->consumer);
    const rd_kafka_ConfigResource_t **resources;
    const rd_kafka_ConfigEntry_t **entries;
    rd_kafka_event_t *event;
    size_t count = 0, i, n = 0;
    int known = 0;

    rd_kafka_DescribeConfigs(s->consumer, &wanted, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, ASK_MS);
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count);
        entries = count == 1 ? rd_kafka_ConfigResource_configs(resources[0], &n) : NULL;
        for (i = 0; i < n; i++)
            if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") == 0 &&
                rd_kafka_ConfigEntry_value(entries[i]) != NULL) {
                snprintf(out, size, "%s", rd_kafka_ConfigEntry_value(entries[i]));
                known = 1;
            }
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(wanted);
    return known;
}

/* In Connect's words: operators search for them. */
static int check(topic_store_t *s, const store_log_t *log) {
    char policy[100];

    if (log == &s->logs[0] && log->partitions > 1)
        return topic_store_note(
            s, SLUICE_FATAL, "org.apache.kafka.common.config.ConfigException",
            "Topic '%s' supplied via the '%stopic' property is required to have a single partition "
            "in order to guarantee consistency of connector configurations, but found %d "
            "partitions.",
            log->topic, log->family, (int)log->partitions);
    if (!policy_of(s, log, policy, sizeof(policy)) || strcmp(policy, "compact") == 0)
        return SLUICE_OK;
    return topic_store_note(
        s, SLUICE_FATAL, "org.apache.kafka.common.config.ConfigException",
        "Topic '%s' supplied via the '%stopic' property is required to have "
        "'cleanup.policy=compact' to guarantee consistency and durability of %s, but found the "
        "topic currently has 'cleanup.policy=%s'. Continuing would likely result in eventually "
        "losing %s and problems restarting this Connect cluster in the future. Change the "
        "'%stopic' property in the Connect worker configurations to use a topic with "
        "'cleanup.policy=compact'.",
        log->topic, log->family, log->keeps, policy, log->keeps, log->family);
}

/* A topic that was just made is not known everywhere at once. */
static int find(topic_store_t *s, store_log_t *log) {
    found_t found = look(s, log);
    int i, status = SLUICE_OK;

    if (!found.exists && found.err != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        status = make(s, log);
    for (i = 0; status == SLUICE_OK && !found.exists && i < TRIES && !atomic_load(&s->contact.stop);
         i++) {
        struct timespec pause = {0, TRY_MS * 1000000L};
        nanosleep(&pause, NULL);
        found = look(s, log);
    }
    if (status != SLUICE_OK)
        return status;
    log->partitions = found.partitions;
    if (found.exists)
        return check(s, log);
    return topic_store_note(s, SLUICE_RETRY, "org.apache.kafka.connect.errors.ConnectException",
                            "Error while attempting to create/find topic(s) '%s': %s", log->topic,
                            rd_kafka_err2str(found.err));
}

int topic_store_prepare_topics(topic_store_t *s) {
    int i, status = SLUICE_OK;

    for (i = 0; i < STORE_LOGS && status == SLUICE_OK; i++)
        status = find(s, &s->logs[i]);
    return status;
}
