#include "clients/kafka/contact.h"

#include <stdio.h>

enum { CONTACT_TIMEOUT_MS = 10000, SYSLOG_ERR = 3 };

int kafka_first_contact(rd_kafka_t *client, char *error, size_t size) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(client, 0, NULL, &metadata, CONTACT_TIMEOUT_MS);

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        return SLUICE_OK;
    }
    snprintf(error, size, "no answer from the brokers within %d s (%s)", CONTACT_TIMEOUT_MS / 1000, rd_kafka_err2str(err));
    return SLUICE_NOT_CONNECTED;
}

int kafka_fail_contact(const sluice_api_t *api, sluice_ctx_t *ctx, int status, const char *error) {
    return api->fail(ctx, status, "kafka.connect",
                     "bootstrap.servers %s: %s. Check that the brokers run, that their advertised listeners can be "
                     "reached from here, and that security.protocol fits.",
                     api->config_text(ctx, "bootstrap.servers"), error);
}

void kafka_log_event(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_event_t *event) {
    const char *facility = "";
    const char *text = "";
    int level = 0;

    if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
        api->log(ctx, level <= SYSLOG_ERR ? SLUICE_LOG_WARN : SLUICE_LOG_DEBUG, "librdkafka %s: %s", facility, text);
}
