/*
 * converters/avro/registry_tls.h: the TLS settings of a schema registry (schema.registry.ssl.*) for
 * libcurl. Private to this folder.
 *
 * Ownership: the stores' content belongs to the struct. Thread: the instance's.
 */
#ifndef CONVERTERS_AVRO_REGISTRY_TLS_H
#define CONVERTERS_AVRO_REGISTRY_TLS_H

#include "clients/http/http.h"
#include "clients/kafka/stores.h"

typedef struct avro_tls {
    int opened;
    int any_host; /* schema.registry.ssl.endpoint.identification.algorithm is empty */
    kafka_store_content_t trusted;  /* empty: the system's */
    kafka_store_content_t identity; /* empty: none */
} avro_tls_t;

/* Reads the stores, once; files are small. 0: `error` says what is wrong. */
int avro_tls_open(avro_tls_t *tls, const sluice_api_t *api, sluice_ctx_t *ctx, char *error,
                  size_t size);
void avro_tls_fini(avro_tls_t *tls);
void avro_tls_fill(const avro_tls_t *tls, http_request_t *request);
/* Reads the stores to say what is wrong with them: api->config_error. */
void avro_tls_check(const sluice_api_t *api, sluice_ctx_t *ctx);

#endif
