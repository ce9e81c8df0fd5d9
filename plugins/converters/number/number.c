/*
 * The converters of numbers and of booleans: one value as its big-endian bytes, as Kafka's
 * serializers write it. A value is taken as it is: none is widened or cut to fit.
 */
#include "sluice/plugin.h"

#include <stdlib.h>

#include "support/connect/errors.h"
#include "support/converter.h"
#include "support/java.h"

#define CAST_EXCEPTION          "java.lang.ClassCastException"
#define SERIALIZATION_EXCEPTION "org.apache.kafka.common.errors.SerializationException"

/* One of the converters. */
typedef struct form {
    uint8_t kind;
    uint8_t size;       /* bytes */
    const char *name;   /* in messages */
    const char *class;  /* of its values */
    const char *reader; /* which complains of a wrong size */
} form_t;

typedef struct converter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const form_t *form;
    const sluice_schema_t *schema; /* of what is read: optional */
} converter_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, const form_t *form, void **self) {
    sluice_schema_t schema = {.size = sizeof(schema), .type = form->kind, .optional = 1};
    converter_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    *c = (converter_t){api, ctx, form, api->schema_intern(&schema)};
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

/* ---- bytes to value ---- */

static int wrong_size(converter_t *c) {
    return c->api->fail(
        c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
        "Failed to deserialize %s: " CAUSED_BY SERIALIZATION_EXCEPTION
        ": Size of data received by %s is not %d",
        c->form->name, c->form->reader, c->form->size);
}

/* Of one byte only 0 and 1 are a boolean. */
static int wrong_byte(converter_t *c, char byte) {
    return c->api->fail(
        c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
        "Failed to deserialize %s: " CAUSED_BY SERIALIZATION_EXCEPTION
        ": Unexpected byte received by %s: %d",
        c->form->name, c->form->reader, (signed char)byte);
}

static uint64_t bits_of(sluice_str_t bytes) {
    uint64_t bits = 0;
    size_t i;

    for (i = 0; i < bytes.len; i++)
        bits = bits << 8 | (unsigned char)bytes.data[i];
    return bits;
}

static sluice_value_t value_of(const form_t *form, uint64_t bits) {
    const uint32_t low = (uint32_t)bits;
    float single;
    double f;

    switch (form->kind) {
    case SLUICE_INT16: return sluice_int(SLUICE_INT16, (int16_t)bits);
    case SLUICE_INT32: return sluice_int(SLUICE_INT32, (int32_t)bits);
    case SLUICE_FLOAT32:
        memcpy(&single, &low, sizeof(single));
        return sluice_float(SLUICE_FLOAT32, (double)single);
    case SLUICE_FLOAT64: memcpy(&f, &bits, sizeof(f)); return sluice_float(SLUICE_FLOAT64, f);
    default: return sluice_int(form->kind, (int64_t)bits);
    }
}

static int to_connect(void *self, sluice_batch_t *arena, sluice_str_t topic, sluice_str_t bytes,
                      const sluice_schema_t **schema, sluice_value_t *value) {
    converter_t *c = self;

    (void)arena;
    (void)topic;
    *schema = c->schema;
    *value = sluice_null();
    if (bytes.data == NULL)
        return SLUICE_OK;
    if (bytes.len != c->form->size)
        return wrong_size(c);
    if (c->form->kind == SLUICE_BOOLEAN && (unsigned char)*bytes.data > 1)
        return wrong_byte(c, *bytes.data);
    *value = value_of(c->form, bits_of(bytes));
    return SLUICE_OK;
}

/* ---- value to bytes ---- */

static int wrong_class(converter_t *c, const sluice_value_t *value) {
    const char *class = java_class_name(value);

    if (c->form->kind == SLUICE_BOOLEAN)
        return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                            "BooleanConverter is not compatible with objects of type class %s",
                            class);
    return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                        "Failed to serialize to %s (was class %s): " CAUSED_BY CAST_EXCEPTION
                        ": class %s cannot be cast to class %s",
                        c->form->name, class, class, c->form->class);
}

static uint64_t bits_in(const sluice_value_t *value) {
    const double f = value->kind == SLUICE_FLOAT32 || value->kind == SLUICE_FLOAT64
                         ? sluice_value_double(value)
                         : 0;
    const float single = (float)f;
    uint64_t bits = 0;
    uint32_t low;

    switch (value->kind) {
    case SLUICE_FLOAT32: memcpy(&low, &single, sizeof(low)); return low;
    case SLUICE_FLOAT64: memcpy(&bits, &f, sizeof(bits)); return bits;
    default: return (uint64_t)sluice_value_int(value);
    }
}

