/* The Avro schema of a Connect schema. */
#include "map.h"

typedef struct seen_schema {
    const sluice_schema_t *schema;
    avro_node_t *node;
} seen_schema_t;

/* One schema being made. A Connect schema that is met again gives the same node, so that a named
 * type is defined once. */
typedef struct builder {
    avro_doc_t *doc;
    const avro_options_t *o;
    seen_schema_t *seen;
    uint32_t seen_count, seen_cap;
    sluice_str_t *field_names; /* names of the schemas of fields so far */
    uint32_t field_name_count, field_name_cap;
    uint32_t unnamed; /* structs without a name so far */
    unsigned depth;
} builder_t;

static avro_node_t *build(builder_t *b, const sluice_schema_t *s, int optional, int bare);

static sluice_value_t text_value(sluice_str_t s) {
    return sluice_text(SLUICE_STRING, s);
}

static void set_text(builder_t *b, avro_props_t *props, const char *key, sluice_str_t text) {
    avro_set(b->doc, props, sluice_str(key), text_value(text));
}

static void set_int(builder_t *b, avro_node_t *node, const char *key, int64_t n) {
    avro_set(b->doc, &node->props, sluice_str(key), sluice_int(SLUICE_INT64, n));
}

/* ---- lists that grow ---- */

/* Nested schemas are interned: equal ones are the same. */
static int same_fields(const sluice_schema_t *a, const sluice_schema_t *b) {
    uint32_t i;

    if (a->field_count != b->field_count || a->param_count != b->param_count)
        return 0;
    for (i = 0; i < a->field_count; i++)
        if (a->fields[i].schema != b->fields[i].schema ||
            !sluice_str_eq(a->fields[i].name, b->fields[i].name))
            return 0;
    for (i = 0; i < a->param_count; i++)
        if (!sluice_str_eq(a->params[i].key, b->params[i].key) ||
            !sluice_str_eq(a->params[i].value, b->params[i].value))
            return 0;
    return 1;
}

/* The same schema, but maybe for being optional. */
static int same_type(const sluice_schema_t *a, const sluice_schema_t *b) {
    if (a == b)
        return 1;
    return a->type == b->type && a->default_value == NULL && b->default_value == NULL &&
           a->has_version == b->has_version && a->version == b->version &&
           sluice_str_eq(a->name, b->name) && sluice_str_eq(a->doc, b->doc) &&
           a->key_schema == b->key_schema && a->value_schema == b->value_schema &&
           same_fields(a, b);
}

static avro_node_t *find_seen(const builder_t *b, const sluice_schema_t *s) {
    uint32_t i;

    for (i = 0; i < b->seen_count; i++)
        if (same_type(b->seen[i].schema, s))
            return b->seen[i].node;
    return NULL;
}

static void *grown(builder_t *b, void *items, uint32_t count, uint32_t *cap, size_t size) {
    uint32_t more = *cap > 0 ? 2 * *cap : 16;
    void *p;

    if (count < *cap)
        return items;
    p = avro_alloc(b->doc, more * size);
    if (p != NULL && count > 0)
        memcpy(p, items, count * size);
    *cap = p != NULL ? more : *cap;
    return p;
}

static void remember(builder_t *b, const sluice_schema_t *s, avro_node_t *node) {
    seen_schema_t *seen = grown(b, b->seen, b->seen_count, &b->seen_cap, sizeof(*seen));

    if (seen == NULL)
        return;
    b->seen = seen;
    b->seen[b->seen_count++] = (seen_schema_t){s, node};
}

/* 1: a field before had a schema of that name. */
static int field_name_again(builder_t *b, sluice_str_t name) {
    sluice_str_t *names;
    uint32_t i;

    if (name.data == NULL)
        return 0;
    for (i = 0; i < b->field_name_count; i++)
        if (sluice_str_eq(b->field_names[i], name))
            return 1;
    names = grown(b, b->field_names, b->field_name_count, &b->field_name_cap, sizeof(*names));
    if (names != NULL) {
        b->field_names = names;
        names[b->field_name_count++] = name;
    }
    return 0;
}

/* ---- names ---- */

static int check_name(builder_t *b, avro_node_t *node) {
    if (!avro_is_name(node->name)) {
        avro_fault(b->doc,
                   "Illegal character in: %.*s (scrub.invalid.names=true replaces such "
                   "characters)",
                   AVRO_STR(node->name));
        return 0;
    }
    return !b->doc->no_memory;
}

