/* How values of a Connect schema are written as an Avro type: compiled once for the pair. */
#include "map.h"

#include "support/java.h"

typedef struct compiler {
    avro_doc_t *doc;
    const avro_options_t *o;
    unsigned depth;
} compiler_t;

static avro_enc_t *compile(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node);

static avro_enc_t *misfit(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node) {
    avro_fault(c->doc, "a value of Connect's type %s%s%.*s cannot be written as Avro's %s%s%.*s",
               java_type_name(s->type), s->name.data != NULL ? " " : "", AVRO_STR(s->name),
               avro_type_name(node->type), avro_is_named(node) ? " " : "", AVRO_STR(node->full));
    return NULL;
}

/* ---- which branch ---- */

/* The Avro type that the converter itself would make. */
static uint8_t own_type(const compiler_t *c, const sluice_schema_t *s) {
    switch ((sluice_kind_t)s->type) {
    case SLUICE_BOOLEAN: return AVRO_BOOLEAN;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32: return AVRO_INT;
    case SLUICE_INT64: return AVRO_LONG;
    case SLUICE_FLOAT32: return AVRO_FLOAT;
    case SLUICE_FLOAT64: return AVRO_DOUBLE;
    case SLUICE_STRING: return avro_is_enum(s, c->o) ? AVRO_ENUM : AVRO_STRING;
    case SLUICE_BYTES: return avro_is_fixed(s) ? AVRO_FIXED : AVRO_BYTES;
    case SLUICE_ARRAY: return AVRO_ARRAY;
    case SLUICE_MAP: return avro_is_plain_map(s, c->o) ? AVRO_MAP : AVRO_ARRAY;
    default: return AVRO_RECORD;
    }
}

static sluice_str_t own_name(const compiler_t *c, const sluice_schema_t *s) {
    if (avro_is_enum(s, c->o))
        return avro_param(s, c->o->generalized ? AVRO_PLAIN_ENUM : AVRO_ENUM_PARAM);
    return avro_scrub_full(c->doc, c->o, s->name);
}

/* How well a branch suits: 3 by name, 2 by type, 1 by widening a number; 0: not. */
static int suits(const compiler_t *c, const sluice_schema_t *s, const avro_node_t *branch) {
    uint8_t own = own_type(c, s);
    sluice_str_t name;

    if (branch->type != own)
        return own >= AVRO_INT && own < AVRO_DOUBLE && branch->type > own &&
               branch->type <= AVRO_DOUBLE;
    if (!avro_is_named(branch))
        return 3;
    name = own_name(c, s);
    if (name.data == NULL)
        return avro_begins(branch->full, AVRO_SPACE "." AVRO_DEFAULT_NAME) ? 3 : 2;
    return sluice_str_eq(name, branch->full) ? 3 : 1;
}

static int32_t find_branch(const compiler_t *c, const sluice_schema_t *s, const avro_node_t *node) {
    int32_t best = -1;
    int most = 0;
    uint32_t i;

    for (i = 0; i < node->branch_count; i++) {
        int n = suits(c, s, node->branches[i]);
        if (n > most) {
            most = n;
            best = (int32_t)i;
        }
    }
    return best;
}

static int32_t null_branch(const avro_node_t *node) {
    uint32_t i;

    for (i = 0; i < node->branch_count; i++)
        if (node->branches[i]->type == AVRO_NULL)
            return (int32_t)i;
    return -1;
}

/* ---- types ---- */

/* What the struct has not is written as the record's default. */
static int constant(compiler_t *c, const avro_field_t *f, avro_enc_field_t *out) {
    sluice_buf_t buf;

    out->source = -1;
    if (f->fallback != NULL && (f->node->type == AVRO_NULL ||
                                (f->node->type == AVRO_UNION && f->fallback->kind == SLUICE_NULL &&
                                 null_branch(f->node) >= 0))) {
        c->doc->api->buf_init(&buf, c->doc->memory, 16);
        if (f->node->type == AVRO_UNION)
            avro_put_long(&buf, null_branch(f->node));
        out->bytes = c->doc->api->buf_finish(&buf);
        return 1;
    }
    avro_fault(c->doc,
               "the record of the registered schema has a field %.*s, which the record's "
               "schema has not%s",
               AVRO_STR(f->name), f->fallback != NULL ? "" : ", and no default");
    return 0;
}

