/* The Connect schema of an Avro schema, and how values of it are read. */
#include "map.h"

#include <stdlib.h>
#include <strings.h>

#define PARTS_MAX 100000u
#define DATA_NAME "org.apache.kafka.connect.data."

/* What the place where a type stands says of it. */
typedef struct place {
    int optional;
    const sluice_value_t *fallback; /* a field's default; NULL: none */
    sluice_str_t doc;               /* a field's */
    int has_version;
    int32_t version;
} place_t;

/* A Connect schema being made. */
typedef struct maker {
    avro_reading_t *r;
    avro_node_t *node;
    const place_t *place;
    sluice_schema_t t;
    sluice_param_t *params;
    uint32_t param_cap;
    avro_dec_t *dec;
} maker_t;

static avro_dec_t *convert(avro_reading_t *r, avro_node_t *node, const place_t *place,
                           const sluice_schema_t **schema);

static const place_t plain_place = {0}, optional_place = {.optional = 1};

static int fault(maker_t *m, const char *fmt, const char *what) {
    avro_fault(m->r->doc, fmt, what);
    return 0;
}

static int text_is(sluice_str_t s, const char *text) {
    return s.data != NULL && s.len == strlen(text) && strncasecmp(s.data, text, s.len) == 0;
}

/* ---- parameters ---- */

static void set_param(maker_t *m, sluice_str_t key, sluice_str_t value) {
    uint32_t i, cap = m->param_cap > 0 ? 2 * m->param_cap : 8;
    sluice_param_t *params;

    for (i = 0; i < m->t.param_count; i++)
        if (sluice_str_eq(m->params[i].key, key)) {
            m->params[i].value = value;
            return;
        }
    if (m->t.param_count == m->param_cap) {
        params = avro_alloc(m->r->doc, cap * sizeof(*params));
        if (params == NULL)
            return;
        if (m->t.param_count > 0)
            memcpy(params, m->params, m->t.param_count * sizeof(*params));
        m->params = params;
        m->param_cap = cap;
        m->t.params = params;
    }
    m->params[m->t.param_count++] = (sluice_param_t){key, value};
}

static void set_number_param(maker_t *m, const char *key, int64_t n) {
    set_param(m, sluice_str(key), avro_print(m->r->doc, "%lld", (long long)n));
}

static void set_joined_param(maker_t *m, const char *head, sluice_str_t tail, sluice_str_t value) {
    set_param(m, avro_print(m->r->doc, "%s%.*s", head, AVRO_STR(tail)), value);
}

/* ---- types without parts ---- */

static void set_logical(maker_t *m, const char *name, uint8_t op) {
    m->t.name = avro_print(m->r->doc, DATA_NAME "%s", name);
    m->t.has_version = 1;
    m->t.version = 1;
    m->dec->op = op;
}

static int make_bytes(maker_t *m) {
    const sluice_value_t *n = avro_prop(&m->node->props, "scale");

    m->t.type = SLUICE_BYTES;
    m->dec->op = m->node->type == AVRO_FIXED ? DEC_FIXED : DEC_BYTES;
    m->dec->size = m->node->size;
    m->dec->least = m->node->type == AVRO_FIXED ? m->node->size : 1;
    if (text_is(avro_prop_text(&m->node->props, "logicalType"), "decimal")) {
        set_logical(m, "Decimal", DEC_DECIMAL);
        m->dec->scale = n != NULL && n->kind == SLUICE_INT64 ? (int32_t)sluice_value_int(n) : 0;
        set_number_param(m, "scale", m->dec->scale);
        n = avro_prop(&m->node->props, "precision");
        if (n != NULL && n->kind != SLUICE_INT64 && n->kind != SLUICE_FLOAT64)
            return fault(m,
                         "%s property must be a JSON Integer. "
                         "https://avro.apache.org/docs/1.9.1/spec.html#Decimal",
                         "precision");
        if (n != NULL && sluice_value_int(n) != AVRO_PRECISION_DEFAULT)
            set_number_param(m, AVRO_PRECISION, sluice_value_int(n));
    }
    if (m->node->type == AVRO_FIXED)
        set_number_param(m, AVRO_FIXED_SIZE, m->node->size);
    return 1;
}