static int name_node(builder_t *b, avro_node_t *node, sluice_str_t name) {
    if (name.data == NULL) {
        b->unnamed++;
        name = b->unnamed > 1 ? avro_print(b->doc, AVRO_DEFAULT_NAME "%u", (unsigned)b->unnamed)
                              : sluice_str(AVRO_DEFAULT_NAME);
        avro_set_name(b->doc, node, sluice_str(AVRO_SPACE), name);
    } else {
        avro_set_name(b->doc, node, sluice_str(NULL), avro_scrub_full(b->doc, b->o, name));
    }
    return check_name(b, node);
}

/* ---- fields ---- */

static sluice_value_t params_json(builder_t *b, const sluice_schema_t *s) {
    sluice_value_t map = {.kind = SLUICE_MAP};
    sluice_value_t *items = avro_alloc(b->doc, 2 * s->param_count * sizeof(*items));
    uint32_t i;

    for (i = 0; items != NULL && i < s->param_count; i++) {
        if (!b->o->plain_docs && avro_text_is(s->params[i].key, AVRO_FIELD_FLAG))
            continue;
        items[2 * map.len] = text_value(s->params[i].key);
        items[2 * map.len++ + 1] = text_value(s->params[i].value);
    }
    map.as.items = items;
    return map;
}

/* A record, enum or fixed, or a union with one: where it comes again it is a mere name. */
static int has_named(const avro_node_t *node) {
    uint32_t i;

    for (i = 0; i < node->branch_count; i++)
        if (avro_is_named(node->branches[i]))
            return 1;
    return avro_is_named(node);
}

static int set_fallback(builder_t *b, const sluice_schema_t *s, avro_field_t *f) {
    sluice_value_t *json = avro_alloc(b->doc, sizeof(*json));

    if (json == NULL)
        return 0;
    if (s->default_value != NULL) {
        if (!avro_default_json(b->doc, b->o, s, s->default_value, json))
            return 0;
    } else if (!s->optional) {
        return 1;
    }
    if (avro_default_fits(f->node, json)) /* else there is none, as in the original */
        f->fallback = json;
    return 1;
}

static int build_field(builder_t *b, sluice_str_t name, const sluice_schema_t *s, sluice_str_t doc,
                       avro_field_t *f) {
    int again = field_name_again(b, avro_scrub_full(b->doc, b->o, s->name));
    sluice_value_t params;

    f->name = name;
    f->doc = b->o->plain_docs ? s->doc : doc;
    if (!avro_is_name(name)) {
        avro_fault(b->doc,
                   "Illegal character in: %.*s (scrub.invalid.names=true replaces such "
                   "characters)",
                   AVRO_STR(name));
        return 0;
    }
    f->node = build(b, s, s->optional, 0);
    if (f->node == NULL || !set_fallback(b, s, f))
        return 0;
    if (b->o->meta && again && s->param_count > 0 && has_named(f->node)) {
        params = params_json(b, s);
        if (params.len > 0)
            avro_set(b->doc, &f->props, sluice_str("connect.parameters"), params);
    }
    return 1;
}

/* ---- types ---- */

static avro_node_t *build_enum(builder_t *b, const sluice_schema_t *s) {
    const char *param = b->o->generalized ? AVRO_PLAIN_ENUM : AVRO_ENUM_PARAM;
    avro_node_t *node = avro_node(b->doc, AVRO_ENUM);
    sluice_str_t name = avro_param(s, param);
    sluice_str_t scrubbed = avro_last_part(avro_scrub_full(b->doc, b->o, s->name));
    size_t len = strlen(param);
    uint32_t i;

    if (node == NULL)
        return NULL;
    if (s->name.data == NULL) { /* it counts among the unnamed, though the name is not used */
        b->unnamed++;
        scrubbed = b->unnamed > 1 ? avro_print(b->doc, AVRO_DEFAULT_NAME "%u", (unsigned)b->unnamed)
                                  : sluice_str(AVRO_DEFAULT_NAME);
    }
    if (name.data == NULL)
        return avro_fault(b->doc, "an enum's schema has no parameter %s with its name", param);
    node->symbols = avro_alloc(b->doc, s->param_count * sizeof(*node->symbols));
    if (node->symbols == NULL)
        return NULL;
    for (i = 0; i < s->param_count; i++) {
        sluice_str_t key = s->params[i].key;
        if (avro_begins(key, param) && key.len > len && key.data[len] == '.')
            node->symbols[node->symbol_count++] =
                sluice_str_n(key.data + len + 1, key.len - len - 1);
    }
    if (b->o->plain_docs) {
        node->doc = avro_param(s, "connect.enum.doc");
    } else {
        sluice_str_t key = avro_print(b->doc, AVRO_ENUM_DOC "%.*s", AVRO_STR(scrubbed));
        node->doc = key.data != NULL ? avro_param(s, key.data) : key;
        key = avro_print(b->doc, AVRO_ENUM_DEFAULT "%.*s", AVRO_STR(scrubbed));
        node->symbol_default = key.data != NULL ? avro_param(s, key.data) : key;
    }
    avro_set_name(b->doc, node, sluice_str(NULL), name);
    return check_name(b, node) ? node : NULL;
}

