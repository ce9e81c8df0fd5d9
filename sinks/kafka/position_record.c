/*
 * A position as a record.
 *   native   key ["owner", "partition's text"], value {"position": hex, "sub": n}
 *   connect  a source offset of Kafka Connect: key ["connector", {partition}], value {offset}, as
 *            all who read its topic know it. What they would not understand stands in headers.
 */
#include "kafka_sink.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/place_headers.h"
#include "support/position.h"

/* ---- native ---- */

static char *native_key(const char *owner, const char *partition) {
    cJSON *key = cJSON_CreateArray();
    char *out;

    cJSON_AddItemToArray(key, cJSON_CreateString(owner));
    cJSON_AddItemToArray(key, cJSON_CreateString(partition));
    out = cJSON_PrintUnformatted(key);
    cJSON_Delete(key);
    return out;
}

static char *native_value(const kafka_position_t *p) {
    char hex[POSITION_HEX_MAX];
    cJSON *value = cJSON_CreateObject();
    char *out;

    cJSON_AddStringToObject(value, "position", position_hex(&p->position, hex));
    cJSON_AddNumberToObject(value, "sub", p->sub_index);
    out = cJSON_PrintUnformatted(value);
    cJSON_Delete(value);
    return out;
}

static int native_read(const char *text, size_t len, kafka_position_t *out) {
    cJSON *value = cJSON_ParseWithLength(text, len);
    const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "position"));
    const cJSON *sub = cJSON_GetObjectItemCaseSensitive(value, "sub");
    int ok = hex != NULL && position_hex_read(sluice_str(hex), &out->position) == SLUICE_OK &&
             out->position.len > 0 && cJSON_IsNumber(sub) && sub->valuedouble >= 0 &&
             sub->valuedouble <= UINT32_MAX;

    out->sub_index = ok ? (uint32_t)sub->valuedouble : 0;
    cJSON_Delete(value);
    return ok;
}

/* ---- Connect's ---- */

static char *connect_key(const char *owner, const char *partition) {
    cJSON *name = cJSON_CreateString(owner);
    char *quoted = cJSON_PrintUnformatted(name);
    char *out = NULL;

    if (quoted != NULL && asprintf(&out, "[%s,%s]", quoted, partition) < 0)
        out = NULL;
    cJSON_free(quoted);
    cJSON_Delete(name);
    return out;
}

/* ---- both ---- */

rd_kafka_resp_err_t kafka_position_produce(kafka_sink_t *sink, const char *topic, const char *owner,
                                           const kafka_position_t *p) {
    char *key = sink->connect_offsets ? connect_key(owner, p->partition)
                                      : native_key(owner, p->partition);
    char *value = sink->connect_offsets ? strdup(p->offset != NULL ? p->offset : "{}")
                                        : native_value(p);
    kafka_place_t place = {p->position, p->sub_index, sluice_str(p->partition)};
    rd_kafka_headers_t *headers = sink->connect_offsets ? kafka_place_headers(&place) : NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__QUEUE_FULL;

    if (key != NULL && value != NULL)
        err = rd_kafka_producev(sink->client, RD_KAFKA_V_TOPIC(topic),
                                RD_KAFKA_V_KEY(key, strlen(key)),
                                RD_KAFKA_V_VALUE(value, strlen(value)),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
        rd_kafka_headers_destroy(headers);
    free(key);
    free(value);
    return err;
}

static char *copy(sluice_str_t text) {
    return text.data == NULL ? NULL : strndup(text.data, text.len);
}

static void read_connect(const rd_kafka_message_t *message, kafka_position_t *out) {
    kafka_place_t place;

    if (!kafka_place_read(message, &place))
        return;
    out->position = place.position;
    out->sub_index = place.sub_index;
    out->partition = copy(place.partition);
}

int kafka_position_read(kafka_sink_t *sink, const rd_kafka_message_t *message, const char *owner,
                        kafka_position_t *out) {
    cJSON *key = cJSON_ParseWithLength(message->key, message->key_len);
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(key, 0));
    int is_owners = name != NULL && strcmp(name, owner) == 0;

    memset(out, 0, sizeof(*out));
    if (is_owners && sink->connect_offsets)
        read_connect(message, out);
    else if (is_owners && native_read(message->payload, message->len, out))
        out->partition = copy(sluice_str(cJSON_GetStringValue(cJSON_GetArrayItem(key, 1))));
    cJSON_Delete(key);
    return is_owners;
}