static int make_int(maker_t *m) {
    sluice_str_t type = avro_prop_text(&m->node->props, "connect.type");
    sluice_str_t logical = avro_prop_text(&m->node->props, "logicalType");

    m->t.type = SLUICE_INT32;
    if (text_is(logical, "date")) {
        set_logical(m, "Date", DEC_DATE);
    } else if (text_is(logical, "time-millis")) {
        set_logical(m, "Time", DEC_TIME);
    } else if (logical.data == NULL && type.data != NULL) {
        m->t.type = avro_text_is(type, "int8") ? SLUICE_INT8 : SLUICE_INT16;
        if (!avro_text_is(type, "int8") && !avro_text_is(type, "int16"))
            return fault(m, "%s", "Connect type annotation for Avro int field is null");
    }
    m->dec->kind = m->t.type;
    return 1;
}

static int make_enum(maker_t *m) {
    const avro_options_t *o = m->r->options;
    const char *param = o->generalized ? AVRO_PLAIN_ENUM : AVRO_ENUM_PARAM;
    avro_node_t *node = m->node;
    uint32_t i;

    m->t.type = SLUICE_STRING;
    m->dec->op = DEC_ENUM;
    if (o->meta && node->doc.data != NULL) {
        if (o->plain_docs)
            set_param(m, sluice_str("connect.enum.doc"), node->doc);
        else
            set_joined_param(m, AVRO_ENUM_DOC, node->name, node->doc);
    }
    if (o->meta && !o->plain_docs && node->symbol_default.data != NULL)
        set_joined_param(m, AVRO_ENUM_DEFAULT, node->name, node->symbol_default);
    set_param(m, sluice_str(param), node->full);
    for (i = 0; i < node->symbol_count; i++)
        set_param(m, avro_print(m->r->doc, "%s.%.*s", param, AVRO_STR(node->symbols[i])),
                  o->generalized ? avro_print(m->r->doc, "%u", (unsigned)i) : node->symbols[i]);
    return 1;
}

/* ---- types with parts ---- */

static int is_map_entry(const avro_node_t *node) {
    if (node->type != AVRO_RECORD)
        return 0;
    return avro_text_is(node->full, AVRO_SPACE "." AVRO_MAP_ENTRY) ||
           avro_text_is(avro_prop_text(&node->props, "connect.internal.type"), AVRO_MAP_ENTRY);
}

static int make_entries(maker_t *m) {
    avro_node_t *items = m->node->items;
    const avro_field_t *key = avro_find_field(items, sluice_str("key"));
    const avro_field_t *value = avro_find_field(items, sluice_str("value"));

    if (items->field_count != 2 || key == NULL || value == NULL)
        return fault(m, "%s",
                     "Found map encoded as array of key-value pairs, but array elements do "
                     "not match the expected format.");
    m->t.type = SLUICE_MAP;
    m->dec->op = DEC_ENTRIES;
    m->dec->parts = avro_alloc(m->r->doc, 2 * sizeof(*m->dec->parts));
    if (m->dec->parts == NULL)
        return 0;
    m->dec->part_count = 2;                          /* a schema may have the value in front */
    m->dec->size = key == &items->fields[0] ? 0 : 1; /* where the key is */
    m->dec->key = convert(m->r, key->node, &plain_place, &m->t.key_schema);
    if (m->dec->key == NULL)
        return 0;
    m->dec->value = convert(m->r, value->node, &plain_place, &m->t.value_schema);
    return m->dec->value != NULL;
}

static int make_container(maker_t *m) {
    static const sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING};

    if (m->node->type == AVRO_ARRAY && is_map_entry(m->node->items))
        return make_entries(m);
    m->t.type = m->node->type == AVRO_ARRAY ? SLUICE_ARRAY : SLUICE_MAP;
    m->dec->op = m->node->type == AVRO_ARRAY ? DEC_ARRAY : DEC_MAP;
    if (m->node->type == AVRO_MAP)
        m->t.key_schema = &text;
    m->dec->value = convert(m->r, m->node->items, &plain_place, &m->t.value_schema);
    return m->dec->value != NULL;
}

