/*
 * Exactly once.
 *
 * A batch is one script. It runs the records' commands in order, and writes the position of what it
 * did into the hash sluice:position:<pipeline>:<sink>. Redis does not roll back, so the script
 * stops at the first record that is refused and leaves the position right before it: a refused
 * record that the runtime has not seen yet (we were killed, the connection broke) comes again.
 *
 * The script does nothing unless field #<task> of the hash holds the token that the batch before it
 * left there. So batches behind one that stopped short, scripts of a lost connection that the
 * server still has, and an older sluice that lives on, write nothing.
 *
 * Redis logs a script as MULTI, its writes, EXEC. A server that is killed while it writes that
 * down, and told to load a truncated log (its default), forgets the torn script but leaves its
 * MULTI in the log: after the next restart the torn writes are there, beside the same records that
 * we had sent again. Nobody can prevent that from outside, but it must not go unnoticed: field
 * #<task>+ is one more while a script runs, so what is left in it at open counts the scripts that
 * were replayed in part.
 */
#include "redis_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "support/position.h"

/* Lua's unpack takes about 8000 words. */
enum { MAX_WORDS = 7000, STALE = -1 };

/*
 * KEYS: the hash. ARGV: field of the token, token expected, token to leave, number of source
 * partitions, their names, number of marks, partition (from 0) and position of each; then for each
 * record its partition, its position, its number of commands, and each command: number of words,
 * words. Answers how many records are in, and the error of the next one; or -1 and the token found.
 */
static const char script[] =
    "local v,k=ARGV,KEYS[1] "
    "local t=redis.call('HGET',k,v[1]) "
    "if t~=v[2] then return {-1,t or ''} end "
    "local open=v[1]..'+' "
    "local b=redis.pcall('HINCRBY',k,open,1) "
    "if type(b)=='table' and b.err then return {0,b.err} end "
    "local at=5+tonumber(v[4]) "
    "local marks=at "
    "at=at+1+2*tonumber(v[marks]) "
    "local done,n,err={},0,nil "
    "while at<=#v and not err do "
    "local part,pos,cmds=v[at],v[at+1],tonumber(v[at+2]) "
    "at=at+3 "
    "for c=1,cmds do "
    "local w=tonumber(v[at]) "
    "local r=redis.pcall(unpack(v,at+1,at+w)) "
    "if type(r)=='table' and r.err then err=r.err break end "
    "at=at+1+w "
    "end "
    "if not err then done[part]=pos n=n+1 end "
    "end "
    "for part,pos in pairs(done) do redis.call('HSET',k,v[5+tonumber(part)],pos) end "
    "if err then redis.call('HINCRBY',k,open,-1) return {n,err} end "
    "for m=1,tonumber(v[marks]) do "
    "redis.call('HSET',k,v[5+tonumber(v[marks+2*m-1])],v[marks+2*m]) end "
    "redis.call('HSET',k,v[1],v[3]) "
    "redis.call('HINCRBY',k,open,-1) "
    "return {n,''}";

int redis_exact_init(redis_sink_t *sink) {
    uint64_t bits[2] = {0, 0};

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return SLUICE_FATAL;
    snprintf(sink->epoch, sizeof(sink->epoch), "%016llx%016llx", (unsigned long long)bits[0],
             (unsigned long long)bits[1]);
    snprintf(sink->position_key, sizeof(sink->position_key), "sluice:position:%s:%s",
             sink->api->pipeline_name(sink->ctx), sink->api->instance_name(sink->ctx));
    snprintf(sink->token_field, sizeof(sink->token_field), "#%d",
             (int)sink->api->task_number(sink->ctx));
    return SLUICE_OK;
}

/* ---- writing ---- */

static void put_token(const redis_sink_t *sink, redis_pipeline_t *p, uint64_t number) {
    char text[64];

    redis_arg(p, sluice_str_n(text, (size_t)snprintf(text, sizeof(text), "%s:%llu", sink->epoch,
                                                     (unsigned long long)number)));
}

int redis_exact_ask(redis_sink_t *sink, redis_pipeline_t *p) {
    redis_command(p, 4);
    redis_arg_text(p, "HSET");
    redis_arg_text(p, sink->position_key);
    redis_arg_text(p, sink->token_field);
    put_token(sink, p, 0);
    redis_command_words(p, (const char *const[]){"HGETALL", sink->position_key, NULL});
    return 2;
}

static void put_position(redis_pipeline_t *p, const sluice_position_t *position, uint32_t sub) {
    char place[POSITION_PLACE_MAX];

    redis_arg_text(p, position_place(position, sub, place));
}

/* The source partitions of a batch, numbered as they come. */
struct partitions {
    uint32_t *list;
    size_t count;
};

