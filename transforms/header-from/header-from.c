/*
 * The header-from transforms: fields of the key, or of the value, are copied or moved to headers,
 * as with Kafka Connect's HeaderFrom.
 */
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/smt.h"

#include <stdlib.h>

static const char *const operations[] = {"move", "copy", NULL};

static const sluice_option_t options[] = {
    {.name = "fields",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Field names in the record whose values are to be copied or moved to headers."},
    {.name = "headers",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Header names, in the same order as the field names listed in the fields configuration "
            "property."},
    {.name = "operation",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Either move if the fields are to be moved to the headers (removed from the "
            "key/value), or copy if the fields are to be copied to the headers (retained in the "
            "key/value)."},
    CONNECT_NULL_OPTION,
};

typedef struct header_from {
    smt_t smt;
    smt_list_t fields;
    smt_list_t headers;
    uint32_t count;
    int move;
} header_from_t;

/* `kept[i]`: index in the input of field i of the moved schema. */
typedef struct plan {
    smt_plan_t head;
    uint32_t *kept;
    int32_t at[]; /* of each field; -1: there is none */
} plan_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_list(api, ctx, "fields");
    connect_check_list(api, ctx, "headers");
    connect_check_one_of(api, ctx, "operation", operations);
    return SLUICE_OK;
}

static int configure(void *self) {
    header_from_t *h = self;
    const sluice_api_t *api = h->smt.api;
    int status = SLUICE_OK;

    h->fields = smt_keep_list(&h->smt, "fields", &status);
    h->headers = smt_keep_list(&h->smt, "headers", &status);
    h->count = (uint32_t)h->fields.count;
    h->move = strcmp(api->config_text(h->smt.ctx, "operation"), "move") == 0;
    if (status == SLUICE_OK && h->fields.count != h->headers.count)
        return api->fail(h->smt.ctx, SLUICE_INVALID, CONFIG_EXCEPTION,
                         "'fields' config must have the same number of elements as 'headers' "
                         "config.");
    return status;
}

static int require(const header_from_t *h, const sluice_value_t *value, uint8_t kind) {
    smt_t named = h->smt;
    smt_class_t class = *h->smt.class;

    class.purpose = h->move ? "header move" : "header copy";
    named.class = &class;
    return kind == SLUICE_MAP ? smt_require_map(&named, value) : smt_require_struct(&named, value);
}

/* The record's headers with room for ours behind them. */
static sluice_header_t *more_headers(const header_from_t *h, apply_t *a, sluice_record_t *r) {
    sluice_batch_t *batch = smt_batch(&h->smt, a);
    size_t room = (r->header_count + h->count) * sizeof(sluice_header_t);
    sluice_header_t *all = batch == NULL ? NULL : h->smt.api->batch_alloc(batch, room);
    sluice_header_t *ours;

    if (all == NULL)
        return NULL;
    if (r->header_count > 0)
        memcpy(all, r->headers, r->header_count * sizeof(*all));
    ours = all + r->header_count;
    r->headers = all;
    r->header_count += h->count;
    return ours;
}

static int from_map(header_from_t *h, apply_t *a, sluice_record_t *r, sluice_value_t *value) {
    sluice_header_t *headers;
    smt_map_t map;
    uint32_t i;
    int status = require(h, value, SLUICE_MAP);

    if (status == SLUICE_OK)
        status = smt_map_init(&h->smt, a, value, 0, &map);
    if (status != SLUICE_OK)
        return status;
    headers = more_headers(h, a, r);
    if (headers == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < h->count; i++) {
        const sluice_value_t *v = smt_map_get(value, h->fields.items[i]);

        headers[i] =
            (sluice_header_t){.key = h->headers.items[i], .value = v == NULL ? sluice_null() : *v};
        if (h->move)
            smt_map_remove(&map, h->fields.items[i]);
    }
    smt_map_end(&map, value);
    return APPLY_CHANGED;
}

/* ---- with a schema ---- */

static int is_moved(const header_from_t *h, sluice_str_t name) {
    uint32_t i;

    for (i = 0; i < h->count; i++)
        if (sluice_str_eq(name, h->fields.items[i]))
            return 1;
    return 0;
}

static const sluice_schema_t *moved_schema(const header_from_t *h, const sluice_schema_t *from,
                                           plan_t *plan) {
    smt_builder_t b;
    uint32_t i, count = 0;

    smt_builder_init(&b, &h->smt, SLUICE_STRUCT);
    smt_builder_copy(&b, from);
    for (i = 0; i < from->field_count; i++) {
        if (is_moved(h, from->fields[i].name))
            continue;
        plan->kept[count++] = i;
        smt_builder_field(&b, from->fields[i].name, from->fields[i].schema);
    }
    return smt_builder_build(&b);
}

static plan_t *make_plan(header_from_t *h, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan) + (h->count + from->field_count) * sizeof(plan->at[0]));
    uint32_t i;

    if (plan == NULL)
        return NULL;
    plan->kept = (uint32_t *)(void *)(plan->at + h->count);
    for (i = 0; i < h->count; i++)
        plan->at[i] = h->smt.api->schema_field(from, h->fields.items[i]);
    plan->head.to = h->move ? moved_schema(h, from, plan) : h->smt.api->schema_ref(from);
    if (plan->head.to == NULL) {
        free(plan);
        return NULL;
    }
    smt_plan_keep(&h->smt, from, &plan->head);
    return plan;
}

