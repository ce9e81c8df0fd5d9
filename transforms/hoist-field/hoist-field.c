/*
 * The hoist-field transforms: the key, or the value, becomes the only field of a struct, or member
 * of a map when it has no schema, as with Kafka Connect's HoistField.
 */
#include "support/connect/builder.h"
#include "support/connect/map.h"
#include "support/connect/smt.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "field",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_MEDIUM,
     .doc = "Field name for the single field that will be created in the resulting Struct or Map."},
};

typedef struct hoist {
    smt_t smt;
    sluice_str_t field;
} hoist_t;

static int configure(void *self) {
    hoist_t *h = self;
    int status = SLUICE_OK;

    h->field = smt_keep(&h->smt, h->smt.api->config_text(h->smt.ctx, "field"), &status);
    return status;
}

static const smt_plan_t *make_plan(hoist_t *h, const sluice_schema_t *from) {
    smt_plan_t *plan = calloc(1, sizeof(*plan));
    smt_builder_t b;

    if (plan == NULL)
        return NULL;
    smt_builder_init(&b, &h->smt, SLUICE_STRUCT);
    smt_builder_field(&b, h->field, from);
    plan->to = smt_builder_build(&b);
    if (plan->to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&h->smt, from, plan);
    return plan;
}

static int hoist_to_map(hoist_t *h, apply_t *a, sluice_value_t *value) {
    smt_map_t map;
    int status = smt_map_init(&h->smt, a, NULL, 1, &map);

    if (status != SLUICE_OK)
        return status;
    smt_map_put(&map, h->field, value);
    smt_map_end(&map, value);
    return APPLY_CHANGED;
}

static int hoist_record(void *self, apply_t *a, sluice_record_t *r) {
    hoist_t *h = self;
    smt_side_t side = smt_side(&h->smt, r);
    const smt_plan_t *plan;
    sluice_struct_t *st;

    if (*side.schema == NULL)
        return hoist_to_map(h, a, side.value);
    plan = smt_plan_of(&h->smt, *side.schema);
    if (plan == NULL && (plan = make_plan(h, *side.schema)) == NULL)
        return SLUICE_BAD_RECORD;
    st = smt_struct(&h->smt, a, plan->to);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    if (smt_put(&h->smt, st, 0, side.value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    *side.value = smt_struct_value(st);
    *side.schema = plan->to;
    return APPLY_CHANGED;
}

static const smt_class_t hoist_class = {
    .size = sizeof(hoist_t), .configure = configure, .apply = hoist_record};
SMT_DEFINE(hoist_class);
SMT_DEFINE_KEY(hoist_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("hoist-field", "HoistField$Value", "Wraps the value into a struct or map.", options,
               NULL, smt_on_value),
    SMT_PLUGIN("hoist-field-key", "HoistField$Key", "Wraps the key into a struct or map.", options,
               NULL, smt_on_key),
};

SLUICE_DEFINE_MODULE("hoist-field", SLUICE_VERSION, "Apache-2.0", plugins);
