#include "json.h"

#include "support/java.h"

#define DAY_MS      86400000
#define FAST_DIGITS 18 /* decimal digits that always fit int64 */

static inline void put(sluice_buf_t *buf, const char *text) {
    sluice_buf_put(buf, text, strlen(text));
}

static int wrong_class(converter_t *c, const plan_t *plan, const sluice_value_t *v) {
    if (plan->op == SLUICE_BYTES)
        return data_fault(c, "Invalid type for bytes type: class %s", java_class_name(v));
    return data_fault(c, "Invalid type for %s: class %s", java_type_name(plan->schema->type),
                      java_class_name(v));
}

static inline void write_int(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    if ((v->flags & SLUICE_TEXT) != 0)
        sluice_buf_put(buf, v->as.s, v->len);
    else
        api->json->write_int(buf, v->as.i);
}

/* Numbers that JSON has not (NaN, infinities) are texts. */
static void write_float_text(sluice_buf_t *buf, const sluice_value_t *v) {
    char last = v->len == 0 ? '"' : v->as.s[v->len - 1];

    if (last >= '0' && last <= '9') {
        sluice_buf_put(buf, v->as.s, v->len);
        return;
    }
    sluice_buf_put_char(buf, '"');
    sluice_buf_put(buf, v->as.s, v->len);
    sluice_buf_put_char(buf, '"');
}

static void write_float(const sluice_api_t *api, sluice_buf_t *buf, const sluice_value_t *v) {
    if ((v->flags & SLUICE_TEXT) != 0)
        write_float_text(buf, v);
    else if (v->kind == SLUICE_FLOAT32)
        api->json->write_float(buf, (float)v->as.f);
    else
        api->json->write_double(buf, v->as.f);
}

static inline void write_bytes(const sluice_api_t *api, sluice_buf_t *buf, sluice_str_t bytes) {
    sluice_buf_put_char(buf, '"');
    api->json->write_base64(buf, bytes);
    sluice_buf_put_char(buf, '"');
}

/* ---- logical types ---- */

/* The unscaled value of plain decimal text of few digits; 0 when it takes the long way. */
static int small_decimal(sluice_str_t text, int64_t *unscaled, int32_t *scale) {
    size_t i = text.len > 0 && text.data[0] == '-';
    int negative = i == 1;
    size_t point = text.len;
    int64_t n = 0;

    if (text.len - i > FAST_DIGITS + (memchr(text.data, '.', text.len) != NULL))
        return 0;
    for (; i < text.len; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9')
            n = n * 10 + (text.data[i] - '0');
        else if (text.data[i] == '.' && point == text.len)
            point = i;
        else
            return 0;
    }
    *unscaled = negative ? -n : n;
    *scale = point == text.len ? 0 : (int32_t)(text.len - point - 1);
    return 1;
}

/* The shortest two's complement of n, at the end of out. */
static sluice_str_t small_bytes(int64_t n, uint8_t out[8]) {
    size_t skip = 0;

    sluice_put_be64(out, (uint64_t)n);
    while (skip < 7 && ((out[skip] == 0 && out[skip + 1] < 0x80) ||
                        (out[skip] == 0xff && out[skip + 1] >= 0x80)))
        skip++;
    return sluice_str_n((const char *)out + skip, 8 - skip);
}

static int check_scale(converter_t *c, const plan_t *plan, int32_t scale) {
    if (plan->scale_fault == SCALE_MISSING)
        return data_fault(c, "Invalid Decimal schema: scale parameter not found.");
    if (plan->scale_fault == SCALE_WRONG)
        return data_fault(c, "Invalid scale parameter found in Decimal schema: ");
    if (scale != plan->scale)
        return data_fault(c,
                          "Decimal value has mismatching scale for given Decimal schema. "
                          "Schema has scale %d, value has scale %d.",
                          plan->scale, scale);
    return SLUICE_OK;
}

/* Memory for the bytes comes from a batch of their own: the result's is in use by its text. */
static int write_large_decimal(converter_t *c, const plan_t *plan, sluice_str_t text,
                               sluice_buf_t *buf) {
    sluice_batch_t *scratch = c->api->batch_new(c->ctx, text.len);
    sluice_str_t bytes;
    int32_t scale = 0;
    int status;

    if (scratch == NULL)
        return memory_fault(c);
    status = c->api->decimal_to_bytes(scratch, text, &bytes, &scale);
    if (status == SLUICE_INVALID)
        status = data_fault(c, "Invalid type for Decimal, not a decimal: %.*s", (int)text.len,
                            text.data);
    else if (status == SLUICE_OK)
        status = check_scale(c, plan, scale);
    if (status == SLUICE_OK)
        write_bytes(c->api, buf, bytes);
    c->api->batch_unref(scratch);
    return status;
}

