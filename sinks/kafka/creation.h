/*
 * How topics that are missing are made: the settings below topic.creation., and making one.
 *
 * The settings are those of Connect's source connectors: a default group, and named ones whose
 * patterns choose topics.
 * Ownership: created, destroyed. Thread: the instance's for settings; making blocks, so any.
 */
#ifndef SINKS_KAFKA_CREATION_H
#define SINKS_KAFKA_CREATION_H

#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#define KAFKA_CREATION_PREFIX "topic.creation."
#define KAFKA_TOPIC_NAME_MAX 249

typedef struct kafka_group kafka_group_t;
typedef struct kafka_creation kafka_creation_t;

/* Reads the settings. *out is NULL when none is given, unless `needed`. A negative status after
 * api->fail. */
int kafka_creation_create(const sluice_api_t *api, sluice_ctx_t *ctx, int needed,
                          kafka_creation_t **out);
void kafka_creation_destroy(kafka_creation_t *creation); /* accepts NULL */
/* The group that a topic belongs to: the first that matches, else the default one. */
const kafka_group_t *kafka_creation_group(const kafka_creation_t *creation, const char *topic);
int32_t kafka_group_partitions(const kafka_group_t *group);  /* -1: the broker's default */
int32_t kafka_group_replication(const kafka_group_t *group); /* the same */
/* Properties of the topic: name, value, name, value ... *count is that of pairs. */
const char *const *kafka_group_config(const kafka_group_t *group, size_t *count);

/* How making ended. */
typedef struct kafka_made {
    /* SLUICE_OK: it is there. SLUICE_RETRY: nobody could say. SLUICE_FATAL: it cannot be made */
    int status;
    int existed;
    char error[2048]; /* as Connect words it */
} kafka_made_t;

/* Makes a topic unless it is there. Blocks until the cluster has answered or *stop is set. */
void kafka_topic_make(rd_kafka_t *client, const char *topic, const kafka_group_t *group,
                      const atomic_int *stop, kafka_made_t *made);
/* Whether a topic may have that name at all. */
int kafka_topic_name_is_valid(sluice_str_t name);

#endif
