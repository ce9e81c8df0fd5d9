/*
 * support/arena.h: what lives as long as a batch's memory.
 *
 * Thread: the one that makes the batch.
 */
#ifndef SUPPORT_ARENA_H
#define SUPPORT_ARENA_H

#include "sluice/host.h"

/* The number by which a plugin knows an arena again that it has met; 0: the host does not tell, so
 * each may be another. */
static inline uint64_t arena_serial(const sluice_api_t *api, const sluice_batch_t *arena) {
    return SLUICE_HAS(api, batch_serial) ? api->batch_serial(arena) : 0;
}

/* Hands a reference on a schema (NULL: none) to the arena, which lets go of it at its own end:
 * caches may drop theirs before. SLUICE_NO_MEMORY: the reference is given up at once. */
int arena_keep_schema(const sluice_api_t *api, sluice_batch_t *arena,
                      const sluice_schema_t *schema);

#endif
