/*
 * clients/kafka/contact.h: the first word with a cluster, and what the client logs.
 */
#ifndef CLIENTS_KAFKA_CONTACT_H
#define CLIENTS_KAFKA_CONTACT_H

#include "sluice/plugin.h"
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* What the client says of its brokers while nobody answers, and whether to go on asking. */
typedef struct kafka_contact {
    atomic_int stop;       /* set by close, any thread */
    int status;            /* SLUICE_BUSY while it lasts */
    atomic_int refused;    /* the brokers do not let us in, or we do not trust them; any thread */
    char error[512];       /* why it failed */
    char heard[512];       /* the client's last error event; instance's thread */
    char certificate[512]; /* why a broker's certificate was not accepted; instance's thread */
} kafka_contact_t;

/* Blocking, on an offload thread: until a broker answers, at most 10 s; 2 s when we were refused.
 * Sets error and returns SLUICE_OK or SLUICE_NOT_CONNECTED; the caller sets status on its own
 * thread. */
int kafka_first_contact(rd_kafka_t *client, kafka_contact_t *contact);
/* Takes note of an error of the client. Instance's thread. */
void kafka_contact_heard(kafka_contact_t *contact, rd_kafka_resp_err_t err, const char *text);
/* api->fail for an open that did not reach the cluster; returns the status: SLUICE_FATAL when we
 * were refused. Instance's thread. */
int kafka_fail_contact(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact);
/* What was heard and what to do about it, as one text. Instance's thread. */
void kafka_contact_explain(const kafka_contact_t *contact, char *out, size_t size);
/* Takes note of a line of the client's log, where it says more than its errors do. Instance's
 * thread. */
void kafka_contact_heard_line(kafka_contact_t *contact, const char *facility, const char *text);
/* To be set by kafka_client_open: says in the client's log why a certificate is not accepted. */
int kafka_on_certificate(rd_kafka_t *client, const char *broker, int32_t id, int *x509_error,
                         int depth, const char *der, size_t size, char *error, size_t error_size,
                         void *opaque);
/* Passes on to the host's log what librdkafka has to say; notes it in `contact` (NULL: not).
 * Instance's thread. */
void kafka_log_line(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact, int level,
                    const char *facility, const char *text);
void kafka_log_event(const sluice_api_t *api, sluice_ctx_t *ctx, kafka_contact_t *contact,
                     rd_kafka_event_t *event);

#endif
