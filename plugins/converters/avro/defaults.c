/* Defaults: Connect's as Avro's JSON, and back. */
#include "map.h"

#include "support/java.h"

#define DAY_MS 86400000

static int to_json(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                   const sluice_value_t *value, sluice_value_t *out);

/* ---- Connect to JSON ---- */

/* Avro writes bytes as text with a character each. */
static sluice_value_t bytes_text(avro_doc_t *doc, sluice_str_t bytes) {
    char *out = avro_alloc(doc, 2 * bytes.len + 1);
    size_t i, n = 0;

    for (i = 0; out != NULL && i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            out[n++] = (char)(0xC0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3F));
        }
    }
    return sluice_text(SLUICE_STRING, sluice_str_n(out, n));
}

static int json_logical(avro_doc_t *doc, const sluice_schema_t *s, const sluice_value_t *value,
                        sluice_value_t *out) {
    sluice_str_t bytes;
    int32_t scale;
    int64_t ms;

    if (value->kind == SLUICE_DECIMAL) {
        if (doc->api->decimal_to_bytes(doc->memory, sluice_value_str(value), &bytes, &scale) !=
            SLUICE_OK)
            return 0;
        *out = bytes_text(doc, bytes);
        return 1;
    }
    ms = sluice_value_int(value);
    *out = sluice_int(SLUICE_INT64, s->logical == SLUICE_LOGICAL_DATE ? ms / DAY_MS : ms);
    return 1;
}

static int json_list(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                     const sluice_value_t *value, sluice_value_t *out) {
    sluice_value_t *items = avro_alloc(doc, value->len * sizeof(*items));
    uint32_t i;

    for (i = 0; items != NULL && i < value->len; i++)
        if (!to_json(doc, o, s->value_schema, &value->as.items[i], &items[i]))
            return 0;
    out->kind = SLUICE_ARRAY;
    out->len = value->len;
    out->as.items = items;
    return items != NULL;
}

/* An object; with keys of another type an array of pairs. */
static int json_map(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                    const sluice_value_t *value, sluice_value_t *out) {
    int plain = avro_is_plain_map(s, o);
    sluice_value_t *all = avro_alloc(doc, 2 * value->len * sizeof(*all));
    sluice_value_t *pairs = avro_alloc(doc, value->len * sizeof(*pairs));
    uint32_t i;

    if (all == NULL || pairs == NULL)
        return 0;
    for (i = 0; i < value->len; i++) {
        if (!to_json(doc, o, s->key_schema, &value->as.items[2 * i], &all[2 * i]) ||
            !to_json(doc, o, s->value_schema, &value->as.items[2 * i + 1], &all[2 * i + 1]))
            return 0;
        pairs[i].kind = SLUICE_ARRAY;
        pairs[i].len = 2;
        pairs[i].as.items = &all[2 * i];
    }
    out->kind = plain ? SLUICE_MAP : SLUICE_ARRAY;
    out->len = value->len;
    out->as.items = plain ? all : pairs;
    return 1;
}

static int json_struct(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                       const sluice_value_t *value, sluice_value_t *out) {
    sluice_value_t *items = avro_alloc(doc, 2 * s->field_count * sizeof(*items));
    uint32_t i;

    if (items == NULL)
        return 0;
    for (i = 0; i < s->field_count; i++) {
        const sluice_schema_t *fs = s->fields[i].schema;
        const sluice_value_t *v = &value->as.st->fields[i];
        if (sluice_is_null(v) && fs->default_value != NULL)
            v = fs->default_value;
        items[2 * i] = sluice_text(SLUICE_STRING, avro_scrub(doc, o, s->fields[i].name));
        if (!to_json(doc, o, fs, v, &items[2 * i + 1]))
            return 0;
        if (avro_is_union(s)) { /* only the first branch can have a default */
            *out = items[1];
            return 1;
        }
    }
    out->kind = SLUICE_MAP;
    out->len = s->field_count;
    out->as.items = items;
    return 1;
}

