/*
 * The value-to-key transform: a new key of some fields of the value, as with Kafka Connect's
 * ValueToKey.
 */
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/smt.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "fields",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Field names on the record value to extract as the record key."},
    CONNECT_NULL_OPTION,
};

typedef struct to_key {
    smt_t smt;
    smt_list_t fields;
} to_key_t;

typedef struct plan {
    smt_plan_t head;
    uint32_t at[]; /* of each field in the value */
} plan_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_list(api, ctx, "fields");
    return SLUICE_OK;
}

static int configure(void *self) {
    to_key_t *t = self;
    int status = SLUICE_OK;

    t->fields = smt_keep_list(&t->smt, "fields", &status);
    return status;
}

static int key_of_map(to_key_t *t, apply_t *a, sluice_record_t *r) {
    smt_map_t map;
    size_t i;
    int status = smt_require_map(&t->smt, &r->value);

    if (status == SLUICE_OK)
        status = smt_map_init(&t->smt, a, NULL, t->fields.count, &map);
    if (status != SLUICE_OK)
        return status;
    for (i = 0; i < t->fields.count; i++) {
        const sluice_value_t *v = smt_map_get(&r->value, t->fields.items[i]);
        sluice_value_t *to = smt_map_place(&map, t->fields.items[i]);

        if (v != NULL)
            *to = *v;
    }
    smt_map_end(&map, &r->key);
    r->key_schema = NULL;
    return APPLY_CHANGED;
}

static plan_t *make_plan(to_key_t *t, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan) + t->fields.count * sizeof(plan->at[0]));
    smt_builder_t b;
    size_t i;

    if (plan == NULL)
        return NULL;
    smt_builder_init(&b, &t->smt, SLUICE_STRUCT);
    for (i = 0; i < t->fields.count && b.status == SLUICE_OK; i++) {
        const sluice_str_t name = t->fields.items[i];
        int32_t at = t->smt.api->schema_field(from, name);

        if (at < 0) {
            b.status = smt_fail(&t->smt, DATA_EXCEPTION, "Field does not exist: %.*s",
                                (int)name.len, name.data);
            break;
        }
        plan->at[i] = (uint32_t)at;
        smt_builder_field(&b, name, from->fields[at].schema);
    }
    plan->head.to = smt_builder_build(&b);
    if (plan->head.to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&t->smt, from, &plan->head);
    return plan;
}

static int key_of_struct(to_key_t *t, apply_t *a, sluice_record_t *r) {
    const sluice_struct_t *value = r->value.as.st;
    plan_t *plan;
    sluice_struct_t *st;
    uint32_t i;

    if (smt_require_struct(&t->smt, &r->value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = (plan_t *)smt_plan_of(&t->smt, value->schema);
    if (plan == NULL && (plan = make_plan(t, value->schema)) == NULL)
        return SLUICE_BAD_RECORD;
    st = smt_struct(&t->smt, a, plan->head.to);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < t->fields.count; i++)
        if (smt_put(&t->smt, st, i,
                    smt_field(&t->smt, &value->fields[plan->at[i]],
                              st->schema->fields[i].schema)) != SLUICE_OK)
            return SLUICE_BAD_RECORD;
    r->key = smt_struct_value(st);
    r->key_schema = plan->head.to;
    return APPLY_CHANGED;
}

static int to_key_record(void *self, apply_t *a, sluice_record_t *r) {
    to_key_t *t = self;

    return r->value_schema == NULL ? key_of_map(t, a, r) : key_of_struct(t, a, r);
}

static const smt_class_t to_key_class = {.size = sizeof(to_key_t),
                                         .purpose = "copying fields from value to key",
                                         .configure = configure,
                                         .apply = to_key_record};
SMT_DEFINE(to_key_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("value-to-key", "ValueToKey", "Replaces the key by some fields of the value.",
               options, check, smt_on_value),
};

SLUICE_DEFINE_MODULE("value-to-key", SLUICE_VERSION, "Apache-2.0", plugins);
