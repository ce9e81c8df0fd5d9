/* Writing to the sink and what comes back. See branch_int.h. */
#include "runtime/branch_int.h"

#include "observe/log.h"
#include "record/batch.h"
#include "runtime/failpoint.h"
#include "runtime/slice.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RETRY_BASE_MS 300

/* ---- works ---- */

static void on_advanced(void *user, const sluice_mark_t *mark) {
    sl_branch_run_t *b = user;
    sl_careful_t *careful =
        mark->source_partition < b->careful_count ? &b->careful[mark->source_partition] : NULL;

    if (careful != NULL && careful->active &&
        sl_place_cmp(&mark->position, mark->sub_index, &careful->mark.position,
                     careful->mark.sub_index) >= 0) {
        careful->active = 0;
        b->careful_active--;
    }
    if (sl_board_set(&b->graph->board, b->index, mark->source_partition, &mark->position,
                     mark->sub_index, mark->offset) != SLUICE_OK)
        sl_branch_no_memory(b, "note a position");
}

void sl_lane_advance(sl_branch_run_t *b, const sluice_mark_t *mark) {
    sl_place_t place = {0};
    int has = sl_board_get(&b->graph->board, b->index, mark->source_partition, &place, NULL);

    if (!has || sl_place_cmp(&mark->position, mark->sub_index, &place.position, place.sub_index) > 0)
        on_advanced(b, mark);
    sl_place_fini(&place);
}

/* Plugins speak from inside their own code: what calls them back waits for the loop's next turn. */
static void on_kick(uv_idle_t *idle) {
    sl_branch_run_t *b = idle->data;

    uv_idle_stop(idle);
    if (b->link == SL_LINK_LEAVING)
        sl_link_leave(b);
    sl_lane_pump(b);
}

void sl_lane_kick(sl_branch_run_t *b) {
    if (!b->closing)
        uv_idle_start(&b->kick, on_kick);
}

static void on_retry_timer(uv_timer_t *timer) {
    sl_branch_run_t *b = timer->data;

    b->retry_waiting = 0;
    if (b->link == SL_LINK_WAITING)
        sl_link_retry(b);
    else
        sl_lane_pump(b);
}

void sl_lane_init(sl_branch_run_t *b) {
    const sl_errors_policy_t *policy = &b->spec->branch->errors;

    sl_instance_init(&b->instance, &b->spec->sink, &b->home);
    uv_timer_init(&b->loop, &b->retry_timer);
    b->retry_timer.data = b;
    uv_idle_init(&b->loop, &b->kick);
    b->kick.data = b;
    sl_tickets_init(&b->tickets);
    sl_prefix_init(&b->prefix, on_advanced, b);
    sl_list_init(&b->todo);
    sl_list_init(&b->flight);
    /* A target that is away is waited for, as Connect does with a sink's retriable errors, unless the
     * user set a time. */
    sl_retry_init(&b->retry, b->graph->retry_env,
                  policy->retry_timeout_ms > 0 ? policy->retry_timeout_ms : -1, RETRY_BASE_MS,
                  policy->retry_delay_max_ms);
}

void sl_lane_fini(sl_branch_run_t *b) {
    sl_tickets_fini(&b->tickets);
    sl_prefix_fini(&b->prefix);
    free(b->careful);
    free(b->own);
    free(b->last_error);
}

void sl_lane_release(sl_branch_run_t *b, sl_work_t *work) {
    if (work->parcel == NULL)
        return;
    sl_batch_unref(work->batch);
    sl_credit_give(&b->edge, work->held, work->parcel->records);
    b->in_hand -= work->held;
    sl_credit_give(&b->graph->credit, work->extra, 0);
    sl_parcel_unref(work->parcel);
    work->batch = NULL;
    work->parcel = NULL;
}

static void work_destroy(sl_branch_run_t *b, sl_work_t *work) {
    sl_list_remove(&work->link);
    sl_lane_release(b, work);
    if (work->repair != NULL)
        sl_repair_fini(work->repair);
    free(work->repair);
    free(work);
}

static int64_t wall_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_delivery(sl_branch_run_t *b, const sl_work_t *work) {
    int64_t now = wall_ms();
    int64_t age = now > work->timestamp ? now - work->timestamp : 0;

    atomic_store_explicit(&b->stats[SL_BRANCH_LAST_MS], now, memory_order_relaxed);
    if (work->timestamp > 0)
        atomic_store_explicit(&b->stats[SL_BRANCH_LAG_MS], age, memory_order_relaxed);
}

