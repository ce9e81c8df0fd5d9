#include "support/names.h"

#include "sluice/error.h"

enum { FEW = 16 }; /* are looked through */

/* FNV-1a, spread over the low bits that choose the slot. */
static uint32_t hash(sluice_str_t name) {
    uint32_t h = 2166136261u;
    size_t i;

    for (i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.data[i]) * 16777619u;
    return h ^ h >> 15;
}

/* The slot of the name, or the free one where it belongs. There is always a free one. */
static uint32_t *slot_of(const names_t *n, sluice_str_t name) {
    uint32_t mask = 2 * n->room - 1;
    uint32_t i = hash(name) & mask;

    while (n->slots[i] != 0 && !sluice_str_eq(n->list[n->slots[i] - 1], name))
        i = (i + 1) & mask;
    return &n->slots[i];
}

static int grow_slots(names_t *n) {
    uint32_t i;

    free(n->slots);
    n->slots = calloc(2 * (size_t)n->room, sizeof(*n->slots));
    for (i = 0; n->slots != NULL && i < n->count; i++)
        *slot_of(n, n->list[i]) = i + 1;
    return n->slots != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static int grow(names_t *n) {
    uint32_t room = n->room == 0 ? FEW : 2 * n->room;
    sluice_str_t *list = realloc(n->list, room * sizeof(*list));

    if (list == NULL)
        return SLUICE_NO_MEMORY;
    n->list = list;
    n->room = room;
    if (room == FEW || grow_slots(n) == SLUICE_OK)
        return SLUICE_OK;
    n->room = n->count; /* without slots: looked through until the next one tries again */
    return SLUICE_NO_MEMORY;
}

uint32_t names_find(const names_t *n, sluice_str_t name) {
    uint32_t i;

    if (n->slots != NULL)
        return *slot_of(n, name) - 1; /* 0 - 1: none */
    for (i = 0; i < n->count; i++)
        if (sluice_str_eq(n->list[i], name))
            return i;
    return NAMES_NONE;
}

uint32_t names_add(names_t *n, sluice_str_t name) {
    uint32_t number = names_find(n, name);

    if (number != NAMES_NONE)
        return number;
    if (n->count == n->room && grow(n) != SLUICE_OK)
        return NAMES_NONE;
    n->list[n->count++] = name;
    if (n->slots != NULL)
        *slot_of(n, name) = n->count;
    return n->count - 1;
}

void names_fini(names_t *n) {
    free(n->list);
    free(n->slots);
    memset(n, 0, sizeof(*n));
}
