/*
 * support/connect/map.h: changed copies of schemaless maps.
 *
 * What this is: a map of the batch's memory that begins as a copy of another (or empty) and has
 * room for more members; order stays. Keys are strings. Ownership: the batch's. Thread: the
 * instance's.
 */
#ifndef SUPPORT_CONNECT_MAP_H
#define SUPPORT_CONNECT_MAP_H

#include "support/connect/smt.h"

typedef struct smt_map {
    sluice_value_t *items; /* key, value, key, value ... */
    uint32_t len;          /* members */
} smt_map_t;

/* `from` (NULL: none) with room for `more` members. SLUICE_OK, or a status after api->fail. */
static inline int smt_map_init(smt_t *s, apply_t *a, const sluice_value_t *from, size_t more,
                               smt_map_t *m) {
    const size_t count = from == NULL ? 0 : from->len;
    const size_t room = 2 * (count + more) * sizeof(*m->items);

    m->items = smt_alloc(s, a, room > 0 ? room : 1);
    m->len = (uint32_t)count;
    if (m->items == NULL)
        return SLUICE_NO_MEMORY;
    if (count > 0)
        memcpy(m->items, from->as.items, 2 * count * sizeof(*m->items));
    return SLUICE_OK;
}
/* Where the value of a member stands, to be changed there; a new member, which needs room, is null.
 * The key must live as long as the batch. (Values are best written where they stay: one that is
 * built elsewhere and copied whole waits for its own narrow stores.) */
sluice_value_t *smt_map_place(smt_map_t *m, sluice_str_t key);
/* The same where the key is known not to be there. */
static inline sluice_value_t *smt_map_append(smt_map_t *m, sluice_str_t key) {
    sluice_value_t *added = m->items + 2 * (size_t)m->len;

    m->len++;
    added[0] = sluice_text(SLUICE_STRING, key);
    added[1] = sluice_null();
    return added + 1;
}
/* Map.put: the same, with a value. */
void smt_map_put(smt_map_t *m, sluice_str_t key, const sluice_value_t *value);
void smt_map_remove(smt_map_t *m, sluice_str_t key);
/* Adds a key and the value behind it: a key that is known not to be there. */
static inline void smt_map_add(smt_map_t *m, const sluice_value_t *member) {
    m->items[2 * (size_t)m->len] = member[0];
    m->items[2 * (size_t)m->len + 1] = member[1];
    m->len++;
}
/* Makes *value the map. */
static inline void smt_map_end(const smt_map_t *m, sluice_value_t *value) {
    value->kind = SLUICE_MAP;
    value->flags = 0;
    value->reserved = 0;
    value->len = m->len;
    value->as.items = m->items;
}
/* A value as it lies in memory, in one register where there are such. */
typedef uint64_t smt_bits_t __attribute__((vector_size(16)));
/* Map.get: NULL when there is no such member. */
const sluice_value_t *smt_map_get(const sluice_value_t *map, sluice_str_t key);
/* Its place among the members; -1: there is none. */
int64_t smt_map_find(const sluice_value_t *map, sluice_str_t key);
/* Whether a map has the members of the one that smt_map_note had, in their order: not only names of
 * the same text, but the same names, in one place for all records of the batch. Then what was found
 * out about that one's names holds for this one's. 0 may mean no more than that nobody knows. */
static inline int smt_map_is_like(const smt_t *s, const sluice_value_t *map) {
    const sluice_value_t *a = s->names.items, *b = map->as.items;
    const sluice_value_t *end = b + 2 * (size_t)map->len;
    smt_bits_t x, y, other = {0};

    if (a == NULL || s->names.len != map->len)
        return 0;
    for (; b < end; a += 2, b += 2) {
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        other |= x ^ y;
    }
    return (other[0] | other[1]) == 0;
}
/* For a map of the input, until the end of the batch. */
static inline void smt_map_note(smt_t *s, const sluice_value_t *map) {
    s->names = (smt_names_t){map->as.items, map->len};
}

#endif
