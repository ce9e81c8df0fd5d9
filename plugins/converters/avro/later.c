#include "later.h"

#include "support/connect/errors.h"
#include "support/converter.h"

static const char not_yet[] =
    "JSON Schema and Protobuf converters come later; of the converters with a schema registry "
    "there is io.confluent.connect.avro.AvroConverter (avro) now";

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    (void)self;
    return api->fail(ctx, SLUICE_UNSUPPORTED, CONFIG_EXCEPTION, "%s", not_yet);
}

static void destroy(void *self) {
    (void)self;
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    (void)self, (void)arena, (void)topic, (void)bytes, (void)schema, (void)value;
    return SLUICE_UNSUPPORTED;
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    (void)self, (void)arena, (void)topic, (void)schema, (void)value, (void)bytes;
    return SLUICE_UNSUPPORTED;
}

int later_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    api->config_error(ctx, "schema.registry.url", "%s", not_yet);
    return SLUICE_OK;
}

const sluice_option_t later_options[LATER_OPTIONS] = {
    CONVERTER_TYPE_OPTION,
    {.name = "schema.registry.url",
     .type = SLUICE_OPT_LIST,
     .group = "Registry",
     .importance = SLUICE_HIGH,
     .doc = "URLs of the schema registry"},
};

const sluice_converter_t later_converter = {
    .size = sizeof(sluice_converter_t),
    .create = create,
    .destroy = destroy,
    .to_connect = to_connect,
    .from_connect = from_connect,
};
