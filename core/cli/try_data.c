#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "record/batch.h"
#include "record/buf.h"
#include "record/json.h"
#include "record/schema.h"

/* A schema crosses the JSON converter as that of an empty array's elements: it needs no value. */
#define ARRAY_HEAD "{\"schema\":{\"type\":\"array\",\"items\":"
#define ARRAY_TAIL ",\"optional\":false},\"payload\":[]}"
#define TOPIC      "t"

static int converter(sl_try_t *t, const char *name, sl_try_plugin_t *out, sl_try_fault_t *fault) {
    cJSON *config;
    int status;

    if (out->self != NULL)
        return SLUICE_OK;
    config = cJSON_CreateObject();
    if (out == &t->envelope || out == &t->raw) {
        cJSON_AddStringToObject(config, "schemas.enable", out == &t->envelope ? "true" : "false");
        cJSON_AddStringToObject(config, "replace.null.with.default", "false");
    }
    status = sl_try_converter(t, name, config, out, fault);
    cJSON_Delete(config);
    return status;
}

static int to_connect(sl_try_plugin_t *p, sluice_batch_t *arena, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value,
                      sl_try_fault_t *fault) {
    int status =
        p->plugin->converter->to_connect(p->self, arena, sluice_str(TOPIC), bytes, schema, value);

    if (status != SLUICE_OK)
        sl_try_take_fault(p, status, fault);
    return status;
}

static int from_connect(sl_try_plugin_t *p, sluice_batch_t *arena, const sluice_schema_t *schema,
                        const sluice_value_t *value, sluice_str_t *bytes, sl_try_fault_t *fault) {
    int status =
        p->plugin->converter->from_connect(p->self, arena, sluice_str(TOPIC), schema, value, bytes);

    if (status != SLUICE_OK)
        sl_try_take_fault(p, status, fault);
    return status;
}

/* head + json + tail as text */
static sluice_str_t print(sluice_batch_t *arena, const char *head, const sluice_value_t *json,
                          const char *tail) {
    sluice_buf_t buf;

    sl_buf_init(&buf, arena, 1024);
    sl_buf_puts(&buf, head);
    sl_json_write(&buf, json, SLUICE_JSON_NUMERIC_DECIMAL);
    sl_buf_puts(&buf, tail);
    return sl_buf_finish(&buf);
}

static int read_schema(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                       const sluice_schema_t **schema, sl_try_fault_t *fault) {
    sluice_value_t empty;
    int status;

    *schema = NULL;
    if (json == NULL || sluice_is_null(json))
        return SLUICE_OK;
    status = to_connect(&t->envelope, arena, print(arena, ARRAY_HEAD, json, ARRAY_TAIL), schema,
                        &empty, fault);
    if (status == SLUICE_OK)
        *schema = (*schema)->value_schema;
    return status;
}

int sl_try_read_data(sl_try_t *t, sluice_batch_t *arena, const sluice_value_t *json,
                     const sluice_schema_t **schema, sluice_value_t *value, sl_try_fault_t *fault) {
    const sluice_value_t *typed = sl_try_member(json, "typed");
    int status;

    *schema = NULL;
    *value = sluice_null();
    if (json == NULL || sluice_is_null(json))
        return SLUICE_OK;
    status = converter(t, "json", &t->envelope, fault);
    if (status != SLUICE_OK)
        return status;
    if (typed == NULL)
        return to_connect(&t->envelope, arena, print(arena, "", json, ""), schema, value, fault);
    status = read_schema(t, arena, sl_try_member(json, "schema"), schema, fault);
    return status == SLUICE_OK ? sl_try_read_typed(arena, typed, *schema, value, fault) : status;
}