void sl_lane_finish(sl_branch_run_t *b, sl_work_t *work) {
    sl_span_t *span = work->span;

    sl_branch_count(b, SL_BRANCH_RECORDS, work->records);
    sl_branch_count(b, SL_BRANCH_BATCHES, 1);
    if (work->records > 0)
        note_delivery(b, work);
    sl_ledger_add(b->node, SL_LEDGER_OUT, work->records);
    sl_ledger_add(b->node, SL_LEDGER_IN_FLIGHT, -work->records);
    work_destroy(b, work);
    sl_prefix_done(&b->prefix, span);
}

/* Its records come again: as if they had never come in. */
static void forget_work(sl_branch_run_t *b, sl_list_t *node) {
    sl_work_t *work = SL_LIST_ENTRY(node, sl_work_t, link);

    sl_ledger_add(b->node, SL_LEDGER_IN, -work->records);
    sl_ledger_add(b->node, SL_LEDGER_IN_FLIGHT, -work->records);
    work_destroy(b, work);
}

void sl_lane_drop(sl_branch_run_t *b) {
    sl_list_t *node;

    while (sl_tickets_cancel(&b->tickets) != NULL)
        continue;
    while ((node = sl_list_pop(&b->todo)) != NULL)
        forget_work(b, node);
    while ((node = sl_list_pop(&b->flight)) != NULL)
        forget_work(b, node);
    sl_prefix_forget(&b->prefix);
    atomic_store(&b->stats[SL_BRANCH_IN_FLIGHT], 0);
}

/* Back in line, by number. */
static void to_todo(sl_branch_run_t *b, sl_work_t *work) {
    sl_list_t *at = &b->todo;

    sl_list_remove(&work->link);
    while (at->prev != &b->todo && SL_LIST_ENTRY(at->prev, sl_work_t, link)->seq > work->seq)
        at = at->prev;
    sl_list_insert(at, &work->link);
}

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

static int is_final(int status) {
    return status == SLUICE_FATAL || status == SLUICE_INVALID || status == SLUICE_UNSUPPORTED;
}

static int is_link(int status) {
    return status == SLUICE_NOT_CONNECTED;
}

/* The worst that the sink said of this ticket. */
static int worst(int status, const sluice_result_t *results, size_t count,
                 const sluice_result_t **which) {
    size_t i;

    *which = count > 0 ? &results[0] : NULL;
    for (i = 0; i < count && !is_final(status); i++) {
        if (!is_final(results[i].status) && !(is_link(results[i].status) && !is_link(status)))
            continue;
        status = results[i].status;
        *which = &results[i];
    }
    return status;
}

/* ---- waiting ---- */

void sl_lane_wait(sl_branch_run_t *b, int64_t ms) {
    b->retry_waiting = 1;
    uv_timer_start(&b->retry_timer, on_retry_timer, (uint64_t)ms, 0);
}

/* The target asked for time, or failed in a way that time may heal. */
static void retry_later(sl_branch_run_t *b, int status, uint32_t retry_after_ms) {
    int64_t wait;

    sl_branch_count(b, SL_BRANCH_RETRIES, 1);
    if (b->barred && b->wait_ms > 0 && b->wait_ms >= (int64_t)retry_after_ms)
        return; /* the tickets that were in flight together fail together: that counts once */
    wait = sl_retry_failed(&b->retry, retry_after_ms);
    if (wait < 0) {
        sl_lane_fail(b, status, "errors.retry.timeout is over for");
        return;
    }
    if (wait > b->wait_ms)
        b->wait_ms = wait;
    b->barred = 1;
}

/* ---- lost and careful ---- */

static void be_careful(sl_branch_run_t *b, const sluice_mark_t *mark) {
    size_t count = (size_t)mark->source_partition + 1;
    sl_careful_t *c;

    if (count > b->careful_count) {
        c = realloc(b->careful, count * sizeof(*c));
        if (c == NULL)
            return; /* then it is only slower to find out */
        memset(c + b->careful_count, 0, (count - b->careful_count) * sizeof(*c));
        b->careful = c;
        b->careful_count = count;
    }
    c = &b->careful[mark->source_partition];
    if (c->active &&
        sl_place_cmp(&mark->position, mark->sub_index, &c->mark.position, c->mark.sub_index) < 0)
        return;
    b->careful_active += !c->active;
    c->active = 1;
    c->mark = *mark;
}

