#include "redis_sink.h"

#include <stdlib.h>

enum { NO_RECORD = 0xffffffffu };

/* One batch in flight. Replies come in the order of its commands. */
struct redis_delivery {
    redis_delivery_t *next;
    sluice_ticket_t *ticket;
    uint32_t *record_of; /* for each command: the record that it serves, or NO_RECORD */
    size_t commands;
    size_t command_cap;
    size_t replied;
    size_t records;
    sluice_result_t *failures;
    size_t failure_count;
    int execution_aborted; /* EXEC did nothing because a command was refused while it was queued */
};

/* ---- results ---- */

/* What an error reply means (redis.io: error prefixes). */
static int status_of(const char *error) {
    static const char *const later[] = { "LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "OOM", "READONLY",
                                         "NOREPLICAS", "MISCONF", NULL };
    static const char *const never[] = { "NOAUTH", "WRONGPASS", "NOPERM", "MOVED", "ASK", "CROSSSLOT", NULL };
    size_t i;

    for (i = 0; later[i] != NULL; i++) {
        if (strncmp(error, later[i], strlen(later[i])) == 0)
            return SLUICE_RETRY;
    }
    for (i = 0; never[i] != NULL; i++) {
        if (strncmp(error, never[i], strlen(never[i])) == 0)
            return SLUICE_FATAL;
    }
    return SLUICE_BAD_RECORD;
}

static const char *code_of(const char *error) {
    static const struct { const char *prefix, *code; } known[] = {
        { "WRONGTYPE", "redis.wrongtype" }, { "OOM", "redis.oom" },       { "LOADING", "redis.loading" },
        { "MOVED", "redis.moved" },         { "ASK", "redis.ask" },       { "NOPERM", "redis.noperm" },
        { "READONLY", "redis.readonly" },   { "NOAUTH", "redis.noauth" }, { "CLUSTERDOWN", "redis.clusterdown" },
    };
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(error, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].code;
    }
    return "redis.error";
}

static char *explain(const char *error) {
    const char *more = "";
    char *text = NULL;

    if (strncmp(error, "MOVED", 5) == 0 || strncmp(error, "ASK", 3) == 0 || strncmp(error, "CROSSSLOT", 9) == 0)
        more = ". The server is part of a Redis Cluster, which this sink does not follow yet: use a server that is not, or"
               " a proxy in front of the cluster.";
    if (asprintf(&text, "%s%s", error, more) < 0)
        return NULL;
    return text;
}

/* The first failure of a record counts. Takes `message` (malloc'ed). */
static void add_failure(redis_delivery_t *d, uint32_t record, int status, const char *code, char *message) {
    size_t i;

    for (i = 0; i < d->failure_count; i++) {
        if (d->failures[i].record == record) {
            free(message);
            return;
        }
    }
    if (d->failures == NULL)
        d->failures = calloc(d->records > 0 ? d->records : 1, sizeof(*d->failures));
    if (d->failures == NULL)
        abort(); /* a failure that can't be kept must not become a success */
    d->failures[d->failure_count].status = status;
    d->failures[d->failure_count].record = record;
    d->failures[d->failure_count].code = code;
    d->failures[d->failure_count++].message = message;
}

static void add_error_reply(redis_delivery_t *d, uint32_t record, const char *error) {
    /* MULTI, EXEC or the position itself failed: no record of the batch is in. */
    uint32_t first = record == NO_RECORD ? 0 : record;
    uint32_t last = record == NO_RECORD && d->records > 0 ? (uint32_t)d->records - 1 : first;
    uint32_t i;

    for (i = first; i <= last; i++)
        add_failure(d, i, status_of(error), code_of(error), explain(error));
}

static void destroy(redis_delivery_t *d) {
    while (d->failure_count > 0)
        free((void *)(uintptr_t)d->failures[--d->failure_count].message);
    free(d->failures);
    free(d->record_of);
    free(d);
}

static void end(redis_sink_t *sink, redis_delivery_t *d) {
    int status = d->failure_count > 0 ? d->failures[0].status : SLUICE_OK;

    sink->api->metric_add(sink->errors, (double)d->failure_count);
    sink->api->durable(sink->ctx, d->ticket, status, d->failures, d->failure_count);
    destroy(d);
}

/* ---- replies ---- */

/* EXEC's reply holds one for each command between MULTI and it. */
static void take_exec(redis_delivery_t *d, const redisReply *reply) {
    uint32_t i;

    if (reply->type == REDIS_REPLY_ERROR) {
        d->execution_aborted = 1;
        for (i = 0; i < d->records; i++) /* those that were refused have their failure already */
            add_failure(d, i, strncmp(reply->str, "EXECABORT", 9) == 0 ? SLUICE_RETRY : status_of(reply->str),
                        "redis.execabort", explain(reply->str));
        return;
    }
    for (i = 0; i < reply->elements && i + 1 < d->commands; i++) {
        if (reply->element[i]->type == REDIS_REPLY_ERROR)
            add_error_reply(d, d->record_of[i + 1], reply->element[i]->str);
    }
}

void redis_delivery_reply(redis_sink_t *sink, const redisReply *reply) {
    redis_delivery_t *d = sink->first;
    size_t i;

    if (d == NULL)
        return;
    i = d->replied++;
    if (sink->exactly_once && d->replied == d->commands)
        take_exec(d, reply);
    else if (reply->type == REDIS_REPLY_ERROR)
        add_error_reply(d, d->record_of[i], reply->str);
    if (d->replied < d->commands)
        return;
    sink->first = d->next;
    if (sink->first == NULL)
        sink->last = NULL;
    end(sink, d);
}

