/* The topics that records go to: their handles, and making those that are missing. */
#include "kafka_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/client_conf.h"

enum { AGAIN_MS = 1000 };

/* A topic by name. */
struct kafka_topic {
    char name[KAFKA_TOPIC_NAME_MAX + 1];
    size_t len;
    int wanting;              /* to be made first */
    /* NULL: not asked for yet. To have one is enough for the brokers to make the topic */
    rd_kafka_topic_t *handle;
};

/* What is under way on an offload thread. */
struct kafka_making {
    kafka_sink_t *sink;
    size_t topic; /* index */
    char name[KAFKA_TOPIC_NAME_MAX + 1];
    kafka_made_t made;
};

/* ---- the client that makes topics ---- */

static int has_own_login(const kafka_sink_t *sink) {
    return sink->api->config_prefix_count(sink->ctx, "admin.override.") > 0 ||
           sink->api->config_prefix_count(sink->ctx, "producer.override.") > 0;
}

/* Connect makes topics with a client of its own, which the producer's properties are nothing to. */
int kafka_topics_configure(kafka_sink_t *sink) {
    static const char *const families[] = {"client.", "admin.override.", NULL};
    rd_kafka_conf_t *conf;

    if (sink->creation == NULL || !has_own_login(sink))
        return SLUICE_OK;
    conf = kafka_conf_create(sink->api, sink->ctx);
    if (conf == NULL)
        return SLUICE_FATAL;
    sink->admin_conf = conf;
    return kafka_conf_apply(sink->api, sink->ctx, conf, families);
}

/* Offload thread. */
static rd_kafka_t *admin_client(kafka_sink_t *sink, kafka_made_t *made) {
    char error[256];

    if (sink->admin != NULL || sink->admin_conf == NULL)
        return sink->admin != NULL ? sink->admin : sink->client;
    sink->admin = kafka_client_open(RD_KAFKA_PRODUCER, sink->admin_conf, error, sizeof(error));
    sink->admin_conf = NULL;
    if (sink->admin != NULL)
        return sink->admin;
    memset(made, 0, sizeof(*made));
    made->status = SLUICE_FATAL;
    snprintf(made->error, sizeof(made->error), "the client that makes topics: %s", error);
    return NULL;
}

void kafka_topics_make_blocking(kafka_sink_t *sink, const char *topic, kafka_made_t *made) {
    rd_kafka_t *client = admin_client(sink, made);

    if (client != NULL)
        kafka_topic_make(client, topic, kafka_creation_group(sink->creation, topic),
                         &sink->contact.stop, made);
}

void kafka_topics_destroy_client(kafka_sink_t *sink) {
    if (sink->admin != NULL)
        rd_kafka_destroy(sink->admin);
    if (sink->admin_conf != NULL)
        rd_kafka_conf_destroy(sink->admin_conf);
    sink->admin = NULL;
    sink->admin_conf = NULL;
}

/* ---- making, beside the loop ---- */

static void make(void *arg) {
    kafka_making_t *making = arg;

    kafka_topics_make_blocking(making->sink, making->name, &making->made);
}

static void start(kafka_sink_t *sink);

static void again(void *arg) {
    kafka_sink_t *sink = arg;

    sink->making_later = NULL;
    if (!sink->closing)
        start(sink);
}

static void take_made(kafka_sink_t *sink, const kafka_making_t *making) {
    const kafka_made_t *made = &making->made;

    if (made->status == SLUICE_OK) {
        sink->topics[making->topic].wanting = 0;
        sink->api->log(sink->ctx, SLUICE_LOG_INFO, "topic %s: %s", making->name,
                       made->existed ? "found" : "made");
        kafka_delivery_continue(sink);
    } else if (made->status == SLUICE_RETRY) {
        sink->api->log(sink->ctx, SLUICE_LOG_WARN, "topic %s cannot be made yet: %s; trying again",
                       making->name, made->error);
        sink->making_later = sink->api->timer_start(sink->ctx, AGAIN_MS, 0, again, sink);
    } else {
        sink->broken = 1;
        sink->api->broken(sink->ctx, sink->api->fail(sink->ctx, SLUICE_FATAL,
                                                     KAFKA_CONNECT_EXCEPTION, "%s", made->error));
    }
}

