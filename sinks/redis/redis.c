#include "redis_sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/endpoint.h"

static const char *const aliases[] = {"com.redis.kafka.connect.RedisSinkConnector",
                                      "RedisSinkConnector", "redis-sink", NULL};
static const char *const types[] = {"HASH", "JSON", "STRING", "STREAM",
                                    "LIST", "SET",  "ZSET",   NULL};
static const char *const storages[] = {"auto", "module", "text", NULL};

static const sluice_option_t options[] = {
    REDIS_COMMON_OPTIONS,
    {.name = "redis.type",
     .type = SLUICE_OPT_ENUM,
     .values = types,
     .default_text = "STREAM",
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc = "What a record becomes in Redis."},
    {.name = "redis.keyspace",
     .type = SLUICE_OPT_STRING,
     .default_text = "${topic}",
     .group = "Writing",
     .importance = SLUICE_HIGH,
     .doc = "Prefix of keys, or the key of the collection; ${topic} is the record's topic."},
    {.name = "redis.separator",
     .type = SLUICE_OPT_STRING,
     .default_text = ":",
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "Between redis.keyspace and the record key."},
    {.name = "redis.key",
     .type = SLUICE_OPT_STRING,
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc =
         "Whole key instead of keyspace, separator and record key; ${topic}, ${key} and ${field} "
         "are filled in."},
    {.name = "redis.member",
     .type = SLUICE_OPT_STRING,
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "LIST, SET, ZSET: field that is the member; default: the record key."},
    {.name = "redis.score",
     .type = SLUICE_OPT_STRING,
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "ZSET: field that is the score; default: the whole value."},
    {.name = "redis.key.ttl",
     .type = SLUICE_OPT_LONG,
     .default_text = "-1",
     .group = "Writing",
     .importance = SLUICE_MEDIUM,
     .doc = "Seconds until a written key expires; the header redis.key.ttl beats it."},
    {.name = "redis.stream.max.length",
     .type = SLUICE_OPT_LONG,
     .default_text = "0",
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "STREAM: about so many entries are kept (XADD MAXLEN ~); 0: all."},
    {.name = "json.storage",
     .type = SLUICE_OPT_ENUM,
     .values = storages,
     .default_text = "auto",
     .group = "Writing",
     .importance = SLUICE_LOW,
     .doc = "JSON: JSON.SET of the module, SET of the text, or what the server can."},
    {.name = "batch.max.records",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 1000000,
     .default_text = "5000",
     .group = "Batching",
     .importance = SLUICE_LOW,
     .doc = "With linger: records that wait at most."},
    {.name = "batch.max.bytes",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .min = 1024,
     .max = 1 << 30,
     .default_text = "1m",
     .group = "Batching",
     .importance = SLUICE_LOW,
     .doc = "With linger: bytes of commands that wait at most."},
    {.name = "linger",
     .type = SLUICE_OPT_DURATION,
     .default_text = "0",
     .group = "Batching",
     .importance = SLUICE_LOW,
     .doc = "How long commands wait for more, to go out together; 0: they go at once."},
    {.name = "exactly.once",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .group = "Delivery",
     .importance = SLUICE_HIGH,
     .aliases = (const char *const[]){"redis.multiexec", NULL},
     .doc = "Each batch is one script that keeps the source position, too."},
    {.name = "redis.command",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_HIDDEN | SLUICE_OPT_DEPRECATED,
     .importance = SLUICE_LOW,
     .doc = "Of old releases of the Connect sink; ignored beside redis.type."},
    {.name = "redis.charset",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_HIDDEN,
     .default_text = "UTF-8",
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; text is always UTF-8."},
    {.name = "redis.pool",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_HIDDEN,
     .default_text = "1",
     .importance = SLUICE_LOW,
     .doc = "Of the Connect sink; one pipelined connection is used."},
};

static void read_options(redis_sink_t *s) {
    const sluice_api_t *api = s->api;
    sluice_ctx_t *ctx = s->ctx;

    s->type = (enum redis_type)api->config_int(ctx, "redis.type");
    s->json = (enum json_storage)api->config_int(ctx, "json.storage");
    s->exactly_once = (int)api->config_int(ctx, "exactly.once");
    s->ttl_seconds = api->config_int(ctx, "redis.key.ttl");
    s->stream_max_length = api->config_int(ctx, "redis.stream.max.length");
    s->gather.max_records = api->config_int(ctx, "batch.max.records");
    s->gather.max_bytes = api->config_int(ctx, "batch.max.bytes");
    s->gather.linger_ms = api->config_int(ctx, "linger");
    s->keyspace = api->config_text(ctx, "redis.keyspace");
    s->separator = api->config_text(ctx, "redis.separator");
    s->key_template = api->config_text(ctx, "redis.key");
    s->member_field = api->config_text(ctx, "redis.member");
    s->score_field = api->config_text(ctx, "redis.score");
    if (s->keyspace == NULL)
        s->keyspace = "";
    if (s->separator == NULL)
        s->separator = "";
}

int redis_bad(redis_sink_t *s, const char *code, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(s->bad_text, sizeof(s->bad_text), fmt, args);
    va_end(args);
    s->bad_code = code;
    return SLUICE_BAD_RECORD;
}

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    redis_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    read_options(s);
    if (redis_exact_init(s) != SLUICE_OK) {
        free(s);
        return api->fail(ctx, SLUICE_FATAL, "redis.random", "the system gives no random numbers");
    }
    s->commands = api->metric(ctx, SLUICE_COUNTER, "commands_total", "Commands sent.");
    s->writes = api->metric(ctx, SLUICE_COUNTER, "writes_total",
                            "Writes of commands, of one batch or of several.");
    s->errors =
        api->metric(ctx, SLUICE_COUNTER, "errors_total", "Records that the server refused.");
    *self = s;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    free(self);
}

