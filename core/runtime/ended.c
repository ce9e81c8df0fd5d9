/* What becomes of a ticket that ended: delivered, tried again, taken apart, or the task fails. See
 * branch_int.h. */
#include "runtime/branch_int.h"

#include "record/batch.h"
#include "runtime/slice.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- errors ---- */

void sl_lane_note_error(sl_branch_run_t *b, int status) {
    sl_ctx_error_t error = {0};

    sl_instance_error(&b->instance, status, &error);
    free(b->last_error);
    if (asprintf(&b->last_error, "%s: %s", error.code, error.message) < 0)
        b->last_error = NULL;
    sl_ctx_error_fini(&error);
}

/* A ticket that ended badly, or was never accepted. */
typedef struct ending {
    int status;
    const sluice_result_t *results;
    size_t count;
    sl_ctx_error_t said; /* by api->fail, for results that bring no words; code NULL: nothing */
} ending_t;

typedef struct words {
    const char *code;
    const char *message;
    sl_ctx_error_t spare; /* where they are when the sink said nothing */
} words_t;

/* api->fail speaks of the whole ticket, and can be asked once. */
static void take_said(sl_branch_run_t *b, ending_t *end) {
    size_t i;

    for (i = 0; i < end->count; i++)
        if (end->results[i].status != SLUICE_OK && end->results[i].message == NULL)
            break;
    if (end->count == 0 || i < end->count)
        (void)sl_ctx_error_take(b->instance.ctx, &end->said);
}

/* Of one result, or (NULL) of the ticket. Fini words->spare. */
static void find_words(const ending_t *end, const sluice_result_t *result, int status,
                       words_t *words) {
    const sl_ctx_error_t *said = &end->said;

    memset(words, 0, sizeof(*words));
    if (said->code == NULL) {
        sl_ctx_error_of(NULL, status, &words->spare);
        said = &words->spare;
    }
    words->code = result != NULL && result->code != NULL ? result->code : said->code;
    words->message = result != NULL && result->message != NULL ? result->message : said->message;
}

static void note_result(sl_branch_run_t *b, const ending_t *end, const sluice_result_t *result,
                        int status) {
    words_t words;

    find_words(end, result, status, &words);
    free(b->last_error);
    if (asprintf(&b->last_error, "%s: %s", words.code, words.message) < 0)
        b->last_error = NULL;
    sl_ctx_error_fini(&words.spare);
}

void sl_lane_fail(sl_branch_run_t *b, int status, const char *doing) {
    char *code = b->last_error != NULL ? b->last_error : NULL;
    char *text = code != NULL ? strstr(code, ": ") : NULL;

    if (text != NULL)
        *text = 0;
    sl_failure_set(&b->failure, status, code, "%s\n  at %s sink %s",
                   text != NULL ? text + 2 : "no details", doing, b->spec->branch->name);
    sl_branch_fail(b);
}

/* The worst that the sink said of this ticket. */
static int worst(int status, const sluice_result_t *results, size_t count,
                 const sluice_result_t **which) {
    size_t i;

    *which = count > 0 ? &results[0] : NULL;
    for (i = 0; i < count && !sl_is_final(status); i++) {
        if (!sl_is_final(results[i].status) &&
            !(sl_is_link(results[i].status) && !sl_is_link(status)))
            continue;
        status = results[i].status;
        *which = &results[i];
    }
    return status;
}

/* ---- one end of a ticket ---- */

