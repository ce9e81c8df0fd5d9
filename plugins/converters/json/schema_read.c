#include "json.h"

#include "support/member.h"
#include "support/names.h"

/* A schema being put together from JSON: its template, whose nested schemas are references. */
typedef struct maker {
    converter_t *c;
    sluice_batch_t *arena;
    const sluice_value_t *json;
    sluice_schema_t schema;
    names_t names; /* of its fields */
} maker_t;

static int schema_fault(converter_t *c, const char *text) {
    return c->api->fail(c->ctx, SLUICE_BAD_RECORD, SCHEMA_EXCEPTION, "%s", text);
}

static int is_text(const sluice_value_t *json) {
    return json != NULL && json->kind == SLUICE_STRING;
}

static uint8_t type_of(sluice_str_t name) {
    static const char *const names[] = {
        "boolean", "int8",   "int16", "int32", "int64", "float",
        "double",  "string", "bytes", "array", "map",   "struct",
    };
    uint8_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (sluice_str_eq(name, sluice_str(names[i])))
            return (uint8_t)(SLUICE_BOOLEAN + i);
    return SLUICE_NULL;
}

/* The schema of elements, keys or values. none: what to say when the member is missing, null_text:
 * when it is null. */
static int make_part(maker_t *m, const char *name, const char *none, const char *null_text,
                     const sluice_schema_t **out) {
    const sluice_value_t *json = value_member(m->json, name);

    if (json == NULL || (json->kind == SLUICE_NULL && null_text == NULL))
        return data_fault(m->c, "%s", none);
    if (json->kind == SLUICE_NULL)
        return schema_fault(m->c, null_text);
    return read_schema(m->c, m->arena, json, out);
}

static int make_field(maker_t *m, const sluice_value_t *json, sluice_field_t *out) {
    const sluice_value_t *name = value_member(json, "field");
    uint32_t number;
    int status;

    if (!is_text(name))
        return data_fault(m->c, "Struct schema's field name not specified properly");
    out->name = sluice_value_str(name);
    out->schema = NULL;
    status = read_schema(m->c, m->arena, json, &out->schema);
    if (status != SLUICE_OK)
        return status;
    m->schema.field_count++;
    if (out->name.len == 0)
        return schema_fault(m->c, "fieldName cannot be null.");
    number = names_add(&m->names, out->name);
    if (number == NAMES_NONE)
        return memory_fault(m->c);
    if (number + 1 != m->schema.field_count)
        status = m->c->api->fail(m->c->ctx, SLUICE_BAD_RECORD, SCHEMA_EXCEPTION,
                                 "Cannot create field because of field name duplication %.*s",
                                 (int)out->name.len, out->name.data);
    return status;
}

static int make_fields(maker_t *m) {
    const sluice_value_t *json = value_member(m->json, "fields");
    sluice_field_t *fields;
    int status = SLUICE_OK;
    uint32_t i;

    if (json == NULL || json->kind != SLUICE_ARRAY)
        return data_fault(m->c, "Struct schema's \"fields\" argument is not an array.");
    fields = m->c->api->batch_alloc(m->arena, json->len * sizeof(*fields) + 1);
    if (fields == NULL)
        return memory_fault(m->c);
    m->schema.fields = fields;
    for (i = 0; i < json->len && status == SLUICE_OK; i++)
        status = make_field(m, &json->as.items[i], &fields[i]);
    return status;
}

static int make_parts(maker_t *m) {
    int status;

    switch ((sluice_kind_t)m->schema.type) {
    case SLUICE_ARRAY:
        return make_part(m, "items", "Array schema did not specify the element type", NULL,
                         &m->schema.value_schema);
    case SLUICE_MAP:
        status = make_part(m, "keys", "Map schema did not specify the key type",
                           "keySchema cannot be null.", &m->schema.key_schema);
        return status != SLUICE_OK
                   ? status
                   : make_part(m, "values", "Map schema did not specify the value type",
                               "valueSchema cannot be null.", &m->schema.value_schema);
    case SLUICE_STRUCT: return make_fields(m);
    default: return SLUICE_OK;
    }
}

