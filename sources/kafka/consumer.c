#include "kafka_source.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"

#define OVERRIDES "consumer.override."

enum {
    POLL_MESSAGES = 1000,
    COMMIT_AGAIN_MS = 1000, /* after a commit that failed */
    MOST_QUEUED = 100000, /* librdkafka's default */
    STARVED_PAUSE_MS = 1000, /* without credit for longer than this, the fetchers are paused */
    NS_PER_MS = 1000000
};

/* ---- the client's life ---- */

kafka_client_t *kafka_client_create(rd_kafka_t *handle) {
    kafka_client_t *client = malloc(sizeof(*client));

    if (client == NULL)
        return NULL;
    client->handle = handle;
    atomic_init(&client->refs, 1);
    return client;
}

void kafka_client_ref(kafka_client_t *client) {
    atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
}

void kafka_client_unref(kafka_client_t *client) {
    if (atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) > 1)
        return;
    rd_kafka_destroy_flags(client->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(client);
}

/* ---- the end of an instance ---- */

static void break_down(kafka_source_t *source, int status, const char *code, const char *text) {
    if (source->broken || source->closing)
        return;
    source->broken = 1;
    source->api->fail(source->ctx, status, code, "consumer: %s", text);
    source->api->broken(source->ctx, status);
}

/* The next instance goes on from what is durable, so that nothing is left out. */
static void no_memory(kafka_source_t *source, const char *what) {
    char text[128];

    snprintf(text, sizeof(text), "no memory for %s; begins anew", what);
    break_down(source, SLUICE_NO_MEMORY, "kafka.memory", text);
}

/* ---- assignment ---- */

kafka_assigned_t *kafka_consumer_find(kafka_source_t *source, const char *topic,
                                      int32_t partition) {
    size_t n = source->assigned_count;
    size_t i;

    for (i = 0; i < n; i++) {
        size_t at = (source->last_found + i) % n;
        kafka_assigned_t *a = &source->assigned[at];

        if (a->partition != partition || strcmp(a->topic, topic) != 0)
            continue;
        source->last_found = at;
        return a;
    }
    return NULL;
}

/* NULL: no memory. */
static kafka_assigned_t *learn(kafka_source_t *source, const char *topic, int32_t partition) {
    kafka_assigned_t *a = kafka_consumer_find(source, topic, partition);
    kafka_assigned_t *grown;
    char json[512];

    if (a != NULL)
        return a;
    grown = realloc(source->assigned, (source->assigned_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    source->assigned = grown;
    a = &grown[source->assigned_count];
    /* Kafka's topic names need no JSON escapes: [a-zA-Z0-9._-] */
    snprintf(json, sizeof(json), "{\"kafka_topic\":\"%s\",\"kafka_partition\":%d}", topic,
             (int)partition);
    a->topic = strdup(topic);
    if (a->topic == NULL)
        return NULL;
    source->assigned_count++;
    a->partition = partition;
    a->source_partition = source->api->source_partition(source->ctx, sluice_str(json));
    a->mine = 0;
    a->durable_next = a->committed_next = -1;
    a->emitted = -1;
    a->lag = NULL;
    return a;
}

/* The offsets to commit of those in `only` (NULL: all that are ours); NULL when there are none. */
static rd_kafka_topic_partition_list_t *durable_offsets(
    kafka_source_t *source, const rd_kafka_topic_partition_list_t *only) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    size_t i;

    for (i = 0; i < source->assigned_count; i++) {
        kafka_assigned_t *a = &source->assigned[i];

        if (!a->mine || a->durable_next <= a->committed_next ||
            (only != NULL &&
             rd_kafka_topic_partition_list_find(only, a->topic, a->partition) == NULL))
            continue;
        rd_kafka_topic_partition_list_add(list, a->topic, a->partition)->offset = a->durable_next;
    }
    if (list->cnt > 0)
        return list;
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

static void commit(kafka_source_t *source, const rd_kafka_topic_partition_list_t *only) {
    rd_kafka_topic_partition_list_t *list = durable_offsets(source, only);

    if (list == NULL)
        return;
    rd_kafka_commit(source->client->handle, list, source->closing ? 0 : 1);
    rd_kafka_topic_partition_list_destroy(list);
}

static void commit_again(void *arg) {
    kafka_source_t *source = arg;

    source->commit_again = NULL;
    if (source->client != NULL && !source->closing)
        commit(source, NULL);
}

/* What the brokers did not take is theirs to hear again, also when nothing new becomes durable. */
static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                      rd_kafka_topic_partition_list_t *offsets, void *opaque) {
    kafka_source_t *source = opaque;
    int i;

    (void)rk;
    for (i = 0; offsets != NULL && i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &offsets->elems[i];
        kafka_assigned_t *a = kafka_consumer_find(source, p->topic, p->partition);

        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            err = p->err;
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR && a != NULL && a->mine &&
            a->committed_next < p->offset)
            a->committed_next = p->offset;
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR || source->closing || source->commit_again != NULL)
        return;
    source->api->log(source->ctx, SLUICE_LOG_WARN, "commit: %s; trying again",
                     rd_kafka_err2str(err));
    source->commit_again =
        source->api->timer_start(source->ctx, COMMIT_AGAIN_MS, 0, commit_again, source);
}

