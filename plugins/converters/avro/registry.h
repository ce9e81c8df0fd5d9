/*
 * converters/avro/registry.h: asking a Confluent-compatible schema registry. Private to this
 * folder.
 *
 * What this is: one request at a time, without blocking. Each of several URLs is tried in turn,
 * each as often as max.retries says, with waits in between. The URL mock://NAME is a registry in
 * this process, for tries and tests; it answers at once.
 * Ownership: the registry belongs to its instance. Thread: the instance's.
 */
#ifndef CONVERTERS_AVRO_REGISTRY_H
#define CONVERTERS_AVRO_REGISTRY_H

#include "sluice/plugin.h"

typedef struct avro_registry avro_registry_t;

enum {
    REGISTRY_REGISTER, /* subject, schema: gives id */
    REGISTRY_LOOKUP,   /* subject, schema: gives id and version of it as registered */
    REGISTRY_LATEST,   /* subject: gives id, version, schema */
    REGISTRY_VERSION,  /* subject, id: its version; gives the same */
    REGISTRY_BY_ID     /* id, subject (or null): gives schema */
};

typedef struct avro_question {
    int what;
    sluice_str_t subject;
    sluice_str_t schema; /* its text */
    sluice_str_t references; /* of it: JSON as it came; data NULL: none */
    int32_t id;
    int normalize;
    int deleted; /* also of deleted versions */
} avro_question_t;

typedef struct avro_answer {
    enum {
        ANSWER_OK,
        ANSWER_REFUSED,  /* the registry said no: http, error_code, text */
        ANSWER_NO_SERVER /* nobody answered: text */
    } kind;
    long http;
    int64_t error_code;
    const char *text; /* valid during the call */
    int64_t id;
    int64_t version;
    sluice_str_t schema;      /* valid during the call */
    sluice_str_t schema_type; /* data NULL: AVRO */
    sluice_str_t references;  /* to schemas of other subjects: a JSON array; data NULL: none. The
                                 same */
} avro_answer_t;

typedef void (*avro_answer_fn)(void *arg, const avro_answer_t *answer);

/* Reads the instance's configuration; no I/O. NULL: out of memory. */
avro_registry_t *avro_registry_create(const sluice_api_t *api, sluice_ctx_t *ctx);
/* on_answer once, maybe inside the call. Only when no question is open. SLUICE_NO_MEMORY: not. */
int avro_registry_ask(avro_registry_t *r, const avro_question_t *question, avro_answer_fn on_answer,
                      void *arg);
/* Gives up what is open (no answer comes) and ends the connections, then on_closed(arg). */
void avro_registry_close(avro_registry_t *r, void (*on_closed)(void *arg), void *arg);
/* When closed, or never asked. */
void avro_registry_destroy(avro_registry_t *r);

/* What is wrong with the configuration: reports by api->config_error. */
void avro_registry_check(const sluice_api_t *api, sluice_ctx_t *ctx);

/* ---- mock.c ---- */
/* Answers from the registry of that name in this process. SLUICE_NO_MEMORY: nothing was said. */
int avro_mock_ask(const char *name, const avro_question_t *question, avro_answer_fn on_answer,
                  void *arg);

#endif
