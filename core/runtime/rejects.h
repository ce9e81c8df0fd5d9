/*
 * runtime/rejects.h: the records that one stage (a transform, the converters) refused in one go.
 *
 * What this is: they are gathered while a batch is worked on and reported to the errors policy when
 * the work is done. So a stage that asks for a retry half way reports nothing yet; and what comes a
 * second time because the source went back is not reported again: a stage sees the records of each
 * source partition in order, so whatever lies at or before the last one reported was reported.
 * Ownership: embedded; copies record structs, whose values must live until the report. Threads: its
 * owner's.
 */
#ifndef SL_RUNTIME_REJECTS_H
#define SL_RUNTIME_REJECTS_H

#include "runtime/errors.h"

typedef struct sl_reject {
    sluice_record_t record;
    uint32_t index; /* in its batch */
    const char *instance; /* borrowed */
    sl_ctx_error_t error;
    int status;
} sl_reject_t;

typedef struct sl_reported { /* of one source partition */
    sluice_position_t position; /* len 0: nothing */
    uint32_t sub_index;
} sl_reported_t;

typedef struct sl_rejects {
    const char *stage; /* "transform", "converter" */
    sl_reject_t *items;
    size_t count;
    size_t cap;
    sl_reported_t *reported; /* by source partition */
    size_t reported_count;
} sl_rejects_t;

void sl_rejects_init(sl_rejects_t *rejects, const char *stage);
void sl_rejects_fini(sl_rejects_t *rejects);
/* Takes the texts of *error. SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_rejects_add(sl_rejects_t *rejects, const sluice_record_t *record, uint32_t index,
                   const char *instance, int status, sl_ctx_error_t *error);
/* Reports and forgets them. Not SLUICE_OK: one is not tolerated, *failure says why. */
int sl_rejects_report(sl_rejects_t *rejects, sl_errors_t *errors, sl_failure_t *failure);
/* One of them, by itself. */
int sl_rejects_report_one(const char *stage, const sl_reject_t *reject, sl_errors_t *errors,
                          sl_failure_t *failure);
/* Forgets all but the first `count`: what follows is done anew. */
void sl_rejects_cut(sl_rejects_t *rejects, size_t count);
/* Forgets them: the batch will be worked on anew. */
void sl_rejects_drop(sl_rejects_t *rejects);

#endif
