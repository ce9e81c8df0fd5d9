#include "json.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/java.h"
#include "support/names.h"

#define DAY_MS       86400000
#define NUMBER_STACK 256
#define PLACE_MAX    512
#define SEARCHES_MAX 8 /* through all members */

/* Jackson's JsonNodeType */
static const char *node_type(const sluice_value_t *json) {
    switch ((sluice_kind_t)json->kind) {
    case SLUICE_NULL: return "NULL";
    case SLUICE_BOOLEAN: return "BOOLEAN";
    case SLUICE_STRING: return "STRING";
    case SLUICE_ARRAY: return "ARRAY";
    case SLUICE_MAP: return "OBJECT";
    default: return "NUMBER";
    }
}

/* ---- numbers ---- */

/* The whole part of decimal text; 0 when it does not fit int64. */
static int whole_part(sluice_str_t text, int64_t *out) {
    const char *e = memchr(text.data, 'E', text.len);
    size_t end = e == NULL ? text.len : (size_t)(e - text.data);
    int64_t point = e == NULL ? 0 : strtoll(e + 1, NULL, 10);
    size_t i = text.len > 0 && text.data[0] == '-';
    int negative = i == 1;
    const char *dot = memchr(text.data, '.', end);
    uint64_t limit = (uint64_t)INT64_MAX + (uint64_t)negative;
    uint64_t n = 0;

    point += (dot == NULL ? (int64_t)end : dot - text.data) - (int64_t)i;
    for (; point > 0 && (i < end || n != 0); point--) {
        uint64_t digit = 0;

        i += i < end && text.data[i] == '.';
        if (i < end)
            digit = (uint64_t)(text.data[i++] - '0');
        if (n > (limit - digit) / 10)
            return 0;
        n = n * 10 + digit;
    }
    *out = (int64_t)(negative ? 0 - n : n);
    return 1;
}

static int past_int64(converter_t *c, const sluice_schema_t *schema, const sluice_value_t *json) {
    return data_fault(c, "Invalid value for %s: %.*s is outside of 64 bits and would wrap around",
                      java_type_name(schema->type), json->len < 60 ? (int)json->len : 60,
                      json->as.s);
}

/* What is no number reads as 0; a fraction is cut off, high bits are lost, as Java's casts do. */
static int read_int(converter_t *c, const sluice_schema_t *schema, const sluice_value_t *json,
                    sluice_value_t *out) {
    int64_t n = 0;

    if (json->kind == SLUICE_INT64)
        n = sluice_value_int(json);
    else if (json->kind == SLUICE_DECIMAL && !whole_part(sluice_value_str(json), &n))
        return past_int64(c, schema, json);
    if (schema->type == SLUICE_INT8)
        n = (int8_t)n;
    else if (schema->type == SLUICE_INT16)
        n = (int16_t)n;
    else if (schema->type == SLUICE_INT32)
        n = (int32_t)n;
    *out = sluice_int((sluice_kind_t)schema->type, n);
    return SLUICE_OK;
}

static int read_float_text(converter_t *c, sluice_str_t text, int narrow, double *out) {
    char stack[NUMBER_STACK];
    char *copy = text.len < sizeof(stack) ? stack : malloc(text.len + 1);

    if (copy == NULL)
        return memory_fault(c);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *out = narrow ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    if (copy != stack)
        free(copy);
    return SLUICE_OK;
}

static int read_float(converter_t *c, const sluice_schema_t *schema, const sluice_value_t *json,
                      sluice_value_t *out) {
    int narrow = schema->type == SLUICE_FLOAT32;
    double f = 0;
    int status = SLUICE_OK;

    if (!narrow && json->kind == SLUICE_DECIMAL && java_is_double_text(sluice_value_str(json))) {
        *out = sluice_text(SLUICE_FLOAT64, sluice_value_str(json));
        out->flags = SLUICE_TEXT;
        return SLUICE_OK;
    }
    if (json->kind == SLUICE_INT64)
        f = narrow ? (double)(float)sluice_value_int(json) : (double)sluice_value_int(json);
    else if (json->kind == SLUICE_DECIMAL)
        status = read_float_text(c, sluice_value_str(json), narrow, &f);
    *out = sluice_float((sluice_kind_t)schema->type, f);
    return status;
}

