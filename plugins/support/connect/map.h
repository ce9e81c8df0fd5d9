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
int smt_map_init(const smt_t *s, apply_t *a, const sluice_value_t *from, size_t more, smt_map_t *m);
/* The place of a member, or -1. */
int64_t smt_map_find(const smt_map_t *m, sluice_str_t key);
/* Map.put: a new member needs room. The key must live as long as the batch. */
void smt_map_put(smt_map_t *m, sluice_str_t key, sluice_value_t value);
/* Sets the member that smt_map_get found as `old` in `from`, which m is a copy of; old NULL: as
 * smt_map_put. */
void smt_map_set(smt_map_t *m, const sluice_value_t *from, const sluice_value_t *old,
                 sluice_str_t key, sluice_value_t value);
/* The same of a key that is known not to be there. */
void smt_map_add(smt_map_t *m, const sluice_value_t *key, const sluice_value_t *value);
void smt_map_remove(smt_map_t *m, sluice_str_t key);
sluice_value_t smt_map_value(const smt_map_t *m);
/* Map.get: NULL when there is no such member. */
const sluice_value_t *smt_map_get(const sluice_value_t *map, sluice_str_t key);

#endif
