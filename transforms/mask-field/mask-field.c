/*
 * The mask-field transforms: fields of the key, or of the value, become empty, zero, or a text of
 * the configuration, as with Kafka Connect's MaskField.
 */
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/number.h"
#include "support/connect/smt.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "fields",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Names of fields to mask."},
    {.name = "replacement",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_LOW,
     .doc = "Custom value replacement, that will be applied to all 'fields' values (numeric or "
            "non-empty string values only)."},
    CONNECT_NULL_OPTION,
};

typedef struct mask {
    smt_t smt;
    smt_list_t fields;
    int64_t *at; /* of each in maps of the names noted; -1: it is not there */
    size_t missing; /* of them there */
    sluice_str_t replacement; /* data NULL: none */
    int is_number;            /* the replacement is one */
    connect_why_t why;        /* when not */
} mask_t;

typedef struct plan {
    smt_plan_t head;
    uint8_t masked[];
} plan_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_list(api, ctx, "fields");
    connect_check_not_empty(api, ctx, "replacement");
    return SLUICE_OK;
}

static int configure(void *self) {
    mask_t *m = self;
    int status = SLUICE_OK;

    m->fields = smt_keep_list(&m->smt, "fields", &status);
    m->at = calloc(m->fields.count + 1, sizeof(*m->at));
    if (m->at == NULL)
        return SLUICE_NO_MEMORY;
    m->replacement = smt_keep(&m->smt, m->smt.api->config_text(m->smt.ctx, "replacement"), &status);
    if (m->replacement.data != NULL)
        m->is_number = connect_check_decimal(m->replacement, &m->why) == SLUICE_OK;
    return status;
}

static void release(void *self) {
    free(((mask_t *)self)->at);
}

/* ---- one value ---- */

static int mask_with_nothing(mask_t *m, sluice_value_t *v) {
    switch (v->kind) {
    case SLUICE_BYTES:
    case SLUICE_STRUCT:
        return smt_fail(&m->smt, DATA_EXCEPTION, "Cannot mask value of type: class %s",
                        connect_class_name(v));
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: *v = sluice_float(v->kind, 0); break;
    case SLUICE_STRING: *v = sluice_text(SLUICE_STRING, sluice_str("")); break;
    case SLUICE_DECIMAL: *v = sluice_text(SLUICE_DECIMAL, sluice_str("0")); break;
    case SLUICE_ARRAY:
    case SLUICE_MAP: v->len = 0; break;
    default: *v = sluice_int(v->kind, 0); break;
    }
    return SLUICE_OK;
}

/* Decimal text in the form of BigDecimal.toString. */
static int canonical_decimal(mask_t *m, apply_t *a, sluice_value_t *v) {
    const sluice_api_t *api = m->smt.api;
    sluice_batch_t *batch = smt_batch(&m->smt, a);
    sluice_str_t bytes, text;
    int32_t scale;

    if (batch == NULL ||
        api->decimal_to_bytes(batch, m->replacement, &bytes, &scale) != SLUICE_OK ||
        api->decimal_from_bytes(batch, bytes, scale, &text) != SLUICE_OK)
        return smt_fail(&m->smt, DATA_EXCEPTION,
                        "Unable to convert %.*s (class java.lang.String) to number",
                        (int)m->replacement.len, m->replacement.data);
    *v = sluice_text(SLUICE_DECIMAL, text);
    return SLUICE_OK;
}

static int mask_with_replacement(mask_t *m, apply_t *a, sluice_value_t *v) {
    const sluice_str_t text = m->replacement;
    const sluice_value_t number = sluice_text(SLUICE_DECIMAL, text);
    const uint8_t kind = v->kind;

    if (kind == SLUICE_STRING) {
        *v = sluice_text(SLUICE_STRING, text);
        return SLUICE_OK;
    }
    if ((kind < SLUICE_INT8 || kind > SLUICE_FLOAT64) && kind != SLUICE_DECIMAL)
        return smt_fail(&m->smt, DATA_EXCEPTION,
                        "Cannot mask value of type class %s with custom replacement.",
                        connect_class_name(v));
    if (!m->is_number)
        return smt_fail(&m->smt, DATA_EXCEPTION,
                        "Unable to convert %.*s (class java.lang.String) to %snumber" CAUSED_BY
                            NUMBER_FORMAT_EXCEPTION ": %s",
                        (int)text.len, text.data, kind == SLUICE_DECIMAL ? "" : "a ", m->why.text);
    if (kind == SLUICE_DECIMAL)
        return canonical_decimal(m, a, v);
    if (kind == SLUICE_FLOAT32 || kind == SLUICE_FLOAT64)
        *v = sluice_float(kind, kind == SLUICE_FLOAT32
                                    ? (double)(float)connect_to_float(&number, SLUICE_FLOAT64)
                                    : connect_to_float(&number, SLUICE_FLOAT64));
    else
        *v = sluice_int(kind, connect_to_int(&number, kind));
    return SLUICE_OK;
}