void sl_lane_rewind(sl_branch_run_t *b) {
    size_t i, partitions = sl_board_partitions(&b->graph->board);

    sl_log(SLUICE_LOG_INFO, "runtime.branch",
           "branch %s has to repeat batches whose memory it had given back: the source goes back",
           b->spec->branch->name);
    sl_lane_drop(b);
    sl_backlog_drop(b);
    sl_skip_reset(&b->skip);
    sl_sent_rewound(&b->sent);
    for (i = 0; i < partitions; i++) {
        sl_place_t place = {0};
        const sl_own_t *own = i < b->own_count && b->own[i].has ? &b->own[i] : NULL;
        int has = sl_board_get(&b->graph->board, b->index, (uint32_t)i, &place, NULL);
        int status = SLUICE_OK;

        /* A sink's own position may lie inside a batch, so behind what the branch counts as done.
         */
        if (own != NULL && !(has && place.position.len == 0) &&
            (!has ||
             sl_place_cmp(&own->position, own->sub_index, &place.position, place.sub_index) > 0))
            status = sl_skip_have(&b->skip, (uint32_t)i, &own->position, own->sub_index);
        else if (has)
            status = sl_skip_have(&b->skip, (uint32_t)i, &place.position, place.sub_index);
        if (status != SLUICE_OK)
            sl_branch_no_memory(b, "go back");
        sl_place_fini(&place);
    }
    b->lost = 0;
    b->ending = 0; /* the trunk ends us again when it has repeated all */
    b->rewinding = 1;
    sl_branch_say(b, SL_WORD_REWIND, SLUICE_OK);
}

static void lose(sl_branch_run_t *b, const sl_work_t *work, int status) {
    size_t i, count;
    const sluice_mark_t *marks = sl_span_marks(work->span, &count);

    b->lost = 1;
    for (i = 0; i < count && !is_link(status) && status != SLUICE_CANCELLED; i++)
        be_careful(b, &marks[i]);
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

    if (sl_repair_piece(work->repair, &index, &count, &rest, &rest_count))
        to_todo(b, work);
    else
        sl_lane_finish(b, work);
}

static int take_verdict(sl_branch_run_t *b, sl_work_t *work, const ending_t *end,
                        const sl_verdict_t *verdict) {
    size_t i;
    int result = SLUICE_OK;

    for (i = 0; i < verdict->bad_count && result == SLUICE_OK; i++)
        result = dead_letter(b, work, &verdict->bad[i], end);
    if (result == SLUICE_OK)
        result = sl_errors_sync(&b->errors, &b->failure);
    if (result != SLUICE_OK) {
        to_todo(b, work);
        sl_branch_fail(b);
        return result;
    }
    b->barred = 1;
    if (verdict->bad_count > 0) /* what is tried again behind a dead letter has not failed so far */
        sl_retry_succeeded(&b->retry);
    if (verdict->retrying)
        retry_later(b, SLUICE_RETRY, verdict->retry_after_ms);
    return SLUICE_OK;
}

/* Refused in part or for good: what of it is left is found out with nothing else in flight. */
static void refused(sl_branch_run_t *b, sl_work_t *work, const ending_t *end) {
    sl_verdict_t verdict = {0};
    size_t records;

    (void)sl_batch_records(work->batch, &records);
    if (work->repair == NULL) {
        work->repair = calloc(1, sizeof(*work->repair));
        if (work->repair == NULL ||
            sl_repair_init(work->repair, (sluice_failure_mode_t)b->sink->failure_mode, records) !=
                SLUICE_OK) {
            free(work->repair);
            work->repair = NULL;
            to_todo(b, work);
            sl_branch_no_memory(b, "repair a batch");
            return;
        }
    }
    if (records == 0) /* only marks, and refused: nothing to take apart */
        retry_later(b, end->status, 0);
    else if (sl_repair_failed(work->repair, end->status, end->results, end->count, &verdict) !=
             SLUICE_OK)
        sl_branch_no_memory(b, "repair a batch");
    else if (take_verdict(b, work, end, &verdict) == SLUICE_OK) {
        settle(b, work);
        sl_verdict_fini(&verdict);
        return;
    }
    sl_verdict_fini(&verdict);
    to_todo(b, work);
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
    if (is_final(most)) {
        to_todo(b, work);
        sl_lane_fail(b, most, "writing to");
        return;
    }
    if (work->batch == NULL) { /* its memory is gone */
        lose(b, work, most);
        to_todo(b, work);
        if (is_link(most))
            sl_link_broken(b, most);
        else
            retry_later(b, most, which != NULL ? which->retry_after_ms : 0);
        return;
    }
    if ((is_link(most) && (end->count == 0 || b->sink->failure_mode == SLUICE_ATOMIC)) ||
        is_whole_retry(b, most, end->count)) {
        to_todo(b, work);
        if (!is_link(most) && most != SLUICE_CANCELLED)
            retry_later(b, most, which != NULL ? which->retry_after_ms : 0);
    } else {
        refused(b, work, end);
    }
    if (is_link(most))
        sl_link_broken(b, most);
}