/* What is durable is committed before the partitions go; what is not will be read again by their
 * next owner. On the loop the commit goes out in front of the request to join again. Who lost
 * them has nothing to say any more: another may be further. */
static void give_up(kafka_source_t *source, const rd_kafka_topic_partition_list_t *partitions,
                    int lost) {
    int i;

    if (!lost)
        commit(source, partitions);
    for (i = 0; i < partitions->cnt; i++) {
        kafka_assigned_t *a =
            kafka_consumer_find(source, partitions->elems[i].topic, partitions->elems[i].partition);

        if (a == NULL)
            continue;
        a->mine = 0;
        a->durable_next = a->committed_next = -1;
    }
}

static void take_on(kafka_source_t *source, rd_kafka_topic_partition_list_t *partitions) {
    int i;

    for (i = 0; i < partitions->cnt; i++) {
        rd_kafka_topic_partition_t *p = &partitions->elems[i];
        kafka_assigned_t *a = learn(source, p->topic, p->partition);

        if (a != NULL)
            a->mine = 1;
        else
            no_memory(source, "the partitions that were assigned");
    }
}

static void say(kafka_source_t *source, rd_kafka_error_t *error) {
    if (error == NULL)
        return;
    source->api->log(source->ctx, SLUICE_LOG_WARN, "rebalance: %s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

/* While there is no credit fresh partitions are paused, too: all or none are. */
static void on_assigned(kafka_source_t *source, rd_kafka_topic_partition_list_t *partitions,
                        int cooperative) {
    rd_kafka_t *rk = source->client->handle;

    take_on(source, partitions);
    if (cooperative)
        say(source, rd_kafka_incremental_assign(rk, partitions));
    else
        rd_kafka_assign(rk, partitions);
    if (source->fetching_paused)
        rd_kafka_pause_partitions(rk, partitions);
}

static void on_revoked(kafka_source_t *source, rd_kafka_topic_partition_list_t *partitions,
                       int cooperative) {
    rd_kafka_t *rk = source->client->handle;

    give_up(source, partitions, rd_kafka_assignment_lost(rk));
    if (cooperative && !source->closing)
        say(source, rd_kafka_incremental_unassign(rk, partitions));
    else
        rd_kafka_assign(rk, NULL);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque) {
    kafka_source_t *source = opaque;
    int assigned = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    int cooperative = strcmp(rd_kafka_rebalance_protocol(rk), "COOPERATIVE") == 0;

    if (source->closing) { /* on an offload thread, which has the instance but no metrics */
        if (assigned)
            rd_kafka_assign(rk, NULL);
        else
            on_revoked(source, partitions, cooperative);
        return;
    }
    source->api->metric_add(source->rebalances, 1);
    source->api->log(source->ctx, SLUICE_LOG_INFO, "rebalance: %d partitions %s", partitions->cnt,
                     assigned ? "assigned" : "revoked");
    if (assigned)
        on_assigned(source, partitions, cooperative);
    else
        on_revoked(source, partitions, cooperative);
}

void kafka_consumer_committed(kafka_source_t *source, uint32_t source_partition,
                              int64_t next_offset) {
    size_t i;

    for (i = 0; i < source->assigned_count; i++) {
        kafka_assigned_t *a = &source->assigned[i];

        if (a->source_partition == source_partition && a->mine && a->durable_next < next_offset)
            a->durable_next = next_offset;
    }
    commit(source, NULL);
}

/* ---- open ---- */

/* Logs and errors are served by polls alone, so on the loop, or on the thread that closes. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    kafka_source_t *source = rd_kafka_opaque(rk);

    kafka_log_line(source->api, source->ctx, &source->contact, level, facility, text);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque) {
    kafka_source_t *source = opaque;

    (void)rk;
    if (source->contact.status == SLUICE_BUSY)
        kafka_contact_heard(&source->contact, (rd_kafka_resp_err_t)err, reason);
    source->api->log(source->ctx, SLUICE_LOG_WARN, "kafka client: %s", reason);
}

/* librdkafka's word for it differs. */
static const char *reset_policy(const char *text) {
    return strcmp(text, "none") == 0 ? "error" : text;
}

/* queue.bytes bounds the messages by their bytes and, as their number weighs more when they are
 * small, by what the client allocates for each. */
static int set_queue_bounds(kafka_source_t *source, rd_kafka_conf_t *conf) {
    int64_t bytes = source->api->config_int(source->ctx, "queue.bytes");
    int64_t messages = bytes / KAFKA_MESSAGE_BYTES;

    if (kafka_conf_set_int(source->api, source->ctx, conf, "queued.max.messages.kbytes",
                           bytes / 1024) != SLUICE_OK)
        return SLUICE_INVALID;
    return kafka_conf_set_int(source->api, source->ctx, conf, "queued.min.messages",
                              messages < MOST_QUEUED ? messages : MOST_QUEUED);
}

const char *kafka_override(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    size_t i, n = api->config_prefix_count(ctx, OVERRIDES);
    const char *key, *text;

    for (i = 0; i < n; i++)
        if (api->config_prefix_at(ctx, OVERRIDES, i, &key, &text) == SLUICE_OK &&
            strcmp(key, name) == 0)
            return text;
    return NULL;
}

void kafka_group_id(const sluice_api_t *api, sluice_ctx_t *ctx, char *out, size_t size) {
    const char *group = kafka_override(api, ctx, "group.id");

    if (group == NULL)
        group = api->config_text(ctx, "group.id");
    if (group != NULL)
        snprintf(out, size, "%s", group);
    else
        snprintf(out, size, "connect-%s", api->pipeline_name(ctx));
}

/* As in Connect each task has a name of its own. */
static int set_client_id(kafka_source_t *source, rd_kafka_conf_t *conf) {
    const char *name = source->api->config_text(source->ctx, "client.id");
    char id[300];

    if (name == NULL)
        return SLUICE_OK;
    snprintf(id, sizeof(id), "%s-%d", name, (int)source->api->task_number(source->ctx));
    return kafka_conf_set(source->api, source->ctx, conf, "client.id", id);
}

static int set_consumer_conf(kafka_source_t *source, rd_kafka_conf_t *conf) {
    const sluice_api_t *api = source->api;
    sluice_ctx_t *ctx = source->ctx;
    char group[256];

    kafka_group_id(api, ctx, group, sizeof(group));
    if (kafka_conf_set(api, ctx, conf, "group.id", group) != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "enable.auto.commit", "false") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "enable.auto.offset.store", "false") != SLUICE_OK ||
        /* As the Java client does: a topic that is not there yet is made, and looked for again
         * soon. */
        kafka_conf_set(api, ctx, conf, "allow.auto.create.topics", "true") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "topic.metadata.refresh.interval.ms", "5000") != SLUICE_OK ||
        /* A killed task's partitions are free again after this; heartbeats have their own
         * thread. */
        kafka_conf_set(api, ctx, conf, "session.timeout.ms", "10000") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "log.queue", "true") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "auto.offset.reset",
                       reset_policy(api->config_text(ctx, "auto.offset.reset"))) != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "isolation.level",
                       api->config_text(ctx, "isolation.level")) != SLUICE_OK ||
        set_queue_bounds(source, conf) != SLUICE_OK || set_client_id(source, conf) != SLUICE_OK)
        return SLUICE_INVALID;
    return kafka_conf_apply(api, ctx, conf, kafka_source_families);
}