/* ---- logical types ---- */

static int wrong_base(converter_t *c, const char *type, const char *base,
                      const sluice_value_t *json) {
    return data_fault(c, "Invalid type for %s, underlying representation should be %s but was %s",
                      type, base, node_type(json));
}

static int decimal_of_bytes(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                            const sluice_value_t *json, sluice_value_t *out) {
    sluice_str_t bytes;
    sluice_str_t text;
    int32_t scale = 0;
    int status = base64_read(c->api, arena, sluice_value_str(json), &bytes);

    if (status == SLUICE_OK && (bytes.len == 0 || scale_of(schema, &scale) != SCALE_OK))
        status = SLUICE_INVALID;
    if (status == SLUICE_OK)
        status = c->api->decimal_from_bytes(arena, bytes, scale, &text);
    if (status == SLUICE_INVALID)
        return data_fault(c, "Invalid bytes for Decimal field");
    if (status != SLUICE_OK)
        return memory_fault(c);
    *out = sluice_text(SLUICE_DECIMAL, text);
    return SLUICE_OK;
}

static int read_decimal(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                        const sluice_value_t *json, sluice_value_t *out) {
    sluice_buf_t buf;

    if (json->kind == SLUICE_STRING)
        return decimal_of_bytes(c, arena, schema, json, out);
    if (json->kind == SLUICE_DECIMAL) {
        *out = *json;
        return SLUICE_OK;
    }
    if (json->kind != SLUICE_INT64)
        return wrong_base(c, "Decimal", "numeric or bytes", json);
    c->api->buf_init(&buf, arena, 24);
    c->api->json->write_int(&buf, sluice_value_int(json));
    *out = sluice_text(SLUICE_DECIMAL, c->api->buf_finish(&buf));
    return sluice_is_null(out) ? memory_fault(c) : SLUICE_OK;
}

static int read_date(converter_t *c, uint8_t logical, const sluice_value_t *json,
                     sluice_value_t *out) {
    int64_t n = json->kind == SLUICE_INT64 ? sluice_value_int(json) : 0;
    int is_int = json->kind == SLUICE_INT64 && n >= INT32_MIN && n <= INT32_MAX;

    if (logical == LOGICAL_TIMESTAMP) {
        if (json->kind == SLUICE_DECIMAL && memchr(json->as.s, '.', json->len) == NULL &&
            memchr(json->as.s, 'E', json->len) == NULL)
            return data_fault(c, "Invalid value for Timestamp: %.*s is outside of 64 bits",
                              json->len < 60 ? (int)json->len : 60, json->as.s);
        if (json->kind != SLUICE_INT64)
            return wrong_base(c, "Timestamp", "integral", json);
    } else if (!is_int) {
        return wrong_base(c, logical == LOGICAL_DATE ? "Date" : "Time", "integer", json);
    }
    if (logical == LOGICAL_TIME && (n < 0 || n > DAY_MS))
        return data_fault(c, "Time values must use number of milliseconds greater than 0 and less "
                             "than 86400000");
    *out = sluice_int(SLUICE_DATE, logical == LOGICAL_DATE ? n * DAY_MS : n);
    return SLUICE_OK;
}

/* ---- containers ---- */

static int read_bytes(converter_t *c, sluice_batch_t *arena, const sluice_value_t *json,
                      sluice_value_t *out) {
    sluice_str_t bytes;
    int status;

    *out = sluice_null();
    if (json->kind != SLUICE_STRING)
        return SLUICE_OK;
    status = base64_read(c->api, arena, sluice_value_str(json), &bytes);
    if (status == SLUICE_INVALID)
        return data_fault(c, "Invalid bytes field");
    *out = sluice_text(SLUICE_BYTES, bytes);
    return status == SLUICE_OK ? SLUICE_OK : memory_fault(c);
}

