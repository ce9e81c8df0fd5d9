/*
 * The record-is-tombstone predicate: whether a record's value is null, as Kafka Connect's
 * RecordIsTombstone.
 */
#include "support/connect/predicate.h"

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    (void)ctx;
    *self = (void *)(uintptr_t)api; /* nothing to keep, but not NULL */
    return SLUICE_OK;
}

static void destroy(void *self) {
    (void)self;
}

static int test(void *self, const sluice_record_t *record) {
    (void)self;
    return record->value.kind == SLUICE_NULL;
}

static const sluice_predicate_t predicate = {
    .size = sizeof(predicate), .create = create, .destroy = destroy, .test = test};

static const sluice_plugin_t plugins[] = {
    CONNECT_PREDICATE("record-is-tombstone", "RecordIsTombstone", "The value is null.", NULL, 0,
                      NULL, predicate),
};

SLUICE_DEFINE_MODULE("record-is-tombstone", SLUICE_VERSION, "Apache-2.0", plugins);
