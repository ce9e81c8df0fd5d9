#include "node.h"

#include <stdio.h>

int avro_doc_init(avro_doc_t *doc, const sluice_api_t *api, sluice_ctx_t *ctx) {
    memset(doc, 0, sizeof(*doc));
    doc->api = api;
    doc->memory = api->batch_new(ctx, 2048);
    return doc->memory != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

void avro_doc_fini(avro_doc_t *doc) {
    if (doc->memory != NULL)
        doc->api->batch_unref(doc->memory);
    memset(doc, 0, sizeof(*doc));
}

void *avro_alloc(avro_doc_t *doc, size_t size) {
    void *p = doc->api->batch_alloc(doc->memory, size > 0 ? size : 1);

    if (p == NULL)
        doc->no_memory = 1;
    else
        memset(p, 0, size);
    return p;
}

sluice_str_t avro_copy(avro_doc_t *doc, sluice_str_t text) {
    char *p;

    if (text.data == NULL)
        return text;
    p = avro_alloc(doc, text.len + 1);
    if (p != NULL && text.len > 0)
        memcpy(p, text.data, text.len);
    return sluice_str_n(p, p != NULL ? text.len : 0);
}

sluice_str_t avro_print(avro_doc_t *doc, const char *fmt, ...) {
    char text[1024];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return avro_copy(doc, sluice_str_n(text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1));
}

avro_node_t *avro_node(avro_doc_t *doc, uint8_t type) {
    avro_node_t *node = avro_alloc(doc, sizeof(*node));

    if (node != NULL) {
        node->type = type;
        doc->node_count++;
    }
    return node;
}

avro_node_t *avro_fault(avro_doc_t *doc, const char *fmt, ...) {
    va_list args;

    if (doc->no_memory || doc->fault[0] != '\0')
        return NULL;
    va_start(args, fmt);
    vsnprintf(doc->fault, sizeof(doc->fault), fmt, args);
    va_end(args);
    return NULL;
}

/* A key that is there keeps its place. */
void avro_set(avro_doc_t *doc, avro_props_t *props, sluice_str_t key, sluice_value_t value) {
    avro_prop_t *items;
    uint32_t i, cap = props->cap > 0 ? 2 * props->cap : 8;

    for (i = 0; i < props->count; i++)
        if (sluice_str_eq(props->items[i].key, key)) {
            props->items[i].value = value;
            return;
        }
    if (props->count == props->cap) {
        items = avro_alloc(doc, cap * sizeof(*items));
        if (items == NULL)
            return;
        if (props->count > 0)
            memcpy(items, props->items, props->count * sizeof(*items));
        props->items = items;
        props->cap = cap;
    }
    props->items[props->count++] = (avro_prop_t){key, value};
}

const sluice_value_t *avro_prop(const avro_props_t *props, const char *key) {
    uint32_t i;

    for (i = 0; i < props->count; i++)
        if (avro_text_is(props->items[i].key, key))
            return &props->items[i].value;
    return NULL;
}

sluice_str_t avro_prop_text(const avro_props_t *props, const char *key) {
    const sluice_value_t *v = avro_prop(props, key);

    return v != NULL && v->kind == SLUICE_STRING ? sluice_value_str(v) : sluice_str(NULL);
}

void avro_set_name(avro_doc_t *doc, avro_node_t *node, sluice_str_t space, sluice_str_t name) {
    size_t dot = name.len;
    char *full;

    while (dot > 0 && name.data[dot - 1] != '.')
        dot--;
    if (dot > 0) { /* a full name says its space itself */
        space = sluice_str_n(name.data, dot - 1);
        name = sluice_str_n(name.data + dot, name.len - dot);
    }
    node->name = name;
    node->space = space.len > 0 ? space : sluice_str(NULL);
    node->full = name;
    if (node->space.data == NULL)
        return;
    full = avro_alloc(doc, space.len + 1 + name.len);
    if (full == NULL)
        return;
    memcpy(full, space.data, space.len);
    full[space.len] = '.';
    if (name.len > 0)
        memcpy(full + space.len + 1, name.data, name.len);
    node->full = sluice_str_n(full, space.len + 1 + name.len);
}

const avro_field_t *avro_find_field(const avro_node_t *record, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < record->field_count; i++)
        if (sluice_str_eq(record->fields[i].name, name))
            return &record->fields[i];
    return NULL;
}

