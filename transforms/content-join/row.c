/*
 * Form of a row: for each field
 *   u8 kind of the value, u8 type of its schema (0: schemaless), u8 has_version, i32 version,
 *   name, u32 number of parameters, then key and value of each,
 *   and the value: nothing (NULL), i64, f64, or text.
 * Texts are a u32 length and the bytes; numbers in the machine's order (state never leaves its
 * machine).
 */
#include "content_join.h"

/* ---- writing ---- */

static void put_raw(sluice_buf_t *b, const void *data, size_t n) {
    sluice_buf_put(b, data, n);
}

static void put_u8(sluice_buf_t *b, uint8_t n) {
    put_raw(b, &n, sizeof(n));
}

static void put_u32(sluice_buf_t *b, uint32_t n) {
    put_raw(b, &n, sizeof(n));
}

static void put_text(sluice_buf_t *b, sluice_str_t s) {
    put_u32(b, (uint32_t)s.len);
    put_raw(b, s.data, s.len);
}

static void put_schema(sluice_buf_t *b, const sluice_schema_t *s) {
    uint32_t i;

    put_u8(b, s != NULL ? s->type : 0);
    put_u8(b, s != NULL ? s->has_version : 0);
    put_u32(b, s != NULL ? (uint32_t)s->version : 0);
    put_text(b, s != NULL ? s->name : sluice_str_n("", 0));
    put_u32(b, s != NULL ? s->param_count : 0);
    for (i = 0; s != NULL && i < s->param_count; i++) {
        put_text(b, s->params[i].key);
        put_text(b, s->params[i].value);
    }
}

static void put_value(sluice_buf_t *b, const sluice_value_t *v) {
    int64_t n = 0;

    if (v->kind == SLUICE_NULL)
        return;
    if (v->kind == SLUICE_STRING || v->kind == SLUICE_BYTES || v->kind == SLUICE_DECIMAL) {
        put_text(b, sluice_value_str(v));
    } else if ((v->kind == SLUICE_FLOAT32 || v->kind == SLUICE_FLOAT64) &&
               !(v->flags & SLUICE_TEXT)) {
        put_raw(b, &v->as.f, sizeof(v->as.f));
    } else if (v->flags & SLUICE_TEXT) {
        put_text(b, sluice_value_str(v));
    } else {
        n = v->as.i;
        put_raw(b, &n, sizeof(n));
    }
}

static int is_scalar(const sluice_value_t *v) {
    return v->kind < SLUICE_ARRAY || v->kind > SLUICE_STRUCT;
}

sluice_str_t join_row_encode(const sluice_api_t *api, sluice_batch_t *scratch,
                             const join_fields_t *fields, const sluice_value_t *row) {
    static const sluice_value_t none = {SLUICE_NULL, 0, 0, 0, {0}};
    sluice_buf_t b;
    uint32_t i;

    api->buf_init(&b, scratch, 256);
    for (i = 0; i < fields->count; i++) {
        const sluice_schema_t *schema = NULL;
        const sluice_value_t *v = value_field(row, fields->from[i], &schema);

        if (v == NULL ||
            !is_scalar(v)) /* a field that is missing, or that a join can't carry, is null */
            v = &none;
        put_u8(&b, v->kind);
        put_u8(&b, v->flags);
        put_schema(&b, schema);
        put_value(&b, v);
    }
    return api->buf_finish(&b);
}

/* ---- reading: rows come from our own file; a short one ends in nulls ---- */

struct reader {
    const char *at;
    const char *end;
};

static void get_raw(struct reader *r, void *out, size_t n) {
    if ((size_t)(r->end - r->at) < n) {
        memset(out, 0, n);
        r->at = r->end;
        return;
    }
    memcpy(out, r->at, n);
    r->at += n;
}

static uint8_t get_u8(struct reader *r) {
    uint8_t n;

    get_raw(r, &n, sizeof(n));
    return n;
}

static uint32_t get_u32(struct reader *r) {
    uint32_t n;

    get_raw(r, &n, sizeof(n));
    return n;
}

static sluice_str_t get_text(struct reader *r) {
    uint32_t n = get_u32(r);
    sluice_str_t s = {r->at, n};

    if ((size_t)(r->end - r->at) < n)
        s.len = (size_t)(r->end - r->at);
    r->at += s.len;
    return s;
}

enum { MAX_PARAMS = 16 };

/* An optional schema as stored; *schema is replaced when it differs. */
static int get_schema(const sluice_api_t *api, struct reader *r, const sluice_schema_t **schema) {
    sluice_param_t params[MAX_PARAMS];
    sluice_schema_t t = {.size = sizeof(t), .optional = 1};
    const sluice_schema_t *found;
    uint32_t n;
    uint32_t i;

    t.type = get_u8(r);
    t.has_version = get_u8(r);
    t.version = (int32_t)get_u32(r);
    t.name = get_text(r);
    if (t.name.len == 0)
        t.name.data = NULL;
    n = get_u32(r);
    for (i = 0; i < n; i++) {
        sluice_param_t p = {get_text(r), {NULL, 0}};

        p.value = get_text(r);
        if (i < MAX_PARAMS)
            params[t.param_count++] = p;
    }
    if (t.type == 0)
        return SLUICE_OK;
    t.params = params;
    found = api->schema_intern(&t);
    if (found == NULL)
        return SLUICE_NO_MEMORY;
    api->schema_unref(*schema);
    *schema = found;
    return SLUICE_OK;
}

static int get_value(const sluice_api_t *api, sluice_batch_t *batch, struct reader *r, uint8_t kind,
                     uint8_t flags, sluice_value_t *v) {
    *v = sluice_null();
    if (kind == SLUICE_NULL)
        return SLUICE_OK;
    if (kind == SLUICE_STRING || kind == SLUICE_BYTES || kind == SLUICE_DECIMAL ||
        (flags & SLUICE_TEXT)) {
        sluice_str_t s = api->batch_copy(batch, get_text(r));

        if (s.data == NULL)
            return SLUICE_NO_MEMORY;
        *v = sluice_text((sluice_kind_t)kind, s);
        v->flags = flags;
    } else if (kind == SLUICE_FLOAT32 || kind == SLUICE_FLOAT64) {
        v->kind = kind;
        get_raw(r, &v->as.f, sizeof(v->as.f));
    } else {
        v->kind = kind;
        get_raw(r, &v->as.i, sizeof(v->as.i));
    }
    return SLUICE_OK;
}

int join_row_decode(const sluice_api_t *api, sluice_batch_t *batch, join_fields_t *fields,
                    sluice_str_t row, sluice_value_t *values) {
    struct reader r = {row.data, row.data + row.len};
    uint32_t i;

    for (i = 0; i < fields->count; i++) {
        uint8_t kind = get_u8(&r);
        uint8_t flags = get_u8(&r);
        int rc = get_schema(api, &r, &fields->schema[i]);

        if (rc == SLUICE_OK)
            rc = get_value(api, batch, &r, kind, flags, &values[i]);
        if (rc != SLUICE_OK)
            return rc;
    }
    return SLUICE_OK;
}

int join_row_default_schemas(const sluice_api_t *api, join_fields_t *fields) {
    const sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING, .optional = 1};
    uint32_t i;

    for (i = 0; i < fields->count; i++) {
        if (fields->schema[i] == NULL && (fields->schema[i] = api->schema_intern(&text)) == NULL)
            return SLUICE_NO_MEMORY;
    }
    return SLUICE_OK;
}