static int mask_value(mask_t *m, apply_t *a, sluice_value_t *v) {
    if (v->kind == SLUICE_NULL)
        return SLUICE_OK;
    return m->replacement.data == NULL ? mask_with_nothing(m, v) : mask_with_replacement(m, a, v);
}

/* ---- records ---- */

static void find_places(mask_t *m, const apply_t *a, const sluice_value_t *value) {
    size_t i;

    m->missing = 0;
    for (i = 0; i < m->fields.count; i++) {
        m->at[i] = smt_map_find(value, m->fields.items[i]);
        m->missing += m->at[i] < 0;
    }
    smt_map_note(&m->smt, a, value);
}

/* A field that is not there becomes one that is null. */
static int mask_map(mask_t *m, apply_t *a, sluice_value_t *value) {
    smt_map_t map;
    size_t i;
    int status = smt_require_map(&m->smt, value);

    if (status == SLUICE_OK && !smt_map_is_like(&m->smt, a, value))
        find_places(m, a, value);
    if (status == SLUICE_OK)
        status = smt_map_edit(&m->smt, a, value, m->missing, &map);
    for (i = 0; i < m->fields.count && status == SLUICE_OK; i++) {
        if (m->at[i] >= 0)
            status = mask_value(m, a, &map.items[2 * m->at[i] + 1]);
        else
            smt_map_place(&map, m->fields.items[i]);
    }
    if (status != SLUICE_OK)
        return status;
    smt_map_end_like(&map, &m->smt, value);
    return APPLY_CHANGED;
}

static plan_t *make_plan(mask_t *m, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan) + from->field_count);
    size_t i;

    if (plan == NULL)
        return NULL;
    for (i = 0; i < m->fields.count; i++) {
        int32_t at = m->smt.api->schema_field(from, m->fields.items[i]);

        if (at >= 0)
            plan->masked[at] = 1;
    }
    smt_plan_keep(&m->smt, from, &plan->head);
    return plan;
}

static int mask_struct(mask_t *m, apply_t *a, sluice_value_t *value) {
    const sluice_struct_t *old = value->as.st;
    plan_t *plan;
    sluice_struct_t *st;
    uint32_t i;
    int done;

    if (smt_require_struct(&m->smt, value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = (plan_t *)smt_plan_of(&m->smt, old->schema);
    if (plan == NULL && (plan = make_plan(m, old->schema)) == NULL)
        return SLUICE_NO_MEMORY;
    st = smt_struct(&m->smt, a, old->schema);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    done = smt_put_all(&plan->head, a, old, st);
    for (i = 0; i < old->schema->field_count; i++) {
        sluice_value_t v;

        if (done && !plan->masked[i])
            continue;
        v = *smt_field(&m->smt, &old->fields[i], old->schema->fields[i].schema);
        if ((plan->masked[i] && mask_value(m, a, &v) != SLUICE_OK) ||
            smt_put(&m->smt, st, i, &v) != SLUICE_OK)
            return SLUICE_BAD_RECORD;
    }
    smt_set_sound(a, st, done);
    *value = smt_struct_value(st);
    return APPLY_CHANGED;
}

static int mask_record(void *self, apply_t *a, sluice_record_t *r) {
    mask_t *m = self;
    smt_side_t side = smt_side(&m->smt, r);

    return *side.schema == NULL ? mask_map(m, a, side.value) : mask_struct(m, a, side.value);
}

static const smt_class_t mask_class = {
    .size = sizeof(mask_t), .purpose = "mask fields", .configure = configure,
    .release = release, .apply = mask_record};
SMT_DEFINE(mask_class);
SMT_DEFINE_KEY(mask_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("mask-field", "MaskField$Value", "Hides the contents of fields of the value.",
               options, check, smt_on_value),
    SMT_PLUGIN("mask-field-key", "MaskField$Key", "Hides the contents of fields of the key.",
               options, check, smt_on_key),
};

SLUICE_DEFINE_MODULE("mask-field", SLUICE_VERSION, "Apache-2.0", plugins);