int avro_is_named(const avro_node_t *node) {
    return node->type == AVRO_RECORD || node->type == AVRO_ENUM || node->type == AVRO_FIXED;
}

const char *avro_type_name(uint8_t type) {
    static const char *const names[] = {"null",   "boolean", "int",    "long",   "float",
                                        "double", "bytes",   "string", "record", "enum",
                                        "array",  "map",     "union",  "fixed"};

    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

int avro_is_name(sluice_str_t name) {
    size_t i;

    for (i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9')))
            return 0;
    }
    return name.len > 0;
}

/* ---- equality ---- */

static int equal_json(const sluice_value_t *a, const sluice_value_t *b) {
    uint32_t i, n;

    if (a->kind != b->kind || a->len != b->len)
        return 0;
    if (a->kind == SLUICE_ARRAY || a->kind == SLUICE_MAP) {
        n = a->kind == SLUICE_MAP ? 2 * a->len : a->len;
        for (i = 0; i < n; i++)
            if (!equal_json(&a->as.items[i], &b->as.items[i]))
                return 0;
        return 1;
    }
    if (a->kind == SLUICE_STRING || a->kind == SLUICE_DECIMAL)
        return sluice_str_eq(sluice_value_str(a), sluice_value_str(b));
    return a->kind == SLUICE_FLOAT64 ? sluice_value_double(a) == sluice_value_double(b)
                                     : sluice_value_int(a) == sluice_value_int(b);
}

static int equal_props(const avro_props_t *a, const avro_props_t *b) {
    uint32_t i, k;

    if (a->count != b->count)
        return 0;
    for (i = 0; i < a->count; i++) {
        for (k = 0; k < b->count && !sluice_str_eq(a->items[i].key, b->items[k].key); k++)
            continue;
        if (k == b->count || !equal_json(&a->items[i].value, &b->items[k].value))
            return 0;
    }
    return 1;
}

static int equal_fields(const avro_node_t *a, const avro_node_t *b) {
    uint32_t i;

    if (a->field_count != b->field_count)
        return 0;
    for (i = 0; i < a->field_count; i++) {
        const avro_field_t *f = &a->fields[i], *g = &b->fields[i];
        if (!sluice_str_eq(f->name, g->name) || (f->fallback == NULL) != (g->fallback == NULL) ||
            (f->fallback != NULL && !equal_json(f->fallback, g->fallback)) ||
            !equal_props(&f->props, &g->props) || !avro_equal(f->node, g->node))
            return 0;
    }
    return 1;
}

static int equal_lists(const avro_node_t *a, const avro_node_t *b) {
    uint32_t i;

    if (a->symbol_count != b->symbol_count || a->branch_count != b->branch_count)
        return 0;
    for (i = 0; i < a->symbol_count; i++)
        if (!sluice_str_eq(a->symbols[i], b->symbols[i]))
            return 0;
    for (i = 0; i < a->branch_count; i++)
        if (!avro_equal(a->branches[i], b->branches[i]))
            return 0;
    return 1;
}

int avro_equal(const avro_node_t *a, const avro_node_t *b) {
    int same;

    if (a == b || (a->busy && b->busy))
        return 1;
    if (a->type != b->type || a->size != b->size || !sluice_str_eq(a->full, b->full) ||
        !equal_props(&a->props, &b->props))
        return 0;
    if (a->items != NULL)
        return avro_equal(a->items, b->items);
    /* Nodes that contain themselves end here. */
    ((avro_node_t *)(uintptr_t)a)->busy++;
    ((avro_node_t *)(uintptr_t)b)->busy++;
    same = equal_fields(a, b) && equal_lists(a, b);
    ((avro_node_t *)(uintptr_t)a)->busy--;
    ((avro_node_t *)(uintptr_t)b)->busy--;
    return same;
}
