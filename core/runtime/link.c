/* Opening the sink, losing it, opening it again, closing it. See branch_int.h. */
#include "runtime/branch_int.h"

#include "observe/log.h"
#include "record/batch.h"
#include "runtime/failpoint.h"
#include <stdlib.h>


static void on_opened(void *user, int status);
static void on_left(void *user, int abandoned);

static void open_sink(sl_branch_run_t *b, sl_link_state_t state) {
    b->link = state;
    b->broke_early = SLUICE_OK;
    b->asked_ms = uv_now(&b->loop);
    if (b->own_count > 0)
        memset(b->own, 0, b->own_count * sizeof(*b->own));
    sl_instance_open(&b->instance, &sl_lane_ops, b, on_opened);
}

void sl_link_open(sl_branch_run_t *b) {
    open_sink(b, SL_LINK_OPENING);
}

void sl_link_own_position(sl_branch_run_t *b, sluice_str_t partition,
                          const sluice_position_t *position, uint32_t sub_index) {
    uint32_t number = sl_partitions_number(&b->graph->partitions, partition);
    sl_own_t *own;

    if (number == UINT32_MAX) {
        sl_branch_no_memory(b, "note a position");
        return;
    }
    if (number >= b->own_count) {
        own = realloc(b->own, ((size_t)number + 1) * sizeof(*own));
        if (own == NULL) {
            sl_branch_no_memory(b, "note a position");
            return;
        }
        memset(own + b->own_count, 0, (number + 1 - b->own_count) * sizeof(*own));
        b->own = own;
        b->own_count = (size_t)number + 1;
    }
    b->own[number] = (sl_own_t){1, *position, sub_index};
}

/* ---- the first time ---- */

/* What the target says of itself is the truth and the store a cache; but an offset that a user
 * altered (stored without a position) counts more than either. A target that is told nothing of
 * batches without records lags behind the store by nature: that it says less means nothing. */
static int believes(const sl_branch_run_t *b, const sl_own_t *own, int has,
                    const sl_place_t *stored) {
    if (own == NULL || !own->has || (has && stored->position.len == 0))
        return 0;
    return (b->sink->flags & SLUICE_SINK_EMPTY_BATCHES) != 0 || !has ||
           sl_place_cmp(&own->position, own->sub_index, &stored->position, stored->sub_index) >= 0;
}

/* Where the target has more than is stored, it leaves that out, while the board keeps the stored
 * place: only with that come the offset bytes by which the source goes on, and the minimum over the
 * branches may be this one. */
static int settle_start(sl_branch_run_t *b, uint32_t partition) {
    const sl_own_t *own = partition < b->own_count ? &b->own[partition] : NULL;
    sl_board_t *board = &b->graph->board;
    sl_place_t stored = {0};
    int has = sl_board_get(board, b->index, partition, &stored, NULL);
    int status = SLUICE_OK;

    if (has && stored.position.len == 0)
        sl_sent_forget(&b->sent, partition);
    if (believes(b, own, has, &stored)) {
        int less = !has || sl_place_cmp(&own->position, own->sub_index, &stored.position,
                                        stored.sub_index) < 0;
        if (less)
            status = sl_board_set(board, b->index, partition, &own->position, own->sub_index,
                                  sluice_str(NULL));
        if (status == SLUICE_OK)
            status = sl_skip_have(&b->skip, partition, &own->position, own->sub_index);
    } else if (has && stored.position.len > 0) {
        status = sl_skip_have(&b->skip, partition, &stored.position, stored.sub_index);
    }
    sl_place_fini(&stored);
    return status;
}

static void first_opened(sl_branch_run_t *b) {
    size_t i, n = sl_board_partitions(&b->graph->board);

    if (n < b->own_count)
        n = b->own_count;
    for (i = 0; i < n; i++) {
        if (settle_start(b, (uint32_t)i) != SLUICE_OK) {
            sl_branch_no_memory(b, "note a position");
            return;
        }
    }
    b->link = SL_LINK_CHAIN;
    sl_retry_up(&b->retry);
    sl_chain_open(&b->chain);
}

static int is_stored(const sl_branch_run_t *b) {
    size_t i, n = sl_board_partitions(&b->graph->board);
    sl_place_t place = {0};
    int has = 0;

    for (i = 0; i < n && !has; i++)
        has = sl_board_get(&b->graph->board, b->index, (uint32_t)i, &place, NULL);
    sl_place_fini(&place);
    return has;
}

/* The sink cannot be reached at the start: the branch takes part without it, up to its bounds, so
 * that the others can run. A target that keeps positions itself may say another place than the
 * store once it is asked (settle_late); until then the source's upstream is told nothing, so that
 * the way back stays open. When not even the store knows a place, such a target is waited for. */
