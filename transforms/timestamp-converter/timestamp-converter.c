/*
 * The timestamp-converter transforms: a time of the key, or of the value, becomes a text, a number
 * or another of Connect's types of time, as with Kafka Connect's TimestampConverter.
 */
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/smt.h"
#include "times.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "field",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "",
     .importance = SLUICE_HIGH,
     .doc = "The field containing the timestamp, or empty if the entire value is a timestamp"},
    {.name = "target.type",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "The desired timestamp representation: string, unix, Date, Time, or Timestamp"},
    {.name = "format",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "",
     .importance = SLUICE_MEDIUM,
     .doc = "A SimpleDateFormat-compatible format for the timestamp. Used to generate the output "
            "when type=string or used to parse the input if the input is a string."},
    {.name = "unix.precision",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "milliseconds",
     .importance = SLUICE_LOW,
     .doc = "The desired Unix precision for the timestamp: seconds, milliseconds, microseconds, or "
            "nanoseconds. Used to generate the output when type=unix or used to parse the input if "
            "the input is a Long. Note: This SMT will cause precision loss during conversions "
            "from, and to, values with sub-millisecond components."},
    CONNECT_NULL_OPTION,
};

typedef struct converter {
    smt_t smt;
    times_t times;
    sluice_str_t field;                /* len 0: the whole */
    const sluice_schema_t *targets[2]; /* of a required, an optional time; referenced */
} converter_t;

typedef struct plan {
    smt_plan_t head;
    int64_t at; /* index of the field; -1: there is none */
} plan_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_one_of(api, ctx, "target.type", times_names);
    connect_check_one_of(api, ctx, "unix.precision", times_precisions);
    return SLUICE_OK;
}

static int configure(void *self) {
    converter_t *c = self;
    int i, status = times_init(&c->times, &c->smt);

    c->field = smt_keep(&c->smt, c->smt.api->config_text(c->smt.ctx, "field"), &status);
    for (i = 0; i < 2 && status == SLUICE_OK; i++) {
        c->targets[i] = times_schema(c->smt.api, c->times.target, i);
        status = c->targets[i] == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
    }
    return status;
}

static void release(void *self) {
    converter_t *c = self;

    c->smt.api->schema_unref(c->targets[0]);
    c->smt.api->schema_unref(c->targets[1]);
    times_fini(&c->times);
}

/* ---- without a schema ---- */

static int convert_schemaless(converter_t *c, apply_t *a, sluice_value_t *value) {
    smt_map_t map;
    int status;

    if (value->kind == SLUICE_NULL || c->field.len == 0) {
        status = times_convert(&c->times, a, NULL, value);
        return status == SLUICE_OK ? APPLY_CHANGED : status;
    }
    status = smt_require_map(&c->smt, value);
    if (status == SLUICE_OK)
        status = smt_map_edit(&c->smt, a, value, 1, &map);
    if (status == SLUICE_OK)
        status = times_convert(&c->times, a, NULL, smt_map_place(&map, c->field));
    if (status != SLUICE_OK)
        return status;
    smt_map_end(&map, value);
    return APPLY_CHANGED;
}

/* ---- with a schema ---- */

static int convert_struct(converter_t *c, apply_t *a, int64_t at, const sluice_schema_t *to,
                          sluice_value_t *value) {
    const sluice_struct_t *old = value->as.st;
    sluice_struct_t *st = smt_struct(&c->smt, a, to);
    uint32_t i;

    if (st == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < old->schema->field_count; i++) {
        const sluice_schema_t *from = old->schema->fields[i].schema;
        sluice_value_t v = *smt_field(&c->smt, &old->fields[i], from);

        if ((i == at && times_convert(&c->times, a, from, &v) != SLUICE_OK) ||
            smt_put(&c->smt, st, i, &v) != SLUICE_OK)
            return SLUICE_BAD_RECORD;
    }
    *value = smt_struct_value(st);
    return SLUICE_OK;
}

/* The default of the struct follows: converted under the schema that has none yet. */
static void convert_default(converter_t *c, apply_t *a, const plan_t *plan, smt_builder_t *b,
                            const sluice_value_t *from, sluice_value_t *memory) {
    const sluice_schema_t *bare;

    if (from == NULL || from->kind != SLUICE_STRUCT || b->status != SLUICE_OK)
        return;
    b->schema.fields = b->fields;
    bare = smt_builder_own(b, c->smt.api->schema_intern(&b->schema));
    if (bare == NULL)
        return;
    *memory = *from;
    b->status = convert_struct(c, a, plan->at, bare, memory);
    smt_builder_default(b, memory);
}

static plan_t *make_plan(converter_t *c, apply_t *a, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan));
    sluice_value_t value;
    smt_builder_t b;
    uint32_t i;

    if (plan == NULL)
        return NULL;
    plan->at = -1;
    smt_builder_init(&b, &c->smt, SLUICE_STRUCT);
    smt_builder_copy(&b, from);
    b.status = smt_require_fields(&c->smt, from);
    for (i = 0; b.status == SLUICE_OK && i < from->field_count; i++) {
        const sluice_schema_t *of = from->fields[i].schema;

        if (sluice_str_eq(from->fields[i].name, c->field)) {
            plan->at = i;
            of = c->targets[of->optional != 0];
        }
        smt_builder_field(&b, from->fields[i].name, of);
    }
    b.schema.optional = from->optional;
    convert_default(c, a, plan, &b, from->default_value, &value);
    plan->head.to = smt_builder_build(&b);
    if (plan->head.to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&c->smt, from, &plan->head);
    return plan;
}

static int convert_field(converter_t *c, apply_t *a, smt_side_t side) {
    plan_t *plan;

    if (side.value->kind != SLUICE_NULL && smt_require_struct(&c->smt, side.value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = (plan_t *)smt_plan_of(&c->smt, *side.schema);
    if (plan == NULL && (plan = make_plan(c, a, *side.schema)) == NULL)
        return SLUICE_BAD_RECORD;
    if (side.value->kind == SLUICE_STRUCT &&
        convert_struct(c, a, plan->at, plan->head.to, side.value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    *side.schema = plan->head.to;
    return APPLY_CHANGED;
}

static int convert_whole(converter_t *c, apply_t *a, smt_side_t side) {
    const sluice_schema_t *to = c->targets[(*side.schema)->optional != 0];
    int status = times_check_schema(&c->times, *side.schema);

    if (status == SLUICE_OK)
        status = times_convert(&c->times, a, *side.schema, side.value);
    *side.schema = to;
    return status == SLUICE_OK ? APPLY_CHANGED : status;
}

static int convert_record(void *self, apply_t *a, sluice_record_t *r) {
    converter_t *c = self;
    smt_side_t side = smt_side(&c->smt, r);

    if (*side.schema == NULL)
        return convert_schemaless(c, a, side.value);
    return c->field.len == 0 ? convert_whole(c, a, side) : convert_field(c, a, side);
}

static const smt_class_t converter_class = {.size = sizeof(converter_t),
                                            .purpose = "converting timestamp formats",
                                            .configure = configure,
                                            .release = release,
                                            .apply = convert_record};
SMT_DEFINE(converter_class);
SMT_DEFINE_KEY(converter_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("timestamp-converter", "TimestampConverter$Value",
               "Converts a time of the value between text, number and types of time.", options,
               check, smt_on_value),
    SMT_PLUGIN("timestamp-converter-key", "TimestampConverter$Key",
               "Converts a time of the key between text, number and types of time.", options, check,
               smt_on_key),
};

SLUICE_DEFINE_MODULE("timestamp-converter", SLUICE_VERSION, "Apache-2.0", plugins);
