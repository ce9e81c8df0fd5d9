#include "kafka_source.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/kafka_probe.h"

int kafka_source_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    rd_kafka_conf_t *conf = kafka_conf_create(api, ctx);
    const char *const *names = NULL;
    size_t count = api->config_list(ctx, "topics", &names);
    kafka_probe_topic_t *topics = calloc(count + 1, sizeof(*topics));
    size_t i;

    if (conf == NULL || topics == NULL ||
        kafka_conf_apply_connection(api, ctx, conf, kafka_source_families) != SLUICE_OK) {
        if (conf != NULL)
            rd_kafka_conf_destroy(conf);
        free(topics);
        return SLUICE_INVALID;
    }
    for (i = 0; i < count; i++) {
        topics[i].name = names[i];
        topics[i].option = "topics";
    }
    kafka_probe(api, ctx, conf, topics, count);
    free(topics);
    return SLUICE_OK;
}
