/*
 * The byte array converter: bytes as they are. For data that the pipeline only passes on.
 */
#include "sluice/plugin.h"

#include <stdlib.h>

#include "support/converter.h"
#include "support/java.h"

#define DATA_EXCEPTION "org.apache.kafka.connect.errors.DataException"

typedef struct converter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const sluice_schema_t *schema; /* of what is read: optional bytes */
} converter_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    sluice_schema_t bytes = {.size = sizeof(bytes), .type = SLUICE_BYTES, .optional = 1};
    converter_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    *c = (converter_t){api, ctx, api->schema_intern(&bytes)};
    if (c->schema == NULL) {
        free(c);
        return SLUICE_NO_MEMORY;
    }
    *self = c;
    return SLUICE_OK;
}

static void destroy(void *self) {
    converter_t *c = self;

    c->api->schema_unref(c->schema);
    free(c);
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    converter_t *c = self;

    (void)arena;
    (void)topic;
    *schema = c->schema;
    *value = sluice_text(SLUICE_BYTES, bytes);
    return SLUICE_OK;
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    converter_t *c = self;

    (void)arena;
    (void)topic;
    *bytes = sluice_str(NULL);
    if (schema != NULL && schema->type != SLUICE_BYTES)
        return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                            "Invalid schema type for ByteArrayConverter: %s",
                            java_type_name(schema->type));
    if (sluice_is_null(value))
        return SLUICE_OK;
    if (value->kind != SLUICE_BYTES)
        return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                            "ByteArrayConverter is not compatible with objects of type class %s",
                            java_class_name(value));
    *bytes = sluice_value_str(value);
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    CONVERTER_TYPE_OPTION,
};

static const sluice_converter_t vtable = {
    .size = sizeof(vtable),
    .create = create,
    .destroy = destroy,
    .to_connect = to_connect,
    .from_connect = from_connect,
};

static const char *const aliases[] = {"org.apache.kafka.connect.converters.ByteArrayConverter",
                                      "ByteArrayConverter", "ByteArray", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(plugins[0]),
        .kind = SLUICE_CONVERTER,
        .name = "bytearray",
        .aliases = aliases,
        .summary = "Bytes as they are, as Kafka Connect's ByteArrayConverter",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(options[0]),
        .converter = &vtable,
    },
};

SLUICE_DEFINE_MODULE("converter-bytearray", SLUICE_VERSION, "Apache-2.0", plugins);
