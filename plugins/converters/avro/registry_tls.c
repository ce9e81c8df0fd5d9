#include "registry_tls.h"

#include <stdlib.h>

#define SSL "schema.registry.ssl."

/* Java's default type is JKS, which nobody gave: the content says what it is. */
static const char *given(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    return api->config_given(ctx, name) ? api->config_text(ctx, name) : NULL;
}

static int is_set(const kafka_store_t *store) {
    return (store->text != NULL && store->text[0] != '\0') ||
           (store->location != NULL && store->location[0] != '\0');
}

static int read_store(const kafka_store_t *store, int keystore, kafka_store_content_t *out,
                      char *error, size_t size) {
    return !is_set(store) || kafka_store_read(store, keystore, out, error, size) == 0;
}

static kafka_store_t trusted_of(const sluice_api_t *api, sluice_ctx_t *ctx) {
    return (kafka_store_t){
        .text = api->config_text(ctx, SSL "truststore.certificates"),
        .location = api->config_text(ctx, SSL "truststore.location"),
        .password = api->config_text(ctx, SSL "truststore.password"),
        .type = given(api, ctx, SSL "truststore.type"),
    };
}

static kafka_store_t identity_of(const sluice_api_t *api, sluice_ctx_t *ctx) {
    return (kafka_store_t){
        .text = api->config_text(ctx, SSL "keystore.key"),
        .chain = api->config_text(ctx, SSL "keystore.certificate.chain"),
        .location = api->config_text(ctx, SSL "keystore.location"),
        .password = api->config_text(ctx, SSL "keystore.password"),
        .key_password = api->config_text(ctx, SSL "key.password"),
        .type = given(api, ctx, SSL "keystore.type"),
    };
}

int avro_tls_open(avro_tls_t *tls, const sluice_api_t *api, sluice_ctx_t *ctx, char *error,
                  size_t size) {
    const char *algorithm = api->config_text(ctx, SSL "endpoint.identification.algorithm");
    kafka_store_t trusted = trusted_of(api, ctx), identity = identity_of(api, ctx);

    if (tls->opened)
        return 1;
    avro_tls_fini(tls); /* of a try that failed */
    tls->any_host = algorithm == NULL || algorithm[0] == '\0';
    tls->opened = read_store(&trusted, 0, &tls->trusted, error, size) &&
                  read_store(&identity, 1, &tls->identity, error, size);
    return tls->opened;
}

void avro_tls_fini(avro_tls_t *tls) {
    kafka_store_fini(&tls->trusted);
    kafka_store_fini(&tls->identity);
    memset(tls, 0, sizeof(*tls));
}

void avro_tls_fill(const avro_tls_t *tls, http_request_t *request) {
    request->ca_pem = tls->trusted.certificates;
    request->cert_pem = tls->identity.certificates;
    request->key_pem = tls->identity.key;
    request->any_host = tls->any_host;
}

void avro_tls_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    kafka_store_t stores[] = {trusted_of(api, ctx), identity_of(api, ctx)};
    static const char *const options[] = {SSL "truststore.location", SSL "keystore.location"};
    kafka_store_content_t content;
    char error[600];
    int i;

    for (i = 0; i < 2; i++) {
        memset(&content, 0, sizeof(content));
        if (!read_store(&stores[i], i, &content, error, sizeof(error)))
            api->config_error(ctx, options[i], "%s", error);
        kafka_store_fini(&content);
    }
}
