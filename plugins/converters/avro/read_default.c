/* The values that Avro's defaults (JSON) mean in Connect. */
#include "map.h"

#define DAY_MS 86400000

static int to_value(avro_reading_t *r, const avro_dec_t *dec, const sluice_value_t *json,
                    sluice_value_t *out);

static int integer(const avro_dec_t *dec, const sluice_value_t *json, sluice_value_t *out) {
    int64_t n;

    if (json->kind != SLUICE_INT64)
        return 0;
    n = sluice_value_int(json);
    switch (dec->op) {
    case DEC_DATE: *out = sluice_int(SLUICE_DATE, n * DAY_MS); return n == (int32_t)n;
    case DEC_TIME: *out = sluice_int(SLUICE_DATE, n); return n >= 0 && n <= DAY_MS;
    case DEC_TIMESTAMP: *out = sluice_int(SLUICE_DATE, n); return 1;
    default: break;
    }
    if (dec->node->type == AVRO_INT && n != (int32_t)n)
        return 0;
    if (dec->kind == SLUICE_INT8)
        n = (int8_t)n;
    else if (dec->kind == SLUICE_INT16)
        n = (int16_t)n;
    *out = sluice_int((sluice_kind_t)dec->kind, n);
    return 1;
}

static int real(const avro_dec_t *dec, const sluice_value_t *json, sluice_value_t *out) {
    double d;

    if (json->kind == SLUICE_INT64)
        d = (double)sluice_value_int(json);
    else if (json->kind == SLUICE_FLOAT64)
        d = sluice_value_double(json);
    else
        return 0;
    *out = dec->op == DEC_FLOAT ? sluice_float(SLUICE_FLOAT32, (double)(float)d)
                                : sluice_float(SLUICE_FLOAT64, d);
    return 1;
}

/* A character for each byte. */
static int bytes_of(avro_reading_t *r, const sluice_value_t *json, sluice_str_t *out) {
    sluice_str_t s = sluice_value_str(json);
    char *p;
    size_t i, n = 0;

    if (json->kind != SLUICE_STRING || (p = avro_alloc(r->doc, s.len + 1)) == NULL)
        return 0;
    for (i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x80) {
            p[n++] = (char)c;
        } else if ((c & 0xFC) == 0xC0 && i + 1 < s.len) { /* up to U+00FF */
            p[n++] = (char)((c & 3) << 6 | ((unsigned char)s.data[++i] & 0x3F));
        } else {
            p[n++] = '?';
            while (i + 1 < s.len && ((unsigned char)s.data[i + 1] & 0xC0) == 0x80)
                i++;
        }
    }
    *out = sluice_str_n(p, n);
    return 1;
}

static int binary(avro_reading_t *r, const avro_dec_t *dec, const sluice_value_t *json,
                  sluice_value_t *out) {
    sluice_str_t bytes, text;

    if (!bytes_of(r, json, &bytes))
        return 0;
    if (dec->op != DEC_DECIMAL) {
        *out = sluice_text(SLUICE_BYTES, bytes);
        return 1;
    }
    if (bytes.len == 0 ||
        r->doc->api->decimal_from_bytes(r->doc->memory, bytes, dec->scale, &text) != SLUICE_OK)
        return 0;
    *out = sluice_text(SLUICE_DECIMAL, text);
    return 1;
}

static int items(avro_reading_t *r, const avro_dec_t *dec, const sluice_value_t *json,
                 sluice_value_t *out) {
    uint32_t step = dec->op == DEC_MAP ? 2 : 1, i;
    sluice_value_t *values;

    if (json->kind != (dec->op == DEC_MAP ? SLUICE_MAP : SLUICE_ARRAY))
        return 0;
    values = avro_alloc(r->doc, step * json->len * sizeof(*values));
    if (values == NULL)
        return 0;
    for (i = 0; i < json->len; i++) {
        values[step * i] = json->as.items[step * i];
        if (!to_value(r, dec->value, &json->as.items[step * i + step - 1],
                      &values[step * i + step - 1]))
            return 0;
    }
    out->kind = json->kind;
    out->len = json->len;
    out->as.items = values;
    return 1;
}

static sluice_struct_t *new_struct(avro_reading_t *r, const sluice_schema_t *schema) {
    sluice_struct_t *st =
        schema == NULL
            ? NULL
            : avro_alloc(r->doc, sizeof(*st) + schema->field_count * sizeof(sluice_value_t));

    if (st != NULL)
        st->schema = schema;
    return st;
}

static int record(avro_reading_t *r, const avro_dec_t *dec, const sluice_value_t *json,
                  sluice_value_t *out) {
    sluice_struct_t *st = new_struct(r, dec->schema);
    uint32_t i, k;

    if (st == NULL || json->kind != SLUICE_MAP)
        return 0;
    for (i = 0; i < dec->part_count; i++) {
        const sluice_field_t *f = &dec->schema->fields[i];
        const sluice_value_t *v = NULL;
        for (k = 0; k < json->len && v == NULL; k++)
            if (sluice_str_eq(sluice_value_str(&json->as.items[2 * k]), f->name))
                v = &json->as.items[2 * k + 1];
        if (v == NULL && f->schema->default_value != NULL)
            st->fields[i] = *f->schema->default_value;
        else if (v != NULL && !to_value(r, dec->parts[i], v, &st->fields[i]))
            return 0;
        if (sluice_is_null(&st->fields[i]) && !f->schema->optional)
            return 0;
    }
    out->kind = SLUICE_STRUCT;
    out->len = dec->part_count;
    out->as.st = st;
    return 1;
}

/* A union's default is of its first type. */
static int first_branch(avro_reading_t *r, const avro_dec_t *dec, const sluice_value_t *json,
                        sluice_value_t *out) {
    sluice_struct_t *st;

    if (dec->part_count == 0 || dec->parts[0] == NULL || json->kind == SLUICE_NULL)
        return json->kind == SLUICE_NULL;
    st = new_struct(r, dec->schema);
    if (st == NULL || !to_value(r, dec->parts[0], json, &st->fields[dec->slots[0]]))
        return 0;
    out->kind = SLUICE_STRUCT;
    out->len = dec->schema->field_count;
    out->as.st = st;
    return 1;
}

static int to_value(avro_reading_t *r, const avro_dec_t *dec, const sluice_value_t *json,
                    sluice_value_t *out) {
    *out = sluice_null();
    switch (dec->op) {
    case DEC_BOOLEAN: *out = *json; return json->kind == SLUICE_BOOLEAN;
    case DEC_FLOAT:
    case DEC_DOUBLE: return real(dec, json, out);
    case DEC_BYTES:
    case DEC_FIXED:
    case DEC_DECIMAL: return binary(r, dec, json, out);
    case DEC_STRING:
    case DEC_ENUM: *out = *json; return json->kind == SLUICE_STRING;
    case DEC_ARRAY:
    case DEC_MAP: return items(r, dec, json, out);
    case DEC_STRUCT: return record(r, dec, json, out);
    case DEC_UNION: return first_branch(r, dec, json, out);
    case DEC_MAYBE: return json->kind == SLUICE_NULL || to_value(r, dec->value, json, out);
    case DEC_ENTRIES:
    case DEC_ANYTHING:
    case DEC_NOTHING: return 0;
    default: return integer(dec, json, out);
    }
}

int avro_default_value(avro_reading_t *r, const avro_dec_t *dec, const sluice_schema_t *schema,
                       const sluice_value_t *json, sluice_value_t *out) {
    (void)schema;
    return to_value(r, dec, json, out);
}
