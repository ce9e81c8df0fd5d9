/* Writing to the sink and what comes back. See branch_int.h. */
#include "runtime/branch_int.h"

#include "observe/log.h"
#include "record/batch.h"
#include "runtime/failpoint.h"
#include "runtime/slice.h"

#define RETRY_BASE_MS 300

/* ---- turns of the loop ---- */

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
    int timed = policy->retry_timeout_ms > 0 && !b->graph->pipeline->connect;

    sl_instance_init(&b->instance, &b->spec->sink, &b->home);
    uv_timer_init(&b->loop, &b->retry_timer);
    b->retry_timer.data = b;
    uv_timer_init(&b->loop, &b->stop_timer);
    b->stop_timer.data = b;
    uv_idle_init(&b->loop, &b->kick);
    b->kick.data = b;
    sl_tickets_init(&b->tickets);
    sl_prefix_init(&b->prefix, sl_lane_advanced, b);
    sl_list_init(&b->todo);
    sl_list_init(&b->flight);
    /* A target that is away is waited for, unless the user set a time. That of a connector counts
     * for transforms and converters only, as in Connect. */
    sl_retry_init(&b->retry, b->graph->retry_env, timed ? policy->retry_timeout_ms : -1,
                  RETRY_BASE_MS, policy->retry_delay_max_ms);
}

void sl_lane_fini(sl_branch_run_t *b) {
    sl_tickets_fini(&b->tickets);
    sl_prefix_fini(&b->prefix);
    free(b->careful);
    free(b->own);
    free(b->last_error);
}

/* ---- waiting ---- */

void sl_lane_wait(sl_branch_run_t *b, int64_t ms) {
    b->retry_waiting = 1;
    uv_timer_start(&b->retry_timer, on_retry_timer, (uint64_t)ms, 0);
}

void sl_lane_retry_later(sl_branch_run_t *b, int status, uint32_t retry_after_ms) {
    int64_t wait;

    sl_branch_count(b, SL_BRANCH_RETRIES, 1);
    if (b->barred && b->wait_ms > 0 && b->wait_ms >= (int64_t)retry_after_ms)
        return; /* the tickets that were in flight together fail together: that counts once */
    wait = sl_retry_failed(&b->retry, retry_after_ms);
    if (wait < 0) {
        sl_lane_fail(b, status, "errors.retry.timeout is over for");
        return;
    }
    sl_log(SLUICE_LOG_WARN, "runtime.branch", "sink %s: %s; trying again", b->spec->branch->name,
           b->last_error != NULL ? b->last_error : "no details");
    if (wait > b->wait_ms)
        b->wait_ms = wait;
    b->barred = 1;
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
    sl_meter_add(&b->graph->meters, SL_METER_PUT, (int64_t)(uv_hrtime() - work->written_ns) / 1000);
    b->busy = 0;
    b->readied = 1;
    if (status == SLUICE_OK) {
        sl_lane_succeeded(b, work);
    } else if (!sl_lane_are_sound(b, work, results, count)) {
        sl_lane_to_todo(b, work);
        broke_the_law(b, "durable", "a result names a record that the batch does not have");
    } else {
        sl_lane_failed(b, work, status, results, count);
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
    if (sl_is_link(status)) {
        sl_link_broken(b, status);
        return;
    }
    wait = sl_is_final(status) ? -1 : sl_retry_failed(&b->retry, 0);
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
        sl_letters_busy(&b->letters) || repairing(b))
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
    records = sl_batch_count(batch);
    if (!work->passed)
        sl_lane_count_replayed(b, sl_sent_pass(&b->sent, batch));
    work->passed = work->sent = 1;
    work->written_ns = uv_hrtime();
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
        sl_lane_to_todo(b, work);
    } else {
        sl_lane_failed(b, work, status, NULL, 0);
        work = NULL;
    }
    return status;
}

/* Only marks, for a sink that does not want such batches. */
static int needs_no_write(const sl_branch_run_t *b, const sl_work_t *work) {
    return work->batch != NULL && (b->sink->flags & SLUICE_SINK_EMPTY_BATCHES) == 0 &&
           sl_batch_count(work->batch) == 0;
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
    if (!b->rewinding &&
        (b->link != SL_LINK_UP || !sl_list_empty(&b->todo) || !sl_backlog_empty(b)))
        return;
    if (!b->rewinding && b->tickets.open > 0) {
        start_flush(b);
        return;
    }
    b->ended = 1;
    sl_branch_say(b, SL_WORD_ENDED, SLUICE_OK);
}

/* ---- the end at a bad record ---- */

static void fail_at_stop(sl_branch_run_t *b) {
    if (b->stop.reported)
        return;
    uv_timer_stop(&b->stop_timer);
    sl_stop_report(&b->errors, &b->failure);
    sl_branch_fail_lettered(b);
}

static void on_stop_timer(uv_timer_t *timer) {
    sl_stop_late("runtime.lane");
    fail_at_stop(timer->data);
}

void sl_lane_stop(sl_branch_run_t *b) {
    uv_timer_start(&b->stop_timer, on_stop_timer, SL_STOP_MS, 0);
}

void sl_lane_unstop(sl_branch_run_t *b) {
    uv_timer_stop(&b->stop_timer);
    sl_stop_fini(&b->stop);
}

static void check_stop(sl_branch_run_t *b) {
    if (!sl_list_empty(&b->todo))
        return;
    if (b->tickets.open > 0)
        start_flush(b);
    else
        fail_at_stop(b);
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
    if (b->stop.set && b->preparing == NULL)
        check_stop(b);
    else
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
    if (sl_is_final(status))
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