/* ---- connection events ---- */

static void finish_open(redis_sink_t *s, int status) {
    s->opening = 0;
    s->api->complete(s->ctx, SLUICE_OP_OPEN, status);
}

/* Before OPEN completes two questions may have to be asked: is there a JSON module, and what is our
 * position? */
static void on_ready(void *arg) {
    redis_sink_t *s = arg;
    redis_pipeline_t p = {0};

    if (s->type == TYPE_JSON && s->json == JSON_AUTO)
        redis_command_words(&p, (const char *const[]){"COMMAND", "INFO", "JSON.SET", NULL});
    if (s->exactly_once)
        redis_exact_ask(s, &p);
    s->questions = (int)p.commands;
    if (s->questions == 0)
        finish_open(s, SLUICE_OK);
    else if (redis_connection_send(&s->connection, &p) != SLUICE_OK)
        redis_sink_lost(s, SLUICE_NOT_CONNECTED, "redis.write",
                        "the first questions could not be sent");
    redis_pipeline_fini(&p);
}

/* A server that does not tell (an ACL without COMMAND) counts as one without the module. */
static void on_json_answer(redis_sink_t *s, const redisReply *reply) {
    int known = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
                reply->element[0]->type == REDIS_REPLY_ARRAY;

    s->json = known ? JSON_MODULE : JSON_TEXT;
    if (!known)
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "the server has no JSON module: documents are kept as text (SET)");
}

static void on_answer(redis_sink_t *s, const redisReply *reply) {
    int more = 0;

    s->questions--;
    if (s->type == TYPE_JSON && s->json == JSON_AUTO) {
        on_json_answer(s, reply);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        const char *advice = redis_error_advice(reply->str);
        int status = redis_error_status(reply->str);

        s->questions = 0;
        status = status == SLUICE_RETRY ? SLUICE_NOT_CONNECTED : SLUICE_FATAL;
        s->api->fail(s->ctx, status, redis_error_code(reply->str),
                     "hash %s: %s%s", s->position_key, reply->str,
                     advice != NULL ? advice : ". Is it ours, and may redis.username write it?");
        finish_open(s, status);
        return;
    } else {
        more = redis_exact_announce(s, reply); /* only the answer to HGETALL is an array */
        s->questions += more > 0 ? more : 0;
    }
    if (more == SLUICE_FATAL) {
        s->questions = 0;
        finish_open(s, more);
        return;
    }
    if (more < 0) {
        redis_sink_lost(s, SLUICE_NOT_CONNECTED, "redis.write", "a question could not be sent");
        return;
    }
    if (s->questions == 0)
        finish_open(s, SLUICE_OK);
}

static void complete_flush(redis_sink_t *s) {
    if (!s->flushing || s->first != NULL)
        return;
    s->flushing = 0;
    s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
}

