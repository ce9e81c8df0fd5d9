/*
 * The select transform: which fields a row has, under which names and in which order.
 *
 * First `fields` (or all) without `drop`, then `rename`, then `constants` are added. Rows are
 * structs or maps with string keys; other values are bad records.
 */
#include <stdlib.h>

#include "plan.h"
#include "support/apply.h"

static const sluice_option_t options[] = {
    {.name = "fields",
     .type = SLUICE_OPT_LIST,
     .importance = SLUICE_HIGH,
     .doc = "Keep only these fields, in this order. Default: all. What a row lacks is left out."},
    {.name = "drop",
     .type = SLUICE_OPT_LIST,
     .importance = SLUICE_HIGH,
     .doc = "Fields to leave out."},
    {.name = "rename", .type = SLUICE_OPT_LIST, .importance = SLUICE_HIGH, .doc = "Pairs old:new."},
    {.name = "constants",
     .type = SLUICE_OPT_JSON,
     .importance = SLUICE_MEDIUM,
     .doc = "Object: new field -> text, number, true, false or null. A field of that name is "
            "replaced."},
    {.name = "on",
     .type = SLUICE_OPT_ENUM,
     .values = (const char *const[]){"value", "key", NULL},
     .default_text = "value",
     .importance = SLUICE_MEDIUM,
     .doc = "Which part of the record."},
    {.name = "topics",
     .type = SLUICE_OPT_LIST,
     .importance = SLUICE_MEDIUM,
     .doc = "Topics to work on; default: all. Others pass unchanged."},
};

typedef struct select {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_batch_t *memory; /* of the constants */
    rules_t rules;
    plans_t plans;
    int on_key;
    const char *const *topics;
    size_t topic_count;
} select_t;

/* ---- configuration ---- */

static const char *read_renames(const sluice_api_t *api, sluice_ctx_t *ctx, rules_t *rules) {
    const char *const *items;
    size_t i, n = api->config_list(ctx, "rename", &items);
    const char *colon;

    if (n > MAX_RULES)
        return "has more than 256 items";
    for (i = 0; i < n; i++) {
        colon = strchr(items[i], ':');
        if (colon == NULL || colon == items[i] || colon[1] == '\0')
            return "must be a list of pairs old:new";
        rules->renames[i].from = sluice_str_n(items[i], (size_t)(colon - items[i]));
        rules->renames[i].to = sluice_str(colon + 1);
    }
    rules->rename_count = n;
    return NULL;
}

static const char *read_constants(const sluice_api_t *api, sluice_ctx_t *ctx,
                                  sluice_batch_t *memory, rules_t *rules) {
    const char *text = api->config_text(ctx, "constants");
    sluice_value_t object;
    uint32_t i;

    if (text == NULL)
        return NULL;
    if (api->json->parse(memory, api->batch_copy(memory, sluice_str(text)), 0, &object, NULL) !=
            SLUICE_OK ||
        object.kind != SLUICE_MAP || object.len > MAX_RULES)
        return "must be a JSON object of at most 256 members";
    for (i = 0; i < object.len; i++) {
        rules->constants[i].name = sluice_value_str(&object.as.items[2 * i]);
        rules->constants[i].value = object.as.items[2 * i + 1];
        if (rules->constants[i].value.kind >= SLUICE_ARRAY)
            return "must be texts, numbers that fit 64 bits, true, false or null";
    }
    rules->constant_count = object.len;
    return NULL;
}

static int select_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    sluice_batch_t *memory = api->batch_new(ctx, 0);
    rules_t *rules = calloc(1, sizeof(*rules));
    const char *fault;

    if (memory != NULL && rules != NULL) {
        fault = read_renames(api, ctx, rules);
        if (fault != NULL)
            api->config_error(ctx, "rename", "%s", fault);
        fault = read_constants(api, ctx, memory, rules);
        if (fault != NULL)
            api->config_error(ctx, "constants", "%s", fault);
    }
    api->batch_unref(memory);
    free(rules);
    return SLUICE_OK;
}

static void select_destroy(void *self) {
    select_t *s = self;
    size_t i;

    plans_fini(&s->plans);
    for (i = 0; i < s->rules.constant_count; i++)
        s->api->schema_unref(s->rules.constants[i].schema);
    s->api->batch_unref(s->memory);
    free(s);
}

/* Null has no type of its own: an optional string. */
static int make_schemas(select_t *s) {
    sluice_schema_t t = {.size = sizeof(t)};
    constant_rule_t *c;
    size_t i;

    for (i = 0; i < s->rules.constant_count; i++) {
        c = &s->rules.constants[i];
        t.optional = c->value.kind == SLUICE_NULL;
        t.type = t.optional ? SLUICE_STRING : c->value.kind;
        c->schema = s->api->schema_intern(&t);
        if (c->schema == NULL)
            return SLUICE_NO_MEMORY;
    }
    return SLUICE_OK;
}