static void failed(sl_branch_run_t *b, sl_work_t *work, int status, const sluice_result_t *results,
                   size_t count) {
    ending_t end = {.status = status, .results = results, .count = count};

    take_said(b, &end);
    repeat_or_repair(b, work, &end);
    sl_ctx_error_fini(&end.said);
}

/* A result that speaks of no record of the batch would leave one counted as delivered. */
static int are_sound(const sl_branch_run_t *b, const sl_work_t *work,
                     const sluice_result_t *results, size_t count) {
    const uint32_t *index, *rest;
    size_t i, n = 0, rest_count;

    if (work->batch == NULL || b->sink->failure_mode == SLUICE_ATOMIC)
        return 1;
    if (work->repair == NULL || !sl_repair_piece(work->repair, &index, &n, &rest, &rest_count))
        (void)sl_batch_records(work->batch, &n);
    for (i = 0; i < count; i++)
        if (results[i].status != SLUICE_OK && results[i].record >= n && n > 0)
            return 0;
    return 1;
}

static void succeeded(sl_branch_run_t *b, sl_work_t *work) {
    sl_retry_succeeded(&b->retry);
    if (work->repair == NULL) {
        sl_lane_finish(b, work);
        return;
    }
    sl_repair_ok(work->repair);
    settle(b, work);
}

void sl_lane_cancel(sl_branch_run_t *b) {
    sl_work_t *work;

    while ((work = sl_tickets_cancel(&b->tickets)) != NULL) {
        if (work->batch == NULL)
            lose(b, work, SLUICE_CANCELLED);
        work->sent = 1;
        to_todo(b, work);
    }
    atomic_store(&b->stats[SL_BRANCH_IN_FLIGHT], 0);
}

static void broke_the_law(sl_branch_run_t *b, const char *call, const char *why) {
    sl_failure_set(&b->failure, SLUICE_FATAL, "plugin.contract",
                   "sink %s called %s wrongly: %s\n  this is a fault of the plugin",
                   b->spec->branch->name, call, why);
    sl_branch_fail(b);
}

static void op_durable(void *user, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    sl_branch_run_t *b = user;
    const char *why;
    sl_work_t *work = sl_tickets_end(&b->tickets, ticket, &why);

    (void)SL_FAILPOINT("reply");
    if (work == NULL) {
        broke_the_law(b, "durable", why);
        return;
    }
    sl_branch_count(b, SL_BRANCH_IN_FLIGHT, -1);
    b->busy = 0;
    b->readied = 1;
    if (status == SLUICE_OK) {
        succeeded(b, work);
    } else if (!are_sound(b, work, results, count)) {
        to_todo(b, work);
        broke_the_law(b, "durable", "a result names a record that the batch does not have");
    } else {
        failed(b, work, status, results, count);
    }
    sl_lane_kick(b);
}

static void op_released(void *user, sluice_ticket_t *ticket) {
    sl_branch_run_t *b = user;
    const char *why;
    sl_work_t *work = sl_tickets_release(&b->tickets, ticket, &why);

    (void)SL_FAILPOINT("released");
    if (work == NULL)
        broke_the_law(b, "released", why);
    else if (b->careful_active == 0 && work->repair == NULL) {
        int waits = sl_backlog_waits(b);
        sl_lane_release(b, work);
        if (waits)
            sl_lane_kick(b);
    }
}

static void op_ready(void *user) {
    sl_branch_run_t *b = user;

    b->busy = 0;
    b->readied = 1;
    sl_lane_kick(b);
}

/* ---- flush ---- */

