/*
 * A position as a record.
 *   native   key ["owner", "partition's text"], value {"position": hex, "sub": n}
 *   connect  a source offset of Kafka Connect: key ["connector", {partition}], value {offset}, as
 *            all who read its topic know it. What they would not understand stands in headers.
 */
#include "kafka_sink.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/kafka/place_headers.h"
#include "support/position.h"

/* ---- native ---- */

/* Takes the JSON; NULL without memory for any part of it. */
static char *printed(cJSON *json, int is_whole) {
    char *out = is_whole ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);
    return out;
}

static int add_text(cJSON *array, const char *text) {
    cJSON *item = cJSON_CreateString(text);

    if (cJSON_AddItemToArray(array, item))
        return 1;
    cJSON_Delete(item);
    return 0;
}

static char *native_key(const char *owner, const char *partition) {
    cJSON *key = cJSON_CreateArray();

    return printed(key, add_text(key, owner) && add_text(key, partition));
}

static char *native_value(const kafka_position_t *p) {
    char hex[POSITION_HEX_MAX];
    cJSON *value = cJSON_CreateObject();

    return printed(value, cJSON_AddStringToObject(value, "position",
                                                  position_hex(&p->position, hex)) != NULL &&
                              cJSON_AddNumberToObject(value, "sub", p->sub_index) != NULL);
}

/* cJSON does not say why it read nothing: what is damaged is no position, but without memory
 * nothing is known. malloc does say. */
static int parse(const void *text, size_t len, cJSON **out) {
    errno = 0;
    *out = cJSON_ParseWithLength(text, len);
    return *out == NULL && errno == ENOMEM ? SLUICE_NO_MEMORY : SLUICE_OK;
}

static int is_native(const cJSON *value, kafka_position_t *out) {
    const char *hex = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "position"));
    const cJSON *sub = cJSON_GetObjectItemCaseSensitive(value, "sub");
    int ok = hex != NULL && position_hex_read(sluice_str(hex), &out->position) == SLUICE_OK &&
             out->position.len > 0 && cJSON_IsNumber(sub) && sub->valuedouble >= 0 &&
             sub->valuedouble <= UINT32_MAX;

    out->sub_index = ok ? (uint32_t)sub->valuedouble : 0;
    return ok;
}

static int set_partition(kafka_position_t *out, sluice_str_t text) {
    if (text.data == NULL)
        return SLUICE_OK;
    out->partition = strndup(text.data, text.len);
    return out->partition != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static int read_native(const rd_kafka_message_t *message, const cJSON *key,
                       kafka_position_t *out) {
    const char *partition = cJSON_GetStringValue(cJSON_GetArrayItem(key, 1));
    cJSON *value;
    int status = parse(message->payload, message->len, &value);

    if (status == SLUICE_OK && is_native(value, out))
        status = set_partition(out, sluice_str(partition));
    cJSON_Delete(value);
    return status;
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
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE; /* no memory */

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

static int read_connect(const rd_kafka_message_t *message, kafka_position_t *out) {
    kafka_place_t place;

    if (!kafka_place_read(message, &place))
        return SLUICE_OK;
    out->position = place.position;
    out->sub_index = place.sub_index;
    return set_partition(out, place.partition);
}

int kafka_position_read(kafka_sink_t *sink, const rd_kafka_message_t *message, const char *owner,
                        kafka_position_t *out) {
    cJSON *key;
    int status = parse(message->key, message->key_len, &key);
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(key, 0));
    int is_owners = name != NULL && strcmp(name, owner) == 0;

    memset(out, 0, sizeof(*out));
    if (is_owners)
        status = sink->connect_offsets ? read_connect(message, out)
                                       : read_native(message, key, out);
    cJSON_Delete(key);
    return status == SLUICE_OK ? is_owners : status;
}
