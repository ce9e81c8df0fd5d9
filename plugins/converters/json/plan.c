#include "json.h"

#include <stdlib.h>

#define SLOTS_FIRST 16u
#define PLAN_MEMORY 2048u

static plan_t *compile(converter_t *c, sluice_batch_t *memory, const sluice_schema_t *schema,
                       int *status);

uint8_t logical_of(const sluice_schema_t *schema) {
    static const char *const names[] = {
        "org.apache.kafka.connect.data.Decimal",
        "org.apache.kafka.connect.data.Date",
        "org.apache.kafka.connect.data.Time",
        "org.apache.kafka.connect.data.Timestamp",
    };
    uint8_t i;

    if (schema->logical != SLUICE_LOGICAL_NONE)
        return (uint8_t)(LOGICAL_DECIMAL + schema->logical - SLUICE_LOGICAL_DECIMAL);
    for (i = 0; schema->name.data != NULL && i < 4; i++)
        if (sluice_str_eq(schema->name, sluice_str(names[i])))
            return (uint8_t)(LOGICAL_DECIMAL + i);
    return 0;
}

/* Integer.parseInt */
static int parse_scale(sluice_str_t text, int32_t *scale) {
    size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    int64_t n = 0;

    if (i == text.len || text.len > 11)
        return SCALE_WRONG;
    for (; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return SCALE_WRONG;
        n = n * 10 + (text.data[i] - '0');
    }
    n = text.data[0] == '-' ? -n : n;
    *scale = (int32_t)n;
    return n < INT32_MIN || n > INT32_MAX ? SCALE_WRONG : SCALE_OK;
}

int scale_of(const sluice_schema_t *schema, int32_t *scale) {
    uint32_t i;

    for (i = 0; i < schema->param_count; i++)
        if (sluice_str_eq(schema->params[i].key, sluice_str("scale")))
            return parse_scale(schema->params[i].value, scale);
    return SCALE_MISSING;
}

/* Text in the plan's memory. */
static int finish(converter_t *c, sluice_buf_t *buf, int status, sluice_str_t *out) {
    *out = c->api->buf_finish(buf);
    if (status == SLUICE_OK && out->data == NULL)
        status = memory_fault(c);
    return status;
}

static int make_field(converter_t *c, sluice_batch_t *memory, const sluice_field_t *field,
                      int first, plan_field_t *out) {
    char padding[HEAD_PADDING];
    sluice_buf_t buf;
    int status = SLUICE_OK;

    out->plan = compile(c, memory, field->schema, &status);
    if (out->plan == NULL)
        return status;
    c->api->buf_init(&buf, memory, field->name.len + 4);
    sluice_buf_put_char(&buf, first ? '{' : ',');
    c->api->json->write_string(&buf, field->name);
    sluice_buf_put_char(&buf, ':');
    memset(padding, ' ', sizeof(padding));
    sluice_buf_put(&buf, padding, sizeof(padding));
    status = finish(c, &buf, SLUICE_OK, &out->head);
    out->head.len -= sizeof(padding);
    return status;
}

static int make_children(converter_t *c, sluice_batch_t *memory, plan_t *p) {
    const sluice_schema_t *s = p->schema;
    int status = SLUICE_OK;
    uint32_t i;

    if (s->key_schema != NULL && (p->key = compile(c, memory, s->key_schema, &status)) == NULL)
        return status;
    if (s->value_schema != NULL &&
        (p->value = compile(c, memory, s->value_schema, &status)) == NULL)
        return status;
    if (s->type != SLUICE_STRUCT)
        return SLUICE_OK;
    p->fields = c->api->batch_alloc(memory, s->field_count * sizeof(*p->fields) + 1);
    p->shared = c->api->batch_alloc(memory, sizeof(*p->shared));
    if (p->fields == NULL || p->shared == NULL)
        return memory_fault(c);
    memset(p->shared, 0, sizeof(*p->shared));
    for (i = 0; i < s->field_count && status == SLUICE_OK; i++)
        status = make_field(c, memory, &s->fields[i], i == 0, &p->fields[i]);
    return status;
}

/* What a null is written as: the default, null, or nothing at all. */
static int make_null_text(converter_t *c, sluice_batch_t *memory, plan_t *p) {
    sluice_buf_t buf;
    int status;

    if (p->schema->default_value == NULL || !c->replace) {
        p->null_text = p->schema->optional ? sluice_str("null") : sluice_str(NULL);
        return SLUICE_OK;
    }
    c->api->buf_init(&buf, memory, 0);
    status = write_value(c, p, p->schema->default_value, &buf);
    return finish(c, &buf, status, &p->null_text);
}

