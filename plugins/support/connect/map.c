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

static int is_key(const sluice_value_t *v, sluice_str_t key) {
    if (v->kind != SLUICE_STRING || v->len != key.len)
        return 0;
    return key.len == 0 || (*v->as.s == *key.data && memcmp(v->as.s, key.data, key.len) == 0);
}

int64_t smt_map_find(const smt_map_t *m, sluice_str_t key) {
    uint32_t i;

    for (i = 0; i < m->len; i++)
        if (is_key(&m->items[2 * i], key))
            return i;
    return -1;
}

void smt_map_set(smt_map_t *m, const sluice_value_t *from, const sluice_value_t *old,
                 sluice_str_t key, sluice_value_t value) {
    if (old != NULL)
        m->items[old - from->as.items] = value;
    else
        smt_map_put(m, key, value);
}

void smt_map_put(smt_map_t *m, sluice_str_t key, sluice_value_t value) {
    int64_t at = smt_map_find(m, key);

    if (at < 0) {
        at = m->len++;
        m->items[2 * at] = sluice_text(SLUICE_STRING, key);
    }
    m->items[2 * at + 1] = value;
}

void smt_map_add(smt_map_t *m, const sluice_value_t *key, const sluice_value_t *value) {
    m->items[2 * m->len] = *key;
    m->items[2 * m->len + 1] = *value;
    m->len++;
}

void smt_map_remove(smt_map_t *m, sluice_str_t key) {
    int64_t at = smt_map_find(m, key);

    if (at < 0)
        return;
    m->len--;
    memmove(&m->items[2 * at], &m->items[2 * at + 2],
            2 * (size_t)(m->len - at) * sizeof(*m->items));
}

sluice_value_t smt_map_value(const smt_map_t *m) {
    sluice_value_t v = {.kind = SLUICE_MAP, .len = m->len, .as = {.items = m->items}};

    return v;
}

const sluice_value_t *smt_map_get(const sluice_value_t *map, sluice_str_t key) {
    uint32_t i;

    for (i = 0; i < map->len; i++)
        if (is_key(&map->as.items[2 * i], key))
            return &map->as.items[2 * i + 1];
    return NULL;
}
