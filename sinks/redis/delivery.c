#include "redis_sink.h"

#include <stdlib.h>

enum { RETRY_AT_ONCE_MS = 1 };

/* ---- results ---- */

/* Whether an error reply begins with the word (redis.io: error prefixes). */
static int begins(const char *error, const char *word) {
    size_t n = strlen(word);

    return strncmp(error, word, n) == 0 && (error[n] == ' ' || error[n] == '\0');
}

int redis_error_status(const char *error) {
    static const char *const later[] = {"LOADING",    "BUSY", "TRYAGAIN", "CLUSTERDOWN",
                                        "MASTERDOWN", "OOM",  "READONLY", "NOREPLICAS",
                                        "MISCONF",    NULL};
    static const char *const never[] = {"NOAUTH", "WRONGPASS", "NOPERM", "MOVED",
                                        "ASK",    "CROSSSLOT", NULL};
    size_t i;

    for (i = 0; later[i] != NULL; i++) {
        if (begins(error, later[i]))
            return SLUICE_RETRY;
    }
    for (i = 0; never[i] != NULL; i++) {
        if (begins(error, never[i]))
            return SLUICE_FATAL;
    }
    return SLUICE_BAD_RECORD;
}

const char *redis_error_code(const char *error) {
    static const struct {
        const char *prefix, *code;
    } known[] = {
        {"WRONGTYPE", "redis.wrongtype"},
        {"OOM", "redis.oom"},
        {"LOADING", "redis.loading"},
        {"MOVED", "redis.moved"},
        {"ASK", "redis.ask"},
        {"NOPERM", "redis.noperm"},
        {"READONLY", "redis.readonly"},
        {"NOAUTH", "redis.noauth"},
        {"CLUSTERDOWN", "redis.clusterdown"},
    };
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (begins(error, known[i].prefix))
            return known[i].code;
    }
    return "redis.error";
}

const char *redis_error_advice(const char *error) {
    if (begins(error, "MOVED") || begins(error, "ASK") || begins(error, "CROSSSLOT"))
        return ". The server is part of a Redis Cluster, which this sink does not follow yet: use a"
               " server that is not, or a proxy in front of the cluster.";
    return NULL;
}

static char *explain(const char *error) {
    const char *advice = redis_error_advice(error);
    char *text = NULL;

    return asprintf(&text, "%s%s", error, advice != NULL ? advice : "") < 0 ? NULL : text;
}

void redis_delivery_fail(redis_delivery_t *d, size_t record, int status, const char *code,
                         const char *message) {
    size_t room = d->records > 0 ? d->records : 1;
    sluice_result_t *r;

    if (d->failures == NULL && !d->unkept) {
        d->failures = calloc(room, sizeof(*d->failures));
        d->failed = calloc(room, 1);
    }
    if (d->failures == NULL || d->failed == NULL) {
        d->unkept = 1;
        return;
    }
    if (record >= room || d->failed[record])
        return;
    d->failed[record] = 1;
    r = &d->failures[d->failure_count++];
    r->status = status;
    r->record = (uint32_t)record;
    r->code = code;
    r->message = message != NULL ? explain(message) : NULL;
    if (message == NULL) /* not the record's own fault */
        r->retry_after_ms = RETRY_AT_ONCE_MS;
}

static void destroy(redis_delivery_t *d) {
    while (d->failure_count > 0)
        free((void *)(uintptr_t)d->failures[--d->failure_count].message);
    free(d->failures);
    free(d->failed);
    free(d->record_of);
    free(d);
}

/* There was no memory to say what became of its records, and a record without a result would count
 * as written. All of it comes again, to an instance that knows what is in. */
static void end_unkept(redis_sink_t *sink, redis_delivery_t *d) {
    sink->api->durable(sink->ctx, d->ticket, SLUICE_CANCELLED, NULL, 0);
    if (!sink->broken && !sink->closing)
        redis_sink_lost(sink, SLUICE_NO_MEMORY, "redis.memory",
                        "the sink has no memory for the results of a batch and begins anew");
}

static void end(redis_sink_t *sink, redis_delivery_t *d) {
    int status = d->failure_count > 0 ? d->failures[0].status : SLUICE_OK;

    sink->in_flight--;
    sink->api->metric_add(sink->errors, (double)d->failure_count);
    if (d->unkept)
        end_unkept(sink, d);
    else
        sink->api->durable(sink->ctx, d->ticket, status, d->failures, d->failure_count);
    destroy(d);
}