/* The elements of an array, or the values of an object; anything else has none. */
static int read_array(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                      const sluice_value_t *json, sluice_value_t *out) {
    int is_map = json->kind == SLUICE_MAP;
    uint32_t len = is_map || json->kind == SLUICE_ARRAY ? json->len : 0;
    sluice_value_t *items = c->api->batch_alloc(arena, len * sizeof(*items));
    int status = SLUICE_OK;
    uint32_t i;

    if (items == NULL)
        return memory_fault(c);
    for (i = 0; i < len && status == SLUICE_OK; i++)
        status = read_value(c, arena, schema->value_schema, &json->as.items[is_map ? 2 * i + 1 : i],
                            &items[i]);
    *out = (sluice_value_t){.kind = SLUICE_ARRAY, .len = len, .as = {.items = items}};
    return status;
}

static int equal_values(const sluice_value_t *a, const sluice_value_t *b) {
    size_t count = a->kind == SLUICE_MAP ? 2 * (size_t)a->len : a->len;
    size_t i;

    if (a->kind != b->kind)
        return 0;
    switch ((sluice_kind_t)a->kind) {
    case SLUICE_STRING:
    case SLUICE_BYTES:
    case SLUICE_DECIMAL: return sluice_str_eq(sluice_value_str(a), sluice_value_str(b));
    case SLUICE_ARRAY:
    case SLUICE_MAP:
    case SLUICE_STRUCT:
        for (i = 0; a->len == b->len && i < count; i++)
            if (a->kind == SLUICE_STRUCT ? !equal_values(&a->as.st->fields[i], &b->as.st->fields[i])
                                         : !equal_values(&a->as.items[i], &b->as.items[i]))
                return 0;
        return a->len == b->len;
    default: return a->as.i == b->as.i;
    }
}

static uint64_t hash_key(const sluice_value_t *v) {
    uint64_t h = 14695981039346656037u;
    uint32_t i;

    if (v->kind == SLUICE_STRING || v->kind == SLUICE_BYTES || v->kind == SLUICE_DECIMAL) {
        for (i = 0; i < v->len; i++)
            h = (h ^ (unsigned char)v->as.s[i]) * 1099511628211u;
        return h;
    }
    if (v->kind >= SLUICE_ARRAY && v->kind <= SLUICE_STRUCT)
        return v->len; /* containers as keys are rare and short */
    return ((uint64_t)v->as.i ^ h) * 1099511628211u;
}

/* Drops earlier pairs whose key comes again: a map has one value for each. Returns how many pairs
 * stay; the later value takes the first one's place. *pairs of them, moved together. SIZE_MAX
 * without memory. */
static size_t unite_pairs(sluice_value_t *items, size_t pairs) {
    size_t slots = 16;
    uint32_t *table;
    size_t used = 0;
    size_t i;

    while (slots < 2 * pairs)
        slots *= 2;
    table = calloc(slots, sizeof(*table));
    if (table == NULL)
        return SIZE_MAX;
    for (i = 0; i < pairs; i++) {
        size_t slot = (size_t)(hash_key(&items[2 * i]) >> 20) & (slots - 1);

        while (table[slot] != 0 &&
               !equal_values(&items[2 * (size_t)(table[slot] - 1)], &items[2 * i]))
            slot = (slot + 1) & (slots - 1);
        if (table[slot] == 0) {
            items[2 * used] = items[2 * i];
            table[slot] = (uint32_t)++used;
        }
        items[2 * (size_t)(table[slot] - 1) + 1] = items[2 * i + 1];
    }
    free(table);
    return used;
}

