#include "support/arena.h"

#include "sluice/error.h"

typedef struct kept {
    const sluice_api_t *api;
    const sluice_schema_t *schema;
} kept_t;

static void release(void *arg) {
    kept_t *kept = arg;

    kept->api->schema_unref(kept->schema);
}

int arena_keep_schema(const sluice_api_t *api, sluice_batch_t *arena,
                      const sluice_schema_t *schema) {
    kept_t *kept;

    if (schema == NULL)
        return SLUICE_OK;
    kept = api->batch_alloc(arena, sizeof(*kept));
    if (kept != NULL) {
        *kept = (kept_t){api, schema};
        if (api->batch_pin(arena, 0, release, kept) == SLUICE_OK)
            return SLUICE_OK;
    }
    api->schema_unref(schema);
    return SLUICE_NO_MEMORY;
}
