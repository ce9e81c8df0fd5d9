/*
 * The flatten transforms: nested structs or maps of the key, or of the value, become one level of
 * fields whose names are joined by a delimiter, as with Kafka Connect's Flatten.
 */
#include "support/connect/builder.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/smt.h"
#include "support/java.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "delimiter",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = ".",
     .importance = SLUICE_MEDIUM,
     .doc = "Delimiter to insert between field names from the input record when generating field "
            "names for the output record"},
};

typedef struct flatten {
    smt_t smt;
    sluice_str_t delimiter;
} flatten_t;

static int configure(void *self) {
    flatten_t *f = self;

    f->delimiter = sluice_str(f->smt.api->config_text(f->smt.ctx, "delimiter"));
    return SLUICE_OK;
}

/* prefix + delimiter + name in the batch; data NULL when there is no memory. */
static sluice_str_t join(const flatten_t *f, apply_t *a, sluice_str_t prefix, sluice_str_t name) {
    sluice_batch_t *batch = smt_batch(&f->smt, a);
    char *text;

    if (prefix.len == 0)
        return name;
    text = batch == NULL
               ? NULL
               : f->smt.api->batch_alloc(batch, prefix.len + f->delimiter.len + name.len + 1);
    if (text == NULL)
        return sluice_str_n(NULL, 0);
    memcpy(text, prefix.data, prefix.len);
    memcpy(text + prefix.len, f->delimiter.data, f->delimiter.len);
    if (name.len > 0)
        memcpy(text + prefix.len + f->delimiter.len, name.data, name.len);
    return sluice_str_n(text, prefix.len + f->delimiter.len + name.len);
}

/* ---- maps ---- */

static size_t leaves_of_map(const sluice_value_t *map) {
    size_t count = 0;
    uint32_t i;

    for (i = 0; i < map->len; i++) {
        const sluice_value_t *v = &map->as.items[2 * i + 1];

        count += v->kind == SLUICE_MAP ? leaves_of_map(v) : 1;
    }
    return count;
}

static int wrong_kind(const flatten_t *f, const sluice_value_t *v, sluice_str_t name) {
    if (!connect_is_data(v))
        return smt_fail(&f->smt, DATA_EXCEPTION,
                        "Flatten transformation was passed a value of type class %s which is not "
                        "supported by Connect's data API",
                        connect_class_name(v));
    return smt_fail(&f->smt, DATA_EXCEPTION,
                    "Flatten transformation does not support class %s for record without schemas "
                    "(for field %.*s).",
                    connect_class_name(v), (int)name.len, name.data);
}

static int flatten_members(const flatten_t *f, apply_t *a, const sluice_value_t *from,
                           sluice_str_t prefix, smt_map_t *to) {
    uint32_t i;
    int status = SLUICE_OK;

    for (i = 0; i < from->len && status == SLUICE_OK; i++) {
        const sluice_value_t *v = &from->as.items[2 * i + 1];
        sluice_str_t name = join(f, a, prefix, sluice_value_str(v - 1));

        if (name.data == NULL)
            return SLUICE_NO_MEMORY;
        if (v->kind == SLUICE_MAP)
            status = flatten_members(f, a, v, name, to);
        else if (v->kind == SLUICE_STRUCT || !connect_is_data(v))
            status = wrong_kind(f, v, name);
        else
            smt_map_put(to, name, v);
    }
    return status;
}

static int flatten_map(flatten_t *f, apply_t *a, sluice_value_t *value) {
    smt_map_t map;
    int status = smt_require_map(&f->smt, value);

    if (status == SLUICE_OK)
        status = smt_map_init(&f->smt, a, NULL, leaves_of_map(value), &map);
    if (status == SLUICE_OK)
        status = flatten_members(f, a, value, sluice_str(""), &map);
    if (status != SLUICE_OK)
        return status;
    smt_map_end(&map, value);
    return APPLY_CHANGED;
}

/* ---- structs ---- */

/* What is handed down while a schema is flattened. */
typedef struct above {
    sluice_str_t prefix;
    int optional;                 /* a schema above is */
    const sluice_struct_t *value; /* default of the struct, or NULL */
} above_t;

static const sluice_value_t *default_of(const above_t *above, const sluice_schema_t *schema,
                                        uint32_t field) {
    const sluice_schema_t *of = schema->fields[field].schema;
    const sluice_value_t *v = of->default_value;

    if (v == NULL && above->value != NULL)
        v = &above->value->fields[field];
    return v == NULL || v->kind == SLUICE_NULL ? NULL : v;
}

static void add_leaf(const flatten_t *f, smt_builder_t *to, sluice_str_t name,
                     const sluice_schema_t *from, int optional, const sluice_value_t *value) {
    smt_builder_t b;

    smt_builder_init(&b, &f->smt, from->type);
    smt_builder_copy(&b, from);
    b.schema.value_schema = from->value_schema;
    b.schema.optional = (uint8_t)optional;
    smt_builder_default(&b, value);
    smt_builder_field(to, name, smt_builder_own(to, smt_builder_build(&b)));
}