/* The JSON of a schema, or null; data NULL when it can't be written. */
static sluice_str_t schema_text(sl_try_t *t, sluice_batch_t *arena, const sluice_schema_t *schema) {
    sluice_schema_t array = {.size = sizeof(array), .type = SLUICE_ARRAY, .value_schema = schema};
    const size_t head = sizeof(ARRAY_HEAD) - 1;
    const size_t tail = sizeof(ARRAY_TAIL) - 1;
    sluice_value_t empty = {.kind = SLUICE_ARRAY};
    sluice_str_t text = {NULL, 0};
    sl_try_fault_t fault = {NULL, NULL};
    const sluice_schema_t *interned;

    if (schema == NULL)
        return sluice_str("null");
    interned = sl_schema_intern(&array);
    if (interned != NULL && converter(t, "json", &t->envelope, &fault) == SLUICE_OK &&
        from_connect(&t->envelope, arena, interned, &empty, &text, &fault) == SLUICE_OK &&
        text.len > head + tail)
        text = sluice_str_n(text.data + head, text.len - head - tail);
    else
        text = sluice_str_n(NULL, 0);
    sl_schema_unref(interned);
    sl_try_fault_fini(&fault);
    return text;
}

void sl_try_write_schema(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                         const sluice_schema_t *schema) {
    sluice_str_t text = schema_text(t, arena, schema);

    if (text.data == NULL)
        text = sluice_str("null");
    sluice_buf_put_str(out, text);
}

void sl_try_write_envelope(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                           const sluice_schema_t *schema, const sluice_value_t *value) {
    sl_try_fault_t fault = {NULL, NULL};
    sluice_str_t head;
    sluice_str_t text = {NULL, 0};
    size_t skip;

    if (schema == NULL && sluice_is_null(value)) {
        sl_buf_puts(out, "null");
        return;
    }
    head = schema_text(t, arena, schema);
    skip = strlen("{\"schema\":") + head.len + strlen(",\"payload\":");
    sl_buf_puts(out, "{\"schema\":");
    sluice_buf_put_str(out, head.data == NULL ? sluice_str("null") : head);
    if (head.data != NULL && converter(t, "json", &t->envelope, &fault) == SLUICE_OK &&
        from_connect(&t->envelope, arena, schema, value, &text, &fault) == SLUICE_OK) {
        sl_buf_puts(out, ",\"payload\":");
        sluice_buf_put(out, text.data + skip, text.len - skip - 1);
    } else {
        sl_buf_puts(out, ",\"json_error\":");
        sl_json_write_string(out, sluice_str(fault.message != NULL ? fault.message : ""));
    }
    if (schema == NULL || fault.message != NULL) {
        sl_buf_puts(out, ",\"typed\":");
        sl_try_write_typed(out, value);
    }
    sl_buf_puts(out, "}");
    sl_try_fault_fini(&fault);
}

void sl_try_write_bytes(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out, sluice_str_t bytes) {
    sl_try_fault_t fault = {NULL, NULL};
    const sluice_schema_t *schema;
    sluice_value_t text;

    if (bytes.data == NULL) {
        sl_buf_puts(out, "\"base64\":null,\"text\":null");
        return;
    }
    sl_buf_puts(out, "\"base64\":\"");
    sl_json_write_base64(out, bytes);
    sl_buf_puts(out, "\",\"text\":");
    if (converter(t, "string", &t->text, &fault) == SLUICE_OK &&
        to_connect(&t->text, arena, bytes, &schema, &text, &fault) == SLUICE_OK)
        sl_json_write_string(out, sluice_value_str(&text));
    else
        sl_buf_puts(out, "null");
    sl_try_fault_fini(&fault);
}

void sl_try_write_raw(sl_try_t *t, sluice_batch_t *arena, sluice_buf_t *out,
                      const sluice_schema_t *schema, const sluice_value_t *value) {
    sl_try_fault_t fault = {NULL, NULL};
    sluice_str_t text = {NULL, 0};
    int status = converter(t, "json", &t->raw, &fault);

    if (status == SLUICE_OK)
        status = from_connect(&t->raw, arena, schema, value, &text, &fault);
    if (status != SLUICE_OK) {
        sl_buf_puts(out, "{\"stage\":\"convert\",\"class\":");
        sl_json_write_string(out, sluice_str(fault.class_name));
        sl_try_write_message(out, fault.message != NULL ? fault.message : "");
        sl_buf_puts(out, "}");
    } else if (text.data == NULL) {
        sl_buf_puts(out, "null");
    } else {
        sl_json_write_string(out, text);
    }
    sl_try_fault_fini(&fault);
}
