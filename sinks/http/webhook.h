/*
 * The parts of the HTTP sink and how they meet.
 *
 *   webhook.c  descriptor, life of an instance, a batch on its way
 *   options.c  what can be set, and what must not be
 *   request.c  some records as one request
 *   answer.c   what its answer means
 *   probe.c    `validate --connect`
 *
 * One request is under way at a time, so records arrive in order: one record each, or with
 * batching.enabled as many of a batch as batch.max.size lets. What failed is told of the first
 * record that is not in (SLUICE_PREFIX); from there the runtime comes again.
 * Thread: all on the instance's.
 */
#ifndef SINKS_HTTP_WEBHOOK_H
#define SINKS_HTTP_WEBHOOK_H

#include "clients/http/http_sink.h"
#include "sluice/plugin.h"

/* Orders of option values. */
enum webhook_auth { AUTH_NONE, AUTH_STATIC, AUTH_BASIC, AUTH_BEARER };
enum webhook_key { KEY_POSITION, KEY_RECORD };
enum webhook_nulls { NULLS_FAIL, NULLS_IGNORE };

/* Status codes from..to. */
typedef struct webhook_codes {
    long from;
    long to;
} webhook_codes_t;

enum { WEBHOOK_CODES_MAX = 32, WEBHOOK_HEADERS_MAX = 40 };

typedef struct webhook {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    http_sink_t life;
    /* options */
    const char *url, *method, *authorization, *user, *password, *token;
    const char *content_type, *key_header;
    const char *const *headers; /* "Name:value" */
    size_t header_count;
    const char *prefix, *suffix, *separator;
    enum webhook_auth auth;
    enum webhook_key key;
    enum webhook_nulls nulls;
    int64_t timeout_ms, batch_max, retries_max, backoff_ms;
    unsigned json_flags;
    webhook_codes_t retried[WEBHOOK_CODES_MAX];
    size_t retried_count;
    /* the batch under way; NULL: none */
    sluice_batch_t *batch;
    sluice_ticket_t *ticket;
    const sluice_record_t *records;
    size_t count;
    size_t next;   /* the first record that is not in */
    size_t flying; /* so many from there are in the request; 0: none is under way */
    size_t alone;  /* records before this go one by one: together they were refused */
    sluice_buf_t body;
    /* the record at which the last request failed, and how often it did in a row */
    sluice_position_t failed_at;
    uint32_t failed_sub;
    int64_t failures;
    uint64_t sent_ns;
    sluice_metric_t *records_total, *requests_total, *errors_total, *request_seconds;
} webhook_t;

/* ---- options.c ---- */
enum { WEBHOOK_OPTION_COUNT = 25 };
extern const sluice_option_t webhook_options[WEBHOOK_OPTION_COUNT];
int webhook_options_check(const sluice_api_t *api, sluice_ctx_t *ctx);
void webhook_options_read(webhook_t *w);
/* "408,500-,420-429" into at most WEBHOOK_CODES_MAX; how many, or -1 when it is none. */
int webhook_codes_read(const char *const *items, size_t count, webhook_codes_t *out);

/* ---- request.c ---- */
/* The body for `count` records; a negative status after api->fail. */
int webhook_put_body(const webhook_t *w, const sluice_record_t *records, size_t count,
                     sluice_buf_t *body);
/* What a receiver knows the same records by when they come again; safe in a header. */
void webhook_put_key(const webhook_t *w, const sluice_record_t *records, size_t count,
                     sluice_buf_t *key);
/* Sends the body as made before. A negative status: on_response does not come. */
int webhook_send(webhook_t *w, const sluice_record_t *records, size_t count,
                 http_response_fn on_response);

/* ---- answer.c ---- */
typedef struct webhook_verdict {
    int status;              /* SLUICE_OK, RETRY, BAD_RECORD, FATAL; CANCELLED: given up */
    uint32_t retry_after_ms; /* 0: not said */
    int32_t code;            /* of HTTP; 0: there was no answer */
    const char *name;        /* "http.refused" ... */
    char text[600];
} webhook_verdict_t;

void webhook_judge(const webhook_t *w, const http_response_t *response, webhook_verdict_t *out);

/* ---- probe.c ---- */
int webhook_probe(const sluice_api_t *api, sluice_ctx_t *ctx);

#endif
