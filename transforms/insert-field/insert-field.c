/*
 * The insert-field transforms: topic, partition, offset, timestamp or a fixed text become fields of
 * the key, or of the value, as with Kafka Connect's InsertField.
 *
 * The offset is that of a record read from Kafka; other records have none, which is an error.
 */
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/smt.h"

#include <stdlib.h>

#define OPTIONALITY \
    " Suffix with ! to make this a required field, or ? to keep it optional (the default)."
#define NAME(option, text)                                                        \
    {                                                                             \
        .name = (option), .type = SLUICE_OPT_STRING, .importance = SLUICE_MEDIUM, \
        .flags = SLUICE_OPT_UNGROUPED, .doc = text                                \
    }

static const sluice_option_t options[] = {
    NAME("topic.field", "Field name for Kafka topic." OPTIONALITY),
    NAME("partition.field", "Field name for Kafka partition." OPTIONALITY),
    NAME("offset.field",
         "Field name for Kafka offset, only for records read from Kafka." OPTIONALITY),
    NAME("timestamp.field", "Field name for record timestamp." OPTIONALITY),
    NAME("static.field", "Field name for static data field." OPTIONALITY),
    NAME("static.value", "Static field value, if field name configured."),
    CONNECT_NULL_OPTION,
};

enum { TOPIC, PARTITION, OFFSET, TIMESTAMP, STATIC, COUNT };

static const char *const names[COUNT] = {"topic.field", "partition.field", "offset.field",
                                         "timestamp.field", "static.field"};

typedef struct insertion {
    sluice_str_t name; /* data NULL: not configured */
    int required;
    const sluice_schema_t *schema; /* referenced */
    int64_t at; /* in maps of the names noted; -1: it is not there */
} insertion_t;

typedef struct insert {
    smt_t smt;
    insertion_t fields[COUNT];
    uint8_t given[COUNT]; /* those configured */
    uint32_t count;
    int alone; /* no two of them have one name */
    uint32_t put; /* which of them went into maps of the names noted: a bit each; 0: no map yet */
    sluice_str_t text;
} insert_t;

static void read_name(insertion_t *field, sluice_str_t spec) {
    const char last = spec.len == 0 ? '\0' : spec.data[spec.len - 1];

    field->name = spec;
    field->required = last == '!';
    if (last == '?' || last == '!')
        field->name.len--;
}

static const sluice_schema_t *schema_of(const sluice_api_t *api, int what, int required) {
    static const uint8_t types[COUNT] = {SLUICE_STRING, SLUICE_INT32, SLUICE_INT64, SLUICE_INT64,
                                         SLUICE_STRING};
    sluice_schema_t schema = {
        .size = sizeof(schema), .type = types[what], .optional = (uint8_t)!required};

    if (what == TIMESTAMP) {
        schema.name = sluice_str(LOGICAL_NAME_OF("Timestamp"));
        schema.has_version = 1;
        schema.version = 1;
    }
    return api->schema_intern(&schema);
}

static int are_alone(const insert_t *t) {
    int i, j;

    for (i = 0; i < COUNT; i++)
        for (j = 0; j < i; j++)
            if (t->fields[i].name.data != NULL &&
                sluice_str_eq(t->fields[i].name, t->fields[j].name))
                return 0;
    return 1;
}

static int configure(void *self) {
    insert_t *t = self;
    const sluice_api_t *api = t->smt.api;
    int i, status = SLUICE_OK;

    for (i = 0; i < COUNT; i++) {
        const char *spec = api->config_text(t->smt.ctx, names[i]);

        if (spec == NULL)
            continue;
        t->given[t->count++] = (uint8_t)i;
        read_name(&t->fields[i], smt_keep(&t->smt, spec, &status));
        t->fields[i].schema = schema_of(api, i, t->fields[i].required);
        if (t->fields[i].schema == NULL)
            return SLUICE_NO_MEMORY;
    }
    t->text = smt_keep(&t->smt, api->config_text(t->smt.ctx, "static.value"), &status);
    if (t->count == 0)
        return api->fail(t->smt.ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                         "No field insertion configured");
    if (t->fields[STATIC].name.data != NULL && t->text.data == NULL)
        return api->fail(t->smt.ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                         "Invalid value null for configuration static.value: No value specified "
                         "for static field: %.*s",
                         (int)t->fields[STATIC].name.len, t->fields[STATIC].name.data);
    t->alone = are_alone(t);
    return status;
}

