/*
 * runtime/partitions.h: the numbers of the source partitions of this task.
 *
 * What this is: a table from a source partition's compact JSON text to a small number and back, one
 * for the task. Numbers are given in order of first mention and never change.
 * Ownership: texts live as long as the table. Threads: any, under its lock.
 */
#ifndef SL_RUNTIME_PARTITIONS_H
#define SL_RUNTIME_PARTITIONS_H

#include "base/map.h"
#include <uv.h>

typedef struct sl_partitions {
    uv_mutex_t lock;
    sl_map_t map; /* text -> itself; the number is the entry's index: nothing is ever removed */
} sl_partitions_t;

int sl_partitions_init(sl_partitions_t *partitions);
void sl_partitions_fini(sl_partitions_t *partitions);
/* UINT32_MAX when out of memory. */
uint32_t sl_partitions_number(sl_partitions_t *partitions, sluice_str_t json);
/* data NULL for a number that was never given. */
sluice_str_t sl_partitions_json(sl_partitions_t *partitions, uint32_t number);
size_t sl_partitions_count(sl_partitions_t *partitions);

#endif
