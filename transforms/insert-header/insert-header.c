/*
 * The insert-header transform: one more header, the same for all records, as with Kafka Connect's
 * InsertHeader. The literal is the value that it looks like: 1, true, [1, 2], 2024-01-31, text.
 */
#include "support/connect/check.h"
#include "support/connect/smt.h"
#include "support/connect/values.h"

static const sluice_option_t options[] = {
    {.name = "header",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "The name of the header."},
    {.name = "value.literal",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "The literal value that is to be set as the header value on all records."},
};

typedef struct insert {
    smt_t smt;
    sluice_header_t header; /* its schema referenced */
} insert_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_not_null(api, ctx, "header");
    connect_check_not_null(api, ctx, "value.literal");
    return SLUICE_OK;
}

static int configure(void *self) {
    insert_t *t = self;
    const sluice_api_t *api = t->smt.api;
    int status = SLUICE_OK;
    sluice_str_t literal;

    t->header.key = smt_keep(&t->smt, api->config_text(t->smt.ctx, "header"), &status);
    literal = smt_keep(&t->smt, api->config_text(t->smt.ctx, "value.literal"), &status);
    if (status != SLUICE_OK)
        return status;
    return connect_parse_value(api, t->smt.memory, literal, &t->header.schema, &t->header.value);
}

static void release(void *self) {
    insert_t *t = self;

    t->smt.api->schema_unref(t->header.schema);
}

static int insert_record(void *self, apply_t *a, sluice_record_t *r) {
    insert_t *t = self;
    sluice_batch_t *batch = smt_batch(&t->smt, a);
    sluice_header_t *all;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    all = t->smt.api->batch_alloc(batch, (r->header_count + 1) * sizeof(*all));
    if (all == NULL)
        return SLUICE_NO_MEMORY;
    if (r->header_count > 0)
        memcpy(all, r->headers, r->header_count * sizeof(*all));
    all[r->header_count++] = t->header;
    r->headers = all;
    return APPLY_CHANGED;
}

static const smt_class_t insert_class = {
    .size = sizeof(insert_t), .configure = configure, .release = release, .apply = insert_record};
SMT_DEFINE(insert_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("insert-header", "InsertHeader", "Adds a header to each record.", options, check,
               smt_on_value),
};

SLUICE_DEFINE_MODULE("insert-header", SLUICE_VERSION, "Apache-2.0", plugins);