static void release(void *self) {
    insert_t *t = self;
    int i;

    for (i = 0; i < COUNT; i++)
        t->smt.api->schema_unref(t->fields[i].schema);
}

/* Whether there is something to go in, if only an error. */
static int has_value(const insert_t *t, const sluice_record_t *r, int what) {
    switch (what) {
    case TOPIC: return r->topic.data != NULL;
    case PARTITION: return r->partition != SLUICE_NO_PARTITION;
    case TIMESTAMP: return r->timestamp_type != SLUICE_TIMESTAMP_NONE;
    case STATIC: return t->text.data != NULL;
    default: return 1;
    }
}

/* What goes in where has_value. */
static int value_of(insert_t *t, const sluice_record_t *r, int what, int has_schema,
                    sluice_value_t *out) {
    switch (what) {
    case TOPIC: *out = sluice_text(SLUICE_STRING, r->topic); break;
    case PARTITION: *out = sluice_int(SLUICE_INT32, r->partition); break;
    case OFFSET:
        if (r->original_offset == SLUICE_NO_OFFSET)
            return smt_fail(&t->smt, DATA_EXCEPTION,
                            "Only SinkRecord supported for [field insertion], found: "
                            "org.apache.kafka.connect.source.SourceRecord");
        *out = sluice_int(SLUICE_INT64, r->original_offset);
        break;
    case TIMESTAMP:
        *out = sluice_int(has_schema ? SLUICE_DATE : SLUICE_INT64, r->timestamp);
        break;
    default: *out = sluice_text(SLUICE_STRING, t->text); break;
    }
    return SLUICE_OK;
}

static void find_places(insert_t *t, const apply_t *a, const sluice_value_t *value) {
    uint32_t i;

    for (i = 0; i < t->count; i++) {
        insertion_t *field = &t->fields[t->given[i]];

        field->at = smt_map_find(value, field->name);
    }
    t->put = 0;
    smt_map_note(&t->smt, a, value);
}

static sluice_value_t *place_of(const insert_t *t, const insertion_t *field, smt_map_t *map) {
    if (field->at >= 0)
        return &map->items[2 * field->at + 1];
    return t->alone ? smt_map_append(map, field->name) : smt_map_place(map, field->name);
}

/* Names follow from those noted when the same fields went in. */
static void end_map(insert_t *t, const smt_map_t *map, uint32_t put, sluice_value_t *value) {
    if (t->put == 0)
        t->put = put;
    if (t->put == put)
        smt_map_end_like(map, &t->smt, value);
    else
        smt_map_end(map, value);
}

static int insert_to_map(insert_t *t, apply_t *a, const sluice_record_t *r, sluice_value_t *value) {
    smt_map_t map;
    uint32_t i, put = 1;
    int status = smt_require_map(&t->smt, value);

    if (status == SLUICE_OK && !smt_map_is_like(&t->smt, a, value))
        find_places(t, a, value);
    if (status == SLUICE_OK)
        status = smt_map_edit(&t->smt, a, value, t->count, &map);
    for (i = 0; i < t->count && status == SLUICE_OK; i++) {
        const int what = t->given[i];

        if (!has_value(t, r, what))
            continue;
        put |= 2u << what;
        status = value_of(t, r, what, 0, place_of(t, &t->fields[what], &map));
    }
    if (status != SLUICE_OK)
        return status;
    end_map(t, &map, put, value);
    return APPLY_CHANGED;
}

