/*
 * The cast transforms: fields of the key, or of the value, or the whole of it, become another type,
 * as with Kafka Connect's Cast.
 */
#include "support/connect/cast.h"
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/smt.h"
#include "support/java.h"

#include <stdio.h>
#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "spec",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "List of fields and the type to cast them to of the form field1:type,field2:type to "
            "cast fields of Maps or Structs. A single type to cast the entire value. Valid types "
            "are int8, int16, int32, int64, float32, float64, boolean, and string. Note that "
            "binary fields can only be cast to string."},
    CONNECT_NULL_OPTION,
};

typedef struct target {
    sluice_str_t field;
    uint8_t type;
    int64_t at; /* in maps of the names noted; -1: it is not there */
} target_t;

typedef struct cast {
    smt_t smt;
    target_t *targets;
    size_t count;
    size_t missing; /* of them in such maps */
    uint8_t whole; /* type of the whole; 0: of fields */
} cast_t;

typedef struct plan {
    smt_plan_t head;
    uint8_t to[]; /* type of each field; 0: as it is */
} plan_t;

/* ---- the configuration ---- */

/* One item of the spec; what is wrong with it goes to `why`. */
static int read_target(sluice_str_t item, const char *all, target_t *out, char *why, size_t size) {
    sluice_str_t parts[2] = {{item.data, 0}, {item.data, 0}};
    const int count = connect_split(item, parts);
    const sluice_str_t name = connect_trim(parts[count > 1]);
    const int type = connect_type_by_name(name);
    char upper[64];
    size_t i;

    if (count > 2) {
        snprintf(why, size,
                 "Invalid value %s for configuration renames: Invalid rename mapping: %.*s", all,
                 (int)item.len, item.data);
        return SLUICE_INVALID;
    }
    for (i = 0; i < name.len && i + 1 < sizeof(upper); i++)
        upper[i] =
            (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] - 32 : name.data[i]);
    upper[i] = '\0';
    if (type < 0)
        snprintf(why, size,
                 "Invalid value java.lang.IllegalArgumentException: No enum constant "
                 "org.apache.kafka.connect.data.Schema.Type.%s for configuration Invalid type "
                 "found in casting spec: %.*s",
                 upper, (int)name.len, name.data);
    else if (type > SLUICE_STRING)
        snprintf(why, size,
                 "Cast transformation does not support casting to %s; supported types are [INT8, "
                 "INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]",
                 java_type_name((uint8_t)type));
    *out = (target_t){.field = count > 1 ? connect_trim(parts[0]) : sluice_str_n(NULL, 0),
                      .type = (uint8_t)type};
    return type < 0 || type > SLUICE_STRING ? SLUICE_INVALID : SLUICE_OK;
}

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *const *items;
    size_t count = api->config_list(ctx, "spec", &items);
    char all[512], why[1024];
    target_t target;
    size_t i;
    int whole = 0;

    if (count == 0)
        api->config_error(ctx, "spec", "Must specify at least one field to cast.");
    connect_list_text(api, ctx, "spec", all, sizeof(all));
    for (i = 0; i < count; i++) {
        if (read_target(sluice_str(items[i]), all, &target, why, sizeof(why)) != SLUICE_OK) {
            api->config_error(ctx, "spec", "%s", why);
            return SLUICE_OK;
        }
        whole = whole || target.field.data == NULL;
    }
    if (whole && count > 1)
        api->config_error(ctx, "spec",
                          "Cast transformations that specify a type to cast the entire value to "
                          "may only specify a single cast in their spec");
    return SLUICE_OK;
}

/* A later item for the same field takes the place of an earlier one. */
static void add_target(cast_t *c, const target_t *target) {
    size_t i;

    for (i = 0; i < c->count && !sluice_str_eq(c->targets[i].field, target->field); i++) {}
    c->targets[i] = *target;
    c->count += i == c->count;
}

static int configure(void *self) {
    cast_t *c = self;
    int status = SLUICE_OK;
    const smt_list_t items = smt_keep_list(&c->smt, "spec", &status);
    const size_t count = items.count;
    char why[1024];
    target_t target;
    size_t i;

    c->targets = calloc(count + 1, sizeof(*c->targets));
    if (c->targets == NULL || status != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        if (read_target(items.items[i], "", &target, why, sizeof(why)) != SLUICE_OK)
            return c->smt.api->fail(c->smt.ctx, SLUICE_INVALID, CONFIG_EXCEPTION, "%s", why);
        if (target.field.data == NULL)
            c->whole = target.type;
        else
            add_target(c, &target);
    }
    return SLUICE_OK;
}

static void release(void *self) {
    free(((cast_t *)self)->targets);
}

/* ---- without a schema ---- */

static void find_places(cast_t *c, const apply_t *a, const sluice_value_t *value) {
    size_t i;

    c->missing = 0;
    for (i = 0; i < c->count; i++) {
        c->targets[i].at = smt_map_find(value, c->targets[i].field);
        c->missing += c->targets[i].at < 0;
    }
    smt_map_note(&c->smt, a, value);
}

/* A field that is not there becomes one that is null. No two targets have one field. */
static int cast_map(cast_t *c, apply_t *a, sluice_value_t *value) {
    const target_t *t;
    smt_map_t map;
    int status = smt_require_map(&c->smt, value);

    if (status == SLUICE_OK && !smt_map_is_like(&c->smt, a, value))
        find_places(c, a, value);
    if (status == SLUICE_OK)
        status = smt_map_edit(&c->smt, a, value, c->missing, &map);
    for (t = c->targets; t < c->targets + c->count && status == SLUICE_OK; t++) {
        if (t->at >= 0)
            status = smt_cast(&c->smt, a, NULL, t->type, &map.items[2 * t->at + 1]);
        else
            smt_map_append(&map, t->field);
    }
    if (status != SLUICE_OK)
        return status;
    smt_map_end_like(&map, &c->smt, value);
    return APPLY_CHANGED;
}

