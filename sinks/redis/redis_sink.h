/*
 * The parts of the Redis sink and how they meet.
 *
 *   redis.c     options, descriptor, life of an instance
 *   key.c       the key and the text of values
 *   commands.c  one record -> its commands
 *   delivery.c  one batch in flight: pipeline, every reply looked at, results a record
 *   gather.c    commands of several batches that go out together
 *   exact.c     the same with exactly.once: a batch is one script that keeps the position, too
 *
 * Thread: all on the instance's.
 */
#ifndef SINKS_REDIS_SINK_H
#define SINKS_REDIS_SINK_H

#include "clients/redis/connection.h"
#include "sluice/plugin.h"

/* Order of the names in option redis.type. */
enum redis_type { TYPE_HASH, TYPE_JSON, TYPE_STRING, TYPE_STREAM, TYPE_LIST, TYPE_SET, TYPE_ZSET };
/* Order of the names in option json.storage. */
enum json_storage { JSON_AUTO, JSON_MODULE, JSON_TEXT };

enum { REDIS_NO_RECORD = 0xffffffffu };
enum { REDIS_IN_FLIGHT = 8 }; /* batches */

/* One batch in flight. Replies come in the order of its commands. */
typedef struct redis_delivery {
    struct redis_delivery *next;
    sluice_ticket_t *ticket;
    uint32_t *record_of; /* for each command: the record that it serves, or REDIS_NO_RECORD */
    size_t commands;
    size_t command_cap;
    size_t replied;
    size_t records;
    size_t
        scripted;   /* exactly once: so many records are in the script, then comes one that can't */
    uint64_t token; /* exactly once: what the next batch expects, once this one is in */
    sluice_result_t *failures;
    uint8_t *failed; /* a flag for each record */
    size_t failure_count;
    int unkept; /* there was no memory for a failure: all of it has to come again */
} redis_delivery_t;

/* What waits to go out together. */
typedef struct redis_gather {
    int64_t max_records;
    int64_t max_bytes;
    int64_t linger_ms; /* 0: nothing waits */
    redis_pipeline_t waiting;
    int64_t records;
    sluice_timer_t *timer;
} redis_gather_t;

typedef struct redis_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    redis_connection_t connection;
    int connected; /* the connection was opened and is not closed yet */
    int opening;   /* OPEN is owed */
    int closing;
    int broken;
    int questions; /* replies of open still to come */
    enum redis_type type;
    enum json_storage json;
    int exactly_once;
    int64_t ttl_seconds;
    int64_t stream_max_length; /* 0: no limit */
    const char *keyspace;
    const char *separator;
    const char *key_template; /* NULL: keyspace, separator and record key */
    const char *member_field;
    const char *score_field;
    char position_key[256];
    char token_field[16]; /* of the position hash: who may write next */
    char epoch[40];       /* this incarnation's part of a token */
    uint64_t token_sent;
    uint64_t token_confirmed;
    const char *bad_code; /* why the last record can't be written, of redis_bad */
    char bad_text[400];
    redis_delivery_t *first; /* in flight, oldest first */
    redis_delivery_t *last;
    size_t in_flight;
    redis_gather_t gather;
    int flushing;
    sluice_metric_t *commands;
    sluice_metric_t *writes;
    sluice_metric_t *errors;
} redis_sink_t;

/* ---- redis.c ---- */
/* Keeps code (static) and text of a record that can't be written; SLUICE_BAD_RECORD. */
int redis_bad(redis_sink_t *sink, const char *code, const char *fmt, ...) SLUICE_PRINTF(3, 4);

/* The connection is of no use any more: ends what is in flight and says so. */
void redis_sink_lost(redis_sink_t *sink, int status, const char *code, const char *message);

/* ---- key.c: texts, in scratch memory of the batch being written ---- */
/* The text of a value as Redis keeps it: strings and bytes as they are, numbers as Java prints
 * them, the rest as JSON. */
sluice_str_t redis_text(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_value_t *value);
/* Top-level field of a struct or string-keyed map; NULL when there is none. */
const sluice_value_t *redis_field(const sluice_value_t *value, sluice_str_t name);
/* Key of a record's own entry (HASH, STRING, JSON), or of its collection. data NULL after
 * redis_bad. */
sluice_str_t redis_entry_key(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r);
sluice_str_t redis_collection_key(redis_sink_t *sink, sluice_batch_t *scratch,
                                  const sluice_record_t *r);

/* What a template has wrong, or NULL. */
const char *redis_template_fault(const char *text);

/* ---- commands.c ---- */
/* Appends a record's commands; how many. A negative status after redis_bad: nothing was
 * appended. */
int redis_record_commands(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                          redis_pipeline_t *p);

/* ---- delivery.c ---- */
int redis_delivery_begin(redis_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket);
void redis_delivery_reply(redis_sink_t *sink, const redisReply *reply);
/* The connection is gone: ends all deliveries in flight. */
void redis_delivery_end_all(redis_sink_t *sink, int status, const char *code, const char *why);
/* Notes the failure of a record, once. message is copied; NULL: none. */
void redis_delivery_fail(redis_delivery_t *d, size_t record, int status, const char *code,
                         const char *message);
int redis_delivery_note(redis_delivery_t *d, uint32_t record, size_t commands);
/* What an error reply means. */
int redis_error_status(const char *error);
const char *redis_error_code(const char *error);
/* What to do about redirections of a cluster, to be added to the message; NULL: it is another. */
const char *redis_error_advice(const char *error);

/* ---- gather.c ---- */
/* Sends a batch's commands, at once or with others soon. Takes the text on success. */
int redis_gather_add(redis_sink_t *sink, redis_pipeline_t *p, size_t records);
/* What waits goes now. */
int redis_gather_send(redis_sink_t *sink);
/* Forgets what waits. */
void redis_gather_drop(redis_sink_t *sink);

/* ---- exact.c ---- */
/* Names the position hash and draws a new epoch. */
int redis_exact_init(redis_sink_t *sink);
/* Appends what open asks: takes the hash over, then reads it. How many replies come. */
int redis_exact_ask(redis_sink_t *sink, redis_pipeline_t *p);
/* The newest position of each source partition, out of the answer to the last question. How many
 * more replies come, or a negative status. */
int redis_exact_announce(redis_sink_t *sink, const redisReply *reply);
/* Appends the script of a batch. */
int redis_exact_build(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *batch,
                      sluice_batch_t *scratch, redis_pipeline_t *p);
/* Its reply. A status other than OK: the instance is no longer fit to write (api->fail was
 * called). */
int redis_exact_reply(redis_sink_t *sink, redis_delivery_t *d, const redisReply *reply);

/* ---- probe.c ---- */
/* For `validate --connect`: connection, AUTH, a replica, the type of the collection's key. */
int redis_sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx);

#endif
