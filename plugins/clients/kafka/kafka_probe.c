#include "clients/kafka/kafka_probe.h"

#include <stdio.h>

#include "clients/kafka/client_conf.h"
#include "clients/kafka/contact.h"

enum { PROBE_MS = 5000, TRY_MS = 500, REASON = 1200 };

/* Errors and log come from the client's own threads, but only when it is polled: here. */
static void on_error(rd_kafka_t *client, int error, const char *reason, void *opaque) {
    (void)client;
    kafka_contact_heard(opaque, (rd_kafka_resp_err_t)error, reason);
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    (void)level;
    kafka_contact_heard_line(rd_kafka_opaque(client), facility, text);
}

static void report_unreachable(const sluice_api_t *api, sluice_ctx_t *ctx,
                               const kafka_contact_t *contact, rd_kafka_resp_err_t err) {
    char why[REASON];

    kafka_contact_explain(contact, why, sizeof(why));
    if (contact->refused)
        api->config_error(ctx, "bootstrap.servers", "%s: %s",
                          api->config_text(ctx, "bootstrap.servers"), why);
    else
        api->config_error(
            ctx, "bootstrap.servers",
            "%s: no broker answered within %d s: %s; check that the brokers run, that their "
            "advertised "
            "listeners can be reached from here, and client.security.protocol",
            api->config_text(ctx, "bootstrap.servers"), PROBE_MS / 1000,
            why[0] != '\0' ? why : rd_kafka_err2str(err));
}

static void check_topic(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_t *client,
                        const kafka_probe_topic_t *topic) {
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
        api->config_error(ctx, topic->option,
                          "the client may not see topic %s; grant its principal DESCRIBE and %s",
                          topic->name, topic->may_be_made ? "WRITE" : "READ");
    else if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && topic->may_be_made)
        api->log(ctx, SLUICE_LOG_WARN,
                 "topic %s does not exist: it is made at the first record when the brokers have "
                 "auto.create.topics.enable, otherwise create it",
                 topic->name);
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        api->config_error(ctx, topic->option, "topic %s: %s; create it, or correct the name",
                          topic->name, rd_kafka_err2str(err));
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
}

static rd_kafka_resp_err_t look(rd_kafka_t *client, const kafka_contact_t *contact) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    int waited;

    for (waited = 0; err != RD_KAFKA_RESP_ERR_NO_ERROR && !contact->refused && waited < PROBE_MS;
         waited += TRY_MS) {
        err = rd_kafka_metadata(client, 0, NULL, &metadata, TRY_MS);
        rd_kafka_poll(client, 0); /* on_error, on_log */
    }
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    return err;
}

static void ask(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_t *client,
                const kafka_contact_t *contact, const kafka_probe_topic_t *topics, size_t count) {
    rd_kafka_resp_err_t err = look(client, contact);
    size_t i;

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        report_unreachable(api, ctx, contact, err);
        return;
    }
    for (i = 0; i < count; i++)
        check_topic(api, ctx, client, &topics[i]);
}

void kafka_probe(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_conf_t *conf,
                 const kafka_probe_topic_t *topics, size_t count) {
    kafka_contact_t contact = { 0 };
    rd_kafka_t *client;
    char error[256];

    if (conf == NULL)
        return;
    /* A look must not make a topic. */
    rd_kafka_conf_set(conf, "allow.auto.create.topics", "false", error, sizeof(error));
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set(conf, "log.queue", "true", error, sizeof(error));
    rd_kafka_conf_set_opaque(conf, &contact);
    client = kafka_client_open(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (client == NULL) {
        api->config_error(ctx, "bootstrap.servers", "the client cannot be made: %s", error);
        return;
    }
    rd_kafka_set_log_queue(client, NULL);
    ask(api, ctx, client, &contact, topics, count);
    rd_kafka_destroy(client);
}