static int cast_schemaless(cast_t *c, apply_t *a, sluice_value_t *value) {
    int status;

    if (c->whole == 0)
        return cast_map(c, a, value);
    status = smt_cast(&c->smt, a, NULL, c->whole, value);
    return status == SLUICE_OK ? APPLY_CHANGED : status;
}

/* ---- with a schema ---- */

static uint8_t target_of(const cast_t *c, sluice_str_t name) {
    size_t i;

    for (i = 0; i < c->count; i++)
        if (sluice_str_eq(c->targets[i].field, name))
            return c->targets[i].type;
    return 0;
}

static void cast_default(cast_t *c, apply_t *a, const sluice_schema_t *from, uint8_t to,
                         smt_builder_t *b, sluice_value_t *memory) {
    if (from->default_value == NULL || b->status != SLUICE_OK)
        return;
    *memory = *from->default_value;
    b->status = smt_cast(&c->smt, a, from, to, memory);
    smt_builder_default(b, memory);
}

static void add_cast_field(cast_t *c, apply_t *a, smt_builder_t *to,
                           const sluice_field_t *field, uint8_t type) {
    sluice_value_t value;
    smt_builder_t b;

    smt_builder_init(&b, &c->smt, type);
    b.schema.optional = field->schema->optional;
    cast_default(c, a, field->schema, type, &b, &value);
    smt_builder_field(to, field->name, smt_builder_own(to, smt_builder_build(&b)));
}

/* A struct with a default can't be cast: nor can its default. That is Connect's rule. */
static const sluice_schema_t *cast_schema(cast_t *c, apply_t *a, const sluice_schema_t *from,
                                          plan_t *plan) {
    const uint8_t type = c->whole != 0 ? c->whole : SLUICE_STRUCT;
    sluice_value_t value;
    smt_builder_t b;
    uint32_t i;

    smt_builder_init(&b, &c->smt, type);
    smt_builder_copy(&b, from);
    if (c->whole == 0)
        b.status = smt_require_fields(&c->smt, from);
    for (i = 0; c->whole == 0 && i < from->field_count && b.status == SLUICE_OK; i++) {
        plan->to[i] = target_of(c, from->fields[i].name);
        if (plan->to[i] == 0)
            smt_builder_field(&b, from->fields[i].name, from->fields[i].schema);
        else
            add_cast_field(c, a, &b, &from->fields[i], plan->to[i]);
    }
    b.schema.optional = from->optional;
    cast_default(c, a, from, type, &b, &value);
    return smt_builder_build(&b);
}

static plan_t *make_plan(cast_t *c, apply_t *a, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan) + from->field_count);

    if (plan == NULL)
        return NULL;
    plan->head.to = cast_schema(c, a, from, plan);
    if (plan->head.to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&c->smt, from, &plan->head);
    return plan;
}

static int cast_struct(cast_t *c, apply_t *a, const plan_t *plan, sluice_value_t *value) {
    const sluice_struct_t *old = value->as.st;
    sluice_struct_t *st;
    uint32_t i;
    int done;

    if (smt_require_struct(&c->smt, value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    st = smt_struct(&c->smt, a, plan->head.to);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    done = smt_put_all(&plan->head, a, old, st);
    for (i = 0; i < old->schema->field_count; i++) {
        const sluice_schema_t *from;
        sluice_value_t v;

        if (done && plan->to[i] == 0)
            continue;
        from = old->schema->fields[i].schema;
        v = *smt_field(&c->smt, &old->fields[i], from);
        if ((plan->to[i] != 0 && smt_cast(&c->smt, a, from, plan->to[i], &v) != SLUICE_OK) ||
            smt_put(&c->smt, st, i, &v) != SLUICE_OK)
            return SLUICE_BAD_RECORD;
    }
    smt_set_sound(a, st, done);
    *value = smt_struct_value(st);
    return SLUICE_OK;
}

static int cast_with_schema(cast_t *c, apply_t *a, smt_side_t side) {
    plan_t *plan = (plan_t *)smt_plan_of(&c->smt, *side.schema);
    int status;

    if (plan == NULL && (plan = make_plan(c, a, *side.schema)) == NULL)
        return SLUICE_BAD_RECORD;
    status = c->whole != 0 ? smt_cast(&c->smt, a, *side.schema, c->whole, side.value)
                           : cast_struct(c, a, plan, side.value);
    *side.schema = plan->head.to;
    return status == SLUICE_OK ? APPLY_CHANGED : status;
}

static int cast_record(void *self, apply_t *a, sluice_record_t *r) {
    cast_t *c = self;
    smt_side_t side = smt_side(&c->smt, r);

    if (side.value->kind == SLUICE_NULL)
        return APPLY_SAME;
    return *side.schema == NULL ? cast_schemaless(c, a, side.value) : cast_with_schema(c, a, side);
}

static const smt_class_t cast_class = {.size = sizeof(cast_t),
                                       .purpose = "cast types",
                                       .configure = configure,
                                       .release = release,
                                       .apply = cast_record};
SMT_DEFINE(cast_class);
SMT_DEFINE_KEY(cast_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("cast", "Cast$Value", "Casts fields of the value, or all of it, to other types.",
               options, check, smt_on_value),
    SMT_PLUGIN("cast-key", "Cast$Key", "Casts fields of the key, or all of it, to other types.",
               options, check, smt_on_key),
};

SLUICE_DEFINE_MODULE("cast", SLUICE_VERSION, "Apache-2.0", plugins);