static int write_decimal(converter_t *c, const plan_t *plan, const sluice_value_t *v,
                         sluice_buf_t *buf) {
    sluice_str_t text = sluice_value_str(v);
    uint8_t bytes[8];
    int64_t unscaled;
    int32_t scale;
    int status;

    if (v->kind != SLUICE_DECIMAL)
        return data_fault(c, "Invalid type for Decimal, expected BigDecimal but was class %s",
                          java_class_name(v));
    if (c->numeric) {
        sluice_buf_put_str(buf, text);
        return SLUICE_OK;
    }
    if (!small_decimal(text, &unscaled, &scale))
        return write_large_decimal(c, plan, text, buf);
    status = check_scale(c, plan, scale);
    if (status == SLUICE_OK)
        write_bytes(c->api, buf, small_bytes(unscaled, bytes));
    return status;
}

static int write_date(converter_t *c, const plan_t *plan, const sluice_value_t *v,
                      sluice_buf_t *buf) {
    static const char *const names[] = {"Date", "Time", "Timestamp"};
    int64_t ms;

    if (v->kind != SLUICE_DATE)
        return data_fault(c, "Invalid type for %s, expected Date but was class %s",
                          names[plan->op - LOGICAL_DATE], java_class_name(v));
    ms = sluice_value_int(v);
    if (plan->op == LOGICAL_TIMESTAMP) {
        write_int(c->api, buf, v);
        return SLUICE_OK;
    }
    if (plan->op == LOGICAL_DATE && ms % DAY_MS != 0)
        return data_fault(c, "Kafka Connect Date type should not have any time fields set to "
                             "non-zero values.");
    if (plan->op == LOGICAL_TIME && (ms < 0 || ms > DAY_MS))
        return data_fault(c, "Kafka Connect Time type should not have any date fields set to "
                             "non-zero values.");
    /* days past int32 wrap, as Java's do */
    c->api->json->write_int(buf, plan->op == LOGICAL_DATE ? (int32_t)(ms / DAY_MS) : ms);
    return SLUICE_OK;
}

/* ---- containers ---- */

/* Lists and maps that were read from text may have members without a schema (plan NULL). */
static int write_element(converter_t *c, const plan_t *plan, const sluice_value_t *v,
                         sluice_buf_t *buf) {
    return plan == NULL ? write_schemaless(c, v, buf) : write_value(c, plan, v, buf);
}

static int write_array(converter_t *c, const plan_t *member, const sluice_value_t *v,
                       sluice_buf_t *buf) {
    uint32_t i;
    int status;

    sluice_buf_put_char(buf, '[');
    for (i = 0; i < v->len; i++) {
        if (i > 0)
            sluice_buf_put_char(buf, ',');
        status = write_element(c, member, &v->as.items[i], buf);
        if (status != SLUICE_OK)
            return status;
    }
    sluice_buf_put_char(buf, ']');
    return SLUICE_OK;
}

/* The name of a member: a null key is the text null, or its default. */
static int write_key(converter_t *c, const plan_t *plan, const sluice_value_t *key,
                     sluice_buf_t *buf) {
    if (!sluice_is_null(key) || plan->null_text.data == NULL || plan->null_text.data[0] == '"')
        return write_value(c, plan, key, buf);
    put(buf, "\"null\"");
    return SLUICE_OK;
}

static int write_map(converter_t *c, const plan_t *plan, const sluice_value_t *v,
                     sluice_buf_t *buf) {
    int object = plan->key != NULL && plan->key->schema->type == SLUICE_STRING;
    uint32_t i;
    int status;

    if (plan->key == NULL)
        return write_schemaless(c, v, buf);
    sluice_buf_put_char(buf, object ? '{' : '[');
    for (i = 0; i < v->len; i++) {
        put(buf, i == 0 ? (object ? "" : "[") : (object ? "," : ",["));
        status = object ? write_key(c, plan->key, &v->as.items[2 * i], buf)
                        : write_value(c, plan->key, &v->as.items[2 * i], buf);
        sluice_buf_put_char(buf, object ? ':' : ',');
        if (status == SLUICE_OK)
            status = write_element(c, plan->value, &v->as.items[2 * i + 1], buf);
        if (status != SLUICE_OK)
            return status;
        put(buf, object ? "" : "]");
    }
    sluice_buf_put_char(buf, object ? '}' : ']');
    return SLUICE_OK;
}

