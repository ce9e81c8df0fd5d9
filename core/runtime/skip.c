#include "runtime/skip.h"

#include "record/batch.h"
#include "runtime/positions.h"
#include "runtime/slice.h"
#include <stdlib.h>

void sl_skip_init(sl_skip_t *skip) {
    memset(skip, 0, sizeof(*skip));
}

void sl_skip_fini(sl_skip_t *skip) {
    free(skip->parts);
    sl_skip_init(skip);
}

static sl_skip_part_t *part_of(sl_skip_t *skip, uint32_t partition) {
    sl_skip_part_t *parts;
    size_t count;

    if (partition < skip->count)
        return &skip->parts[partition];
    count = (size_t)partition + 1 + skip->count / 2;
    parts = realloc(skip->parts, count * sizeof(*parts));
    if (parts == NULL)
        return NULL;
    memset(parts + skip->count, 0, (count - skip->count) * sizeof(*parts));
    skip->parts = parts;
    skip->count = count;
    return &parts[partition];
}

int sl_skip_have(sl_skip_t *skip, uint32_t partition, const sluice_position_t *position,
                 uint32_t sub_index) {
    sl_skip_part_t *part = part_of(skip, partition);

    if (part == NULL)
        return SLUICE_NO_MEMORY;
    part->has = 1;
    part->seen = part->until = part->durable = *position;
    part->seen_sub = part->until_sub = part->durable_sub = sub_index;
    skip->armed += !part->armed;
    part->armed = 1;
    return SLUICE_OK;
}

int sl_skip_is_durable(const sl_skip_t *skip, const sluice_mark_t *mark) {
    const sl_skip_part_t *part;

    if (mark->source_partition >= skip->count)
        return 0;
    part = &skip->parts[mark->source_partition];
    return part->durable.len > 0 && sl_place_cmp(&mark->position, mark->sub_index, &part->durable,
                                                 part->durable_sub) <= 0;
}

void sl_skip_arm(sl_skip_t *skip) {
    size_t i;

    skip->armed = 0;
    for (i = 0; i < skip->count; i++) {
        sl_skip_part_t *part = &skip->parts[i];
        part->armed = part->has;
        part->until = part->seen;
        part->until_sub = part->seen_sub;
        skip->armed += (size_t)part->armed;
    }
}

void sl_skip_reset(sl_skip_t *skip) {
    if (skip->count > 0)
        memset(skip->parts, 0, skip->count * sizeof(*skip->parts));
    skip->armed = 0;
}

/* Takes note of marks; *fresh: how many go beyond what was had. */
static int note(sl_skip_t *skip, const sluice_mark_t *marks, size_t count, size_t *fresh) {
    size_t i;

    *fresh = 0;
    for (i = 0; i < count; i++) {
        const sluice_mark_t *m = &marks[i];
        sl_skip_part_t *part = part_of(skip, m->source_partition);
        if (part == NULL)
            return SLUICE_NO_MEMORY;
        if (part->armed &&
            sl_place_cmp(&m->position, m->sub_index, &part->until, part->until_sub) <= 0)
            continue;
        (*fresh)++;
        part->has = 1;
        part->seen = m->position;
        part->seen_sub = m->sub_index;
    }
    return SLUICE_OK;
}

static int had(const sl_skip_t *skip, const sluice_record_t *r) {
    const sl_skip_part_t *part;

    if (r->source_partition >= skip->count)
        return 0;
    part = &skip->parts[r->source_partition];
    return part->armed &&
           sl_place_cmp(&r->position, r->sub_index, &part->until, part->until_sub) <= 0;
}

/* Partitions whose stream has passed the place are as before. */
static void disarm(sl_skip_t *skip, const sluice_mark_t *marks, size_t count) {
    size_t i;

    for (i = 0; i < count; i++) {
        sl_skip_part_t *part = &skip->parts[marks[i].source_partition];
        if (part->armed && sl_place_cmp(&marks[i].position, marks[i].sub_index, &part->until,
                                        part->until_sub) > 0) {
            part->armed = 0;
            skip->armed--;
        }
    }
}

static int mark_is_fresh(const sl_skip_t *skip, const sluice_mark_t *m) {
    const sl_skip_part_t *part = &skip->parts[m->source_partition];

    return !part->armed ||
           sl_place_cmp(&m->position, m->sub_index, &part->until, part->until_sub) > 0;
}

/* A slice says only what is new: a sink that keeps positions must not store an older one. */
static int set_fresh_marks(const sl_skip_t *skip, sluice_batch_t *slice, const sluice_mark_t *marks,
                           size_t count) {
    sluice_mark_t *fresh = malloc(count * sizeof(*fresh) + 1);
    size_t i, n = 0;
    int status;

    if (fresh == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++)
        if (mark_is_fresh(skip, &marks[i]))
            fresh[n++] = marks[i];
    status = sl_batch_set_marks(slice, fresh, n);
    free(fresh);
    return status;
}

static int take_fresh(const sl_skip_t *skip, sluice_batch_t *batch, int all_marks,
                      sluice_batch_t **out, size_t *skipped) {
    size_t i, count, mark_count, n = 0;
    const sluice_record_t *records = sl_batch_records(batch, &count);
    const sluice_mark_t *marks = sl_batch_marks(batch, &mark_count);
    uint32_t *index = malloc(count * sizeof(*index) + 1);

    if (index == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++)
        if (!had(skip, &records[i]))
            index[n++] = (uint32_t)i;
    *skipped = count - n;
    if (n == count && all_marks)
        *out = sl_batch_ref(batch);
    else
        *out = sl_slice(batch, index, n, NULL, 0);
    free(index);
    if (*out == NULL)
        return SLUICE_NO_MEMORY;
    return *out == batch ? SLUICE_OK : set_fresh_marks(skip, *out, marks, mark_count);
}

int sl_skip_pass(sl_skip_t *skip, sluice_batch_t *batch, sluice_batch_t **out, size_t *skipped) {
    size_t mark_count, fresh;
    const sluice_mark_t *marks = sl_batch_marks(batch, &mark_count);
    int status = note(skip, marks, mark_count, &fresh);

    *out = NULL;
    *skipped = 0;
    if (status != SLUICE_OK)
        return status;
    if (skip->armed == 0) {
        *out = sl_batch_ref(batch);
        return SLUICE_OK;
    }
    if (fresh == 0) {
        *skipped = sl_batch_count(batch);
        return SLUICE_OK;
    }
    status = take_fresh(skip, batch, fresh == mark_count, out, skipped);
    disarm(skip, marks, mark_count);
    return status;
}
