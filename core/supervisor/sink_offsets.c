#include "supervisor/sink_offsets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/json_file.h"
#include "sluice/error.h"

#define TOPIC     "kafka_topic"
#define PARTITION "kafka_partition"
#define OFFSET    "kafka_offset"

typedef struct reading {
    const char *connector;
    char *message;
    size_t size;
    int *is_refusal;
} reading_t;

static cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int refuse(const reading_t *r, const char *text) {
    *r->is_refusal = 1;
    snprintf(r->message, r->size, "%s", text);
    return SLUICE_INVALID;
}

/* Java's text of a JSON value, for messages: [1, 2], {a=b}. */
static void put_java(FILE *out, const cJSON *item) {
    char buffer[64];
    const char *text = sl_json_scalar(item, buffer, sizeof buffer);
    const cJSON *one;

    if (!cJSON_IsArray(item) && !cJSON_IsObject(item)) {
        fputs(text == NULL ? "null" : text, out);
        return;
    }
    fputc(cJSON_IsArray(item) ? '[' : '{', out);
    cJSON_ArrayForEach(one, item) {
        if (one->string != NULL)
            fprintf(out, "%s=", one->string);
        put_java(out, one);
        fputs(one->next != NULL ? ", " : "", out);
    }
    fputc(cJSON_IsArray(item) ? ']' : '}', out);
}

static void shown(const cJSON *item, char *buffer, size_t size) {
    FILE *out = fmemopen(buffer, size, "w");

    *buffer = '\0';
    if (out == NULL)
        return;
    put_java(out, item);
    fclose(out);
    buffer[size - 1] = '\0';
}

/* A number, also as text; long decides over its range. 0, or -1. */
static int read_number(const cJSON *item, long long max, long long *out) {
    char buffer[64];
    const char *text = sl_json_scalar(item, buffer, sizeof buffer);
    char *end;

    if (text == NULL || *text == '\0' || *text == ' ')
        return -1;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *end != '\0' || errno == ERANGE || *out > max || *out < -max - 1 ? -1 : 0;
}

static int bad_number(const reading_t *r, const char *what, const cJSON *item) {
    char buffer[160];

    *r->is_refusal = 1;
    shown(item, buffer, sizeof buffer);
    snprintf(r->message, r->size,
             "Failed to parse the following Kafka %s value in the provided offsets: '%.150s'. %s "
             "values for sink connectors need to be integers.",
             what, buffer,
             strcmp(what, "offset") == 0 ? "Offset" : "Partition");
    return SLUICE_INVALID;
}

static int read_partition(const reading_t *r, cJSON *partition) {
    const cJSON *topic = member(partition, TOPIC);
    const cJSON *number = member(partition, PARTITION);
    char name[300];
    long long n;

    if (!cJSON_IsObject(partition))
        return refuse(r, "The partition for a sink connector offset cannot be null or missing");
    if (topic == NULL || number == NULL)
        return refuse(r, "The partition for a sink connector offset must contain the keys "
                         "'kafka_topic' and 'kafka_partition'");
    if (cJSON_IsNull(topic))
        return refuse(r, "Kafka topic names must be valid strings and may not be null");
    if (cJSON_IsNull(number))
        return refuse(r, "Kafka partitions must be valid numbers and may not be null");
    if (read_number(number, INT_MAX, &n) != 0)
        return bad_number(r, "partition", number);
    shown(topic, name, sizeof name);
    while (partition->child != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(partition, partition->child));
    cJSON_AddStringToObject(partition, TOPIC, name);
    cJSON_AddNumberToObject(partition, PARTITION, (double)n);
    return SLUICE_OK;
}

static int read_offset(const reading_t *r, cJSON *offset) {
    const cJSON *number = member(offset, OFFSET);
    char text[24];
    long long n;

    if (!cJSON_IsObject(offset))
        return SLUICE_OK;
    if (number == NULL)
        return refuse(r, "The offset for a sink connector should either be null or contain the key "
                         "'kafka_offset'");
    if (read_number(number, LLONG_MAX, &n) != 0)
        return bad_number(r, "offset", number);
    if (n < 0) {
        snprintf(r->message, r->size, "Failed to modify offsets for sink connector %s",
                 r->connector);
        return SLUICE_INVALID;
    }
    while (offset->child != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(offset, offset->child));
    snprintf(text, sizeof text, "%lld", n);
    cJSON_AddRawToObject(offset, OFFSET, text); /* no double on the way */
    return SLUICE_OK;
}

int sl_sink_offsets_read(cJSON *offsets, const char *connector, char *message, size_t size,
                         int *is_refusal) {
    reading_t r = { connector, message, size, is_refusal };
    cJSON *one;
    int status = SLUICE_OK;

    *is_refusal = 0;
    cJSON_ArrayForEach(one, offsets) {
        if (status == SLUICE_OK)
            status = read_partition(&r, member(one, "partition"));
        if (status == SLUICE_OK)
            status = read_offset(&r, member(one, "offset"));
    }
    return status;
}
