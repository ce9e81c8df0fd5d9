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
    uint32_t room;
    sluice_pass_t *pass; /* is told whose it is; NULL: nobody asks */
} smt_map_t;

/* `from` (NULL: none) with room for `more` members. SLUICE_OK, or a status after api->fail. */
static inline int smt_map_init(smt_t *s, apply_t *a, const sluice_value_t *from, size_t more,
                               smt_map_t *m) {
    const size_t count = from == NULL ? 0 : from->len;
    const size_t room = 2 * (count + more) * sizeof(*m->items);

    m->items = smt_alloc(s, a, room > 0 ? room : 1);
    m->len = (uint32_t)count;
    m->room = (uint32_t)(count + more);
    m->pass = a->pass;
    if (m->items == NULL)
        return SLUICE_NO_MEMORY;
    if (count > 0)
        memcpy(m->items, from->as.items, 2 * count * sizeof(*m->items));
    return SLUICE_OK;
}
/* Whether the record at hand has this map for its own, with room for so many members more: then the
 * changed copy of it may be the map itself. Not when the original is read while it is changed. */
static inline int smt_map_is_own(const apply_t *a, const sluice_value_t *map, size_t more) {
    return a->pass != NULL && a->pass->own == map->as.items && map->len + more <= a->pass->room &&
           map->len > 0;
}
/* That, or smt_map_init. */
static inline int smt_map_edit(smt_t *s, apply_t *a, const sluice_value_t *from, size_t more,
                               smt_map_t *m) {
    if (!smt_map_is_own(a, from, more) || smt_batch(s, a) == NULL)
        return smt_map_init(s, a, from, more, m);
    *m = (smt_map_t){(sluice_value_t *)(uintptr_t)from->as.items, from->len, a->pass->room,
                     a->pass};
    return SLUICE_OK;
}
/* An empty map with as much room as `from` has members: where that lies, or new. */
static inline int smt_map_rebuild(smt_t *s, apply_t *a, const sluice_value_t *from, smt_map_t *m) {
    int status = smt_map_is_own(a, from, 0) ? smt_map_edit(s, a, from, 0, m)
                                            : smt_map_init(s, a, NULL, from->len, m);

    m->len = 0;
    return status;
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
    if (m->pass != NULL) {
        m->pass->own = m->items;
        m->pass->room = m->room;
        m->pass->shape = 0;
    }
}
/* The same where its names follow from those that smt_map_note had. */
static inline void smt_map_end_like(const smt_map_t *m, const smt_t *s, sluice_value_t *value) {
    smt_map_end(m, value);
    if (m->pass != NULL)
        m->pass->shape = s->names.made;
}
/* Map.get: NULL when there is no such member. */
const sluice_value_t *smt_map_get(const sluice_value_t *map, sluice_str_t key);
/* Its place among the members; -1: there is none. */
int64_t smt_map_find(const sluice_value_t *map, sluice_str_t key);
/* What the pass knows of its names. */
static inline uint64_t smt_map_shape(const apply_t *a, const sluice_value_t *map) {
    return a->pass != NULL && a->pass->own == map->as.items ? a->pass->shape : 0;
}
/* Whether a map has the members of the one that smt_map_note had, in their order: not only names of
 * the same text, but the same names, in one place for all records of the batch. Then what was found
 * out about that one's names holds for this one's. 0 may mean no more than that nobody knows. */
static inline int smt_map_is_like(smt_t *s, const apply_t *a, const sluice_value_t *map) {
    const uint64_t shape = smt_map_shape(a, map);
    const sluice_value_t *b = map->as.items;
    const sluice_value_t *end = b + 2 * (size_t)map->len;
    const smt_bits_t *key = s->names.keys;
    smt_bits_t x, other = {0};

    if (shape != 0 && shape == s->names.shape)
        return 1;
    if (s->names.len != map->len || map->len == 0)
        return 0;
    for (; b < end; key++, b += 2) {
        memcpy(&x, b, sizeof(x));
        other |= *key ^ x;
    }
    if ((other[0] | other[1]) != 0)
        return 0;
    s->names.shape = shape;
    return 1;
}
/* Until the end of the batch. */
void smt_map_note(smt_t *s, const apply_t *a, const sluice_value_t *map);
static inline void smt_map_forget(smt_t *s) {
    s->names.len = 0;
    s->names.shape = s->names.made = 0;
}

#endif
