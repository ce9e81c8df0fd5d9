#include "runtime/serial.h"

#include "record/batch.h"
#include "record/schema.h"
#include "runtime/serial_int.h"
#include <stdlib.h>

typedef struct reader {
    const char *at;
    const char *end;
    int status; /* sticky */
    int depth;
    const sluice_schema_t **schemas;
    uint32_t schema_count;
    sluice_batch_t *batch;
} reader_t;

static void damaged(reader_t *r) {
    if (r->status == SLUICE_OK)
        r->status = SLUICE_INVALID;
}

static void get(reader_t *r, void *out, size_t len) {
    if (r->status != SLUICE_OK || (size_t)(r->end - r->at) < len) {
        damaged(r);
        memset(out, 0, len);
        return;
    }
    memcpy(out, r->at, len);
    r->at += len;
}

static uint8_t get_u8(reader_t *r) {
    uint8_t n;

    get(r, &n, 1);
    return n;
}

static uint32_t get_u32(reader_t *r) {
    uint32_t n;

    get(r, &n, 4);
    return n;
}

static int64_t get_i64(reader_t *r) {
    int64_t n;

    get(r, &n, 8);
    return n;
}

/* A count of things that take at least `each` bytes: more than the text can hold is damage. */
static uint32_t get_count(reader_t *r, size_t each) {
    uint32_t n = get_u32(r);

    if (n > (size_t)(r->end - r->at) / each) {
        damaged(r);
        return 0;
    }
    return n;
}

static sluice_str_t get_text(reader_t *r) {
    uint32_t len = get_u32(r);
    sluice_str_t s = {NULL, 0};

    if (r->status != SLUICE_OK || len == SL_SERIAL_NULL)
        return s;
    if (len > (size_t)(r->end - r->at)) {
        damaged(r);
        return s;
    }
    s = sluice_str_n(r->at, len);
    r->at += len;
    return s;
}

static const sluice_schema_t *get_schema(reader_t *r) {
    uint32_t n = get_u32(r);

    if (n == 0)
        return NULL;
    if (n > r->schema_count) {
        damaged(r);
        return NULL;
    }
    return r->schemas[n - 1];
}

static void *get_room(reader_t *r, size_t size) {
    void *room = r->status == SLUICE_OK ? sl_batch_alloc(r->batch, size + 1) : NULL;

    if (room == NULL && r->status == SLUICE_OK)
        r->status = SLUICE_NO_MEMORY;
    return room;
}

static void get_value(reader_t *r, sluice_value_t *v);

static void get_items(reader_t *r, sluice_value_t *v) {
    uint32_t i, n = get_count(r, 2);
    uint32_t values = v->kind == SLUICE_MAP ? n * 2 : n;
    sluice_value_t *items = get_room(r, (size_t)values * sizeof(*items));

    for (i = 0; i < values && r->status == SLUICE_OK; i++)
        get_value(r, &items[i]);
    v->len = n;
    v->as.items = items;
}

static void get_struct(reader_t *r, sluice_value_t *v) {
    const sluice_schema_t *schema = get_schema(r);
    sluice_struct_t *st;
    uint32_t i;

    if (schema == NULL || schema->type != SLUICE_STRUCT) {
        damaged(r);
        return;
    }
    st = get_room(r, sizeof(*st) + schema->field_count * sizeof(st->fields[0]));
    if (st == NULL)
        return;
    st->schema = schema;
    for (i = 0; i < schema->field_count; i++)
        get_value(r, &st->fields[i]);
    v->len = schema->field_count;
    v->as.st = st;
}

static void get_text_value(reader_t *r, sluice_value_t *v) {
    sluice_str_t s = get_text(r);

    v->as.s = s.data;
    v->len = (uint32_t)s.len;
    if (s.data == NULL)
        damaged(r);
}

/* A list or a struct is never kept as text. */
static int is_known(const sluice_value_t *v) {
    return v->kind <= SLUICE_DATE &&
           ((v->flags & SLUICE_TEXT) == 0 || (v->kind != SLUICE_NULL && v->kind != SLUICE_ARRAY &&
                                              v->kind != SLUICE_MAP && v->kind != SLUICE_STRUCT));
}

static void get_value(reader_t *r, sluice_value_t *v) {
    memset(v, 0, sizeof(*v));
    if (++r->depth > SL_SERIAL_DEPTH)
        damaged(r);
    v->kind = get_u8(r);
    v->flags = get_u8(r);
    if (r->status != SLUICE_OK || !is_known(v))
        damaged(r);
    else if ((v->flags & SLUICE_TEXT) != 0 || v->kind == SLUICE_STRING ||
             v->kind == SLUICE_BYTES || v->kind == SLUICE_DECIMAL)
        get_text_value(r, v);
    else if (v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64)
        get(r, &v->as.f, 8);
    else if (v->kind == SLUICE_ARRAY || v->kind == SLUICE_MAP)
        get_items(r, v);
    else if (v->kind == SLUICE_STRUCT)
        get_struct(r, v);
    else if (v->kind != SLUICE_NULL)
        v->as.i = get_i64(r);
    r->depth--;
}

static void get_params(reader_t *r, sluice_schema_t *s) {
    uint32_t i;
    sluice_param_t *params;

    s->param_count = get_count(r, 8);
    params = get_room(r, s->param_count * sizeof(*params));
    for (i = 0; i < s->param_count && r->status == SLUICE_OK; i++) {
        params[i].key = get_text(r);
        params[i].value = get_text(r);
    }
    s->params = params;
}

