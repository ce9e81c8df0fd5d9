/* Reading a schema's JSON text, as leniently as a reader of registered schemas does. */
#include "node.h"

#include "support/member.h"

#define NODES_MAX 200000u

typedef struct scope {
    avro_doc_t *doc;
    sluice_str_t space; /* of the named type around */
    unsigned depth;
} scope_t;

static avro_node_t *read_node(const scope_t *scope, const sluice_value_t *json);

static int primitive(sluice_str_t name) {
    uint8_t i;

    for (i = AVRO_NULL; i <= AVRO_STRING; i++)
        if (avro_text_is(name, avro_type_name(i)))
            return i;
    return -1;
}

/* ---- names ---- */

static avro_node_t *find_name(avro_doc_t *doc, sluice_str_t full) {
    uint32_t i;

    for (i = 0; i < doc->name_count; i++)
        if (sluice_str_eq(doc->names[i].full, full))
            return doc->names[i].node;
    return NULL;
}

static avro_node_t *reference(const scope_t *scope, sluice_str_t name) {
    avro_node_t probe = {0};
    avro_node_t *found;

    avro_set_name(scope->doc, &probe, scope->space, name);
    found = find_name(scope->doc, probe.full);
    if (found == NULL)
        found = find_name(scope->doc, name);
    return found != NULL ? found
                         : avro_fault(scope->doc, "Undefined name: \"%.*s\"", AVRO_STR(name));
}

static int define(avro_doc_t *doc, avro_node_t *node) {
    uint32_t cap = doc->name_cap > 0 ? 2 * doc->name_cap : 16;
    avro_name_t *names;

    if (find_name(doc, node->full) != NULL) {
        avro_fault(doc, "Can't redefine: %.*s", AVRO_STR(node->full));
        return 0;
    }
    if (doc->name_count == doc->name_cap) {
        names = avro_alloc(doc, cap * sizeof(*names));
        if (names == NULL)
            return 0;
        if (doc->name_count > 0)
            memcpy(names, doc->names, doc->name_count * sizeof(*names));
        doc->names = names;
        doc->name_cap = cap;
    }
    doc->names[doc->name_count++] = (avro_name_t){node->full, node};
    return 1;
}

/* ---- properties: what the specification gives no meaning ---- */

static int is_reserved(sluice_str_t key, const char *const *words) {
    for (; *words != NULL; words++)
        if (avro_text_is(key, *words))
            return 1;
    return 0;
}

static void read_props(avro_doc_t *doc, const sluice_value_t *json, const char *const *reserved,
                       avro_props_t *props) {
    uint32_t i;

    for (i = 0; i < json->len; i++)
        if (!is_reserved(sluice_value_str(&json->as.items[2 * i]), reserved))
            avro_set(doc, props, sluice_value_str(&json->as.items[2 * i]),
                     json->as.items[2 * i + 1]);
}

static const sluice_value_t *array_member(const sluice_value_t *json, const char *name) {
    const sluice_value_t *v = value_member(json, name);

    return v != NULL && v->kind == SLUICE_ARRAY ? v : NULL;
}

/* ---- types ---- */

static int read_field(const scope_t *scope, const sluice_value_t *json, avro_field_t *out) {
    static const char *const reserved[] = {"default", "doc",     "name", "order",
                                           "type",    "aliases", NULL};
    const sluice_value_t *type = json->kind == SLUICE_MAP ? value_member(json, "type") : NULL;

    out->name = json->kind == SLUICE_MAP ? value_member_text(json, "name") : sluice_str(NULL);
    if (out->name.data == NULL || type == NULL) {
        avro_fault(scope->doc, "a field has no %s", out->name.data == NULL ? "name" : "type");
        return 0;
    }
    out->doc = value_member_text(json, "doc");
    out->fallback = value_member(json, "default");
    out->order = value_member_text(json, "order");
    if (avro_text_is(out->order, "ascending"))
        out->order = sluice_str(NULL);
    out->aliases = array_member(json, "aliases");
    read_props(scope->doc, json, reserved, &out->props);
    out->node = read_node(scope, type);
    return out->node != NULL;
}

