/*
 * base/map.h: hash table from text to a pointer.
 *
 * What this is: open addressing; walked in insertion order as long as nothing was removed.
 * Ownership: sl_map_t is embedded; keys are copied, values belong to the caller.
 * Threads: one at a time.
 *
 *     sl_map_t m = { 0 };
 *     sl_map_put(&m, sluice_str("a"), value);
 *     v = sl_map_get(&m, sluice_str("a"));
 *     for (i = 0; i < m.count; i++) use(m.entries[i].key, m.entries[i].value);
 *     sl_map_fini(&m);
 */
#ifndef SL_BASE_MAP_H
#define SL_BASE_MAP_H

#include "sluice/error.h"
#include "sluice/value.h"

typedef struct sl_map_entry {
    sluice_str_t key; /* the map's copy, NUL-terminated */
    uint64_t hash;
    void *value;
} sl_map_entry_t;

/* All zero is an empty map. */
typedef struct sl_map {
    sl_map_entry_t *entries; /* count of them, dense */
    size_t count;
    size_t cap;
    uint32_t *slots; /* index of an entry + 1; 0: free */
    size_t slot_count;
} sl_map_t;

void sl_map_fini(sl_map_t *map);
void *sl_map_get(const sl_map_t *map, sluice_str_t key); /* NULL: none */
/* Index of the entry, or -1. */
int64_t sl_map_find(const sl_map_t *map, sluice_str_t key);
/* Adds or replaces. SLUICE_NO_MEMORY leaves the map as it was. */
int sl_map_put(sl_map_t *map, sluice_str_t key, void *value);
/* Takes an entry out and returns its value, or NULL. The last entry takes its place. */
void *sl_map_remove(sl_map_t *map, sluice_str_t key);

#endif