static void flush_failed(sl_branch_run_t *b, int status) {
    int64_t wait;

    if (status == SLUICE_CANCELLED)
        return;
    sl_lane_note_error(b, status);
    if (is_link(status)) {
        sl_link_broken(b, status);
        return;
    }
    wait = is_final(status) ? -1 : sl_retry_failed(&b->retry, 0);
    if (wait < 0) {
        sl_lane_fail(b, status, "flushing");
        return;
    }
    sl_branch_count(b, SL_BRANCH_RETRIES, 1);
    b->flush_wanted = 1;
    if (!b->retry_waiting)
        sl_lane_wait(b, wait);
}

static void start_flush(sl_branch_run_t *b) {
    int status;

    if (b->sink->flush == NULL || b->tickets.open == 0 || b->link != SL_LINK_UP ||
        b->retry_waiting)
        return;
    if (b->flushing) {
        b->reflush = 1;
        return;
    }
    b->flushing = 1;
    b->reflush = 0;
    b->asked_ms = uv_now(&b->loop);
    status = b->sink->flush(b->instance.self);
    if (status == SLUICE_OK)
        return;
    b->flushing = 0;
    flush_failed(b, status);
}

static void on_flushed(sl_branch_run_t *b, int status) {
    int again = b->reflush;

    if (!b->flushing)
        return;
    b->flushing = 0;
    if (status != SLUICE_OK)
        flush_failed(b, status);
    else if (again)
        b->flush_wanted = 1;
    sl_lane_kick(b);
}

/* ---- writing ---- */

/* A batch that is being taken apart is alone in flight. */
static int repairing(const sl_branch_run_t *b) {
    return !sl_list_empty(&b->flight) &&
           SL_LIST_ENTRY(b->flight.prev, sl_work_t, link)->repair != NULL;
}

static int can_write(const sl_branch_run_t *b) {
    size_t window = b->sink->max_in_flight;

    if (b->link != SL_LINK_UP || b->busy || b->barred || b->retry_waiting || b->rewinding ||
        repairing(b))
        return 0;
    if (window == 0 || window > SL_LANE_WINDOW)
        window = SL_LANE_WINDOW;
    if (b->careful_active > 0)
        window = 1;
    /* One that never ends holds the position, so what came behind it has to be remembered. */
    return b->tickets.open < window && sl_tickets_span(&b->tickets) < SL_LANE_WINDOW;
}

static sluice_batch_t *piece_of(sl_work_t *work) {
    const uint32_t *index, *rest;
    size_t count, rest_count;

    if (work->repair == NULL || !sl_repair_piece(work->repair, &index, &count, &rest, &rest_count))
        return sl_batch_ref(work->batch);
    return sl_slice(work->batch, index, count, rest, rest_count);
}

void sl_lane_count_replayed(sl_branch_run_t *b, int64_t records) {
    sl_branch_count(b, SL_BRANCH_REPEATED, records);
    sl_ledger_add(b->node, SL_LEDGER_REPLAYED, records);
}

/* SLUICE_OK: in flight (or over already). Else work is back in todo. */
static int write_one(sl_branch_run_t *b, sl_work_t *work) {
    sluice_batch_t *batch = piece_of(work);
    sluice_ticket_t *ticket = NULL;
    int repeated = work->sent;
    size_t records;
    int status;

    if (batch == NULL ||
        sl_tickets_begin(&b->tickets, work, uv_now(&b->loop), &ticket) != SLUICE_OK) {
        sl_batch_unref(batch);
        sl_branch_no_memory(b, "write a batch");
        return SLUICE_NO_MEMORY;
    }
    sl_list_remove(&work->link);
    sl_list_push(&b->flight, &work->link);
    sl_branch_count(b, SL_BRANCH_IN_FLIGHT, 1);
    (void)sl_batch_records(batch, &records);
    if (!work->passed)
        sl_lane_count_replayed(b, sl_sent_pass(&b->sent, batch));
    work->passed = work->sent = 1;
    b->readied = 0;
    /* From here on work may be gone: the sink may end the ticket inside the call. */
    status = SL_FAILPOINT("send") ? SLUICE_RETRY : b->sink->write(b->instance.self, batch, ticket);
    sl_batch_unref(batch);
    if (status == SLUICE_OK) {
        if (repeated) {
            sl_sent_again(&b->sent, (int64_t)records);
            sl_lane_count_replayed(b, (int64_t)records);
        }
        return SLUICE_OK;
    }
    if (sl_tickets_undo(&b->tickets, ticket) == NULL) {
        broke_the_law(b, "durable", "write ended its ticket and then refused it");
        return SLUICE_FATAL;
    }
    sl_branch_count(b, SL_BRANCH_IN_FLIGHT, -1);
    work->sent = repeated;
    if (status == SLUICE_BUSY) { /* what it said inside the call, the kick has under way */
        b->busy = !b->readied;
        b->asked_ms = uv_now(&b->loop);
        to_todo(b, work);
    } else {
        failed(b, work, status, NULL, 0);
        work = NULL;
    }
    return status;
}

