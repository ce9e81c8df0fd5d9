#include "runtime/rejects.h"

#include "runtime/positions.h"
#include <stdlib.h>

void sl_rejects_init(sl_rejects_t *rejects, const char *stage) {
    memset(rejects, 0, sizeof(*rejects));
    rejects->stage = stage;
}

void sl_rejects_cut(sl_rejects_t *rejects, size_t count) {
    while (rejects->count > count)
        sl_ctx_error_fini(&rejects->items[--rejects->count].error);
}

void sl_rejects_drop(sl_rejects_t *rejects) {
    sl_rejects_cut(rejects, 0);
    free(rejects->items);
    rejects->items = NULL;
    rejects->cap = 0;
}

void sl_rejects_fini(sl_rejects_t *rejects) {
    sl_rejects_drop(rejects);
    free(rejects->reported);
    sl_rejects_init(rejects, rejects->stage);
}

int sl_rejects_add(sl_rejects_t *rejects, const sluice_record_t *record, uint32_t index,
                   const char *instance, int status, sl_ctx_error_t *error) {
    size_t cap = rejects->cap != 0 ? 2 * rejects->cap : 8;
    sl_reject_t *items = rejects->items;

    if (rejects->count == rejects->cap) {
        items = realloc(items, cap * sizeof(*items));
        if (items == NULL) {
            sl_ctx_error_fini(error);
            return SLUICE_NO_MEMORY;
        }
        rejects->items = items;
        rejects->cap = cap;
    }
    items[rejects->count++] = (sl_reject_t){*record, index, instance, *error, status};
    memset(error, 0, sizeof(*error));
    return SLUICE_OK;
}

static int was_reported(const sl_rejects_t *rejects, const sluice_record_t *r) {
    const sl_reported_t *last;

    if (r->position.len == 0 || r->source_partition >= rejects->reported_count)
        return 0;
    last = &rejects->reported[r->source_partition];
    return sl_place_cmp(&r->position, r->sub_index, &last->position, last->sub_index) <= 0;
}

/* Without memory for it there may be a second report, which is better than none. */
static void note_reported(sl_rejects_t *rejects, const sluice_record_t *r) {
    size_t count = (size_t)r->source_partition + 1;
    sl_reported_t *last = rejects->reported;

    if (count > rejects->reported_count) {
        last = realloc(last, count * sizeof(*last));
        if (last == NULL)
            return;
        memset(last + rejects->reported_count, 0,
               (count - rejects->reported_count) * sizeof(*last));
        rejects->reported = last;
        rejects->reported_count = count;
    }
    last += r->source_partition;
    if (sl_place_cmp(&r->position, r->sub_index, &last->position, last->sub_index) > 0)
        *last = (sl_reported_t){r->position, r->sub_index};
}

int sl_rejects_report_one(const char *stage, const sl_reject_t *reject, sl_errors_t *errors,
                          sl_failure_t *failure) {
    sl_bad_t bad = {.record = &reject->record,
                    .stage = stage,
                    .instance = reject->instance,
                    .status = reject->status,
                    .code = reject->error.code,
                    .message = reject->error.message};

    return sl_errors_bad(errors, &bad, failure);
}

int sl_rejects_report(sl_rejects_t *rejects, sl_errors_t *errors, sl_failure_t *failure) {
    size_t i;
    int status = SLUICE_OK;

    for (i = 0; i < rejects->count && status == SLUICE_OK; i++)
        if (!was_reported(rejects, &rejects->items[i].record))
            status = sl_rejects_report_one(rejects->stage, &rejects->items[i], errors, failure);
    /* Only now: those of one batch may come in any order. */
    for (i = 0; i < rejects->count && status == SLUICE_OK; i++)
        note_reported(rejects, &rejects->items[i].record);
    sl_rejects_drop(rejects);
    return status;
}
