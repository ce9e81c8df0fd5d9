#include "kafka_sink.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/contact.h"
#include "clients/kafka/definitions.h"

static const char *const aliases[] = {"@topics", "kafka-sink", NULL};
const char *const kafka_sink_families[] = {"client.", "producer.override.", NULL};
static const char *const formats[] = {"native", "connect", NULL};
static const char *const compressions[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};

enum { MESSAGE_TIMEOUT_MS = 60000 };

static const sluice_option_t options[] = {
    KAFKA_COMMON_OPTIONS,
    {.name = "topic",
     .type = SLUICE_OPT_STRING,
     .group = "Delivery",
     .importance = SLUICE_HIGH,
     .doc = "Topic for every record; without it each record goes to its own topic."},
    {.name = "topic.create",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc =
         "Make topic while opening when it is missing, so that it is there before a record comes."},
    {.name = "topic.creation.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc =
         "How missing topics are made, as in a Connect source connector; without it the brokers "
         "may."},
    {.name = "exactly.once",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_HIGH,
     .doc =
         "Write in transactions, with the source position as a record inside; readers use "
         "read_committed."},
    {.name = "transactional.id",
     .type = SLUICE_OPT_STRING,
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Transactional id, unique on the cluster; default: sluice-<pipeline>-<sink>-<task>."},
    {.name = "transaction.interval",
     .type = SLUICE_OPT_DURATION,
     .default_text = "200ms",
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 600000,
     .group = "Delivery",
     .importance = SLUICE_MEDIUM,
     .doc = "Longest time that a transaction stays open."},
    {.name = "transactional.id.prefix",
     .type = SLUICE_OPT_STRING,
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Instead of transactional.id: what comes before the number of the task."},
    {.name = "transaction.each.batch",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Commit after each batch of the source, as transaction.boundary=poll of Connect; "
            "transaction.interval is of no account then."},
    {.name = "position.format",
     .type = SLUICE_OPT_ENUM,
     .default_text = "native",
     .values = formats,
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Form of the position records; connect: Kafka Connect's source offsets, the position "
            "in headers."},
    {.name = "position.topic.partitions",
     .type = SLUICE_OPT_INT,
     .default_text = "1",
     .flags = SLUICE_OPT_RANGE,
     .min = -1,
     .max = 10000,
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Partitions of that topic when it is made; -1: the brokers' default."},
    {.name = "position.topic.replication.factor",
     .type = SLUICE_OPT_INT,
     .default_text = "-1",
     .flags = SLUICE_OPT_RANGE,
     .min = -1,
     .max = 32767,
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Its replication factor when it is made; -1: the brokers' default."},
    {.name = "position.topic",
     .type = SLUICE_OPT_STRING,
     .default_text = "sluice-positions",
     .group = "Delivery",
     .importance = SLUICE_LOW,
     .doc = "Compacted topic of the position records; made if it is missing."},
    {.name = "compression.type",
     .type = SLUICE_OPT_ENUM,
     .default_text = "none",
     .values = compressions,
     .group = "Producer",
     .importance = SLUICE_MEDIUM,
     .doc = "Codec of the record batches."},
    {.name = "linger.ms",
     .type = SLUICE_OPT_INT,
     .default_text = "10",
     .flags = SLUICE_OPT_RANGE,
     .min = 0,
     .max = 900000,
     .group = "Producer",
     .importance = SLUICE_MEDIUM,
     .doc = "Milliseconds to wait for more records of a partition before a request goes out."},
    {.name = "queue.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "16m",
     .flags = SLUICE_OPT_RANGE,
     .min = 1048576,
     .max = 2147483647,
     .group = "Producer",
     .importance = SLUICE_LOW,
     .doc = "Most bytes waiting in the client; past that the source waits."},
    {.name = "producer.override.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Producer",
     .importance = SLUICE_LOW,
     .doc = "Any producer property, as in a Connect source connector."},
    {.name = "admin.override.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Producer",
     .importance = SLUICE_LOW,
     .doc = "Any property of the client that makes topics, as in a Connect source connector."},
    KAFKA_CLIENT_DEFINITIONS("producer.override."),
    KAFKA_PRODUCER_DEFINITIONS("producer.override."),
    KAFKA_CLIENT_DEFINITIONS("admin.override."),
    KAFKA_ADMIN_DEFINITIONS("admin.override."),
};

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    kafka_sink_t *sink = calloc(1, sizeof(*sink));
    int rc;

    if (sink == NULL)
        return SLUICE_NO_MEMORY;
    sink->topic = api->config_text(ctx, "topic");
    sink->make_first = sink->topic != NULL && api->config_int(ctx, "topic.create");
    rc = kafka_creation_create(api, ctx, sink->make_first, &sink->creation);
    if (rc != SLUICE_OK) {
        free(sink);
        return rc;
    }
    sink->api = api;
    sink->ctx = ctx;
    sink->queue_bytes = api->config_int(ctx, "queue.bytes");
    sink->connect_offsets = (int)api->config_int(ctx, "position.format");
    sink->each_batch = (int)api->config_int(ctx, "transaction.each.batch");
    sink->produced =
        api->metric(ctx, SLUICE_COUNTER, "delivered_total", "Records acknowledged by the brokers.");
    sink->failed = api->metric(ctx, SLUICE_COUNTER, "failed_total",
                               "Records that the brokers or the client refused.");
    sink->transactions =
        api->metric(ctx, SLUICE_COUNTER, "transactions_total", "Transactions committed.");
    if (api->config_int(ctx, "exactly.once") && kafka_transaction_create(sink) != SLUICE_OK) {
        kafka_creation_destroy(sink->creation);
        free(sink);
        return SLUICE_NO_MEMORY;
    }
    *self = sink;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    kafka_sink_t *sink = self;

    kafka_transaction_destroy(sink);
    kafka_creation_destroy(sink->creation);
    free(sink);
}

/* ---- progress ---- */

static void on_client_destroyed(void *arg) {
    kafka_sink_t *sink = arg;

    if (sink->flushing) {
        sink->flushing = 0;
        sink->api->complete(sink->ctx, SLUICE_OP_FLUSH, SLUICE_CANCELLED);
    }
    sink->api->complete(sink->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static void destroy_client(void *arg) {
    kafka_sink_t *sink = arg;

    kafka_topics_destroy_client(sink);
    if (sink->client != NULL)
        rd_kafka_destroy(sink->client);
    sink->client = NULL;
}

/* Without memory for a helper thread the end takes a while here, but comes. */
static void end_client(kafka_sink_t *sink) {
    if (sink->api->offload(sink->ctx, destroy_client, on_client_destroyed, sink) == SLUICE_OK)
        return;
    destroy_client(sink);
    on_client_destroyed(sink);
}

static void on_pump_closed(void *arg) {
    kafka_sink_t *sink = arg;

    kafka_topics_forget(sink);
    end_client(sink);
}

void kafka_sink_progress(kafka_sink_t *sink) {
    int idle = sink->in_flight == 0 && (sink->tx == NULL || kafka_transaction_idle(sink));

    if (sink->contact.status == SLUICE_BUSY ||
        (sink->closing && (sink->making != NULL || sink->pushing)))
        return; /* an offload thread has the client */
    if (sink->closing && idle && sink->pump_open) {
        sink->pump_open = 0;
        kafka_pump_close(&sink->pump, on_pump_closed);
        return;
    }
    if (sink->flushing && idle) {
        sink->flushing = 0;
        sink->api->complete(sink->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    }
    if (sink->was_busy && !sink->closing && sink->pending == NULL && !kafka_delivery_alone(sink) &&
        !kafka_delivery_full(sink) && !(sink->tx && kafka_transaction_busy(sink))) {
        sink->was_busy = 0;
        sink->api->ready(sink->ctx);
    }
}

void kafka_sink_no_memory(kafka_sink_t *sink, const char *what) {
    if (sink->closing || !sink->opened)
        return;
    sink->opened = 0; /* said once */
    sink->api->broken(sink->ctx,
                      sink->api->fail(sink->ctx, SLUICE_NO_MEMORY, "kafka.memory",
                                      "the sink has no memory for %s and begins anew", what));
}

/* ---- events of the client ---- */

static void on_fatal(kafka_sink_t *sink) {
    char text[256];
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(sink->client, text, sizeof(text));
    int status;

    if (sink->closing || !sink->opened)
        return;
    status = kafka_is_fenced(err)
                 ? kafka_fail_fenced(sink)
                 : sink->api->fail(sink->ctx, SLUICE_NOT_CONNECTED, "kafka.fatal",
                                   "producer: %s: %s", rd_kafka_err2name(err), text);
    sink->opened = 0; /* said once */
    sink->api->broken(sink->ctx, status);
}

static void on_error_event(kafka_sink_t *sink, rd_kafka_event_t *event) {
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);

    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        on_fatal(sink);
        return;
    }
    if (!sink->opened)
        kafka_contact_heard(&sink->contact, err, rd_kafka_event_error_string(event));
    sink->api->log(sink->ctx, SLUICE_LOG_WARN, "kafka client: %s",
                   rd_kafka_event_error_string(event));
}

static void on_reports(kafka_sink_t *sink, rd_kafka_event_t *event) {
    const rd_kafka_message_t *message;

    while ((message = rd_kafka_event_message_next(event)) != NULL)
        kafka_delivery_report(sink, message);
}

static void serve_events(void *arg) {
    kafka_sink_t *sink = arg;
    rd_kafka_event_t *event;

    while (sink->pump_open && (event = rd_kafka_queue_poll(sink->pump.queue, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            on_reports(sink, event);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            on_error_event(sink, event);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG)
            kafka_log_event(sink->api, sink->ctx, &sink->contact, event);
        rd_kafka_event_destroy(event);
    }
    kafka_delivery_continue(sink);
    if (sink->tx != NULL)
        kafka_transaction_give_up(sink);
    kafka_sink_progress(sink);
}

/* ---- open ---- */

static int set_producer_conf(kafka_sink_t *sink, rd_kafka_conf_t *conf) {
    const sluice_api_t *api = sink->api;
    sluice_ctx_t *ctx = sink->ctx;
    int64_t kilobytes = api->config_int(ctx, "queue.bytes") / 1024;

    /* Connect's producer settings: idempotent, patient, Java's partitioner. */
    if (kafka_conf_set(api, ctx, conf, "enable.idempotence", "true") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "message.timeout.ms", "0") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "partitioner", "murmur2_random") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "message.max.bytes", "1048576") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "queue.buffering.max.messages", "1000000") != SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "log.queue", "true") != SLUICE_OK ||
        kafka_conf_set_int(api, ctx, conf, "queue.buffering.max.kbytes", kilobytes) != SLUICE_OK ||
        kafka_conf_set_int(api, ctx, conf, "linger.ms", api->config_int(ctx, "linger.ms")) !=
            SLUICE_OK ||
        kafka_conf_set(api, ctx, conf, "compression.codec",
                       api->config_text(ctx, "compression.type")) != SLUICE_OK)
        return SLUICE_INVALID;
    return SLUICE_OK;
}