static int dead_letter(sl_branch_run_t *b, sl_work_t *work, const sl_repair_bad_t *bad,
                       const ending_t *end) {
    size_t count;
    const sluice_record_t *records = sl_batch_records(work->batch, &count);
    const sluice_result_t *result = bad->result;
    words_t words;
    sl_bad_t report = {.record = &records[bad->record],
                       .stage = "sink",
                       .instance = b->spec->sink.name,
                       .status = result != NULL ? result->status : end->status,
                       .native_code = result != NULL ? result->native_code : 0};
    int status;

    find_words(end, result, report.status, &words);
    report.code = words.code;
    report.message = words.message;
    b->errors.origin = work->parcel->origin != NULL ? work->parcel->origin : work->batch;
    status = sl_errors_bad(&b->errors, &report, &b->failure);
    sl_ctx_error_fini(&words.spare);
    if (status != SLUICE_OK)
        return status;
    work->records--;
    sl_ledger_add(b->node, SL_LEDGER_DEAD_LETTERED, 1);
    sl_ledger_add(b->node, SL_LEDGER_IN_FLIGHT, -1);
    return SLUICE_OK;
}

/* Nothing is left of it: done. Else it waits in line for its next piece. */
static void settle(sl_branch_run_t *b, sl_work_t *work) {
    const uint32_t *index, *rest;
    size_t count, rest_count;

    if (sl_repair_piece(work->repair, &index, &count, &rest, &rest_count) ||
        sl_letters_busy(&b->letters))
        sl_lane_to_todo(b, work);
    else
        sl_lane_finish(b, work);
}

void sl_lane_lettered(sl_branch_run_t *b) {
    SL_LIST_EACH(node, &b->todo) {
        sl_work_t *work = SL_LIST_ENTRY(node, sl_work_t, link);
        const uint32_t *index, *rest;
        size_t count, rest_count;

        if (work->repair != NULL && work->batch != NULL &&
            !sl_repair_piece(work->repair, &index, &count, &rest, &rest_count))
            sl_lane_finish(b, work);
    }
}

/* How many records of a work are settled before the first that is not, or is `bad`. */
static size_t settled(const sl_work_t *work, uint32_t bad) {
    const sl_repair_t *r = work->repair;

    return r->pos < r->count && r->left[r->pos] < bad ? r->left[r->pos] : bad;
}

/* The task fails at a record: what the target has before it in its batch counts, so that it is not
 * delivered again by the next start. */
static void cover_settled(sl_branch_run_t *b, const sl_work_t *work, size_t count) {
    size_t i, total = sl_batch_count(work->batch), marks = 0;
    const sluice_mark_t *mark = NULL;
    sluice_batch_t *part = NULL;
    uint32_t *index;

    index = malloc(total * sizeof(*index) + 1);
    for (i = 0; index != NULL && i < total; i++)
        index[i] = (uint32_t)i;
    if (index != NULL && count > 0)
        part = sl_slice(work->batch, index, count, index + count, total - count);
    if (part != NULL)
        mark = sl_batch_marks(part, &marks);
    for (i = 0; i < marks; i++)
        if (sl_prefix_is_first(&b->prefix, work->span, mark[i].source_partition))
            sl_lane_advance(b, &mark[i]);
    sl_batch_unref(part);
    free(index);
}

static int take_verdict(sl_branch_run_t *b, sl_work_t *work, const ending_t *end,
                        const sl_verdict_t *verdict) {
    size_t i;
    int result = SLUICE_OK;

    for (i = 0; i < verdict->bad_count && result == SLUICE_OK; i++) {
        result = dead_letter(b, work, &verdict->bad[i], end);
        if (result != SLUICE_OK)
            cover_settled(b, work, settled(work, verdict->bad[i].record));
    }
    if (result != SLUICE_OK) {
        sl_lane_to_todo(b, work);
        sl_branch_fail_lettered(b);
        return result;
    }
    result = sl_errors_sync(&b->errors, &b->failure);
    if (result != SLUICE_OK && result != SLUICE_BUSY) {
        sl_lane_to_todo(b, work);
        sl_branch_fail(b);
        return result;
    }
    b->barred = 1;
    if (verdict->bad_count > 0) /* what is tried again behind a dead letter has not failed so far */
        sl_retry_succeeded(&b->retry);
    if (verdict->retrying)
        sl_lane_retry_later(b, SLUICE_RETRY, verdict->retry_after_ms);
    return SLUICE_OK;
}

