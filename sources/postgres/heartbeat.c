#include "source.h"

#include <stdio.h>
#include <string.h>

static const sluice_schema_t *heartbeat_schema(const sluice_api_t *api, const char *name,
                                               const char *field, sluice_kind_t kind) {
    sluice_schema_t item = {.size = sizeof(item), .type = (uint8_t)kind};
    sluice_field_t f = {sluice_str(field), &item};
    sluice_schema_t t = {.size = sizeof(t),
                         .type = SLUICE_STRUCT,
                         .has_version = 1,
                         .version = 1,
                         .name = sluice_str(name),
                         .field_count = 1,
                         .fields = &f};
    return api->schema_intern(&t);
}

static sluice_value_t one_field(pg_source_t *s, const sluice_schema_t *schema,
                                sluice_value_t value) {
    sluice_struct_t *st = s->api->batch_alloc(s->out.batch, sizeof(*st) + sizeof(value));
    sluice_value_t v = {.kind = SLUICE_STRUCT, .len = 1};
    if (st == NULL)
        return sluice_null();
    st->schema = schema;
    st->fields[0] = value;
    v.as.st = st;
    return v;
}

static int put_heartbeat(pg_source_t *s, const sluice_schema_t *key, const sluice_schema_t *value) {
    const pg_options_t *o = &s->env.options;
    uint64_t lsn = s->out.offset.lsn_commit > s->stream.advanced ? s->out.offset.lsn_commit
                                                                 : s->stream.advanced;
    sluice_record_t *r = pg_emitter_batch(&s->out) == NULL ? NULL : s->api->batch_add(s->out.batch);
    char topic[600];

    if (r == NULL || key == NULL || value == NULL)
        return SLUICE_NO_MEMORY;
    if (o->heartbeat_name != NULL && o->heartbeat_name[0] != '\0')
        snprintf(topic, sizeof(topic), "%s", o->heartbeat_name);
    else
        snprintf(topic, sizeof(topic), "%s%s%s", o->heartbeat_prefix, o->delimiter, o->prefix);
    s->out.records++;
    r->topic = s->api->batch_copy(s->out.batch, sluice_str(topic));
    r->partition = 0;
    r->source_partition = s->partition;
    r->key_schema = key;
    r->value_schema = value;
    r->key = one_field(s, key, s->out.source[2]);
    r->value = one_field(s, value, sluice_int(SLUICE_INT64, s->out.now_us / 1000));
    s->stream.advanced = lsn;
    r->position = pg_position(lsn, 0, ++s->stream.beats);
    r->offset = s->api->batch_copy(
        s->out.batch, sluice_str_n((const char *)&s->out.offset, sizeof(s->out.offset)));
    return pg_stream_flush(s);
}

static int beat(pg_source_t *s) {
    const sluice_schema_t *key, *value;
    int status;

    key = heartbeat_schema(s->api, "io.debezium.connector.common.ServerNameKey", "serverName",
                           SLUICE_STRING);
    value =
        heartbeat_schema(s->api, "io.debezium.connector.common.Heartbeat", "ts_ms", SLUICE_INT64);
    status = put_heartbeat(s, key, value);
    s->api->schema_unref(key);
    s->api->schema_unref(value);
    return status;
}

void pg_heartbeat(void *arg) {
    pg_source_t *s = arg;
    int status;

    if (!s->stream.running || s->stream.in_transaction || s->out.records > 0 ||
        (s->stream.stops & ~PG_STOP_LINGER) != 0 || s->out.offset.lsn == 0)
        return;
    pg_emitter_clock(&s->out);
    status = beat(s);
    if (status != SLUICE_OK)
        pg_source_failed(s, status);
}
