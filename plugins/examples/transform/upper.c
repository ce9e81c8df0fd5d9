/*
 * A transform, as small as can be: string values in capital letters (ASCII). Shows how a batch is
 * made out of a batch: what does not change is shared, a record that cannot be done is rejected.
 */
#include <stdlib.h>
#include "sluice/plugin.h"

typedef struct upper {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
} upper_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    upper_t *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return SLUICE_NO_MEMORY;
    u->api = api;
    u->ctx = ctx;
    *self = u;
    return SLUICE_OK;
}

static void destroy(void *self) {
    free(self);
}

/* The text in capitals, in the arena of `out`. */
static int convert(upper_t *u, sluice_batch_t *out, sluice_value_t *value) {
    sluice_str_t text = sluice_value_str(value);
    char *copy = u->api->batch_alloc(out, text.len > 0 ? text.len : 1);
    size_t i;

    if (copy == NULL)
        return u->api->fail(u->ctx, SLUICE_NO_MEMORY, "upper.memory", "no memory for a text");
    for (i = 0; i < text.len; i++)
        copy[i] = (char)(text.data[i] >= 'a' && text.data[i] <= 'z' ? text.data[i] - 'a' + 'A'
                                                                    : text.data[i]);
    *value = sluice_text(SLUICE_STRING, sluice_str_n(copy, text.len));
    return SLUICE_OK;
}

/* 1: goes on to the output, 0: was rejected. */
static int accept(upper_t *u, const sluice_record_t *r, size_t i) {
    if (r->value.kind == SLUICE_STRING || sluice_is_null(&r->value))
        return 1;
    if (u->api->config_int(u->ctx, "strict") == 0)
        return 1;
    u->api->fail(u->ctx, SLUICE_BAD_RECORD, "upper.kind",
                 "the value is no text (kind %d): set strict to false to let it pass",
                 (int)r->value.kind);
    u->api->reject(u->ctx, (uint32_t)i);
    return 0;
}

static int fill(upper_t *u, sluice_batch_t *in, sluice_batch_t *out) {
    size_t count, i;
    const sluice_record_t *records = u->api->batch_records(in, &count);
    int status = u->api->batch_share(out, in); /* keys, topics, headers ... stay where they are */

    for (i = 0; i < count && status == SLUICE_OK; i++) {
        sluice_record_t *r;
        if (!accept(u, &records[i], i))
            continue;
        if ((r = u->api->batch_add(out)) == NULL)
            return SLUICE_NO_MEMORY;
        *r = records[i]; /* lineage (position, offset ...) comes with it */
        if (r->value.kind == SLUICE_STRING)
            status = convert(u, out, &r->value);
    }
    return status == SLUICE_OK ? u->api->batch_seal(out) : status;
}

static int apply(void *self, sluice_batch_t *in, sluice_batch_t **out) {
    upper_t *u = self;
    sluice_batch_t *batch = u->api->batch_new(u->ctx, 0);
    int status;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    status = fill(u, in, batch);
    if (status != SLUICE_OK) {
        u->api->batch_unref(batch);
        return status;
    }
    *out = batch;
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    {.name = "strict", .type = SLUICE_OPT_BOOLEAN, .default_text = "false",
     .doc = "reject records whose value is no text, instead of passing them on"},
};
static const sluice_transform_t transform = {
    .size = sizeof(transform), .create = create, .destroy = destroy, .apply = apply,
};
static const sluice_plugin_t plugins[] = {
    {.size = sizeof(plugins[0]), .kind = SLUICE_TRANSFORM, .name = "example-upper",
     .summary = "Text in capital letters: a minimal transform", .options = options,
     .option_count = 1, .option_size = sizeof(options[0]), .transform = &transform},
};

SLUICE_DEFINE_MODULE("example-transform", "1.0.0", "Apache-2.0", plugins);
