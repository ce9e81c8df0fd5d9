#include "runtime/stop.h"

#include "observe/log.h"
#include "record/batch.h"
#include "runtime/slice.h"

void sl_stop_fini(sl_stop_t *stop) {
    sl_ctx_error_fini(&stop->reject.error);
    sl_batch_unref(stop->batch);
    sl_batch_unref(stop->origin);
    memset(stop, 0, sizeof(*stop));
}

int sl_stop_wanted(const sl_errors_t *errors) {
    return errors->stop != NULL && !errors->policy->tolerate_all;
}

static sl_reject_t *first_of(sl_rejects_t *rejects) {
    sl_reject_t *first = &rejects->items[0];
    size_t i;

    for (i = 1; i < rejects->count; i++)
        if (rejects->items[i].index < first->index)
            first = &rejects->items[i];
    return first;
}

int sl_stop_take(sl_errors_t *errors, sl_rejects_t *rejects, sluice_batch_t *in,
                 sluice_batch_t **out) {
    sl_stop_t *stop = errors->stop;
    sl_reject_t *first = first_of(rejects);
    sluice_batch_t *before = sl_slice_before(*out, in, first->index);

    if (before == NULL)
        return SLUICE_NO_MEMORY;
    sl_batch_unref(*out);
    *out = before;
    sl_stop_fini(stop);
    stop->set = 1;
    stop->stage = rejects->stage;
    stop->reject = *first;
    memset(&first->error, 0, sizeof(first->error));
    stop->batch = sl_batch_ref(in);
    stop->origin = errors->origin != NULL ? sl_batch_ref(errors->origin) : NULL;
    sl_rejects_drop(rejects);
    return SLUICE_OK;
}

void sl_stop_late(const char *scope) {
    sl_log(SLUICE_LOG_WARN, scope,
           "what came before a bad record could not be delivered in time; it will be repeated");
}

void sl_stop_report(sl_errors_t *errors, sl_failure_t *failure) {
    sl_stop_t *stop = errors->stop;

    if (stop->reported)
        return;
    stop->reported = 1;
    errors->origin = stop->origin;
    (void)sl_rejects_report_one(stop->stage, &stop->reject, errors, failure);
    errors->origin = NULL;
}
