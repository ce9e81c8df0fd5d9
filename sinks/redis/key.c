#include "redis_sink.h"

static sluice_str_t number_text(redis_sink_t *sink, sluice_batch_t *scratch,
                                const sluice_value_t *v) {
    const sluice_json_api_t *json = sink->api->json;
    sluice_buf_t buf;

    sink->api->buf_init(&buf, scratch, 32);
    if (v->kind == SLUICE_FLOAT64)
        json->write_double(&buf, v->as.f);
    else if (v->kind == SLUICE_FLOAT32)
        json->write_float(&buf, (float)v->as.f);
    else
        json->write_int(&buf, v->as.i);
    return sink->api->buf_finish(&buf);
}

static sluice_str_t json_text(redis_sink_t *sink, sluice_batch_t *scratch,
                              const sluice_value_t *v) {
    sluice_buf_t buf;

    sink->api->buf_init(&buf, scratch, 256);
    sink->api->json->write(&buf, v, SLUICE_JSON_NUMERIC_DECIMAL);
    return sink->api->buf_finish(&buf);
}

sluice_str_t redis_text(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_value_t *v) {
    if (v->flags & SLUICE_TEXT)
        return sluice_value_str(v);
    switch (v->kind) {
    case SLUICE_NULL: return sluice_str("null");
    case SLUICE_STRING:
    case SLUICE_BYTES:
    case SLUICE_DECIMAL: return sluice_value_str(v);
    case SLUICE_BOOLEAN: return sluice_str(v->as.i ? "true" : "false");
    case SLUICE_ARRAY:
    case SLUICE_MAP:
    case SLUICE_STRUCT: return json_text(sink, scratch, v);
    default: return number_text(sink, scratch, v);
    }
}

static const sluice_value_t *struct_field(const sluice_struct_t *st, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < st->schema->field_count; i++) {
        if (sluice_str_eq(st->schema->fields[i].name, name))
            return &st->fields[i];
    }
    return NULL;
}

const sluice_value_t *redis_field(const sluice_value_t *v, sluice_str_t name) {
    uint32_t i;

    if (v->kind == SLUICE_STRUCT)
        return struct_field(v->as.st, name);
    if (v->kind != SLUICE_MAP)
        return NULL;
    for (i = 0; i < v->len; i++) {
        const sluice_value_t *key = &v->as.items[2 * i];

        if (key->kind == SLUICE_STRING && sluice_str_eq(sluice_value_str(key), name))
            return key + 1;
    }
    return NULL;
}

/* A key of one field, as databases have it, is that field; everything else its text. A null key
 * has none: all records without a key would else share one entry. */
static sluice_str_t key_text(redis_sink_t *sink, sluice_batch_t *scratch,
                             const sluice_value_t *key) {
    if (key->kind == SLUICE_STRUCT && key->len == 1)
        key = &key->as.st->fields[0];
    else if (key->kind == SLUICE_MAP && key->len == 1)
        key = &key->as.items[1];
    return sluice_is_null(key) ? sluice_str_n(NULL, 0) : redis_text(sink, scratch, key);
}

/* What ${name} stands for; data NULL when the record has no such field, or it is null. */
static sluice_str_t placeholder(redis_sink_t *sink, sluice_batch_t *scratch,
                                const sluice_record_t *r, sluice_str_t name) {
    const sluice_value_t *field;

    if (sluice_str_eq(name, sluice_str("topic")))
        return r->topic;
    if (sluice_str_eq(name, sluice_str("key")))
        return key_text(sink, scratch, &r->key);
    field = redis_field(&r->value, name);
    if (field == NULL || sluice_is_null(field))
        field = redis_field(&r->key, name);
    if (field == NULL || sluice_is_null(field))
        return sluice_str_n(NULL, 0);
    return redis_text(sink, scratch, field);
}

/* Joins the pieces first, so that placeholders may use the arena while they are made. */
static sluice_str_t join(redis_sink_t *sink, sluice_batch_t *scratch, const sluice_str_t *pieces,
                         size_t n) {
    size_t len = 0;
    size_t i;
    char *out;
    char *at;

    for (i = 0; i < n; i++)
        len += pieces[i].len;
    at = out = sink->api->batch_alloc(scratch, len + 1);
    for (i = 0; out != NULL && i < n; i++) {
        if (pieces[i].len > 0)
            memcpy(at, pieces[i].data, pieces[i].len);
        at += pieces[i].len;
    }
    return sluice_str_n(out, out != NULL ? len : 0);
}

enum { MAX_PIECES = 32 };

const char *redis_template_fault(const char *text) {
    size_t n = 0;

    while ((text = strstr(text, "${")) != NULL) {
        text = strchr(text, '}');
        if (text == NULL)
            return "has \"${\" without \"}\"";
        if (2 * ++n + 1 > MAX_PIECES)
            return "has more than 15 placeholders";
    }
    return NULL;
}

static sluice_str_t fill_template(redis_sink_t *sink, sluice_batch_t *scratch, const char *text,
                                  const sluice_record_t *r) {
    sluice_str_t pieces[MAX_PIECES];
    const char *at = text;
    size_t n = 0;

    while (*at != '\0' && n + 2 <= MAX_PIECES) {
        const char *open = strstr(at, "${");
        const char *end = open != NULL ? strchr(open, '}') : NULL;

        if (end == NULL) {
            pieces[n++] = sluice_str(at);
            break;
        }
        pieces[n++] = sluice_str_n(at, (size_t)(open - at));
        pieces[n] = placeholder(sink, scratch, r, sluice_str_n(open + 2, (size_t)(end - open - 2)));
        if (pieces[n].data == NULL) {
            redis_bad(sink, "redis.key", "key %s: the record's %.*s is null or missing", text,
                      (int)(end - open - 2), open + 2);
            return pieces[n];
        }
        n++;
        at = end + 1;
    }
    return join(sink, scratch, pieces, n);
}

sluice_str_t redis_collection_key(redis_sink_t *sink, sluice_batch_t *scratch,
                                  const sluice_record_t *r) {
    return fill_template(sink, scratch,
                         sink->key_template != NULL ? sink->key_template : sink->keyspace, r);
}

sluice_str_t redis_entry_key(redis_sink_t *sink, sluice_batch_t *scratch,
                             const sluice_record_t *r) {
    sluice_str_t pieces[3];

    if (sink->key_template != NULL)
        return fill_template(sink, scratch, sink->key_template, r);
    pieces[2] = key_text(sink, scratch, &r->key);
    if (pieces[2].data == NULL)
        redis_bad(sink, "redis.key",
                  "the record has no key, which names its entry: give it one, or set redis.key to "
                  "make one out of its fields");
    if (pieces[2].data == NULL || *sink->keyspace == '\0')
        return pieces[2];
    pieces[0] = fill_template(sink, scratch, sink->keyspace, r);
    pieces[1] = sluice_str(sink->separator);
    return pieces[0].data == NULL ? pieces[0] : join(sink, scratch, pieces, 3);
}