/* Keeps the reference; its pointer. */
static const sluice_schema_t *keep(avro_reading_t *r, const sluice_schema_t *schema) {
    uint32_t cap = r->kept_cap > 0 ? 2 * r->kept_cap : 16;
    const sluice_schema_t **kept = r->kept;

    if (schema != NULL && r->kept_count == r->kept_cap) {
        kept = realloc(r->kept, cap * sizeof(*kept));
        if (kept != NULL) {
            r->kept = kept;
            r->kept_cap = cap;
        }
    }
    if (schema == NULL || kept == NULL) {
        r->doc->api->schema_unref(schema);
        r->doc->no_memory = 1;
        return NULL;
    }
    r->kept[r->kept_count++] = schema;
    return schema;
}

/* Parameters that stand at a field whose type was named before go over those of the type. */
static const sluice_schema_t *with_field_params(maker_t *m, const avro_field_t *f, avro_dec_t *dec,
                                                const sluice_schema_t *schema) {
    const sluice_value_t *json = avro_prop(&f->props, "connect.parameters");
    maker_t own = {.r = m->r, .t = *schema};
    uint32_t i;

    if (!m->r->options->meta || json == NULL || json->kind != SLUICE_MAP)
        return schema;
    own.t.param_count = 0;
    own.t.params = NULL;
    for (i = 0; i < schema->param_count; i++)
        set_param(&own, schema->params[i].key, schema->params[i].value);
    for (i = 0; i < json->len; i++)
        if (json->as.items[2 * i + 1].kind == SLUICE_STRING)
            set_param(&own, sluice_value_str(&json->as.items[2 * i]),
                      sluice_value_str(&json->as.items[2 * i + 1]));
    own.t.id = 0;
    schema = keep(m->r, m->r->doc->api->schema_intern(&own.t));
    if (schema != NULL && dec->op == DEC_MAYBE)
        dec = dec->value;
    if (schema != NULL && (dec->op == DEC_STRUCT || dec->op == DEC_UNION))
        dec->schema = schema;
    return schema;
}

static int make_field(maker_t *m, const avro_field_t *f, sluice_field_t *out, avro_dec_t **part) {
    place_t place = {.fallback = f->fallback, .doc = f->doc};

    if (!m->r->options->plain_docs && m->r->options->meta && f->doc.data != NULL)
        set_joined_param(m, AVRO_FIELD_DOC, f->name, f->doc);
    out->name = f->name;
    *part = convert(m->r, f->node, &place, &out->schema);
    if (*part == NULL)
        return 0;
    out->schema = with_field_params(m, f, *part, out->schema);
    m->dec->least += (*part)->least;
    return out->schema != NULL;
}

static int make_record(maker_t *m) {
    avro_node_t *node = m->node;
    sluice_field_t *fields = avro_alloc(m->r->doc, node->field_count * sizeof(*fields));
    uint32_t i;

    if (node->busy) {
        avro_fault(m->r->doc, "the Avro type %.*s contains itself, which schemas of records cannot",
                   AVRO_STR(node->full));
        return 0;
    }
    m->t.type = SLUICE_STRUCT;
    m->t.fields = fields;
    m->dec->op = DEC_STRUCT;
    m->dec->part_count = node->field_count;
    m->dec->parts = avro_alloc(m->r->doc, node->field_count * sizeof(*m->dec->parts));
    if (fields == NULL || m->dec->parts == NULL)
        return 0;
    if (!m->r->options->plain_docs && m->r->options->meta && node->doc.data != NULL)
        set_param(m, sluice_str(AVRO_RECORD_DOC), node->doc);
    node->busy = 1;
    m->dec->least = 0;
    for (i = 0; i < node->field_count; i++)
        if (!make_field(m, &node->fields[i], &fields[i], &m->dec->parts[i]))
            break;
    node->busy = 0;
    m->t.field_count = i;
    return i == node->field_count;
}

static int has_field(const sluice_schema_t *t, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < t->field_count; i++)
        if (sluice_str_eq(t->fields[i].name, name))
            return 1;
    return 0;
}

static int make_member(maker_t *m, sluice_field_t *fields, uint32_t branch) {
    avro_node_t *node = m->node->branches[branch];
    sluice_str_t name;

    if (node->type == AVRO_NULL) {
        m->t.optional = 1;
        return 1;
    }
    name = avro_member_name(m->r->doc, m->r->options, node, branch);
    if (has_field(&m->t, name))
        return fault(m, "%s", "Multiple union schemas map to the Connect union field name");
    m->dec->slots[branch] = m->t.field_count;
    fields[m->t.field_count].name = name;
    m->dec->parts[branch] = convert(m->r, node, &optional_place, &fields[m->t.field_count].schema);
    if (m->dec->parts[branch] == NULL)
        return 0;
    m->t.field_count++;
    return 1;
}

