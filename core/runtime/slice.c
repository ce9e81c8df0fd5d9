#include "runtime/slice.h"

#include "record/batch.h"
#include <stdlib.h>

static int copy_records(sluice_batch_t *out, const sluice_record_t *records, const uint32_t *index,
                        size_t count) {
    size_t i;

    for (i = 0; i < count; i++) {
        sluice_record_t *r = sl_batch_add(out);
        if (r == NULL)
            return SLUICE_NO_MEMORY;
        *r = records[index[i]];
    }
    return SLUICE_OK;
}

static int64_t find_partition(const sluice_mark_t *marks, size_t count, uint32_t partition) {
    size_t i;

    for (i = 0; i < count; i++)
        if (marks[i].source_partition == partition)
            return (int64_t)i;
    return -1;
}

static void mark_record(sluice_mark_t *mark, const sluice_record_t *r) {
    mark->source_partition = r->source_partition;
    mark->position = r->position;
    mark->sub_index = r->sub_index;
    mark->offset = r->offset;
}

/* The first of the records that come later, of that partition. */
static const sluice_record_t *next_of(const sluice_record_t *records, const uint32_t *rest,
                                      size_t rest_count, uint32_t partition) {
    size_t i;

    for (i = 0; i < rest_count; i++)
        if (records[rest[i]].source_partition == partition)
            return &records[rest[i]];
    return NULL;
}

/* Marks of a part: for each partition the last record before the position of what comes later. */
static size_t part_marks(const sluice_record_t *records, const uint32_t *index, size_t count,
                         const uint32_t *rest, size_t rest_count, sluice_mark_t *marks) {
    size_t i, n = 0;

    for (i = 0; i < count; i++) {
        const sluice_record_t *r = &records[index[i]];
        const sluice_record_t *later = next_of(records, rest, rest_count, r->source_partition);
        int64_t at;
        if (later != NULL && sluice_position_cmp(&later->position, &r->position) <= 0)
            continue;
        at = find_partition(marks, n, r->source_partition);
        mark_record(&marks[at < 0 ? (int64_t)n : at], r);
        n += at < 0;
    }
    return n;
}

static int set_part_marks(sluice_batch_t *out, const sluice_record_t *records,
                          const uint32_t *index, size_t count, const uint32_t *rest,
                          size_t rest_count) {
    sluice_mark_t *marks = malloc(count * sizeof(*marks) + 1);
    int status;

    if (marks == NULL)
        return SLUICE_NO_MEMORY;
    status = sl_batch_set_marks(
        out, marks, part_marks(records, index, count, rest, rest_count, marks));
    free(marks);
    return status;
}

sluice_batch_t *sl_slice(sluice_batch_t *batch, const uint32_t *index, size_t count,
                         const uint32_t *rest, size_t rest_count) {
    size_t n, mark_count;
    const sluice_record_t *records = sl_batch_records(batch, &n);
    const sluice_mark_t *marks = sl_batch_marks(batch, &mark_count);
    sluice_batch_t *out = sl_batch_create(0);
    int status;

    if (out == NULL)
        return NULL;
    status = sl_batch_share(out, batch);
    if (status == SLUICE_OK)
        status = sl_batch_reserve(out, count);
    if (status == SLUICE_OK)
        status = copy_records(out, records, index, count);
    if (status == SLUICE_OK)
        status = sl_batch_seal(out);
    if (status == SLUICE_OK)
        status = rest_count == 0
                     ? sl_batch_set_marks(out, marks, mark_count)
                     : set_part_marks(out, records, index, count, rest, rest_count);
    if (status != SLUICE_OK) {
        sl_batch_unref(out);
        return NULL;
    }
    return out;
}

sluice_batch_t *sl_slice_empty(const sluice_mark_t *marks, size_t count) {
    sluice_batch_t *out = sl_batch_create(0);

    if (out == NULL)
        return NULL;
    if (sl_batch_seal(out) != SLUICE_OK || sl_batch_set_marks(out, marks, count) != SLUICE_OK) {
        sl_batch_unref(out);
        return NULL;
    }
    return out;
}

int sl_slice_mark(sluice_batch_t *batch) {
    size_t i, count, n = 0, cap = 8;
    const sluice_record_t *records = sl_batch_records(batch, &count);
    sluice_mark_t local[8];
    sluice_mark_t *marks = local;
    int status = SLUICE_OK;

    for (i = 0; i < count && status == SLUICE_OK; i++) {
        int64_t at = n > 0 && marks[n - 1].source_partition == records[i].source_partition
                         ? (int64_t)n - 1
                         : find_partition(marks, n, records[i].source_partition);
        if (at < 0 && n == cap) {
            sluice_mark_t *more = malloc(2 * cap * sizeof(*more));
            if (more == NULL) {
                status = SLUICE_NO_MEMORY;
                break;
            }
            memcpy(more, marks, n * sizeof(*more));
            if (marks != local)
                free(marks);
            marks = more;
            cap *= 2;
        }
        mark_record(&marks[at < 0 ? (int64_t)n : at], &records[i]);
        n += at < 0;
    }
    if (status == SLUICE_OK)
        status = sl_batch_set_marks(batch, marks, n);
    if (marks != local)
        free(marks);
    return status;
}

