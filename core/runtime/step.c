/* One transform applied to one batch: record by record where it has to be, and again where it asks
 * for time. */
#include "runtime/chain.h"

#include "record/batch.h"
#include "runtime/slice.h"
#include "runtime/stop.h"
#include <stdlib.h>

uint32_t sl_step_place(const sl_step_t *step, uint32_t record) {
    return step->places != NULL ? step->places[record] : record;
}

int sl_step_no_memory(sl_chain_t *chain) {
    sl_failure_set(chain->failure, SLUICE_NO_MEMORY, NULL, "no memory to transform a batch");
    return SLUICE_NO_MEMORY;
}

/* ---- a whole batch ---- */

static int is_retry(int status) {
    return status == SLUICE_RETRY || status == SLUICE_BUSY || status == SLUICE_NOT_CONNECTED;
}

static int apply_once(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    int status;

    *out = NULL;
    step->applying = in;
    status = step->spec->transform.plugin->transform->apply(step->instance.self, in, out);
    step->applying = NULL;
    if (status == SLUICE_OK &&
        (step->out_of_memory || (*out != NULL && sl_batch_seal(*out) != SLUICE_OK)))
        status = sl_step_no_memory(step->chain);
    if (status != SLUICE_OK) {
        sl_batch_unref(*out);
        *out = NULL;
    }
    return status;
}