static int32_t find_source(compiler_t *c, const sluice_schema_t *s, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < s->field_count; i++)
        if (sluice_str_eq(avro_scrub(c->doc, c->o, s->fields[i].name), name))
            return (int32_t)i;
    return -1;
}

static avro_enc_t *compile_record(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node,
                                  avro_enc_t *enc) {
    uint32_t i;

    enc->op = ENC_STRUCT;
    enc->field_count = node->field_count;
    enc->fields = avro_alloc(c->doc, node->field_count * sizeof(*enc->fields));
    for (i = 0; enc->fields != NULL && i < node->field_count; i++) {
        avro_enc_field_t *f = &enc->fields[i];
        f->source = find_source(c, s, node->fields[i].name);
        if (f->source < 0) {
            if (!constant(c, &node->fields[i], f))
                return NULL;
            continue;
        }
        f->enc = compile(c, s->fields[f->source].schema, node->fields[i].node);
        if (f->enc == NULL)
            return NULL;
        f->enc->use_default =
            !c->o->bare_nulls && s->fields[f->source].schema->default_value != NULL;
    }
    return enc->fields != NULL ? enc : NULL;
}

/* Each field of the struct is a branch: the one that is set is written. */
static avro_enc_t *compile_union(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node,
                                 avro_enc_t *enc) {
    uint32_t i;

    enc->op = ENC_UNION;
    enc->branch = -1;
    enc->field_count = s->field_count;
    enc->fields = avro_alloc(c->doc, s->field_count * sizeof(*enc->fields));
    for (i = 0; enc->fields != NULL && i < s->field_count; i++) {
        enc->fields[i].source = (int32_t)i;
        enc->fields[i].enc = compile(c, s->fields[i].schema, node);
        if (enc->fields[i].enc == NULL)
            return NULL;
        enc->fields[i].enc->use_default =
            !c->o->bare_nulls && s->fields[i].schema->default_value != NULL;
    }
    return enc->fields != NULL ? enc : NULL;
}

static int is_record_of_entries(const avro_node_t *node) {
    return node->type == AVRO_RECORD && avro_find_field(node, sluice_str("key")) != NULL &&
           avro_find_field(node, sluice_str("value")) != NULL && node->field_count == 2;
}

static avro_enc_t *compile_container(compiler_t *c, const sluice_schema_t *s,
                                     const avro_node_t *node, avro_enc_t *enc) {
    const avro_node_t *items = node->items;

    if (s->type == SLUICE_ARRAY || node->type == AVRO_MAP) {
        enc->op = s->type == SLUICE_ARRAY ? ENC_ARRAY : ENC_MAP;
        enc->value = compile(c, s->value_schema, items);
        return enc->value != NULL ? enc : NULL;
    }
    if (!is_record_of_entries(items))
        return misfit(c, s, node);
    enc->op = ENC_ENTRIES;
    enc->key = compile(c, s->key_schema, avro_find_field(items, sluice_str("key"))->node);
    if (enc->key == NULL)
        return NULL;
    enc->value = compile(c, s->value_schema, avro_find_field(items, sluice_str("value"))->node);
    return enc->value != NULL ? enc : NULL;
}

static avro_enc_t *compile_bytes(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node,
                                 avro_enc_t *enc) {
    enc->op = node->type == AVRO_FIXED ? ENC_FIXED : ENC_BYTES;
    enc->size = node->type == AVRO_FIXED ? node->size : 0;
    if (s->logical != SLUICE_LOGICAL_DECIMAL)
        return enc;
    enc->op = ENC_DECIMAL;
    if (avro_parse_int(avro_param(s, "scale"), &enc->scale))
        return enc;
    avro_fault(c->doc, "Invalid Decimal schema: scale parameter not found.");
    return NULL;
}