static int is_logical(const sluice_schema_t *s, const char *name) {
    return avro_begins(s->name, "org.apache.kafka.connect.data.") &&
           avro_text_is(avro_last_part(s->name), name);
}

static avro_node_t *build_bytes(builder_t *b, const sluice_schema_t *s) {
    avro_node_t *node = avro_node(b->doc, avro_is_fixed(s) ? AVRO_FIXED : AVRO_BYTES);
    int32_t n = 0;

    if (node == NULL)
        return NULL;
    if (node->type == AVRO_FIXED) {
        if (!avro_parse_int(avro_param(s, AVRO_FIXED_SIZE), &n) || n < 0)
            return avro_fault(b->doc, "Malformed fixed size: %.*s",
                              AVRO_STR(avro_param(s, AVRO_FIXED_SIZE)));
        node->size = (uint32_t)n;
        if (!name_node(b, node, s->name))
            return NULL;
    }
    if (!is_logical(s, "Decimal"))
        return node;
    if (!avro_parse_int(avro_param(s, "scale"), &n))
        return avro_fault(b->doc, "Invalid Decimal schema: scale parameter not found.");
    set_int(b, node, "scale", n);
    if (!avro_parse_int(avro_param(s, AVRO_PRECISION), &n))
        n = AVRO_PRECISION_DEFAULT;
    set_int(b, node, "precision", n);
    return node;
}

static avro_node_t *build_entries(builder_t *b, const sluice_schema_t *s) {
    avro_node_t *record = avro_node(b->doc, AVRO_RECORD);
    avro_node_t *node = avro_node(b->doc, AVRO_ARRAY);
    sluice_str_t none = {NULL, 0};

    if (record == NULL || node == NULL)
        return NULL;
    node->items = record;
    if (s->name.data == NULL) {
        avro_set_name(b->doc, record, sluice_str(AVRO_SPACE), sluice_str(AVRO_MAP_ENTRY));
    } else {
        if (!name_node(b, record, s->name))
            return NULL;
        set_text(b, &record->props, "connect.internal.type", sluice_str(AVRO_MAP_ENTRY));
    }
    record->fields = avro_alloc(b->doc, 2 * sizeof(*record->fields));
    if (record->fields == NULL ||
        !build_field(b, sluice_str("key"), s->key_schema, none, &record->fields[0]))
        return NULL;
    record->field_count = 1;
    if (!build_field(b, sluice_str("value"), s->value_schema, none, &record->fields[1]))
        return NULL;
    record->field_count = 2;
    return node;
}

static avro_node_t *build_container(builder_t *b, const sluice_schema_t *s) {
    avro_node_t *node;

    if (s->type == SLUICE_MAP && !avro_is_plain_map(s, b->o))
        return build_entries(b, s);
    node = avro_node(b->doc, s->type == SLUICE_MAP ? AVRO_MAP : AVRO_ARRAY);
    if (node == NULL)
        return NULL;
    node->items = build(b, s->value_schema, s->value_schema->optional, 0);
    return node->items != NULL ? node : NULL;
}

static avro_node_t *build_record(builder_t *b, const sluice_schema_t *s) {
    avro_node_t *node = avro_node(b->doc, AVRO_RECORD);
    uint32_t i;

    if (node == NULL || !name_node(b, node, s->name))
        return NULL;
    node->doc = avro_param(s, b->o->plain_docs ? "connect.record.doc" : AVRO_RECORD_DOC);
    node->fields = avro_alloc(b->doc, s->field_count * sizeof(*node->fields));
    if (node->fields == NULL)
        return NULL;
    for (i = 0; i < s->field_count; i++) {
        sluice_str_t key = avro_print(b->doc, AVRO_FIELD_DOC "%.*s", AVRO_STR(s->fields[i].name));
        sluice_str_t doc =
            b->o->plain_docs || key.data == NULL ? sluice_str(NULL) : avro_param(s, key.data);
        sluice_str_t name = avro_scrub(b->doc, b->o, s->fields[i].name);
        if (!build_field(b, name, s->fields[i].schema, doc, &node->fields[i]))
            return NULL;
        if (avro_find_field(node, name) != NULL)
            return avro_fault(b->doc, "Duplicate field %.*s in record %.*s", AVRO_STR(name),
                              AVRO_STR(node->full));
        node->field_count++;
    }
    return node;
}

