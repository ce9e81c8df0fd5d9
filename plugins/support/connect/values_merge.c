#include "support/connect/values_int.h"

#include "support/connect/number.h"

#define DAY_MS 86400000

static int is_number(uint8_t type) {
    return type >= SLUICE_INT8 && type <= SLUICE_FLOAT64;
}

/* Of two types of number the wider one; of two schemas of one type the later one. */
static const sluice_schema_t *merge(const sluice_schema_t *a, const sluice_schema_t *b) {
    if (a->type == b->type)
        return b;
    if (!is_number(a->type) || !is_number(b->type))
        return NULL;
    return a->type > b->type ? a : b;
}

void merger_add(merger_t *m, const sluice_schema_t *schema) {
    if (schema == NULL || m->incompatible)
        return;
    m->common = m->common == NULL ? schema : merge(m->common, schema);
    m->incompatible = m->common == NULL;
}

/* A number as a date or time, whose values must then lie in its range. */
static int to_date(const sluice_schema_t *to, sluice_value_t *v) {
    int64_t n;

    if (v->kind == SLUICE_DATE)
        return 0;
    if (!is_number(v->kind))
        return -1;
    n = connect_to_int(v, SLUICE_INT64);
    if (to->logical != SLUICE_LOGICAL_TIMESTAMP)
        n = (int32_t)n;
    if (to->logical == SLUICE_LOGICAL_TIME && (n < 0 || n > DAY_MS))
        return -1;
    *v = sluice_int(SLUICE_DATE, to->logical == SLUICE_LOGICAL_DATE ? n * DAY_MS : n);
    return 0;
}

int merger_convert(const sluice_schema_t *to, sluice_value_t *v) {
    if (v->kind == SLUICE_NULL)
        return to->optional ? 0 : -1;
    if (to->logical >= SLUICE_LOGICAL_DATE)
        return to_date(to, v);
    if (!is_number(to->type))
        return 0; /* the types were equal */
    if (!is_number(v->kind))
        return -1;
    if (to->type == SLUICE_FLOAT32 || to->type == SLUICE_FLOAT64)
        *v = sluice_float(to->type, connect_to_float(v, to->type));
    else
        *v = sluice_int(to->type, connect_to_int(v, to->type));
    return 0;
}

static int equal_items(const sluice_value_t *a, const sluice_value_t *b, uint32_t count) {
    uint32_t i;

    for (i = 0; i < count; i++)
        if (!merger_equal(&a->as.items[i], &b->as.items[i]))
            return 0;
    return 1;
}

int merger_equal(const sluice_value_t *a, const sluice_value_t *b) {
    if (a->kind != b->kind)
        return 0;
    switch (a->kind) {
    case SLUICE_NULL: return 1;
    case SLUICE_STRING:
    case SLUICE_DECIMAL: return sluice_str_eq(sluice_value_str(a), sluice_value_str(b));
    case SLUICE_FLOAT32:
    case SLUICE_FLOAT64: return memcmp(&a->as.f, &b->as.f, sizeof(a->as.f)) == 0;
    case SLUICE_ARRAY: return a->len == b->len && equal_items(a, b, a->len);
    case SLUICE_MAP: return a->len == b->len && equal_items(a, b, 2 * a->len);
    default: return sluice_value_int(a) == sluice_value_int(b);
    }
}
