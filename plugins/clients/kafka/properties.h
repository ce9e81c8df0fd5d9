/*
 * clients/kafka/properties.h: the properties of one Kafka client, gathered from a plugin's options,
 * and what is wrong with them.
 *
 * What this is: "client.ssl.keystore.location" and "producer.override.ssl.keystore.password" belong
 * together, so all families are read into one list before anything is translated; a later family
 * wins. Faults are collected: in a check each is told for its option, else all of them in one
 * error.
 * Ownership: texts are borrowed from the plugin's context.
 * Thread: one.
 */
#ifndef CLIENTS_KAFKA_PROPERTIES_H
#define CLIENTS_KAFKA_PROPERTIES_H

#include "sluice/plugin.h"

typedef struct kafka_property {
    const char *name;   /* as the Java client or librdkafka calls it */
    const char *value;
    const char *prefix; /* the family that it was given in: "producer.override." */
    int used;           /* somebody has dealt with it */
} kafka_property_t;

typedef struct kafka_properties {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int checking; /* faults go to api->config_error */
    kafka_property_t *list;
    size_t count;
    char *faults; /* joined, for api->fail; NULL: none */
    size_t fault_count;
} kafka_properties_t;

/* Reads the families, in ascending rank; NULL ends the list. SLUICE_OK or SLUICE_NO_MEMORY. */
int kafka_properties_init(kafka_properties_t *p, const sluice_api_t *api, sluice_ctx_t *ctx,
                          const char *const *prefixes, int checking);
void kafka_properties_fini(kafka_properties_t *p);

/* The property, marked as used; NULL when it was not given. */
const kafka_property_t *kafka_properties_take(kafka_properties_t *p, const char *name);
/* Its value, marked as used; NULL when it was not given or is empty. */
const char *kafka_properties_text(kafka_properties_t *p, const char *name);

/* A fault of the property `name`. Says what and what to do; never a secret. */
void kafka_properties_fault(kafka_properties_t *p, const char *name, const char *fmt, ...)
    SLUICE_PRINTF(3, 4);
/* A fault of a value, with the nearest of the NULL-terminated `known` as a hint. */
void kafka_properties_unknown_value(kafka_properties_t *p, const char *name, const char *value,
                                    const char *const *known);
/* A line for the log: the property is given and has another effect than its name says. */
void kafka_properties_warn(kafka_properties_t *p, const char *name, const char *fmt, ...)
    SLUICE_PRINTF(3, 4);
/* SLUICE_OK, or the status of api->fail with all faults. */
int kafka_properties_result(kafka_properties_t *p);

/* The nearest of the NULL-terminated `known` to `text`, or NULL when none is near. */
const char *kafka_nearest(const char *text, const char *const *known);

#endif
