#include "redis_sink.h"

#include <stdlib.h>

/* How many fields with a value, and (with p) the fields: name, text, name, text ... */
static size_t body(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_value_t *v,
                   redis_pipeline_t *p) {
    uint32_t count = v->kind == SLUICE_STRUCT ? v->as.st->schema->field_count : v->len;
    size_t given = 0;
    uint32_t i;

    for (i = 0; i < count; i++) {
        const sluice_value_t *field =
            v->kind == SLUICE_STRUCT ? &v->as.st->fields[i] : &v->as.items[2 * i + 1];

        if (sluice_is_null(field))
            continue;
        given++;
        if (p == NULL)
            continue;
        redis_arg(p, v->kind == SLUICE_STRUCT ? v->as.st->schema->fields[i].name
                                              : redis_text(sink, scratch, &v->as.items[2 * i]));
        redis_arg(p, redis_text(sink, scratch, field));
    }
    return given;
}

static int delete_entry(redis_pipeline_t *p, sluice_str_t key) {
    redis_command(p, 2);
    redis_arg_text(p, "DEL");
    redis_arg(p, key);
    return 1;
}

/* DEL before HSET: fields that the new row no longer has must not stay. */
static int hash(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                sluice_str_t key, redis_pipeline_t *p) {
    size_t fields;

    if (r->value.kind != SLUICE_STRUCT && r->value.kind != SLUICE_MAP)
        return redis_bad(sink, "redis.shape", "redis.type=HASH needs a struct or a map as value");
    fields = body(sink, scratch, &r->value, NULL);
    delete_entry(p, key);
    if (fields == 0)
        return 1;
    redis_command(p, 2 + 2 * fields);
    redis_arg_text(p, "HSET");
    redis_arg(p, key);
    body(sink, scratch, &r->value, p);
    return 2;
}

static int set_text(redis_pipeline_t *p, sluice_str_t key, sluice_str_t text) {
    redis_command(p, 3);
    redis_arg_text(p, "SET");
    redis_arg(p, key);
    redis_arg(p, text);
    return 1;
}

static int json(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                sluice_str_t key, redis_pipeline_t *p) {
    sluice_buf_t buf;
    sluice_str_t text;

    if (r->value.kind == SLUICE_STRING || r->value.kind == SLUICE_BYTES) {
        text = sluice_value_str(&r->value);
    } else {
        sink->api->buf_init(&buf, scratch, 512);
        sink->api->json->write(&buf, &r->value, SLUICE_JSON_NUMERIC_DECIMAL);
        text = sink->api->buf_finish(&buf);
    }
    if (sink->json == JSON_TEXT)
        return set_text(p, key, text);
    redis_command(p, 4);
    redis_arg_text(p, "JSON.SET");
    redis_arg(p, key);
    redis_arg_text(p, "$");
    redis_arg(p, text);
    return 1;
}

static int stream(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                  sluice_str_t key, redis_pipeline_t *p) {
    size_t limit_words = sink->stream_max_length > 0 ? 3 : 0;
    size_t fields;

    if (sluice_is_null(&r->value))
        return 0;
    if (r->value.kind != SLUICE_STRUCT && r->value.kind != SLUICE_MAP)
        return redis_bad(sink, "redis.shape", "redis.type=STREAM needs a struct or a map as value");
    fields = body(sink, scratch, &r->value, NULL);
    if (fields == 0)
        return redis_bad(sink, "redis.shape",
                         "redis.type=STREAM needs at least one field that is not null");
    redis_command(p, 3 + limit_words + 2 * fields);
    redis_arg_text(p, "XADD");
    redis_arg(p, key);
    if (limit_words > 0) {
        redis_arg_text(p, "MAXLEN");
        redis_arg_text(p, "~");
        redis_arg_int(p, sink->stream_max_length);
    }
    redis_arg_text(p, "*");
    body(sink, scratch, &r->value, p);
    return 1;
}

/* The element of a LIST, SET or ZSET: a field of the value, or the record key. data NULL after
 * redis_bad. */
