/*
 * The extract-field transforms: the key, or the value, becomes one of its fields, as with Kafka
 * Connect's ExtractField.
 *
 * A struct's field must be in its schema; a schemaless map without the field gives null. With
 * field.syntax.version V2 the field is a path into nested structs or maps.
 */
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/path.h"
#include "support/connect/smt.h"
#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "field",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_MEDIUM,
     .doc = "Field name to extract."},
    CONNECT_NULL_OPTION,
    CONNECT_PATH_OPTION,
};

typedef struct extract {
    smt_t smt;
    connect_path_t path;
    const char *text;
} extract_t;

/* One for each input schema: the index of the field at each step. */
typedef struct plan {
    smt_plan_t head;
    int unknown; /* there is no such field */
    uint32_t at[];
} plan_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_one_of_any_case(api, ctx, "field.syntax.version", connect_path_versions);
    return SLUICE_OK;
}

static int configure(void *self) {
    extract_t *e = self;
    const sluice_api_t *api = e->smt.api;

    e->text = api->config_text(e->smt.ctx, "field");
    return connect_path_configure(api, e->smt.ctx, "field", &e->path);
}

static void release(void *self) {
    connect_path_fini(&((extract_t *)self)->path);
}

/* ---- schemaless ---- */

static int nested_map(const smt_t *s, const sluice_value_t *v) {
    if (v->kind == SLUICE_MAP)
        return SLUICE_OK;
    return smt_fail(s, DATA_EXCEPTION,
                    "Only Map objects supported in absence of schema for [nested field access], "
                    "found: %s",
                    connect_class_name(v));
}

static int extract_from_map(extract_t *e, sluice_value_t *value) {
    const sluice_value_t *at = value;
    uint32_t i;
    int status = SLUICE_OK;

    if (value->kind == SLUICE_NULL)
        return APPLY_SAME;
    status = smt_require_map(&e->smt, value);
    for (i = 0; status == SLUICE_OK && i < e->path.count; i++) {
        at = smt_map_get(at, e->path.steps[i]);
        if (at == NULL || at->kind == SLUICE_NULL)
            break;
        if (i + 1 < e->path.count)
            status = nested_map(&e->smt, at);
    }
    if (status != SLUICE_OK)
        return status;
    *value = at == NULL ? sluice_null() : *at;
    return APPLY_CHANGED;
}

/* ---- with a schema ---- */

static plan_t *make_plan(extract_t *e, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan) + e->path.count * sizeof(plan->at[0]));
    const sluice_schema_t *at = from;
    uint32_t i;

    if (plan == NULL)
        return NULL;
    for (i = 0; i < e->path.count && !plan->unknown; i++) {
        int32_t field;

        if (at->type != SLUICE_STRUCT) {
            smt_fail(&e->smt, DATA_EXCEPTION, "Cannot look up fields on non-struct type");
            free(plan);
            return NULL;
        }
        field = e->smt.api->schema_field(at, e->path.steps[i]);
        plan->unknown = field < 0;
        plan->at[i] = plan->unknown ? 0 : (uint32_t)field;
        at = plan->unknown ? at : at->fields[field].schema;
    }
    plan->head.to = e->smt.api->schema_ref(at);
    smt_plan_keep(&e->smt, from, &plan->head);
    return plan;
}

/* Fields on the way give their default in place of null, whatever is configured. */
static sluice_value_t walk(const extract_t *e, const plan_t *plan, const sluice_value_t *value) {
    const sluice_value_t *at = value;
    uint32_t i;

    for (i = 0; i < e->path.count && at->kind == SLUICE_STRUCT; i++) {
        const sluice_struct_t *st = at->as.st;
        const sluice_schema_t *schema = st->schema->fields[plan->at[i]].schema;

        at = &st->fields[plan->at[i]];
        at = i + 1 < e->path.count ? smt_or_default(at, schema) : smt_field(&e->smt, at, schema);
    }
    return *at;
}

static int extract_from_struct(extract_t *e, const sluice_schema_t **schema,
                               sluice_value_t *value) {
    plan_t *plan;

    if (value->kind != SLUICE_NULL && smt_require_struct(&e->smt, value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = (plan_t *)smt_plan_of(&e->smt, *schema);
    if (plan == NULL && (plan = make_plan(e, *schema)) == NULL)
        return SLUICE_BAD_RECORD;
    if (plan->unknown)
        return smt_fail(&e->smt, ILLEGAL_ARGUMENT_EXCEPTION, "Unknown field: %s", e->text);
    *value = walk(e, plan, value);
    *schema = plan->head.to;
    return APPLY_CHANGED;
}

static int extract_record(void *self, apply_t *a, sluice_record_t *r) {
    extract_t *e = self;
    smt_side_t side = smt_side(&e->smt, r);

    (void)a;
    if (e->path.count == 0 && side.value->kind != SLUICE_NULL) /* an empty path: Java's words */
        return smt_fail(&e->smt, ILLEGAL_ARGUMENT_EXCEPTION, "fromIndex(0) > toIndex(-1)");
    return *side.schema == NULL ? extract_from_map(e, side.value)
                                : extract_from_struct(e, side.schema, side.value);
}

static const smt_class_t extract_class = {
    .size = sizeof(extract_t),
    .purpose = "field extraction",
    .configure = configure,
    .release = release,
    .apply = extract_record,
};
SMT_DEFINE(extract_class);
SMT_DEFINE_KEY(extract_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("extract-field", "ExtractField$Value", "Replaces the value by one of its fields.",
               options, check, smt_on_value),
    SMT_PLUGIN("extract-field-key", "ExtractField$Key", "Replaces the key by one of its fields.",
               options, check, smt_on_key),
};

SLUICE_DEFINE_MODULE("extract-field", SLUICE_VERSION, "Apache-2.0", plugins);
