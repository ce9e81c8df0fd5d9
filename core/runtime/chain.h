/*
 * runtime/chain.h: the transforms of the trunk or of a branch, one after the other.
 *
 * What this is: each batch passes every step; a step's predicate lets records by-pass it, order
 * kept. Records that a transform rejects go to the errors policy. When nothing bad is tolerated,
 * what comes before the first bad record goes on (stop.h). Marks are carried from a step's input to
 * its output, also when nothing is left of it: an empty batch with marks still moves the position.
 *
 * Steps that follow each other and take single records do so together (passing.h).
 * A transform that answers RETRY is tried again later with the same batch (sl_chain_run again);
 * nothing passes it meanwhile. In a connector it is Connect's retry: each record of the batch
 * alone, within errors.retry.timeout from its first try; when time is up the record has failed.
 * Ownership: embedded; borrows specs. Threads: its owner's.
 */
#ifndef SL_RUNTIME_CHAIN_H
#define SL_RUNTIME_CHAIN_H

#include "runtime/errors.h"
#include "runtime/instance.h"
#include "runtime/passing.h"
#include "runtime/rejects.h"
#include "runtime/retry.h"

typedef struct sl_step_spec {
    sl_spec_t transform;
    sl_spec_t predicate; /* plugin NULL: every record */
    int negate;
} sl_step_spec_t;

typedef struct sl_chain_spec {
    sl_step_spec_t *steps;
    size_t count;
} sl_chain_spec_t;

typedef struct sl_step {
    sl_chain_t *chain;
    const sl_step_spec_t *spec;
    sl_instance_t instance;
    sl_pure_t predicate;
    sl_ledger_node_t *node;
    sluice_batch_t *applying; /* borrowed, inside apply */
    const uint32_t *places;   /* where its records are in the step's batch; NULL: as they are */
    sl_rejects_t rejects;     /* of this step's run so far */
    int out_of_memory;        /* a rejected record could not be noted */
    int64_t absorbed;
    int64_t generated;
    int checkpointing;
} sl_step_t;

typedef struct sl_chain_events {
    /* not OK: failure is set; close follows from the owner */
    void (*opened)(void *user, int status);
    void (*closed)(void *user);
    void (*checkpointed)(void *user, int status);
    void (*broken)(void *user, int status); /* a transform broke by itself: failure is set */
} sl_chain_events_t;

/* A batch that a step asked to retry, record by record. */
typedef struct sl_singly {
    sluice_batch_t *all; /* what came of those before `at`; NULL: none is under way */
    uint32_t at;
    int answered; /* it has been tried: it asked to retry */
} sl_singly_t;

struct sl_chain {
    sl_step_t *steps;
    size_t count;
    size_t at;               /* opening, closing: the step in work; run: the step to go on with */
    sluice_batch_t *current; /* run: what step `at` gets; NULL: nothing is under way */
    sl_passing_t passing;
    const sl_home_t *home;
    sl_partitions_t *partitions;
    sl_errors_t *errors;
    sl_failure_t *failure;
    const sl_chain_events_t *events;
    void *user;
    size_t checkpoints; /* not complete yet */
    int checkpoint_status;
    sl_retry_t retry;
    sl_retry_t patience; /* for what is busy */
    int64_t wait_ms;     /* of sl_chain_run's answer SLUICE_RETRY */
    sl_singly_t singly;
};

int sl_chain_init(sl_chain_t *chain, const sl_chain_spec_t *spec, const sl_home_t *home,
                  sl_ledger_t *ledger, sl_errors_t *errors, sl_partitions_t *partitions,
                  sl_failure_t *failure, const sl_chain_events_t *events, void *user);
void sl_chain_open(sl_chain_t *chain);
void sl_chain_close(sl_chain_t *chain, uint64_t deadline_ms);
void sl_chain_fini(sl_chain_t *chain);
void sl_chain_free(sl_chain_t *chain); /* after fini and one more turn of the loop */
/* Gives a batch to the chain (takes the reference); only when idle. */
void sl_chain_start(sl_chain_t *chain, sluice_batch_t *batch);
/* Goes on. SLUICE_OK: *out is given. SLUICE_RETRY: call again after wait_ms. Else failure is
 * set. */
int sl_chain_run(sl_chain_t *chain, sluice_batch_t **out);
void sl_chain_drop(sl_chain_t *chain); /* forgets what is under way */
/* 1 when some step has state to checkpoint: `checkpointed` follows. 0: nothing to do. */
int sl_chain_checkpoint(sl_chain_t *chain);
/* Time is up: `broken` when some step still has not completed. */
void sl_chain_checkpoint_late(sl_chain_t *chain);
int sl_chain_has_state(const sl_chain_t *chain);
void sl_chain_committed(sl_chain_t *chain, uint32_t partition, const sluice_position_t *position);

/* ---- step.c, for chain.c ---- */
/* What `step` makes of `in` (borrowed): NULL, `in` itself, or new; rejects are in step->rejects.
 * SLUICE_RETRY: call again with the same batch after chain->wait_ms. */
int sl_step_apply(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out);
/* Forgets what it has under way. */
void sl_step_drop(sl_step_t *step);
/* Where a record of the batch that it applies to is in the step's batch. */
uint32_t sl_step_place(const sl_step_t *step, uint32_t record);
/* SLUICE_NO_MEMORY, and the failure says so. */
int sl_step_no_memory(sl_chain_t *chain);

#endif
