#include "plugin/pass.h"

#include "record/batch.h"

typedef struct run {
    sl_pass_step_t *steps;
    size_t count;
    sluice_pass_t pass;
    int changed;
} run_t;

int sl_pass_can(const sluice_transform_t *transform) {
    return transform->size >= offsetof(sluice_transform_t, pass) + sizeof(transform->pass) &&
           transform->pass != NULL;
}

/* 1, 0: past the step, negative: failed */
static int is_for(const sl_pass_step_t *step, const sluice_record_t *record) {
    int answer = step->predicate == NULL ? 1 : step->predicate->test(step->judge, record);

    return answer < 0 || step->predicate == NULL ? answer : (answer != 0) != (step->negate != 0);
}

/* 1: it is kept, 0: it is not, negative: not this way */
static int one_record(run_t *run) {
    sl_pass_step_t *step, *end = run->steps + run->count;

    run->pass.own = NULL;
    for (step = run->steps; step < end; step++) {
        int what = is_for(step, run->pass.record);

        if (what > 0)
            what = step->transform->pass(step->self, &run->pass);
        else if (what == 0)
            what = SLUICE_PASS_SAME;
        if (what < 0)
            return what;
        run->changed |= what != SLUICE_PASS_SAME;
        if (what == SLUICE_PASS_DROP) {
            step->dropped++;
            return 0;
        }
    }
    return 1;
}

static int all_records(run_t *run, sluice_batch_t *in, sluice_record_t *made) {
    size_t i, count, kept = 0;
    const sluice_record_t *records = sl_batch_records(in, &count);

    for (i = 0; i < count; i++) {
        int what;

        if (kept != i)
            made[kept] = records[i];
        run->pass.record = &made[kept];
        run->pass.left = (uint32_t)(count - i - 1);
        what = one_record(run);
        if (what < 0)
            return what;
        kept += (size_t)what;
    }
    sl_batch_cut(run->pass.batch, kept);
    return SLUICE_OK;
}

int sl_pass_run(sl_pass_step_t *steps, size_t count, sluice_batch_t *in, sluice_batch_t **out) {
    run_t run = {.steps = steps, .count = count, .pass = {.size = sizeof(run.pass)}};
    sluice_record_t *made;
    sluice_batch_t *batch = sl_batch_derive(in, &made);
    int status;
    size_t i;

    if (batch == NULL)
        return 0;
    for (i = 0; i < count; i++)
        steps[i].dropped = 0;
    run.pass.batch = batch;
    run.pass.serial = sl_batch_serial(batch);
    status = all_records(&run, in, made);
    if (status == SLUICE_OK && run.changed && sl_batch_count(batch) > 0) {
        *out = batch;
        return sl_batch_seal(batch) == SLUICE_OK;
    }
    *out = status == SLUICE_OK && !run.changed ? sl_batch_ref(in) : NULL;
    sl_batch_unref(batch);
    return status == SLUICE_OK;
}
