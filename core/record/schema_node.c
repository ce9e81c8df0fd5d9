#include "record/schema_int.h"

#include <stdlib.h>

#include "base/hash.h"
#include "record/number.h"
#include "record/schema.h"

#define WIDE  9u /* structs with this many fields or more get a hash index of their names */
#define ALIGN 16u

/* Where a copy goes. First pass: base NULL, only counts. */
typedef struct copier {
    char *base;
    size_t used;
    int failed; /* out of memory for something nested */
} copier_t;

static void *take(copier_t *c, size_t size) {
    void *p = c->base == NULL ? NULL : c->base + c->used;

    c->used += (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
    return p;
}

static sluice_str_t copy_str(copier_t *c, sluice_str_t s) {
    char *p;

    if (s.data == NULL)
        return s;
    p = take(c, s.len);
    if (p != NULL && s.len > 0)
        memcpy(p, s.data, s.len);
    return sluice_str_n(p, s.len);
}

static void copy_value(copier_t *c, const sluice_value_t *in, sluice_value_t *out);

static void copy_items(copier_t *c, const sluice_value_t *in, size_t count, sluice_value_t *out) {
    sluice_value_t scratch;
    size_t i;

    for (i = 0; i < count; i++)
        copy_value(c, &in[i], out == NULL ? &scratch : &out[i]);
}

static void copy_struct(copier_t *c, const sluice_value_t *in, sluice_value_t *out) {
    sluice_struct_t *st = take(c, sizeof(*st) + in->len * sizeof(sluice_value_t));

    if (st != NULL && (st->schema = sl_schema_intern(in->as.st->schema)) == NULL) {
        c->failed = 1;
        *out = sluice_null();
        return;
    }
    copy_items(c, in->as.st->fields, in->len, st == NULL ? NULL : st->fields);
    out->as.st = st;
}

/* Numbers kept as text become numbers: equal defaults have equal bytes. */
static void copy_value(copier_t *c, const sluice_value_t *in, sluice_value_t *out) {
    sluice_value_t *items;

    *out = *in;
    switch ((sluice_kind_t)in->kind) {
    case SLUICE_STRING:
    case SLUICE_BYTES:
    case SLUICE_DECIMAL: out->as.s = copy_str(c, sluice_value_str(in)).data; break;
    case SLUICE_ARRAY:
    case SLUICE_MAP:
        items = take(c, in->len * (in->kind == SLUICE_MAP ? 2u : 1u) * sizeof(*items));
        copy_items(c, in->as.items, in->len * (in->kind == SLUICE_MAP ? 2u : 1u), items);
        out->as.items = items;
        break;
    case SLUICE_STRUCT: copy_struct(c, in, out); break;
    default:
        if ((in->flags & SLUICE_TEXT) != 0) {
            if (in->kind == SLUICE_FLOAT32 || in->kind == SLUICE_FLOAT64)
                *out = sluice_float((sluice_kind_t)in->kind, sl_value_double(in));
            else
                *out = sluice_int((sluice_kind_t)in->kind, sluice_value_int(in));
        }
        break;
    }
    out->flags = 0;
}

/* Nested schemas of defaults that are structs. */
static void unref_value(const sluice_value_t *v) {
    size_t count = v->len;
    size_t i;

    if (v->kind == SLUICE_STRUCT) {
        for (i = 0; i < count; i++)
            unref_value(&v->as.st->fields[i]);
        sl_schema_unref(v->as.st->schema);
    } else if (v->kind == SLUICE_ARRAY || v->kind == SLUICE_MAP) {
        for (i = 0; i < count * (v->kind == SLUICE_MAP ? 2u : 1u); i++)
            unref_value(&v->as.items[i]);
    }
}

static const sluice_schema_t *copy_nested(copier_t *c, const sluice_schema_t *schema) {
    if (schema == NULL || c->base == NULL)
        return NULL;
    schema = sl_schema_intern(schema);
    if (schema == NULL)
        c->failed = 1;
    return schema;
}

static const sluice_param_t *copy_params(copier_t *c, const sluice_schema_t *in) {
    sluice_param_t *params = take(c, in->param_count * sizeof(*params));
    sluice_param_t scratch;
    uint32_t i;

    for (i = 0; i < in->param_count; i++) {
        scratch.key = copy_str(c, in->params[i].key);
        scratch.value = copy_str(c, in->params[i].value);
        if (params != NULL)
            params[i] = scratch;
    }
    return params;
}

static const sluice_field_t *copy_fields(copier_t *c, const sluice_schema_t *in) {
    sluice_field_t *fields = take(c, in->field_count * sizeof(*fields));
    sluice_field_t scratch;
    uint32_t i;

    for (i = 0; i < in->field_count; i++) {
        scratch.name = copy_str(c, in->fields[i].name);
        scratch.schema = copy_nested(c, in->fields[i].schema);
        if (fields != NULL)
            fields[i] = scratch;
    }
    return fields;
}

static sluice_logical_t logical_of(const sluice_schema_t *s) {
    static const struct {
        const char *name;
        sluice_kind_t type;
        sluice_logical_t logical;
    } known[] = {
        {"org.apache.kafka.connect.data.Decimal", SLUICE_BYTES, SLUICE_LOGICAL_DECIMAL},
        {"org.apache.kafka.connect.data.Date", SLUICE_INT32, SLUICE_LOGICAL_DATE},
        {"org.apache.kafka.connect.data.Time", SLUICE_INT32, SLUICE_LOGICAL_TIME},
        {"org.apache.kafka.connect.data.Timestamp", SLUICE_INT64, SLUICE_LOGICAL_TIMESTAMP},
    };
    size_t i;

    for (i = 0; s->name.data != NULL && i < sizeof(known) / sizeof(known[0]); i++)
        if (s->type == known[i].type && sluice_str_eq(s->name, sluice_str(known[i].name)))
            return known[i].logical;
    return SLUICE_LOGICAL_NONE;
}

/* Copies a template into *out and the copier's memory; with a counting copier only counts. */
static void copy_schema(copier_t *c, const sluice_schema_t *in, sluice_schema_t *out) {
    sluice_value_t *value = NULL;
    sluice_value_t scratch;

    *out = *in;
    out->size = sizeof(*out);
    out->name = copy_str(c, in->name);
    out->doc = copy_str(c, in->doc);
    out->version = in->has_version ? in->version : 0;
    out->has_version = in->has_version != 0;
    out->optional = in->optional != 0;
    out->logical = (uint8_t)logical_of(in);
    out->params = copy_params(c, in);
    out->key_schema = copy_nested(c, in->key_schema);
    out->value_schema = copy_nested(c, in->value_schema);
    out->fields = copy_fields(c, in);
    if (in->default_value != NULL) {
        value = take(c, sizeof(*value));
        copy_value(c, in->default_value, value == NULL ? &scratch : value);
    }
    out->default_value = value;
}

static uint64_t hash_field(sluice_str_t name) {
    return sl_hash(0, name.data, name.len);
}

/* Index slots for a struct: at least twice the fields; 0 for narrow ones. */
static uint32_t index_slots(uint32_t fields) {
    uint32_t slots = 16;

    if (fields < WIDE)
        return 0;
    while (slots < 2 * fields)
        slots *= 2;
    return slots;
}

/* The first of fields with equal names is the one that is found. */
static void build_index(sl_schema_node_t *n, uint32_t slots) {
    uint32_t i;
    uint32_t slot;

    memset(n->index, 0, slots * sizeof(*n->index));
    n->index_mask = slots - 1;
    for (i = 0; i < n->schema.field_count; i++) {
        slot = (uint32_t)hash_field(n->schema.fields[i].name) & n->index_mask;
        while (n->index[slot] != 0)
            slot = (slot + 1) & n->index_mask;
        n->index[slot] = i + 1;
    }
}

static uint64_t hash_str(uint64_t h, sluice_str_t s) {
    return s.data == NULL ? sl_hash(h, "", 1) : sl_hash(h, s.data, s.len);
}

static uint64_t hash_value(uint64_t h, const sluice_value_t *v) {
    size_t items = v->kind == SLUICE_MAP ? 2 * (size_t)v->len : v->len;
    size_t i;

    h = sl_hash(h, &v->kind, sizeof(v->kind));
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_STRING:
    case SLUICE_BYTES:
    case SLUICE_DECIMAL: return hash_str(h, sluice_value_str(v));
    case SLUICE_ARRAY:
    case SLUICE_MAP:
    case SLUICE_STRUCT:
        for (i = 0; i < items; i++)
            h = hash_value(h, v->kind == SLUICE_STRUCT ? &v->as.st->fields[i] : &v->as.items[i]);
        return h;
    default: return sl_hash(h, &v->as.i, sizeof(v->as.i));
    }
}