static int make_params(maker_t *m) {
    const sluice_value_t *json = value_member(m->json, "parameters");
    sluice_param_t *params;
    uint32_t i;

    if (json == NULL || json->kind != SLUICE_MAP)
        return SLUICE_OK;
    params = m->c->api->batch_alloc(m->arena, json->len * sizeof(*params) + 1);
    if (params == NULL)
        return memory_fault(m->c);
    for (i = 0; i < json->len; i++) {
        if (!is_text(&json->as.items[2 * i + 1]))
            return data_fault(m->c, "Schema parameters must have string values.");
        params[i].key = sluice_value_str(&json->as.items[2 * i]);
        params[i].value = sluice_value_str(&json->as.items[2 * i + 1]);
    }
    m->schema.params = params;
    m->schema.param_count = json->len;
    return SLUICE_OK;
}

/* Members of another type than they should have are passed over. */
static int make_attributes(maker_t *m) {
    const sluice_value_t *json = value_member(m->json, "optional");
    sluice_schema_t *s = &m->schema;

    s->optional = json != NULL && json->kind == SLUICE_BOOLEAN && sluice_value_int(json) != 0;
    json = value_member(m->json, "name");
    s->name = is_text(json) ? sluice_value_str(json) : sluice_str(NULL);
    json = value_member(m->json, "version");
    if (json != NULL && json->kind == SLUICE_INT64) {
        s->has_version = 1;
        s->version = (int32_t)sluice_value_int(json);
    }
    json = value_member(m->json, "doc");
    s->doc = is_text(json) ? sluice_value_str(json) : sluice_str(NULL);
    return make_params(m);
}

/* A struct can't have a default: Connect compares its schema with the unfinished one, and finds
 * that they differ. */
static int make_default(maker_t *m) {
    const sluice_value_t *json = value_member(m->json, "default");
    sluice_value_t *value;
    int status;

    if (json == NULL)
        return SLUICE_OK;
    value = m->c->api->batch_alloc(m->arena, sizeof(*value));
    if (value == NULL)
        return memory_fault(m->c);
    status = read_value(m->c, m->arena, &m->schema, json, value);
    if (status != SLUICE_OK)
        return status;
    if ((value->kind == SLUICE_STRUCT) ||
        check_nulls(m->c, &m->schema, value, "value") != SLUICE_OK)
        return schema_fault(m->c, "Invalid default value");
    m->schema.default_value = value->kind == SLUICE_NULL ? NULL : value;
    return SLUICE_OK;
}

static void drop_parts(maker_t *m) {
    const sluice_api_t *api = m->c->api;
    uint32_t i;

    api->schema_unref(m->schema.key_schema);
    api->schema_unref(m->schema.value_schema);
    for (i = 0; i < m->schema.field_count; i++)
        api->schema_unref(m->schema.fields[i].schema);
}

int read_schema(converter_t *c, sluice_batch_t *arena, const sluice_value_t *json,
                const sluice_schema_t **schema) {
    maker_t m = {c, arena, json, {.size = sizeof(m.schema)}, {0}};
    const sluice_value_t *type = value_member(json, "type");
    int status;

    *schema = NULL;
    if (json->kind == SLUICE_NULL)
        return SLUICE_OK;
    if (!is_text(type))
        return data_fault(c, "Schema must contain 'type' field");
    m.schema.type = type_of(sluice_value_str(type));
    if (m.schema.type == SLUICE_NULL)
        return data_fault(c, "Unknown schema type: %.*s", (int)type->len, type->as.s);
    status = make_parts(&m);
    if (status == SLUICE_OK)
        status = make_attributes(&m);
    if (status == SLUICE_OK)
        status = make_default(&m);
    if (status == SLUICE_OK && (*schema = c->api->schema_intern(&m.schema)) == NULL)
        status = memory_fault(c);
    drop_parts(&m);
    names_fini(&m.names);
    return status;
}