static avro_node_t *read_record(const scope_t *scope, const sluice_value_t *json,
                                avro_node_t *node) {
    const sluice_value_t *fields = array_member(json, "fields");
    scope_t inside = {scope->doc, node->space, scope->depth};
    uint32_t i;

    if (fields == NULL)
        return avro_fault(scope->doc, "Record has no fields: %.*s", AVRO_STR(node->full));
    node->fields = avro_alloc(scope->doc, fields->len * sizeof(*node->fields));
    if (node->fields == NULL)
        return NULL;
    for (i = 0; i < fields->len; i++) {
        if (!read_field(&inside, &fields->as.items[i], &node->fields[i]))
            return NULL;
        if (avro_find_field(node, node->fields[i].name) != NULL)
            return avro_fault(scope->doc, "Duplicate field %.*s in record %.*s",
                              AVRO_STR(node->fields[i].name), AVRO_STR(node->full));
        node->field_count++;
    }
    return node;
}

static avro_node_t *read_enum(const scope_t *scope, const sluice_value_t *json, avro_node_t *node) {
    const sluice_value_t *symbols = array_member(json, "symbols");
    uint32_t i;

    if (symbols == NULL)
        return avro_fault(scope->doc, "Enum has no symbols: %.*s", AVRO_STR(node->full));
    node->symbol_default = value_member_text(json, "default");
    node->symbols = avro_alloc(scope->doc, symbols->len * sizeof(*node->symbols));
    if (node->symbols == NULL)
        return NULL;
    node->symbol_count = symbols->len;
    for (i = 0; i < symbols->len; i++) {
        if (symbols->as.items[i].kind != SLUICE_STRING)
            return avro_fault(scope->doc, "a symbol of enum %.*s is no text", AVRO_STR(node->full));
        node->symbols[i] = sluice_value_str(&symbols->as.items[i]);
    }
    return node;
}

static avro_node_t *read_fixed(const scope_t *scope, const sluice_value_t *json,
                               avro_node_t *node) {
    const sluice_value_t *size = value_member(json, "size");

    if (size == NULL || size->kind != SLUICE_INT64 || sluice_value_int(size) < 0 ||
        sluice_value_int(size) > INT32_MAX)
        return avro_fault(scope->doc, "Invalid or no size: %.*s", AVRO_STR(node->full));
    node->size = (uint32_t)sluice_value_int(size);
    return node;
}

static avro_node_t *read_named(const scope_t *scope, const sluice_value_t *json, uint8_t type) {
    static const char *const reserved[] = {"doc",       "fields",  "items",   "name",
                                           "namespace", "size",    "symbols", "values",
                                           "type",      "aliases", NULL};
    static const char *const reserved_enum[] = {"doc",       "fields",  "items",   "name",
                                                "namespace", "size",    "symbols", "values",
                                                "type",      "aliases", "default", NULL};
    avro_node_t *node = avro_node(scope->doc, type);
    const sluice_value_t *space = value_member(json, "namespace");
    sluice_str_t name = value_member_text(json, "name");

    if (node == NULL)
        return NULL;
    if (name.data == NULL || name.len == 0)
        return avro_fault(scope->doc, "No name in schema of type %s", avro_type_name(type));
    avro_set_name(scope->doc, node,
                  space != NULL && space->kind == SLUICE_STRING ? sluice_value_str(space)
                                                                : scope->space,
                  name);
    if (scope->doc->no_memory || !define(scope->doc, node))
        return NULL;
    node->doc = value_member_text(json, "doc");
    node->aliases = array_member(json, "aliases");
    read_props(scope->doc, json, type == AVRO_ENUM ? reserved_enum : reserved, &node->props);
    return type == AVRO_RECORD ? read_record(scope, json, node)
           : type == AVRO_ENUM ? read_enum(scope, json, node)
                               : read_fixed(scope, json, node);
}

static avro_node_t *read_container(const scope_t *scope, const sluice_value_t *json, uint8_t type) {
    static const char *const reserved[] = {"doc",       "fields",  "items",   "name",
                                           "namespace", "size",    "symbols", "values",
                                           "type",      "aliases", NULL};
    const sluice_value_t *items = value_member(json, type == AVRO_ARRAY ? "items" : "values");
    avro_node_t *node = avro_node(scope->doc, type);

    if (node == NULL)
        return NULL;
    if (items == NULL)
        return avro_fault(scope->doc, "%s has no %s type", type == AVRO_ARRAY ? "Array" : "Map",
                          type == AVRO_ARRAY ? "items" : "values");
    read_props(scope->doc, json, reserved, &node->props);
    node->items = read_node(scope, items);
    return node->items != NULL ? node : NULL;
}