/* Of a copied schema: nested ones are canonical, so their addresses stand for them. */
static uint64_t hash_schema(const sluice_schema_t *s) {
    struct {
        uint32_t type, optional, has_version, fields, params;
        int32_t version;
    } head = {s->type, s->optional, s->has_version, s->field_count, s->param_count, s->version};
    const void *nested[] = {s->key_schema, s->value_schema};
    uint64_t h = sl_hash(0, &head, sizeof(head));
    uint32_t i;

    h = sl_hash(hash_str(hash_str(h, s->name), s->doc), nested, sizeof(nested));
    for (i = 0; i < s->param_count; i++)
        h = hash_str(hash_str(h, s->params[i].key), s->params[i].value);
    for (i = 0; i < s->field_count; i++)
        h = sl_hash(hash_str(h, s->fields[i].name), &s->fields[i].schema, sizeof(void *));
    return s->default_value == NULL ? h : hash_value(h, s->default_value);
}

static int equal_values(const sluice_value_t *a, const sluice_value_t *b) {
    size_t items = a->kind == SLUICE_MAP ? 2 * (size_t)a->len : a->len;
    size_t i;

    if (a->kind != b->kind || a->len != b->len)
        return 0;
    switch ((sluice_kind_t)a->kind) {
    case SLUICE_STRING:
    case SLUICE_BYTES:
    case SLUICE_DECIMAL: return sluice_str_eq(sluice_value_str(a), sluice_value_str(b));
    case SLUICE_STRUCT:
        for (i = 0; i < items; i++)
            if (!equal_values(&a->as.st->fields[i], &b->as.st->fields[i]))
                return 0;
        return a->as.st->schema == b->as.st->schema;
    case SLUICE_ARRAY:
    case SLUICE_MAP:
        for (i = 0; i < items; i++)
            if (!equal_values(&a->as.items[i], &b->as.items[i]))
                return 0;
        return 1;
    default: return a->as.i == b->as.i; /* the bits of floats, too: NaN equals itself, as in Java */
    }
}

