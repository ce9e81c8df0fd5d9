#include "redis_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/redis/redis_ask.h"
#include "support/sample.h"

/* Redis' own names, in the order of option redis.type. */
static const char *const kinds[] = {"hash", "", "string", "stream", "list", "set", "zset"};

typedef struct probe {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    enum redis_type type;
    char key[512];      /* of the collection; "" when it is not known yet */
} probe_t;

enum { Q_ROLE, Q_TYPE };

static const char *option_of(const probe_t *p, const char *code) {
    int uri = p->api->config_given(p->ctx, "redis.uri");

    if (strcmp(code, "redis.auth") == 0)
        return uri && !p->api->config_given(p->ctx, "redis.password") ? "redis.uri"
                                                                      : "redis.password";
    if (strcmp(code, "redis.database") == 0)
        return "redis.database";
    return uri ? "redis.uri" : "redis.host";
}

/* INFO replication: a replica refuses writes; INFO server would tell the version, not needed. */
static void on_role(const probe_t *p, const redisReply *reply) {
    if (reply->type == REDIS_REPLY_ERROR) {
        if (strncmp(reply->str, "NOPERM", 6) != 0)
            p->api->config_error(p->ctx, option_of(p, ""), "the server answers %s", reply->str);
        return;
    }
    if (reply->type == REDIS_REPLY_STRING && strstr(reply->str, "role:slave") != NULL &&
        strstr(reply->str, "slave_read_only:1") != NULL)
        p->api->config_error(p->ctx, option_of(p, ""),
                             "the server is a read-only replica; name its master");
}

static void on_type(const probe_t *p, const redisReply *reply) {
    if (reply->type == REDIS_REPLY_ERROR) {
        p->api->config_error(p->ctx, "redis.username",
                             "the server refuses TYPE %s: %s; give the user rights to that key",
                             p->key, reply->str);
        return;
    }
    if (reply->str == NULL || strcmp(reply->str, "none") == 0 ||
        strcmp(reply->str, kinds[p->type]) == 0)
        return;
    p->api->config_error(
        p->ctx, "redis.type",
        "key %s holds a %s, which %s writes would fail on (WRONGTYPE); choose another "
        "redis.keyspace or redis.key, or delete the key",
        p->key, reply->str, kinds[p->type]);
}

static void on_reply(void *arg, size_t i, const redisReply *reply) {
    if (i == Q_ROLE)
        on_role(arg, reply);
    else
        on_type(arg, reply);
}

/* The one key of a collection, when option or sample tell it. */
static void find_key(probe_t *p) {
    const char *text = p->api->config_text(p->ctx, "redis.key");
    sluice_batch_t *sample = NULL;
    const sluice_record_t *records = NULL;
    const char *hole;
    size_t count = 0;

    if (p->type != TYPE_STREAM && p->type != TYPE_LIST && p->type != TYPE_SET &&
        p->type != TYPE_ZSET)
        return;
    if (text == NULL)
        text = p->api->config_text(p->ctx, "redis.keyspace");
    if (text == NULL || strlen(text) >= sizeof(p->key))
        return;
    hole = strstr(text, "${topic}");
    if (hole != NULL && (sample = p->api->sample(p->ctx)) != NULL)
        records = p->api->batch_records(sample, &count);
    if (hole == NULL)
        snprintf(p->key, sizeof(p->key), "%s", text);
    else if (count > 0)
        snprintf(p->key, sizeof(p->key), "%.*s%.*s%s", (int)(hole - text), text,
                 (int)records[0].topic.len, records[0].topic.data, hole + strlen("${topic}"));
    if (strstr(p->key, "${") != NULL)
        p->key[0] = '\0';
}

int redis_sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    probe_t p = {
        .api = api, .ctx = ctx, .type = (enum redis_type)api->config_int(ctx, "redis.type")};
    redis_pipeline_t commands = {0};
    redis_target_t target;
    const char *code;
    char message[400];

    if (redis_target_init(&target, api, ctx, message, sizeof(message)) != SLUICE_OK) {
        redis_target_fini(&target);
        return SLUICE_OK; /* check has said it */
    }
    find_key(&p);
    redis_command_words(&commands, (const char *const[]){"INFO", "replication", NULL});
    if (p.key[0] != '\0')
        redis_command_words(&commands, (const char *const[]){"TYPE", p.key, NULL});
    if (redis_ask(&target, &commands, on_reply, &p, &code, message, sizeof(message)) != SLUICE_OK)
        api->config_error(ctx, option_of(&p, code), "%s", message);
    redis_pipeline_fini(&commands);
    return SLUICE_OK;
}