static int select_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    select_t *s = calloc(1, sizeof(*s));
    const char *fault;
    int status = SLUICE_NO_MEMORY;

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    plans_init(&s->plans, api, &s->rules);
    s->on_key = (int)api->config_int(ctx, "on");
    s->topic_count = api->config_list(ctx, "topics", &s->topics);
    s->rules.field_count = api->config_list(ctx, "fields", &s->rules.fields);
    s->rules.drop_count = api->config_list(ctx, "drop", &s->rules.drop);
    s->memory = api->batch_new(ctx, 0);
    if (s->memory != NULL) {
        fault = read_renames(api, ctx, &s->rules);
        if (fault == NULL)
            fault = read_constants(api, ctx, s->memory, &s->rules);
        status = fault == NULL ? make_schemas(s)
                               : api->fail(ctx, SLUICE_INVALID, "select.options",
                                           "options rename, constants: %s", fault);
    }
    if (status != SLUICE_OK) {
        select_destroy(s);
        return status;
    }
    *self = s;
    return SLUICE_OK;
}

/* ---- rows ---- */

/* A constant that is text must live as long as the batch. */
static sluice_value_t constant(select_t *s, sluice_batch_t *batch, size_t i) {
    sluice_value_t v = s->rules.constants[i].value;

    if (v.kind == SLUICE_STRING || (v.flags & SLUICE_TEXT) != 0)
        v.as.s = s->api->batch_copy(batch, sluice_value_str(&v)).data;
    return v;
}

static int select_struct(select_t *s, sluice_batch_t *batch, const sluice_schema_t **schema,
                         sluice_value_t *value) {
    const sluice_struct_t *old = value->as.st;
    const plan_t *plan = plans_find(&s->plans, old->schema);
    sluice_struct_t *st;
    const column_t *c;
    uint32_t i;

    if (plan == NULL)
        return SLUICE_NO_MEMORY;
    st = s->api->batch_alloc(batch, sizeof(*st) + plan->count * sizeof(st->fields[0]));
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    st->schema = plan->to;
    for (i = 0; i < plan->count; i++) {
        c = &plan->columns[i];
        st->fields[i] = c->field >= 0 ? old->fields[c->field] : constant(s, batch, c->constant);
    }
    value->len = plan->count;
    value->as.st = st;
    *schema = plan->to;
    return APPLY_CHANGED;
}

static int put_columns(select_t *s, sluice_batch_t *batch, const column_t *columns, uint32_t n,
                       sluice_value_t *value) {
    const sluice_value_t *old = value->as.items;
    sluice_value_t *items = s->api->batch_alloc(batch, (n + 1) * 2 * sizeof(*items));
    sluice_str_t name;
    uint32_t i;

    if (items == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < n; i++) {
        name = columns[i].field >= 0 &&
                       sluice_str_eq(columns[i].name, sluice_value_str(&old[2 * columns[i].field]))
                   ? columns[i].name
                   : s->api->batch_copy(batch, columns[i].name);
        items[2 * i] = sluice_text(SLUICE_STRING, name);
        items[2 * i + 1] = columns[i].field >= 0 ? old[2 * columns[i].field + 1]
                                                 : constant(s, batch, columns[i].constant);
    }
    value->len = n;
    value->as.items = items;
    return APPLY_CHANGED;
}

static int select_map(select_t *s, sluice_batch_t *batch, sluice_value_t *value) {
    size_t most = value->len + s->rules.constant_count + 1;
    column_t *columns = malloc(most * sizeof(*columns));
    sluice_str_t *names = malloc(most * sizeof(*names));
    int status = SLUICE_NO_MEMORY;
    uint32_t i;

    for (i = 0; names != NULL && i < value->len; i++)
        names[i] = value->as.items[2 * i].kind == SLUICE_STRING
                       ? sluice_value_str(&value->as.items[2 * i])
                       : sluice_str(NULL);
    if (names != NULL && columns != NULL)
        status = put_columns(s, batch, columns,
                             rules_columns(&s->rules, names, value->len, columns), value);
    free(columns);
    free(names);
    return status;
}

static int is_row(const sluice_value_t *v) {
    uint32_t i;

    if (v->kind == SLUICE_STRUCT)
        return 1;
    for (i = 0; v->kind == SLUICE_MAP && i < v->len; i++)
        if (v->as.items[2 * i].kind != SLUICE_STRING)
            return 0;
    return v->kind == SLUICE_MAP;
}

static int select_record(void *self, apply_t *a, sluice_record_t *r) {
    select_t *s = self;
    sluice_value_t *value = s->on_key ? &r->key : &r->value;
    const sluice_schema_t **schema = s->on_key ? &r->key_schema : &r->value_schema;
    sluice_batch_t *batch;

    if (value->kind == SLUICE_NULL || !apply_topic(s->topics, s->topic_count, r->topic))
        return APPLY_SAME;
    if (!is_row(value))
        return s->api->fail(s->ctx, SLUICE_BAD_RECORD, "select.row",
                            "the %s is no row (struct, or map with text keys)",
                            s->on_key ? "key" : "value");
    batch = apply_batch(a);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    if (value->kind == SLUICE_MAP) {
        *schema = NULL; /* a map of one type may get members of another */
        return select_map(s, batch, value);
    }
    return select_struct(s, batch, schema, value);
}

static int select_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    select_t *s = self;

    plans_trim(&s->plans);
    return apply_records(s->api, s->ctx, in, out, select_record, s);
}

static const sluice_transform_t transform = {
    .size = sizeof(transform),
    .create = select_create,
    .destroy = select_destroy,
    .apply = select_apply,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_TRANSFORM,
        .name = "select",
        .summary = "Renames, drops, orders and adds fields.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = select_check,
        .transform = &transform,
    },
};

SLUICE_DEFINE_MODULE("select", SLUICE_VERSION, "Apache-2.0", plugins);