/* One pair: a member of an object (key not converted), or an array of two. */
static int read_pair(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                     const sluice_value_t *json, uint32_t i, sluice_value_t *out) {
    const sluice_value_t *pair = &json->as.items[i];
    int status;

    if (json->kind == SLUICE_MAP) {
        out[0] = json->as.items[2 * i];
        return read_value(c, arena, schema->value_schema, &json->as.items[2 * i + 1], &out[1]);
    }
    if (pair->kind != SLUICE_ARRAY)
        return data_fault(c, "Found invalid map entry instead of array tuple: %s", node_type(pair));
    if (pair->len != 2)
        return data_fault(c, "Found invalid map entry, expected length 2 but found :%u", pair->len);
    status = read_value(c, arena, schema->key_schema, &pair->as.items[0], &out[0]);
    return status != SLUICE_OK
               ? status
               : read_value(c, arena, schema->value_schema, &pair->as.items[1], &out[1]);
}

static int read_map(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                    const sluice_value_t *json, sluice_value_t *out) {
    int object = schema->key_schema->type == SLUICE_STRING;
    sluice_value_t *items;
    size_t pairs = json->len;
    uint32_t i;
    int status = SLUICE_OK;

    if (json->kind != (object ? SLUICE_MAP : SLUICE_ARRAY))
        return data_fault(c,
                          object ? "Maps with string fields should be encoded as JSON objects, "
                                   "but found %s"
                                 : "Maps with non-string fields should be encoded as JSON "
                                   "array of tuples, but found %s",
                          node_type(json));
    items = c->api->batch_alloc(arena, 2 * pairs * sizeof(*items));
    if (items == NULL)
        return memory_fault(c);
    for (i = 0; i < json->len && status == SLUICE_OK; i++)
        status = read_pair(c, arena, schema, json, i, &items[2 * i]);
    if (!object && status == SLUICE_OK && (pairs = unite_pairs(items, pairs)) == SIZE_MAX)
        return memory_fault(c);
    *out = (sluice_value_t){.kind = SLUICE_MAP, .len = (uint32_t)pairs, .as = {.items = items}};
    return status;
}

/* Looks for the members that fields name. They mostly come in the order of the fields, so a search
 * begins behind the last one found; where many don't, or are missing, all members are numbered. */
typedef struct finder {
    const sluice_value_t *json;
    uint32_t from;
    uint32_t searches; /* that did not find at once */
    names_t names;
} finder_t;

static const sluice_value_t *take(finder_t *f, uint32_t i) {
    f->from = i + 1;
    return &f->json->as.items[2 * i + 1];
}

static int is_named(const finder_t *f, uint32_t i, sluice_str_t name) {
    return sluice_str_eq(sluice_value_str(&f->json->as.items[2 * i]), name);
}

/* Whether the members are numbered, now. */
static int number_members(finder_t *f) {
    uint32_t i = f->names.count;

    if (f->searches <= SEARCHES_MAX)
        return 0;
    while (i < f->json->len &&
           names_add(&f->names, sluice_value_str(&f->json->as.items[2 * i])) == i)
        i++;
    return i == f->json->len;
}

static const sluice_value_t *find_field(finder_t *f, sluice_str_t name) {
    uint32_t len = f->json->len;
    uint32_t i, n;

    if (f->from < len && is_named(f, f->from, name))
        return take(f, f->from);
    f->searches++;
    if (number_members(f)) {
        i = names_find(&f->names, name);
        return i != NAMES_NONE ? take(f, i) : NULL;
    }
    for (n = 0, i = f->from; n < len; n++, i++) {
        if (i >= len)
            i = 0;
        if (is_named(f, i, name))
            return take(f, i);
    }
    return NULL;
}