/* Refused in part or for good: what of it is left is found out with nothing else in flight. */
static void refused(sl_branch_run_t *b, sl_work_t *work, const ending_t *end) {
    sl_verdict_t verdict = {0};

    if (sl_lane_take_apart(b, work) != SLUICE_OK) {
        sl_lane_to_todo(b, work);
        sl_branch_no_memory(b, "repair a batch");
        return;
    }
    if (sl_batch_count(work->batch) == 0) /* only marks, and refused: nothing to take apart */
        sl_lane_retry_later(b, end->status, 0);
    else if (sl_repair_failed(work->repair, end->status, end->results, end->count, &verdict) !=
             SLUICE_OK)
        sl_branch_no_memory(b, "repair a batch");
    else if (take_verdict(b, work, end, &verdict) == SLUICE_OK) {
        settle(b, work);
        sl_verdict_fini(&verdict);
        return;
    }
    sl_verdict_fini(&verdict);
    sl_lane_to_todo(b, work);
}

/* The batch as it is, later: no result speaks of a part of it. */
static int is_whole_retry(const sl_branch_run_t *b, int status, size_t count) {
    if (count > 0 && b->sink->failure_mode != SLUICE_ATOMIC)
        return 0;
    return (status == SLUICE_RETRY || status == SLUICE_BUSY || status == SLUICE_NO_MEMORY ||
            status == SLUICE_CANCELLED);
}

static void repeat_or_repair(sl_branch_run_t *b, sl_work_t *work, const ending_t *end) {
    const sluice_result_t *which;
    int most = worst(end->status, end->results, end->count, &which);

    note_result(b, end, which, most);
    work->sent = 1;
    if (sl_is_final(most)) {
        sl_lane_to_todo(b, work);
        sl_lane_fail(b, most, "writing to");
        return;
    }
    if (work->batch == NULL) { /* its memory is gone */
        sl_lane_lose(b, work, most);
        sl_lane_to_todo(b, work);
        if (sl_is_link(most))
            sl_link_broken(b, most);
        else
            sl_lane_retry_later(b, most, which != NULL ? which->retry_after_ms : 0);
        return;
    }
    if ((sl_is_link(most) && (end->count == 0 || b->sink->failure_mode == SLUICE_ATOMIC)) ||
        is_whole_retry(b, most, end->count)) {
        sl_lane_to_todo(b, work);
        if (!sl_is_link(most) && most != SLUICE_CANCELLED)
            sl_lane_retry_later(b, most, which != NULL ? which->retry_after_ms : 0);
    } else {
        refused(b, work, end);
    }
    if (sl_is_link(most))
        sl_link_broken(b, most);
}

void sl_lane_failed(sl_branch_run_t *b, sl_work_t *work, int status, const sluice_result_t *results,
                   size_t count) {
    ending_t end = {.status = status, .results = results, .count = count};

    take_said(b, &end);
    repeat_or_repair(b, work, &end);
    sl_ctx_error_fini(&end.said);
}

int sl_lane_are_sound(const sl_branch_run_t *b, const sl_work_t *work,
                     const sluice_result_t *results, size_t count) {
    const uint32_t *index, *rest;
    size_t i, n = 0, rest_count;

    if (work->batch == NULL || b->sink->failure_mode == SLUICE_ATOMIC)
        return 1;
    if (work->repair == NULL || !sl_repair_piece(work->repair, &index, &n, &rest, &rest_count))
        n = sl_batch_count(work->batch);
    for (i = 0; i < count; i++)
        if (results[i].status != SLUICE_OK && results[i].record >= n && n > 0)
            return 0;
    return 1;
}

void sl_lane_succeeded(sl_branch_run_t *b, sl_work_t *work) {
    sl_retry_succeeded(&b->retry);
    if (work->repair == NULL) {
        sl_lane_finish(b, work);
        return;
    }
    sl_repair_ok(work->repair);
    settle(b, work);
}