static void add_fields(const flatten_t *f, apply_t *a, smt_builder_t *to,
                       const sluice_schema_t *schema, const above_t *above) {
    uint32_t i;

    for (i = 0; i < schema->field_count && to->status == SLUICE_OK; i++) {
        const sluice_schema_t *of = schema->fields[i].schema;
        const sluice_value_t *value = default_of(above, schema, i);
        above_t here = {.prefix = join(f, a, above->prefix, schema->fields[i].name),
                        .optional = above->optional || of->optional,
                        .value =
                            value != NULL && value->kind == SLUICE_STRUCT ? value->as.st : NULL};

        if (here.prefix.data == NULL)
            to->status = SLUICE_NO_MEMORY;
        else if (of->type == SLUICE_STRUCT)
            add_fields(f, a, to, of, &here);
        else if (of->type == SLUICE_MAP)
            to->status = smt_fail(&f->smt, DATA_EXCEPTION,
                                  "Flatten transformation does not support %s for record with "
                                  "schemas (for field %.*s).",
                                  java_type_name(of->type), (int)here.prefix.len, here.prefix.data);
        else
            add_leaf(f, to, here.prefix, of, here.optional, value);
    }
}

static const smt_plan_t *make_plan(flatten_t *f, apply_t *a, const sluice_schema_t *from) {
    smt_plan_t *plan = calloc(1, sizeof(*plan));
    const sluice_value_t *value = from->default_value;
    above_t above = {.prefix = sluice_str(""), .optional = from->optional};
    smt_builder_t b;

    if (plan == NULL)
        return NULL;
    if (value != NULL && value->kind == SLUICE_STRUCT)
        above.value = value->as.st;
    smt_builder_init(&b, &f->smt, SLUICE_STRUCT);
    smt_builder_copy(&b, from);
    add_fields(f, a, &b, from, &above);
    plan->to = smt_builder_build(&b);
    if (plan->to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&f->smt, from, plan);
    return plan;
}

static uint32_t leaves_of_schema(const sluice_schema_t *schema) {
    uint32_t i, count = 0;

    for (i = 0; i < schema->field_count; i++) {
        const sluice_schema_t *of = schema->fields[i].schema;

        count += of->type == SLUICE_STRUCT ? leaves_of_schema(of) : 1;
    }
    return count;
}

/* Fields come in the order of the flattened schema; those of a null struct stay null. */
static int put_fields(const flatten_t *f, const sluice_struct_t *from, sluice_struct_t *to,
                      uint32_t *at) {
    uint32_t i;
    int status = SLUICE_OK;

    for (i = 0; i < from->schema->field_count && status == SLUICE_OK; i++) {
        const sluice_schema_t *of = from->schema->fields[i].schema;
        const sluice_value_t *v = &from->fields[i];

        if (of->type != SLUICE_STRUCT)
            status = smt_put(&f->smt, to, (*at)++, smt_or_default(v, of));
        else if (v->kind == SLUICE_STRUCT)
            status = put_fields(f, v->as.st, to, at);
        else
            *at += leaves_of_schema(of);
    }
    return status;
}

static int flatten_struct(flatten_t *f, apply_t *a, smt_side_t side) {
    const smt_plan_t *plan;
    sluice_struct_t *st;
    uint32_t at = 0;

    if (smt_require_struct(&f->smt, side.value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = smt_plan_of(&f->smt, *side.schema);
    if (plan == NULL && (plan = make_plan(f, a, *side.schema)) == NULL)
        return SLUICE_BAD_RECORD;
    st = smt_struct(&f->smt, a, plan->to);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    if (put_fields(f, side.value->as.st, st, &at) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    *side.value = smt_struct_value(st);
    *side.schema = plan->to;
    return APPLY_CHANGED;
}

static int flatten_record(void *self, apply_t *a, sluice_record_t *r) {
    flatten_t *f = self;
    smt_side_t side = smt_side(&f->smt, r);

    if (side.value->kind == SLUICE_NULL)
        return APPLY_SAME;
    return *side.schema == NULL ? flatten_map(f, a, side.value) : flatten_struct(f, a, side);
}

static const smt_class_t flatten_class = {.size = sizeof(flatten_t),
                                          .purpose = "flattening",
                                          .configure = configure,
                                          .apply = flatten_record};
SMT_DEFINE(flatten_class);
SMT_DEFINE_KEY(flatten_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("flatten", "Flatten$Value", "Makes nested fields of the value one level.", options,
               NULL, smt_on_value),
    SMT_PLUGIN("flatten-key", "Flatten$Key", "Makes nested fields of the key one level.", options,
               NULL, smt_on_key),
};

SLUICE_DEFINE_MODULE("flatten", SLUICE_VERSION, "Apache-2.0", plugins);