static size_t number_of(struct partitions *ps, uint32_t partition) {
    size_t i;

    for (i = ps->count; i > 0; i--) {
        if (ps->list[i - 1] == partition)
            return i - 1;
    }
    ps->list[ps->count] = partition;
    return ps->count++;
}

/* A record that can't be written ends the script before it. */
static int put_records(redis_sink_t *sink, redis_delivery_t *d, const sluice_record_t *records,
                       sluice_batch_t *scratch, struct partitions *ps, redis_pipeline_t *out,
                       size_t *words) {
    for (; d->scripted < d->records; d->scripted++) {
        const sluice_record_t *r = &records[d->scripted];
        redis_pipeline_t own = {.script = 1};
        int n = redis_record_commands(sink, scratch, r, &own);

        if (n >= 0 && own.longest > MAX_WORDS)
            n = redis_bad(sink, "redis.shape",
                          "the record has more fields than a script can pass to Redis (%d): use "
                          "redis.type=JSON, or exactly.once=false",
                          MAX_WORDS / 2);
        if (n < 0) {
            redis_pipeline_fini(&own);
            redis_delivery_fail(d, d->scripted, n, sink->bad_code, sink->bad_text);
            return SLUICE_OK;
        }
        redis_arg_int(out, (int64_t)number_of(ps, r->source_partition));
        put_position(out, &r->position, r->sub_index);
        redis_arg_int(out, n);
        redis_append(out, &own);
        *words += 3 + own.words;
        redis_pipeline_fini(&own);
    }
    return SLUICE_OK;
}

static void put_head(redis_sink_t *sink, const struct partitions *ps, int whole, uint64_t token,
                     size_t words, redis_pipeline_t *p) {
    size_t i;

    redis_command(p, words);
    redis_arg_text(p, "EVAL");
    redis_arg_text(p, script);
    redis_arg_text(p, "1");
    redis_arg_text(p, sink->position_key);
    redis_arg_text(p, sink->token_field);
    put_token(sink, p, token);
    /* What comes behind a batch that stops short must not find its token. */
    put_token(sink, p, whole ? token + 1 : token);
    redis_arg_int(p, (int64_t)ps->count);
    for (i = 0; i < ps->count; i++)
        redis_arg(p, sink->api->source_partition_json(sink->ctx, ps->list[i]));
}

int redis_exact_build(redis_sink_t *sink, redis_delivery_t *d, sluice_batch_t *batch,
                      sluice_batch_t *scratch, redis_pipeline_t *p) {
    size_t mark_count;
    size_t words = 0;
    size_t i;
    const sluice_record_t *records = sink->api->batch_records(batch, &d->records);
    const sluice_mark_t *marks = sink->api->batch_marks(batch, &mark_count);
    struct partitions ps = {calloc(d->records + mark_count + 1, sizeof(*ps.list)), 0};
    redis_pipeline_t body = {.script = 1};
    int whole;

    if (ps.list == NULL)
        return SLUICE_NO_MEMORY;
    if (sink->first == NULL)
        sink->token_sent = sink->token_confirmed;
    put_records(sink, d, records, scratch, &ps, &body, &words);
    whole = d->scripted == d->records;
    if (!whole)
        mark_count = 0;
    for (i = 0; i < mark_count; i++)
        number_of(&ps, marks[i].source_partition);
    put_head(sink, &ps, whole, sink->token_sent, 9 + ps.count + 2 * mark_count + words, p);
    redis_arg_int(p, (int64_t)mark_count);
    for (i = 0; i < mark_count; i++) {
        redis_arg_int(p, (int64_t)number_of(&ps, marks[i].source_partition));
        put_position(p, &marks[i].position, marks[i].sub_index);
    }
    redis_append(p, &body);
    d->token = ++sink->token_sent;
    redis_pipeline_fini(&body);
    free(ps.list);
    return redis_delivery_note(d, REDIS_NO_RECORD, 1);
}

/* ---- the answer ---- */

/* Records that were not tried because of one before them: at once again. */
static void fail_rest(redis_delivery_t *d, size_t from) {
    for (; from < d->records; from++)
        redis_delivery_fail(d, from, SLUICE_RETRY, "redis.stopped", NULL);
}

static int fail_whole(redis_sink_t *sink, redis_delivery_t *d, int status, const char *code,
                      const char *message) {
    size_t i;

    for (i = 0; i < d->records; i++)
        redis_delivery_fail(d, i, status, code, message);
    if (d->records == 0) /* marks alone */
        redis_delivery_fail(d, 0, status, code, message);
    return sink->api->fail(sink->ctx, status, code, "%s", message);
}

