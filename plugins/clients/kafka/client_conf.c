#include "clients/kafka/client_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "support/endpoint.h"

enum { ERROR_TEXT = 512, VALUE_TEXT = 256, SCRAM_FIXED = 0x020601ff };

/* How a property of the Java clients is said to librdkafka. target NULL: it has no meaning here and is skipped. */
struct translation {
    const char *java;
    const char *target;
    int kilobytes; /* Java counts bytes, librdkafka KiB */
};

static const struct translation translations[] = {
    {"buffer.memory", "queue.buffering.max.kbytes", 1},
    {"max.request.size", "message.max.bytes", 0},
    {"fetch.max.wait.ms", "fetch.wait.max.ms", 0},
    {"sasl.mechanism", "sasl.mechanisms", 0},
    {"ssl.truststore.location", "ssl.ca.location", 0},
    {"ssl.truststore.certificates", "ssl.ca.pem", 0},
    {"ssl.keystore.location", "ssl.keystore.location", 0},
    {"ssl.keystore.key", "ssl.key.pem", 0},
    {"ssl.keystore.certificate.chain", "ssl.certificate.pem", 0},
    {"metadata.max.age.ms", "topic.metadata.refresh.interval.ms", 0},
    {"key.serializer", NULL, 0},
    {"value.serializer", NULL, 0},
    {"key.deserializer", NULL, 0},
    {"value.deserializer", NULL, 0},
    {"max.block.ms", NULL, 0},
    {"max.poll.records", NULL, 0},
    {"ssl.truststore.type", NULL, 0},
    {"ssl.truststore.password", NULL, 0},
    {"ssl.keystore.type", NULL, 0},
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

/* The text between `name="` and `"` of a JAAS line; NULL when it is not there. */
static char *jaas_field(const char *jaas, const char *name) {
    const char *at = strstr(jaas, name);
    const char *end;

    if (at == NULL || (at = strchr(at, '"')) == NULL)
        return NULL;
    end = strchr(++at, '"');
    return end == NULL ? NULL : strndup(at, (size_t)(end - at));
}

/* sasl.jaas.config of the PLAIN and SCRAM login modules: user name and password are all it says. */
static rd_kafka_conf_res_t set_jaas(rd_kafka_conf_t *conf, const char *jaas, char *error) {
    char *user = jaas_field(jaas, "username");
    char *password = jaas_field(jaas, "password");
    rd_kafka_conf_res_t res = RD_KAFKA_CONF_INVALID;

    if (user == NULL || password == NULL) {
        snprintf(error, ERROR_TEXT, "needs username=\"...\" and password=\"...\"");
    } else {
        res = rd_kafka_conf_set(conf, "sasl.username", user, error, ERROR_TEXT);
        if (res == RD_KAFKA_CONF_OK)
            res = rd_kafka_conf_set(conf, "sasl.password", password, error, ERROR_TEXT);
    }
    free(user);
    free(password);
    return res;
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

/* Sets one property by its Java or librdkafka name. *skipped is set when it has no meaning here. */
static rd_kafka_conf_res_t set_translated(rd_kafka_conf_t *conf, const char *name,
                                          const char *value, int *skipped, char *error) {
    const struct translation *t = find_translation(name);
    char kilobytes[VALUE_TEXT];

    *skipped = t != NULL && t->target == NULL;
    if (*skipped)
        return RD_KAFKA_CONF_OK;
    if (strcmp(name, "sasl.jaas.config") == 0)
        return set_jaas(conf, value, error);
    if (strcmp(name, "partition.assignment.strategy") == 0)
        value = assignor(value);
    if (t != NULL && t->kilobytes) {
        snprintf(kilobytes, sizeof(kilobytes), "%lld", strtoll(value, NULL, 10) / 1024);
        value = kilobytes;
    }
    return rd_kafka_conf_set(conf, t != NULL ? t->target : name, value, error, ERROR_TEXT);
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

int kafka_conf_apply_prefix(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                            const char *prefix) {
    size_t n = api->config_prefix_count(ctx, prefix);
    size_t i;

    for (i = 0; i < n; i++) {
        const char *name = NULL;
        const char *value = NULL;
        char error[ERROR_TEXT];
        int skipped;

        if (api->config_prefix_at(ctx, prefix, i, &name, &value) != SLUICE_OK)
            continue;
        if (set_translated(conf, name, value, &skipped, error) != RD_KAFKA_CONF_OK)
            return api->fail(ctx, SLUICE_INVALID, "kafka.config", "%s%s: %s", prefix, name, error);
        if (skipped)
            api->log(ctx, SLUICE_LOG_WARN, "%s%s has no meaning for this client and is ignored",
                     prefix, name);
    }
    return SLUICE_OK;
}

static void check_prefix(const sluice_api_t *api, sluice_ctx_t *ctx, const char *prefix) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    size_t n = api->config_prefix_count(ctx, prefix);
    size_t i;

    for (i = 0; i < n; i++) {
        const char *name = NULL;
        const char *value = NULL;
        char error[ERROR_TEXT];
        char full[VALUE_TEXT];
        int skipped;

        if (api->config_prefix_at(ctx, prefix, i, &name, &value) != SLUICE_OK)
            continue;
        snprintf(full, sizeof(full), "%s%s", prefix, name);
        if (strncmp(name, "sasl.mechanism", 14) == 0 && strncmp(value, "SCRAM", 5) == 0 &&
            rd_kafka_version() < SCRAM_FIXED)
            api->log(
                ctx, SLUICE_LOG_WARN,
                "%s=%s: librdkafka %s can't log in by SCRAM to brokers of Kafka 4.0 or newer. Use "
                "PLAIN over TLS, client certificates, or a newer librdkafka.",
                full, value, rd_kafka_version_str());
        if (set_translated(conf, name, value, &skipped, error) != RD_KAFKA_CONF_OK)
            api->config_error(ctx, full, "%s", error);
    }
    rd_kafka_conf_destroy(conf);
}

void kafka_conf_check(const sluice_api_t *api, sluice_ctx_t *ctx, const char *overrides) {
    endpoint_check_hosts(api, ctx, "bootstrap.servers");
    check_prefix(api, ctx, "client.");
    check_prefix(api, ctx, overrides);
}