void redis_delivery_end_all(redis_sink_t *sink, int status, const char *code, const char *why) {
    redis_delivery_t *d = sink->first;

    sink->first = sink->last = NULL;
    while (d != NULL) {
        redis_delivery_t *next = d->next;
        uint32_t i;

        for (i = 0; i < d->records || i == 0; i++)
            add_failure(d, i, status, code, strdup(why));
        end(sink, d);
        d = next;
    }
}

/* ---- sending ---- */

static int note_commands(redis_delivery_t *d, uint32_t record, size_t n) {
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

static size_t position_text(const sluice_mark_t *mark, char *text, size_t size) {
    size_t n = 0;
    size_t i;

    for (i = 0; i < mark->position.len; i++)
        n += (size_t)snprintf(text + n, size - n, "%02x", mark->position.bytes[i]);
    return n + (size_t)snprintf(text + n, size - n, "/%u", mark->sub_index);
}

static int add_positions(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *batch, redis_pipeline_t *p) {
    char text[2 * SLUICE_POSITION_MAX + 16];
    size_t count;
    size_t i;
    const sluice_mark_t *marks = sink->api->batch_marks(batch, &count);

    if (count == 0)
        return SLUICE_OK;
    redis_command(p, 2 + 2 * count);
    redis_arg_text(p, "HSET");
    redis_arg_text(p, sink->position_key);
    for (i = 0; i < count; i++) {
        redis_arg(p, sink->api->source_partition_json(sink->ctx, marks[i].source_partition));
        redis_arg(p, sluice_str_n(text, position_text(&marks[i], text, sizeof(text))));
    }
    return note_commands(d, NO_RECORD, 1);
}

/* A record that has no commands because it can't be written gets its result now. */
static int add_record(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *scratch, const sluice_record_t *r, uint32_t i,
                      redis_pipeline_t *p) {
    int n = redis_record_commands(sink, scratch, r, p);

    if (n >= 0)
        return note_commands(d, i, (size_t)n);
    add_failure(d, i, n, "redis.shape", strdup("the record does not fit redis.type, redis.keyspace or redis.key"));
    return SLUICE_OK;
}

static int build(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *batch, sluice_batch_t *scratch, redis_pipeline_t *p) {
    const sluice_record_t *records = sink->api->batch_records(batch, &d->records);
    int rc = SLUICE_OK;
    uint32_t i;

    if (sink->exactly_once) {
        redis_command_words(p, (const char *const[]){ "MULTI", NULL });
        rc = note_commands(d, NO_RECORD, 1);
    }
    for (i = 0; rc == SLUICE_OK && i < d->records; i++)
        rc = add_record(sink, d, scratch, &records[i], i, p);
    if (sink->exactly_once && rc == SLUICE_OK) {
        rc = add_positions(sink, d, batch, p);
        redis_command_words(p, (const char *const[]){ "EXEC", NULL });
        if (rc == SLUICE_OK)
            rc = note_commands(d, NO_RECORD, 1);
    }
    return rc != SLUICE_OK ? rc : p->failed ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* Nothing to ask the server: ends on the loop's next turn, and in turn. A PING keeps the order of tickets. */
static int ensure_reply(redis_delivery_t *d, redis_pipeline_t *p) {
    if (d->commands > 0)
        return SLUICE_OK;
    redis_command_words(p, (const char *const[]){ "PING", NULL });
    return note_commands(d, NO_RECORD, 1);
}

int redis_delivery_begin(redis_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    redis_delivery_t *d = calloc(1, sizeof(*d));
    sluice_batch_t *scratch = sink->api->batch_new(sink->ctx, 4096);
    redis_pipeline_t p = { 0 };
    int rc = d != NULL && scratch != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;

    if (rc == SLUICE_OK)
        rc = build(sink, d, batch, scratch, &p);
    if (rc == SLUICE_OK)
        rc = ensure_reply(d, &p);
    sink->api->batch_unref(scratch);
    if (rc == SLUICE_OK)
        rc = redis_connection_send(&sink->connection, &p);
    redis_pipeline_fini(&p);
    if (rc != SLUICE_OK) {
        if (d != NULL)
            destroy(d);
        return sink->api->fail(sink->ctx, rc, "redis.write", "the batch could not be sent");
    }
    sink->api->metric_add(sink->commands, (double)d->commands);
    d->ticket = ticket;
    if (sink->last != NULL)
        sink->last->next = d;
    else
        sink->first = d;
    sink->last = d;
    return SLUICE_OK;
}

/* ---- positions at open ---- */

static int parse_position(const char *text, sluice_position_t *position, uint32_t *sub) {
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) / 2 : 0;
    size_t i;

    if (n == 0 || n > SLUICE_POSITION_MAX)
        return -1;
    position->len = (uint8_t)n;
    for (i = 0; i < n; i++) {
        unsigned byte;

        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return -1;
        position->bytes[i] = (uint8_t)byte;
    }
    *sub = (uint32_t)strtoul(slash + 1, NULL, 10);
    return 0;
}

void redis_positions_announce(redis_sink_t *sink, const redisReply *reply) {
    size_t i;

    for (i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        sluice_position_t position = { 0 };
        uint32_t sub = 0;

        if (parse_position(reply->element[i + 1]->str, &position, &sub) == 0)
            sink->api->sink_position(sink->ctx, sluice_str_n(reply->element[i]->str, reply->element[i]->len), &position, sub);
    }
}
