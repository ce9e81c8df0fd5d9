#include "offsets.h"

#include <string.h>

#define REFUSED "org.apache.kafka.connect.errors.ConnectException"
#define NO_FILE                                                                                    \
    "Offsets cannot be modified if the 'file' configuration is unspecified. This is because "      \
    "stdin is used for input and offsets are not tracked."

/* The value of a key of a map, or NULL. */
static const sluice_value_t *member(const sluice_value_t *map, const char *name) {
    uint32_t i;

    for (i = 0; map->kind == SLUICE_MAP && i < map->len; i++) {
        const sluice_value_t *key = &map->as.items[2 * i];
        if (key->kind == SLUICE_STRING && sluice_str_eq(sluice_value_str(key), sluice_str(name)))
            return key + 1;
    }
    return NULL;
}

static int is_null(const sluice_value_t *value) {
    return value == NULL || value->kind == SLUICE_NULL;
}

static int is_integer(const sluice_value_t *value) {
    return value->kind >= SLUICE_INT8 && value->kind <= SLUICE_INT64;
}

/* Why the position of one partition cannot be; NULL: it can. */
static const char *refusal(const sluice_value_t *one) {
    const sluice_value_t *partition = member(one, "partition"), *offset = member(one, "offset");
    const sluice_value_t *position;

    if (is_null(offset))
        return NULL; /* whatever is there may be forgotten */
    position = member(offset, "position");
    if (position == NULL)
        return "Offset objects should either be null or contain the key 'position'";
    if (!is_integer(position))
        return "The value for the 'position' key in the offset is expected to be a Long value";
    if (sluice_value_int(position) < 0)
        return "The value for the 'position' key in the offset should be a non-negative value";
    if (is_null(partition))
        return "Partition objects cannot be null";
    return member(partition, "filename") == NULL
               ? "Partition objects should contain the key 'filename'"
               : NULL;
}

int file_alter_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets) {
    const char *file = api->config_text(ctx, "file");
    sluice_batch_t *scratch;
    sluice_json_error_t error;
    sluice_value_t list;
    const char *why = NULL;
    uint32_t i;
    int status;

    if (file == NULL || *file == '\0')
        return api->fail(ctx, SLUICE_FATAL, REFUSED, "%s", NO_FILE);
    scratch = api->batch_new(ctx, 0);
    if (scratch == NULL)
        return SLUICE_NO_MEMORY;
    status = api->json->parse(scratch, offsets, 0, &list, &error);
    for (i = 0; status == SLUICE_OK && why == NULL && i < list.len; i++)
        why = refusal(&list.as.items[i]);
    if (why != NULL)
        status = api->fail(ctx, SLUICE_FATAL, REFUSED, "%s", why);
    api->batch_unref(scratch);
    return status == SLUICE_OK ? 1 : status;
}
