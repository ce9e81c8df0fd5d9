/*
 * The extract-field transforms: the key, or the value, becomes one of its fields.
 *
 * Two plugins in one module, as Kafka Connect's ExtractField has two classes. A struct's field must
 * be in its schema; a schemaless map without the field gives null. Messages are Connect's.
 */
#include <stdlib.h>

#include "support/apply.h"
#include "support/extend.h"
#include "support/java.h"

static const sluice_option_t options[] = {
    {.name = "field",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .importance = SLUICE_HIGH,
     .doc = "Name of the field."},
    {.name = "field.syntax.version",
     .type = SLUICE_OPT_ENUM,
     .values = (const char *const[]){"V1", NULL},
     .default_text = "V1",
     .importance = SLUICE_LOW,
     .doc = "V1: the name is one top-level field. (Connect's V2, paths, is not there yet.)"},
    {.name = "replace.null.with.default",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .importance = SLUICE_LOW,
     .doc = "A null field gives the default of its schema."},
};

typedef struct extract {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_str_t field;
    int on_key;
    int use_default;
} extract_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, int on_key, void **self) {
    extract_t *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return SLUICE_NO_MEMORY;
    e->api = api;
    e->ctx = ctx;
    e->field = sluice_str(api->config_text(ctx, "field"));
    e->on_key = on_key;
    e->use_default = (int)api->config_int(ctx, "replace.null.with.default");
    *self = e;
    return SLUICE_OK;
}

static int create_key(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    return create(api, ctx, 1, self);
}

static int create_value(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    return create(api, ctx, 0, self);
}

/* ---- records ---- */

static int extract_schemaless(extract_t *e, sluice_value_t *value) {
    const sluice_value_t *found;

    if (value->kind == SLUICE_NULL)
        return APPLY_SAME;
    if (value->kind != SLUICE_MAP)
        return e->api->fail(e->ctx, SLUICE_BAD_RECORD,
                            "org.apache.kafka.connect.errors.DataException",
                            "Only Map objects supported in absence of schema for [field "
                            "extraction], found: %s",
                            java_class_name(value));
    found = value_field(value, e->field, NULL);
    *value = found == NULL ? sluice_null() : *found;
    return APPLY_CHANGED;
}

static const sluice_schema_t *schema_of(const sluice_schema_t *row, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < row->field_count; i++)
        if (sluice_str_eq(row->fields[i].name, name))
            return row->fields[i].schema;
    return NULL;
}

/* A null struct gives null under the field's schema. */
static int extract_struct(extract_t *e, const sluice_schema_t **schema, sluice_value_t *value) {
    const sluice_schema_t *to =
        (*schema)->type == SLUICE_STRUCT ? schema_of(*schema, e->field) : NULL;
    const sluice_value_t *found;

    if ((*schema)->type != SLUICE_STRUCT)
        return e->api->fail(e->ctx, SLUICE_BAD_RECORD,
                            "org.apache.kafka.connect.errors.DataException",
                            "Only Struct objects supported for [field extraction], found: %s",
                            java_class_name(value));
    if (to == NULL)
        return e->api->fail(e->ctx, SLUICE_BAD_RECORD, "java.lang.IllegalArgumentException",
                            "Unknown field: %.*s", (int)e->field.len, e->field.data);
    found = value_field(value, e->field, NULL);
    *value = found == NULL ? sluice_null() : *found;
    if (found != NULL && found->kind == SLUICE_NULL && e->use_default && to->default_value != NULL)
        *value = *to->default_value;
    *schema = to;
    return APPLY_CHANGED;
}

static int extract_record(void *self, apply_t *a, sluice_record_t *r) {
    extract_t *e = self;
    const sluice_schema_t **schema = e->on_key ? &r->key_schema : &r->value_schema;
    sluice_value_t *value = e->on_key ? &r->key : &r->value;

    (void)a;
    return *schema == NULL ? extract_schemaless(e, value) : extract_struct(e, schema, value);
}

static int extract_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    extract_t *e = self;

    return apply_records(e->api, e->ctx, in, out, extract_record, e);
}

/* ---- the module ---- */

static const sluice_transform_t of_value = {
    .size = sizeof(of_value), .create = create_value, .destroy = free, .apply = extract_apply};
static const sluice_transform_t of_key = {
    .size = sizeof(of_key), .create = create_key, .destroy = free, .apply = extract_apply};

static const char *const value_aliases[] = {
    "org.apache.kafka.connect.transforms.ExtractField$Value", "ExtractField$Value", NULL};
static const char *const key_aliases[] = {"org.apache.kafka.connect.transforms.ExtractField$Key",
                                          "ExtractField$Key", NULL};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "extract-field",
        .aliases = value_aliases,
        .summary = "Replaces the value by one of its fields.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .transform = &of_value,
    },
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "extract-field-key",
        .aliases = key_aliases,
        .summary = "Replaces the key by one of its fields.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .transform = &of_key,
    },
};

SLUICE_DEFINE_MODULE("extract-field", SLUICE_VERSION, "Apache-2.0", plugins);
