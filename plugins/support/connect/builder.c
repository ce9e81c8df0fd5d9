#include "support/connect/builder.h"

#include <stdlib.h>

void smt_builder_init(smt_builder_t *b, const smt_t *s, uint8_t type) {
    memset(b, 0, sizeof(*b));
    b->s = s;
    b->schema.size = sizeof(b->schema);
    b->schema.type = type;
}

static void no_memory(smt_builder_t *b) {
    if (b->status == SLUICE_OK)
        b->status = b->s->api->fail(b->s->ctx, SLUICE_NO_MEMORY, "transform.memory",
                                    "no memory for a schema");
}

void smt_builder_copy(smt_builder_t *b, const sluice_schema_t *from) {
    b->schema.name = from->name;
    b->schema.has_version = from->has_version;
    b->schema.version = from->version;
    b->schema.doc = from->doc;
    b->schema.params = from->params;
    b->schema.param_count = from->param_count;
}

static int make_room(smt_builder_t *b) {
    uint32_t room = b->room == 0 ? 16 : 2 * b->room;
    sluice_field_t *fields;

    if (b->schema.field_count < b->room)
        return 1;
    fields = realloc(b->fields, room * sizeof(*fields));
    if (fields == NULL) {
        no_memory(b);
        return 0;
    }
    b->fields = fields;
    b->room = room;
    return 1;
}

void smt_builder_field(smt_builder_t *b, sluice_str_t name, const sluice_schema_t *schema) {
    uint32_t number;

    if (b->status != SLUICE_OK || !make_room(b))
        return;
    if (name.len == 0) {
        b->status = smt_fail(b->s, SCHEMA_BUILDER_EXCEPTION, "fieldName cannot be null.");
        return;
    }
    number = names_add(&b->names, name);
    if (number == NAMES_NONE)
        no_memory(b);
    else if (number != b->schema.field_count)
        b->status = smt_fail(b->s, SCHEMA_BUILDER_EXCEPTION,
                             "Cannot create field because of field name duplication %.*s",
                             (int)name.len, name.data);
    else
        b->fields[b->schema.field_count++] = (sluice_field_t){name, schema};
}

void smt_builder_default(smt_builder_t *b, const sluice_value_t *value) {
    char why[512];

    if (b->status != SLUICE_OK || value == NULL)
        return;
    b->schema.default_value = value;
    if (smt_check_value(sluice_str(NULL), &b->schema, value, why, sizeof(why)) != SLUICE_OK)
        b->status = smt_fail(b->s, SCHEMA_BUILDER_EXCEPTION,
                             "Invalid default value" CAUSED_BY DATA_EXCEPTION ": %s", why);
}

const sluice_schema_t *smt_builder_own(smt_builder_t *b, const sluice_schema_t *schema) {
    const sluice_schema_t **owned = NULL;

    if (schema != NULL)
        owned = realloc(b->owned, (b->owned_count + 1) * sizeof(*owned));
    if (owned == NULL) {
        if (schema != NULL)
            no_memory(b);
        b->s->api->schema_unref(schema);
        b->status = b->status == SLUICE_OK ? SLUICE_BAD_RECORD : b->status;
        return NULL;
    }
    b->owned = owned;
    b->owned[b->owned_count++] = schema;
    return schema;
}

const sluice_schema_t *smt_builder_build(smt_builder_t *b) {
    const sluice_schema_t *schema = NULL;

    b->schema.fields = b->fields;
    if (b->status == SLUICE_OK) {
        schema = b->s->api->schema_intern(&b->schema);
        if (schema == NULL)
            no_memory(b);
    }
    while (b->owned_count > 0)
        b->s->api->schema_unref(b->owned[--b->owned_count]);
    free(b->owned);
    free(b->fields);
    names_fini(&b->names);
    return schema;
}