/* Appends the records of `part` (may be NULL) to `all`, which keeps part alive. */
static int join(sluice_batch_t *all, sluice_batch_t *part) {
    size_t i, count = sl_batch_count(part);
    const sluice_record_t *records = count > 0 ? sl_batch_records(part, &count) : NULL;

    if (count > 0 && sl_batch_share(all, part) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++)
        if (sl_batch_append(all, &records[i]) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
    return SLUICE_OK;
}

/* `one` is a batch of one. */
static int reject(sl_step_t *step, sluice_batch_t *one, int status) {
    sl_ctx_error_t error = {0};
    size_t count;

    sl_instance_error(&step->instance, status, &error);
    if (sl_rejects_add(&step->rejects, sl_batch_records(one, &count), sl_step_place(step, 0),
                       step->spec->transform.name, status, &error) != SLUICE_OK)
        return sl_step_no_memory(step->chain);
    return SLUICE_OK;
}

static int apply_alone(sl_step_t *step, sluice_batch_t *one, sluice_batch_t *all) {
    sluice_batch_t *out = NULL;
    int status = apply_once(step, one, &out);

    if (status == SLUICE_BAD_RECORD) {
        status = reject(step, one, SLUICE_BAD_RECORD);
    }
    if (status == SLUICE_OK && join(all, out) != SLUICE_OK)
        status = sl_step_no_memory(step->chain);
    sl_batch_unref(out);
    return status;
}

/* The transform says that the whole batch failed for a bad record: each alone shows which. */
static int apply_singly(sl_step_t *step, sluice_batch_t *in, sluice_batch_t *all) {
    const uint32_t *places = step->places;
    uint32_t i, place, count = (uint32_t)sl_batch_count(in);
    int status = SLUICE_OK;

    for (i = 0; i < count && status == SLUICE_OK; i++) {
        sluice_batch_t *one = sl_slice(in, &i, 1, NULL, 0);
        if (one == NULL) {
            status = sl_step_no_memory(step->chain);
            break;
        }
        place = places != NULL ? places[i] : i;
        step->places = &place;
        status = apply_alone(step, one, all);
        step->places = places;
        sl_batch_unref(one);
    }
    return status;
}

/* What a step has counted so far; from there it is done anew. */
typedef struct saved {
    size_t rejected;
    int64_t absorbed;
    int64_t generated;
} saved_t;

static saved_t save(const sl_step_t *step) {
    return (saved_t){step->rejects.count, step->absorbed, step->generated};
}

static void restore(sl_step_t *step, const saved_t *saved) {
    sl_rejects_cut(&step->rejects, saved->rejected);
    step->absorbed = saved->absorbed;
    step->generated = saved->generated;
}

/* Applies to all of `in`; *out may be NULL, in itself, or new. */
static int apply_all(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    saved_t saved = save(step);
    int status = apply_once(step, in, out);

    if (status != SLUICE_BAD_RECORD)
        return status;
    restore(step, &saved);
    *out = sl_batch_create(0);
    if (*out == NULL)
        return sl_step_no_memory(step->chain);
    status = apply_singly(step, in, *out);
    if (status == SLUICE_OK && sl_batch_seal(*out) != SLUICE_OK)
        status = sl_step_no_memory(step->chain);
    if (status != SLUICE_OK) {
        sl_batch_unref(*out);
        *out = NULL;
    }
    return status;
}

/* ---- predicates ---- */

static int predicate_failed(sl_step_t *step, const sluice_record_t *record, uint32_t index,
                            int status) {
    sl_ctx_error_t error = {0};

    if (status == SLUICE_NO_MEMORY) /* that is no record's fault */
        return sl_step_no_memory(step->chain);
    sl_ctx_error_of(step->predicate.ctx, status, &error);
    if (sl_rejects_add(&step->rejects, record, sl_step_place(step, index),
                       step->spec->predicate.name, status, &error) != SLUICE_OK)
        return sl_step_no_memory(step->chain);
    return SLUICE_OK;
}

/* verdicts[i]: 1 through the transform, 0 past it, 2 left out. *yes, *no: how many. */
static int judge(sl_step_t *step, sluice_batch_t *in, uint8_t *verdicts, size_t *yes, size_t *no) {
    size_t i, count;
    const sluice_record_t *records = sl_batch_records(in, &count);

    *yes = *no = 0;
    for (i = 0; i < count; i++) {
        int answer =
            step->predicate.plugin->predicate->test(step->predicate.self, &records[i]);
        if (answer < 0 && predicate_failed(step, &records[i], (uint32_t)i, answer) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
        verdicts[i] = answer < 0 ? 2 : (uint8_t)((answer != 0) != (step->spec->negate != 0));
        *yes += verdicts[i] == 1;
        *no += verdicts[i] == 0;
    }
    return SLUICE_OK;
}

static int apply_run(sl_step_t *step, sluice_batch_t *in, const uint32_t *index, size_t count,
                     int through, sluice_batch_t *all) {
    sluice_batch_t *part = sl_slice(in, index, count, NULL, 0);
    sluice_batch_t *out = NULL;
    int status = SLUICE_OK;

    if (part == NULL)
        return sl_step_no_memory(step->chain);
    step->places = index;
    if (through)
        status = apply_all(step, part, &out);
    else
        out = sl_batch_ref(part);
    step->places = NULL;
    if (status == SLUICE_OK && join(all, out) != SLUICE_OK)
        status = sl_step_no_memory(step->chain);
    sl_batch_unref(out);
    sl_batch_unref(part);
    return status;
}

/* Runs of equal verdict, in order. */
static int apply_runs(sl_step_t *step, sluice_batch_t *in, const uint8_t *verdicts,
                      uint32_t *index, sluice_batch_t *all) {
    size_t i = 0, count = sl_batch_count(in);
    int status = SLUICE_OK;

    while (i < count && status == SLUICE_OK) {
        uint8_t verdict = verdicts[i];
        size_t n = 0;
        for (; i < count && verdicts[i] == verdict; i++)
            index[n++] = (uint32_t)i;
        if (verdict != 2)
            status = apply_run(step, in, index, n, verdict, all);
    }
    return status;
}

static int apply_mixed(sl_step_t *step, sluice_batch_t *in, const uint8_t *verdicts,
                       sluice_batch_t **out) {
    uint32_t *index = malloc(sl_batch_count(in) * sizeof(*index) + 1);
    int status;

    *out = sl_batch_create(0);
    if (index == NULL || *out == NULL)
        status = sl_step_no_memory(step->chain);
    else
        status = apply_runs(step, in, verdicts, index, *out);
    free(index);
    if (status == SLUICE_OK && sl_batch_seal(*out) != SLUICE_OK)
        status = sl_step_no_memory(step->chain);
    if (status != SLUICE_OK) {
        sl_batch_unref(*out);
        *out = NULL;
    }
    return status;
}

static int apply_to(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    size_t yes, no, count = sl_batch_count(in);
    uint8_t *verdicts;
    int status;

    if (step->predicate.plugin == NULL)
        return apply_all(step, in, out);
    verdicts = malloc(count + 1);
    if (verdicts == NULL)
        return sl_step_no_memory(step->chain);
    status = judge(step, in, verdicts, &yes, &no);
    if (status == SLUICE_OK && yes == count) {
        status = apply_all(step, in, out);
    } else if (status == SLUICE_OK && no == count) {
        *out = sl_batch_ref(in);
    } else if (status == SLUICE_OK) {
        status = apply_mixed(step, in, verdicts, out);
    }
    free(verdicts);
    return status;
}

/* ---- again ---- */

/* SLUICE_RETRY: after chain->wait_ms. Else time is up. */
static int wait_for(sl_chain_t *chain, sl_retry_t *retry) {
    chain->wait_ms = sl_retry_failed(retry, 0);
    if (chain->wait_ms >= 0)
        return SLUICE_RETRY;
    sl_retry_succeeded(retry);
    return SLUICE_FATAL;
}

static int too_late(sl_step_t *step, int answer) {
    sl_ctx_error_t error = {0};

    sl_instance_error(&step->instance, answer, &error);
    sl_failure_set(step->chain->failure, SLUICE_FATAL, "retry.timeout",
                   "transform %s asked to retry for longer than errors.retry.timeout: %s: %s",
                   step->spec->transform.name, error.code, error.message);
    sl_ctx_error_fini(&error);
    return SLUICE_FATAL;
}

/* The batch as it is, later. A connector's transform that is only busy has all the time it wants.
 */
static int again(sl_step_t *step, int answer) {
    sl_chain_t *chain = step->chain;
    int busy = answer == SLUICE_BUSY && chain->errors->connect;

    sl_rejects_drop(&step->rejects);
    if (wait_for(chain, busy ? &chain->patience : &chain->retry) == SLUICE_RETRY)
        return SLUICE_RETRY;
    return too_late(step, answer);
}

/* SLUICE_OK: *out is given, or it was rejected since its time is up. */
static int try_one(sl_step_t *step, sluice_batch_t *one, sluice_batch_t **out) {
    sl_chain_t *chain = step->chain;
    saved_t saved = save(step);
    int status = SLUICE_RETRY;

    *out = NULL;
    sl_retry_begin(&chain->retry);
    if (!chain->singly.answered)
        status = apply_to(step, one, out);
    chain->singly.answered = 0;
    if (status == SLUICE_OK)
        sl_retry_succeeded(&chain->retry);
    if (!is_retry(status))
        return status;
    restore(step, &saved);
    if (wait_for(chain, status == SLUICE_BUSY ? &chain->patience : &chain->retry) == SLUICE_RETRY)
        return SLUICE_RETRY;
    /* A target that is away is no record's fault. */
    return status == SLUICE_RETRY ? reject(step, one, status) : too_late(step, status);
}

static int next_one(sl_step_t *step, sluice_batch_t *in) {
    sl_singly_t *singly = &step->chain->singly;
    sluice_batch_t *one = sl_slice(in, &singly->at, 1, NULL, 0);
    sluice_batch_t *out = NULL;
    int status;

    if (one == NULL)
        return sl_step_no_memory(step->chain);
    step->places = &singly->at;
    status = try_one(step, one, &out);
    step->places = NULL;
    if (status == SLUICE_OK && join(singly->all, out) != SLUICE_OK)
        status = sl_step_no_memory(step->chain);
    if (status == SLUICE_OK) {
        singly->at++;
        sl_retry_succeeded(&step->chain->patience);
    }
    sl_batch_unref(out);
    sl_batch_unref(one);
    return status;
}

static int is_over(const sl_step_t *step, sluice_batch_t *in) {
    return step->chain->singly.at >= sl_batch_count(in) ||
           (step->rejects.count > 0 && sl_stop_wanted(step->chain->errors));
}

static int go_singly(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    sl_singly_t *singly = &step->chain->singly;
    int status = SLUICE_OK;

    while (status == SLUICE_OK && !is_over(step, in))
        status = next_one(step, in);
    if (status == SLUICE_RETRY)
        return status;
    if (status == SLUICE_OK && sl_batch_seal(singly->all) != SLUICE_OK)
        status = sl_step_no_memory(step->chain);
    if (status == SLUICE_OK) {
        *out = singly->all;
        singly->all = NULL;
    }
    sl_batch_unref(singly->all);
    memset(singly, 0, sizeof(*singly));
    return status;
}

static int begin_singly(sl_step_t *step, sluice_batch_t *in) {
    sl_chain_t *chain = step->chain;

    sl_rejects_drop(&step->rejects);
    step->absorbed = step->generated = 0;
    chain->singly.all = sl_batch_create(0);
    if (chain->singly.all == NULL)
        return sl_step_no_memory(chain);
    /* Which of several it was nobody knows: each gets a try of its own, and its own time. */
    chain->singly.answered = sl_batch_count(in) == 1;
    if (!chain->singly.answered)
        sl_retry_succeeded(&chain->retry);
    sl_retry_succeeded(&chain->patience);
    return SLUICE_OK;
}

int sl_step_apply(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    sl_chain_t *chain = step->chain;
    int status;

    if (chain->singly.all != NULL)
        return go_singly(step, in, out);
    step->absorbed = step->generated = 0;
    step->out_of_memory = 0;
    sl_retry_begin(&chain->retry);
    status = apply_to(step, in, out);
    if (status == SLUICE_OK) {
        sl_retry_succeeded(&chain->retry);
        sl_retry_succeeded(&chain->patience);
    }
    if (!is_retry(status))
        return status;
    if (!chain->errors->connect || status != SLUICE_RETRY)
        return again(step, status);
    status = begin_singly(step, in);
    return status == SLUICE_OK ? go_singly(step, in, out) : status;
}

void sl_step_drop(sl_step_t *step) {
    sl_chain_t *chain = step->chain;

    sl_rejects_drop(&step->rejects);
    sl_retry_succeeded(&chain->retry);
    sl_retry_succeeded(&chain->patience);
    sl_batch_unref(chain->singly.all);
    memset(&chain->singly, 0, sizeof(chain->singly));
}
