#include "clients/kafka/kafka_probe.h"

#include <stdio.h>

enum { PROBE_MS = 5000, REASON = 400 };

typedef struct probe {
    char reason[REASON]; /* the client's last error, of its own threads: read once it is destroyed or silent */
} probe_t;

static void on_error(rd_kafka_t *client, int error, const char *reason, void *opaque) {
    probe_t *p = opaque;

    (void)client;
    if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

static void no_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    (void)client, (void)level, (void)facility, (void)text;
}

static void report_unreachable(const sluice_api_t *api, sluice_ctx_t *ctx, const probe_t *p, rd_kafka_resp_err_t err) {
    int auth = strstr(p->reason, "SASL") != NULL || strstr(p->reason, "uthenticat") != NULL;

    api->config_error(ctx, "bootstrap.servers", "%s: no broker answered within %d s: %s; %s",
                      api->config_text(ctx, "bootstrap.servers"), PROBE_MS / 1000,
                      p->reason[0] != '\0' ? p->reason : rd_kafka_err2str(err),
                      auth ? "check client.sasl.* and client.security.protocol"
                           : "check that the brokers run, that their advertised listeners can be reached from here, and "
                             "client.security.protocol");
}

static void check_topic(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_t *client, const kafka_probe_topic_t *topic) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic->name, NULL);
    rd_kafka_resp_err_t err;

    if (handle == NULL) {
        api->config_error(ctx, topic->option, "topic %s: %s; correct the name", topic->name,
                          rd_kafka_err2str(rd_kafka_last_error()));
        return;
    }
    err = rd_kafka_metadata(client, 0, handle, &metadata, PROBE_MS);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1)
        err = metadata->topics[0].err;
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        api->config_error(ctx, topic->option, "the client may not see topic %s; grant its principal DESCRIBE and %s", topic->name,
                          topic->may_be_made ? "WRITE" : "READ");
    else if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && topic->may_be_made)
        api->log(ctx, SLUICE_LOG_WARN, "topic %s does not exist: it is made at the first record when the brokers have "
                                       "auto.create.topics.enable, otherwise create it",
                 topic->name);
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        api->config_error(ctx, topic->option, "topic %s: %s; create it, or correct the name", topic->name, rd_kafka_err2str(err));
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
}

static void ask(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_t *client, probe_t *p,
                const kafka_probe_topic_t *topics, size_t count) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(client, 0, NULL, &metadata, PROBE_MS);
    size_t i;

    rd_kafka_poll(client, 0); /* on_error */
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        report_unreachable(api, ctx, p, err);
        return;
    }
    rd_kafka_metadata_destroy(metadata);
    for (i = 0; i < count; i++)
        check_topic(api, ctx, client, &topics[i]);
}

void kafka_probe(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf, const kafka_probe_topic_t *topics,
                 size_t count) {
    probe_t p = { "" };
    rd_kafka_t *client;
    char error[256];

    if (conf == NULL)
        return;
    /* A look must not make a topic. */
    rd_kafka_conf_set(conf, "allow.auto.create.topics", "false", error, sizeof(error));
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, no_log);
    rd_kafka_conf_set_opaque(conf, &p);
    client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        api->config_error(ctx, "bootstrap.servers", "the client cannot be made: %s", error);
        return;
    }
    ask(api, ctx, client, &p, topics, count);
    rd_kafka_destroy(client);
}
