/* Decoding values. */
#include "map.h"

#include <stdio.h>

#include "support/charset.h"

#define DAY_MS          86400000
#define EMPTY_ITEMS_MAX (1 << 20) /* items that take no bytes, in one array */

typedef struct reader {
    const sluice_api_t *api;
    sluice_batch_t *arena;
    const uint8_t *at, *end;
    avro_trouble_t *trouble;
    unsigned depth;
} reader_t;

static int decode(reader_t *r, const avro_dec_t *dec, sluice_value_t *out);

static int bad(reader_t *r, const char *class_name, const char *what) {
    r->trouble->class_name = class_name;
    snprintf(r->trouble->text, sizeof(r->trouble->text), "%s", what);
    return SLUICE_BAD_RECORD;
}

static int too_short(reader_t *r) {
    return bad(r, "java.io.EOFException", "the record ends in the middle of a value");
}

static int avro_bad(reader_t *r, const char *what) {
    return bad(r, "org.apache.avro.AvroRuntimeException", what);
}

/* ---- the binary form ---- */

static int get_long(reader_t *r, int64_t *out) {
    uint64_t n = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        if (r->at == r->end)
            return too_short(r);
        if (shift > 63)
            return avro_bad(r, "Invalid long encoding");
        byte = *r->at++;
        n |= (uint64_t)(byte & 0x7F) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    *out = (int64_t)((n >> 1) ^ (0 - (n & 1)));
    return SLUICE_OK;
}

static int get_int(reader_t *r, int64_t *out) {
    int status = get_long(r, out);

    if (status == SLUICE_OK && (*out < INT32_MIN || *out > INT32_MAX))
        return avro_bad(r, "Invalid int encoding");
    return status;
}

static int get_slice(reader_t *r, int64_t len, sluice_str_t *out) {
    if (len < 0)
        return avro_bad(r, "Malformed data. Length is negative");
    if (len > r->end - r->at)
        return too_short(r);
    *out = sluice_str_n((const char *)r->at, (size_t)len);
    r->at += len;
    return SLUICE_OK;
}

static int get_bytes(reader_t *r, sluice_str_t *out) {
    int64_t len;
    int status = get_long(r, &len);

    return status == SLUICE_OK ? get_slice(r, len, out) : status;
}

static uint64_t little_endian(const char *bytes, int n) {
    uint64_t bits = 0;

    while (n-- > 0)
        bits = bits << 8 | (uint8_t)bytes[n];
    return bits;
}

static int get_float(reader_t *r, sluice_value_t *out) {
    sluice_str_t s;
    uint32_t bits;
    float f;
    int status = get_slice(r, 4, &s);

    if (status != SLUICE_OK)
        return status;
    bits = (uint32_t)little_endian(s.data, 4);
    memcpy(&f, &bits, sizeof(f));
    *out = sluice_float(SLUICE_FLOAT32, (double)f);
    return SLUICE_OK;
}

static int get_double(reader_t *r, sluice_value_t *out) {
    sluice_str_t s;
    uint64_t bits;
    double d;
    int status = get_slice(r, 8, &s);

    if (status != SLUICE_OK)
        return status;
    bits = little_endian(s.data, 8);
    memcpy(&d, &bits, sizeof(d));
    *out = sluice_float(SLUICE_FLOAT64, d);
    return SLUICE_OK;
}

/* Text as Java reads it: what is no UTF-8 becomes U+FFFD. */
static int get_text(reader_t *r, sluice_value_t *out) {
    charset_t utf8 = {.utf8 = 1};
    sluice_buf_t buf;
    sluice_str_t s;
    int status = get_bytes(r, &s);

    if (status != SLUICE_OK)
        return status;
    if (!charset_is_plain(&utf8, s)) {
        r->api->buf_init(&buf, r->arena, s.len + 16);
        charset_read(&utf8, s, &buf);
        s = r->api->buf_finish(&buf);
        if (s.data == NULL)
            return SLUICE_NO_MEMORY;
    }
    *out = sluice_text(SLUICE_STRING, s);
    return SLUICE_OK;
}

/* ---- arrays and maps come in blocks ---- */

typedef struct items {
    sluice_value_t *values;
    uint32_t count; /* values */
    uint32_t cap;
} items_t;

