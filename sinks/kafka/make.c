/* Making one topic, and waiting until the cluster says that it is there. */
#include "creation.h"

#include <ctype.h>
#include <stdio.h>

#include "clients/kafka/topic.h"

enum { SLICE_MS = 100, REQUEST_MS = 30000, OPERATION_MS = 10000, METADATA_MS = 10000, WHY = 512 };

int kafka_topic_name_is_valid(sluice_str_t name) {
    size_t i;

    if (name.len == 0 || name.len > KAFKA_TOPIC_NAME_MAX ||
        sluice_str_eq(name, sluice_str(".")) || sluice_str_eq(name, sluice_str("..")))
        return 0;
    for (i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c >= 0x80 || (!isalnum(c) && c != '.' && c != '_' && c != '-'))
            return 0;
    }
    return 1;
}

/* ---- what an answer means ---- */

static int may_heal(rd_kafka_resp_err_t err) {
    switch (err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
        return 1;
    default:
        return 0;
    }
}

static int is_not_allowed(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           err == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION;
}

static const char *exception_of(rd_kafka_resp_err_t err) {
    switch (err) {
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        return "org.apache.kafka.common.errors.InvalidReplicationFactorException";
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
        return "org.apache.kafka.common.errors.InvalidPartitionsException";
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
        return "org.apache.kafka.common.errors.InvalidConfigurationException";
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return "org.apache.kafka.common.errors.InvalidTopicException";
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return "org.apache.kafka.common.errors.PolicyViolationException";
    default:
        return rd_kafka_err2name(err);
    }
}

static void refused(const char *topic, rd_kafka_resp_err_t err, const char *why,
                    kafka_made_t *made) {
    made->status = SLUICE_FATAL;
    if (err == RD_KAFKA_RESP_ERR_INVALID_CONFIG)
        snprintf(made->error, sizeof(made->error),
                 "Unable to create topic(s) '%s': %s\nCaused by: %s: %s", topic, why,
                 exception_of(err), why);
    else
        snprintf(made->error, sizeof(made->error),
                 "Error while attempting to create/find topic(s) '%s'\nCaused by: "
                 "java.util.concurrent.ExecutionException: %s: %s",
                 topic, exception_of(err), why);
}

/* Whoever may not make topics may still use one that is there. */
static void not_allowed(rd_kafka_t *client, const char *topic, const kafka_group_t *group,
                        kafka_made_t *made) {
    rd_kafka_resp_err_t err;

    made->existed = kafka_topic_is_there(client, topic, METADATA_MS, &err);
    made->status = made->existed                       ? SLUICE_OK
                   : err != RD_KAFKA_RESP_ERR_NO_ERROR ? SLUICE_RETRY
                                                       : SLUICE_FATAL;
    snprintf(made->error, sizeof(made->error),
             "Task failed to create new topic (name=%s, numPartitions=%d, replicationFactor=%d). "
             "Ensure that the task is authorized to create topics or that the topic exists and "
             "restart the task",
             topic, (int)kafka_group_partitions(group), (int)kafka_group_replication(group));
}

static void judge(rd_kafka_t *client, const char *topic, const kafka_group_t *group,
                  rd_kafka_resp_err_t err, const char *why, kafka_made_t *made) {
    made->existed = err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR || made->existed) {
        made->status = SLUICE_OK;
    } else if (may_heal(err)) {
        made->status = SLUICE_RETRY;
        snprintf(made->error, sizeof(made->error), "%s", why);
    } else if (is_not_allowed(err)) {
        not_allowed(client, topic, group, made);
    } else {
        refused(topic, err, why, made);
    }
}

/* ---- asking ---- */

static rd_kafka_NewTopic_t *new_topic(const char *topic, const kafka_group_t *group, char *why) {
    rd_kafka_NewTopic_t *made =
        rd_kafka_NewTopic_new(topic, kafka_group_partitions(group), kafka_group_replication(group),
                              why, WHY);
    size_t i, count;
    const char *const *config = kafka_group_config(group, &count);

    for (i = 0; made != NULL && i < count; i++)
        rd_kafka_NewTopic_set_config(made, config[2 * i], config[2 * i + 1]);
    return made;
}

static rd_kafka_AdminOptions_t *admin_options(rd_kafka_t *client) {
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char error[WHY];

    if (options == NULL)
        return NULL;
    rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_MS, error, sizeof(error));
    rd_kafka_AdminOptions_set_operation_timeout(options, OPERATION_MS, error, sizeof(error));
    return options;
}

/* NULL: told to stop. */
static rd_kafka_event_t *ask(rd_kafka_t *client, rd_kafka_NewTopic_t *topic,
                             const atomic_int *stop) {
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options = admin_options(client);
    rd_kafka_event_t *event = NULL;

    rd_kafka_CreateTopics(client, &topic, 1, options, queue);
    while (event == NULL && !atomic_load(stop))
        event = rd_kafka_queue_poll(queue, SLICE_MS);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event;
}

void kafka_topic_make(rd_kafka_t *client, const char *topic, const kafka_group_t *group,
                      const atomic_int *stop, kafka_made_t *made) {
    char text[WHY] = "";
    const char *why = text;
    rd_kafka_event_t *event = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__INVALID_ARG;
    rd_kafka_NewTopic_t *asked = new_topic(topic, group, text);

    memset(made, 0, sizeof(*made));
    if (asked != NULL) {
        event = ask(client, asked, stop);
        err = kafka_topic_created(event, &why);
    }
    judge(client, topic, group, err, why, made);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    if (asked != NULL)
        rd_kafka_NewTopic_destroy(asked);
}
