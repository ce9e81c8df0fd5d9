/* Which topics a Java pattern means: the cluster's list is looked at now and then, and what
 * matches is subscribed to by name. librdkafka's own patterns are POSIX. */
#include "kafka_source.h"

#include <stdlib.h>

#include "support/connect/regex.h"

enum { LIST_MS = 5000, EVERY_MS = 30000, LEAST_MS = 100 };

/* One look, which blocks on an offload thread. */
typedef struct look {
    kafka_source_t *source;
    kafka_client_t *client;
    rd_kafka_topic_partition_list_t *found; /* NULL: no answer */
} look_t;

/* Java's consumers leave these out of patterns. */
static int is_internal(const char *topic) {
    static const char *const names[] = {"__consumer_offsets", "__transaction_state",
                                        "__share_group_state", "__cluster_metadata"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], topic) == 0)
            return 1;
    return 0;
}

static rd_kafka_topic_partition_list_t *matching(connect_regex_t *pattern,
                                                 const struct rd_kafka_metadata *metadata) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    int i;

    for (i = 0; i < metadata->topic_cnt; i++) {
        const char *topic = metadata->topics[i].topic;

        if (metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && !is_internal(topic) &&
            connect_regex_matches(pattern, sluice_str(topic)) == 1)
            rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_topic_partition_list_sort(list, NULL, NULL);
    return list;
}

static void look(void *arg) {
    look_t *l = arg;
    const struct rd_kafka_metadata *metadata = NULL;

    if (rd_kafka_metadata(l->client->handle, 1, NULL, &metadata, LIST_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        l->found = matching(l->source->pattern, metadata);
        rd_kafka_metadata_destroy(metadata);
    }
    kafka_client_unref(l->client); /* the last one blocks: here it may */
}

static int is_same(const rd_kafka_topic_partition_list_t *a,
                   const rd_kafka_topic_partition_list_t *b) {
    int i;

    if (a == NULL || a->cnt != b->cnt)
        return 0;
    for (i = 0; i < a->cnt; i++)
        if (strcmp(a->elems[i].topic, b->elems[i].topic) != 0)
            return 0;
    return 1;
}

static void subscribe(kafka_source_t *source, rd_kafka_topic_partition_list_t *found) {
    rd_kafka_resp_err_t err = found->cnt > 0
                                  ? rd_kafka_subscribe(source->client->handle, found)
                                  : rd_kafka_unsubscribe(source->client->handle);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        source->api->log(source->ctx, SLUICE_LOG_WARN, "topics.regex: %s", rd_kafka_err2str(err));
        rd_kafka_topic_partition_list_destroy(found);
        return;
    }
    source->api->log(source->ctx, SLUICE_LOG_INFO, "topics.regex: %d topics match", found->cnt);
    if (source->matched != NULL)
        rd_kafka_topic_partition_list_destroy(source->matched);
    source->matched = found;
}

static void on_looked(void *arg) {
    look_t *l = arg;
    kafka_source_t *source = l->source;

    source->looking = 0;
    if (l->found != NULL && !source->closing && !is_same(source->matched, l->found))
        subscribe(source, l->found);
    else if (l->found != NULL)
        rd_kafka_topic_partition_list_destroy(l->found);
    free(l);
}

static void begin_look(void *arg) {
    kafka_source_t *source = arg;
    look_t *l = source->looking || source->closing ? NULL : calloc(1, sizeof(*l));

    if (l == NULL)
        return; /* the next time */
    l->source = source;
    l->client = source->client;
    kafka_client_ref(l->client);
    source->looking = 1;
    if (source->api->offload(source->ctx, look, on_looked, l) == SLUICE_OK)
        return;
    source->looking = 0;
    kafka_client_unref(l->client);
    free(l);
}

static uint64_t interval(const kafka_source_t *source) {
    const char *text = kafka_override(source->api, source->ctx, "metadata.max.age.ms");
    long long ms = text != NULL ? strtoll(text, NULL, 10) : EVERY_MS;

    return ms < LEAST_MS ? LEAST_MS : (uint64_t)ms;
}

int kafka_discovery_open(kafka_source_t *source, const char *pattern) {
    char why[512];
    uint64_t ms = interval(source);

    if (connect_regex_create(pattern, &source->pattern, why, sizeof(why)) != SLUICE_OK)
        return source->api->fail(source->ctx, SLUICE_FATAL, "kafka.subscribe",
                                 "topics.regex is no pattern of Java's: %s", why);
    if (source->api->timer_start(source->ctx, ms, ms, begin_look, source) == NULL)
        return SLUICE_NO_MEMORY;
    begin_look(source);
    return SLUICE_OK;
}

void kafka_discovery_fini(kafka_source_t *source) {
    connect_regex_destroy(source->pattern);
    if (source->matched != NULL)
        rd_kafka_topic_partition_list_destroy(source->matched);
}

void kafka_discovery_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *pattern = api->config_text(ctx, "topics.regex");
    connect_regex_t *regex = NULL;
    char why[512];

    if (pattern != NULL &&
        connect_regex_create(pattern, &regex, why, sizeof(why)) == SLUICE_INVALID)
        api->config_error(ctx, "topics.regex", "is no pattern of Java's: %s", why);
    connect_regex_destroy(regex);
}