static int make_room(reader_t *r, items_t *items, int64_t more) {
    uint64_t need = (uint64_t)items->count + (uint64_t)more;
    uint64_t cap = need > 2 * (uint64_t)items->cap ? need : 2 * (uint64_t)items->cap;
    sluice_value_t *values;

    if (need <= items->cap)
        return SLUICE_OK;
    if (cap > UINT32_MAX)
        return avro_bad(r, "an array or map of more than 4 GiB items");
    values = r->api->batch_alloc(r->arena, cap * sizeof(*values));
    if (values == NULL)
        return SLUICE_NO_MEMORY;
    if (items->count > 0)
        memcpy(values, items->values, items->count * sizeof(*values));
    items->values = values;
    items->cap = (uint32_t)cap;
    return SLUICE_OK;
}

/* The number of items in the next block; 0: there is none. least: bytes that an item takes. */
static int get_block(reader_t *r, uint32_t least, int64_t *count) {
    int64_t size;
    int status = get_long(r, count);

    if (status == SLUICE_OK && *count < 0) {
        if (*count == INT64_MIN)
            return avro_bad(r, "Malformed data. Length is negative");
        *count = -*count;
        status = get_long(r, &size);
    }
    if (status != SLUICE_OK)
        return status;
    if (least == 0 ? *count > EMPTY_ITEMS_MAX : *count > (r->end - r->at) / (int64_t)least)
        return too_short(r);
    return SLUICE_OK;
}

static int decode_entry(reader_t *r, const avro_dec_t *dec, sluice_value_t *pair) {
    int key_first = dec->size == 0;
    int status = decode(r, key_first ? dec->key : dec->value, &pair[key_first ? 0 : 1]);

    if (status == SLUICE_OK)
        status = decode(r, key_first ? dec->value : dec->key, &pair[key_first ? 1 : 0]);
    return status;
}

static int decode_item(reader_t *r, const avro_dec_t *dec, sluice_value_t *at) {
    int status;

    if (dec->op == DEC_ENTRIES)
        return decode_entry(r, dec, at);
    if (dec->op == DEC_ARRAY)
        return decode(r, dec->value, at);
    status = get_text(r, at);
    return status == SLUICE_OK ? decode(r, dec->value, at + 1) : status;
}

static int decode_items(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    uint32_t step = dec->op == DEC_ARRAY ? 1 : 2;
    uint32_t least = dec->value->least + (dec->op == DEC_MAP ? 1 : 0) +
                     (dec->op == DEC_ENTRIES ? dec->key->least : 0);
    items_t items = {NULL, 0, 0};
    int64_t count = 0, i;
    int status;

    do {
        status = get_block(r, least, &count);
        if (status == SLUICE_OK)
            status = make_room(r, &items, count * step);
        for (i = 0; status == SLUICE_OK && i < count; i++) {
            status = decode_item(r, dec, &items.values[items.count]);
            items.count += step;
        }
        if (least == 0 && items.count > EMPTY_ITEMS_MAX)
            return avro_bad(r, "an array of too many empty items");
    } while (status == SLUICE_OK && count > 0);
    out->kind = dec->op == DEC_ARRAY ? SLUICE_ARRAY : SLUICE_MAP;
    out->len = items.count / step;
    out->as.items = items.values;
    return status;
}

/* ---- structs ---- */

static sluice_struct_t *new_struct(reader_t *r, const sluice_schema_t *schema) {
    size_t size = sizeof(sluice_struct_t) + schema->field_count * sizeof(sluice_value_t);
    sluice_struct_t *st = r->api->batch_alloc(r->arena, size);

    if (st != NULL) {
        memset(st, 0, size);
        st->schema = schema;
    }
    return st;
}

static int decode_struct(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    sluice_struct_t *st = new_struct(r, dec->schema);
    uint32_t i;
    int status = SLUICE_OK;

    if (st == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < dec->part_count && status == SLUICE_OK; i++)
        status = decode(r, dec->parts[i], &st->fields[i]);
    out->kind = SLUICE_STRUCT;
    out->len = dec->part_count;
    out->as.st = st;
    return status;
}