static int read_struct(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                       const sluice_value_t *json, sluice_value_t *out) {
    char place[PLACE_MAX];
    finder_t finder = {.json = json};
    sluice_struct_t *st;
    int status = SLUICE_OK;
    uint32_t i;

    if (json->kind != SLUICE_MAP)
        return data_fault(c, "Structs should be encoded as JSON objects, but found %s",
                          node_type(json));
    st = c->api->batch_alloc(arena, sizeof(*st) + schema->field_count * sizeof(sluice_value_t));
    if (st == NULL)
        return memory_fault(c);
    st->schema = schema;
    *out = (sluice_value_t){.kind = SLUICE_STRUCT, .len = schema->field_count, .as = {.st = st}};
    for (i = 0; i < schema->field_count && status == SLUICE_OK; i++) {
        const sluice_field_t *f = &schema->fields[i];
        const sluice_value_t *v = find_field(&finder, f->name);

        status = read_value(c, arena, f->schema, v, &st->fields[i]);
        if (status != SLUICE_OK ||
            (st->fields[i].kind != SLUICE_NULL && st->fields[i].kind != SLUICE_ARRAY &&
             st->fields[i].kind != SLUICE_MAP))
            continue;
        snprintf(place, sizeof(place), "field: \"%.*s\"", (int)f->name.len, f->name.data);
        status = check_nulls(c, f->schema, &st->fields[i], place);
    }
    names_fini(&finder.names);
    return status;
}

static int check_elements(converter_t *c, const sluice_schema_t *schema,
                          const sluice_value_t *value, const char *place) {
    char inner[PLACE_MAX];
    int is_map = value->kind == SLUICE_MAP;
    size_t count = is_map ? 2 * (size_t)value->len : value->len;
    int status = SLUICE_OK;
    size_t i;

    for (i = 0; i < count && status == SLUICE_OK; i++) {
        int is_key = is_map && i % 2 == 0;

        snprintf(inner, sizeof(inner), "%s %.*s",
                 !is_map  ? "element of array"
                 : is_key ? "key of map"
                          : "value of map",
                 PLACE_MAX - 32, place);
        status = check_nulls(c, is_key ? schema->key_schema : schema->value_schema,
                             &value->as.items[i], inner);
    }
    return status;
}

int check_nulls(converter_t *c, const sluice_schema_t *schema, const sluice_value_t *value,
                const char *place) {
    if (value->kind == SLUICE_NULL)
        return schema->optional ? SLUICE_OK
                                : data_fault(c,
                                             "Invalid value: null used for required %s, schema "
                                             "type: %s",
                                             place, java_type_name(schema->type));
    if (value->kind == SLUICE_ARRAY || value->kind == SLUICE_MAP)
        return check_elements(c, schema, value, place);
    return SLUICE_OK; /* a struct has checked its fields itself */
}

/* ---- any value ---- */

static int read_null(converter_t *c, const sluice_schema_t *schema, sluice_value_t *out) {
    *out = sluice_null();
    if (schema->default_value != NULL && c->replace)
        *out = *schema->default_value;
    else if (!schema->optional)
        return data_fault(c, "Invalid null value for required %s field",
                          java_type_name(schema->type));
    return SLUICE_OK;
}

static int read_typed(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
                      const sluice_value_t *json, sluice_value_t *out) {
    switch ((sluice_kind_t)schema->type) {
    case SLUICE_BOOLEAN:
        *out =
            sluice_int(SLUICE_BOOLEAN, json->kind == SLUICE_BOOLEAN && sluice_value_int(json) != 0);
        return SLUICE_OK;
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: return read_float(c, schema, json, out);
    case SLUICE_STRING:
        *out = json->kind == SLUICE_STRING ? *json : sluice_null();
        return SLUICE_OK;
    case SLUICE_BYTES: return read_bytes(c, arena, json, out);
    case SLUICE_ARRAY: return read_array(c, arena, schema, json, out);
    case SLUICE_MAP: return read_map(c, arena, schema, json, out);
    case SLUICE_STRUCT: return read_struct(c, arena, schema, json, out);
    default: return read_int(c, schema, json, out);
    }
}

int read_value(converter_t *c, sluice_batch_t *arena, const sluice_schema_t *schema,
               const sluice_value_t *json, sluice_value_t *out) {
    uint8_t logical;

    if (json == NULL || json->kind == SLUICE_NULL)
        return read_null(c, schema, out);
    logical = schema->name.data == NULL ? 0 : logical_of(schema);
    if (logical == LOGICAL_DECIMAL)
        return read_decimal(c, arena, schema, json, out);
    if (logical != 0)
        return read_date(c, logical, json, out);
    return read_typed(c, arena, schema, json, out);
}
