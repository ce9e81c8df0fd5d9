/*
 * clients/kafka/oauth.h: OAUTHBEARER with the client credentials grant (RFC 6749, 4.4), as Java's
 * OAuthBearerLoginCallbackHandler does it: a token from an HTTP endpoint, or from a file.
 *
 * What this is: the client library asks for tokens from its own background thread; all that the
 * answer needs travels in its property sasl.oauthbearer.config, so nothing has to be kept alive.
 * Thread: the client library's.
 */
#ifndef CLIENTS_KAFKA_OAUTH_H
#define CLIENTS_KAFKA_OAUTH_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

typedef struct kafka_oauth {
    const char *url;    /* http, https, or file: the token itself */
    const char *id;     /* of the client */
    const char *secret;
    const char *scope;  /* or NULL */
    const char *subject_claim; /* of the token, the principal's name */
    /* PEM that the endpoint's certificate must be signed by; NULL: the system's */
    const char *authorities;
    const char *const *extensions; /* name, value, ... */
    size_t extension_count;        /* pairs */
    int url_encode;                /* id and secret in the header */
    long connect_ms;               /* 0: 10 s */
    long read_ms;
} kafka_oauth_t;

/* What kafka_oauth_refresh will read from sasl.oauthbearer.config; malloc'ed, holds the secret. */
char *kafka_oauth_config(const kafka_oauth_t *oauth);
/* For rd_kafka_conf_set_oauthbearer_token_refresh_cb. */
void kafka_oauth_refresh(rd_kafka_t *client, const char *config, void *opaque);

#endif