static int get_branch(reader_t *r, uint32_t count, uint32_t *branch) {
    int64_t n;
    int status = get_int(r, &n);

    if (status == SLUICE_OK && (n < 0 || n >= count))
        return avro_bad(r, "a union's index is out of its bounds");
    *branch = status == SLUICE_OK ? (uint32_t)n : 0;
    return status;
}

static int decode_union(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    sluice_struct_t *st;
    uint32_t branch;
    int status = get_branch(r, dec->part_count, &branch);

    if (status != SLUICE_OK || dec->parts[branch] == NULL)
        return status; /* null */
    st = new_struct(r, dec->schema);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    out->kind = SLUICE_STRUCT;
    out->len = dec->schema->field_count;
    out->as.st = st;
    return decode(r, dec->parts[branch], &st->fields[dec->slots[branch]]);
}

static int decode_maybe(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    uint32_t branch;
    int status = get_branch(r, dec->node->branch_count, &branch);

    if (status != SLUICE_OK || dec->node->branches[branch]->type == AVRO_NULL)
        return status;
    return decode(r, dec->value, out);
}

/* ---- scalars ---- */

static int decode_int(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    int64_t n;
    int status = dec->node->type == AVRO_LONG ? get_long(r, &n) : get_int(r, &n);

    if (status != SLUICE_OK)
        return status;
    if (dec->kind == SLUICE_INT8)
        n = (int8_t)n;
    else if (dec->kind == SLUICE_INT16)
        n = (int16_t)n;
    *out = sluice_int((sluice_kind_t)dec->kind, n);
    return SLUICE_OK;
}

static int decode_date(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    int64_t n;
    int status = dec->op == DEC_TIMESTAMP ? get_long(r, &n) : get_int(r, &n);

    if (status == SLUICE_OK && dec->op == DEC_TIME && (n < 0 || n > DAY_MS))
        return bad(r, "org.apache.kafka.connect.errors.DataException",
                   "Time values must use number of milliseconds greater than 0 and less than "
                   "86400000");
    if (status == SLUICE_OK)
        *out = sluice_int(SLUICE_DATE, dec->op == DEC_DATE ? n * DAY_MS : n);
    return status;
}

static int decode_decimal(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    sluice_str_t bytes, text;
    int status =
        dec->node->type == AVRO_FIXED ? get_slice(r, dec->size, &bytes) : get_bytes(r, &bytes);

    if (status != SLUICE_OK)
        return status;
    if (bytes.len == 0)
        return bad(r, "java.lang.NumberFormatException", "Zero length BigInteger");
    status = r->api->decimal_from_bytes(r->arena, bytes, dec->scale, &text);
    if (status == SLUICE_OK)
        *out = sluice_text(SLUICE_DECIMAL, text);
    return status == SLUICE_OK || status == SLUICE_NO_MEMORY
               ? status
               : avro_bad(r, "the bytes of a decimal make no number");
}

static int decode_enum(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    int64_t n;
    int status = get_int(r, &n);

    if (status == SLUICE_OK && (n < 0 || n >= dec->node->symbol_count))
        return avro_bad(r, "an enum's index is out of its bounds");
    if (status == SLUICE_OK)
        *out = sluice_text(SLUICE_STRING, dec->node->symbols[n]);
    return status;
}

static int decode_bytes(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    sluice_str_t bytes;
    int status = dec->op == DEC_FIXED ? get_slice(r, dec->size, &bytes) : get_bytes(r, &bytes);

    if (status == SLUICE_OK)
        *out = sluice_text(SLUICE_BYTES, bytes);
    return status;
}

/* ---- without a schema ---- */

static int decode_anything(reader_t *r, sluice_value_t *out);

static int any_items(reader_t *r, int map, sluice_value_t *out) {
    uint32_t step = map ? 2 : 1;
    items_t items = {NULL, 0, 0};
    int64_t count = 0, i;
    int status;

    do {
        status = get_block(r, 9 * step, &count);
        if (status == SLUICE_OK)
            status = make_room(r, &items, count * step);
        for (i = 0; status == SLUICE_OK && i < count * step; i++)
            status = decode_anything(r, &items.values[items.count++]);
    } while (status == SLUICE_OK && count > 0);
    out->kind = map ? SLUICE_MAP : SLUICE_ARRAY;
    out->len = items.count / step;
    out->as.items = items.values;
    return status;
}

