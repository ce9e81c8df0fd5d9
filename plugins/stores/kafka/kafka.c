#include "topic_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/client_conf.h"

enum { CLUSTER_MS = 5000 };

static const char *const families[] = {"client.", NULL};

static const char *const aliases[] = {"@worker", NULL};

#define LOG_OPTIONS(family, what)                                                                 \
    {.name = family "topic",                                                                      \
     .type = SLUICE_OPT_STRING,                                                                   \
     .flags = SLUICE_OPT_REQUIRED,                                                                \
     .group = "Topics",                                                                           \
     .importance = SLUICE_HIGH,                                                                   \
     .doc = "The compacted topic that keeps " what "."},                                          \
        {.name = family "partitions",                                                             \
         .type = SLUICE_OPT_INT,                                                                  \
         .default_text = "-1",                                                                    \
         .group = "Topics",                                                                       \
         .importance = SLUICE_LOW,                                                                \
         .doc = "How many partitions it gets when it is made; -1: the broker's default."},        \
        {.name = family "replication.factor",                                                     \
         .type = SLUICE_OPT_SHORT,                                                                \
         .default_text = "-1",                                                                    \
         .group = "Topics",                                                                       \
         .importance = SLUICE_LOW,                                                                \
         .doc = "How many replicas it gets when it is made; -1: the broker's default."},          \
    {                                                                                             \
        .name = family, .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_PREFIX, .group = "Topics", \
        .importance = SLUICE_LOW, .doc = "Settings of the topic when it is made."                 \
    }

static const sluice_option_t options[] = {
    KAFKA_COMMON_OPTIONS,
    {.name = "group.id",
     .type = SLUICE_OPT_STRING,
     .group = "Connection",
     .importance = SLUICE_MEDIUM,
     .doc = "The group of the workers: while one of them runs, this store does not open."},
    LOG_OPTIONS("config.storage.", "configurations"),
    LOG_OPTIONS("offset.storage.", "offsets of sources"),
    LOG_OPTIONS("status.storage.", "states"),
};

static const store_log_t log_table[STORE_LOGS] = {
    {.family = "config.storage.", .keeps = "connector configurations"},
    {.family = "offset.storage.", .keeps = "source connector offsets"},
    {.family = "status.storage.", .keeps = "connector and task statuses"},
};

const char *topic_store_option(const topic_store_t *s, const store_log_t *log, const char *name) {
    char key[64];

    snprintf(key, sizeof(key), "%s%s", log->family, name);
    return s->api->config_text(s->ctx, key);
}

int topic_store_note(topic_store_t *s, int status, const char *code, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(s->error, sizeof(s->error), fmt, args);
    va_end(args);
    s->code = code;
    return status;
}

int topic_store_conf(topic_store_t *s, const topic_store_setting_t *own, rd_kafka_conf_t **out) {
    rd_kafka_conf_t *conf = kafka_conf_create(s->api, s->ctx);
    int status;

    if (conf == NULL)
        return SLUICE_INVALID;
    status = kafka_conf_apply(s->api, s->ctx, conf, families);
    for (; own->name != NULL && status == SLUICE_OK; own++)
        status = kafka_conf_set(s->api, s->ctx, conf, own->name, own->value);
    if (status == SLUICE_OK)
        status = kafka_conf_set(s->api, s->ctx, conf, "log.queue", "true");
    if (status == SLUICE_OK)
        *out = conf;
    else
        rd_kafka_conf_destroy(conf);
    return status;
}

int topic_store_client(topic_store_t *s, rd_kafka_type_t type, rd_kafka_conf_t *conf, int events,
                       rd_kafka_t **out) {
    char error[512];

    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | events);
    *out = kafka_client_open(type, conf, error, sizeof(error));
    if (*out == NULL)
        return s->api->fail(s->ctx, SLUICE_FATAL, "kafka-store.client", "%s", error);
    rd_kafka_set_log_queue(*out, NULL);
    return SLUICE_OK;
}

static int store_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    topic_store_t *s = calloc(1, sizeof(*s));
    int i;

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    memcpy(s->logs, log_table, sizeof(log_table));
    for (i = 0; i < STORE_LOGS; i++)
        s->logs[i].topic = topic_store_option(s, &s->logs[i], "topic");
    *self = s;
    return SLUICE_OK;
}

static void store_destroy(void *self) {
    topic_store_t *s = self;
    int i;

    for (i = 0; i < STORE_LOGS; i++) {
        free(s->logs[i].ends);
        free(s->logs[i].held);
    }
    free(s->cluster);
    free(s);
}

/* ---- close: the pumps, then the clients on an offload thread ---- */

static void destroy_clients(void *arg) {
    topic_store_t *s = arg;
    int i;

    topic_store_end_asking(s);
    topic_store_end_named(s);
    for (i = 0; i < STORE_LOGS; i++)
        if (s->logs[i].writer != NULL)
            rd_kafka_topic_destroy(s->logs[i].writer);
    if (s->producer != NULL)
        rd_kafka_destroy(s->producer);
}

