/*
 * runtime/spill.h: the batches of a slow branch, on disk instead of in memory.
 *
 * What this is: a FIFO of serialised batches in files of bounded size below one folder. The branch
 * puts a batch here when its memory is full, and from then on every later batch too, until the
 * spill is empty again: order never changes. Files are removed once read. Whatever is found at open
 * is from an earlier run and removed: the source repeats it from the committed position.
 * Ownership: borrows batches; pop gives one. Threads: the branch's. Files are written through the
 * page cache and not synced, for the same reason.
 */
#ifndef SL_RUNTIME_SPILL_H
#define SL_RUNTIME_SPILL_H

#include "sluice/host.h"

typedef struct sl_spill sl_spill_t;

/* Makes the folder and empties it. *error (may be NULL) is given. */
int sl_spill_open(const char *folder, int64_t max_bytes, sl_spill_t **out, char **error);
void sl_spill_close(sl_spill_t *spill); /* removes the files; accepts NULL */
/* SLUICE_OK; SLUICE_BUSY: no room; SLUICE_FATAL: the disk failed. sl_spill_error says more of
 * both. */
int sl_spill_push(sl_spill_t *spill, sluice_batch_t *batch);
/* SLUICE_OK with a sealed batch; *out NULL when empty; SLUICE_FATAL: unreadable or damaged. */
int sl_spill_pop(sl_spill_t *spill, sluice_batch_t **out);
void sl_spill_clear(sl_spill_t *spill);
size_t sl_spill_count(const sl_spill_t *spill);
int64_t sl_spill_bytes(const sl_spill_t *spill); /* on disk and not read yet */
const char *sl_spill_error(const sl_spill_t *spill);

#endif