static avro_node_t *add_branch(builder_t *b, avro_node_t *node, avro_node_t *branch) {
    uint32_t i;

    if (branch == NULL)
        return NULL;
    if (branch->type == AVRO_UNION)
        return avro_fault(b->doc, "Nested union");
    for (i = 0; i < node->branch_count; i++)
        if (node->branches[i]->type == branch->type &&
            (!avro_is_named(branch) || sluice_str_eq(node->branches[i]->full, branch->full)))
            return avro_fault(b->doc, "Duplicate in union: %.*s",
                              AVRO_STR(avro_is_named(branch)
                                           ? branch->full
                                           : sluice_str(avro_type_name(branch->type))));
    node->branches[node->branch_count++] = branch;
    return node;
}

static avro_node_t *new_union(builder_t *b, uint32_t branches) {
    avro_node_t *node = avro_node(b->doc, AVRO_UNION);

    if (node != NULL)
        node->branches = avro_alloc(b->doc, branches * sizeof(*node->branches));
    return node != NULL && node->branches != NULL ? node : NULL;
}

static avro_node_t *build_union(builder_t *b, const sluice_schema_t *s, int optional) {
    avro_node_t *node = new_union(b, s->field_count + 1);
    uint32_t i;

    if (node == NULL || (optional && add_branch(b, node, avro_node(b->doc, AVRO_NULL)) == NULL))
        return NULL;
    for (i = 0; i < s->field_count; i++)
        if (add_branch(b, node, build(b, s->fields[i].schema, 0, 1)) == NULL)
            return NULL;
    return node;
}

/* With null, which comes first unless there is a default, which has to be of the first type. */
static avro_node_t *with_null(builder_t *b, avro_node_t *base, int null_last) {
    avro_node_t *node = new_union(b, 2);
    avro_node_t *null = avro_node(b->doc, AVRO_NULL);

    if (node == NULL || null == NULL)
        return NULL;
    if (add_branch(b, node, null_last ? base : null) == NULL)
        return NULL;
    return add_branch(b, node, null_last ? null : base);
}

static avro_node_t *build_base(builder_t *b, const sluice_schema_t *s) {
    switch ((sluice_kind_t)s->type) {
    case SLUICE_BOOLEAN: return avro_node(b->doc, AVRO_BOOLEAN);
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32: return avro_node(b->doc, AVRO_INT);
    case SLUICE_INT64: return avro_node(b->doc, AVRO_LONG);
    case SLUICE_FLOAT32: return avro_node(b->doc, AVRO_FLOAT);
    case SLUICE_FLOAT64: return avro_node(b->doc, AVRO_DOUBLE);
    case SLUICE_STRING:
        return avro_is_enum(s, b->o) ? build_enum(b, s) : avro_node(b->doc, AVRO_STRING);
    case SLUICE_BYTES: return build_bytes(b, s);
    case SLUICE_ARRAY:
    case SLUICE_MAP: return build_container(b, s);
    default: return build_record(b, s);
    }
}

/* ---- properties ---- */

static int add_meta(builder_t *b, const sluice_schema_t *s, avro_node_t *node) {
    sluice_value_t json;

    if (s->doc.data != NULL)
        set_text(b, &node->props, "connect.doc", s->doc);
    if (s->has_version)
        set_int(b, node, "connect.version", s->version);
    if (s->param_count > 0) {
        json = params_json(b, s);
        if (json.len > 0)
            avro_set(b->doc, &node->props, sluice_str("connect.parameters"), json);
    }
    if (s->default_value != NULL &&
        (b->o->plain_docs || avro_param(s, AVRO_FIELD_FLAG).data == NULL)) {
        if (!avro_default_json(b->doc, b->o, s, s->default_value, &json))
            return 0;
        avro_set(b->doc, &node->props, sluice_str("connect.default"), json);
    }
    if (s->name.data != NULL)
        set_text(b, &node->props, "connect.name", s->name);
    if (s->type == SLUICE_INT8 || s->type == SLUICE_INT16)
        set_text(b, &node->props, "connect.type",
                 sluice_str(s->type == SLUICE_INT8 ? "int8" : "int16"));
    return 1;
}

