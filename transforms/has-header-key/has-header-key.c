/*
 * The has-header-key predicate: whether a record has a header of a name, as Kafka Connect's
 * HasHeaderKey.
 */
#include <stdlib.h>

#include "support/connect/check.h"
#include "support/connect/predicate.h"

static const sluice_option_t options[] = {
    {.name = "name",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_MEDIUM,
     .doc = "The header name."},
};

typedef struct has_header {
    sluice_str_t name;
} has_header_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    connect_check_not_empty(api, ctx, "name");
    return SLUICE_OK;
}

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    has_header_t *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return SLUICE_NO_MEMORY;
    h->name = sluice_str(api->config_text(ctx, "name"));
    *self = h;
    return SLUICE_OK;
}

static int test(void *self, const sluice_record_t *record) {
    const has_header_t *h = self;
    uint32_t i;

    for (i = 0; i < record->header_count; i++)
        if (sluice_str_eq(record->headers[i].key, h->name))
            return 1;
    return 0;
}

static const sluice_predicate_t predicate = {
    .size = sizeof(predicate), .create = create, .destroy = free, .test = test};

static const sluice_plugin_t plugins[] = {
    CONNECT_PREDICATE("has-header-key", "HasHeaderKey", "There is a header of that name.", options,
                      1, check, predicate),
};

SLUICE_DEFINE_MODULE("has-header-key", SLUICE_VERSION, "Apache-2.0", plugins);
