#include "support/connect/map.h"

int smt_map_init(const smt_t *s, apply_t *a, const sluice_value_t *from, size_t more,
                 smt_map_t *m) {
    const size_t count = from == NULL ? 0 : from->len;
    const size_t room = 2 * (count + more) * sizeof(*m->items);
    sluice_batch_t *batch = smt_batch(s, a);

    m->items = batch == NULL ? NULL : s->api->batch_alloc(batch, room > 0 ? room : 1);
    m->len = (uint32_t)count;
    if (m->items == NULL)
        return s->api->fail(s->ctx, SLUICE_NO_MEMORY, "transform.memory", "no memory for a record");
    if (count > 0)
        memcpy(m->items, from->as.items, 2 * count * sizeof(*m->items));
    return SLUICE_OK;
}

/* The key in the items of a map, or NULL. Few names are as long as the one that is looked for. */
static const sluice_value_t *find(const sluice_value_t *items, uint32_t len, sluice_str_t key) {
    const sluice_value_t *v, *end = items + 2 * (size_t)len;

    for (v = items; v < end; v += 2)
        if (v->len == key.len && v->kind == SLUICE_STRING &&
            smt_same(v->as.s, key.data, key.len))
            return v;
    return NULL;
}

sluice_value_t *smt_map_place(smt_map_t *m, sluice_str_t key) {
    const sluice_value_t *found = find(m->items, m->len, key);
    sluice_value_t *added = m->items + 2 * (size_t)m->len;

    if (found != NULL)
        return m->items + (found - m->items) + 1;
    m->len++;
    added[0] = sluice_text(SLUICE_STRING, key);
    added[1] = sluice_null();
    return added + 1;
}

void smt_map_put(smt_map_t *m, sluice_str_t key, const sluice_value_t *value) {
    *smt_map_place(m, key) = *value;
}

void smt_map_remove(smt_map_t *m, sluice_str_t key) {
    const sluice_value_t *found = find(m->items, m->len, key);
    size_t at = found == NULL ? 0 : (size_t)(found - m->items);

    if (found == NULL)
        return;
    m->len--;
    memmove(&m->items[at], &m->items[at + 2], (2 * (size_t)m->len - at) * sizeof(*m->items));
}

const sluice_value_t *smt_map_get(const sluice_value_t *map, sluice_str_t key) {
    const sluice_value_t *found = find(map->as.items, map->len, key);

    return found == NULL ? NULL : found + 1;
}