static plan_t *compile(converter_t *c, sluice_batch_t *memory, const sluice_schema_t *schema,
                       int *status) {
    plan_t *p = c->api->batch_alloc(memory, sizeof(*p));

    if (p == NULL) {
        *status = memory_fault(c);
        return NULL;
    }
    memset(p, 0, sizeof(*p));
    p->schema = schema;
    p->memory = memory;
    p->op = logical_of(schema);
    if (p->op == 0)
        p->op = schema->type;
    if (p->op == LOGICAL_DECIMAL)
        p->scale_fault = (uint8_t)scale_of(schema, &p->scale);
    *status = make_children(c, memory, p);
    if (*status == SLUICE_OK)
        *status = make_null_text(c, memory, p);
    return *status == SLUICE_OK ? p : NULL;
}

/* {"schema":...,"payload": */
static int make_head(converter_t *c, plan_t *p) {
    sluice_buf_t buf;
    int status;

    if (!c->schemas)
        return SLUICE_OK;
    c->api->buf_init(&buf, p->memory, PLAN_MEMORY);
    sluice_buf_put(&buf, "{\"schema\":", 10);
    status = write_schema(c, p, sluice_str(NULL), &buf);
    sluice_buf_put(&buf, ",\"payload\":", 11);
    return finish(c, &buf, status, &p->head);
}

static void free_plan(converter_t *c, plan_t *p) {
    c->api->charge(c->ctx, -(int64_t)c->api->batch_bytes(p->memory));
    c->api->schema_unref(p->schema);
    c->api->batch_unref(p->memory);
}

static plan_t *make_plan(converter_t *c, const sluice_schema_t *schema, int *status) {
    sluice_batch_t *memory = c->api->batch_new(c->ctx, PLAN_MEMORY);
    uint64_t arena = c->arena;
    plan_t *p;

    if (memory == NULL) {
        *status = memory_fault(c);
        return NULL;
    }
    c->arena = 0; /* no texts of shared structs while the plan's memory is being written to */
    p = compile(c, memory, schema, status);
    if (p != NULL)
        *status = make_head(c, p);
    c->arena = arena;
    if (*status != SLUICE_OK) {
        c->api->batch_unref(memory);
        return NULL;
    }
    c->api->schema_ref(schema);
    c->api->charge(c->ctx, (int64_t)c->api->batch_bytes(memory));
    return p;
}

/* ---- cache ---- */

static void empty_cache(converter_t *c) {
    plan_cache_t *cache = &c->plans;
    size_t i;

    for (i = 0; i < cache->slot_count; i++)
        if (cache->slots[i] != NULL)
            free_plan(c, cache->slots[i]);
    free(cache->slots);
    memset(cache, 0, sizeof(*cache));
}

void plan_cache_fini(converter_t *c) {
    empty_cache(c);
}

static plan_t **slot_of(const plan_cache_t *cache, const sluice_schema_t *schema) {
    size_t i = (size_t)(schema->id * 0x9e3779b97f4a7c15u >> 32) & (cache->slot_count - 1);

    while (cache->slots[i] != NULL && cache->slots[i]->schema != schema)
        i = (i + 1) & (cache->slot_count - 1);
    return &cache->slots[i];
}

static int grow_cache(plan_cache_t *cache) {
    plan_cache_t grown = {.slot_count =
                              cache->slot_count == 0 ? SLOTS_FIRST : cache->slot_count * 2};
    size_t i;

    grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
    if (grown.slots == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < cache->slot_count; i++)
        if (cache->slots[i] != NULL)
            *slot_of(&grown, cache->slots[i]->schema) = cache->slots[i];
    free(cache->slots);
    cache->slots = grown.slots;
    cache->slot_count = grown.slot_count;
    return SLUICE_OK;
}

static plan_t *add_plan(converter_t *c, const sluice_schema_t *schema, int *status) {
    plan_cache_t *cache = &c->plans;
    plan_t *p;

    if (cache->count >= c->limit)
        empty_cache(c);
    if (2 * cache->count >= cache->slot_count && grow_cache(cache) != SLUICE_OK) {
        *status = memory_fault(c);
        return NULL;
    }
    p = make_plan(c, schema, status);
    if (p != NULL) {
        *slot_of(cache, schema) = p;
        cache->count++;
    }
    return p;
}

plan_t *plan_of(converter_t *c, const sluice_schema_t *schema, int *status) {
    plan_cache_t *cache = &c->plans;
    plan_t *p = cache->last;

    *status = SLUICE_OK;
    if (p != NULL && p->schema == schema)
        return p;
    p = cache->slot_count == 0 ? NULL : *slot_of(cache, schema);
    if (p == NULL)
        p = add_plan(c, schema, status);
    cache->last = p;
    return p;
}
