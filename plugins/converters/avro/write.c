/* Encoding values. */
#include "map.h"

#include <math.h>
#include <stdio.h>

#include "support/connect/errors.h"
#include "support/java.h"

#define DAY_MS 86400000

typedef struct writer {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_buf_t *buf;
    avro_trouble_t *trouble;
    unsigned depth;
} writer_t;

static int encode(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v);

static int data_fault(writer_t *w, const char *fmt, ...) SLUICE_PRINTF(2, 3);

static int data_fault(writer_t *w, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    vsnprintf(w->trouble->text, sizeof(w->trouble->text), fmt, args);
    va_end(args);
    w->trouble->class_name = DATA_EXCEPTION;
    return SLUICE_BAD_RECORD;
}

/* ---- the binary form ---- */

void avro_put_long(sluice_buf_t *buf, int64_t n) {
    uint64_t z = ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
    char bytes[10];
    size_t len = 0;

    while (z > 0x7F) {
        bytes[len++] = (char)(z | 0x80);
        z >>= 7;
    }
    bytes[len++] = (char)z;
    sluice_buf_put(buf, bytes, len);
}

static void put_bytes(sluice_buf_t *buf, sluice_str_t s) {
    avro_put_long(buf, (int64_t)s.len);
    sluice_buf_put_str(buf, s);
}

static void put_float(sluice_buf_t *buf, double d) {
    float f = (float)d;
    uint32_t bits;
    char bytes[4];
    int i;

    memcpy(&bits, &f, sizeof(bits));
    for (i = 0; i < 4; i++)
        bytes[i] = (char)(bits >> (8 * i));
    sluice_buf_put(buf, bytes, sizeof(bytes));
}