static void on_made(void *arg) {
    kafka_making_t *making = arg;
    kafka_sink_t *sink = making->sink;

    sink->making = NULL;
    if (!sink->closing)
        take_made(sink, making);
    free(making);
    kafka_sink_progress(sink);
}

/* Of those that are wanted, one at a time. Who waits for them asks again at each turn of the pump,
 * so that what fails for want of memory here is tried again soon. */
static void start(kafka_sink_t *sink) {
    size_t i;
    kafka_making_t *making;

    for (i = 0; i < sink->topic_count && !sink->topics[i].wanting; i++)
        ;
    if (i == sink->topic_count || sink->making != NULL || sink->making_later != NULL ||
        sink->broken)
        return;
    making = calloc(1, sizeof(*making));
    if (making == NULL)
        return;
    making->sink = sink;
    making->topic = i;
    snprintf(making->name, sizeof(making->name), "%s", sink->topics[i].name);
    sink->making = making;
    if (sink->api->offload(sink->ctx, make, on_made, making) == SLUICE_OK)
        return;
    sink->making = NULL;
    free(making);
}

/* ---- handles ---- */

static kafka_topic_t *add_topic(kafka_sink_t *sink, sluice_str_t name) {
    kafka_topic_t *grown = realloc(sink->topics, (sink->topic_count + 1) * sizeof(*grown));
    kafka_topic_t *topic;

    if (grown == NULL)
        return NULL;
    sink->topics = grown;
    topic = &grown[sink->topic_count++];
    memset(topic, 0, sizeof(*topic));
    memcpy(topic->name, name.data, name.len);
    topic->len = name.len;
    topic->wanting = sink->creation != NULL && !sink->make_first;
    return topic;
}

static int is_named(const kafka_topic_t *topic, sluice_str_t name) {
    return topic->len == name.len && memcmp(topic->name, name.data, name.len) == 0;
}

/* Records of a topic come in runs. */
static kafka_topic_t *find_topic(kafka_sink_t *sink, sluice_str_t name) {
    size_t i;

    if (sink->topic_last < sink->topic_count && is_named(&sink->topics[sink->topic_last], name))
        return &sink->topics[sink->topic_last];
    for (i = 0; i < sink->topic_count; i++)
        if (is_named(&sink->topics[i], name)) {
            sink->topic_last = i;
            return &sink->topics[i];
        }
    return NULL;
}

int kafka_topics_may_be_named(kafka_sink_t *sink, sluice_str_t name) {
    return find_topic(sink, name) != NULL || kafka_topic_name_is_valid(name);
}

int kafka_topics_find(kafka_sink_t *sink, sluice_str_t name, rd_kafka_topic_t **handle) {
    kafka_topic_t *topic = find_topic(sink, name);

    if (topic == NULL && !kafka_topic_name_is_valid(name))
        return SLUICE_BAD_RECORD;
    if (topic == NULL)
        topic = add_topic(sink, name);
    if (topic != NULL && topic->wanting) {
        start(sink);
        return SLUICE_BUSY;
    }
    if (topic != NULL && topic->handle == NULL)
        topic->handle = rd_kafka_topic_new(sink->client, topic->name, NULL);
    *handle = topic != NULL ? topic->handle : NULL;
    return *handle != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

void kafka_topics_forget(kafka_sink_t *sink) {
    for (; sink->topic_count > 0; sink->topic_count--)
        if (sink->topics[sink->topic_count - 1].handle != NULL)
            rd_kafka_topic_destroy(sink->topics[sink->topic_count - 1].handle);
    free(sink->topics);
    sink->topics = NULL;
}
