#include "record/json_keys.h"

#include <stdlib.h>

#define MARKED 64u /* members up to which marks that all differ are likely */
#define SMALL  24u /* members up to which each is compared with each */

static int same_key(const sluice_value_t *a, const sluice_value_t *b) {
    return a->len == b->len && memcmp(a->as.s, b->as.s, a->len) == 0;
}

/* A cheap mark of a key of ten bits: from its length and its first and last eight bytes. */
static inline unsigned mark_of(const sluice_value_t *key) {
    const unsigned char *s = (const unsigned char *)key->as.s;
    uint32_t len = key->len;
    uint64_t first = 0, last = 0;

    if (len >= 8) {
        memcpy(&first, s, 8);
        memcpy(&last, s + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&first, s, 4);
        memcpy(&last, s + len - 4, 4);
    } else if (len > 0) {
        first = (uint64_t)s[0] << 16 | (uint64_t)s[len / 2] << 8 | s[len - 1];
    }
    first = (first ^ (last << 23 | last >> 41) ^ len) * 0x9e3779b97f4a7c15ull;
    return (unsigned)(first >> 54);
}

/* Whether all marks differ: then so do the keys, and that is all there is to do for most objects.
 */
static int marks_differ(const sluice_value_t *values, size_t count) {
    uint64_t seen[16] = {0};
    unsigned mark;
    size_t i;

    for (i = 0; i < count; i += 2) {
        mark = mark_of(&values[i]);
        if ((seen[mark >> 6] >> (mark & 63) & 1) != 0)
            return 0;
        seen[mark >> 6] |= 1ull << (mark & 63);
    }
    return 1;
}

static size_t unite_small(sluice_value_t *values, size_t count) {
    size_t kept = 0;
    size_t i, j;

    for (i = 0; i < count; i += 2) {
        for (j = 0; j < kept && !same_key(&values[j], &values[i]); j += 2) {}
        if (j == kept) {
            values[j] = values[i];
            kept += 2;
        }
        values[j + 1] = values[i + 1];
    }
    return kept;
}

static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t x = (a ^ b) * 0x9e3779b97f4a7c15ull;
    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull ^ x >> 32;
}

static uint64_t hash_key(const sluice_value_t *key, uint64_t seed) {
    const char *p = key->as.s;
    uint32_t left = key->len;
    uint64_t word;
    uint64_t h = seed ^ left;

    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&word, p, 8);
        h = mix(h, word);
    }
    word = 0;
    if (left > 0)
        memcpy(&word, p, left);
    h = mix(h, word);
    return h ^ h >> 31;
}

/* Open addressing; slots hold index / 2 + 1. The seed varies with the layout of the process. */
static size_t unite_large(sluice_value_t *values, size_t count, uint32_t *slots, size_t mask) {
    uint64_t seed = (uint64_t)(uintptr_t)slots ^ (uint64_t)(uintptr_t)&count;
    size_t kept = 0;
    size_t i, j, slot;

    for (i = 0; i < count; i += 2) {
        slot = (size_t)hash_key(&values[i], seed) & mask;
        while (slots[slot] != 0 && !same_key(&values[(size_t)(slots[slot] - 1) * 2], &values[i]))
            slot = (slot + 1) & mask;
        if (slots[slot] == 0) {
            values[kept] = values[i];
            kept += 2;
            slots[slot] = (uint32_t)(kept / 2);
        }
        j = (size_t)(slots[slot] - 1) * 2;
        values[j + 1] = values[i + 1];
    }
    return kept;
}

int sl_json_unite_keys(sluice_value_t *values, size_t *count) {
    size_t room = 64;
    uint32_t *slots;

    if (*count <= MARKED * 2 && marks_differ(values, *count))
        return SLUICE_OK;
    if (*count <= SMALL * 2) {
        *count = unite_small(values, *count);
        return SLUICE_OK;
    }
    while (room < *count)
        room *= 2;
    slots = calloc(room, sizeof(*slots));
    if (slots == NULL)
        return SLUICE_NO_MEMORY;
    *count = unite_large(values, *count, slots, room - 1);
    free(slots);
    return SLUICE_OK;
}