static void put_double(sluice_buf_t *buf, double d) {
    uint64_t bits;
    char bytes[8];
    int i;

    memcpy(&bits, &d, sizeof(bits));
    for (i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    sluice_buf_put(buf, bytes, sizeof(bytes));
}

/* ---- scalars ---- */

static int wrong_class(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    return data_fault(w, "Invalid type for %s: class %s", java_type_name(enc->schema->type),
                      java_class_name(v));
}

static int encode_enum(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    sluice_str_t symbol = sluice_value_str(v);
    uint32_t i;

    for (i = 0; i < enc->node->symbol_count; i++)
        if (sluice_str_eq(enc->node->symbols[i], symbol)) {
            avro_put_long(w->buf, i);
            return SLUICE_OK;
        }
    return data_fault(w, "value %.*s is not a symbol of the enum %.*s", AVRO_STR(symbol),
                      AVRO_STR(enc->node->full));
}

static int encode_fixed(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    if (v->len != enc->size)
        return data_fault(w, "%u bytes for the fixed %.*s of %u", (unsigned)v->len,
                          AVRO_STR(enc->node->full), (unsigned)enc->size);
    sluice_buf_put_str(w->buf, sluice_value_str(v));
    return SLUICE_OK;
}

static int put_unscaled(writer_t *w, const avro_enc_t *enc, sluice_str_t bytes) {
    size_t i;

    if (enc->node->type != AVRO_FIXED) {
        put_bytes(w->buf, bytes);
        return SLUICE_OK;
    }
    if (bytes.len > enc->size)
        return data_fault(w, "Unscaled value byte array length %zu is greater than fixed size %u",
                          bytes.len, (unsigned)enc->size);
    for (i = bytes.len; i < enc->size; i++)
        sluice_buf_put_char(w->buf, (signed char)bytes.data[0] < 0 ? (char)0xFF : 0);
    sluice_buf_put_str(w->buf, bytes);
    return SLUICE_OK;
}

/* The unscaled bytes come from a batch of their own: the result's is in use by its text. */
static int encode_decimal(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    sluice_batch_t *scratch;
    sluice_str_t bytes;
    int32_t scale = 0;
    int status;

    if (v->kind != SLUICE_DECIMAL)
        return data_fault(w, "Invalid type for Decimal, expected BigDecimal but was class %s",
                          java_class_name(v));
    scratch = w->api->batch_new(w->ctx, 64);
    if (scratch == NULL)
        return SLUICE_NO_MEMORY;
    status = w->api->decimal_to_bytes(scratch, sluice_value_str(v), &bytes, &scale);
    if (status == SLUICE_OK && scale != enc->scale)
        status = data_fault(w,
                            "Decimal value has mismatching scale for given Decimal schema. "
                            "Schema has scale %d, value has scale %d.",
                            enc->scale, scale);
    else if (status == SLUICE_OK)
        status = put_unscaled(w, enc, bytes);
    else if (status != SLUICE_NO_MEMORY)
        status = data_fault(w, "Invalid type for Decimal, not a decimal");
    w->api->batch_unref(scratch);
    return status;
}

static int encode_date(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    static const char *const names[] = {"Date", "Time", "Timestamp"};
    int64_t ms;

    if (v->kind != SLUICE_DATE)
        return data_fault(w, "Invalid type for %s, expected Date but was class %s",
                          names[enc->op - ENC_DATE], java_class_name(v));
    ms = sluice_value_int(v);
    if (enc->op == ENC_DATE && ms % DAY_MS != 0)
        return data_fault(w, "Kafka Connect Date type should not have any time fields set to "
                             "non-zero values.");
    if (enc->op == ENC_TIME && (ms < 0 || ms > DAY_MS))
        return data_fault(w, "Kafka Connect Time type should not have any date fields set to "
                             "non-zero values.");
    avro_put_long(w->buf, enc->op == ENC_DATE ? ms / DAY_MS : ms);
    return SLUICE_OK;
}

/* ---- containers ---- */

static int encode_array(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    uint32_t i;
    int status = SLUICE_OK;

    if (v->len > 0)
        avro_put_long(w->buf, v->len);
    for (i = 0; i < v->len && status == SLUICE_OK; i++)
        status = encode(w, enc->value, &v->as.items[i]);
    avro_put_long(w->buf, 0);
    return status;
}

static int encode_map(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    uint32_t i;
    int status = SLUICE_OK;

    if (v->len > 0)
        avro_put_long(w->buf, v->len);
    for (i = 0; i < v->len && status == SLUICE_OK; i++) {
        const sluice_value_t *key = &v->as.items[2 * i];
        if (enc->op == ENC_ENTRIES) {
            status = encode(w, enc->key, key);
        } else if (key->kind == SLUICE_STRING) {
            put_bytes(w->buf, sluice_value_str(key));
        } else {
            status = data_fault(w, "Invalid type for MAP: a key of class %s", java_class_name(key));
        }
        if (status == SLUICE_OK)
            status = encode(w, enc->value, &v->as.items[2 * i + 1]);
    }
    avro_put_long(w->buf, 0);
    return status;
}

static const sluice_value_t *field_value(const avro_enc_field_t *f, const sluice_value_t *v) {
    const sluice_value_t *value = &v->as.st->fields[f->source];

    return sluice_is_null(value) && f->enc->use_default ? f->enc->schema->default_value : value;
}

static int encode_struct(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    uint32_t i;
    int status = SLUICE_OK;

    if (v->as.st->schema != enc->schema)
        return data_fault(w, "Mismatching struct schema");
    for (i = 0; i < enc->field_count && status == SLUICE_OK; i++) {
        const avro_enc_field_t *f = &enc->fields[i];
        if (f->source < 0)
            sluice_buf_put_str(w->buf, f->bytes);
        else
            status = encode(w, f->enc, field_value(f, v));
    }
    return status;
}

static int put_null(writer_t *w, const avro_enc_t *enc) {
    if (enc->null_branch < 0)
        return data_fault(w, "a null for an Avro type that has none: %s",
                          enc->node != NULL ? avro_type_name(enc->node->type) : "union");
    avro_put_long(w->buf, enc->null_branch);
    return SLUICE_OK;
}

static int encode_union(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    uint32_t i;

    if (v->as.st->schema != enc->schema)
        return data_fault(w, "Mismatching struct schema");
    for (i = 0; i < enc->field_count; i++) {
        const sluice_value_t *value = field_value(&enc->fields[i], v);
        if (!sluice_is_null(value))
            return encode(w, enc->fields[i].enc, value);
    }
    if (!enc->schema->optional)
        return data_fault(w, "Found null value for non-optional schema");
    return put_null(w, enc);
}

/* ---- without a schema: a record with one of nine fields set ---- */

enum {
    ANY_BOOLEAN,
    ANY_BYTES,
    ANY_DOUBLE,
    ANY_FLOAT,
    ANY_INT,
    ANY_LONG,
    ANY_STRING,
    ANY_ARRAY,
    ANY_MAP,
    ANY_FIELDS
};

static int encode_anything(writer_t *w, const sluice_value_t *v);

static int any_field(const sluice_value_t *v) {
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_BOOLEAN: return ANY_BOOLEAN;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32: return ANY_INT;
    case SLUICE_INT64: return ANY_LONG;
    case SLUICE_FLOAT32: return ANY_FLOAT;
    case SLUICE_FLOAT64: return ANY_DOUBLE;
    case SLUICE_STRING: return ANY_STRING;
    case SLUICE_ARRAY: return ANY_ARRAY;
    case SLUICE_MAP: return ANY_MAP;
    default: return -1;
    }
}

static int encode_members(writer_t *w, const sluice_value_t *v) {
    uint32_t i, n = v->kind == SLUICE_MAP ? 2 * v->len : v->len;
    int status = SLUICE_OK;

    if (v->len > 0)
        avro_put_long(w->buf, v->len);
    for (i = 0; i < n && status == SLUICE_OK; i++)
        status = encode_anything(w, &v->as.items[i]);
    avro_put_long(w->buf, 0);
    return status;
}

