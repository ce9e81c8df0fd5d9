#include "kafka_source.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/contact.h"
#include "clients/kafka/definitions.h"
#include "offsets.h"

static const char *const aliases[] = {"@topics", "kafka-source", NULL};
const char *const kafka_source_families[] = {"client.", "consumer.override.", NULL};
static const char *const resets[] = {"earliest", "latest", "none", NULL};
static const char *const isolations[] = {"read_committed", "read_uncommitted", NULL};

static const sluice_option_t options[] = {
    KAFKA_COMMON_OPTIONS,
    {.name = "topics",
     .type = SLUICE_OPT_LIST,
     .group = "Topics",
     .importance = SLUICE_HIGH,
     .doc = "Topics to read, comma separated."},
    {.name = "topics.regex",
     .type = SLUICE_OPT_STRING,
     .group = "Topics",
     .importance = SLUICE_HIGH,
     .doc = "Java pattern of the whole name of topics to read; instead of topics."},
    {.name = "group.id",
     .type = SLUICE_OPT_STRING,
     .group = "Consumer",
     .importance = SLUICE_MEDIUM,
     .doc = "Consumer group; default: connect-<pipeline>."},
    {.name = "client.id",
     .type = SLUICE_OPT_STRING,
     .group = "Consumer",
     .importance = SLUICE_LOW,
     .doc = "Name of the client, to which - and the task's number are added."},
    {.name = "auto.offset.reset",
     .type = SLUICE_OPT_ENUM,
     .values = resets,
     .default_text = "earliest",
     .group = "Consumer",
     .importance = SLUICE_MEDIUM,
     .doc = "Where to begin when the group has no offset."},
    {.name = "isolation.level",
     .type = SLUICE_OPT_ENUM,
     .values = isolations,
     .default_text = "read_committed",
     .group = "Consumer",
     .importance = SLUICE_MEDIUM,
     .doc = "Whether records of open or aborted transactions are seen."},
    {.name = "queue.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "16m",
     .flags = SLUICE_OPT_RANGE,
     .min = 65536,
     .max = 2147483647,
     .group = "Consumer",
     .importance = SLUICE_LOW,
     .doc = "Most bytes fetched ahead by the client."},
    {.name = "consumer.override.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Consumer",
     .importance = SLUICE_LOW,
     .doc = "Any consumer property, as in a Connect sink connector."},
    {.name = "admin.override.",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_PREFIX,
     .group = "Consumer",
     .importance = SLUICE_LOW,
     .doc = "Any property of the client that reads and sets the group's offsets for users."},
    KAFKA_CLIENT_DEFINITIONS("consumer.override."),
    KAFKA_CONSUMER_DEFINITIONS("consumer.override."),
    KAFKA_CLIENT_DEFINITIONS("admin.override."),
    KAFKA_ADMIN_DEFINITIONS("admin.override."),
};

static int source_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    kafka_source_t *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return SLUICE_NO_MEMORY;
    source->api = api;
    source->ctx = ctx;
    source->messages =
        api->metric(ctx, SLUICE_COUNTER, "messages_total", "Messages taken from the brokers.");
    source->rebalances = api->metric(ctx, SLUICE_COUNTER, "rebalances_total",
                                     "Assignments and revocations of partitions.");
    *self = source;
    return SLUICE_OK;
}

static void source_destroy(void *self) {
    kafka_source_t *source = self;

    while (source->assigned_count > 0)
        free(source->assigned[--source->assigned_count].topic);
    free(source->assigned);
    kafka_discovery_fini(source);
    free(source);
}

/* ---- close: leave the group (blocks, so offloaded), then let go of the client ---- */

