#include "support/recordjson.h"

static void put(sluice_buf_t *buf, const char *text) {
    sluice_buf_put_str(buf, sluice_str(text));
}

void position_hex_write(sluice_buf_t *buf, const sluice_position_t *position) {
    static const char digits[] = "0123456789abcdef";
    uint8_t i;

    for (i = 0; i < position->len; i++) {
        sluice_buf_put_char(buf, digits[position->bytes[i] >> 4]);
        sluice_buf_put_char(buf, digits[position->bytes[i] & 15]);
    }
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
