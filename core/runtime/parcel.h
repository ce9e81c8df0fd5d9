/*
 * runtime/parcel.h: a batch on its way from the trunk to the branches, and what it is charged to.
 *
 * What this is: the trunk makes one parcel for each batch and hands it to every branch. It holds
 * the batch and its charge on the task's credit until the last branch has let go of it.
 * Ownership: reference-counted. Threads: any.
 */
#ifndef SL_RUNTIME_PARCEL_H
#define SL_RUNTIME_PARCEL_H

#include "runtime/credit.h"

typedef struct sl_parcel {
    _Atomic int refs;
    sluice_batch_t *batch;
    int64_t bytes; /* all that it keeps, as an edge is charged */
    /* whose batch ours is a part of, and which is charged for that; or NULL */
    struct sl_parcel *of;
    /* what the source emitted, as it was read; or NULL: nobody asks for that */
    sluice_batch_t *origin;
    int64_t charged;      /* to the task */
    int64_t records;
    sl_credit_t *credit;
} sl_parcel_t;

/* Takes the batch (also on error) and charges it. `of` (may be NULL): a parcel whose batch it may
 * share; it is kept then, and only what is beyond it is charged. NULL: out of memory. */
sl_parcel_t *sl_parcel_create(sluice_batch_t *batch, sl_credit_t *credit, sl_parcel_t *of);
/* Keeps and charges what its batch was made of. Before anybody else has the parcel. */
void sl_parcel_keep(sl_parcel_t *parcel, sluice_batch_t *origin);
sl_parcel_t *sl_parcel_ref(sl_parcel_t *parcel);
void sl_parcel_unref(sl_parcel_t *parcel); /* accepts NULL */

#endif