/* Digits that always fit so many bytes: floor(log10(2^(8n-1) - 1)). */
static int64_t digits_of(uint32_t size) {
    return size == 0 ? 0 : (int64_t)((8.0 * size - 1) * 0.30102999566398119521);
}

static int add_logical(builder_t *b, const sluice_schema_t *s, avro_node_t *node) {
    int32_t scale = 0, precision = AVRO_PRECISION_DEFAULT;

    if (is_logical(s, "Decimal")) {
        avro_parse_int(avro_param(s, "scale"), &scale);
        avro_parse_int(avro_param(s, AVRO_PRECISION), &precision);
        if (node->type == AVRO_FIXED && scale >= 0 && scale <= precision &&
            precision > digits_of(node->size)) {
            avro_fault(b->doc, "fixed(%u) cannot store %d digits (max %d)", (unsigned)node->size,
                       (int)precision, (int)digits_of(node->size));
            return 0;
        }
        /* A scale that Avro does not allow is written nevertheless: properties say it. */
        set_text(b, &node->props, "logicalType", sluice_str("decimal"));
    } else if (is_logical(s, "Time")) {
        set_text(b, &node->props, "logicalType", sluice_str("time-millis"));
    } else if (is_logical(s, "Timestamp")) {
        set_text(b, &node->props, "logicalType", sluice_str("timestamp-millis"));
    } else if (is_logical(s, "Date")) {
        set_text(b, &node->props, "logicalType", sluice_str("date"));
    }
    return 1;
}

static int add_props(builder_t *b, const sluice_schema_t *s, avro_node_t *node) {
    uint32_t i;

    if (b->o->meta && !add_meta(b, s, node))
        return 0;
    if (!add_logical(b, s, node))
        return 0;
    for (i = 0; i < s->param_count; i++)
        if (avro_begins(s->params[i].key, "avro"))
            avro_set(b->doc, &node->props, s->params[i].key, text_value(s->params[i].value));
    return !b->doc->no_memory;
}

/* Of a schema as if its optional were `optional`; bare: not as a union with null in any case. */
static avro_node_t *build(builder_t *b, const sluice_schema_t *s, int optional, int bare) {
    avro_node_t *base = avro_is_union(s) || optional ? NULL : find_seen(b, s);

    if (base != NULL)
        return base;
    if (b->depth++ > AVRO_DEPTH_MAX)
        return avro_fault(b->doc, "the schema is nested deeper than %d", AVRO_DEPTH_MAX);
    if (s->type == SLUICE_STRUCT && avro_is_union(s)) {
        base = build_union(b, s, optional);
    } else if (s->type == SLUICE_STRUCT && optional) {
        base = build(b, s, 0, 0);
        base = base != NULL ? with_null(b, base, 0) : NULL;
    } else {
        base = build_base(b, s);
        if (base != NULL && !add_props(b, s, base))
            return NULL;
        if (base != NULL && optional && !bare)
            base = with_null(b, base, s->default_value != NULL);
    }
    b->depth--;
    if (base != NULL && !optional)
        remember(b, s, base);
    return b->doc->no_memory ? NULL : base;
}

avro_node_t *avro_build(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *schema) {
    builder_t b = {.doc = doc, .o = o};

    return schema != NULL ? build(&b, schema, schema->optional, 0) : avro_build_anything(doc);
}

avro_node_t *avro_build_anything(avro_doc_t *doc) {
    static const char text[] =
        "{\"type\":\"record\",\"name\":\"Anything\",\"namespace\":\"" AVRO_SPACE "\",\"fields\":["
        "{\"name\":\"boolean\",\"type\":[\"null\",\"boolean\"],\"default\":null},"
        "{\"name\":\"bytes\",\"type\":[\"null\",\"bytes\"],\"default\":null},"
        "{\"name\":\"double\",\"type\":[\"null\",\"double\"],\"default\":null},"
        "{\"name\":\"float\",\"type\":[\"null\",\"float\"],\"default\":null},"
        "{\"name\":\"int\",\"type\":[\"null\",\"int\"],\"default\":null},"
        "{\"name\":\"long\",\"type\":[\"null\",\"long\"],\"default\":null},"
        "{\"name\":\"string\",\"type\":[\"null\",\"string\"],\"default\":null},"
        "{\"name\":\"array\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"Anything\"}],"
        "\"default\":null},"
        "{\"name\":\"map\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\","
        "\"name\":\"MapEntry\",\"fields\":[{\"name\":\"key\",\"type\":\"Anything\"},"
        "{\"name\":\"value\",\"type\":\"Anything\"}]}}],\"default\":null}]}";

    return avro_parse(doc, sluice_str(text));
}