static uint8_t integer_op(const sluice_schema_t *s) {
    switch ((sluice_logical_t)s->logical) {
    case SLUICE_LOGICAL_DATE: return ENC_DATE;
    case SLUICE_LOGICAL_TIME: return ENC_TIME;
    case SLUICE_LOGICAL_TIMESTAMP: return ENC_TIMESTAMP;
    default: return ENC_INT;
    }
}

static int is_integer(const sluice_schema_t *s) {
    return s->type >= SLUICE_INT8 && s->type <= SLUICE_INT64;
}

/* Avro types that take each Connect type; a number may be widened. */
static avro_enc_t *compile_plain(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node,
                                 avro_enc_t *enc) {
    int number = is_integer(s) || s->type == SLUICE_FLOAT32 || s->type == SLUICE_FLOAT64;

    switch (node->type) {
    case AVRO_BOOLEAN: enc->op = ENC_BOOLEAN; return s->type == SLUICE_BOOLEAN ? enc : NULL;
    case AVRO_INT:
        enc->op = integer_op(s);
        return is_integer(s) && s->type != SLUICE_INT64 ? enc : NULL;
    case AVRO_LONG: enc->op = integer_op(s); return is_integer(s) ? enc : NULL;
    case AVRO_FLOAT:
        enc->op = ENC_FLOAT;
        return number && s->type != SLUICE_FLOAT64 && !s->logical ? enc : NULL;
    case AVRO_DOUBLE: enc->op = ENC_DOUBLE; return number && !s->logical ? enc : NULL;
    case AVRO_STRING: enc->op = ENC_STRING; return s->type == SLUICE_STRING ? enc : NULL;
    case AVRO_ENUM: enc->op = ENC_ENUM; return s->type == SLUICE_STRING ? enc : NULL;
    case AVRO_BYTES:
    case AVRO_FIXED: return s->type == SLUICE_BYTES ? compile_bytes(c, s, node, enc) : NULL;
    case AVRO_ARRAY:
        return s->type == SLUICE_ARRAY || s->type == SLUICE_MAP ? compile_container(c, s, node, enc)
                                                                : NULL;
    case AVRO_MAP: return s->type == SLUICE_MAP ? compile_container(c, s, node, enc) : NULL;
    case AVRO_RECORD: return s->type == SLUICE_STRUCT ? compile_record(c, s, node, enc) : NULL;
    default: return NULL;
    }
}

static avro_enc_t *compile(compiler_t *c, const sluice_schema_t *s, const avro_node_t *node) {
    avro_enc_t *enc = avro_alloc(c->doc, sizeof(*enc));
    avro_enc_t *made;

    if (enc == NULL)
        return NULL;
    if (c->depth++ > AVRO_DEPTH_MAX) {
        avro_fault(c->doc, "the schema is nested deeper than %d", AVRO_DEPTH_MAX);
        return NULL;
    }
    enc->schema = s;
    enc->null_branch = enc->branch = -1;
    if (node->type == AVRO_UNION) {
        enc->null_branch = null_branch(node);
        if (s->type == SLUICE_STRUCT && avro_is_union(s)) {
            made = compile_union(c, s, node, enc);
            c->depth--;
            return made;
        }
        enc->branch = find_branch(c, s, node);
        if (enc->branch < 0)
            return misfit(c, s, node);
        node = node->branches[enc->branch];
    }
    enc->node = node;
    made = compile_plain(c, s, node, enc);
    c->depth--;
    return made != NULL ? made : misfit(c, s, node);
}

avro_enc_t *avro_enc_compile(avro_doc_t *doc, const avro_options_t *o,
                             const sluice_schema_t *schema, const avro_node_t *node) {
    compiler_t c = {doc, o, 0};
    avro_enc_t *enc;

    if (schema != NULL)
        return compile(&c, schema, node);
    enc = avro_alloc(doc, sizeof(*enc));
    if (enc == NULL)
        return NULL;
    enc->op = ENC_ANYTHING;
    enc->null_branch = enc->branch = -1;
    if (avro_text_is(node->full, AVRO_ANYTHING))
        return enc;
    avro_fault(doc, "a value without a schema can only be written as " AVRO_ANYTHING);
    return NULL;
}