static void on_left(void *arg) {
    kafka_source_t *source = arg;

    source->client = NULL;
    source->api->complete(source->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static void leave_group(void *arg) {
    kafka_source_t *source = arg;

    rd_kafka_consumer_close(source->client->handle);
    kafka_client_unref(source->client); /* may block, too */
}

static void on_pump_closed(void *arg) {
    kafka_source_t *source = arg;

    if (source->api->offload(source->ctx, leave_group, on_left, source) == SLUICE_OK)
        return;
    leave_group(source); /* no memory for a helper thread: the end takes a while, but comes */
    on_left(source);
}

static void begin_close(kafka_source_t *source) {
    if (!source->pump_open) {
        on_pump_closed(source);
        return;
    }
    source->pump_open = 0;
    kafka_pump_close(&source->pump, on_pump_closed);
}

static void nothing_to_close(void *arg) {
    kafka_source_t *source = arg;

    source->api->complete(source->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static int source_close(void *self) {
    kafka_source_t *source = self;

    source->closing = 1;
    kafka_lag_stop(source);
    atomic_store(&source->contact.stop, 1);
    if (source->client == NULL)
        return source->api->post(source->ctx, nothing_to_close, source);
    if (source->contact.status != SLUICE_BUSY) /* else on_contact goes on */
        begin_close(source);
    return SLUICE_OK;
}

/* ---- open ---- */

static int open_pump(kafka_source_t *source) {
    int rc = kafka_pump_open(&source->pump, source->api, source->ctx,
                             rd_kafka_queue_get_consumer(source->client->handle),
                             kafka_consumer_serve, source);

    source->pump_open = rc == SLUICE_OK;
    return rc;
}

static void contact(void *arg) {
    kafka_source_t *source = arg;

    source->contact.error[0] = '\0';
    kafka_first_contact(source->client->handle, &source->contact);
}

static void on_contact(void *arg) {
    kafka_source_t *source = arg;
    int status = SLUICE_OK;

    if (source->pump_open && !source->closing)
        kafka_consumer_serve(source); /* what the client had to say meanwhile */
    if (source->contact.error[0] != '\0')
        status = kafka_fail_contact(source->api, source->ctx, &source->contact);
    else if (!source->closing)
        status = kafka_consumer_subscribe(source);
    if (status == SLUICE_OK && !source->closing)
        kafka_lag_start(source);
    source->contact.status = status;
    source->api->complete(source->ctx, SLUICE_OP_OPEN, status);
    if (source->closing)
        begin_close(source);
}

static int source_open(void *self) {
    kafka_source_t *source = self;
    int rc = kafka_consumer_open(source);

    if (rc == SLUICE_OK)
        rc = open_pump(source);
    if (rc != SLUICE_OK)
        return rc;
    source->contact.status = SLUICE_BUSY;
    rc = source->api->offload(source->ctx, contact, on_contact, source);
    if (rc != SLUICE_OK)
        source->contact.status = rc; /* nobody is on the way, close need not wait */
    return rc;
}

/* ---- running ---- */

static void source_on_credit(void *self) {
    kafka_consumer_serve(self);
}

static void source_pause(void *self) {
    kafka_source_t *source = self;

    source->paused = 1;
}

static void source_resume(void *self) {
    kafka_source_t *source = self;

    source->paused = 0;
    kafka_consumer_serve(source);
}

static void source_committed(void *self, uint32_t source_partition,
                             const sluice_position_t *position, sluice_str_t offset) {
    (void)offset;
    if (position->len == sizeof(uint64_t))
        kafka_consumer_committed(self, source_partition,
                                 (int64_t)sluice_get_be64(position->bytes) + 1);
}

static int source_offset_json(void *self, const sluice_position_t *position, sluice_str_t offset,
                              sluice_buf_t *out) {
    kafka_source_t *source = self;
    int64_t next = (int64_t)sluice_get_be64(position->bytes) + 1;

    (void)offset;
    sluice_buf_put_str(out, sluice_str("{\"kafka_offset\":"));
    source->api->json->write_int(out, next);
    sluice_buf_put_char(out, '}');
    return out->status;
}

static int source_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *const *topics = NULL;
    int has_topics = api->config_list(ctx, "topics", &topics) > 0;
    int has_regex = api->config_text(ctx, "topics.regex") != NULL;

    if (has_topics && has_regex)
        api->config_error(ctx, "topics.regex",
                          "topics and topics.regex exclude each other: give one of them");
    if (!has_topics && !has_regex)
        api->config_error(ctx, "topics", "says nothing to read: give topics or topics.regex");
    kafka_discovery_check(api, ctx);
    kafka_conf_check(api, ctx, kafka_source_families);
    return SLUICE_OK;
}

/* As many as asked for: the group shares the partitions out. */
static int source_plan(const sluice_api_t *api, sluice_ctx_t *ctx, int32_t max_tasks) {
    (void)api;
    (void)ctx;
    return max_tasks;
}

static const sluice_source_t kafka_source = {
    .size = sizeof(sluice_source_t),
    .create = source_create,
    .destroy = source_destroy,
    .open = source_open,
    .on_credit = source_on_credit,
    .pause = source_pause,
    .resume = source_resume,
    .committed = source_committed,
    .offset_json = source_offset_json,
    .close = source_close,
    .plan = source_plan,
    .alter_offsets = kafka_alter_offsets,
    .read_offsets = kafka_read_offsets,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_SOURCE,
    .name = "kafka",
    .aliases = aliases,
    .summary = "Reads Apache Kafka topics as a member of a consumer group.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .check = source_check,
    .probe = kafka_source_probe,
    .source = &kafka_source,
}};

SLUICE_DEFINE_MODULE("kafka-source", SLUICE_VERSION, "Apache-2.0", plugins);
