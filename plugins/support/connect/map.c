#include "support/connect/map.h"

#include <stdlib.h>

#define NAMES_MAX 256 /* of larger maps nothing is noted */

/* The key in the items of a map, or NULL. Few names are as long as the one that is looked for. */
static const sluice_value_t *find(const sluice_value_t *items, uint32_t len, sluice_str_t key) {
    const sluice_value_t *v, *end = items + 2 * (size_t)len;

    for (v = items; v < end; v += 2)
        if (v->len == key.len && v->kind == SLUICE_STRING &&
            sluice_bytes_eq(v->as.s, key.data, key.len))
            return v;
    return NULL;
}

sluice_value_t *smt_map_place(smt_map_t *m, sluice_str_t key) {
    const sluice_value_t *found = find(m->items, m->len, key);

    return found != NULL ? m->items + (found - m->items) + 1 : smt_map_append(m, key);
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

int64_t smt_map_find(const sluice_value_t *map, sluice_str_t key) {
    const sluice_value_t *found = find(map->as.items, map->len, key);

    return found == NULL ? -1 : (found - map->as.items) / 2;
}

/* Without memory for it each map is looked at. */
static int make_names_room(smt_names_t *names, uint32_t len) {
    smt_bits_t *keys = len <= NAMES_MAX ? realloc(names->keys, len * sizeof(*keys)) : NULL;

    if (keys == NULL)
        return 0;
    names->keys = keys;
    names->cap = len;
    return 1;
}

void smt_map_note(smt_t *s, const apply_t *a, const sluice_value_t *map) {
    smt_names_t *names = &s->names;
    uint32_t i;

    smt_map_forget(s);
    if (map->len == 0 || (map->len > names->cap && !make_names_room(names, map->len)))
        return;
    if (a->pass != NULL) {
        names->shape = smt_map_shape(a, map);
        names->made = ++a->pass->shapes;
    }
    for (i = 0; i < map->len; i++)
        memcpy(&names->keys[i], &map->as.items[2 * (size_t)i], sizeof(names->keys[i]));
    names->len = map->len;
}
