#include "clients/kafka/contact.h"

#include <openssl/x509.h>
#include <stdio.h>

enum { CONTACT_TRIES = 20, REFUSED_TRIES = 4, CONTACT_TRY_MS = 500, SYSLOG_ERR = 3, TEXT = 1200 };

/* ---- what errors mean ---- */

/* Words of librdkafka, OpenSSL and the brokers, and what to do about them. `refused`: waiting does
 * not help. The first that fits. */
static const struct meaning {
    const char *words;
    int refused;
    const char *advice;
} meanings[] = {
    {"certificate has expired", 1, "The broker's certificate has expired: renew it there."},
    {"certificate is not yet valid", 1,
     "The broker's certificate is not valid yet: check the clocks of both machines."},
    {"hostname mismatch", 1,
     "The broker's certificate is for another name: connect by a name that it holds, or set "
     "ssl.endpoint.identification.algorithm to nothing."},
    {"IP address mismatch", 1,
     "The broker's certificate is for another address: connect by a name that it holds, or set "
     "ssl.endpoint.identification.algorithm to nothing."},
    {"certificate verify failed", 1,
     "The broker's certificate is not signed by an authority that we trust: give the brokers' CA "
     "by "
     "ssl.truststore.location."},
    {"alert certificate expired", 1,
     "The broker says that our certificate has expired: renew that of ssl.keystore.*."},
    {"alert unknown ca", 1,
     "The broker does not know the authority that signed our certificate: let it sign that of "
     "ssl.keystore.*, or let the broker trust it."},
    {"alert certificate required", 1,
     "The broker wants a client certificate: give one by ssl.keystore.*."},
    {"client SSL authentication might be required", 1,
     "The broker wants a client certificate: give one by ssl.keystore.*."},
    {"alert bad certificate", 1,
     "The broker refuses our certificate, or misses one: check ssl.keystore.*."},
    {"alert certificate unknown", 1,
     "The broker does not accept our certificate: check ssl.keystore.* and what the broker "
     "trusts."},
    {"wrong version number", 1,
     "That port speaks no TLS: set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or take the "
     "port "
     "of the TLS listener."},
    {"alert protocol version", 1,
     "The broker allows no TLS version of ours: enable TLSv1.2 or TLSv1.3 there."},
    {"no token from", 1, "Tokens are wanted by sasl.mechanism=OAUTHBEARER."},
    {"invalid_token", 1,
     "The broker does not accept our token: check scope and audience, and the broker's validator."},
    {"not enabled in the server", 1,
     "Set sasl.mechanism to one that the broker's listener has enabled."},
    {"supported mechanisms", 1,
     "Set sasl.mechanism to one that the broker's listener has enabled."},
    {"uthentication", 1, "Check user name and password in sasl.jaas.config, and sasl.mechanism."},
    {"SSL listener", 0,
     "When that port speaks TLS, set security.protocol to SSL or SASL_SSL; when it wants a login, "
     "to "
     "SASL_PLAINTEXT."},
    {"PLAINTEXT broker listener", 0,
     "When that port speaks no TLS, set security.protocol to PLAINTEXT or SASL_PLAINTEXT."},
    {"unexpected eof", 0,
     "When that port speaks no TLS, set security.protocol to PLAINTEXT or SASL_PLAINTEXT."},
};

static const struct meaning *meaning_of(const char *text) {
    size_t i;

    for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strcasestr(text, meanings[i].words) != NULL)
            return &meanings[i];
    }
    return NULL;
}

void kafka_contact_heard(kafka_contact_t *contact, rd_kafka_resp_err_t err, const char *text) {
    const struct meaning *meaning = meaning_of(text);

    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return; /* says less than what came before it */
    if (atomic_load(&contact->refused) && meaning == NULL)
        return;
    if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION || (meaning != NULL && meaning->refused))
        atomic_store(&contact->refused, 1);
    snprintf(contact->heard, sizeof(contact->heard), "%s", text);
}

void kafka_contact_heard_line(kafka_contact_t *contact, const char *facility, const char *text) {
    const char *from = strstr(text, "Certificate (");

    if (strcmp(facility, "SSLCERTVRFY") == 0)
        snprintf(contact->certificate, sizeof(contact->certificate), "%s",
                 from != NULL ? from : text);
}

void kafka_contact_explain(const kafka_contact_t *contact, char *out, size_t size) {
    const struct meaning *of_certificate = meaning_of(contact->certificate);
    const struct meaning *meaning = meaning_of(contact->heard);

    if (of_certificate != NULL && strstr(contact->heard, "verif") != NULL)
        meaning = of_certificate;
    snprintf(out, size, "%s%s%s%s%s", contact->heard,
             contact->certificate[0] != '\0' ? "; " : "", contact->certificate,
             meaning != NULL ? ". " : "", meaning != NULL ? meaning->advice : "");
}

int kafka_on_certificate(rd_kafka_t *client, const char *broker, int32_t id, int *x509_error,
                         int depth, const char *der, size_t size, char *error, size_t error_size,
                         void *opaque) {
    (void)client, (void)broker, (void)id, (void)depth, (void)der, (void)size, (void)opaque;
    if (*x509_error == X509_V_OK)
        return 1;
    snprintf(error, error_size, "%s", X509_verify_cert_error_string(*x509_error));
    return 0;
}

/* ---- first contact ---- */

int kafka_first_contact(rd_kafka_t *client, kafka_contact_t *contact) {
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    int i;

    for (i = 0; i < CONTACT_TRIES && !atomic_load(&contact->stop) &&
                (i < REFUSED_TRIES || !atomic_load(&contact->refused));
         i++) {
        const struct rd_kafka_metadata *metadata = NULL;

        err = rd_kafka_metadata(client, 0, NULL, &metadata, CONTACT_TRY_MS);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return SLUICE_OK;
        }
    }
    snprintf(contact->error, sizeof(contact->error), "no answer from the brokers within %d s (%s)",
             i * CONTACT_TRY_MS / 1000, rd_kafka_err2str(err));
    return SLUICE_NOT_CONNECTED;
}

int kafka_fail_contact(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact) {
    const char *servers = api->config_text(ctx, "bootstrap.servers");
    char why[TEXT];

    kafka_contact_explain(contact, why, sizeof(why));
    if (atomic_load(&contact->refused))
        return api->fail(ctx, SLUICE_FATAL, "kafka.auth", "bootstrap.servers %s: %s", servers, why);
    return api->fail(ctx, SLUICE_NOT_CONNECTED, "kafka.connect",
                     "bootstrap.servers %s: %s%s%s. Check that the brokers run, that their "
                     "advertised listeners can be reached from here, and that security.protocol "
                     "fits.",
                     servers, contact->error, why[0] != '\0' ? "; " : "", why);
}

/* ---- the client's log ---- */

void kafka_log_line(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact, int level,
                    const char *facility, const char *text) {
    if (contact != NULL)
        kafka_contact_heard_line(contact, facility, text);
    api->log(ctx, level <= SYSLOG_ERR ? SLUICE_LOG_WARN : SLUICE_LOG_DEBUG, "librdkafka %s: %s",
             facility, text);
}

void kafka_log_event(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact,
                     rd_kafka_event_t *event) {
    const char *facility = "";
    const char *text = "";
    int level = 0;

    if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
        kafka_log_line(api, ctx, contact, level, facility, text);
}
