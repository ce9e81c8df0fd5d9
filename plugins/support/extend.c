#include "support/extend.h"

#include <stdlib.h>

void extend_cache_init(extend_cache_t *cache, const sluice_api_t *api) {
    memset(cache, 0, sizeof(*cache));
    cache->api = api;
}

static void free_plan(extend_cache_t *cache, extend_plan_t *plan) {
    uint32_t i;

    if (plan == NULL)
        return;
    cache->api->schema_unref(plan->from);
    cache->api->schema_unref(plan->to);
    for (i = 0; i < EXTEND_MAX_FIELDS; i++) /* unused entries are NULL, which unref accepts */
        cache->api->schema_unref(plan->added[i]);
    free(plan);
}

static void retire_plan(extend_cache_t *cache, size_t slot) {
    extend_plan_t *plan = cache->slots[slot];

    if (plan == NULL)
        return;
    plan->next = cache->retired;
    cache->retired = plan;
    cache->slots[slot] = NULL;
}

static void free_retired(extend_cache_t *cache) {
    extend_plan_t *plan;

    while ((plan = cache->retired) != NULL) {
        cache->retired = plan->next;
        free_plan(cache, plan);
    }
}

void extend_cache_fini(extend_cache_t *cache) {
    size_t i;

    free_retired(cache);
    for (i = 0; i < EXTEND_CACHE_SLOTS; i++) {
        free_plan(cache, cache->slots[i]);
        cache->slots[i] = NULL;
    }
}

const sluice_value_t *value_field(const sluice_value_t *value, sluice_str_t name,
                                  const sluice_schema_t **schema) {
    uint32_t i;

    if (schema != NULL)
        *schema = NULL;
    if (value->kind == SLUICE_STRUCT) {
        const sluice_struct_t *st = value->as.st;

        for (i = 0; i < st->schema->field_count; i++) {
            if (!sluice_str_eq(st->schema->fields[i].name, name))
                continue;
            if (schema != NULL)
                *schema = st->schema->fields[i].schema;
            return &st->fields[i];
        }
    }
    for (i = 0; value->kind == SLUICE_MAP && i < value->len; i++) {
        const sluice_value_t *key = &value->as.items[2 * i];

        if (key->kind == SLUICE_STRING && sluice_str_eq(sluice_value_str(key), name))
            return key + 1;
    }
    return NULL;
}

/* ---- structs ---- */

static int plan_fits(const extend_plan_t *plan, const sluice_schema_t *from,
                     const sluice_field_t *fields, uint32_t n) {
    uint32_t i;

    if (plan == NULL || plan->from != from)
        return 0;
    for (i = 0; i < n; i++) {
        if (plan->added[i] != fields[i].schema)
            return 0;
    }
    return 1;
}

/* The extended schema: without the name of the old one, which it no longer is. */
static const sluice_schema_t *extended_schema(extend_plan_t *plan, const sluice_api_t *api,
                                              const sluice_schema_t *from,
                                              const sluice_field_t *fields, uint32_t n) {
    sluice_schema_t template_schema = *from;
    sluice_field_t *all = malloc((from->field_count + n) * sizeof(*all));
    const sluice_schema_t *to;
    uint32_t count = from->field_count;
    uint32_t i;

    if (all == NULL)
        return NULL;
    memcpy(all, from->fields, from->field_count * sizeof(*all));
    for (i = 0; i < n; i++) {
        int32_t known = api->schema_field(from, fields[i].name);

        plan->place[i] = known >= 0 ? (uint32_t)known : count++;
        all[plan->place[i]] = fields[i];
    }
    template_schema.id = 0;
    template_schema.fields = all;
    template_schema.field_count = count;
    template_schema.default_value = NULL;
    to = api->schema_intern(&template_schema);
    free(all);
    return to;
}

static extend_plan_t *plan_for(extend_cache_t *cache, const sluice_schema_t *from,
                               const sluice_field_t *fields, uint32_t n) {
    const sluice_api_t *api = cache->api;
    size_t slot = (size_t)(from->id % EXTEND_CACHE_SLOTS);
    extend_plan_t *plan = cache->slots[slot];
    uint32_t i;

    if (plan_fits(plan, from, fields, n))
        return plan;
    retire_plan(cache, slot);
    plan = calloc(1, sizeof(*plan));
    if (plan == NULL)
        return NULL;
    plan->to = extended_schema(plan, api, from, fields, n);
    if (plan->to == NULL) {
        free(plan);
        return NULL;
    }
    plan->from = api->schema_ref(from);
    for (i = 0; i < n; i++)
        plan->added[i] = api->schema_ref(fields[i].schema);
    cache->slots[slot] = plan;
    return plan;
}

static int extend_struct(extend_cache_t *cache, sluice_batch_t *batch, sluice_record_t *out,
                         const sluice_field_t *fields, const sluice_value_t *values, uint32_t n) {
    const sluice_struct_t *old = out->value.as.st;
    extend_plan_t *plan = plan_for(cache, old->schema, fields, n);
    sluice_struct_t *st;
    uint32_t count;
    uint32_t i;

    if (plan == NULL)
        return SLUICE_NO_MEMORY;
    count = plan->to->field_count;
    st = cache->api->batch_alloc(batch, sizeof(*st) + count * sizeof(st->fields[0]));
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    st->schema = plan->to;
    memcpy(st->fields, old->fields, old->schema->field_count * sizeof(st->fields[0]));
    for (i = 0; i < n; i++)
        st->fields[plan->place[i]] = values[i];
    out->value.as.st = st;
    out->value.len = count;
    out->value_schema = plan->to;
    return SLUICE_OK;
}

/* ---- maps ---- */

static int extend_map(extend_cache_t *cache, sluice_batch_t *batch, sluice_record_t *out,
                      const sluice_field_t *fields, const sluice_value_t *values, uint32_t n) {
    uint32_t count = out->value.len;
    sluice_value_t *items =
        cache->api->batch_alloc(batch, 2 * ((size_t)count + n) * sizeof(*items));
    uint32_t i;

    if (items == NULL)
        return SLUICE_NO_MEMORY;
    if (count > 0)
        memcpy(items, out->value.as.items, 2 * (size_t)count * sizeof(*items));
    for (i = 0; i < n; i++) {
        const sluice_value_t *known = value_field(&out->value, fields[i].name, NULL);
        size_t at = known != NULL ? (size_t)(known - out->value.as.items) - 1 : 2 * (size_t)count++;

        items[at] = sluice_text(SLUICE_STRING, cache->api->batch_copy(batch, fields[i].name));
        if (sluice_is_null(&items[at]))
            return SLUICE_NO_MEMORY;
        items[at + 1] = values[i];
    }
    out->value.as.items = items;
    out->value.len = count;
    return SLUICE_OK;
}

int extend_record(extend_cache_t *cache, sluice_batch_t *batch, sluice_record_t *out,
                  const sluice_field_t *fields, const sluice_value_t *values, uint32_t n) {
    if (n > EXTEND_MAX_FIELDS)
        return SLUICE_INVALID;
    if (cache->batch != batch)
        free_retired(cache);
    cache->batch = batch;
    if (out->value.kind == SLUICE_STRUCT)
        return extend_struct(cache, batch, out, fields, values, n);
    if (out->value.kind == SLUICE_MAP)
        return extend_map(cache, batch, out, fields, values, n);
    return SLUICE_BAD_RECORD;
}