/* Most heads are short: a copy of fixed size costs less than a call of memcpy. */
static inline void put_head(sluice_buf_t *buf, sluice_str_t head) {
    if (head.len > HEAD_PADDING || sluice_buf_reserve(buf, HEAD_PADDING) != SLUICE_OK) {
        sluice_buf_put_str(buf, head);
        return;
    }
    memcpy(buf->data + buf->len, head.data, HEAD_PADDING);
    buf->len += head.len;
}

static int write_fields(converter_t *c, const plan_t *plan, const sluice_struct_t *st,
                        sluice_buf_t *buf) {
    const plan_field_t *f = plan->fields;
    uint32_t i;
    int status;

    if (plan->schema->field_count == 0)
        sluice_buf_put_char(buf, '{');
    for (i = 0; i < plan->schema->field_count; i++, f++) {
        put_head(buf, f->head);
        status = write_value(c, f->plan, &st->fields[i], buf);
        if (status != SLUICE_OK)
            return status;
    }
    sluice_buf_put_char(buf, '}');
    return SLUICE_OK;
}

static char *room_for_text(converter_t *c, const plan_t *plan) {
    size_t before = c->api->batch_bytes(plan->memory);
    char *text = c->api->batch_alloc(plan->memory, SHARED_TEXT_MAX);

    c->api->charge(c->ctx, (int64_t)(c->api->batch_bytes(plan->memory) - before));
    return text;
}

static void keep_text(converter_t *c, const plan_t *plan, const sluice_buf_t *buf, size_t from) {
    shared_text_t *shared = plan->shared;
    size_t len = buf->len - from;

    if (buf->status != SLUICE_OK || len > SHARED_TEXT_MAX)
        return;
    if (shared->text == NULL)
        shared->text = room_for_text(c, plan);
    if (shared->text == NULL)
        return;
    memcpy(shared->text, buf->data + from, len);
    shared->len = len;
}

static int write_struct(converter_t *c, const plan_t *plan, const sluice_value_t *v,
                        sluice_buf_t *buf) {
    const sluice_struct_t *st = v->as.st;
    shared_text_t *shared = plan->shared;
    size_t from = buf->len;
    int again = c->arena != 0 && shared->of == st && shared->arena == c->arena;
    int status;

    if (st->schema != plan->schema)
        return data_fault(c, "Mismatching schema.");
    if (again && shared->len > 0) {
        sluice_buf_put(buf, shared->text, shared->len);
        return SLUICE_OK;
    }
    shared->of = st;
    shared->arena = c->arena;
    shared->len = 0;
    status = write_fields(c, plan, st, buf);
    if (again && status == SLUICE_OK)
        keep_text(c, plan, buf, from);
    return status;
}

/* ---- any value ---- */

static int write_container(converter_t *c, const plan_t *plan, const sluice_value_t *v,
                           sluice_buf_t *buf) {
    if (plan->op == SLUICE_STRUCT)
        return write_struct(c, plan, v, buf);
    if (plan->op == SLUICE_ARRAY)
        return write_array(c, plan->value, v, buf);
    return write_map(c, plan, v, buf);
}

static inline void write_scalar(const sluice_api_t *api, const sluice_value_t *v,
                                sluice_buf_t *buf) {
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_BOOLEAN: put(buf, sluice_value_int(v) != 0 ? "true" : "false"); break;
    case SLUICE_INT8:
    case SLUICE_INT16:
    case SLUICE_INT32:
    case SLUICE_INT64: write_int(api, buf, v); break;
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: write_float(api, buf, v); break;
    case SLUICE_STRING: api->json->write_string(buf, sluice_value_str(v)); break;
    case SLUICE_BYTES: write_bytes(api, buf, sluice_value_str(v)); break;
    default: put(buf, "null"); break;
    }
}

int write_value(converter_t *c, const plan_t *plan, const sluice_value_t *v, sluice_buf_t *buf) {
    if (v->kind == SLUICE_NULL) {
        if (plan->null_text.data == NULL)
            return data_fault(c, "Conversion error: null value for field that is required and has "
                                 "no default value");
        sluice_buf_put_str(buf, plan->null_text);
        return SLUICE_OK;
    }
    if (plan->op >= LOGICAL_DECIMAL)
        return plan->op == LOGICAL_DECIMAL ? write_decimal(c, plan, v, buf)
                                           : write_date(c, plan, v, buf);
    if (v->kind != plan->op)
        return wrong_class(c, plan, v);
    if (plan->op >= SLUICE_ARRAY)
        return write_container(c, plan, v, buf);
    write_scalar(c->api, v, buf);
    return SLUICE_OK;
}

