/*
 * The set-schema-metadata transforms: another name or version for the schema of the key, or of the
 * value, as Kafka Connect's SetSchemaMetadata. Like that one, they work on schemas of structs only.
 */
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/smt.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "schema.name",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Schema name to set."},
    {.name = "schema.version",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Schema version to set."},
    CONNECT_NULL_OPTION,
};

typedef struct set_schema {
    smt_t smt;
    const char *name;
    int has_version;
    int32_t version;
} set_schema_t;

static int configure(void *self) {
    set_schema_t *s = self;
    const sluice_api_t *api = s->smt.api;

    s->name = api->config_text(s->smt.ctx, "schema.name");
    s->has_version = api->config_text(s->smt.ctx, "schema.version") != NULL;
    s->version = (int32_t)api->config_int(s->smt.ctx, "schema.version");
    if (s->name == NULL && !s->has_version)
        return api->fail(s->smt.ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                         "Neither schema name nor version configured");
    return SLUICE_OK;
}

static const smt_plan_t *make_plan(set_schema_t *s, const sluice_schema_t *from) {
    smt_plan_t *plan;
    sluice_schema_t schema = *from;

    if (smt_require_fields(&s->smt, from) != SLUICE_OK || (plan = calloc(1, sizeof(*plan))) == NULL)
        return NULL;
    schema.size = sizeof(schema);
    schema.id = 0;
    if (s->name != NULL)
        schema.name = sluice_str(s->name);
    if (s->has_version) {
        schema.has_version = 1;
        schema.version = s->version;
    }
    plan->to = s->smt.api->schema_intern(&schema);
    if (plan->to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&s->smt, from, plan);
    return plan;
}

static int copy_struct(set_schema_t *s, apply_t *a, const sluice_schema_t *to,
                       sluice_value_t *value) {
    sluice_struct_t *st = smt_struct(&s->smt, a, to);
    uint32_t i;

    if (st == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < to->field_count; i++)
        if (smt_put(&s->smt, st, i,
                    smt_field(&s->smt, &value->as.st->fields[i], to->fields[i].schema)) !=
            SLUICE_OK)
            return SLUICE_BAD_RECORD;
    *value = smt_struct_value(st);
    return SLUICE_OK;
}

static int set_record(void *self, apply_t *a, sluice_record_t *r) {
    set_schema_t *s = self;
    smt_side_t side = smt_side(&s->smt, r);
    const smt_plan_t *plan;
    int status = SLUICE_OK;

    if (*side.schema == NULL && side.value->kind == SLUICE_NULL)
        return APPLY_SAME;
    if (*side.schema == NULL)
        return smt_fail(&s->smt, DATA_EXCEPTION, "Schema required for [updating schema metadata]");
    plan = smt_plan_of(&s->smt, *side.schema);
    if (plan == NULL && (plan = make_plan(s, *side.schema)) == NULL)
        return SLUICE_BAD_RECORD;
    if (side.value->kind == SLUICE_STRUCT)
        status = copy_struct(s, a, plan->to, side.value);
    *side.schema = plan->to;
    return status == SLUICE_OK ? APPLY_CHANGED : status;
}

static const smt_class_t set_class = {
    .size = sizeof(set_schema_t), .configure = configure, .apply = set_record};
SMT_DEFINE(set_class);
SMT_DEFINE_KEY(set_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("set-schema-metadata", "SetSchemaMetadata$Value",
               "Sets name or version of the value's schema.", options, NULL, smt_on_value),
    SMT_PLUGIN("set-schema-metadata-key", "SetSchemaMetadata$Key",
               "Sets name or version of the key's schema.", options, NULL, smt_on_key),
};

SLUICE_DEFINE_MODULE("set-schema-metadata", SLUICE_VERSION, "Apache-2.0", plugins);
