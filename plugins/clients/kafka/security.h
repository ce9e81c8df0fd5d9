/*
 * clients/kafka/security.h: security.protocol, ssl.* and sasl.* of a Java client, said to
 * librdkafka.
 *
 * Stores are read here and handed over in memory (stores.h), sasl.jaas.config is taken apart
 * (jaas.h), tokens are fetched by us (oauth.h). What librdkafka calls by the same name, or only it
 * knows, is left for the caller. Faults go to the properties; no secret is in any. Thread: one;
 * reads files.
 */
#ifndef CLIENTS_KAFKA_SECURITY_H
#define CLIENTS_KAFKA_SECURITY_H

#include "clients/kafka/properties.h"
#include <librdkafka/rdkafka.h>

/* Sets what the properties say of security; those it dealt with are marked as used. */
void kafka_security_apply(kafka_properties_t *p, rd_kafka_conf_t *conf);

/* ---- parts: tls.c, sasl.c ---- */

void kafka_tls_apply(kafka_properties_t *p, rd_kafka_conf_t *conf);
void kafka_sasl_apply(kafka_properties_t *p, rd_kafka_conf_t *conf);
/* Sets librdkafka's `target`; a refusal is a fault of the property `name`. The value is not
 * shown. */
void kafka_security_set(kafka_properties_t *p, rd_kafka_conf_t *conf, const char *name,
                        const char *target, const char *value);

#endif
