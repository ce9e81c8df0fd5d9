/* Transforms that take single records: a chain of three, each adds PASSED to the key. The second
 * drops records, the third rejects some. Included by harness_stages.h only. */

static int64_t number_of(const sluice_record_t *r) {
    return (int64_t)sluice_get_be64(r->position.bytes);
}

/* The key behind the step of this number: the first has a predicate, maybe. */
static int64_t passed_key(const sluice_record_t *r, int place) {
    const int past = stages.judged && r->position.bytes[7] % 3 != 0;

    return number_of(r) + (place - past) * PASSED;
}

static int pass_record(transform_t *x, sluice_record_t *r) {
    const int64_t n = number_of(r);

    if (x->place > 1 && r->key.as.i != passed_key(r, x->place - 1))
        stages.wrong_keys++;
    if (x->place == 2 && stages.drop_every > 0 && n % stages.drop_every == 0)
        return SLUICE_PASS_DROP;
    if (x->place == 3 && stages.reject_every > 0 && n % stages.reject_every == 0)
        return (x->api->fail)(x->ctx, SLUICE_BAD_RECORD, "test.reject", "rejected number");
    r->key.as.i += PASSED;
    return SLUICE_PASS_CHANGED;
}

static int passer_pass(void *self, sluice_pass_t *pass) {
    stages.passed++;
    return pass_record(self, pass->record);
}

static int passer_apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    transform_t *x = self;
    size_t i, count, kept = 0;
    const sluice_record_t *r = x->api->batch_records(in, &count);
    sluice_record_t *made;

    *out = x->api->batch_derive(x->ctx, in, &made);
    for (i = 0; i < count; i++) {
        int what;

        made[kept] = r[i];
        what = pass_record(x, &made[kept]);
        if (what < 0)
            x->api->reject(x->ctx, (uint32_t)i);
        kept += what > SLUICE_PASS_DROP;
    }
    x->api->batch_cut(*out, kept);
    stages.step_by_step++;
    return SLUICE_OK;
}

static const sluice_transform_t passer_table = {
    .size = sizeof(sluice_transform_t),
    .create = transform_create,
    .destroy = sink_destroy,
    .open = transform_open,
    .apply = passer_apply,
    .pass = passer_pass,
};
