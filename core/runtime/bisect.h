/*
 * runtime/bisect.h: what of a refused batch is still to be delivered, and in which pieces.
 *
 * What this is: pure bookkeeping for one batch that came back with errors. It is used on a drained
 * lane only: nothing else is in flight at that sink, one piece is tried at a time and the next only
 * after its end; so nothing is reordered and nothing that was accepted is sent again.
 *
 *   ATOMIC      a refused piece is halved and the left half is tried first, down to one record
 *   PER_RECORD  the refused records are known; those that may succeed later are tried again
 *               together
 *   PREFIX      what lies before the reported record is in; the rest is tried again without it
 *
 * Ownership: embedded. Threads: the branch's.
 *
 *     while (sl_repair_piece(&r, &index, &count)) { ... send records index[0..count) ...
 *         if (ok) sl_repair_ok(&r); else sl_repair_failed(&r, status, results, n, &verdict); }
 */
#ifndef SL_RUNTIME_BISECT_H
#define SL_RUNTIME_BISECT_H

#include "sluice/host.h"

#define SL_REPAIR_DEPTH 40 /* halvings of 2^32 records, and some */

typedef struct sl_repair {
    sluice_failure_mode_t mode;
    uint32_t *left; /* indices of records not settled, ascending; [pos, count) remain */
    size_t pos;
    size_t count;
    size_t ends[SL_REPAIR_DEPTH]; /* ends of the pieces; the top one is tried now */
    size_t depth;
} sl_repair_t;

/* One record that can never succeed. */
typedef struct sl_repair_bad {
    uint32_t record; /* index in the batch */
    const sluice_result_t *result; /* of the sink; NULL when it gave none */
} sl_repair_bad_t;

typedef struct sl_verdict {
    sl_repair_bad_t *bad; /* freed by sl_verdict_fini */
    size_t bad_count;
    /* why something is tried again later; NULL with retrying set: no result */
    const sluice_result_t *retry;
    int retrying; /* wait before the next piece */
    uint32_t retry_after_ms;
} sl_verdict_t;

/* All `count` records of a batch are to be delivered. SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_repair_init(sl_repair_t *repair, sluice_failure_mode_t mode, size_t count);
void sl_repair_fini(sl_repair_t *repair);
/* The next piece, and what comes after it. 0: all is settled. */
int sl_repair_piece(const sl_repair_t *repair, const uint32_t **index, size_t *count,
                    const uint32_t **rest, size_t *rest_count);
void sl_repair_ok(sl_repair_t *repair);
/* The piece was answered with `status`, not OK, and results whose record counts within the piece.
 * SLUICE_OK, or SLUICE_NO_MEMORY: nothing changed. */
int sl_repair_failed(sl_repair_t *repair, int status, const sluice_result_t *results, size_t count,
                     sl_verdict_t *verdict);
/* Leaves out the records for which `drop` says 1 (a new incarnation knows that it has them). */
int sl_repair_drop(sl_repair_t *repair, int (*drop)(void *user, uint32_t record), void *user);
void sl_verdict_fini(sl_verdict_t *verdict);

#endif
