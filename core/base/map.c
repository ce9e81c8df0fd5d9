#include "base/map.h"

#include <stdlib.h>

#include "base/hash.h"

#define FIRST 8u
#define NONE  UINT32_MAX

/* The slot of the key, or the free one where it would go. The table is never full. */
static size_t slot_of(const sl_map_t *map, sluice_str_t key, uint64_t hash) {
    size_t mask = map->slot_count - 1;
    size_t slot = (size_t)hash & mask;

    while (map->slots[slot] != 0) {
        const sl_map_entry_t *e = &map->entries[map->slots[slot] - 1];
        if (e->hash == hash && sluice_str_eq(e->key, key))
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* The slot that names entry i. */
static size_t slot_of_entry(const sl_map_t *map, size_t i) {
    size_t mask = map->slot_count - 1;
    size_t slot = (size_t)map->entries[i].hash & mask;

    while (map->slots[slot] != i + 1)
        slot = (slot + 1) & mask;
    return slot;
}

/* Makes room for one more entry with at most half of the slots in use. */
static int reserve(sl_map_t *map) {
    size_t cap = map->cap == 0 ? FIRST : map->cap * 2;
    sl_map_entry_t *entries;
    uint32_t *slots;
    size_t i;

    if (map->count < map->cap)
        return 0;
    if (cap >= NONE || (slots = calloc(cap * 2, sizeof(*slots))) == NULL)
        return -1;
    entries = realloc(map->entries, cap * sizeof(*entries));
    if (entries == NULL) {
        free(slots);
        return -1;
    }
    free(map->slots);
    map->entries = entries;
    map->cap = cap;
    map->slots = slots;
    map->slot_count = cap * 2;
    for (i = 0; i < map->count; i++)
        slots[slot_of(map, entries[i].key, entries[i].hash)] = (uint32_t)i + 1;
    return 0;
}

/* Frees a slot and moves those behind it that could not be found any more (linear probing). */
static void free_slot(sl_map_t *map, size_t slot) {
    size_t mask = map->slot_count - 1;
    size_t next = slot;

    for (;;) {
        size_t home;

        map->slots[slot] = 0;
        do {
            next = (next + 1) & mask;
            if (map->slots[next] == 0)
                return;
            home = (size_t)map->entries[map->slots[next] - 1].hash & mask;
        } while (((next - home) & mask) < ((next - slot) & mask));
        map->slots[slot] = map->slots[next];
        slot = next;
    }
}

void sl_map_fini(sl_map_t *map) {
    size_t i;

    for (i = 0; i < map->count; i++)
        free((void *)(uintptr_t)map->entries[i].key.data);
    free(map->entries);
    free(map->slots);
    memset(map, 0, sizeof(*map));
}

int64_t sl_map_find(const sl_map_t *map, sluice_str_t key) {
    if (map->count == 0)
        return -1;
    return (int64_t)map->slots[slot_of(map, key, sl_hash(0, key.data, key.len))] - 1;
}

void *sl_map_get(const sl_map_t *map, sluice_str_t key) {
    int64_t i = sl_map_find(map, key);
    return i < 0 ? NULL : map->entries[i].value;
}

int sl_map_put(sl_map_t *map, sluice_str_t key, void *value) {
    int64_t i = sl_map_find(map, key);
    sl_map_entry_t *e;
    char *copy;

    if (i >= 0) {
        map->entries[i].value = value;
        return SLUICE_OK;
    }
    if (reserve(map) != 0 || (copy = malloc(key.len + 1)) == NULL)
        return SLUICE_NO_MEMORY;
    if (key.len > 0)
        memcpy(copy, key.data, key.len);
    copy[key.len] = '\0';
    e = &map->entries[map->count];
    e->key = sluice_str_n(copy, key.len);
    e->hash = sl_hash(0, copy, key.len);
    e->value = value;
    map->slots[slot_of(map, e->key, e->hash)] = (uint32_t)++map->count;
    return SLUICE_OK;
}

void *sl_map_remove(sl_map_t *map, sluice_str_t key) {
    int64_t i = sl_map_find(map, key);
    size_t last = map->count - 1;
    void *value;

    if (i < 0)
        return NULL;
    value = map->entries[i].value;
    free((void *)(uintptr_t)map->entries[i].key.data);
    free_slot(map, slot_of_entry(map, (size_t)i));
    if ((size_t)i != last) {
        map->slots[slot_of_entry(map, last)] = (uint32_t)i + 1;
        map->entries[i] = map->entries[last];
    }
    map->count = last;
    return value;
}