static int can_stand_in(const sl_branch_run_t *b) {
    return !b->chain_open &&
           ((b->sink->flags & SLUICE_SINK_OWN_POSITION) == 0 || is_stored(b));
}

/* ---- again ---- */

static int target_has(const sl_branch_run_t *b, uint32_t partition,
                      const sluice_position_t *position, uint32_t sub_index) {
    const sl_own_t *own = partition < b->own_count ? &b->own[partition] : NULL;

    return own != NULL && own->has &&
           sl_place_cmp(position, sub_index, &own->position, own->sub_index) <= 0;
}

typedef struct had {
    sl_branch_run_t *b;
    const sluice_record_t *records;
    int64_t dropped;
} had_t;

static int record_had(void *user, uint32_t index) {
    had_t *had = user;
    const sluice_record_t *r = &had->records[index];
    int yes = target_has(had->b, r->source_partition, &r->position, r->sub_index);

    had->dropped += yes;
    return yes;
}

/* The target has part of it (it stored a position inside the batch): only the rest is sent. */
static int drop_had(sl_branch_run_t *b, sl_work_t *work) {
    size_t i, count;
    had_t had = {b, sl_batch_records(work->batch, &count), 0};

    for (i = 0; i < count && had.dropped == 0; i++)
        (void)record_had(&had, (uint32_t)i);
    if (had.dropped == 0)
        return SLUICE_OK;
    if (sl_lane_take_apart(b, work) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    return sl_repair_drop(work->repair, record_had, &had);
}

static int all_had(const sl_branch_run_t *b, const sl_work_t *work) {
    size_t i, count;
    const sluice_mark_t *marks = sl_span_marks(work->span, &count);

    for (i = 0; i < count; i++)
        if (!target_has(b, marks[i].source_partition, &marks[i].position, marks[i].sub_index))
            return 0;
    return count > 0;
}

static int nothing_left(const sl_work_t *work) {
    const uint32_t *index, *rest;
    size_t count, rest_count;

    return work->repair != NULL &&
           !sl_repair_piece(work->repair, &index, &count, &rest, &rest_count);
}

/* What was in flight is compared with what the target says that it has. */
static void settle_unresolved(sl_branch_run_t *b) {
    b->lost = 0;
    SL_LIST_EACH(node, &b->todo) {
        sl_work_t *work = SL_LIST_ENTRY(node, sl_work_t, link);
        if (all_had(b, work)) {
            sl_lane_finish(b, work);
        } else if (work->batch == NULL) {
            b->lost = 1;
        } else if (drop_had(b, work) != SLUICE_OK) {
            sl_branch_no_memory(b, "send a batch again");
            return;
        } else if (nothing_left(work) && !sl_letters_busy(&b->letters)) {
            sl_lane_finish(b, work);
        }
    }
}

static int says_another(const sl_branch_run_t *b, uint32_t partition) {
    const sl_own_t *own = partition < b->own_count ? &b->own[partition] : NULL;
    sl_place_t stored = {0};
    int has = sl_board_get(&b->graph->board, b->index, partition, &stored, NULL);
    int other = believes(b, own, has, &stored) &&
                (!has || sl_place_cmp(&own->position, own->sub_index, &stored.position,
                                      stored.sub_index) != 0);

    sl_place_fini(&stored);
    return other;
}

/* The target that was stood in for says how far it is. What was gathered for it rests on what the
 * store said: when that was another place, it is dropped and the source goes back. */
static void settle_late(sl_branch_run_t *b) {
    size_t i, n = sl_board_partitions(&b->graph->board);
    int other = 0;

    if (n < b->own_count)
        n = b->own_count;
    for (i = 0; i < n; i++)
        other |= says_another(b, (uint32_t)i);
    for (i = 0; i < n && other; i++) {
        if (settle_start(b, (uint32_t)i) != SLUICE_OK) {
            sl_branch_no_memory(b, "note a position");
            return;
        }
    }
    if (other)
        sl_lane_rewind(b);
    b->unsettled = 0;
    sl_branch_say(b, SL_WORD_SETTLED, SLUICE_OK);
}

static void opened_again(sl_branch_run_t *b) {
    b->link = SL_LINK_UP;
    sl_retry_up(&b->retry);
    b->busy = b->barred = b->flushing = b->reflush = 0;
    b->wait_ms = 0;
    sl_log(SLUICE_LOG_INFO, "runtime.branch", "branch %s is connected again",
           b->spec->branch->name);
    sl_branch_set_state(b, SL_BRANCH_RUNNING);
    if (b->unsettled)
        settle_late(b);
    else
        settle_unresolved(b);
    if (b->lost)
        sl_lane_rewind(b);
    sl_lane_kick(b);
}

/* ---- failing ---- */

static void fail_open(sl_branch_run_t *b, int status) {
    if (b->graph->pipeline->connect) { /* a trace there begins with the sink's own words */
        sl_lane_fail(b, status, "opening");
        return;
    }
    sl_failure_set(&b->failure, status, "sink.open", "%s\n  at opening sink %s",
                   b->last_error != NULL ? b->last_error : "no details", b->spec->branch->name);
    sl_branch_fail(b);
}

static void on_opened(void *user, int status) {
    sl_branch_run_t *b = user;

    /* what failed has dropped batches: none may follow */
    if (b->closing || b->link == SL_LINK_DOWN)
        return;
    if (status == SLUICE_OK)
        status = b->broke_early;
    if (status == SLUICE_OK && SL_FAILPOINT("open"))
        status = SLUICE_NOT_CONNECTED;
    if (status == SLUICE_OK && b->link == SL_LINK_OPENING) {
        first_opened(b);
    } else if (status == SLUICE_OK) {
        opened_again(b);
    } else {
        if (b->broke_early == SLUICE_OK)
            sl_lane_note_error(b, status);
        if (sl_status_may_heal(status)) {
            sl_log(SLUICE_LOG_WARN, "runtime.branch", "sink %s cannot be opened: %s; trying again",
                   b->spec->branch->name, b->last_error != NULL ? b->last_error : "");
            sl_instance_close(&b->instance, SL_LINK_CLOSE_MS, on_left, b);
        } else {
            fail_open(b, status);
        }
    }
}

void sl_link_retry(sl_branch_run_t *b) {
    open_sink(b, b->chain_open ? SL_LINK_AGAIN : SL_LINK_OPENING);
}

/* The old sink is gone; a new one after a while. */
static void on_left(void *user, int abandoned) {
    sl_branch_run_t *b = user;

    b->abandoned |= abandoned;
    sl_lane_cancel(b);
    if (b->closing) {
        sl_link_close(b, b->close_ms);
        return;
    }
    if (b->link == SL_LINK_DOWN)
        return;
    if (can_stand_in(b)) {
        b->unsettled = (b->sink->flags & SLUICE_SINK_OWN_POSITION) != 0;
        first_opened(b);
    } else {
        sl_link_wait(b);
    }
}

void sl_link_wait(sl_branch_run_t *b) {
    /* A failure that its tickets have told of already counts once; the next one by itself. */
    int64_t wait = b->wait_ms > 0 ? b->wait_ms : sl_retry_failed(&b->retry, 0);

    b->wait_ms = 0;
    if (wait < 0) {
        fail_open(b, SLUICE_NOT_CONNECTED);
        return;
    }
    b->link = SL_LINK_WAITING;
    sl_lane_wait(b, wait);
}

void sl_link_broken(sl_branch_run_t *b, int status) {
    if (b->link == SL_LINK_OPENING || b->link == SL_LINK_CHAIN || b->link == SL_LINK_AGAIN)
        b->broke_early = status;
    if (b->link != SL_LINK_UP)
        return;
    sl_retry_down(&b->retry);
    sl_log(SLUICE_LOG_WARN, "runtime.branch", "branch %s lost its target: %s; reconnecting",
           b->spec->branch->name, b->last_error != NULL ? b->last_error : "");
    sl_branch_count(b, SL_BRANCH_RECONNECTS, 1);
    b->link = SL_LINK_LEAVING;
    sl_branch_set_state(b, SL_BRANCH_RECONNECTING);
    sl_lane_kick(b);
}

void sl_link_leave(sl_branch_run_t *b) {
    if (b->instance.state == SL_INSTANCE_OPEN)
        sl_instance_close(&b->instance, SL_LINK_CLOSE_MS, on_left, b);
}

/* ---- the end ---- */

static void on_closed(void *user, int abandoned) {
    sl_branch_run_t *b = user;

    b->abandoned |= abandoned;
    sl_letters_close(&b->letters, b->close_ms);
}

void sl_link_close(sl_branch_run_t *b, uint64_t deadline_ms) {
    b->close_ms = deadline_ms;
    b->closing = 1;
    b->link = SL_LINK_DOWN;
    uv_timer_stop(&b->retry_timer);
    uv_timer_stop(&b->stop_timer);
    sl_instance_close(&b->instance, deadline_ms, on_closed, b);
}