static int from_connect(void *self, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    converter_t *c = self;
    uint8_t whole[8];
    char *copy;

    (void)topic;
    *bytes = sluice_str(NULL);
    if (c->form->kind == SLUICE_BOOLEAN && schema != NULL && schema->type != SLUICE_BOOLEAN)
        return c->api->fail(c->ctx, SLUICE_BAD_RECORD, DATA_EXCEPTION,
                            "Invalid schema type for BooleanConverter: %s",
                            java_type_name(schema->type));
    if (sluice_is_null(value))
        return SLUICE_OK;
    if (value->kind != c->form->kind)
        return wrong_class(c, value);
    copy = c->api->batch_alloc(arena, c->form->size);
    if (copy == NULL)
        return c->api->fail(c->ctx, SLUICE_NO_MEMORY, "number.memory",
                            "no memory to convert a number");
    sluice_put_be64(whole, bits_in(value));
    memcpy(copy, whole + sizeof(whole) - c->form->size, c->form->size);
    *bytes = sluice_str_n(copy, c->form->size);
    return SLUICE_OK;
}

/* ---- the module ---- */

static const sluice_option_t options[] = {
    CONVERTER_TYPE_OPTION,
};

/* Everything of one converter but its form. The class's short forms are aliases. */
#define CONVERTER(id, class_name)                                                                  \
    static int create_##id(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {              \
        return create(api, ctx, &id##_form, self);                                                 \
    }                                                                                              \
    static const sluice_converter_t id##_vtable = {                                                \
        .size = sizeof(id##_vtable),                                                               \
        .create = create_##id,                                                                     \
        .destroy = destroy,                                                                        \
        .to_connect = to_connect,                                                                  \
        .from_connect = from_connect,                                                              \
    };                                                                                             \
    static const char *const id##_aliases[] = {                                                    \
        "org.apache.kafka.connect.converters." class_name "Converter", class_name "Converter",     \
        class_name, NULL}

#define PLUGIN(id, plugin_name, what)                                                              \
    {                                                                                              \
        .size = sizeof(sluice_plugin_t), .kind = SLUICE_CONVERTER, .name = plugin_name,            \
        .aliases = id##_aliases, .summary = what, .options = options,                              \
        .option_count = sizeof(options) / sizeof(options[0]), .option_size = sizeof(options[0]),   \
        .converter = &id##_vtable                                                                  \
    }

static const form_t short_form = {SLUICE_INT16, 2, "short", "java.lang.Short",
                                  "ShortDeserializer"};
static const form_t integer_form = {SLUICE_INT32, 4, "integer", "java.lang.Integer",
                                    "IntegerDeserializer"};
static const form_t long_form = {SLUICE_INT64, 8, "long", "java.lang.Long", "LongDeserializer"};
static const form_t float_form = {SLUICE_FLOAT32, 4, "float", "java.lang.Float", "Deserializer"};
static const form_t double_form = {SLUICE_FLOAT64, 8, "double", "java.lang.Double",
                                   "Deserializer"};
static const form_t boolean_form = {SLUICE_BOOLEAN, 1, "boolean", "java.lang.Boolean",
                                    "BooleanDeserializer"};

CONVERTER(short, "Short");
CONVERTER(integer, "Integer");
CONVERTER(long, "Long");
CONVERTER(float, "Float");
CONVERTER(double, "Double");
CONVERTER(boolean, "Boolean");

static const sluice_plugin_t plugins[] = {
    PLUGIN(short, "short", "16-bit integers, as Kafka Connect's ShortConverter"),
    PLUGIN(integer, "integer", "32-bit integers, as Kafka Connect's IntegerConverter"),
    PLUGIN(long, "long", "64-bit integers, as Kafka Connect's LongConverter"),
    PLUGIN(float, "float", "Floats of 4 bytes, as Kafka Connect's FloatConverter"),
    PLUGIN(double, "double", "Floats of 8 bytes, as Kafka Connect's DoubleConverter"),
    PLUGIN(boolean, "boolean", "One byte, 0 or 1, as Kafka Connect's BooleanConverter"),
};

SLUICE_DEFINE_MODULE("converter-number", SLUICE_VERSION, "Apache-2.0", plugins);