static int any_content(writer_t *w, const sluice_value_t *v) {
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_BOOLEAN: sluice_buf_put_char(w->buf, sluice_value_int(v) != 0); return SLUICE_OK;
    case SLUICE_FLOAT32: put_float(w->buf, sluice_value_double(v)); return SLUICE_OK;
    case SLUICE_FLOAT64: put_double(w->buf, sluice_value_double(v)); return SLUICE_OK;
    case SLUICE_STRING: put_bytes(w->buf, sluice_value_str(v)); return SLUICE_OK;
    case SLUICE_ARRAY:
    case SLUICE_MAP: return encode_members(w, v);
    default: avro_put_long(w->buf, sluice_value_int(v)); return SLUICE_OK;
    }
}

static int encode_anything(writer_t *w, const sluice_value_t *v) {
    int field = sluice_is_null(v) ? ANY_FIELDS : any_field(v);
    int i, status = SLUICE_OK;

    if (field < 0)
        return data_fault(w, "Unknown Java type for schemaless data: class %s", java_class_name(v));
    if (w->depth++ > AVRO_DEPTH_MAX)
        return data_fault(w, "a value is nested deeper than %d", AVRO_DEPTH_MAX);
    for (i = 0; i < ANY_FIELDS && status == SLUICE_OK; i++) {
        avro_put_long(w->buf, i == field);
        if (i == field)
            status = any_content(w, v);
    }
    w->depth--;
    return status;
}

/* ---- any value ---- */

/* The kind that a value of each op has; NULL: looked at by the op itself. */
static uint8_t kind_of(const avro_enc_t *enc) {
    if (enc->op >= ENC_DECIMAL && enc->op <= ENC_TIMESTAMP)
        return SLUICE_NULL;
    return enc->schema->type;
}

static int encode_content(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    int integer = v->kind <= SLUICE_INT64;

    switch (enc->op) {
    case ENC_BOOLEAN: sluice_buf_put_char(w->buf, sluice_value_int(v) != 0); break;
    case ENC_INT: avro_put_long(w->buf, sluice_value_int(v)); break;
    case ENC_FLOAT:
        put_float(w->buf, integer ? (double)sluice_value_int(v) : sluice_value_double(v));
        break;
    case ENC_DOUBLE:
        put_double(w->buf, integer ? (double)sluice_value_int(v) : sluice_value_double(v));
        break;
    case ENC_BYTES:
    case ENC_STRING: put_bytes(w->buf, sluice_value_str(v)); break;
    case ENC_ENUM: return encode_enum(w, enc, v);
    case ENC_FIXED: return encode_fixed(w, enc, v);
    case ENC_DECIMAL: return encode_decimal(w, enc, v);
    case ENC_DATE:
    case ENC_TIME:
    case ENC_TIMESTAMP: return encode_date(w, enc, v);
    case ENC_ARRAY: return encode_array(w, enc, v);
    case ENC_MAP:
    case ENC_ENTRIES: return encode_map(w, enc, v);
    default: return encode_struct(w, enc, v);
    }
    return SLUICE_OK;
}

static int encode(writer_t *w, const avro_enc_t *enc, const sluice_value_t *v) {
    uint8_t kind = kind_of(enc);

    if (sluice_is_null(v)) {
        if (!enc->schema->optional)
            return data_fault(w, "Found null value for non-optional schema");
        return put_null(w, enc);
    }
    if (kind != SLUICE_NULL && v->kind != kind)
        return wrong_class(w, enc, v);
    if (enc->op == ENC_UNION)
        return encode_union(w, enc, v);
    if (enc->branch >= 0)
        avro_put_long(w->buf, enc->branch);
    return encode_content(w, enc, v);
}

/* Bytes alone are not led by their length: the original's serializer does so. */
static void drop_length(sluice_buf_t *buf, size_t begin) {
    size_t skip = 1;

    if (buf->status != SLUICE_OK)
        return;
    while ((buf->data[begin + skip - 1] & 0x80) != 0)
        skip++;
    memmove(buf->data + begin, buf->data + begin + skip, buf->len - begin - skip);
    buf->len -= skip;
}

int avro_encode(const sluice_api_t *api, sluice_ctx_t *ctx, const avro_enc_t *enc,
                const sluice_value_t *value, sluice_buf_t *buf, avro_trouble_t *trouble) {
    writer_t w = {api, ctx, buf, trouble, 0};
    size_t begin;
    int status;

    if (enc->op == ENC_ANYTHING)
        return encode_anything(&w, value);
    begin = buf->len;
    status = encode(&w, enc, value);
    if (status == SLUICE_OK && enc->branch < 0 && enc->node != NULL &&
        enc->node->type == AVRO_BYTES)
        drop_length(buf, begin);
    return status;
}
