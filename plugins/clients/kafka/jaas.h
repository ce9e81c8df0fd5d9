/*
 * clients/kafka/jaas.h: sasl.jaas.config, the one line that says how a Java client logs in:
 *   org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="b";
 *
 * Ownership: what is parsed lives in the object. Thread: any.
 */
#ifndef CLIENTS_KAFKA_JAAS_H
#define CLIENTS_KAFKA_JAAS_H

#include <stddef.h>

typedef struct kafka_jaas_option {
    char *name;
    char *value;
} kafka_jaas_option_t;

typedef struct kafka_jaas {
    char *module; /* class name */
    kafka_jaas_option_t *options;
    size_t count;
} kafka_jaas_t;

/* 0, or -1 with what is wrong (never a value) in `error`. */
int kafka_jaas_parse(const char *text, kafka_jaas_t *out, char *error, size_t size);
void kafka_jaas_fini(kafka_jaas_t *jaas);
/* NULL when it is not there. */
const char *kafka_jaas_option(const kafka_jaas_t *jaas, const char *name);

#endif
