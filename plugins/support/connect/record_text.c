#include "support/connect/record_text.h"

#include "support/java.h"

typedef struct writer {
    const smt_t *s;
    sluice_buf_t buf;
} writer_t;

static void put(writer_t *w, const char *text) {
    sluice_buf_put(&w->buf, text, strlen(text));
}

static void put_int(writer_t *w, const char *name, int64_t n, int known) {
    put(w, name);
    if (known)
        w->s->api->json->write_int(&w->buf, n);
    else
        put(w, "null");
}

static void put_schema(writer_t *w, const char *name, const sluice_schema_t *schema) {
    put(w, name);
    if (schema == NULL) {
        put(w, "null");
        return;
    }
    put(w, "Schema{");
    if (schema->name.data != NULL) {
        sluice_buf_put_str(&w->buf, schema->name);
        put(w, ":");
    }
    put(w, java_type_name(schema->type));
    put(w, "}");
}

static void put_value(writer_t *w, const char *name, const sluice_value_t *value) {
    put(w, name);
    java_write(w->s->api, &w->buf, value);
}

/* A record with a time of none has CreateTime in Connect, too, unless its topic is ancient. */
static void put_sink(writer_t *w, const sluice_record_t *r) {
    put_int(w, "SinkRecord{kafkaOffset=", r->original_offset, 1);
    put(w, ", timestampType=");
    put(w, r->timestamp_type == SLUICE_TIMESTAMP_LOG_APPEND ? "LogAppendTime" : "CreateTime");
    put(w, ", originalTopic=");
    sluice_buf_put_str(&w->buf, r->original_topic);
    put_int(w, ", originalKafkaPartition=", r->original_partition, 1);
    put_int(w, ", originalKafkaOffset=", r->original_offset, 1);
    put(w, "} ");
}

/* Where a record of a source came from, as JSON: Java prints its maps. */
static void put_source(writer_t *w, const sluice_record_t *r) {
    put(w, "SourceRecord{sourcePartition=");
    sluice_buf_put_str(&w->buf, w->s->api->source_partition_json(w->s->ctx, r->source_partition));
    put(w, ", sourceOffset=");
    sluice_buf_put_str(&w->buf, r->offset);
    put(w, "} ");
}

static void put_headers(writer_t *w, const sluice_record_t *r) {
    uint32_t i;

    put(w, ", headers=ConnectHeaders(headers=");
    for (i = 0; i < r->header_count; i++) {
        put(w, i > 0 ? ", ConnectHeader(key=" : "[ConnectHeader(key=");
        sluice_buf_put_str(&w->buf, r->headers[i].key);
        put_value(w, ", value=", &r->headers[i].value);
        put_schema(w, ", schema=", r->headers[i].schema);
        put(w, ")");
    }
    put(w, r->header_count > 0 ? "])}" : ")}");
}

static void put_record(writer_t *w, const sluice_record_t *r) {
    if (r->original_offset != SLUICE_NO_OFFSET)
        put_sink(w, r);
    else
        put_source(w, r);
    put(w, "ConnectRecord{topic='");
    sluice_buf_put_str(&w->buf, r->topic);
    put_int(w, "', kafkaPartition=", r->partition, r->partition != SLUICE_NO_PARTITION);
    put_value(w, ", key=", &r->key);
    put_schema(w, ", keySchema=", r->key_schema);
    put_value(w, ", value=", &r->value);
    put_schema(w, ", valueSchema=", r->value_schema);
    put_int(w, ", timestamp=", r->timestamp, r->timestamp_type != SLUICE_TIMESTAMP_NONE);
    put_headers(w, r);
}

int connect_fail_with_record(const smt_t *s, apply_t *a, const sluice_record_t *record,
                             const char *class_name, const char *head) {
    writer_t w = {.s = s};
    sluice_batch_t *batch = smt_batch(s, a);
    sluice_str_t text;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    s->api->buf_init(&w.buf, batch, 512);
    put_record(&w, record);
    text = s->api->buf_finish(&w.buf);
    return smt_fail(s, class_name, "%s%.*s", head, (int)text.len,
                    text.data == NULL ? "" : text.data);
}
