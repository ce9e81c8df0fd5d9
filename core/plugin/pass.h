/*
 * plugin/pass.h: a batch through several transforms, each record through all of them at once.
 *
 * What this is: the short way through transforms that follow each other and take single records
 * (sluice_transform_t.pass): one batch is made in place of one for each of them, and a record is
 * worked on while it is at hand. It is for records that can be transformed: at the first that can't
 * the whole is off, the input is as it was, and the caller goes from step to step with apply, which
 * tells why. Ownership: borrows all. Threads: the instances'.
 */
#ifndef SL_PLUGIN_PASS_H
#define SL_PLUGIN_PASS_H

#include "sluice/plugin.h"

typedef struct sl_pass_step {
    const sluice_transform_t *transform; /* sl_pass_can */
    void *self;
    const sluice_predicate_t *predicate; /* NULL: every record */
    void *judge;
    int negate;
    size_t dropped; /* by the last run */
} sl_pass_step_t;

/* Whether a transform takes single records. */
int sl_pass_can(const sluice_transform_t *transform);
/* 1: *out is what the steps make of `in` (sealed): new and sealed, a reference to `in` when nothing
 * changed, NULL when nothing is left. 0: not this way. */
int sl_pass_run(sl_pass_step_t *steps, size_t count, sluice_batch_t *in, sluice_batch_t **out);

#endif