static int make_union(maker_t *m) {
    uint32_t i, n = m->node->branch_count;
    sluice_field_t *fields = avro_alloc(m->r->doc, n * sizeof(*fields));

    m->t.type = SLUICE_STRUCT;
    m->t.fields = fields;
    m->t.name = sluice_str(AVRO_UNION_NAME);
    if (m->r->options->generalized) {
        m->t.name = avro_print(m->r->doc, "connect_union_%llu", (unsigned long long)*m->r->unions);
        (*m->r->unions)++;
        set_param(m, sluice_str(AVRO_PLAIN_UNION), m->t.name);
    }
    m->dec->op = DEC_UNION;
    m->dec->part_count = n;
    m->dec->parts = avro_alloc(m->r->doc, n * sizeof(*m->dec->parts));
    m->dec->slots = avro_alloc(m->r->doc, n * sizeof(*m->dec->slots));
    if (fields == NULL || m->dec->parts == NULL || m->dec->slots == NULL)
        return 0;
    for (i = 0; i < n; i++)
        if (!make_member(m, fields, i))
            return 0;
    return 1;
}

static int make_type(maker_t *m) {
    m->dec->node = m->node;
    m->dec->least = 1;
    switch (m->node->type) {
    case AVRO_BOOLEAN:
        m->t.type = SLUICE_BOOLEAN;
        m->dec->op = DEC_BOOLEAN;
        return 1;
    case AVRO_INT: m->dec->op = DEC_INT; return make_int(m);
    case AVRO_LONG:
        m->t.type = m->dec->kind = SLUICE_INT64;
        m->dec->op = DEC_LONG;
        if (text_is(avro_prop_text(&m->node->props, "logicalType"), "timestamp-millis"))
            set_logical(m, "Timestamp", DEC_TIMESTAMP);
        return 1;
    case AVRO_FLOAT:
        m->t.type = SLUICE_FLOAT32;
        m->dec->op = DEC_FLOAT;
        m->dec->least = 4;
        return 1;
    case AVRO_DOUBLE:
        m->t.type = SLUICE_FLOAT64;
        m->dec->op = DEC_DOUBLE;
        m->dec->least = 8;
        return 1;
    case AVRO_STRING:
        m->t.type = SLUICE_STRING;
        m->dec->op = DEC_STRING;
        return 1;
    case AVRO_BYTES:
    case AVRO_FIXED: return make_bytes(m);
    case AVRO_ENUM: return make_enum(m);
    case AVRO_ARRAY:
    case AVRO_MAP: return make_container(m);
    case AVRO_UNION: return make_union(m);
    case AVRO_RECORD: return make_record(m);
    default: return fault(m, "%s", "Standalone null schemas are not supported by this converter");
    }
}

/* ---- what stands around a type ---- */

static void set_doc(maker_t *m) {
    sluice_str_t own = avro_prop_text(&m->node->props, "connect.doc");

    if (!m->r->options->plain_docs) {
        if (m->r->options->meta)
            m->t.doc = own;
        return;
    }
    m->t.doc = m->place->doc.data != NULL  ? m->place->doc
               : m->node->doc.data != NULL ? m->node->doc
                                           : own;
    if (m->r->options->meta && m->node->doc.data != NULL)
        set_param(m, sluice_str("connect.record.doc"), m->node->doc);
}

/* Connect's own version goes before the registry's. */
static int set_version(maker_t *m) {
    const sluice_value_t *v = avro_prop(&m->node->props, "connect.version");
    int64_t version = m->place->has_version ? m->place->version : -1;

    if (v != NULL && v->kind != SLUICE_INT64)
        return fault(m, "Invalid Connect version found%s", "");
    if (v != NULL)
        version = sluice_value_int(v);
    if (version < 0)
        return 1;
    if (m->t.has_version && m->t.version != version) {
        avro_fault(m->r->doc,
                   "Mismatched versions: version already added to SchemaBuilder (%d) "
                   "differs from version in source schema (%lld)",
                   (int)m->t.version, (long long)version);
        return 0;
    }
    m->t.has_version = 1;
    m->t.version = (int32_t)version;
    return 1;
}

