#include "runtime/partitions.h"

#include "sluice/error.h"

int sl_partitions_init(sl_partitions_t *partitions) {
    memset(&partitions->map, 0, sizeof(partitions->map));
    return uv_mutex_init(&partitions->lock) == 0 ? SLUICE_OK : SLUICE_NO_MEMORY;
}

void sl_partitions_fini(sl_partitions_t *partitions) {
    sl_map_fini(&partitions->map);
    uv_mutex_destroy(&partitions->lock);
}

uint32_t sl_partitions_number(sl_partitions_t *partitions, sluice_str_t json) {
    int64_t at;

    uv_mutex_lock(&partitions->lock);
    at = sl_map_find(&partitions->map, json);
    if (at < 0 && sl_map_put(&partitions->map, json, partitions) == SLUICE_OK)
        at = (int64_t)partitions->map.count - 1;
    uv_mutex_unlock(&partitions->lock);
    return at < 0 ? UINT32_MAX : (uint32_t)at;
}

sluice_str_t sl_partitions_json(sl_partitions_t *partitions, uint32_t number) {
    sluice_str_t json = {NULL, 0};

    uv_mutex_lock(&partitions->lock);
    if (number < partitions->map.count)
        json = partitions->map.entries[number].key;
    uv_mutex_unlock(&partitions->lock);
    return json;
}

size_t sl_partitions_count(sl_partitions_t *partitions) {
    size_t count;

    uv_mutex_lock(&partitions->lock);
    count = partitions->map.count;
    uv_mutex_unlock(&partitions->lock);
    return count;
}