static int set_transactional_id(kafka_sink_t *sink, rd_kafka_conf_t *conf) {
    const sluice_api_t *api = sink->api;
    const char *given = api->config_text(sink->ctx, "transactional.id");
    const char *prefix = api->config_text(sink->ctx, "transactional.id.prefix");
    char id[512];

    if (prefix != NULL)
        snprintf(id, sizeof(id), "%s%d", prefix, (int)api->task_number(sink->ctx));
    else
        snprintf(id, sizeof(id), "sluice-%s-%s-%d", api->pipeline_name(sink->ctx),
                 api->instance_name(sink->ctx), (int)api->task_number(sink->ctx));
    return kafka_conf_set(api, sink->ctx, conf, "transactional.id", given != NULL ? given : id);
}

/* The broker ends a transaction that stays open for too long, so its limit lies above ours. */
static int set_transaction_conf(kafka_sink_t *sink, rd_kafka_conf_t *conf) {
    return kafka_conf_set_int(sink->api, sink->ctx, conf, "transaction.timeout.ms",
                              sink->api->config_int(sink->ctx, "transaction.interval") +
                                  MESSAGE_TIMEOUT_MS);
}

/* Messages have a deadline, below that of their transaction. */
static int force_transaction_conf(kafka_sink_t *sink, rd_kafka_conf_t *conf) {
    const sluice_api_t *api = sink->api;
    char text[32] = "";
    size_t size = sizeof(text);
    int64_t limit = MESSAGE_TIMEOUT_MS;

    if (rd_kafka_conf_get(conf, "transaction.timeout.ms", text, &size) == RD_KAFKA_CONF_OK &&
        strtoll(text, NULL, 10) < limit)
        limit = strtoll(text, NULL, 10);
    if (set_transactional_id(sink, conf) != SLUICE_OK ||
        kafka_conf_set(api, sink->ctx, conf, "enable.idempotence", "true") != SLUICE_OK)
        return SLUICE_INVALID;
    return kafka_conf_set_int(api, sink->ctx, conf, "message.timeout.ms", limit);
}

