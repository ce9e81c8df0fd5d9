#include "clients/kafka/place_headers.h"

#include "support/position.h"

#define HEADER_PLACE     "sluice.position"
#define HEADER_PARTITION "sluice.partition"

rd_kafka_headers_t *kafka_place_headers(const kafka_place_t *place) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    char text[POSITION_PLACE_MAX];

    rd_kafka_header_add(headers, HEADER_PLACE, -1,
                        position_place(&place->position, place->sub_index, text), -1);
    rd_kafka_header_add(headers, HEADER_PARTITION, -1, place->partition.data,
                        (ssize_t)place->partition.len);
    return headers;
}

static sluice_str_t header(const rd_kafka_message_t *message, const char *name) {
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t len = 0;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sluice_str(NULL);
    return sluice_str_n(value, len);
}

int kafka_place_read(const rd_kafka_message_t *message, kafka_place_t *out) {
    memset(out, 0, sizeof(*out));
    out->partition = header(message, HEADER_PARTITION);
    if (out->partition.data != NULL &&
        position_place_read(header(message, HEADER_PLACE), &out->position, &out->sub_index) ==
            SLUICE_OK &&
        out->position.len > 0)
        return 1;
    memset(out, 0, sizeof(*out));
    return 0;
}