/* A property's value as Java's toString gives it. */
static sluice_str_t prop_text(maker_t *m, const sluice_value_t *v) {
    sluice_buf_t buf;

    if (v->kind == SLUICE_STRING)
        return sluice_value_str(v);
    m->r->doc->api->buf_init(&buf, m->r->doc->memory, 32);
    m->r->doc->api->json->write(&buf, v, SLUICE_JSON_NUMERIC_DECIMAL);
    return m->r->doc->api->buf_finish(&buf);
}

static int set_params(maker_t *m) {
    const sluice_value_t *json = avro_prop(&m->node->props, "connect.parameters");
    const avro_props_t *props = &m->node->props;
    uint32_t i;

    if (m->r->options->meta && json != NULL) {
        if (json->kind != SLUICE_MAP)
            return fault(m, "%s", "Expected JSON object for schema parameters");
        for (i = 0; i < json->len; i++) {
            if (json->as.items[2 * i + 1].kind != SLUICE_STRING)
                return fault(m, "%s", "Expected schema parameter values to be strings");
            set_param(m, sluice_value_str(&json->as.items[2 * i]),
                      sluice_value_str(&json->as.items[2 * i + 1]));
        }
    }
    for (i = 0; i < props->count; i++)
        if (avro_begins(props->items[i].key, "avro"))
            set_param(m, props->items[i].key, prop_text(m, &props->items[i].value));
    return 1;
}

/* Whether Avro's library makes a value of a field's default at all. */
static int is_sensible(const avro_node_t *node, const sluice_value_t *json) {
    if (node->type == AVRO_UNION)
        return node->branch_count > 0 && is_sensible(node->branches[0], json);
    switch ((sluice_kind_t)json->kind) {
    case SLUICE_STRING:
        return node->type == AVRO_STRING || node->type == AVRO_ENUM || node->type == AVRO_BYTES ||
               node->type == AVRO_FIXED;
    case SLUICE_INT64: return node->type >= AVRO_INT && node->type <= AVRO_DOUBLE;
    case SLUICE_FLOAT64: return node->type == AVRO_FLOAT || node->type == AVRO_DOUBLE;
    default: return 1;
    }
}

/* A default that its type does not allow is none, as in the original. */
static void set_default(maker_t *m) {
    const sluice_value_t *own = avro_prop(&m->node->props, "connect.default");
    const sluice_value_t *given = m->place->fallback;
    const sluice_value_t *json;
    sluice_value_t *value;

    if (given != NULL && !is_sensible(m->node, given))
        given = NULL;
    json = given != NULL ? given : own;
    if (given != NULL && own == NULL && !m->r->options->plain_docs && m->r->options->meta)
        set_param(m, sluice_str(AVRO_FIELD_FLAG), sluice_str("true"));
    if (json == NULL)
        return;
    value = avro_alloc(m->r->doc, sizeof(*value));
    if (value == NULL)
        return;
    /* A struct's default has the schema without the default. */
    if (m->t.type == SLUICE_STRUCT)
        m->dec->schema = keep(m->r, m->r->doc->api->schema_intern(&m->t));
    if (avro_default_value(m->r, m->dec, &m->t, json, value) && !sluice_is_null(value))
        m->t.default_value = value;
}

static int set_name(maker_t *m) {
    const sluice_value_t *own = avro_prop(&m->node->props, "connect.name");
    sluice_str_t name = {NULL, 0};

    if (own != NULL && own->kind != SLUICE_STRING)
        return fault(m, "Invalid schema name%s", "");
    if (own != NULL)
        name = sluice_value_str(own);
    else if (m->node->type == AVRO_RECORD || m->node->type == AVRO_ENUM ||
             (m->node->type == AVRO_FIXED && m->dec->op != DEC_DECIMAL))
        name = m->node->full;
    if (name.data == NULL || avro_begins(name, AVRO_SPACE "." AVRO_DEFAULT_NAME))
        return 1;
    if (m->t.name.data != NULL && !sluice_str_eq(name, m->t.name)) {
        avro_fault(m->r->doc,
                   "Mismatched names: name already added to SchemaBuilder (%.*s) differs "
                   "from name in source schema (%.*s)",
                   AVRO_STR(m->t.name), AVRO_STR(name));
        return 0;
    }
    m->t.name = name;
    return 1;
}

