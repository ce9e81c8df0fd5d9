/*
 * The Avro converter: Connect's data as Avro's binary form with the id of its schema in a
 * Confluent-compatible registry in front, and back.
 *
 * Read avro.h first. Once a schema's id is known, writing is avro_encode and reading avro_decode.
 */
#include "avro.h"

#include <stdlib.h>
#include <strings.h>

#include "avro_options.h"
#include "later.h"

/* ---- life ---- */

static void read_options(converter_t *c) {
    const sluice_api_t *api = c->api;
    sluice_ctx_t *ctx = c->ctx;
    avro_options_t *o = &c->options;

    c->is_key = api->config_int(ctx, "converter.type") == 0;
    c->strategy = avro_strategy_of(api->config_text(
        ctx, c->is_key ? "key.subject.name.strategy" : "value.subject.name.strategy"));
    c->auto_register = api->config_int(ctx, "auto.register.schemas") != 0;
    c->use_latest = api->config_int(ctx, "use.latest.version") != 0;
    c->latest_strict = api->config_int(ctx, "latest.compatibility.strict") != 0;
    c->normalize = api->config_int(ctx, "normalize.schemas") != 0;
    c->use_id = (int32_t)api->config_int(ctx, "use.schema.id");
    c->id_strict = api->config_int(ctx, "id.compatibility.strict") != 0;
    c->latest_ms = api->config_int(ctx, "latest.cache.ttl.sec");
    c->latest_ms = c->latest_ms < 0 ? -1 : c->latest_ms * 1000;
    o->meta = api->config_int(ctx, "connect.meta.data") != 0;
    o->enhanced = api->config_int(ctx, "enhanced.avro.schema.support") != 0;
    o->generalized = api->config_int(ctx, "generalized.sum.type.support") != 0;
    o->scrub = api->config_int(ctx, "scrub.invalid.names") != 0;
    o->plain_docs = api->config_int(ctx, "discard.type.doc.default") != 0;
    o->optional_keys = api->config_int(ctx, "allow.optional.map.keys") != 0;
    o->flatten = api->config_int(ctx, "flatten.singleton.unions") != 0;
    o->bare_nulls = api->config_int(ctx, "ignore.default.for.nullables") != 0;
}

static size_t limit_of(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name) {
    int64_t n = api->config_int(ctx, name);

    return n < 1 ? 1 : (size_t)n;
}

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    converter_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->api = api;
    c->ctx = ctx;
    read_options(c);
    c->plans_max = limit_of(api, ctx,
                            api->config_given(ctx, "schemas.cache.size") ? "schemas.cache.size"
                                                                         : "schemas.cache.config");
    c->targets_max = limit_of(api, ctx, "max.schemas.per.subject");
    c->registry = avro_registry_create(api, ctx);
    if (c->registry == NULL) {
        free(c);
        return SLUICE_NO_MEMORY;
    }
    *self = c;
    return SLUICE_OK;
}

static void destroy(void *self) {
    converter_t *c = self;

    if (c->half != NULL)
        avro_drop_read(c->half);
    avro_plans_fini(c);
    avro_asking_fini(c);
    avro_registry_destroy(c->registry);
    free(c);
}

static void on_closed(void *arg) {
    converter_t *c = arg;

    c->api->complete(c->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
}

static int close_converter(void *self) {
    converter_t *c = self;

    avro_registry_close(c->registry, on_closed, c);
    return SLUICE_OK;
}

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    static const char *const names[] = {"key.subject.name.strategy", "value.subject.name.strategy"};
    size_t i;

    for (i = 0; i < 2; i++)
        if (avro_strategy_of(api->config_text(ctx, names[i])) < 0)
            api->config_error(ctx, names[i],
                              "%s is no subject name strategy that is known here: "
                              "use TopicNameStrategy, RecordNameStrategy or "
                              "TopicRecordNameStrategy of io.confluent.kafka.serializers.subject",
                              api->config_text(ctx, names[i]));
    avro_registry_check(api, ctx);
    return SLUICE_OK;
}

static const sluice_converter_t vtable = {
    .size = sizeof(vtable),
    .create = create,
    .destroy = destroy,
    .to_connect = avro_to_connect,
    .from_connect = avro_from_connect,
    .close = close_converter,
};

static const char *const aliases[] = {"io.confluent.connect.avro.AvroConverter", "AvroConverter",
                                      "Avro", NULL};

static const char *const json_schema_aliases[] = {"io.confluent.connect.json.JsonSchemaConverter",
                                                  "JsonSchemaConverter", NULL};
static const char *const protobuf_aliases[] = {"io.confluent.connect.protobuf.ProtobufConverter",
                                               "ProtobufConverter", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(plugins[0]),
        .kind = SLUICE_CONVERTER,
        .name = "avro",
        .aliases = aliases,
        .summary = "Avro with a schema registry, as Confluent's AvroConverter",
        .options = avro_option_table,
        .option_count = AVRO_OPTION_COUNT,
        .option_size = sizeof(avro_option_table[0]),
        .check = check,
        .converter = &vtable,
    },
    LATER_PLUGIN("json-schema", json_schema_aliases, "Not there yet: JSON with a schema registry"),
    LATER_PLUGIN("protobuf", protobuf_aliases, "Not there yet: Protobuf with a schema registry"),
};

SLUICE_DEFINE_MODULE("converter-avro", SLUICE_VERSION, "Apache-2.0", plugins);