static void on_destroyed(void *arg) {
    topic_store_t *s = arg;

    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

/* The pumps of the consumer; then `then`. */
static int close_ask_pumps(topic_store_t *s, void (*then)(void *arg)) {
    if (s->read_pump_open) {
        s->read_pump_open = 0;
        kafka_pump_close(&s->read_pump, then);
    } else if (s->ask_pump_open) {
        s->ask_pump_open = 0;
        kafka_pump_close(&s->ask_pump, then);
    } else {
        return 0;
    }
    return 1;
}

static void go_on_closing(void *arg) {
    topic_store_t *s = arg;

    if (close_ask_pumps(s, go_on_closing))
        return;
    if (s->pump_open) {
        s->pump_open = 0;
        rd_kafka_purge(s->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        topic_store_serve(s);
        kafka_pump_close(&s->pump, go_on_closing);
    } else if (s->api->offload(s->ctx, destroy_clients, on_destroyed, s) != SLUICE_OK) {
        destroy_clients(s);
        on_destroyed(s);
    }
}

static int store_close(void *self) {
    topic_store_t *s = self;

    s->closing = 1;
    atomic_store(&s->contact.stop, 1);
    return s->busy || s->jobs > 0 ? SLUICE_OK : s->api->post(s->ctx, go_on_closing, s);
}

/* What close waited for has ended. */
static void close_if_idle(topic_store_t *s) {
    if (s->closing && !s->busy && s->jobs == 0)
        go_on_closing(s);
}

int topic_store_begin_job(topic_store_t *s, void (*work)(void *arg), void (*done)(void *arg),
                          void *arg) {
    int status = s->api->offload(s->ctx, work, done, arg);

    s->jobs += status == SLUICE_OK;
    return status;
}

void topic_store_end_job(topic_store_t *s) {
    s->jobs--;
    close_if_idle(s);
}

/* ---- open: ask and make topics, read, let go of the consumer ---- */

static void finish_open(topic_store_t *s, int status) {
    s->busy = 0;
    s->api->complete(s->ctx, SLUICE_OP_OPEN, s->closing ? SLUICE_CANCELLED : status);
    close_if_idle(s);
}

static void on_asking_ended(void *arg) {
    finish_open(arg, SLUICE_OK);
}

static void end_asking(void *arg) {
    topic_store_t *s = arg;

    if (!close_ask_pumps(s, end_asking) &&
        s->api->offload(s->ctx, topic_store_end_asking, on_asking_ended, s) != SLUICE_OK)
        finish_open(s, SLUICE_NO_MEMORY);
}

void topic_store_have_read(topic_store_t *s) {
    s->busy = 1;
    end_asking(s);
}

/* Blocks, on an offload thread. */
static void prepare(void *arg) {
    topic_store_t *s = arg;

    s->error[0] = s->contact.error[0] = '\0';
    s->prepared = kafka_first_contact(s->consumer, &s->contact);
    if (s->prepared != SLUICE_OK)
        return;
    s->cluster = rd_kafka_clusterid(s->consumer, CLUSTER_MS);
    s->prepared = topic_store_prepare_group(s);
    if (s->prepared == SLUICE_OK)
        s->prepared = topic_store_prepare_topics(s);
    if (s->prepared == SLUICE_OK && s->wanted)
        s->prepared = topic_store_prepare_ends(s);
}

static int failed(topic_store_t *s) {
    if (s->contact.error[0] != '\0')
        return kafka_fail_contact(s->api, s->ctx, &s->contact);
    return s->api->fail(s->ctx, s->prepared, s->code, "%s", s->error);
}

static void on_prepared(void *arg) {
    topic_store_t *s = arg;
    int status = s->prepared;

    topic_store_serve_asking(s); /* what the client had to say meanwhile */
    if (status != SLUICE_OK && !s->closing)
        status = failed(s);
    if (status == SLUICE_OK && !s->closing)
        status = topic_store_open_writing(s);
    if (status != SLUICE_OK || s->closing) {
        finish_open(s, status);
        return;
    }
    if (s->cluster != NULL)
        s->api->store_system(s->ctx, s->cluster);
    if (!s->wanted) {
        end_asking(s);
        return;
    }
    s->busy = 0; /* from here the loop has it: topic_store_have_read goes on */
    status = topic_store_read(s);
    if (status != SLUICE_OK)
        finish_open(s, status);
}

static int store_open(void *self) {
    topic_store_t *s = self;
    int status = topic_store_open_asking(s);

    if (status != SLUICE_OK)
        return status;
    s->busy = 1;
    s->wanted = s->api->store_wanted(s->ctx);
    return s->api->offload(s->ctx, prepare, on_prepared, s);
}

/* ---- the module ---- */

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    kafka_conf_check(api, ctx, families);
    return SLUICE_OK;
}

static const sluice_store_t store_table = {
    .size = sizeof(sluice_store_t),
    .create = store_create,
    .destroy = store_destroy,
    .open = store_open,
    .write = topic_store_write,
    .close = store_close,
    .fence = topic_store_fence,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_STORE,
        .name = "kafka-store",
        .aliases = aliases,
        .summary =
            "Keeps a Connect worker's configurations, offsets and states in compacted topics",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = check,
        .store = &store_table,
    },
};

SLUICE_DEFINE_MODULE("kafka-store", SLUICE_VERSION, "Apache-2.0", plugins);
