/*
 * The drop-headers transform: removes headers by their names, as Kafka Connect's DropHeaders.
 */
#include "support/connect/check.h"
#include "support/connect/smt.h"

static const sluice_option_t options[] = {
    {.name = "headers",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "The name of the headers to be removed."},
};

typedef struct drop {
    smt_t smt;
    smt_list_t names;
} drop_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_list(api, ctx, "headers");
    return SLUICE_OK;
}

static int configure(void *self) {
    drop_t *d = self;
    int status = SLUICE_OK;

    d->names = smt_keep_list(&d->smt, "headers", &status);
    return status;
}

static int is_dropped(const drop_t *d, sluice_str_t key) {
    size_t i;

    for (i = 0; i < d->names.count; i++)
        if (sluice_str_eq(key, d->names.items[i]))
            return 1;
    return 0;
}

static int drop_record(void *self, apply_t *a, sluice_record_t *r) {
    drop_t *d = self;
    sluice_batch_t *batch;
    sluice_header_t *kept;
    uint32_t first = 0, count, i;

    while (first < r->header_count && !is_dropped(d, r->headers[first].key))
        first++;
    if (first == r->header_count)
        return APPLY_SAME;
    batch = smt_batch(&d->smt, a);
    kept = batch == NULL ? NULL : d->smt.api->batch_alloc(batch, r->header_count * sizeof(*kept));
    if (kept == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0, count = 0; i < r->header_count; i++)
        if (i < first || !is_dropped(d, r->headers[i].key))
            kept[count++] = r->headers[i];
    r->headers = kept;
    r->header_count = count;
    return APPLY_CHANGED;
}

static const smt_class_t drop_class = {
    .size = sizeof(drop_t), .configure = configure, .apply = drop_record};
SMT_DEFINE(drop_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("drop-headers", "DropHeaders", "Removes headers by their names.", options, check,
               smt_on_value),
};

SLUICE_DEFINE_MODULE("drop-headers", SLUICE_VERSION, "Apache-2.0", plugins);