static rd_kafka_conf_t *producer_conf(kafka_sink_t *sink) {
    const sluice_api_t *api = sink->api;
    rd_kafka_conf_t *conf = kafka_conf_create(api, sink->ctx);

    if (conf == NULL)
        return NULL;
    /* What makes it exactly once is not for the producer's properties to say. */
    if (set_producer_conf(sink, conf) == SLUICE_OK &&
        (sink->tx == NULL || set_transaction_conf(sink, conf) == SLUICE_OK) &&
        kafka_conf_apply(api, sink->ctx, conf, kafka_sink_families) == SLUICE_OK &&
        (sink->tx == NULL || force_transaction_conf(sink, conf) == SLUICE_OK)) {
        rd_kafka_conf_set_events(conf,
                                 RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
        return conf;
    }
    rd_kafka_conf_destroy(conf);
    return NULL;
}

/* With the option topic.create: offload thread. */
static void make_topic(kafka_sink_t *sink) {
    memset(&sink->made, 0, sizeof(sink->made));
    if (sink->make_first)
        kafka_topics_make_blocking(sink, sink->topic, &sink->made);
}

/* Offload thread. */
static void connect_cluster(void *arg) {
    kafka_sink_t *sink = arg;

    sink->contact.error[0] = '\0';
    if (kafka_first_contact(sink->client, &sink->contact) != SLUICE_OK)
        return;
    if (!atomic_load(&sink->contact.stop))
        make_topic(sink);
    if (sink->tx != NULL && !atomic_load(&sink->contact.stop))
        kafka_transaction_prepare(sink);
}

static int fail_topic(kafka_sink_t *sink) {
    if (sink->made.status == SLUICE_FATAL)
        return sink->api->fail(sink->ctx, SLUICE_FATAL, KAFKA_CONNECT_EXCEPTION, "%s",
                               sink->made.error);
    return sink->api->fail(sink->ctx, SLUICE_RETRY, "kafka.topic",
                           "topic %s cannot be made yet: %s", sink->topic, sink->made.error);
}

static void on_connected(void *arg) {
    kafka_sink_t *sink = arg;
    int status = SLUICE_OK;

    if (sink->pump_open)
        serve_events(sink); /* what the client had to say meanwhile */
    if (sink->contact.error[0] != '\0')
        status = kafka_fail_contact(sink->api, sink->ctx, &sink->contact);
    else if (sink->made.status != SLUICE_OK)
        status = fail_topic(sink);
    else if (sink->tx != NULL && !sink->closing)
        status = kafka_transaction_announce(sink);
    sink->contact.status = status;
    sink->opened = status == SLUICE_OK;
    sink->api->complete(sink->ctx, SLUICE_OP_OPEN, status);
    if (sink->closing)
        kafka_sink_progress(sink);
}

static int sink_open(void *self) {
    kafka_sink_t *sink = self;
    rd_kafka_conf_t *conf = producer_conf(sink);
    char error[256];
    int rc;

    if (conf == NULL)
        return SLUICE_FATAL;
    kafka_window_init(&sink->window, conf);
    sink->client = kafka_client_open(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (sink->client == NULL)
        return sink->api->fail(sink->ctx, SLUICE_FATAL, "kafka.config", "producer: %s", error);
    rd_kafka_set_log_queue(sink->client, NULL);
    rc = kafka_pump_open(&sink->pump, sink->api, sink->ctx, rd_kafka_queue_get_main(sink->client),
                         serve_events, sink);
    if (rc != SLUICE_OK)
        return rc;
    sink->pump_open = 1;
    if (sink->tx != NULL && kafka_transaction_configure(sink) != SLUICE_OK)
        return SLUICE_FATAL;
    if (kafka_topics_configure(sink) != SLUICE_OK)
        return SLUICE_FATAL;
    sink->contact.status = SLUICE_BUSY;
    rc = sink->api->offload(sink->ctx, connect_cluster, on_connected, sink);
    if (rc != SLUICE_OK)
        sink->contact.status = rc; /* nobody is on the way, close need not wait */
    return rc;
}

/* ---- running ---- */

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    kafka_sink_t *sink = self;
    int rc;

    if (sink->pending != NULL || kafka_delivery_alone(sink) || kafka_delivery_full(sink) ||
        (sink->tx != NULL && kafka_transaction_busy(sink))) {
        sink->was_busy = 1;
        return SLUICE_BUSY;
    }
    if (sink->tx != NULL) {
        rc = kafka_transaction_check(sink, batch);
        if (rc == SLUICE_OK)
            rc = kafka_transaction_begin(sink);
        if (rc != SLUICE_OK)
            return rc;
    }
    rc = kafka_delivery_begin(sink, batch, ticket);
    if (rc == SLUICE_OK && sink->tx != NULL && sink->each_batch)
        kafka_transaction_commit_soon(sink);
    return rc;
}

static int sink_flush(void *self) {
    kafka_sink_t *sink = self;

    sink->flushing = 1;
    if (sink->tx != NULL)
        kafka_transaction_commit_soon(sink);
    kafka_sink_progress(sink);
    kafka_flush_push(sink);
    return SLUICE_OK;
}

static void close_now(void *arg) {
    kafka_sink_progress(arg);
}

static int sink_close(void *self) {
    kafka_sink_t *sink = self;

    sink->closing = 1;
    atomic_store(&sink->contact.stop, 1);
    if (!sink->pump_open) {
        end_client(sink);
        return SLUICE_OK;
    }
    kafka_delivery_cancel_pending(sink);
    if (sink->tx != NULL)
        kafka_transaction_stop(sink);
    rd_kafka_purge(sink->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (sink->contact.status == SLUICE_BUSY)
        return SLUICE_OK; /* on_connected goes on when the first contact has ended */
    if (sink->api->post(sink->ctx, close_now, sink) != SLUICE_OK)
        close_now(sink);
    return SLUICE_OK;
}

static int sink_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    kafka_conf_check(api, ctx, kafka_sink_families);
    if (api->config_int(ctx, "topic.create") && api->config_text(ctx, "topic") == NULL)
        api->config_error(ctx, "topic.create", "has no effect without topic");
    if (!api->config_int(ctx, "exactly.once") && api->config_given(ctx, "transactional.id"))
        api->config_error(ctx, "transactional.id", "has no effect without exactly.once=true");
    return SLUICE_OK;
}

static const sluice_sink_t kafka_sink = {
    .size = sizeof(sluice_sink_t),
    .failure_mode = SLUICE_PER_RECORD,
    .flags = SLUICE_SINK_BYTES | SLUICE_SINK_OWN_POSITION | SLUICE_SINK_EMPTY_BATCHES |
             SLUICE_SINK_OFFSETS,
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_SINK,
    .name = "kafka",
    .aliases = aliases,
    .summary = "Writes records to Apache Kafka topics, at least once or exactly once.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .check = sink_check,
    .probe = kafka_sink_probe,
    .sink = &kafka_sink,
}};

SLUICE_DEFINE_MODULE("kafka-sink", SLUICE_VERSION, "Apache-2.0", plugins);
