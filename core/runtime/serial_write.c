#include "runtime/serial.h"

#include "base/heapbuf.h"
#include "record/batch.h"
#include "runtime/serial_int.h"
#include <stdlib.h>

/* The schemas met so far: by id, in the order in which they are written. */
typedef struct table {
    const sluice_schema_t **slots;
    uint32_t *index;
    size_t cap; /* power of two */
    uint32_t count;
    sluice_buf_t *out;
} table_t;

static void put(sluice_buf_t *out, const void *data, size_t len) {
    sluice_buf_put(out, data, len);
}

static void put_u8(sluice_buf_t *out, uint8_t n) {
    put(out, &n, 1);
}

static void put_u32(sluice_buf_t *out, uint32_t n) {
    put(out, &n, 4);
}

static void put_i64(sluice_buf_t *out, int64_t n) {
    put(out, &n, 8);
}

static void put_text(sluice_buf_t *out, sluice_str_t s) {
    put_u32(out, s.data != NULL ? (uint32_t)s.len : SL_SERIAL_NULL);
    if (s.data != NULL)
        put(out, s.data, s.len);
}

static size_t slot_of(const table_t *t, const sluice_schema_t *schema) {
    size_t i = (size_t)(schema->id * 0x9e3779b97f4a7c15u) & (t->cap - 1);

    while (t->slots[i] != NULL && t->slots[i] != schema)
        i = (i + 1) & (t->cap - 1);
    return i;
}

static int grow(table_t *t) {
    table_t bigger = *t;
    size_t i;

    bigger.cap = t->cap != 0 ? t->cap * 2 : 32;
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    bigger.index = calloc(bigger.cap, sizeof(*bigger.index));
    if (bigger.slots == NULL || bigger.index == NULL) {
        free(bigger.slots);
        free(bigger.index);
        return SLUICE_NO_MEMORY;
    }
    for (i = 0; i < t->cap; i++) {
        size_t at;
        if (t->slots[i] == NULL)
            continue;
        at = slot_of(&bigger, t->slots[i]);
        bigger.slots[at] = t->slots[i];
        bigger.index[at] = t->index[i];
    }
    free(t->slots);
    free(t->index);
    *t = bigger;
    return SLUICE_OK;
}

/* 1 + the index of a schema that was collected, 0 for none. */
static uint32_t reference(const table_t *t, const sluice_schema_t *schema) {
    return schema == NULL ? 0 : 1 + t->index[slot_of(t, schema)];
}

static void put_value(const table_t *t, const sluice_value_t *v) {
    sluice_buf_t *out = t->out;
    uint32_t i, n = v->kind == SLUICE_MAP ? v->len * 2 : v->len;

    put_u8(out, v->kind);
    put_u8(out, v->flags);
    if ((v->flags & SLUICE_TEXT) != 0 || v->kind == SLUICE_STRING || v->kind == SLUICE_BYTES ||
        v->kind == SLUICE_DECIMAL) {
        put_text(out, sluice_value_str(v));
    } else if (v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64) {
        put(out, &v->as.f, 8);
    } else if (v->kind == SLUICE_ARRAY || v->kind == SLUICE_MAP) {
        put_u32(out, v->len);
        for (i = 0; i < n; i++)
            put_value(t, &v->as.items[i]);
    } else if (v->kind == SLUICE_STRUCT) {
        put_u32(out, reference(t, v->as.st->schema));
        for (i = 0; i < v->as.st->schema->field_count; i++)
            put_value(t, &v->as.st->fields[i]);
    } else if (v->kind != SLUICE_NULL) {
        put_i64(out, v->as.i);
    }
}

static void put_schema(const table_t *t, const sluice_schema_t *s) {
    sluice_buf_t *out = t->out;
    int32_t version = s->version;
    uint32_t i;

    put_u8(out, s->type);
    put_u8(out, s->optional);
    put_u8(out, s->has_version);
    put(out, &version, 4);
    put_text(out, s->name);
    put_text(out, s->doc);
    put_u32(out, s->param_count);
    for (i = 0; i < s->param_count; i++) {
        put_text(out, s->params[i].key);
        put_text(out, s->params[i].value);
    }
    put_u32(out, reference(t, s->key_schema));
    put_u32(out, reference(t, s->value_schema));
    put_u32(out, s->field_count);
    for (i = 0; i < s->field_count; i++) {
        put_text(out, s->fields[i].name);
        put_u32(out, reference(t, s->fields[i].schema));
    }
    put_u8(out, s->default_value != NULL);
    if (s->default_value != NULL)
        put_value(t, s->default_value);
}

static int collect_value(table_t *t, const sluice_value_t *v);

