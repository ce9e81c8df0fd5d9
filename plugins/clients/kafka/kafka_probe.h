/*
 * clients/kafka/kafka_probe.h: what `validate --connect` asks a cluster, for source and sink.
 *
 * Ownership: nothing stays. Thread: the prober's, blocked for seconds at most.
 */
#ifndef CLIENTS_KAFKA_KAFKA_PROBE_H
#define CLIENTS_KAFKA_KAFKA_PROBE_H

#include <librdkafka/rdkafka.h>
#include "sluice/plugin.h"

typedef struct kafka_probe_topic {
    const char *name;
    const char *option; /* that names it */
    /* a missing one is made by who writes: no finding when the cluster makes topics */
    int may_be_made;
} kafka_probe_topic_t;

/* Takes conf (made by kafka_conf_create and kafka_conf_apply; NULL: api->fail was called). Findings
 * go to api->config_error. */
void kafka_probe(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                 const kafka_probe_topic_t *topics, size_t count);

#endif
