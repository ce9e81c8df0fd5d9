/*
 * clients/kafka/client_conf.h: a librdkafka configuration made of a plugin's options.
 *
 * What this is: the options that the Kafka source and sink share, and the translation of the Java client's property names
 * (as producer.override.* and consumer.override.* carry them) into librdkafka's. A property that librdkafka lacks and
 * that changes nothing for us is skipped with a warning; any other unknown one is an error.
 * Ownership: the caller owns the returned rd_kafka_conf_t until it makes a client of it. Thread: the instance's.
 * Source of the names: kafka.apache.org/40 producer and consumer configs; librdkafka 2.0 CONFIGURATION.md.
 */
#ifndef CLIENTS_KAFKA_CLIENT_CONF_H
#define CLIENTS_KAFKA_CLIENT_CONF_H

#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>

/* The rows of the option table that every Kafka plugin has. */
#define KAFKA_COMMON_OPTIONS                                                                                         \
    {.name = "bootstrap.servers",                                                                                    \
     .type = SLUICE_OPT_STRING,                                                                                      \
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_RANGE,                                                                \
     .min = 1,                                                                                                       \
     .max = INT64_MAX,                                                                                               \
     .group = "Connection",                                                                                          \
     .importance = SLUICE_HIGH,                                                                                      \
     .doc = "Brokers to ask first: host:port, comma separated."},                                                    \
    {                                                                                                                \
        .name = "client.", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_PREFIX,                                    \
        .group = "Connection", .importance = SLUICE_LOW,                                                             \
        .doc =                                                                                                       \
            "Any Kafka client property, under the Java client's or librdkafka's name: client.security.protocol=SSL." \
    }

/* A configuration with bootstrap.servers, then every property below the PREFIX option `prefix` ("client.", or
 * "producer.override."), translated. NULL after api->fail. */
rd_kafka_conf_t *kafka_conf_create(const sluice_api_t *api, sluice_ctx_t *ctx);
int kafka_conf_apply_prefix(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                            const char *prefix);

/* Sets one property under librdkafka's own name. A negative status after api->fail. */
int kafka_conf_set(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                   const char *name, const char *value);
int kafka_conf_set_int(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                       const char *name, int64_t value);

/* For `check`: looks at the servers and tries every property below "client." and below `overrides`; faults go to
 * api->config_error. */
void kafka_conf_check(const sluice_api_t *api, sluice_ctx_t *ctx, const char *overrides);

#endif
