/*
 * The parts of the Redis sink and how they meet.
 *
 *   redis.c     options, descriptor, life of an instance
 *   key.c       the key and the text of values
 *   commands.c  one record -> its commands
 *   delivery.c  one batch in flight: pipeline, every reply looked at, results a record
 *
 * Exactly once: a batch is one MULTI/EXEC that also writes the position into the hash sluice:position:<pipeline>:<sink>,
 * which is read back at open.
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

typedef struct redis_delivery redis_delivery_t;

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
    redis_delivery_t *first; /* in flight, oldest first */
    redis_delivery_t *last;
    int flushing;
    sluice_metric_t *commands;
    sluice_metric_t *errors;
} redis_sink_t;

/* ---- key.c: texts, in scratch memory of the batch being written ---- */
/* The text of a value as Redis keeps it: strings and bytes as they are, numbers as Java prints them, the rest as JSON. */
sluice_str_t redis_text(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_value_t *value);
/* Top-level field of a struct or string-keyed map; NULL when there is none. */
const sluice_value_t *redis_field(const sluice_value_t *value, sluice_str_t name);
/* Key of a record's own entry (HASH, STRING, JSON), or of its collection. data NULL after api->fail. */
sluice_str_t redis_entry_key(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r);
sluice_str_t redis_collection_key(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r);

/* ---- commands.c ---- */
/* Appends a record's commands; how many. A negative status after api->fail: nothing was appended. */
int redis_record_commands(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r, redis_pipeline_t *p);

/* ---- delivery.c ---- */
int redis_delivery_begin(redis_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket);
void redis_delivery_reply(redis_sink_t *sink, const redisReply *reply);
/* The connection is gone: ends all deliveries in flight. */
void redis_delivery_end_all(redis_sink_t *sink, int status, const char *code, const char *why);
/* The newest position of each source partition, out of the position hash. */
void redis_positions_announce(redis_sink_t *sink, const redisReply *reply);

#endif