/* The hash holds another token than the one that we left. */
static int on_stale(redis_sink_t *sink, redis_delivery_t *d, const char *found) {
    size_t n = strlen(sink->epoch);

    if (strncmp(found, sink->epoch, n) == 0 && found[n] == ':') {
        fail_rest(d, 0);
        return SLUICE_OK;
    }
    if (*found == '\0')
        return fail_whole(sink, d, SLUICE_NOT_CONNECTED, "redis.position_gone",
                          "the hash with our positions was deleted from the server");
    return fail_whole(sink, d, SLUICE_FATAL, "redis.fenced",
                      "another sluice has opened this pipeline's sink on the same server and "
                      "writes in our place. Stop one of them, or give it another name.");
}

static int on_error(redis_sink_t *sink, redis_delivery_t *d, const char *error) {
    int status = redis_error_status(error);
    char text[600];

    if (status == SLUICE_BAD_RECORD) /* of the script, not of a record */
        status = SLUICE_FATAL;
    snprintf(text, sizeof(text), "the script of exactly.once was refused: %s", error);
    fail_whole(sink, d, status, redis_error_code(error), text);
    return status == SLUICE_RETRY ? SLUICE_OK : status;
}

static void on_stopped(redis_delivery_t *d, size_t at, const char *error) {
    int status = redis_error_status(error);

    redis_delivery_fail(d, at, status, redis_error_code(error), error);
    fail_rest(d, at + 1);
}

int redis_exact_reply(redis_sink_t *sink, redis_delivery_t *d, const redisReply *reply) {
    long long n;
    const char *error;

    if (reply->type == REDIS_REPLY_ERROR)
        return on_error(sink, d, reply->str);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER || reply->element[1]->str == NULL)
        return on_error(sink, d, "ERR it answered something else");
    n = reply->element[0]->integer;
    error = reply->element[1]->str;
    if (n == STALE)
        return on_stale(sink, d, error);
    if (*error != '\0') {
        on_stopped(d, (size_t)n, error);
    } else if (d->scripted < d->records) {
        fail_rest(d, d->scripted + 1);
    } else {
        sink->token_confirmed = d->token;
    }
    return SLUICE_OK;
}

/* ---- positions at open ---- */

/* Tells of scripts that the server replayed in part. The count goes back by what was found, not to
 * 0: this command itself may come to stand behind a torn script in the log. */
static int report_torn(redis_sink_t *sink, const char *field, long long count) {
    redis_pipeline_t p = {0};
    int status;

    sink->api->log(sink->ctx, SLUICE_LOG_ERROR,
                   "the Redis server restarted and replayed a part of %lld interrupted script(s): "
                   "records of as many batches may be twice in lists and streams. Set "
                   "aof-load-truncated no there, and mend its log with redis-check-aof --fix after "
                   "a crash.",
                   count);
    redis_command(&p, 4);
    redis_arg_text(&p, "HINCRBY");
    redis_arg_text(&p, sink->position_key);
    redis_arg_text(&p, field);
    redis_arg_int(&p, -count);
    status = redis_connection_send(&sink->connection, &p);
    redis_pipeline_fini(&p);
    return status == SLUICE_OK ? 1 : status;
}

/* Of a position that is not what this sink wrote nobody knows what it covers. */
static int announce(redis_sink_t *sink, const redisReply *name, const redisReply *place) {
    sluice_position_t position;
    uint32_t sub;

    if (position_place_read(sluice_str_n(place->str, place->len), &position, &sub) != SLUICE_OK)
        return sink->api->fail(
            sink->ctx, SLUICE_FATAL, "redis.position",
            "field %.300s of hash %s holds no position of this sink. Correct it; or"
            " delete it (HDEL): what was written last may then be written again.",
            name->str, sink->position_key);
    sink->api->sink_position(sink->ctx, sluice_str_n(name->str, name->len), &position, sub);
    return SLUICE_OK;
}

int redis_exact_announce(redis_sink_t *sink, const redisReply *reply) {
    char torn_field[sizeof(sink->token_field) + 1];
    long long torn = 0;
    int status = SLUICE_OK;
    size_t i;

    snprintf(torn_field, sizeof(torn_field), "%s+", sink->token_field);
    for (i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const redisReply *name = reply->element[i];
        const redisReply *value = reply->element[i + 1];

        if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
            continue;
        if (strcmp(name->str, torn_field) == 0)
            torn = strtoll(value->str, NULL, 10);
        if (name->str[0] != '#' && status == SLUICE_OK)
            status = announce(sink, name, value);
    }
    if (status != SLUICE_OK)
        return status;
    return torn != 0 ? report_torn(sink, torn_field, torn) : 0;
}
