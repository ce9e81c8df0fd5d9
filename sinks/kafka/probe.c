#include "kafka_sink.h"

#include "clients/kafka/client_conf.h"
#include "clients/kafka/kafka_probe.h"

int kafka_sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    rd_kafka_conf_t *conf = kafka_conf_create(api, ctx);
    kafka_probe_topic_t topics[2] = { { api->config_text(ctx, "topic"), "topic", 1 } };
    size_t count = topics[0].name != NULL;

    if (api->config_int(ctx, "exactly.once")) {
        topics[count].name = api->config_text(ctx, "position.topic");
        topics[count].option = "position.topic";
        topics[count].may_be_made = 1;
        count++;
    }
    if (conf != NULL && kafka_conf_apply(api, ctx, conf, kafka_sink_families) != SLUICE_OK) {
        rd_kafka_conf_destroy(conf);
        conf = NULL;
    }
    kafka_probe(api, ctx, conf, topics, count);
    return conf != NULL ? SLUICE_OK : SLUICE_INVALID;
}
