#include "cli/try_int.h"

#include <string.h>

#include "base/heapbuf.h"
#include "record/batch.h"
#include "record/decimal.h"
#include "record/json.h"
#include "record/number.h"

#define BUILD_EXCEPTION "java.lang.IllegalArgumentException"

/* One name of typed JSON. Numbers of floats and decimals are texts, since JSON has not all of
 * them. */
typedef struct type_name {
    const char *name;
    sluice_kind_t kind;
    const char *class_name; /* of what a converter reads */
} type_name_t;

static const type_name_t type_names[] = {
    {"boolean", SLUICE_BOOLEAN, "java.lang.Boolean"},
    {"int8", SLUICE_INT8, "java.lang.Byte"},
    {"int16", SLUICE_INT16, "java.lang.Short"},
    {"int32", SLUICE_INT32, "java.lang.Integer"},
    {"int64", SLUICE_INT64, "java.lang.Long"},
    {"float32", SLUICE_FLOAT32, "java.lang.Float"},
    {"float64", SLUICE_FLOAT64, "java.lang.Double"},
    {"string", SLUICE_STRING, "java.lang.String"},
    {"bytes", SLUICE_BYTES, "[B"},
    {"list", SLUICE_ARRAY, "java.util.ArrayList"},
    {"map", SLUICE_MAP, "java.util.HashMap"},
    {"struct", SLUICE_STRUCT, "org.apache.kafka.connect.data.Struct"},
    {"decimal", SLUICE_DECIMAL, "java.math.BigDecimal"},
    {"date_ms", SLUICE_DATE, "java.util.Date"},
    {"bytebuffer", SLUICE_BYTES, NULL}, /* only read */
    {"bigint", SLUICE_DECIMAL, NULL},
};

static const type_name_t *by_kind(uint8_t kind) {
    size_t i;

    for (i = 0; type_names[i].kind != kind; i++) {}
    return &type_names[i];
}

static const type_name_t *by_name(sluice_str_t name) {
    size_t i;

    for (i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
        if (sluice_str_eq(name, sluice_str(type_names[i].name)))
            return &type_names[i];
    return NULL;
}

const char *sl_try_class(const sluice_value_t *value) {
    return sluice_is_null(value) ? NULL : by_kind(value->kind)->class_name;
}

const sluice_value_t *sl_try_member(const sluice_value_t *object, const char *name) {
    uint32_t i;

    for (i = 0; object != NULL && object->kind == SLUICE_MAP && i < object->len; i++)
        if (sluice_str_eq(sluice_value_str(&object->as.items[2 * i]), sluice_str(name)))
            return &object->as.items[2 * i + 1];
    return NULL;
}

const char *sl_try_text(sluice_batch_t *arena, const sluice_value_t *object, const char *name,
                        const char *otherwise) {
    const sluice_value_t *v = sl_try_member(object, name);
    char *copy;

    if (v == NULL || v->kind != SLUICE_STRING ||
        (copy = sl_batch_alloc(arena, v->len + 1u)) == NULL)
        return otherwise;
    memcpy(copy, v->as.s, v->len);
    copy[v->len] = '\0';
    return copy;
}

int sl_try_flag(const sluice_value_t *object, const char *name) {
    const sluice_value_t *v = sl_try_member(object, name);

    return v != NULL && v->kind == SLUICE_BOOLEAN && sluice_value_int(v) != 0;
}

/* ---- writing ---- */

static void write_float(sluice_buf_t *out, const sluice_value_t *v) {
    char text[SL_DOUBLE_TEXT_MAX];
    size_t len = v->kind == SLUICE_FLOAT32 ? sl_float_text((float)sl_value_double(v), text)
                                           : sl_double_text(sl_value_double(v), text);

    sl_buf_printf(out, "\"%.*s\"", (int)len, text);
}

static void write_items(sluice_buf_t *out, const sluice_value_t *v) {
    int is_map = v->kind == SLUICE_MAP;
    uint32_t i;

    sluice_buf_put_char(out, '[');
    for (i = 0; i < v->len; i++) {
        sl_buf_puts(out, i > 0 ? "," : "");
        sl_buf_puts(out, is_map ? "[" : "");
        sl_try_write_typed(out, &v->as.items[is_map ? 2 * i : i]);
        if (is_map) {
            sluice_buf_put_char(out, ',');
            sl_try_write_typed(out, &v->as.items[2 * i + 1]);
            sluice_buf_put_char(out, ']');
        }
    }
    sluice_buf_put_char(out, ']');
}

static void write_struct(sluice_buf_t *out, const sluice_value_t *v) {
    const sluice_struct_t *st = v->as.st;
    uint32_t i;

    sluice_buf_put_char(out, '{');
    for (i = 0; i < v->len; i++) {
        if (i > 0)
            sluice_buf_put_char(out, ',');
        sl_json_write_string(out, st->schema->fields[i].name);
        sluice_buf_put_char(out, ':');
        sl_try_write_typed(out, &st->fields[i]);
    }
    sluice_buf_put_char(out, '}');
}

void sl_try_write_typed(sluice_buf_t *out, const sluice_value_t *v) {
    if (sluice_is_null(v)) {
        sl_buf_puts(out, "null");
        return;
    }
    sl_buf_printf(out, "{\"%s\":", by_kind(v->kind)->name);
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_BOOLEAN: sl_buf_puts(out, sluice_value_int(v) != 0 ? "true" : "false"); break;
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: write_float(out, v); break;
    case SLUICE_STRING:
    case SLUICE_DECIMAL: sl_json_write_string(out, sluice_value_str(v)); break;
    case SLUICE_BYTES:
        sluice_buf_put_char(out, '"');
        sl_json_write_base64(out, sluice_value_str(v));
        sluice_buf_put_char(out, '"');
        break;
    case SLUICE_ARRAY:
    case SLUICE_MAP: write_items(out, v); break;
    case SLUICE_STRUCT: write_struct(out, v); break;
    default: sl_json_write_int(out, sluice_value_int(v)); break;
    }
    sluice_buf_put_char(out, '}');
}

