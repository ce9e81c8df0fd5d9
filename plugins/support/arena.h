/*
 * support/arena.h: what lives as long as a batch's memory.
 *
 * Thread: the one that makes the batch.
 */
#ifndef SUPPORT_ARENA_H
#define SUPPORT_ARENA_H

#include "sluice/host.h"

/* Hands a reference on a schema (NULL: none) to the arena, which lets go of it at its own end:
 * caches may drop theirs before. SLUICE_NO_MEMORY: the reference is given up at once. */
int arena_keep_schema(const sluice_api_t *api, sluice_batch_t *arena,
                      const sluice_schema_t *schema);

#endif
