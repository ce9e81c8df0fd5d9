/*
 * runtime/slice.h: a batch made of some records of another.
 *
 * What this is: the new batch shares the old one's memory and copies only the record structs. Its
 * marks say what is truly covered once it is durable: a slice that ends in the middle of the
 * records of one position does not cover that position.
 * Ownership: gives a sealed batch that keeps the other alive. Threads: any that holds the batch.
 */
#ifndef SL_RUNTIME_SLICE_H
#define SL_RUNTIME_SLICE_H

#include "sluice/host.h"

/* Records index[0..count) (ascending) of batch. With no `rest` nothing is left behind, so it takes
 * all marks of the batch; else the marks of what it completes. `rest` are the indices that will
 * come later. NULL: out of memory. */
sluice_batch_t *sl_slice(sluice_batch_t *batch, const uint32_t *index, size_t count,
                         const uint32_t *rest, size_t rest_count);
/* An empty, sealed batch with these marks. */
sluice_batch_t *sl_slice_empty(const sluice_mark_t *marks, size_t count);
/* Of `out` (NULL: nothing), which a transform or converter made of `in`, what comes before record
 * `cut` of in, with marks of what that completes: of a source partition that goes on behind the cut
 * only positions before the one cut at. NULL: out of memory. */
sluice_batch_t *sl_slice_before(sluice_batch_t *out, sluice_batch_t *in, size_t cut);
/* Takes from *batch the marks that no record in it stands for: of records that were left out. Those
 * of an idle stream stay. Takes *batch and gives another where that is needed. SLUICE_OK, or
 * SLUICE_NO_MEMORY with *batch as it was. */
int sl_slice_uncover(sluice_batch_t **batch);
/* Sets a batch's marks from its records: the last of each source partition. */
int sl_slice_mark(sluice_batch_t *batch);

#endif
