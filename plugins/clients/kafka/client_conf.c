#include "clients/kafka/client_conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/contact.h"
#include "clients/kafka/properties.h"
#include "clients/kafka/security.h"
#include "support/endpoint.h"

enum { ERROR_TEXT = 512, VALUE_TEXT = 256, MAX_NAMES = 1024 };

/* How a property of the Java clients is said to librdkafka. target NULL: it has no meaning here and
 * is skipped. */
struct translation {
    const char *java;
    const char *target;
    int kilobytes; /* Java counts bytes, librdkafka KiB */
};

static const struct translation translations[] = {
    {"buffer.memory", "queue.buffering.max.kbytes", 1},
    {"max.request.size", "message.max.bytes", 0},
    {"fetch.max.wait.ms", "fetch.wait.max.ms", 0},
    {"metadata.max.age.ms", "topic.metadata.refresh.interval.ms", 0},
    {"send.buffer.bytes", "socket.send.buffer.bytes", 0},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes", 0},
    {"key.serializer", NULL, 0},
    {"value.serializer", NULL, 0},
    {"key.deserializer", NULL, 0},
    {"value.deserializer", NULL, 0},
    {"max.block.ms", NULL, 0},
    {"max.poll.records", NULL, 0},
    {"partitioner.class", NULL, 0},
    {"interceptor.classes", NULL, 0},
};

static const struct translation *find_translation(const char *name) {
    size_t i;

    for (i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
        if (strcmp(translations[i].java, name) == 0)
            return &translations[i];
    }
    return NULL;
}

/* org.apache.kafka.clients.consumer.XAssignor, ... -> librdkafka's names. */
static const char *assignor(const char *value) {
    if (strstr(value, "CooperativeStickyAssignor") != NULL)
        return "cooperative-sticky";
    if (strstr(value, "RoundRobinAssignor") != NULL)
        return "roundrobin";
    if (strstr(value, "RangeAssignor") != NULL)
        return "range,roundrobin";
    return value;
}

/* ---- names that nobody knows ---- */

/* What librdkafka knows by Java's names, too, but does not list, and what is translated elsewhere:
 * for hints. */
static const char *const more_names[] = {
    "acks", "auto.offset.reset", "batch.size", "compression.type", "delivery.timeout.ms",
    "fetch.max.bytes", "linger.ms", "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes", "request.timeout.ms", "retries", "sasl.jaas.config",
    "sasl.login.callback.handler.class", "sasl.mechanism", "sasl.oauthbearer.token.endpoint.url",
    "security.protocol", "ssl.endpoint.identification.algorithm", "ssl.keystore.certificate.chain",
    "ssl.keystore.key", "ssl.keystore.type", "ssl.truststore.certificates",
    "ssl.truststore.location", "ssl.truststore.password", "ssl.truststore.type"};

static void tell_unknown(kafka_properties_t *p, const kafka_property_t *property,
                         rd_kafka_conf_t *conf) {
    size_t count = 0;
    const char **dump = rd_kafka_conf_dump(conf, &count);
    const char *names[MAX_NAMES + 1];
    const char *near;
    size_t n = 0;
    size_t i;

    for (i = 0; i < sizeof(translations) / sizeof(translations[0]); i++)
        names[n++] = translations[i].java;
    for (i = 0; i < sizeof(more_names) / sizeof(more_names[0]); i++)
        names[n++] = more_names[i];
    for (i = 0; i < count && n < MAX_NAMES; i += 2)
        names[n++] = dump[i];
    names[n] = NULL;
    near = kafka_nearest(property->name, names);
    if (strcmp(property->prefix, "client.") == 0)
        kafka_properties_fault(p, property->name, "no Kafka client has such a property%s%s%s",
                               near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                               near != NULL ? "?" : "");
    else
        kafka_properties_warn(p, property->name,
                              "librdkafka %s has no such property: ignored%s%s%s",
                              rd_kafka_version_str(), near != NULL ? "; did you mean " : "",
                              near != NULL ? near : "", near != NULL ? "?" : "");
    rd_kafka_conf_dump_free(dump, count);
}

/* ---- one property ---- */