/* ---- what comes before a record ---- */

/* The first record of a source partition at or behind the cut; NULL: all of it is before. */
static const sluice_record_t *behind(const sluice_record_t *records, size_t count, size_t cut,
                                     uint32_t partition) {
    while (cut < count && records[cut].source_partition != partition)
        cut++;
    return cut < count ? &records[cut] : NULL;
}

static size_t records_before(const sluice_record_t *made, size_t made_count,
                             const sluice_record_t *records, size_t count, size_t cut,
                             uint32_t *index) {
    const sluice_record_t *end = NULL;
    uint32_t partition = 0;
    size_t i, n = 0;

    for (i = 0; i < made_count; i++) {
        if (i == 0 || made[i].source_partition != partition) {
            partition = made[i].source_partition;
            end = behind(records, count, cut, partition);
        }
        if (end == NULL || sluice_position_cmp(&made[i].position, &end->position) < 0)
            index[n++] = (uint32_t)i;
    }
    return n;
}

/* The last record of the mark's partition whose position is complete before the cut. */
static int pull_back(sluice_mark_t *mark, const sluice_record_t *records, size_t count,
                     size_t cut) {
    const sluice_record_t *end = behind(records, count, cut, mark->source_partition);

    if (end == NULL)
        return 1;
    while (cut-- > 0)
        if (records[cut].source_partition == mark->source_partition &&
            sluice_position_cmp(&records[cut].position, &end->position) < 0) {
            mark_record(mark, &records[cut]);
            return 1;
        }
    return 0;
}

static int mark_before(sluice_batch_t *out, const sluice_batch_t *in, size_t cut) {
    size_t i, n = 0, count, mark_count;
    const sluice_record_t *records = sl_batch_records(in, &count);
    const sluice_mark_t *marks = sl_batch_marks(in, &mark_count);
    sluice_mark_t *own = malloc(mark_count * sizeof(*own) + 1);
    int status;

    if (own == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < mark_count; i++) {
        own[n] = marks[i];
        n += (size_t)pull_back(&own[n], records, count, cut);
    }
    status = sl_batch_set_marks(out, own, n);
    free(own);
    return status;
}

sluice_batch_t *sl_slice_before(sluice_batch_t *out, sluice_batch_t *in, size_t cut) {
    size_t count, made_count = 0, n;
    const sluice_record_t *records = sl_batch_records(in, &count);
    const sluice_record_t *made = out != NULL ? sl_batch_records(out, &made_count) : NULL;
    uint32_t *index = malloc(made_count * sizeof(*index) + 1);
    sluice_batch_t *before = NULL;

    if (index == NULL)
        return NULL;
    n = records_before(made, made_count, records, count, cut, index);
    before = n > 0 ? sl_slice(out, index, n, NULL, 0) : sl_slice_empty(NULL, 0);
    free(index);
    if (before == NULL || mark_before(before, in, cut) == SLUICE_OK)
        return before;
    sl_batch_unref(before);
    return NULL;
}

/* ---- marks of what was left out ---- */

/* api->advance moves a source partition on without a record. */
static int is_idle(const sluice_mark_t *mark) {
    return mark->sub_index == UINT32_MAX;
}

static int is_stood_for(const sluice_mark_t *mark, const sluice_record_t *records, size_t count) {
    while (count > 0 && records[count - 1].source_partition != mark->source_partition)
        count--;
    return count > 0 && records[count - 1].sub_index == mark->sub_index &&
           sluice_position_cmp(&records[count - 1].position, &mark->position) == 0;
}

/* All records, with marks of their own. */
static sluice_batch_t *marked_anew(sluice_batch_t *batch, size_t count) {
    uint32_t *index = malloc(count * sizeof(*index) + 1);
    sluice_batch_t *out = NULL;
    size_t i;

    if (index == NULL)
        return NULL;
    for (i = 0; i < count; i++)
        index[i] = (uint32_t)i;
    out = sl_slice(batch, index, count, NULL, 0);
    free(index);
    if (out == NULL || sl_slice_mark(out) == SLUICE_OK)
        return out;
    sl_batch_unref(out);
    return NULL;
}

int sl_slice_uncover(sluice_batch_t **batch) {
    size_t i, count, mark_count, idle = 0, good = 0;
    const sluice_record_t *records = sl_batch_records(*batch, &count);
    const sluice_mark_t *marks = sl_batch_marks(*batch, &mark_count);
    sluice_batch_t *out;

    for (i = 0; i < mark_count; i++) {
        idle += is_idle(&marks[i]) ? 1u : 0u;
        good += is_idle(&marks[i]) || is_stood_for(&marks[i], records, count) ? 1u : 0u;
    }
    if (good == mark_count || (idle > 0 && count > 0))
        return SLUICE_OK;
    out = count > 0 ? marked_anew(*batch, count) : sl_slice_empty(marks, 0);
    if (out == NULL)
        return SLUICE_NO_MEMORY;
    sl_batch_unref(*batch);
    *batch = out;
    return SLUICE_OK;
}
