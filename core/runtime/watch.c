/* Whether a branch's sink still answers: a target that hangs without an error is shown, or given
 * up. */
#include "runtime/branch_int.h"

#include "observe/log.h"

#define STUCK_MS 30000

/* For how long an answer has been owed, and to what. Tickets that were released are not counted: a
 * sink may gather for as long as it likes. */
static uint64_t waited(const sl_branch_run_t *b, uint64_t now, const char **what) {
    uint64_t since = now;

    *what = "open";
    if (b->link == SL_LINK_OPENING || b->link == SL_LINK_AGAIN)
        return now - b->asked_ms;
    *what = "write";
    if (b->link != SL_LINK_UP || sl_tickets_oldest(&b->tickets, &since))
        return now - since;
    *what = b->flushing ? "flush" : "ready";
    return b->flushing || b->busy ? now - b->asked_ms : 0;
}

static void say_stuck(sl_branch_run_t *b, const char *what, uint64_t ms) {
    sl_log(SLUICE_LOG_WARN, "runtime.branch",
           "sink %s has not answered \"%s\" for %.3g s, without an error: look at its target; the "
           "other branches go on until memory or disk of this one is full",
           b->spec->branch->name, what, (double)ms / 1000);
}

static void give_up(sl_branch_run_t *b, const char *what, uint64_t ms) {
    sl_failure_set(&b->failure, SLUICE_NOT_CONNECTED, "sink.stuck",
                   "no answer to \"%s\" for %.3g s\n  at errors.retry.timeout is over for sink %s",
                   what, (double)ms / 1000, b->spec->branch->name);
    sl_branch_fail(b);
}

void sl_watch_beat(sl_branch_run_t *b) {
    int64_t limit = b->graph->params.stuck_ms > 0 ? b->graph->params.stuck_ms : STUCK_MS;
    int64_t timeout = b->spec->branch->errors.retry_timeout_ms;
    const char *what;
    uint64_t ms = b->closing ? 0 : waited(b, uv_now(&b->loop), &what);
    int stuck = ms >= (uint64_t)limit;

    atomic_store(&b->stats[SL_BRANCH_WAITING_MS], (int64_t)ms);
    atomic_store(&b->stuck, stuck ? what : NULL);
    if (stuck && !b->is_stuck)
        say_stuck(b, what, ms);
    else if (!stuck && b->is_stuck && !b->closing)
        sl_log(SLUICE_LOG_INFO, "runtime.branch", "sink %s answers again", b->spec->branch->name);
    b->is_stuck = stuck;
    if (stuck && timeout > 0 && ms > (uint64_t)timeout)
        give_up(b, what, ms);
}
