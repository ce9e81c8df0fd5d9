#include "support/apply.h"

static int add_record(apply_t *a, const sluice_record_t *record) {
    sluice_record_t *r = a->api->batch_add(a->out);

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    *r = *record;
    return SLUICE_OK;
}

/* Makes the output batch, with all records before the one at hand. */
sluice_batch_t *apply_batch(apply_t *a) {
    size_t i;

    if (a->out != NULL)
        return a->out;
    a->out = a->api->batch_new(a->ctx, 0);
    if (a->out == NULL)
        return NULL;
    if (a->api->batch_share(a->out, a->in) != SLUICE_OK)
        goto fail;
    for (i = 0; i < a->at; i++)
        if (add_record(a, &a->records[i]) != SLUICE_OK)
            goto fail;
    return a->out;
fail:
    a->api->batch_unref(a->out);
    a->out = NULL;
    return NULL;
}

static int one_record(apply_t *a, apply_fn fn, void *self) {
    sluice_record_t record = a->records[a->at];
    int what = fn(self, a, &record);

    if (what == SLUICE_NO_MEMORY)
        return SLUICE_NO_MEMORY;
    if (what == APPLY_SAME && a->out == NULL)
        return SLUICE_OK;
    if (apply_batch(a) == NULL)
        return SLUICE_NO_MEMORY;
    if (what < 0)
        a->api->reject(a->ctx, (uint32_t)a->at);
    return what > APPLY_DROP ? add_record(a, &record) : SLUICE_OK;
}

int apply_records(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_batch_t *in,
                  sluice_batch_t **out, apply_fn fn, void *self) {
    apply_t a = {.api = api, .ctx = ctx, .in = in};
    int status = SLUICE_OK;
    size_t kept = 0;

    *out = NULL;
    a.records = api->batch_records(in, &a.count);
    for (; a.at < a.count && status == SLUICE_OK; a.at++)
        status = one_record(&a, fn, self);
    if (status == SLUICE_OK && a.out == NULL) {
        *out = api->batch_ref(in);
        return SLUICE_OK;
    }
    if (status == SLUICE_OK)
        status = api->batch_seal(a.out);
    if (status == SLUICE_OK)
        api->batch_records(a.out, &kept);
    if (kept > 0)
        *out = a.out;
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
