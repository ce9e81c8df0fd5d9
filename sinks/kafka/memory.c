/*
 * What librdkafka (2.x, 64 bit) allocates for a message until its report: its own struct with a copy
 * of the key behind it, a list of headers, and each header with copies of its name and value. Its
 * queue's limits count values only.
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

        bytes += block(HEADER_STRUCT + h->key.len + (sluice_is_null(&h->value) ? 0 : h->value.len));
    }
    return bytes;
}

int64_t kafka_client_bytes(const sluice_record_t *records, size_t count) {
    int64_t bytes = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        const sluice_record_t *r = &records[i];

        bytes += block(MESSAGE_STRUCT + (sluice_is_null(&r->key) ? 0 : r->key.len));
        if (r->header_count > 0)
            bytes += header_bytes(r);
    }
    return bytes;
}
