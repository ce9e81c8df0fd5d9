/*
 * What librdkafka (2.x, 64 bit) allocates for a message until its report: its own struct with a
 * copy of the key behind it, a list of headers, and each header with copies of its name and value.
 * Its queue's limits count values only.
 */
#include "kafka_sink.h"

enum {
    MESSAGE_STRUCT = 168,
    HEADER_LIST = 48,
    HEADER_STRUCT = 42, /* with the end of name and value */
    BLOCK_ALIGN = 16,   /* of malloc */
    BLOCK_HEAD = 8
};

static int64_t block(size_t size) {
    return (int64_t)((size + BLOCK_HEAD + BLOCK_ALIGN - 1) & ~(size_t)(BLOCK_ALIGN - 1));
}

static int64_t header_bytes(const sluice_record_t *r) {
    int64_t bytes = block(HEADER_LIST) + block(r->header_count * sizeof(void *));
    uint32_t i;

    for (i = 0; i < r->header_count; i++) {
        const sluice_header_t *h = &r->headers[i];

        bytes += block(HEADER_STRUCT + h->key.len + kafka_length(&h->value));
    }
    return bytes;
}

int64_t kafka_client_bytes(const sluice_record_t *records, size_t count) {
    int64_t bytes = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        const sluice_record_t *r = &records[i];

        bytes += block(MESSAGE_STRUCT + kafka_length(&r->key));
        if (r->header_count > 0)
            bytes += header_bytes(r);
    }
    return bytes;
}

/* Of a number as records carry lengths: zigzag, seven bits a byte. */
static int64_t varint_bytes(size_t n) {
    int64_t bytes = 1;
    uint64_t z = (uint64_t)n << 1;

    for (; z >= 0x80; z >>= 7)
        bytes++;
    return bytes;
}

static int64_t field_bytes(const sluice_value_t *value) {
    return sluice_is_null(value) ? 1 : varint_bytes(value->len) + (int64_t)value->len;
}

int64_t kafka_java_bytes(const sluice_record_t *r) {
    int64_t bytes = 61 + 21; /* of a batch and of a record, at most */
    uint32_t i;

    bytes += field_bytes(&r->key) + field_bytes(&r->value) + varint_bytes(r->header_count);
    for (i = 0; i < r->header_count; i++)
        bytes += varint_bytes(r->headers[i].key.len) + (int64_t)r->headers[i].key.len +
                 field_bytes(&r->headers[i].value);
    return bytes;
}
