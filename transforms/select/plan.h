/*
 * What the select transform makes of a row: for each schema a plan that is compiled once.
 *
 * Ownership: rules live in the arena that they were read into; plans are kept until plans_trim or
 * plans_fini. Thread: the instance's.
 */
#ifndef SELECT_PLAN_H
#define SELECT_PLAN_H

#include "sluice/plugin.h"

enum { MAX_RULES = 256, KEPT_PLANS = 64 };

typedef struct rename_rule {
    sluice_str_t from;
    sluice_str_t to;
} rename_rule_t;

typedef struct constant_rule {
    sluice_str_t name;
    sluice_value_t value;
    const sluice_schema_t *schema; /* held; NULL for null */
} constant_rule_t;

typedef struct rules {
    const char *const *fields; /* only these, in this order; count 0: all */
    size_t field_count;
    const char *const *drop;
    size_t drop_count;
    rename_rule_t renames[MAX_RULES];
    size_t rename_count;
    constant_rule_t constants[MAX_RULES];
    size_t constant_count;
} rules_t;

/* One column of the result: a field of the row, or a constant. */
typedef struct column {
    sluice_str_t name;
    int32_t field; /* index in the row, -1: constant */
    size_t constant;
} column_t;

typedef struct plan {
    const sluice_schema_t *from;
    const sluice_schema_t *to;
    uint32_t count;
    column_t columns[];
} plan_t;

typedef struct plans {
    const sluice_api_t *api;
    const rules_t *rules;
    plan_t **items; /* by from->id, open addressing */
    size_t count;
    size_t room;
} plans_t;

/* The columns for a row with these names: at most count + constants of them. Returns how many. */
uint32_t rules_columns(const rules_t *rules, const sluice_str_t *names, uint32_t count,
                       column_t *columns);

void plans_init(plans_t *p, const sluice_api_t *api, const rules_t *rules);
void plans_fini(plans_t *p);
/* Between batches: starts anew when more schemas came than are to be kept. */
void plans_trim(plans_t *p);
/* NULL when out of memory. */
const plan_t *plans_find(plans_t *p, const sluice_schema_t *from);

#endif