/* ---- reading ---- */

static uint32_t letter(char c) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(letters, c);

    return at == NULL ? 64 : (uint32_t)(at - letters);
}

int sl_try_read_base64(sluice_batch_t *arena, sluice_str_t text, sluice_str_t *out) {
    char *bytes = sl_batch_alloc(arena, text.len / 4 * 3 + 1);
    uint32_t bits = 0;
    size_t len = 0;
    size_t i;

    if (bytes == NULL || text.len % 4 != 0)
        return SLUICE_INVALID;
    for (i = 0; i < text.len && text.data[i] != '='; i++) {
        uint32_t value = letter(text.data[i]);

        if (value == 64)
            return SLUICE_INVALID;
        bits = bits << 6 | value;
        if (i % 4 != 0)
            bytes[len++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    *out = sluice_str_n(bytes, len);
    return SLUICE_OK;
}

static int wrong(sl_try_fault_t *fault, const char *what) {
    sl_try_set_fault(fault, BUILD_EXCEPTION, "%s", what);
    return SLUICE_INVALID;
}

static int read_items(sluice_batch_t *arena, const sluice_value_t *json,
                      const sluice_schema_t *schema, sluice_value_t *out, sl_try_fault_t *fault) {
    sluice_value_t *items = sl_batch_alloc(arena, json->len * sizeof(*items));
    int status = items == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
    uint32_t i;

    for (i = 0; i < json->len && status == SLUICE_OK; i++)
        status = sl_try_read_typed(arena, &json->as.items[i],
                                   schema == NULL ? NULL : schema->value_schema, &items[i], fault);
    *out = (sluice_value_t){.kind = SLUICE_ARRAY, .len = json->len, .as = {.items = items}};
    return status;
}

static int read_pairs(sluice_batch_t *arena, const sluice_value_t *json,
                      const sluice_schema_t *schema, sluice_value_t *out, sl_try_fault_t *fault) {
    sluice_value_t *items = sl_batch_alloc(arena, 2u * json->len * sizeof(*items));
    int status = items == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
    uint32_t i;

    for (i = 0; i < json->len && status == SLUICE_OK; i++) {
        const sluice_value_t *pair = &json->as.items[i];

        if (pair->kind != SLUICE_ARRAY || pair->len != 2)
            return wrong(fault, "a map has pairs");
        status =
            sl_try_read_typed(arena, &pair->as.items[0], schema == NULL ? NULL : schema->key_schema,
                              &items[2 * i], fault);
        if (status == SLUICE_OK)
            status = sl_try_read_typed(arena, &pair->as.items[1],
                                       schema == NULL ? NULL : schema->value_schema,
                                       &items[2 * i + 1], fault);
    }
    *out = (sluice_value_t){.kind = SLUICE_MAP, .len = json->len, .as = {.items = items}};
    return status;
}

static int read_struct(sluice_batch_t *arena, const sluice_value_t *json,
                       const sluice_schema_t *schema, sluice_value_t *out, sl_try_fault_t *fault) {
    sluice_struct_t *st;
    int status = SLUICE_OK;
    uint32_t i;

    if (schema == NULL || schema->type != SLUICE_STRUCT || json->kind != SLUICE_MAP)
        return wrong(fault, "a struct needs a struct schema");
    st = sl_batch_alloc(arena, sizeof(*st) + schema->field_count * sizeof(sluice_value_t));
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    st->schema = schema;
    for (i = 0; i < schema->field_count && status == SLUICE_OK; i++) {
        const sluice_str_t name = schema->fields[i].name;
        uint32_t k;

        st->fields[i] = sluice_null();
        for (k = 0; k < json->len && status == SLUICE_OK; k++)
            if (sluice_str_eq(sluice_value_str(&json->as.items[2 * k]), name))
                status = sl_try_read_typed(arena, &json->as.items[2 * k + 1],
                                           schema->fields[i].schema, &st->fields[i], fault);
    }
    *out = (sluice_value_t){.kind = SLUICE_STRUCT, .len = schema->field_count, .as = {.st = st}};
    return status;
}

static int read_float(sluice_kind_t kind, const sluice_value_t *json, sluice_value_t *out,
                      sl_try_fault_t *fault) {
    double f = 0;
    float narrow = 0;

    if (json->kind != SLUICE_STRING ||
        (kind == SLUICE_FLOAT32 ? sl_text_float(sluice_value_str(json), &narrow)
                                : sl_text_double(sluice_value_str(json), &f)) != SLUICE_OK)
        return wrong(fault, "a float is a text");
    *out = sluice_float(kind, kind == SLUICE_FLOAT32 ? (double)narrow : f);
    return SLUICE_OK;
}

static int read_text(sluice_batch_t *arena, sluice_kind_t kind, const sluice_value_t *json,
                     sluice_value_t *out, sl_try_fault_t *fault) {
    sluice_str_t text = sluice_value_str(json);
    int status = json->kind != SLUICE_STRING ? SLUICE_INVALID : SLUICE_OK;

    if (status == SLUICE_OK && kind == SLUICE_BYTES)
        status = sl_try_read_base64(arena, text, &text);
    if (status == SLUICE_OK && kind == SLUICE_DECIMAL)
        status = sl_decimal_canonical(arena, text, &text);
    *out = sluice_text(kind, text);
    return status == SLUICE_OK ? SLUICE_OK : wrong(fault, "not the text of such a value");
}

static int read_kind(sluice_batch_t *arena, sluice_kind_t kind, const sluice_value_t *json,
                     const sluice_schema_t *schema, sluice_value_t *out, sl_try_fault_t *fault) {
    switch (kind) {
    case SLUICE_ARRAY:
    case SLUICE_MAP:
        if (json->kind != SLUICE_ARRAY)
            return wrong(fault, "a list or map is an array");
        return kind == SLUICE_ARRAY ? read_items(arena, json, schema, out, fault)
                                    : read_pairs(arena, json, schema, out, fault);
    case SLUICE_STRUCT: return read_struct(arena, json, schema, out, fault);
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: return read_float(kind, json, out, fault);
    case SLUICE_STRING:
    case SLUICE_BYTES:
    case SLUICE_DECIMAL: return read_text(arena, kind, json, out, fault);
    default:
        if (json->kind != SLUICE_INT64 && json->kind != SLUICE_BOOLEAN)
            return wrong(fault, "not an integer of 64 bits");
        *out = sluice_int(kind, sluice_value_int(json));
        return SLUICE_OK;
    }
}

int sl_try_read_typed(sluice_batch_t *arena, const sluice_value_t *json,
                      const sluice_schema_t *schema, sluice_value_t *out, sl_try_fault_t *fault) {
    const type_name_t *type;

    *out = sluice_null();
    if (json == NULL || sluice_is_null(json))
        return SLUICE_OK;
    if (json->kind != SLUICE_MAP || json->len != 1)
        return wrong(fault, "a typed value is an object with one member");
    type = by_name(sluice_value_str(&json->as.items[0]));
    if (type == NULL)
        return wrong(fault, "a typed value names no known type");
    return read_kind(arena, type->kind, &json->as.items[1], schema, out, fault);
}