static void apply_one(kafka_properties_t *p, const kafka_property_t *property,
                      rd_kafka_conf_t *conf) {
    const struct translation *t = find_translation(property->name);
    const char *value = property->value;
    char kilobytes[VALUE_TEXT];
    char error[ERROR_TEXT];
    rd_kafka_conf_res_t res;

    if (t != NULL && t->target == NULL) {
        kafka_properties_warn(p, property->name, "has no meaning for this client and is ignored");
        return;
    }
    if (strcmp(property->name, "partition.assignment.strategy") == 0)
        value = assignor(value);
    if (t != NULL && t->kilobytes) {
        snprintf(kilobytes, sizeof(kilobytes), "%lld", strtoll(value, NULL, 10) / 1024);
        value = kilobytes;
    }
    res = rd_kafka_conf_set(conf, t != NULL ? t->target : property->name, value, error,
                            sizeof(error));
    if (res == RD_KAFKA_CONF_UNKNOWN)
        tell_unknown(p, property, conf);
    else if (res != RD_KAFKA_CONF_OK)
        kafka_properties_fault(p, property->name, "%s", error);
}

/* Whether a property is about reaching the brokers, whatever the client does there. */
static int is_of_connection(const char *name) {
    static const char *const families[] = {"bootstrap.servers",
                                           "metadata.broker.list",
                                           "client.dns.",
                                           "security.",
                                           "ssl.",
                                           "sasl.",
                                           "enable.ssl.",
                                           "enable.sasl.",
                                           "broker.address.",
                                           "socket.",
                                           "reconnect.",
                                           "connections.max."};
    size_t i;

    for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return 1;
    }
    return 0;
}

static void apply_all(kafka_properties_t *p, rd_kafka_conf_t *conf, int only_connection) {
    size_t i;

    kafka_security_apply(p, conf);
    for (i = 0; i < p->count; i++) {
        if (!p->list[i].used && (!only_connection || is_of_connection(p->list[i].name)))
            apply_one(p, &p->list[i], conf);
    }
}

static int apply(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                 const char *const *prefixes, int only_connection) {
    kafka_properties_t p;
    int rc = kafka_properties_init(&p, api, ctx, prefixes, 0);

    if (rc != SLUICE_OK)
        return rc;
    apply_all(&p, conf, only_connection);
    rc = kafka_properties_result(&p);
    kafka_properties_fini(&p);
    return rc;
}

int kafka_conf_set(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                   const char *name, const char *value) {
    char error[ERROR_TEXT];

    if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) == RD_KAFKA_CONF_OK)
        return SLUICE_OK;
    return api->fail(ctx, SLUICE_INVALID, "kafka.config", "Kafka client property %s: %s", name,
                     error);
}

int kafka_conf_set_int(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                       const char *name, int64_t value) {
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    return kafka_conf_set(api, ctx, conf, name, text);
}

/* ---- a configuration ---- */

rd_kafka_conf_t *kafka_conf_create(const sluice_api_t *api, sluice_ctx_t *ctx) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char client_id[VALUE_TEXT];

    snprintf(client_id, sizeof(client_id), "sluice-%s-%s-%d", api->pipeline_name(ctx),
             api->instance_name(ctx), (int)api->task_number(ctx));
    if (kafka_conf_set(api, ctx, conf, "bootstrap.servers",
                       api->config_text(ctx, "bootstrap.servers")) == SLUICE_OK &&
        kafka_conf_set(api, ctx, conf, "client.id", client_id) == SLUICE_OK)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

int kafka_conf_apply(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                     const char *const *prefixes) {
    return apply(api, ctx, conf, prefixes, 0);
}

int kafka_conf_apply_connection(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                                const char *const *prefixes) {
    return apply(api, ctx, conf, prefixes, 1);
}

void kafka_conf_check(const sluice_api_t *api, sluice_ctx_t *ctx, const char *const *prefixes) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    kafka_properties_t p;

    endpoint_check_hosts(api, ctx, "bootstrap.servers");
    if (kafka_properties_init(&p, api, ctx, prefixes, 1) == SLUICE_OK) {
        apply_all(&p, conf, 0);
        kafka_properties_fini(&p);
    }
    rd_kafka_conf_destroy(conf);
}

/* ---- a client ---- */

rd_kafka_t *kafka_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *error,
                              size_t size) {
    rd_kafka_t *client;
    rd_kafka_error_t *background;

    /* Tokens are fetched on the client's own thread: nobody need poll, and waiting disturbs
     * nobody. */
    rd_kafka_conf_enable_sasl_queue(conf, 1);
    rd_kafka_conf_set_ssl_cert_verify_cb(conf, kafka_on_certificate);
    client = rd_kafka_new(type, conf, error, size);
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    background = rd_kafka_sasl_background_callbacks_enable(client);
    if (background != NULL)
        rd_kafka_error_destroy(background);
    return client;
}