static const smt_plan_t *make_plan(insert_t *t, const sluice_schema_t *from) {
    smt_plan_t *plan = calloc(1, sizeof(*plan));
    smt_builder_t b;
    uint32_t i;

    if (plan == NULL)
        return NULL;
    smt_builder_init(&b, &t->smt, SLUICE_STRUCT);
    smt_builder_copy(&b, from);
    for (i = 0; i < from->field_count; i++)
        smt_builder_field(&b, from->fields[i].name, from->fields[i].schema);
    for (i = 0; i < COUNT; i++)
        if (t->fields[i].name.data != NULL)
            smt_builder_field(&b, t->fields[i].name, t->fields[i].schema);
    plan->to = smt_builder_build(&b);
    if (plan->to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&t->smt, from, plan);
    return plan;
}

/* The fields that were there stand first, ours behind them. One without a value stays null, as
 * Connect leaves it, even where it is required: who puts it later finds out. */
static int fill(insert_t *t, const apply_t *a, const smt_plan_t *plan, const sluice_record_t *r,
                const sluice_struct_t *old, sluice_struct_t *st) {
    const int done = smt_put_all(plan, a, old, st);
    uint32_t i, at = old->schema->field_count;
    int sound = done, status = SLUICE_OK;

    for (i = 0; !done && i < at && status == SLUICE_OK; i++)
        status = smt_put(&t->smt, st, i,
                         smt_field(&t->smt, &old->fields[i], st->schema->fields[i].schema));
    for (i = 0; i < t->count && status == SLUICE_OK; i++, at++) {
        const int what = t->given[i];

        if (has_value(t, r, what))
            status = value_of(t, r, what, 1, &st->fields[at]);
        if (status == SLUICE_OK && st->fields[at].kind != SLUICE_NULL)
            status = smt_fits(&t->smt, st, at, st->fields[at].kind);
        sound = sound && (st->fields[at].kind != SLUICE_NULL || !t->fields[what].required);
    }
    smt_set_sound(a, st, sound);
    return status;
}

static int insert_to_struct(insert_t *t, apply_t *a, const sluice_record_t *r, smt_side_t side) {
    const smt_plan_t *plan;
    sluice_struct_t *st;

    if (smt_require_struct(&t->smt, side.value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = smt_plan_of(&t->smt, side.value->as.st->schema);
    if (plan == NULL && (plan = make_plan(t, side.value->as.st->schema)) == NULL)
        return SLUICE_BAD_RECORD;
    st = smt_struct(&t->smt, a, plan->to);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    if (fill(t, a, plan, r, side.value->as.st, st) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    *side.value = smt_struct_value(st);
    *side.schema = plan->to;
    return APPLY_CHANGED;
}

static int insert_record(void *self, apply_t *a, sluice_record_t *r) {
    insert_t *t = self;
    smt_side_t side = smt_side(&t->smt, r);

    if (side.value->kind == SLUICE_NULL)
        return APPLY_SAME;
    return *side.schema == NULL ? insert_to_map(t, a, r, side.value)
                                : insert_to_struct(t, a, r, side);
}

static const smt_class_t insert_class = {.size = sizeof(insert_t),
                                         .purpose = "field insertion",
                                         .configure = configure,
                                         .release = release,
                                         .apply = insert_record};
SMT_DEFINE(insert_class);
SMT_DEFINE_KEY(insert_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("insert-field", "InsertField$Value",
               "Adds topic, partition, offset, timestamp or a text to the value.", options, NULL,
               smt_on_value),
    SMT_PLUGIN("insert-field-key", "InsertField$Key",
               "Adds topic, partition, offset, timestamp or a text to the key.", options, NULL,
               smt_on_key),
};

SLUICE_DEFINE_MODULE("insert-field", SLUICE_VERSION, "Apache-2.0", plugins);
