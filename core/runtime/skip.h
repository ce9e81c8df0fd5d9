/*
 * runtime/skip.h: what a branch has already, and so does not take again.
 *
 * What this is: after a restart, or after the source went back to the minimum over branches, each
 * branch sees again what the slowest still needs. Per source partition it remembers the last place
 * that it took in ("seen"); once armed, records at or before that place are left out, until the
 * stream has passed it.
 * Ownership: embedded. Threads: the branch's.
 */
#ifndef SL_RUNTIME_SKIP_H
#define SL_RUNTIME_SKIP_H

#include "sluice/host.h"

typedef struct sl_skip_part {
    sluice_position_t seen;
    uint32_t seen_sub;
    sluice_position_t until; /* leave out up to here while armed */
    uint32_t until_sub;
    sluice_position_t durable; /* what the target was known to have at the start; none: nothing */
    uint32_t durable_sub;
    int has;
    int armed;
} sl_skip_part_t;

typedef struct sl_skip {
    sl_skip_part_t *parts;
    size_t count;
    size_t armed; /* partitions armed */
} sl_skip_t;

void sl_skip_init(sl_skip_t *skip);
void sl_skip_fini(sl_skip_t *skip);
/* What the branch has of a partition, as of now; armed at once. */
int sl_skip_have(sl_skip_t *skip, uint32_t partition, const sluice_position_t *position,
                 uint32_t sub_index);
/* The target has this place, by what was told with sl_skip_have. */
int sl_skip_is_durable(const sl_skip_t *skip, const sluice_mark_t *mark);
/* The stream will repeat: leave out all that was seen. */
void sl_skip_arm(sl_skip_t *skip);
/* Forgets everything seen. */
void sl_skip_reset(sl_skip_t *skip);
/* Passes a batch (borrowed) through: *out is a reference to it, a slice of it, or NULL when all of
 * it was had already; *skipped counts the records left out. SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_skip_pass(sl_skip_t *skip, sluice_batch_t *batch, sluice_batch_t **out, size_t *skipped);

#endif