/* ---- replies ---- */

void redis_delivery_reply(redis_sink_t *sink, const redisReply *reply) {
    redis_delivery_t *d = sink->first;
    int status = SLUICE_OK;
    size_t i;

    if (d == NULL)
        return;
    i = d->replied++;
    if (sink->exactly_once)
        status = redis_exact_reply(sink, d, reply);
    else if (reply->type == REDIS_REPLY_ERROR)
        redis_delivery_fail(d, d->record_of[i], redis_error_status(reply->str),
                            redis_error_code(reply->str), reply->str);
    if (d->replied < d->commands)
        return;
    sink->first = d->next;
    if (sink->first == NULL)
        sink->last = NULL;
    end(sink, d);
    if (status == SLUICE_NOT_CONNECTED && !sink->broken) {
        sink->broken = 1;
        sink->api->broken(sink->ctx, status);
    }
}

void redis_delivery_end_all(redis_sink_t *sink, int status, const char *code, const char *why) {
    redis_delivery_t *d = sink->first;

    redis_gather_drop(sink);
    sink->first = sink->last = NULL;
    while (d != NULL) {
        redis_delivery_t *next = d->next;
        size_t i;

        for (i = 0; i < d->records || i == 0; i++)
            redis_delivery_fail(d, i, status, code, why);
        end(sink, d);
        d = next;
    }
}

/* ---- sending ---- */

int redis_delivery_note(redis_delivery_t *d, uint32_t record, size_t n) {
    while (n-- > 0) {
        if (d->commands == d->command_cap) {
            size_t cap = d->command_cap == 0 ? 64 : 2 * d->command_cap;
            uint32_t *grown = realloc(d->record_of, cap * sizeof(*grown));

            if (grown == NULL)
                return SLUICE_NO_MEMORY;
            d->record_of = grown;
            d->command_cap = cap;
        }
        d->record_of[d->commands++] = record;
    }
    return SLUICE_OK;
}

/* A record that has no commands because it can't be written gets its result now. */
static int add_record(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *scratch,
                      const sluice_record_t *r, uint32_t i, redis_pipeline_t *p) {
    int n = redis_record_commands(sink, scratch, r, p);

    if (n >= 0)
        return redis_delivery_note(d, i, (size_t)n);
    redis_delivery_fail(d, i, n, sink->bad_code, sink->bad_text);
    return SLUICE_OK;
}

/* A batch without commands (tombstones alone, say) asks for a PONG, so that tickets end in turn. */
static int build(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *batch,
                 sluice_batch_t *scratch, redis_pipeline_t *p) {
    const sluice_record_t *records = sink->api->batch_records(batch, &d->records);
    int rc = SLUICE_OK;
    uint32_t i;

    for (i = 0; rc == SLUICE_OK && i < d->records; i++)
        rc = add_record(sink, d, scratch, &records[i], i, p);
    if (rc != SLUICE_OK || d->commands > 0)
        return rc;
    redis_command_words(p, (const char *const[]){"PING", NULL});
    return redis_delivery_note(d, REDIS_NO_RECORD, 1);
}

int redis_delivery_begin(redis_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    redis_delivery_t *d = calloc(1, sizeof(*d));
    sluice_batch_t *scratch = sink->api->batch_new(sink->ctx, 4096);
    redis_pipeline_t p = {0};
    int rc = d != NULL && scratch != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;

    if (rc == SLUICE_OK)
        rc = sink->exactly_once ? redis_exact_build(sink, d, batch, scratch, &p)
                                : build(sink, d, batch, scratch, &p);
    if (rc == SLUICE_OK && d->unkept)
        rc = SLUICE_NO_MEMORY;
    sink->api->batch_unref(scratch);
    if (rc == SLUICE_OK)
        rc = redis_gather_add(sink, &p, d->records);
    redis_pipeline_fini(&p);
    if (rc != SLUICE_OK) {
        if (d != NULL)
            destroy(d);
        return sink->api->fail(sink->ctx, rc, "redis.write", "the batch could not be sent");
    }
    sink->api->metric_add(sink->commands, (double)d->commands);
    d->ticket = ticket;
    sink->in_flight++;
    if (sink->last != NULL)
        sink->last->next = d;
    else
        sink->first = d;
    sink->last = d;
    return SLUICE_OK;
}