/* Writes a schema behind those that it is made of, once. */
static int collect(table_t *t, const sluice_schema_t *s) {
    uint32_t i;
    size_t at;
    int status;

    if (s == NULL)
        return SLUICE_OK;
    if ((t->count + 1) * 2 > t->cap && grow(t) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (t->slots[slot_of(t, s)] != NULL)
        return SLUICE_OK;
    status = collect(t, s->key_schema);
    if (status == SLUICE_OK)
        status = collect(t, s->value_schema);
    for (i = 0; i < s->field_count && status == SLUICE_OK; i++)
        status = collect(t, s->fields[i].schema);
    if (status == SLUICE_OK && s->default_value != NULL)
        status = collect_value(t, s->default_value);
    if (status != SLUICE_OK || ((t->count + 1) * 2 > t->cap && grow(t) != SLUICE_OK))
        return SLUICE_NO_MEMORY;
    at = slot_of(t, s);
    t->slots[at] = s;
    t->index[at] = t->count++;
    put_schema(t, s);
    return t->out->status;
}

static int collect_value(table_t *t, const sluice_value_t *v) {
    uint32_t i, n = v->kind == SLUICE_MAP ? v->len * 2 : v->len;
    int status = SLUICE_OK;

    if (v->kind == SLUICE_STRUCT) {
        status = collect(t, v->as.st->schema);
        for (i = 0; i < v->as.st->schema->field_count && status == SLUICE_OK; i++)
            status = collect_value(t, &v->as.st->fields[i]);
    } else if (v->kind == SLUICE_ARRAY || v->kind == SLUICE_MAP) {
        for (i = 0; i < n && status == SLUICE_OK; i++)
            status = collect_value(t, &v->as.items[i]);
    }
    return status;
}

static int collect_record(table_t *t, const sluice_record_t *r) {
    uint32_t i;
    int status = collect(t, r->key_schema);

    if (status == SLUICE_OK)
        status = collect(t, r->value_schema);
    if (status == SLUICE_OK)
        status = collect_value(t, &r->key);
    if (status == SLUICE_OK)
        status = collect_value(t, &r->value);
    for (i = 0; i < r->header_count && status == SLUICE_OK; i++) {
        status = collect(t, r->headers[i].schema);
        if (status == SLUICE_OK)
            status = collect_value(t, &r->headers[i].value);
    }
    return status;
}

static void put_record(const table_t *t, const sluice_record_t *r) {
    sluice_buf_t *out = t->out;
    uint32_t i;

    put_text(out, r->topic);
    put(out, &r->partition, 4);
    put_u32(out, r->source_partition);
    put_i64(out, r->timestamp);
    put_u8(out, r->timestamp_type);
    put_u8(out, r->flags);
    put(out, &r->position, sizeof(r->position));
    put_u32(out, r->sub_index);
    put(out, &r->original_partition, 4);
    put_i64(out, r->original_offset);
    put_text(out, r->original_topic);
    put_text(out, r->offset);
    put_u32(out, reference(t, r->key_schema));
    put_u32(out, reference(t, r->value_schema));
    put_value(t, &r->key);
    put_value(t, &r->value);
    put_u32(out, r->header_count);
    for (i = 0; i < r->header_count; i++) {
        put_text(out, r->headers[i].key);
        put_u32(out, reference(t, r->headers[i].schema));
        put_value(t, &r->headers[i].value);
    }
}

static void put_marks(sluice_buf_t *out, const sluice_mark_t *marks, size_t count) {
    size_t i;

    put_u32(out, (uint32_t)count);
    for (i = 0; i < count; i++) {
        put_u32(out, marks[i].source_partition);
        put_u32(out, marks[i].sub_index);
        put(out, &marks[i].position, sizeof(marks[i].position));
        put_text(out, marks[i].offset);
    }
}

int sl_serial_write(sluice_buf_t *out, sluice_batch_t *batch) {
    size_t i, count, mark_count, count_at = out->len;
    const sluice_record_t *records = sl_batch_records(batch, &count);
    const sluice_mark_t *marks = sl_batch_marks(batch, &mark_count);
    table_t t = {.out = out};
    int status = grow(&t);

    put_u32(out, 0); /* schemas, known at the end */
    for (i = 0; i < count && status == SLUICE_OK; i++)
        status = collect_record(&t, &records[i]);
    if (status == SLUICE_OK && out->status == SLUICE_OK)
        memcpy(out->data + count_at, &t.count, 4);
    put_u32(out, (uint32_t)count);
    for (i = 0; i < count && status == SLUICE_OK; i++)
        put_record(&t, &records[i]);
    put_marks(out, marks, mark_count);
    free(t.slots);
    free(t.index);
    return status != SLUICE_OK ? status : out->status;
}