static int any_field(reader_t *r, int field, sluice_value_t *out) {
    sluice_str_t bytes;
    int64_t n = 0;
    int status;

    switch (field) {
    case 0:
        if (r->at == r->end)
            return too_short(r);
        *out = sluice_int(SLUICE_BOOLEAN, *r->at++ == 1);
        return SLUICE_OK;
    case 1:
        status = get_bytes(r, &bytes);
        if (status == SLUICE_OK)
            *out = sluice_text(SLUICE_BYTES, bytes);
        return status;
    case 2: return get_double(r, out);
    case 3: return get_float(r, out);
    case 4:
        status = get_int(r, &n);
        *out = sluice_int(SLUICE_INT32, n);
        return status;
    case 5:
        status = get_long(r, &n);
        *out = sluice_int(SLUICE_INT64, n);
        return status;
    case 6: return get_text(r, out);
    default: return any_items(r, field == 8, out);
    }
}

/* The first field that is set is the value. */
static int decode_anything(reader_t *r, sluice_value_t *out) {
    sluice_value_t other;
    uint32_t set;
    int i, found = 0;
    int status = SLUICE_OK;

    *out = sluice_null();
    if (r->depth++ > AVRO_DEPTH_MAX)
        return avro_bad(r, "a value is nested too deep");
    for (i = 0; i < 9 && status == SLUICE_OK; i++) {
        status = get_branch(r, 2, &set);
        if (status != SLUICE_OK || set == 0)
            continue;
        other = sluice_null();
        status = any_field(r, i, found ? &other : out);
        found = 1;
    }
    r->depth--;
    return status;
}

/* ---- any value ---- */

static int decode(reader_t *r, const avro_dec_t *dec, sluice_value_t *out) {
    *out = sluice_null();
    switch (dec->op) {
    case DEC_BOOLEAN:
        if (r->at == r->end)
            return too_short(r);
        *out = sluice_int(SLUICE_BOOLEAN, *r->at++ == 1);
        return SLUICE_OK;
    case DEC_INT:
    case DEC_LONG: return decode_int(r, dec, out);
    case DEC_FLOAT: return get_float(r, out);
    case DEC_DOUBLE: return get_double(r, out);
    case DEC_BYTES:
    case DEC_FIXED: return decode_bytes(r, dec, out);
    case DEC_STRING: return get_text(r, out);
    case DEC_ENUM: return decode_enum(r, dec, out);
    case DEC_DECIMAL: return decode_decimal(r, dec, out);
    case DEC_DATE:
    case DEC_TIME:
    case DEC_TIMESTAMP: return decode_date(r, dec, out);
    case DEC_STRUCT: return decode_struct(r, dec, out);
    case DEC_MAYBE: return decode_maybe(r, dec, out);
    case DEC_UNION: return decode_union(r, dec, out);
    case DEC_ANYTHING: return decode_anything(r, out);
    case DEC_NOTHING: return SLUICE_OK;
    default: return decode_items(r, dec, out);
    }
}

/* Bytes alone are not led by their length: they are the whole of the record. */
static int decode_whole(reader_t *r, const avro_dec_t *dec, sluice_str_t bytes,
                        sluice_value_t *value) {
    sluice_str_t text;
    int status;

    if (dec->op != DEC_DECIMAL) {
        *value = sluice_text(SLUICE_BYTES, bytes);
        return SLUICE_OK;
    }
    if (bytes.len == 0)
        return bad(r, "java.lang.NumberFormatException", "Zero length BigInteger");
    status = r->api->decimal_from_bytes(r->arena, bytes, dec->scale, &text);
    *value = status == SLUICE_OK ? sluice_text(SLUICE_DECIMAL, text) : sluice_null();
    return status;
}

int avro_decode(const sluice_api_t *api, const avro_dec_t *dec, sluice_batch_t *arena,
                sluice_str_t bytes, sluice_value_t *value, avro_trouble_t *trouble) {
    reader_t r = {.api = api, .arena = arena, .trouble = trouble};

    r.at = (const uint8_t *)bytes.data;
    r.end = r.at + bytes.len;
    *value = sluice_null();
    if (dec->node->type == AVRO_BYTES)
        return decode_whole(&r, dec, bytes, value);
    return decode(&r, dec, value);
}
