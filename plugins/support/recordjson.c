#include "support/recordjson.h"

#include "support/member.h"
#include "support/position.h"

static void put(sluice_buf_t *buf, const char *text) {
    sluice_buf_put_str(buf, sluice_str(text));
}

static void put_number(const sluice_api_t *api, sluice_buf_t *buf, int given, int64_t n) {
    if (given)
        api->json->write_int(buf, n);
    else
        put(buf, "null");
}

static int put_headers(const sluice_api_t *api, sluice_buf_t *buf, const sluice_record_t *r) {
    int status = SLUICE_OK;
    uint32_t i;

    put(buf, ",\"headers\":[");
    for (i = 0; i < r->header_count && status == SLUICE_OK; i++) {
        put(buf, i == 0 ? "{\"key\":" : ",{\"key\":");
        api->json->write_string(buf, r->headers[i].key);
        put(buf, ",\"value\":");
        status = api->json->write(buf, &r->headers[i].value, SLUICE_JSON_NUMERIC_DECIMAL);
        sluice_buf_put_char(buf, '}');
    }
    sluice_buf_put_char(buf, ']');
    return status;
}

int record_json_write(const sluice_api_t *api, sluice_buf_t *buf, const sluice_record_t *r) {
    int status;

    put(buf, "{\"topic\":");
    api->json->write_string(buf, r->topic);
    put(buf, ",\"partition\":");
    put_number(api, buf, r->partition != SLUICE_NO_PARTITION, r->partition);
    put(buf, ",\"key\":");
    status = api->json->write(buf, &r->key, SLUICE_JSON_NUMERIC_DECIMAL);
    put(buf, ",\"value\":");
    if (status == SLUICE_OK)
        status = api->json->write(buf, &r->value, SLUICE_JSON_NUMERIC_DECIMAL);
    if (status == SLUICE_OK)
        status = put_headers(api, buf, r);
    put(buf, ",\"timestamp\":");
    put_number(api, buf, r->timestamp_type != SLUICE_TIMESTAMP_NONE, r->timestamp);
    put(buf, ",\"position\":\"");
    position_hex_write(buf, &r->position);
    put(buf, "\",\"sub_index\":");
    api->json->write_int(buf, r->sub_index);
    if (r->offset.len > 0 && r->offset.data[0] == '{') {
        put(buf, ",\"offset\":");
        sluice_buf_put_str(buf, r->offset);
    }
    sluice_buf_put_char(buf, '}');
    return status == SLUICE_OK ? buf->status : status;
}

/* ---- reading ---- */

/* A member that is there and not null. */
static const sluice_value_t *given(const sluice_value_t *map, const char *name) {
    const sluice_value_t *v = value_member(map, name);

    return v == NULL || sluice_is_null(v) ? NULL : v;
}

static const char *read_headers(const sluice_api_t *api, sluice_batch_t *batch,
                                const sluice_value_t *list, sluice_record_t *r) {
    sluice_header_t *out;
    uint32_t i;

    if (list->kind != SLUICE_ARRAY)
        return "headers is no array";
    out = api->batch_alloc(batch, list->len * sizeof(*out) + 1);
    if (out == NULL)
        return "out of memory";
    for (i = 0; i < list->len; i++) {
        const sluice_value_t *key = given(&list->as.items[i], "key");
        const sluice_value_t *value = value_member(&list->as.items[i], "value");

        if (key == NULL || key->kind != SLUICE_STRING)
            return "a header has no key";
        out[i] = (sluice_header_t){sluice_value_str(key), NULL,
                                   value != NULL ? *value : sluice_null()};
    }
    r->headers = out;
    r->header_count = list->len;
    return NULL;
}

const char *record_json_read(const sluice_api_t *api, sluice_batch_t *batch,
                             const sluice_value_t *object, sluice_record_t *r) {
    const sluice_value_t *v;

    if (object->kind != SLUICE_MAP)
        return "it is no object";
    if ((v = given(object, "topic")) != NULL) {
        if (v->kind != SLUICE_STRING)
            return "topic is no text";
        r->topic = sluice_value_str(v);
    }
    if ((v = given(object, "partition")) != NULL) {
        if (v->kind != SLUICE_INT64)
            return "partition is no integer";
        r->partition = (int32_t)sluice_value_int(v);
    }
    if ((v = given(object, "timestamp")) != NULL) {
        if (v->kind != SLUICE_INT64)
            return "timestamp is no integer";
        r->timestamp = sluice_value_int(v);
        r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    }
    v = value_member(object, "key");
    r->key = v != NULL ? *v : sluice_null();
    v = value_member(object, "value");
    r->value = v != NULL ? *v : sluice_null();
    v = given(object, "headers");
    return v != NULL ? read_headers(api, batch, v, r) : NULL;
}