/* ---- without a schema ---- */

/* A map whose keys are not all texts. */
static int write_pairs(converter_t *c, const sluice_value_t *v, sluice_buf_t *buf) {
    int status = SLUICE_OK;
    uint32_t i;

    sluice_buf_put_char(buf, '[');
    for (i = 0; i < 2 * v->len && status == SLUICE_OK; i++) {
        put(buf, i == 0 ? "[" : i % 2 == 1 ? "," : "],[");
        status = write_schemaless(c, &v->as.items[i], buf);
    }
    put(buf, "]]");
    return status;
}

/* Keeps a name that was written as it is, and is short. */
static void keep_name(name_text_t *known, sluice_str_t name, const sluice_buf_t *buf, size_t from) {
    known->len = 0;
    if (buf->status != SLUICE_OK || buf->len - from != name.len + NAME_MARKS ||
        name.len + NAME_MARKS > HEAD_PADDING)
        return;
    memcpy(known->text, buf->data + from, name.len + NAME_MARKS);
    known->len = (uint32_t)name.len;
}

/* A member's name between its marks: mostly the one that stood there in the document before. */
static inline void write_name(converter_t *c, char mark, sluice_str_t name, sluice_buf_t *buf) {
    name_text_t *known = &c->names[c->name++ % NAMES];
    size_t from = buf->len;

    if (known->len != 0 && known->len == name.len &&
        sluice_bytes_eq(known->text + 2, name.data, name.len) &&
        sluice_buf_reserve(buf, HEAD_PADDING) == SLUICE_OK) {
        memcpy(buf->data + from, known->text, HEAD_PADDING);
        buf->data[from] = mark;
        buf->len += name.len + NAME_MARKS;
        return;
    }
    sluice_buf_put_char(buf, mark);
    c->api->json->write_string(buf, name);
    sluice_buf_put_char(buf, ':');
    keep_name(known, name, buf, from);
}

static int write_free_map(converter_t *c, const sluice_value_t *v, sluice_buf_t *buf) {
    const sluice_value_t *item = v->as.items; /* may be NULL when there are none */
    const size_t from = buf->len;
    uint32_t left;
    int status = SLUICE_OK;
    char mark = '{';

    if (v->len == 0)
        sluice_buf_put_char(buf, mark);
    for (left = v->len; left > 0 && status == SLUICE_OK; left--, item += 2, mark = ',') {
        if (item->kind != SLUICE_STRING) { /* then it is no object */
            buf->len = from;
            return write_pairs(c, v, buf);
        }
        write_name(c, mark, sluice_value_str(item), buf);
        if (item[1].kind <= SLUICE_BYTES)
            write_scalar(c->api, &item[1], buf);
        else
            status = write_schemaless(c, &item[1], buf);
    }
    sluice_buf_put_char(buf, '}');
    return status;
}

/* Connect has no schema type for a BigDecimal or Date by itself. An integer past int64, which the
 * reader gives as a decimal where Java's wraps around, goes out as it came in. */
static int write_free_decimal(converter_t *c, const sluice_value_t *v, sluice_buf_t *buf) {
    sluice_str_t text = sluice_value_str(v);
    size_t digits = text.len - (text.len > 0 && text.data[0] == '-');
    int whole =
        memchr(text.data, '.', text.len) == NULL && memchr(text.data, 'E', text.len) == NULL;

    if (!whole || digits < 19)
        return data_fault(c,
                          "Java class class java.math.Big%s does not have corresponding schema "
                          "type.",
                          whole ? "Integer" : "Decimal");
    sluice_buf_put_str(buf, text);
    return SLUICE_OK;
}

int write_schemaless(converter_t *c, const sluice_value_t *v, sluice_buf_t *buf) {
    switch ((sluice_kind_t)v->kind) {
    case SLUICE_MAP: return write_free_map(c, v, buf);
    case SLUICE_ARRAY: return write_array(c, NULL, v, buf);
    case SLUICE_STRUCT: return data_fault(c, "Mismatching schema.");
    case SLUICE_DECIMAL: return write_free_decimal(c, v, buf);
    case SLUICE_DATE:
        return data_fault(c, "Java class class java.util.Date does not have corresponding schema "
                             "type.");
    default: write_scalar(c->api, v, buf); return SLUICE_OK;
    }
}
