/*
 * clients/kafka/client_conf.h: a librdkafka configuration made of a plugin's options.
 *
 * What this is: the options that the Kafka source and sink share, and the translation of the Java
 * client's property names (as producer.override.* and consumer.override.* carry them) into
 * librdkafka's. What librdkafka lacks is skipped with a warning, as a Java client does with names
 * that it does not know; below client. it is an error. Security: security.h.
 * Ownership: the caller owns the returned rd_kafka_conf_t until it makes a client of it. Thread:
 * the instance's.
 * Source of the names: kafka.apache.org/40 producer and consumer configs; librdkafka 2.0
 * CONFIGURATION.md.
 */
#ifndef CLIENTS_KAFKA_CLIENT_CONF_H
#define CLIENTS_KAFKA_CLIENT_CONF_H

#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>

/* The rows of the option table that every Kafka plugin has. */
#define KAFKA_COMMON_OPTIONS                                                            \
    {.name = "bootstrap.servers",                                                       \
     .type = SLUICE_OPT_STRING,                                                         \
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_RANGE,                                   \
     .min = 1,                                                                          \
     .max = INT64_MAX,                                                                  \
     .group = "Connection",                                                             \
     .importance = SLUICE_HIGH,                                                         \
     .doc = "Brokers to ask first: host:port, comma separated."},                       \
    {                                                                                   \
        .name = "client.", .type = SLUICE_OPT_STRING, .flags = SLUICE_OPT_PREFIX,       \
        .group = "Connection", .importance = SLUICE_LOW,                                \
        .doc =                                                                          \
            "Any Kafka client property, under the Java client's or librdkafka's name: " \
            "client.security.protocol=SSL."                                             \
    }

/* A configuration with bootstrap.servers and client.id. NULL after api->fail. */
rd_kafka_conf_t *kafka_conf_create(const sluice_api_t *api, sluice_ctx_t *ctx);
/* Every property below the PREFIX options `prefixes` ("client.", "producer.override.", NULL),
 * translated. They are looked at together, a later family wins: a keystore may stand in one and its
 * password in the other. A negative status after api->fail, which tells all faults. */
int kafka_conf_apply(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                     const char *const *prefixes);
/* The same, but only of what says where the brokers are and how to log in: for a second client
 * beside the one that the families are meant for. */
int kafka_conf_apply_connection(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                                const char *const *prefixes);

/* A client of a configuration; takes conf in any case. NULL with `error` filled. */
rd_kafka_t *kafka_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *error,
                              size_t size);

/* Sets one property under librdkafka's own name. A negative status after api->fail. */
int kafka_conf_set(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                   const char *name, const char *value);
int kafka_conf_set_int(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                       const char *name, int64_t value);

/* For `check`: looks at the servers and tries every property below the prefixes; faults go to
 * api->config_error. */
void kafka_conf_check(const sluice_api_t *api, sluice_ctx_t *ctx, const char *const *prefixes);

#endif