static int equal_heads(const sluice_schema_t *a, const sluice_schema_t *b) {
    return a->type == b->type && a->optional == b->optional && a->has_version == b->has_version &&
           a->version == b->version && a->field_count == b->field_count &&
           a->param_count == b->param_count && a->key_schema == b->key_schema &&
           a->value_schema == b->value_schema && sluice_str_eq(a->name, b->name) &&
           sluice_str_eq(a->doc, b->doc) &&
           (a->default_value == NULL) == (b->default_value == NULL);
}

static int equal_schemas(const sluice_schema_t *a, const sluice_schema_t *b) {
    uint32_t i;

    if (!equal_heads(a, b))
        return 0;
    for (i = 0; i < a->param_count; i++)
        if (!sluice_str_eq(a->params[i].key, b->params[i].key) ||
            !sluice_str_eq(a->params[i].value, b->params[i].value))
            return 0;
    for (i = 0; i < a->field_count; i++)
        if (a->fields[i].schema != b->fields[i].schema ||
            !sluice_str_eq(a->fields[i].name, b->fields[i].name))
            return 0;
    return a->default_value == NULL || equal_values(a->default_value, b->default_value);
}

void sl_schema_node_destroy(sl_schema_node_t *n) {
    const sluice_schema_t *s = &n->schema;
    uint32_t i;

    for (i = 0; i < s->field_count; i++)
        sl_schema_unref(s->fields[i].schema);
    sl_schema_unref(s->key_schema);
    sl_schema_unref(s->value_schema);
    if (s->default_value != NULL)
        unref_value(s->default_value);
    n->magic = 0;
    free(n);
}

sl_schema_node_t *sl_schema_node_create(const sluice_schema_t *in) {
    copier_t c = {NULL, 0, 0};
    uint32_t slots = index_slots(in->field_count);
    size_t head = (sizeof(sl_schema_node_t) + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
    sluice_schema_t scratch;
    sl_schema_node_t *n;

    copy_schema(&c, in, &scratch);
    n = malloc(head + c.used + slots * sizeof(*n->index));
    if (n == NULL)
        return NULL;
    c = (copier_t){(char *)n + head, 0, 0};
    n->magic = SL_SCHEMA_MAGIC;
    atomic_init(&n->refs, 1);
    copy_schema(&c, in, &n->schema);
    n->index = slots == 0 ? NULL : (uint32_t *)(void *)(c.base + c.used);
    if (c.failed) {
        sl_schema_node_destroy(n);
        return NULL;
    }
    if (n->index != NULL)
        build_index(n, slots);
    n->hash = hash_schema(&n->schema);
    return n;
}

int sl_schema_node_equal(const sl_schema_node_t *a, const sl_schema_node_t *b) {
    return a->hash == b->hash && equal_schemas(&a->schema, &b->schema);
}

int32_t sl_schema_node_field(const sl_schema_node_t *n, sluice_str_t name) {
    const sluice_schema_t *schema = &n->schema;
    uint32_t i;

    if (n->index == NULL) {
        for (i = 0; i < schema->field_count; i++)
            if (sluice_str_eq(schema->fields[i].name, name))
                return (int32_t)i;
        return -1;
    }
    i = (uint32_t)hash_field(name) & n->index_mask;
    for (; n->index[i] != 0; i = (i + 1) & n->index_mask)
        if (sluice_str_eq(schema->fields[n->index[i] - 1].name, name))
            return (int32_t)n->index[i] - 1;
    return -1;
}