static int to_json(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                   const sluice_value_t *value, sluice_value_t *out) {
    *out = sluice_null();
    switch ((sluice_kind_t)value->kind) {
    case SLUICE_NULL: return 1;
    case SLUICE_DECIMAL:
    case SLUICE_DATE: return json_logical(doc, s, value, out);
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64:
    case SLUICE_BOOLEAN:
        *out = sluice_int(value->kind == SLUICE_BOOLEAN ? SLUICE_BOOLEAN : SLUICE_INT64,
                          sluice_value_int(value));
        return 1;
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64:
        *out = sluice_float((sluice_kind_t)value->kind, sluice_value_double(value));
        return 1;
    case SLUICE_STRING:
        *out = sluice_text(SLUICE_STRING, avro_copy(doc, sluice_value_str(value)));
        return 1;
    case SLUICE_BYTES: *out = bytes_text(doc, sluice_value_str(value)); return 1;
    case SLUICE_ARRAY: return json_list(doc, o, s, value, out);
    case SLUICE_MAP: return json_map(doc, o, s, value, out);
    default: return json_struct(doc, o, s, value, out);
    }
}

int avro_default_json(avro_doc_t *doc, const avro_options_t *o, const sluice_schema_t *s,
                      const sluice_value_t *value, sluice_value_t *out) {
    if (to_json(doc, o, s, value, out) && !doc->no_memory)
        return 1;
    avro_fault(doc, "Invalid type used for default value of %s field: class %s",
               java_type_name(s->type), java_class_name(value));
    return 0;
}

/* ---- what Avro accepts as a default ---- */

static int all_fit(const avro_node_t *node, const sluice_value_t *json) {
    uint32_t i, step = json->kind == SLUICE_MAP ? 2 : 1;

    for (i = 0; i < json->len; i++)
        if (!avro_default_fits(node->items, &json->as.items[step * i + step - 1]))
            return 0;
    return 1;
}

static int record_fits(const avro_node_t *node, const sluice_value_t *json) {
    uint32_t i;

    if (json->kind != SLUICE_MAP)
        return 0;
    for (i = 0; i < node->field_count; i++) {
        const avro_field_t *f = &node->fields[i];
        const sluice_value_t *v = NULL;
        uint32_t k;
        for (k = 0; k < json->len && v == NULL; k++)
            if (sluice_str_eq(sluice_value_str(&json->as.items[2 * k]), f->name))
                v = &json->as.items[2 * k + 1];
        if (v == NULL)
            v = f->fallback;
        if (v == NULL || !avro_default_fits(f->node, v))
            return 0;
    }
    return 1;
}

static int union_fits(const avro_node_t *node, const sluice_value_t *json) {
    uint32_t i;

    for (i = 0; i < node->branch_count; i++)
        if (avro_default_fits(node->branches[i], json))
            return 1;
    return 0;
}

int avro_default_fits(const avro_node_t *node, const sluice_value_t *json) {
    switch (node->type) {
    case AVRO_NULL: return json->kind == SLUICE_NULL;
    case AVRO_BOOLEAN: return json->kind == SLUICE_BOOLEAN;
    case AVRO_INT:
        return json->kind == SLUICE_INT64 && sluice_value_int(json) >= INT32_MIN &&
               sluice_value_int(json) <= INT32_MAX;
    case AVRO_LONG: return json->kind == SLUICE_INT64;
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return json->kind == SLUICE_INT64 || json->kind == SLUICE_FLOAT64 ||
               json->kind == SLUICE_FLOAT32 || json->kind == SLUICE_DECIMAL;
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_ENUM:
    case AVRO_FIXED: return json->kind == SLUICE_STRING;
    case AVRO_ARRAY: return json->kind == SLUICE_ARRAY && all_fit(node, json);
    case AVRO_MAP: return json->kind == SLUICE_MAP && all_fit(node, json);
    case AVRO_UNION: return union_fits(node, json);
    default: return record_fits(node, json);
    }
}
