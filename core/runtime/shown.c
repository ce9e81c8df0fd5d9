#include "runtime/shown.h"

#include <stdlib.h>

void sl_shown_init(sl_shown_t *shown, size_t keep) {
    memset(shown, 0, sizeof(*shown));
    shown->keep = keep;
}

void sl_shown_fini(sl_shown_t *shown) {
    size_t i, k;

    for (i = 0; i < shown->part_count; i++) {
        for (k = 0; k < shown->parts[i].count; k++)
            free(shown->parts[i].places[k].json);
        free(shown->parts[i].places);
    }
    free(shown->parts);
    sl_shown_init(shown, shown->keep);
}

static sl_shown_part_t *part_of(sl_shown_t *shown, uint32_t partition) {
    size_t count = (size_t)partition + 1 + shown->part_count / 2;
    sl_shown_part_t *parts = shown->parts;

    if (partition >= shown->part_count) {
        parts = realloc(parts, count * sizeof(*parts));
        if (parts == NULL)
            return NULL;
        memset(parts + shown->part_count, 0, (count - shown->part_count) * sizeof(*parts));
        shown->parts = parts;
        shown->part_count = count;
    }
    if (parts[partition].places == NULL)
        parts[partition].places = calloc(shown->keep, sizeof(sl_shown_place_t));
    return parts[partition].places != NULL ? &parts[partition] : NULL;
}

static size_t index_of(const sl_shown_part_t *part, const sluice_position_t *position,
                       uint32_t sub_index) {
    size_t i;

    for (i = 0; i < part->count; i++)
        if (sl_place_cmp(&part->places[i].position, part->places[i].sub_index, position,
                         sub_index) == 0)
            break;
    return i;
}

static void remove_at(sl_shown_part_t *part, size_t i) {
    free(part->places[i].json);
    part->count--;
    memmove(&part->places[i], &part->places[i + 1], (part->count - i) * sizeof(part->places[0]));
}

void sl_shown_put(sl_shown_t *shown, uint32_t partition, const sluice_position_t *position,
                  uint32_t sub_index, const char *json) {
    sl_shown_part_t *part = part_of(shown, partition);
    char *copy = part != NULL ? strdup(json) : NULL;
    size_t at;

    if (copy == NULL)
        return;
    at = index_of(part, position, sub_index);
    if (at < part->count)
        remove_at(part, at);
    else if (part->count == shown->keep)
        remove_at(part, 0);
    part->places[part->count++] = (sl_shown_place_t){*position, sub_index, copy};
}

const char *sl_shown_find(const sl_shown_t *shown, uint32_t partition, const sl_place_t *place) {
    const sl_shown_part_t *part;
    size_t at;

    if (partition >= shown->part_count)
        return NULL;
    part = &shown->parts[partition];
    at = index_of(part, &place->position, place->sub_index);
    return at < part->count ? part->places[at].json : NULL;
}