/* Only marks, for a sink that does not want such batches. */
static int needs_no_write(const sl_branch_run_t *b, const sl_work_t *work) {
    size_t count;

    if (work->batch == NULL || (b->sink->flags & SLUICE_SINK_EMPTY_BATCHES) != 0)
        return 0;
    (void)sl_batch_records(work->batch, &count);
    return count == 0;
}

static sl_work_t *next_work(sl_branch_run_t *b) {
    sl_work_t *work;

    if (!sl_list_empty(&b->todo))
        return SL_LIST_ENTRY(b->todo.next, sl_work_t, link);
    work = sl_backlog_next(b);
    if (work != NULL)
        sl_list_push(&b->todo, &work->link);
    return work;
}

/* Everything that failed waits in todo and nothing is in flight: go on from there. */
static void lift_bar(sl_branch_run_t *b) {
    int64_t wait = b->wait_ms;

    b->wait_ms = 0;
    b->barred = 0;
    if (b->lost) {
        sl_lane_rewind(b);
        return;
    }
    if (wait > 0)
        sl_lane_wait(b, wait);
}

static void check_end(sl_branch_run_t *b) {
    if (!b->ending || b->ended)
        return;
    /* Who dropped everything and waits for the source to go back has nothing left to deliver. */
    if (!b->rewinding && (b->link != SL_LINK_UP || !sl_list_empty(&b->todo) || !sl_backlog_empty(b)))
        return;
    if (!b->rewinding && b->tickets.open > 0) {
        start_flush(b);
        return;
    }
    b->ended = 1;
    sl_branch_say(b, SL_WORD_ENDED, SLUICE_OK);
}

static void write_all(sl_branch_run_t *b) {
    sl_work_t *work;

    while (can_write(b) && (work = next_work(b)) != NULL) {
        if (needs_no_write(b, work)) {
            sl_lane_finish(b, work);
            continue;
        }
        if (work->repair != NULL && b->tickets.open > 0) {
            b->barred = 1;
            break;
        }
        if (write_one(b, work) != SLUICE_OK)
            break;
        if (b->careful_active > 0 || repairing(b))
            start_flush(b);
    }
}

void sl_lane_pump(sl_branch_run_t *b) {
    if (b->pumping || b->link == SL_LINK_DOWN)
        return;
    b->pumping = 1;
    do {
        if (b->barred && b->tickets.open == 0 && b->link == SL_LINK_UP)
            lift_bar(b);
        write_all(b);
        /* A sink that ends tickets inside write leaves nothing to call us again. */
    } while (b->barred && b->tickets.open == 0 && b->link == SL_LINK_UP);
    if ((b->barred || b->flush_wanted) && !b->retry_waiting) {
        b->flush_wanted = 0;
        start_flush(b);
    }
    b->pumping = 0;
    check_end(b);
}

static void op_complete(void *user, sluice_op_t op, int status) {
    sl_branch_run_t *b = user;

    if (op == SLUICE_OP_FLUSH)
        on_flushed(b, status);
    else
        sl_instance_complete(&b->instance, op, status);
}

static void op_broken(void *user, int status) {
    sl_branch_run_t *b = user;

    sl_lane_note_error(b, status);
    if (is_final(status))
        sl_lane_fail(b, status, "running");
    else
        sl_link_broken(b, status);
}

static void op_sink_position(void *user, sluice_str_t partition, const sluice_position_t *position,
                             uint32_t sub_index) {
    sl_link_own_position(user, partition, position, sub_index);
}

static sluice_str_t op_partition_json(void *user, uint32_t number) {
    return sl_partitions_json(&((sl_branch_run_t *)user)->graph->partitions, number);
}

const sl_ctx_ops_t sl_lane_ops = {
    .complete = op_complete,
    .broken = op_broken,
    .ready = op_ready,
    .released = op_released,
    .durable = op_durable,
    .sink_position = op_sink_position,
    .source_partition_json = op_partition_json,
};
