/*
 * The JSON converter: Connect's data as JSON text, with or without its schema, and back.
 *
 * Read json.h first. Writing is the hot path: plan_of, write_value. Reading an envelope whose
 * schema text was met before costs a memcmp for the schema and one parse of the payload
 * (read_known).
 */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "support/arena.h"
#include "support/converter.h"
#include "support/member.h"

#define HINT_MAX 65536u
#define ENVELOPE "{\"schema\":"
#define PAYLOAD  ",\"payload\":"

static const char envelope_wanted[] =
    "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
    "contain additional fields. If you are trying to deserialize plain JSON data, set "
    "schemas.enable=false in your converter configuration.";
static const char not_json[] =
    "Converting byte[] to Kafka Connect data failed due to serialization error: ";
static const char format_fault[] =
    "Invalid value %s for configuration decimal.format: String must be one of (case insensitive): "
    "NUMERIC, BASE64";

int data_fault(converter_t *c, const char *fmt, ...) {
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION, "%s", text);
}

int memory_fault(converter_t *c) {
    return c->api->fail(c->ctx, SLUICE_NO_MEMORY, "json.memory", "no memory to convert a record");
}

/* ---- life ---- */

/* 1: NUMERIC, 0: BASE64, -1: neither */
static int format_of(const char *text) {
    if (text == NULL || strcasecmp(text, "BASE64") == 0)
        return 0;
    return strcasecmp(text, "NUMERIC") == 0 ? 1 : -1;
}

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    const char *format = api->config_text(ctx, "decimal.format");
    int64_t limit = api->config_int(ctx, "schemas.cache.size");
    converter_t *c;

    if (format_of(format) < 0)
        return api->fail(ctx, SLUICE_INVALID, "org.apache.kafka.common.config.ConfigException",
                         format_fault, format);
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->api = api;
    c->ctx = ctx;
    c->schemas = api->config_int(ctx, "schemas.enable") != 0;
    c->numeric = format_of(format);
    c->replace = api->config_int(ctx, "replace.null.with.default") != 0;
    c->limit = limit < 1 ? 1 : (size_t)limit;
    *self = c;
    return SLUICE_OK;
}

static void destroy(void *self) {
    converter_t *c = self;

    plan_cache_fini(c);
    read_cache_fini(c);
    free(c);
}

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *format = api->config_text(ctx, "decimal.format");

    if (format_of(format) < 0)
        api->config_error(ctx, "decimal.format", format_fault, format);
    return SLUICE_OK;
}

/* ---- to bytes ---- */

static int write_document(converter_t *c, const sluice_schema_t *schema,
                          const sluice_value_t *value, sluice_buf_t *buf) {
    plan_t *plan;
    int status;

    if (schema == NULL) {
        if (c->schemas)
            sluice_buf_put(buf, ENVELOPE "null" PAYLOAD, sizeof(ENVELOPE "null" PAYLOAD) - 1);
        status = write_schemaless(c, value, buf);
    } else {
        plan = plan_of(c, schema, &status);
        if (plan == NULL)
            return status;
        sluice_buf_put_str(buf, plan->head);
        status = write_value(c, plan, value, buf);
    }
    if (c->schemas)
        sluice_buf_put_char(buf, '}');
    return status;
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    converter_t *c = self;
    sluice_buf_t buf;
    int status;

    (void)topic;
    *bytes = sluice_str(NULL);
    if (schema == NULL && sluice_is_null(value))
        return SLUICE_OK;
    c->arena = arena_serial(c->api, arena);
    c->name = 0;
    c->api->buf_init(&buf, arena, c->hint);
    status = write_document(c, schema, value, &buf);
    *bytes = c->api->buf_finish(&buf);
    if (status == SLUICE_OK && bytes->data == NULL)
        return memory_fault(c);
    if (bytes->len + bytes->len / 8 > c->hint || c->hint > 4 * bytes->len)
        c->hint = bytes->len > HINT_MAX / 2 ? HINT_MAX : bytes->len + bytes->len / 4;
    return status;
}

/* ---- from bytes ---- */

static int keep_schema(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema) {
    return arena_keep_schema(c->api, arena, schema) == SLUICE_OK ? SLUICE_OK : memory_fault(c);
}

static int parse(converter_t *c, sluice_batch_t *arena, sluice_str_t bytes, uint32_t flags,
                 sluice_value_t *out) {
    int status = c->api->json->parse(arena, bytes, flags | SLUICE_JSON_LENIENT | SLUICE_JSON_ALIKE,
                                     out, NULL);

    if (status == SLUICE_BAD_RECORD)
        return data_fault(c, "%s", not_json);
    return status == SLUICE_OK ? SLUICE_OK : memory_fault(c);
}

/* Length of the JSON object that text begins with, which must be valid; 0 when it does not end. */
static size_t object_length(sluice_str_t text) {
    size_t depth = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case '{': depth++; break;
        case '}':
            if (--depth == 0)
                return i + 1;
            break;
        case '"':
            for (i++; i < text.len && text.data[i] != '"'; i++)
                i += text.data[i] == '\\';
            break;
        default: break;
        }
    }
    return 0;
}

/* Takes an envelope apart that has the form in which it is usually written: its two members in
 * order and without blanks. 0: it has not. */
