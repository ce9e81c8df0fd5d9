#include "runtime/bisect.h"

#include "runtime/instance.h"
#include <stdlib.h>

int sl_repair_init(sl_repair_t *repair, sluice_failure_mode_t mode, size_t count) {
    size_t i;

    memset(repair, 0, sizeof(*repair));
    repair->left = malloc(count * sizeof(*repair->left) + 1);
    if (repair->left == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++)
        repair->left[i] = (uint32_t)i;
    repair->mode = mode;
    repair->count = count;
    repair->ends[0] = count;
    repair->depth = 1;
    return SLUICE_OK;
}

void sl_repair_fini(sl_repair_t *repair) {
    free(repair->left);
    repair->left = NULL;
}

void sl_verdict_fini(sl_verdict_t *verdict) {
    free(verdict->bad);
    verdict->bad = NULL;
}

int sl_repair_piece(const sl_repair_t *repair, const uint32_t **index, size_t *count,
                    const uint32_t **rest, size_t *rest_count) {
    size_t end;

    if (repair->pos >= repair->count)
        return 0;
    end = repair->ends[repair->depth - 1];
    *index = repair->left + repair->pos;
    *count = end - repair->pos;
    *rest = repair->left + end;
    *rest_count = repair->count - end;
    return 1;
}

/* Everything up to pos is settled: pieces that ended there are over. */
static void settle(sl_repair_t *repair) {
    while (repair->depth > 0 && repair->ends[repair->depth - 1] <= repair->pos)
        repair->depth--;
    if (repair->depth == 0 && repair->pos < repair->count)
        repair->ends[repair->depth++] = repair->count;
}

void sl_repair_ok(sl_repair_t *repair) {
    repair->pos = repair->ends[repair->depth - 1];
    settle(repair);
}

static void retry_for(sl_verdict_t *verdict, const sluice_result_t *result) {
    verdict->retrying = 1;
    if (result == NULL)
        return;
    if (verdict->retry == NULL)
        verdict->retry = result;
    if (result->retry_after_ms > verdict->retry_after_ms)
        verdict->retry_after_ms = result->retry_after_ms;
}

static void bad(sl_verdict_t *verdict, uint32_t record, const sluice_result_t *result) {
    verdict->bad[verdict->bad_count++] = (sl_repair_bad_t){record, result};
}

static void failed_atomic(sl_repair_t *repair, int status, const sluice_result_t *result,
                          sl_verdict_t *verdict) {
    size_t count = repair->ends[repair->depth - 1] - repair->pos;

    if (sl_status_may_heal(status)) {
        retry_for(verdict, result);
    } else if (count > 1 && repair->depth < SL_REPAIR_DEPTH) {
        repair->ends[repair->depth++] = repair->pos + count / 2;
    } else {
        bad(verdict, repair->left[repair->pos], result);
        repair->pos++;
        settle(repair);
    }
}

/* Results name the records that failed; the others are in. */
static void failed_per_record(sl_repair_t *repair, int status, const sluice_result_t *results,
                              size_t count, sl_verdict_t *verdict) {
    size_t end = repair->ends[repair->depth - 1];
    size_t i, n = end - repair->pos, kept = repair->pos;

    if (count == 0 && sl_status_may_heal(status)) {
        retry_for(verdict, NULL);
        return;
    }
    if (count == 0) { /* refused without saying which: all of it */
        for (i = repair->pos; i < end; i++)
            bad(verdict, repair->left[i], NULL);
    }
    for (i = 0; i < count; i++) {
        uint32_t record;
        if (results[i].record >= n)
            continue;
        record = repair->left[repair->pos + results[i].record];
        if (sl_status_may_heal(results[i].status))
            retry_for(verdict, &results[i]);
        else if (results[i].status != SLUICE_OK)
            bad(verdict, record, &results[i]);
        if (sl_status_may_heal(results[i].status))
            repair->left[repair->count + kept++ - repair->pos] = record;
    }
    /* What is tried again was gathered behind the list: it becomes the list. */
    n = kept - repair->pos;
    memmove(repair->left, repair->left + repair->count, n * sizeof(*repair->left));
    repair->pos = 0;
    repair->count = n;
    repair->ends[0] = n;
    repair->depth = n > 0;
}

static void failed_prefix(sl_repair_t *repair, int status, const sluice_result_t *result,
                          sl_verdict_t *verdict) {
    size_t n = repair->ends[repair->depth - 1] - repair->pos;
    size_t in = result != NULL && result->record < n ? result->record : 0;

    repair->pos += in;
    if (sl_status_may_heal(result != NULL ? result->status : status)) {
        retry_for(verdict, result);
    } else {
        bad(verdict, repair->left[repair->pos], result);
        repair->pos++;
    }
    settle(repair);
}

static int compare_bad(const void *a, const void *b) {
    uint32_t x = ((const sl_repair_bad_t *)a)->record, y = ((const sl_repair_bad_t *)b)->record;

    return (x > y) - (x < y);
}

static int compare_index(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Ascending again, and each once: a record that was reported twice is sent once. */
static void tidy(sl_repair_t *repair) {
    size_t i, n = 0;

    qsort(repair->left, repair->count, sizeof(*repair->left), compare_index);
    for (i = 0; i < repair->count; i++)
        if (n == 0 || repair->left[n - 1] != repair->left[i])
            repair->left[n++] = repair->left[i];
    repair->count = repair->ends[0] = n;
}

/* A record that was reported twice is one dead letter. */
static void tidy_bad(sl_verdict_t *verdict) {
    size_t i, n = 0;

    qsort(verdict->bad, verdict->bad_count, sizeof(*verdict->bad), compare_bad);
    for (i = 0; i < verdict->bad_count; i++)
        if (n == 0 || verdict->bad[n - 1].record != verdict->bad[i].record)
            verdict->bad[n++] = verdict->bad[i];
    verdict->bad_count = n;
}

int sl_repair_failed(sl_repair_t *repair, int status, const sluice_result_t *results, size_t count,
                     sl_verdict_t *verdict) {
    size_t room = repair->count + count;
    uint32_t *left;

    memset(verdict, 0, sizeof(*verdict));
    verdict->bad = malloc((room + 1) * sizeof(*verdict->bad));
    left = realloc(repair->left, (repair->count + room + 1) * sizeof(*left));
    if (left != NULL)
        repair->left = left;
    if (left == NULL || verdict->bad == NULL) {
        sl_verdict_fini(verdict);
        return SLUICE_NO_MEMORY;
    }
    if (repair->mode == SLUICE_PER_RECORD)
        failed_per_record(repair, status, results, count, verdict);
    else if (repair->mode == SLUICE_PREFIX)
        failed_prefix(repair, status, count > 0 ? &results[0] : NULL, verdict);
    else
        failed_atomic(repair,
                      count > 0 && results[0].status != SLUICE_OK ? results[0].status : status,
                      count > 0 ? &results[0] : NULL, verdict);
    /* A sink may report its failed records in any order. */
    tidy_bad(verdict);
    if (repair->mode == SLUICE_PER_RECORD)
        tidy(repair);
    return SLUICE_OK;
}

int sl_repair_drop(sl_repair_t *repair, int (*drop)(void *user, uint32_t record), void *user) {
    size_t i, n = 0;

    for (i = repair->pos; i < repair->count; i++)
        if (!drop(user, repair->left[i]))
            repair->left[n++] = repair->left[i];
    repair->pos = 0;
    repair->count = n;
    repair->ends[0] = n;
    repair->depth = n > 0;
    return SLUICE_OK;
}