static void on_reply(void *arg, const redisReply *reply) {
    redis_sink_t *s = arg;

    if (s->questions > 0)
        on_answer(s, reply);
    else
        redis_delivery_reply(s, reply);
    complete_flush(s);
}

void redis_sink_lost(redis_sink_t *s, int status, const char *code, const char *message) {
    s->broken = 1;
    redis_delivery_end_all(s, SLUICE_NOT_CONNECTED, code, message);
    complete_flush(s);
    s->api->fail(s->ctx, status, code, "%s", message);
    if (s->opening)
        finish_open(s, status);
    else
        s->api->broken(s->ctx, status);
}

static void on_lost(void *arg, int status, const char *code, const char *message) {
    redis_sink_lost(arg, status, code, message);
}

static void on_closed(void *arg) {
    redis_sink_t *s = arg;

    if (s->opening)
        finish_open(s, SLUICE_CANCELLED);
    complete_flush(s);
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static const redis_events_t events = {on_ready, on_reply, on_lost, on_closed};

/* ---- callbacks of the runtime ---- */

static int sink_open(void *self) {
    redis_sink_t *s = self;
    redis_target_t target;
    char error[256];

    if (redis_target_init(&target, s->api, s->ctx, error, sizeof(error)) != SLUICE_OK) {
        redis_target_fini(&target);
        return s->api->fail(s->ctx, SLUICE_FATAL, "redis.uri", "redis.uri: %s", error);
    }
    s->opening = 1;
    s->connected = 1;
    return redis_connection_open(&s->connection, sluice_uv_loop(s->api, s->ctx), &target, &events,
                                 s);
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    redis_sink_t *s = self;

    if (s->broken)
        return s->api->fail(s->ctx, SLUICE_NOT_CONNECTED, "redis.closed", "the connection is lost");
    return redis_delivery_begin(s, batch, ticket);
}

static void flush_later(void *arg) {
    complete_flush(arg);
}

static int sink_flush(void *self) {
    redis_sink_t *s = self;

    s->flushing = 1;
    if (s->first == NULL)
        return s->api->post(s->ctx, flush_later, s);
    return redis_gather_send(s);
}

static int sink_close(void *self) {
    redis_sink_t *s = self;

    s->closing = 1;
    redis_delivery_end_all(s, SLUICE_CANCELLED, "redis.cancelled", "closed before the reply");
    if (!s->connected)
        return s->api->post(s->ctx, on_closed, s);
    redis_connection_close(&s->connection);
    return SLUICE_OK;
}

static int sink_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    redis_target_t target;
    const char *fault;
    char error[256];

    endpoint_check_hosts(api, ctx, "redis.host");
    if (redis_target_init(&target, api, ctx, error, sizeof(error)) != SLUICE_OK)
        api->config_error(ctx, "redis.uri", "redis.uri: %s", error);
    redis_target_fini(&target);
    if (api->config_text(ctx, "redis.keyspace") != NULL &&
        (fault = redis_template_fault(api->config_text(ctx, "redis.keyspace"))) != NULL)
        api->config_error(ctx, "redis.keyspace", "%s", fault);
    if (api->config_text(ctx, "redis.key") != NULL &&
        (fault = redis_template_fault(api->config_text(ctx, "redis.key"))) != NULL)
        api->config_error(ctx, "redis.key", "%s", fault);
    if (api->config_given(ctx, "redis.score") && api->config_int(ctx, "redis.type") != TYPE_ZSET)
        api->config_error(ctx, "redis.score", "only redis.type=ZSET has scores");
    return SLUICE_OK;
}

static const sluice_sink_t redis_sink = {
    .size = sizeof(sluice_sink_t),
    .failure_mode = SLUICE_PER_RECORD,
    .max_in_flight = REDIS_IN_FLIGHT,
    .flags = SLUICE_SINK_OWN_POSITION | SLUICE_SINK_EMPTY_BATCHES,
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
};

static const sluice_plugin_t plugins[] = {{
    .size = sizeof(sluice_plugin_t),
    .kind = SLUICE_SINK,
    .name = "redis",
    .aliases = aliases,
    .summary =
        "Writes records to Redis as hashes, strings, JSON, streams, lists, sets or sorted sets.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_size = sizeof(sluice_option_t),
    .check = sink_check,
    .probe = redis_sink_probe,
    .sink = &redis_sink,
}};

SLUICE_DEFINE_MODULE("redis-sink", SLUICE_VERSION, "Apache-2.0", plugins);