static void get_fields(reader_t *r, sluice_schema_t *s) {
    uint32_t i;
    sluice_field_t *fields;

    s->field_count = get_count(r, 8);
    fields = get_room(r, s->field_count * sizeof(*fields));
    for (i = 0; i < s->field_count && r->status == SLUICE_OK; i++) {
        fields[i].name = get_text(r);
        fields[i].schema = get_schema(r);
        if (fields[i].schema == NULL)
            damaged(r);
    }
    s->fields = fields;
}

static const sluice_schema_t *read_schema(reader_t *r) {
    sluice_schema_t s;
    sluice_value_t value;
    const sluice_schema_t *interned;

    memset(&s, 0, sizeof(s));
    s.size = sizeof(s);
    s.type = get_u8(r);
    s.optional = get_u8(r);
    s.has_version = get_u8(r);
    get(r, &s.version, 4);
    s.name = get_text(r);
    s.doc = get_text(r);
    get_params(r, &s);
    s.key_schema = get_schema(r);
    s.value_schema = get_schema(r);
    get_fields(r, &s);
    if (get_u8(r) != 0) {
        get_value(r, &value);
        s.default_value = &value;
    }
    if (r->status != SLUICE_OK)
        return NULL;
    interned = sl_schema_intern(&s);
    if (interned == NULL)
        r->status = SLUICE_NO_MEMORY;
    return interned;
}

static void read_schemas(reader_t *r) {
    uint32_t i, count = get_count(r, 30);

    r->schemas = calloc((size_t)count + 1, sizeof(const sluice_schema_t *));
    if (r->schemas == NULL)
        r->status = SLUICE_NO_MEMORY;
    for (i = 0; i < count && r->status == SLUICE_OK; i++) {
        r->schemas[i] = read_schema(r);
        if (r->schemas[i] != NULL)
            r->schema_count++;
        if (r->status == SLUICE_OK)
            r->status = sl_batch_keep_schema(r->batch, r->schemas[i]);
    }
}

static void read_headers(reader_t *r, sluice_record_t *record) {
    uint32_t i, count = get_count(r, 10);
    sluice_header_t *headers = get_room(r, count * sizeof(*headers));

    for (i = 0; i < count && r->status == SLUICE_OK; i++) {
        headers[i].key = get_text(r);
        headers[i].schema = get_schema(r);
        get_value(r, &headers[i].value);
    }
    record->header_count = count;
    record->headers = headers;
}

static void read_record(reader_t *r) {
    sluice_record_t copy;
    sluice_record_t *record;

    memset(&copy, 0, sizeof(copy));
    copy.topic = get_text(r);
    get(r, &copy.partition, 4);
    copy.source_partition = get_u32(r);
    copy.timestamp = get_i64(r);
    copy.timestamp_type = get_u8(r);
    copy.flags = get_u8(r);
    get(r, &copy.position, sizeof(copy.position));
    copy.sub_index = get_u32(r);
    get(r, &copy.original_partition, 4);
    copy.original_offset = get_i64(r);
    copy.original_topic = get_text(r);
    copy.offset = get_text(r);
    copy.key_schema = get_schema(r);
    copy.value_schema = get_schema(r);
    get_value(r, &copy.key);
    get_value(r, &copy.value);
    read_headers(r, &copy);
    if (copy.position.len > SLUICE_POSITION_MAX)
        damaged(r);
    if (r->status != SLUICE_OK)
        return;
    record = sl_batch_add(r->batch);
    if (record == NULL)
        r->status = SLUICE_NO_MEMORY;
    else
        *record = copy;
}

static void read_marks(reader_t *r) {
    uint32_t i, count = get_count(r, 44);
    sluice_mark_t *marks = get_room(r, count * sizeof(*marks));

    for (i = 0; i < count && r->status == SLUICE_OK; i++) {
        marks[i].source_partition = get_u32(r);
        marks[i].sub_index = get_u32(r);
        get(r, &marks[i].position, sizeof(marks[i].position));
        marks[i].offset = get_text(r);
        if (marks[i].position.len > SLUICE_POSITION_MAX)
            damaged(r);
    }
    if (r->status == SLUICE_OK && r->at != r->end)
        damaged(r);
    if (r->status == SLUICE_OK)
        r->status = sl_batch_seal(r->batch);
    if (r->status == SLUICE_OK)
        r->status = sl_batch_set_marks(r->batch, marks, count);
}

static void end_schemas(reader_t *r) {
    uint32_t i;

    for (i = 0; i < r->schema_count; i++)
        sl_schema_unref(r->schemas[i]);
    free(r->schemas);
}

int sl_serial_read(char *data, size_t len, sluice_batch_t **out) {
    reader_t r = {.at = data, .end = data + len, .batch = sl_batch_create(0)};
    uint32_t i, count;

    *out = NULL;
    if (r.batch == NULL || sl_batch_pin(r.batch, len, free, data) != SLUICE_OK) {
        free(data);
        sl_batch_unref(r.batch);
        return SLUICE_NO_MEMORY;
    }
    read_schemas(&r);
    count = get_count(&r, 50);
    for (i = 0; i < count && r.status == SLUICE_OK; i++)
        read_record(&r);
    read_marks(&r);
    end_schemas(&r);
    if (r.status != SLUICE_OK) {
        sl_batch_unref(r.batch);
        return r.status;
    }
    *out = r.batch;
    return SLUICE_OK;
}
