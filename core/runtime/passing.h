/*
 * runtime/passing.h: the steps of a chain that a batch can pass at once.
 *
 * What this is: steps that follow each other and take single records go by plugin/pass.h. Where a
 * record can't be transformed they take the batch one by one, which tells what is wrong, and so for
 * some batches more: where one record is bad, others may be.
 * Ownership: embedded in a chain. Threads: its owner's.
 */
#ifndef SL_RUNTIME_PASSING_H
#define SL_RUNTIME_PASSING_H

#include "plugin/pass.h"

typedef struct sl_chain sl_chain_t;

typedef struct sl_passing {
    sl_pass_step_t *steps; /* room for all of the chain */
    size_t apart;          /* of the batch under way: steps before this one go one by one */
    unsigned wary;         /* so many batches more */
} sl_passing_t;

int sl_passing_init(sl_passing_t *passing, size_t count);
void sl_passing_fini(sl_passing_t *passing);
/* A batch begins its way through the chain. */
void sl_passing_start(sl_passing_t *passing);
/* How many steps, from the one that the chain is at, its batch has passed (each one's `dropped` is
 * in passing.steps) and *out as of sl_pass_run; 0: the next goes by itself. */
size_t sl_passing_run(sl_chain_t *chain, sluice_batch_t **out);

#endif