static sluice_str_t member(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r) {
    const sluice_value_t *v = &r->key;

    if (sink->member_field != NULL) {
        v = redis_field(&r->value, sluice_str(sink->member_field));
        if (v == NULL)
            v = redis_field(&r->key, sluice_str(sink->member_field));
    }
    if (v == NULL || sluice_is_null(v)) {
        redis_bad(
            sink, "redis.member",
            "the record has no member: its key, or the field of redis.member, is null or missing");
        return sluice_str_n(NULL, 0);
    }
    if (v->kind == SLUICE_STRUCT && v->len == 1)
        v = &v->as.st->fields[0];
    return redis_text(sink, scratch, v);
}

static int is_number(const sluice_value_t *v) {
    return (v->kind >= SLUICE_INT8 && v->kind <= SLUICE_FLOAT64) || v->kind == SLUICE_DECIMAL ||
           v->kind == SLUICE_DATE;
}

static int zadd(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                sluice_str_t key, sluice_str_t who, redis_pipeline_t *p) {
    const sluice_value_t *score = &r->value;

    if (sink->score_field != NULL)
        score = redis_field(&r->value, sluice_str(sink->score_field));
    if (score == NULL || !is_number(score))
        return redis_bad(sink, "redis.score",
                         "redis.type=ZSET needs a number as value, or in the field of redis.score");
    redis_command(p, 4);
    redis_arg_text(p, "ZADD");
    redis_arg(p, key);
    redis_arg(p, redis_text(sink, scratch, score));
    redis_arg(p, who);
    return 1;
}

/* LIST, SET, ZSET: a tombstone takes the member out, as the documentation of the JVM's sink
 * promises. */
static int collection(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                      sluice_str_t key, redis_pipeline_t *p) {
    int gone = sluice_is_null(&r->value);
    sluice_str_t who = member(sink, scratch, r);

    if (who.data == NULL)
        return SLUICE_BAD_RECORD;
    if (sink->type == TYPE_ZSET && !gone)
        return zadd(sink, scratch, r, key, who, p);
    redis_command(p, gone && sink->type == TYPE_LIST ? 4 : 3);
    if (sink->type == TYPE_LIST)
        redis_arg_text(p, gone ? "LREM" : "RPUSH");
    else if (sink->type == TYPE_SET)
        redis_arg_text(p, gone ? "SREM" : "SADD");
    else
        redis_arg_text(p, "ZREM");
    redis_arg(p, key);
    if (gone && sink->type == TYPE_LIST)
        redis_arg_text(p, "0");
    redis_arg(p, who);
    return 1;
}

/* Header redis.key.ttl (seconds) beats the option; none: 0. */
static int64_t ttl_of(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r) {
    uint32_t i;

    for (i = 0; i < r->header_count; i++) {
        char text[24] = "";
        sluice_str_t value;

        if (!sluice_str_eq(r->headers[i].key, sluice_str("redis.key.ttl")))
            continue;
        value = redis_text(sink, scratch, &r->headers[i].value);
        if (value.len < sizeof(text))
            memcpy(text, value.data, value.len);
        return strtoll(text, NULL, 10);
    }
    return sink->ttl_seconds;
}

static int expire(redis_pipeline_t *p, sluice_str_t key, int64_t seconds) {
    redis_command(p, 3);
    redis_arg_text(p, "EXPIRE");
    redis_arg(p, key);
    redis_arg_int(p, seconds);
    return 1;
}

static int entry(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                 sluice_str_t key, redis_pipeline_t *p) {
    if (sluice_is_null(&r->value))
        return delete_entry(p, key);
    if (sink->type == TYPE_HASH)
        return hash(sink, scratch, r, key, p);
    if (sink->type == TYPE_JSON)
        return json(sink, scratch, r, key, p);
    return set_text(p, key, redis_text(sink, scratch, &r->value));
}

int redis_record_commands(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_record_t *r,
                          redis_pipeline_t *p) {
    int own = sink->type == TYPE_HASH || sink->type == TYPE_JSON || sink->type == TYPE_STRING;
    sluice_str_t key =
        own ? redis_entry_key(sink, scratch, r) : redis_collection_key(sink, scratch, r);
    int64_t ttl = ttl_of(sink, scratch, r);
    int n;

    if (key.data == NULL)
        return SLUICE_BAD_RECORD;
    if (own)
        n = entry(sink, scratch, r, key, p);
    else if (sink->type == TYPE_STREAM)
        n = stream(sink, scratch, r, key, p);
    else
        n = collection(sink, scratch, r, key, p);
    if (n > 0 && ttl > 0 && !sluice_is_null(&r->value))
        n += expire(p, key, ttl);
    return n;
}
