#include "plan.h"

#include <stdlib.h>

static int is_dropped(const rules_t *rules, sluice_str_t name) {
    size_t i;

    for (i = 0; i < rules->drop_count; i++)
        if (sluice_str_eq(sluice_str(rules->drop[i]), name))
            return 1;
    return 0;
}

static sluice_str_t new_name(const rules_t *rules, sluice_str_t name) {
    size_t i;

    for (i = 0; i < rules->rename_count; i++)
        if (sluice_str_eq(rules->renames[i].from, name))
            return rules->renames[i].to;
    return name;
}

static void add_field(const rules_t *rules, sluice_str_t name, uint32_t field, column_t *columns,
                      uint32_t *count) {
    if (is_dropped(rules, name))
        return;
    columns[*count].name = new_name(rules, name);
    columns[*count].field = (int32_t)field;
    (*count)++;
}

/* A constant takes the place of a column of its name, or comes behind. */
static void add_constant(const rules_t *rules, size_t constant, column_t *columns,
                         uint32_t *count) {
    uint32_t i;

    for (i = 0; i < *count; i++)
        if (sluice_str_eq(columns[i].name, rules->constants[constant].name))
            break;
    columns[i].name = rules->constants[constant].name;
    columns[i].field = -1;
    columns[i].constant = constant;
    if (i == *count)
        (*count)++;
}

uint32_t rules_columns(const rules_t *rules, const sluice_str_t *names, uint32_t count,
                       column_t *columns) {
    uint32_t n = 0, i;
    size_t k;

    for (i = 0; i < count && rules->field_count == 0; i++)
        add_field(rules, names[i], i, columns, &n);
    for (k = 0; k < rules->field_count; k++)
        for (i = 0; i < count; i++)
            if (sluice_str_eq(sluice_str(rules->fields[k]), names[i])) {
                add_field(rules, names[i], i, columns, &n);
                break;
            }
    for (k = 0; k < rules->constant_count; k++)
        add_constant(rules, k, columns, &n);
    return n;
}

/* ---- plans ---- */

void plans_init(plans_t *p, const sluice_api_t *api, const rules_t *rules) {
    memset(p, 0, sizeof(*p));
    p->api = api;
    p->rules = rules;
}

void plans_fini(plans_t *p) {
    size_t i;

    for (i = 0; i < p->room; i++) {
        if (p->items[i] == NULL)
            continue;
        p->api->schema_unref(p->items[i]->from);
        p->api->schema_unref(p->items[i]->to);
        free(p->items[i]);
    }
    free(p->items);
    p->items = NULL;
    p->count = p->room = 0;
}

void plans_trim(plans_t *p) {
    if (p->count > KEPT_PLANS)
        plans_fini(p);
}

static const sluice_schema_t *plan_schema(const plans_t *p, const plan_t *plan) {
    sluice_schema_t t = *plan->from;
    sluice_field_t *fields = calloc(plan->count + 1, sizeof(*fields));
    const sluice_schema_t *to;
    const column_t *c;
    uint32_t i;

    if (fields == NULL)
        return NULL;
    for (i = 0; i < plan->count; i++) {
        c = &plan->columns[i];
        fields[i].name = c->name;
        fields[i].schema = c->field >= 0 ? plan->from->fields[c->field].schema
                                         : p->rules->constants[c->constant].schema;
    }
    t.id = 0;
    t.size = sizeof(t);
    t.fields = fields;
    t.field_count = plan->count;
    t.default_value = NULL; /* of another shape */
    to = p->api->schema_intern(&t);
    free(fields);
    return to;
}

static plan_t *make_plan(const plans_t *p, const sluice_schema_t *from) {
    size_t most = from->field_count + p->rules->constant_count;
    plan_t *plan = calloc(1, sizeof(*plan) + most * sizeof(column_t));
    sluice_str_t *names = calloc(from->field_count + 1, sizeof(*names));
    uint32_t i;

    if (plan != NULL && names != NULL) {
        for (i = 0; i < from->field_count; i++)
            names[i] = from->fields[i].name;
        plan->from = from;
        plan->count = rules_columns(p->rules, names, from->field_count, plan->columns);
        plan->to = plan_schema(p, plan);
    }
    free(names);
    if (plan == NULL || plan->to == NULL) {
        free(plan);
        return NULL;
    }
    p->api->schema_ref(from);
    return plan;
}

static size_t slot_of(const plans_t *p, const sluice_schema_t *from) {
    size_t i = (size_t)from->id & (p->room - 1);

    while (p->items[i] != NULL && p->items[i]->from != from)
        i = (i + 1) & (p->room - 1);
    return i;
}

static int grow(plans_t *p) {
    plans_t bigger = *p;
    size_t i;

    bigger.room = p->room == 0 ? 16 : p->room * 2;
    bigger.items = calloc(bigger.room, sizeof(plan_t *));
    if (bigger.items == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < p->room; i++)
        if (p->items[i] != NULL)
            bigger.items[slot_of(&bigger, p->items[i]->from)] = p->items[i];
    free(p->items);
    *p = bigger;
    return SLUICE_OK;
}

const plan_t *plans_find(plans_t *p, const sluice_schema_t *from) {
    size_t i;

    if (2 * p->count >= p->room && grow(p) != SLUICE_OK)
        return NULL;
    i = slot_of(p, from);
    if (p->items[i] == NULL) {
        p->items[i] = make_plan(p, from);
        p->count += p->items[i] != NULL;
    }
    return p->items[i];
}