static int move_fields(header_from_t *h, apply_t *a, const plan_t *plan, sluice_value_t *value) {
    const sluice_schema_t *to = plan->head.to;
    sluice_struct_t *st = smt_struct(&h->smt, a, to);
    uint32_t i;

    if (st == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < to->field_count; i++) {
        const sluice_value_t *v = &value->as.st->fields[plan->kept[i]];

        if (smt_put(&h->smt, st, i, smt_field(&h->smt, v, to->fields[i].schema)) != SLUICE_OK)
            return SLUICE_BAD_RECORD;
    }
    *value = smt_struct_value(st);
    return SLUICE_OK;
}

static int copy_fields(header_from_t *h, apply_t *a, const plan_t *plan, sluice_record_t *r,
                       const sluice_struct_t *st) {
    sluice_header_t *headers = more_headers(h, a, r);
    uint32_t i;

    if (headers == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < h->count; i++) {
        const sluice_field_t *field;

        if (plan->at[i] < 0)
            return smt_fail(&h->smt, NULL_POINTER_EXCEPTION,
                            "Cannot invoke \"org.apache.kafka.connect.data.Field.schema()\" "
                            "because the return value of "
                            "\"org.apache.kafka.connect.data.Schema.field(String)\" is null");
        field = &st->schema->fields[plan->at[i]];
        headers[i] = (sluice_header_t){
            .key = h->headers.items[i],
            .schema = field->schema,
            .value = *smt_field(&h->smt, &st->fields[plan->at[i]], field->schema)};
    }
    return SLUICE_OK;
}

static int from_struct(header_from_t *h, apply_t *a, sluice_record_t *r, smt_side_t side) {
    const sluice_struct_t *st = side.value->as.st;
    plan_t *plan;
    int status;

    if (require(h, side.value, SLUICE_STRUCT) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = (plan_t *)smt_plan_of(&h->smt, *side.schema);
    if (plan == NULL && (plan = make_plan(h, *side.schema)) == NULL)
        return SLUICE_BAD_RECORD;
    status = h->move ? move_fields(h, a, plan, side.value) : SLUICE_OK;
    if (status == SLUICE_OK)
        status = copy_fields(h, a, plan, r, st);
    *side.schema = plan->head.to;
    return status == SLUICE_OK ? APPLY_CHANGED : status;
}

static int header_record(void *self, apply_t *a, sluice_record_t *r) {
    header_from_t *h = self;
    smt_side_t side = smt_side(&h->smt, r);

    return *side.schema == NULL ? from_map(h, a, r, side.value) : from_struct(h, a, r, side);
}

static const smt_class_t header_class = {
    .size = sizeof(header_from_t), .configure = configure, .apply = header_record};
SMT_DEFINE(header_class);
SMT_DEFINE_KEY(header_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("header-from", "HeaderFrom$Value", "Copies or moves fields of the value to headers.",
               options, check, smt_on_value),
    SMT_PLUGIN("header-from-key", "HeaderFrom$Key", "Copies or moves fields of the key to headers.",
               options, check, smt_on_key),
};

SLUICE_DEFINE_MODULE("header-from", SLUICE_VERSION, "Apache-2.0", plugins);
