#include "clients/kafka/contact.h"

#include <stdio.h>

enum { CONTACT_TRIES = 20, CONTACT_TRY_MS = 500, SYSLOG_ERR = 3 };

int kafka_first_contact(rd_kafka_t *client, kafka_contact_t *contact) {
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    int i;

    for (i = 0; i < CONTACT_TRIES && !atomic_load(&contact->stop); i++) {
        const struct rd_kafka_metadata *metadata = NULL;

        err = rd_kafka_metadata(client, 0, NULL, &metadata, CONTACT_TRY_MS);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return SLUICE_OK;
        }
    }
    snprintf(contact->error, sizeof(contact->error), "no answer from the brokers within %d s (%s)",
             CONTACT_TRIES * CONTACT_TRY_MS / 1000, rd_kafka_err2str(err));
    return SLUICE_NOT_CONNECTED;
}

void kafka_contact_heard(kafka_contact_t *contact, rd_kafka_resp_err_t err, const char *text) {
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return; /* says less than what came before it */
    if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL)
        contact->refused = 1;
    snprintf(contact->heard, sizeof(contact->heard), "%s", text);
}

int kafka_fail_contact(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact) {
    const char *servers = api->config_text(ctx, "bootstrap.servers");

    if (contact->refused)
        return api->fail(ctx, SLUICE_FATAL, "kafka.auth",
                         "bootstrap.servers %s: %s. Check security.protocol, the login and the "
                         "certificates.",
                         servers, contact->heard);
    return api->fail(ctx, SLUICE_NOT_CONNECTED, "kafka.connect",
                     "bootstrap.servers %s: %s%s%s. Check that the brokers run, that their "
                     "advertised listeners can be reached from here, and that security.protocol "
                     "fits.",
                     servers, contact->error, contact->heard[0] != '\0' ? "; " : "",
                     contact->heard);
}

void kafka_log_line(const sluice_api_t *api, sluice_ctx_t *ctx, int level, const char *facility,
                    const char *text) {
    api->log(ctx, level <= SYSLOG_ERR ? SLUICE_LOG_WARN : SLUICE_LOG_DEBUG, "librdkafka %s: %s",
             facility, text);
}

void kafka_log_event(const sluice_api_t *api, sluice_ctx_t *ctx, rd_kafka_event_t *event) {
    const char *facility = "";
    const char *text = "";
    int level = 0;

    if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
        kafka_log_line(api, ctx, level, facility, text);
}