static avro_node_t *read_union(const scope_t *scope, const sluice_value_t *json) {
    avro_node_t *node = avro_node(scope->doc, AVRO_UNION);
    uint32_t i, k;

    if (node == NULL)
        return NULL;
    node->branches = avro_alloc(scope->doc, json->len * sizeof(*node->branches));
    if (node->branches == NULL)
        return NULL;
    for (i = 0; i < json->len; i++) {
        avro_node_t *b = read_node(scope, &json->as.items[i]);
        if (b == NULL)
            return NULL;
        if (b->type == AVRO_UNION)
            return avro_fault(scope->doc, "Nested union");
        for (k = 0; k < i; k++)
            if (node->branches[k]->type == b->type &&
                (!avro_is_named(b) || sluice_str_eq(node->branches[k]->full, b->full)))
                return avro_fault(scope->doc, "Duplicate in union: %s", avro_type_name(b->type));
        node->branches[node->branch_count++] = b;
    }
    return node;
}

static avro_node_t *read_object(const scope_t *scope, const sluice_value_t *json) {
    static const char *const reserved[] = {"doc",       "fields",  "items",   "name",
                                           "namespace", "size",    "symbols", "values",
                                           "type",      "aliases", NULL};
    const sluice_value_t *type = value_member(json, "type");
    sluice_str_t name;
    avro_node_t *node;
    int known;

    if (type == NULL)
        return avro_fault(scope->doc, "No type in a schema");
    if (type->kind != SLUICE_STRING)
        return read_node(scope, type);
    name = sluice_value_str(type);
    known = primitive(name);
    if (known >= 0) {
        node = avro_node(scope->doc, (uint8_t)known);
        if (node != NULL)
            read_props(scope->doc, json, reserved, &node->props);
        return node;
    }
    if (avro_text_is(name, "record") || avro_text_is(name, "error"))
        return read_named(scope, json, AVRO_RECORD);
    if (avro_text_is(name, "enum"))
        return read_named(scope, json, AVRO_ENUM);
    if (avro_text_is(name, "fixed"))
        return read_named(scope, json, AVRO_FIXED);
    if (avro_text_is(name, "array"))
        return read_container(scope, json, AVRO_ARRAY);
    return avro_text_is(name, "map") ? read_container(scope, json, AVRO_MAP)
                                     : reference(scope, name);
}

static avro_node_t *read_node(const scope_t *scope, const sluice_value_t *json) {
    scope_t inside = {scope->doc, scope->space, scope->depth + 1};
    int known;

    if (scope->depth > AVRO_DEPTH_MAX || scope->doc->node_count > NODES_MAX)
        return avro_fault(scope->doc,
                          "the schema is nested deeper than %d or has more than %u parts",
                          AVRO_DEPTH_MAX, NODES_MAX);
    if (json->kind == SLUICE_MAP)
        return read_object(&inside, json);
    if (json->kind == SLUICE_ARRAY)
        return read_union(&inside, json);
    if (json->kind != SLUICE_STRING)
        return avro_fault(scope->doc, "a schema is a text, an object or an array");
    known = primitive(sluice_value_str(json));
    return known >= 0 ? avro_node(scope->doc, (uint8_t)known)
                      : reference(&inside, sluice_value_str(json));
}

avro_node_t *avro_parse(avro_doc_t *doc, sluice_str_t text) {
    scope_t scope = {doc, {NULL, 0}, 0};
    sluice_str_t copy = avro_copy(doc, text);
    sluice_json_error_t error = {0, ""};
    sluice_value_t *json = avro_alloc(doc, sizeof(*json));
    int status;

    if (copy.data == NULL || json == NULL)
        return NULL;
    status = doc->api->json->parse(doc->memory, copy, 0, json, &error);
    if (status == SLUICE_NO_MEMORY)
        doc->no_memory = 1;
    if (status != SLUICE_OK)
        return avro_fault(doc, "the schema's text is no JSON: %s at byte %zu", error.what,
                          error.offset);
    return read_node(&scope, json);
}
