/* The works of a lane: finished, forgotten, put back in line; and what happens when one is lost.
 * See branch_int.h. */
#include "runtime/branch_int.h"

#include "base/clock.h"
#include "observe/log.h"
#include "record/batch.h"
#include <stdlib.h>

void sl_lane_advanced(void *user, const sluice_mark_t *mark) {
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

    if (!has ||
        sl_place_cmp(&mark->position, mark->sub_index, &place.position, place.sub_index) > 0)
        sl_lane_advanced(b, mark);
    sl_place_fini(&place);
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

int sl_lane_take_apart(sl_branch_run_t *b, sl_work_t *work) {
    sl_repair_t *repair;

    if (work->repair != NULL)
        return SLUICE_OK;
    repair = calloc(1, sizeof(*repair));
    if (repair == NULL ||
        sl_repair_init(repair, (sluice_failure_mode_t)b->sink->failure_mode,
                       sl_batch_count(work->batch)) != SLUICE_OK) {
        free(repair);
        return SLUICE_NO_MEMORY;
    }
    work->repair = repair;
    return SLUICE_OK;
}

static void note_delivery(sl_branch_run_t *b, const sl_work_t *work) {
    int64_t now = sl_wall_ms();
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

void sl_lane_to_todo(sl_branch_run_t *b, sl_work_t *work) {
    sl_list_t *at = &b->todo;

    sl_list_remove(&work->link);
    while (at->prev != &b->todo && SL_LIST_ENTRY(at->prev, sl_work_t, link)->seq > work->seq)
        at = at->prev;
    sl_list_insert(at, &work->link);
}

void sl_lane_cancel(sl_branch_run_t *b) {
    sl_work_t *work;

    while ((work = sl_tickets_cancel(&b->tickets)) != NULL) {
        if (work->batch == NULL)
            sl_lane_lose(b, work, SLUICE_CANCELLED);
        work->sent = 1;
        sl_lane_to_todo(b, work);
    }
    atomic_store(&b->stats[SL_BRANCH_IN_FLIGHT], 0);
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
    if (!b->stop.reported)
        sl_lane_unstop(b);
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

void sl_lane_lose(sl_branch_run_t *b, const sl_work_t *work, int status) {
    size_t i, count;
    const sluice_mark_t *marks = sl_span_marks(work->span, &count);

    b->lost = 1;
    for (i = 0; i < count && !sl_is_link(status) && status != SLUICE_CANCELLED; i++)
        be_careful(b, &marks[i]);
}
