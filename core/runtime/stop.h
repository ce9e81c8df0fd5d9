/*
 * runtime/stop.h: the record at which a task ends because it is bad and nothing bad is tolerated.
 *
 * What this is: transforms and converters work on whole batches, but a task that fails at a record
 * still delivers what came before it, and commits that. So the first bad record of a batch cuts the
 * batch, what is before it goes on, and the record waits here until that is durable. A later stage
 * may find a bad one among those before it: then that is the first. What is behind is never worked
 * on further, so only one is ever reported. With "stop.at": "batch" the owner throws away what is
 * left of the batch; its other records are worked on all the same, to find the first bad one.
 * Ownership: embedded; holds the batches that its record needs. Threads: its owner's.
 */
#ifndef SL_RUNTIME_STOP_H
#define SL_RUNTIME_STOP_H

#include "runtime/rejects.h"

/* How long the records before it may take to become durable. */
#define SL_STOP_MS 5000

typedef struct sl_stop {
    int set;
    int reported;
    const char *stage;
    sl_reject_t reject;
    sluice_batch_t *batch;  /* what the record is in */
    sluice_batch_t *origin; /* it as it was read; or NULL */
} sl_stop_t;

void sl_stop_fini(sl_stop_t *stop);
/* 1: a bad record is not reported at once but stops its batch. */
int sl_stop_wanted(const sl_errors_t *errors);
/* Takes the first of rejects (at least one, with indices in `in`), and forgets the others. *out
 * (taken), which was made of `in`, becomes what of it comes before that record. */
int sl_stop_take(sl_errors_t *errors, sl_rejects_t *rejects, sluice_batch_t *in,
                 sluice_batch_t **out);
/* SL_STOP_MS have passed: a line in the log. */
void sl_stop_late(const char *scope);
/* To log, dead letters and *failure. Once. */
void sl_stop_report(sl_errors_t *errors, sl_failure_t *failure);

#endif