static int split_envelope(const converter_t *c, sluice_str_t bytes, sluice_str_t *schema,
                          sluice_str_t *payload) {
    const size_t head = sizeof(ENVELOPE) - 1;
    const size_t middle = sizeof(PAYLOAD) - 1;
    sluice_str_t rest;

    if (bytes.len < head + middle + 2 || memcmp(bytes.data, ENVELOPE "{", head + 1) != 0 ||
        bytes.data[bytes.len - 1] != '}')
        return 0;
    rest = sluice_str_n(bytes.data + head, bytes.len - head - 1);
    *schema = sluice_str_n(rest.data, read_cache_prefix(c, rest));
    if (schema->len == 0)
        schema->len = object_length(rest);
    if (schema->len == 0 || rest.len - schema->len <= middle ||
        memcmp(rest.data + schema->len, PAYLOAD, middle) != 0)
        return 0;
    *payload = sluice_str_n(rest.data + schema->len + middle, rest.len - schema->len - middle);
    return 1;
}

/* Reads such an envelope. The payload must be one JSON document by the strict rules: then the
 * whole is what it seems to be, with no further members. 0: take the long way. */
static int read_known(converter_t *c, sluice_batch_t *arena, sluice_str_t bytes, int *status,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    sluice_str_t schema_text;
    sluice_str_t payload;
    sluice_value_t json;

    if (!split_envelope(c, bytes, &schema_text, &payload) ||
        c->api->json->parse(arena, payload, SLUICE_JSON_DECIMAL_TEXT | SLUICE_JSON_ALIKE, &json,
                            NULL) != SLUICE_OK)
        return 0;
    *status = read_schema_text(c, arena, schema_text, schema);
    if (*status == SLUICE_BAD_RECORD && *schema == NULL)
        return 0; /* the long way finds the same fault, or text that only looked like an envelope */
    if (*status == SLUICE_OK)
        *status = keep_schema(c, arena, *schema);
    if (*status == SLUICE_OK)
        *status = read_value(c, arena, *schema, &json, value);
    return 1;
}

static int read_envelope(converter_t *c, sluice_batch_t *arena, sluice_str_t bytes,
                         const sluice_schema_t **schema, sluice_value_t *value) {
    const sluice_value_t *schema_json;
    const sluice_value_t *payload;
    sluice_value_t json;
    int status = parse(c, arena, bytes, SLUICE_JSON_DECIMAL_TEXT, &json);

    if (status != SLUICE_OK)
        return status;
    schema_json = value_member(&json, "schema");
    payload = value_member(&json, "payload");
    if (json.kind != SLUICE_MAP || json.len != 2 || schema_json == NULL || payload == NULL)
        return data_fault(c, "%s", envelope_wanted);
    if (schema_json->kind == SLUICE_NULL) {
        status = parse(c, arena, bytes, 0, &json);
        if (status == SLUICE_OK)
            *value = *value_member(&json, "payload");
        return status;
    }
    status = read_schema(c, arena, schema_json, schema);
    if (status == SLUICE_OK)
        status = keep_schema(c, arena, *schema);
    return status == SLUICE_OK ? read_value(c, arena, *schema, payload, value) : status;
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    converter_t *c = self;
    int status = SLUICE_OK;

    (void)topic;
    *schema = NULL;
    *value = sluice_null();
    if (bytes.data == NULL)
        return SLUICE_OK;
    if (!c->schemas)
        return parse(c, arena, bytes, 0, value);
    if (read_known(c, arena, bytes, &status, schema, value))
        return status;
    return read_envelope(c, arena, bytes, schema, value);
}

/* ---- description ---- */

static const char *const formats[] = {"NUMERIC", "BASE64", NULL};

static const sluice_option_t options[] = {
    CONVERTER_TYPE_OPTION,
    {.name = "schemas.enable",
     .type = SLUICE_OPT_BOOLEAN,
     .flags = SLUICE_OPT_ORDERED,
     .default_text = "true",
     .group = "Schemas",
     .importance = SLUICE_HIGH,
     .doc = "Write and expect an envelope of schema and payload around each value",
     .display_name = "Enable Schemas",
     .width = SLUICE_WIDTH_MEDIUM,
     .order = 0},
    {.name = "schemas.cache.size",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_ORDERED,
     .default_text = "1000",
     .group = "Schemas",
     .importance = SLUICE_HIGH,
     .doc = "Number of schemas whose compiled form is kept",
     .display_name = "Schema Cache Size",
     .width = SLUICE_WIDTH_MEDIUM,
     .order = 1},
    {.name = "decimal.format",
     .type = SLUICE_OPT_ENUM,
     .flags = SLUICE_OPT_ORDERED,
     .default_text = "BASE64",
     .values = formats,
     .group = "Serialization",
     .importance = SLUICE_LOW,
     .doc = "How decimals are written: BASE64 of the unscaled bytes, or NUMERIC; both are read",
     .display_name = "Decimal Format",
     .width = SLUICE_WIDTH_MEDIUM,
     .order = 0},
    {.name = "replace.null.with.default",
     .type = SLUICE_OPT_BOOLEAN,
     .flags = SLUICE_OPT_ORDERED,
     .default_text = "true",
     .group = "Serialization",
     .importance = SLUICE_LOW,
     .doc = "A null in a field with a default becomes that default, written or read",
     .display_name = "Replace null with default",
     .width = SLUICE_WIDTH_MEDIUM,
     .order = 1},
};

static const sluice_converter_t vtable = {
    .size = sizeof(vtable),
    .create = create,
    .destroy = destroy,
    .to_connect = to_connect,
    .from_connect = from_connect,
};

static const char *const aliases[] = {"org.apache.kafka.connect.json.JsonConverter",
                                      "JsonConverter", "Json", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(plugins[0]),
        .kind = SLUICE_CONVERTER,
        .name = "json",
        .aliases = aliases,
        .summary = "JSON, with or without the schema, as Kafka Connect's JsonConverter",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(options[0]),
        .check = check,
        .converter = &vtable,
    },
};

SLUICE_DEFINE_MODULE("converter-json", SLUICE_VERSION, "Apache-2.0", plugins);
