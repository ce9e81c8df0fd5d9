#include "support/apply.h"

/* Makes the output batch, with all records: those before the one at hand are as they will stay. */
sluice_batch_t *apply_begin(apply_t *a) {
    a->out = a->api->batch_derive(a->ctx, a->in, &a->made);
    a->kept = a->at;
    return a->out;
}

/* The record at hand is worked on where it will stay, or aside as long as nothing has changed. */
static int one_record(apply_t *a, apply_fn fn, void *self) {
    sluice_record_t aside;
    sluice_record_t *record = &aside;
    int what;

    if (a->out != NULL)
        record = &a->made[a->kept];
    if (a->out == NULL || a->kept != a->at)
        *record = a->records[a->at];
    what = fn(self, a, record);
    if (what > APPLY_DROP && record != &aside) { /* the rule */
        a->kept++;
        return SLUICE_OK;
    }
    if (what == SLUICE_NO_MEMORY)
        return SLUICE_NO_MEMORY;
    if (what == APPLY_SAME && a->out == NULL)
        return SLUICE_OK;
    if (apply_batch(a) == NULL)
        return SLUICE_NO_MEMORY;
    if (what < 0)
        a->api->reject(a->ctx, (uint32_t)a->at);
    if (what <= APPLY_DROP)
        return SLUICE_OK;
    if (record == &aside)
        a->made[a->kept] = aside;
    a->kept++;
    return SLUICE_OK;
}

static int finish(apply_t *a, sluice_batch_t **out) {
    int status = SLUICE_OK;

    if (a->out == NULL) {
        *out = a->api->batch_ref(a->in);
        return SLUICE_OK;
    }
    a->api->batch_cut(a->out, a->kept);
    if (a->kept > 0)
        status = a->api->batch_seal(a->out);
    if (a->kept > 0 && status == SLUICE_OK)
        *out = a->out;
    else
        a->api->batch_unref(a->out);
    return status;
}

int apply_records(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_batch_t *in,
                  sluice_batch_t **out, apply_fn fn, void *self) {
    apply_t a = {.api = api, .ctx = ctx, .in = in};
    int status = SLUICE_OK;

    *out = NULL;
    a.records = api->batch_records(in, &a.count);
    for (; a.at < a.count && status == SLUICE_OK; a.at++)
        status = one_record(&a, fn, self);
    if (status == SLUICE_OK)
        status = finish(&a, out);
    else
        api->batch_unref(a.out);
    return status == SLUICE_OK
               ? SLUICE_OK
               : api->fail(ctx, status, "transform.memory", "no memory for a batch");
}

int apply_topic(const char *const *topics, size_t count, sluice_str_t topic) {
    size_t i;

    for (i = 0; i < count; i++)
        if (sluice_str_eq(sluice_str(topics[i]), topic))
            return 1;
    return count == 0;
}
