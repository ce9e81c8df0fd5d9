/* The converters of a configuration: before the chain for what a record gives as bytes, behind it
 * for a source's records. */
#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "record/batch.h"
#include "record/json.h"

static const char *const roles[] = {"key", "value", "header"}; /* as SL_TRY_KEY .. */

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

int sl_try_codec_open(sl_try_t *t, const cJSON *converters, sl_try_codec_t *codec,
                      sl_try_trouble_t *trouble) {
    int status = SLUICE_OK;
    size_t i;

    for (i = 0; i < SL_TRY_ROLES && status == SLUICE_OK; i++) {
        const cJSON *use = member(converters, roles[i]);
        const char *name = cJSON_GetStringValue(member(use, "plugin"));
        cJSON *config;

        if (name == NULL)
            continue;
        config = member(use, "config") != NULL ? cJSON_Duplicate(member(use, "config"), 1)
                                               : cJSON_CreateObject();
        cJSON_DeleteItemFromObjectCaseSensitive(config, "converter.type");
        cJSON_AddStringToObject(config, "converter.type", roles[i]);
        status = sl_try_converter(t, name, config, &codec->part[i], &trouble->fault);
        cJSON_Delete(config);
    }
    if (status != SLUICE_OK)
        trouble->stage = "configure";
    return status;
}

void sl_try_codec_fini(sl_try_codec_t *codec) {
    size_t i;

    for (i = 0; i < SL_TRY_ROLES; i++)
        if (codec->part[i].plugin != NULL)
            sl_try_plugin_fini(&codec->part[i]);
}

int sl_try_is_bytes(const sluice_value_t *json) {
    return sl_try_member(json, "base64") != NULL || sl_try_member(json, "text") != NULL;
}

int sl_try_read_bytes(sluice_batch_t *arena, const sluice_value_t *json, sluice_str_t *bytes,
                      sl_try_fault_t *fault) {
    const sluice_value_t *base64 = sl_try_member(json, "base64");
    const sluice_value_t *given = base64 != NULL ? base64 : sl_try_member(json, "text");

    *bytes = sluice_str(NULL);
    if (given == NULL || sluice_is_null(given))
        return SLUICE_OK;
    if (given->kind != SLUICE_STRING) {
        sl_try_set_fault(fault, "try.input", "%s must be a text or null",
                         base64 != NULL ? "base64" : "text");
        return SLUICE_INVALID;
    }
    *bytes = sluice_value_str(given);
    if (base64 == NULL || sl_try_read_base64(arena, *bytes, bytes) == SLUICE_OK)
        return SLUICE_OK;
    sl_try_set_fault(fault, "try.input", "base64 holds no base64 text");
    return SLUICE_INVALID;
}

int sl_try_decode(const sl_try_codec_t *codec, sl_try_role_t role, sluice_batch_t *arena,
                  sluice_str_t topic, const sluice_value_t *json, const sluice_schema_t **schema,
                  sluice_value_t *value, sl_try_trouble_t *trouble) {
    sl_try_plugin_t part = codec->part[role];
    sluice_str_t bytes;
    int status = sl_try_read_bytes(arena, json, &bytes, &trouble->fault);

    *schema = NULL;
    *value = sluice_null();
    if (status != SLUICE_OK)
        return status;
    if (part.plugin == NULL) {
        sl_try_set_fault(&trouble->fault, "try.converter",
                         "the %s is given as bytes, and the configuration has no %s.converter to "
                         "read it; add one, or give {\"schema\", \"payload\"}",
                         roles[role], roles[role]);
        return SLUICE_INVALID;
    }
    status = sl_try_to_connect(&part, arena, topic, bytes, schema, value);
    if (status != SLUICE_OK) {
        sl_try_take_fault(&part, status, &trouble->fault);
        trouble->stage = "to_connect";
    }
    return status;
}

int sl_try_codec_is_set(const sl_try_codec_t *codec) {
    return codec->part[SL_TRY_KEY].plugin != NULL || codec->part[SL_TRY_VALUE].plugin != NULL;
}

/* ,"name":{"base64","text"}; nothing without a converter. */
static int encode(sl_try_t *t, const sl_try_codec_t *codec, sl_try_role_t role,
                  sluice_batch_t *arena, sluice_str_t topic, const sluice_schema_t *schema,
                  const sluice_value_t *value, sluice_buf_t *out, sl_try_trouble_t *trouble) {
    sl_try_plugin_t part = codec->part[role];
    sluice_str_t bytes = {NULL, 0};
    int status;

    if (part.plugin == NULL) {
        sl_buf_puts(out, "null");
        return SLUICE_OK;
    }
    status = sl_try_from_connect(&part, arena, topic, schema, value, &bytes);
    if (status != SLUICE_OK) {
        sl_try_take_fault(&part, status, &trouble->fault);
        trouble->stage = "from_connect";
        return status;
    }
    sl_buf_puts(out, "{");
    sl_try_write_bytes(t, arena, out, bytes);
    sl_buf_puts(out, "}");
    return SLUICE_OK;
}

int sl_try_encode(sl_try_t *t, const sl_try_codec_t *codec, sluice_batch_t *arena,
                  const sluice_record_t *r, sluice_buf_t *out, sl_try_trouble_t *trouble) {
    int status;
    uint32_t i;

    sl_buf_puts(out, ",\"converted\":{\"key\":");
    status = encode(t, codec, SL_TRY_KEY, arena, r->topic, r->key_schema, &r->key, out, trouble);
    sl_buf_puts(out, ",\"value\":");
    if (status == SLUICE_OK)
        status = encode(t, codec, SL_TRY_VALUE, arena, r->topic, r->value_schema, &r->value, out,
                        trouble);
    sl_buf_puts(out, ",\"headers\":[");
    for (i = 0; i < r->header_count && status == SLUICE_OK; i++) {
        sl_buf_puts(out, i > 0 ? ",{\"key\":" : "{\"key\":");
        sl_json_write_string(out, r->headers[i].key);
        sl_buf_puts(out, ",\"value\":");
        status = encode(t, codec, SL_TRY_HEADER, arena, r->topic, r->headers[i].schema,
                        &r->headers[i].value, out, trouble);
        sl_buf_puts(out, "}");
    }
    sl_buf_puts(out, "]}");
    return status;
}