int kafka_consumer_open(kafka_source_t *source) {
    rd_kafka_conf_t *conf = kafka_conf_create(source->api, source->ctx);
    char error[256];
    rd_kafka_t *handle;

    if (conf == NULL)
        return SLUICE_FATAL;
    if (set_consumer_conf(source, conf) != SLUICE_OK) {
        rd_kafka_conf_destroy(conf);
        return SLUICE_FATAL;
    }
    rd_kafka_conf_set_opaque(conf, source);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    handle = kafka_client_open(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (handle == NULL)
        return source->api->fail(source->ctx, SLUICE_FATAL, "kafka.config", "consumer: %s", error);
    rd_kafka_poll_set_consumer(handle);
    rd_kafka_set_log_queue(handle, NULL);
    source->client = kafka_client_create(handle);
    if (source->client != NULL)
        return SLUICE_OK;
    rd_kafka_destroy(handle);
    return SLUICE_NO_MEMORY;
}

int kafka_consumer_subscribe(kafka_source_t *source) {
    const sluice_api_t *api = source->api;
    const char *pattern = api->config_text(source->ctx, "topics.regex");
    rd_kafka_topic_partition_list_t *list;
    const char *const *topics = NULL;
    size_t n = api->config_list(source->ctx, "topics", &topics);
    size_t i;
    rd_kafka_resp_err_t err;

    if (pattern != NULL)
        return kafka_discovery_open(source, pattern);
    list = rd_kafka_topic_partition_list_new((int)n);
    for (i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    err = rd_kafka_subscribe(source->client->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return api->fail(source->ctx, SLUICE_FATAL, "kafka.subscribe", "topics: %s",
                     rd_kafka_err2str(err));
}

/* ---- poll within credit ---- */

static void pause_fetching(kafka_source_t *source, int pause) {
    rd_kafka_topic_partition_list_t *list = NULL;

    if (source->fetching_paused == pause ||
        rd_kafka_assignment(source->client->handle, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (pause)
        rd_kafka_pause_partitions(source->client->handle, list);
    else
        rd_kafka_resume_partitions(source->client->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    source->fetching_paused = pause;
}

/* 1 when messages may be taken. Without credit for a while the partitions are paused, so that the
 * queue can be polled (which keeps us in the group) without taking what there is no room for. */
static int may_poll(kafka_source_t *source, int64_t *limit) {
    sluice_credit_t credit;
    uint64_t now = source->api->tick_ns(source->ctx);

    *limit = 1;
    if (source->contact.status == SLUICE_BUSY)
        return 1; /* nothing is subscribed yet: there are only errors to hear */
    credit = source->api->credit(source->ctx);
    *limit = credit.records < POLL_MESSAGES ? credit.records : POLL_MESSAGES;
    if (!source->paused && credit.records > 0 && credit.bytes > 0) {
        source->starved_since_ns = 0;
        pause_fetching(source, 0);
        return 1;
    }
    if (source->starved_since_ns == 0)
        source->starved_since_ns = now;
    if (now - source->starved_since_ns < (uint64_t)STARVED_PAUSE_MS * NS_PER_MS)
        return 0;
    pause_fetching(source, 1);
    *limit = 1;
    return 1;
}

static void on_consumer_error(kafka_source_t *source, const rd_kafka_message_t *message) {
    char text[256];

    switch (message->err) {
    case RD_KAFKA_RESP_ERR__FATAL:
        rd_kafka_fatal_error(source->client->handle, text, sizeof(text));
        break_down(source, SLUICE_NOT_CONNECTED, "kafka.fatal", text);
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        break_down(source, SLUICE_FATAL, "kafka.no_offset", rd_kafka_message_errstr(message));
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        break_down(source, SLUICE_FATAL, "kafka.authorization", rd_kafka_message_errstr(message));
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        source->api->log(source->ctx, SLUICE_LOG_WARN,
                         "consumer: %s; it is read once it is there: create it, or correct topics",
                         rd_kafka_message_errstr(message));
        break;
    default:
        source->api->log(source->ctx, SLUICE_LOG_WARN, "consumer: %s",
                         rd_kafka_message_errstr(message));
    }
}

/* Whether the pipeline had it already: after a rebalance a partition begins at what is committed,
 * which lies behind what is still under way here. */
static int is_repeated(kafka_source_t *source, const rd_kafka_message_t *message) {
    kafka_assigned_t *a =
        kafka_consumer_find(source, rd_kafka_topic_name(message->rkt), message->partition);

    if (a == NULL)
        return 0;
    if (message->offset <= a->emitted)
        return 1;
    a->emitted = message->offset;
    return 0;
}

/* Errors come as messages: they are told and taken out, and so is what is repeated. How many are
 * left. */
static size_t sort_out_errors(kafka_source_t *source, rd_kafka_message_t **messages, size_t count) {
    size_t kept = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if (messages[i]->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            on_consumer_error(source, messages[i]);
        } else if (!is_repeated(source, messages[i])) {
            messages[kept++] = messages[i];
            continue;
        }
        rd_kafka_message_destroy(messages[i]);
    }
    return kept;
}

void kafka_consumer_serve(void *arg) {
    kafka_source_t *source = arg;
    rd_kafka_message_t *messages[POLL_MESSAGES];
    int64_t limit = 0;
    ssize_t got = 1;

    while (got > 0 && source->pump_open && !source->closing && !source->broken &&
           may_poll(source, &limit)) {
        size_t kept;

        got = rd_kafka_consume_batch_queue(source->pump.queue, 0, messages, (size_t)limit);
        kept = got > 0 ? sort_out_errors(source, messages, (size_t)got) : 0;
        if (source->broken) /* nothing is emitted any more; the next instance reads them again */
            kafka_messages_drop(messages, kept);
        else if (kept > 0 && kafka_messages_emit(source, messages, kept) == SLUICE_NO_MEMORY)
            no_memory(source, "a batch of messages");
    }
}