/* A union of one type, or of one with null. */
static avro_node_t *only_member(const avro_reading_t *r, const avro_node_t *node, int *maybe) {
    *maybe = 0;
    if (node->type != AVRO_UNION)
        return NULL;
    if (node->branch_count == 1 && r->options->flatten)
        return node->branches[0];
    if (node->branch_count != 2 || node->branches[0]->type == node->branches[1]->type)
        return NULL;
    *maybe = 1;
    if (node->branches[0]->type == AVRO_NULL)
        return node->branches[1];
    return node->branches[1]->type == AVRO_NULL ? node->branches[0] : NULL;
}

static avro_dec_t *convert_member(avro_reading_t *r, avro_node_t *node, avro_node_t *member,
                                  const place_t *place, const sluice_schema_t **schema) {
    place_t inside = {.optional = node->branch_count == 2, .doc = place->doc};
    avro_dec_t *dec = avro_alloc(r->doc, sizeof(*dec));

    if (dec == NULL)
        return NULL;
    dec->op = DEC_MAYBE;
    dec->node = node;
    dec->least = 1;
    dec->value = convert(r, member, &inside, schema);
    return dec->value != NULL ? dec : NULL;
}

static avro_dec_t *convert_type(avro_reading_t *r, avro_node_t *node, const place_t *place,
                                const sluice_schema_t **schema) {
    maker_t m = {.r = r, .node = node, .place = place, .t = {.size = sizeof(m.t)}};

    m.dec = avro_alloc(r->doc, sizeof(*m.dec));
    if (m.dec == NULL || !make_type(&m))
        return NULL;
    set_doc(&m);
    if (!set_version(&m) || !set_params(&m))
        return NULL;
    if (!set_name(&m)) /* before the default: a struct's has the schema with its name */
        return NULL;
    if (place->optional)
        m.t.optional = 1;
    set_default(&m);
    if (r->doc->no_memory)
        return NULL;
    *schema = keep(r, r->doc->api->schema_intern(&m.t));
    m.dec->schema = *schema;
    return *schema != NULL ? m.dec : NULL;
}

static avro_dec_t *convert(avro_reading_t *r, avro_node_t *node, const place_t *place,
                           const sluice_schema_t **schema) {
    int maybe;
    avro_node_t *member = only_member(r, node, &maybe);
    avro_dec_t *dec;

    *schema = NULL;
    if (r->depth > AVRO_DEPTH_MAX || r->kept_count > PARTS_MAX) {
        avro_fault(r->doc, "the schema is nested deeper than %d or has more than %u parts",
                   AVRO_DEPTH_MAX, PARTS_MAX);
        return NULL;
    }
    r->depth++;
    dec = member != NULL ? convert_member(r, node, member, place, schema)
                         : convert_type(r, node, place, schema);
    r->depth--;
    return dec;
}

static int is_anything(const avro_node_t *node) {
    return avro_text_is(node->full, AVRO_ANYTHING) && node->field_count == 9 &&
           avro_text_is(node->fields[8].name, "map");
}

avro_dec_t *avro_dec_compile(avro_reading_t *r, avro_node_t *node, int has_version, int32_t version,
                             const sluice_schema_t **schema) {
    place_t place = {.has_version = has_version, .version = version};
    avro_dec_t *dec;

    *schema = NULL;
    if (!is_anything(node) && node->type != AVRO_NULL)
        return convert(r, node, &place, schema);
    dec = avro_alloc(r->doc, sizeof(*dec));
    if (dec != NULL) {
        dec->op = node->type == AVRO_NULL ? DEC_NOTHING : DEC_ANYTHING;
        dec->node = node;
    }
    return dec;
}

void avro_reading_fini(avro_reading_t *r) {
    uint32_t i;

    for (i = 0; i < r->kept_count; i++)
        r->doc->api->schema_unref(r->kept[i]);
    free(r->kept);
    r->kept = NULL;
    r->kept_count = r->kept_cap = 0;
}
