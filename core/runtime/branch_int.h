/*
 * runtime/branch_int.h: the parts of a branch, private to branch.c, backlog.c, lane.c, ended.c,
 * works.c, link.c and watch.c.
 *
 * The way of a batch inside a branch, all on its thread:
 *
 *     queue -> backlog (memory, then spill)                     backlog.c
 *           -> skip filter, transforms, converters = work       backlog.c
 *           -> todo -> sink.write: in flight -> durable         lane.c
 *           -> span done -> prefix -> board                     positions.c
 *
 * ended.c owns what happens when a ticket ends badly. A failed work goes back to `todo`, which is
 * kept in order, and the lane is *barred*: nothing is written until everything in flight has ended.
 * Only then the failed ones are sent again, before anything newer. A work that is being taken apart
 * (bisect.h) is alone in flight. link.c closes and reopens the sink: all that was in flight goes
 * back to `todo` and is sent again, but for what the target itself says that it has.
 *
 * When memory was given back at `released` and the batch fails later, nobody here has the records
 * any more. Then the branch is *lost*: it drops everything behind its durable position and asks the
 * trunk to let the source go back (SL_WORD_REWIND); the other branches skip what comes again. Until
 * the place of the failure is passed the branch is *careful*: it keeps batches until durable and
 * has one in flight at a time, flushed, so that a refusal can be handled the second time.
 */
#ifndef SL_RUNTIME_BRANCH_INT_H
#define SL_RUNTIME_BRANCH_INT_H

#include "runtime/bisect.h"
#include "runtime/branch.h"
#include "runtime/letters.h"
#include "runtime/sent.h"
#include "runtime/skip.h"
#include "runtime/spill.h"
#include "runtime/stop.h"
#include "runtime/ticket.h"

/* Tickets in flight at most, when neither the sink nor bytes bound them. */
#define SL_LANE_WINDOW 16384
#define SL_LINK_CLOSE_MS 10000

typedef struct sl_work {
    sl_list_t link; /* in todo or flight */
    uint64_t seq;
    sl_parcel_t *parcel;   /* NULL once released */
    sluice_batch_t *batch; /* NULL once released */
    int64_t held;          /* charged to the edge */
    int64_t extra;         /* of it, beyond the parcel: also charged to the task */
    int64_t records;       /* still in flight by the ledger */
    int64_t timestamp;     /* of its last record, 0: it has none */
    uint64_t written_ns;   /* when it was last given to the sink */
    sl_span_t *span;
    sl_repair_t *repair; /* NULL: whole */
    int passed;          /* noted in `sent` */
    int sent;            /* was written before */
} sl_work_t;

typedef struct sl_careful {
    sluice_mark_t mark; /* offset is not kept */
    int active;
} sl_careful_t;

typedef enum sl_link_state {
    SL_LINK_OPENING, /* the sink, the first time */
    SL_LINK_CHAIN,   /* the transforms */
    SL_LINK_UP,
    SL_LINK_LEAVING, /* the broken sink is being closed */
    SL_LINK_WAITING, /* for the backoff to end */
    SL_LINK_AGAIN,   /* a new sink is being opened */
    SL_LINK_DOWN     /* closing, or failed */
} sl_link_state_t;

typedef struct sl_own {
    int has;
    sluice_position_t position;
    uint32_t sub_index;
} sl_own_t;

struct sl_branch_run {
    sl_graph_t *graph;
    const sl_branch_spec_t *spec;
    const sluice_sink_t *sink;
    size_t index;
    uv_thread_t thread;
    int thread_started;
    uv_loop_t loop;
    sl_home_t home;
    sl_queue_t notes;
    sl_queue_t *words;
    sl_credit_t edge;
    sl_credit_t arriving; /* of it, what the branch has not put into its place yet */
    _Atomic int spills;   /* and there is room on disk: `arriving` bounds the source, not `edge` */
    _Atomic int state;
    _Atomic uint32_t beats; /* answered */
    uint32_t beats_asked;   /* the trunk's */
    _Atomic int64_t stats[SL_BRANCH_COUNTS];
    sl_ledger_node_t *node;
    sl_failure_t failure;
    sl_errors_t errors;
    sl_stop_t stop; /* set: nothing is prepared any more; once all is durable the task fails */
    uv_timer_t stop_timer;
    sl_letters_t letters; /* while they are under way nothing is prepared or written */
    int failing;          /* failure is set; the task fails once its letters are durable */
    sl_chain_t chain;
    sl_codec_t codec;
    int chain_open;

    /* backlog.c */
    sl_list_t front; /* notes with parcels, in memory */
    sl_list_t tail;  /* behind the spill, when it is full */
    int said_full;   /* that it is */
    sl_spill_t *spill;
    sl_skip_t skip;
    sl_parcel_t *preparing; /* under way in the chain, or: */
    int prepared;           /* the chain is done with it; maybe its dead letters are under way */
    int prepare_status;     /* then: what came of it */
    sluice_batch_t *made;   /* the same */
    int64_t made_of;        /* records that went into it */
    int64_t in_hand;        /* bytes of works not released */
    int ending;
    int ended;
    uint64_t end_number; /* of the END that we answer */
    int rewinding; /* dropped everything, waiting for REWOUND */

    /* lane.c */
    sl_instance_t instance;
    sl_tickets_t tickets;
    sl_prefix_t prefix;
    sl_sent_t sent;
    sl_list_t todo;
    sl_list_t flight;
    uint64_t next_seq;
    int busy;
    int readied; /* ready or durable came since the last write began */
    int barred;
    int pumping;
    int lost;
    int flushing;
    int reflush; /* asked again while flushing */
    int flush_wanted;
    uv_idle_t kick;
    int64_t wait_ms; /* before sending again, once nothing is in flight */
    sl_retry_t retry;
    uv_timer_t retry_timer; /* of the lane, the chain and the link: one waits at a time */
    int retry_waiting;
    sl_careful_t *careful; /* by source partition */
    size_t careful_count;
    size_t careful_active;
    char *last_error; /* for traces of what is retried */

    /* link.c */
    sl_link_state_t link;
    sl_own_t *own;
    size_t own_count;
    uint64_t close_ms;
    int broke_early; /* broken() came before the branch was up */
    int unsettled;   /* stood in for a target that has not said yet how far it is */
    uint64_t asked_ms; /* loop time of the last open, flush or BUSY */
    int is_stuck;    /* and said so */
    _Atomic(const char *) stuck; /* for what the sink owes an answer too long; NULL: nothing */
    int abandoned;
    int closing;
};

/* ---- branch.c ---- */
void sl_branch_say(sl_branch_run_t *b, sl_word_kind_t kind, int status);
/* The task fails with b->failure (set by the caller). */
void sl_branch_fail(sl_branch_run_t *b);
/* The same, when the letters that tell of it are durable. */
void sl_branch_fail_lettered(sl_branch_run_t *b);
void sl_branch_no_memory(sl_branch_run_t *b, const char *what);
void sl_branch_set_state(sl_branch_run_t *b, sl_branch_state_t state);
static inline void sl_branch_count(sl_branch_run_t *b, sl_branch_count_t which, int64_t n) {
    atomic_fetch_add_explicit(&b->stats[which], n, memory_order_relaxed);
}

/* ---- backlog.c ---- */
int sl_backlog_init(sl_branch_run_t *b);
void sl_backlog_take(sl_branch_run_t *b, sl_note_t *note); /* a PARCEL note; takes it */
/* The next work, or NULL: nothing there, the chain waits, or the branch failed. */
sl_work_t *sl_backlog_next(sl_branch_run_t *b);
/* Whether the memory for works is used up, while batches wait on disk. */
int sl_backlog_waits(const sl_branch_run_t *b);
int sl_backlog_empty(const sl_branch_run_t *b);
void sl_backlog_drop(sl_branch_run_t *b);
void sl_backlog_fini(sl_branch_run_t *b);

/* b->stop is set: the time for what is before it begins. */
void sl_lane_stop(sl_branch_run_t *b);
/* The source goes back, so that the bad record comes again. */
void sl_lane_unstop(sl_branch_run_t *b);

/* ---- lane.c: writing, and the turns of the loop ---- */
extern const sl_ctx_ops_t sl_lane_ops;
void sl_lane_init(sl_branch_run_t *b);
void sl_lane_fini(sl_branch_run_t *b);
void sl_lane_pump(sl_branch_run_t *b);
void sl_lane_kick(sl_branch_run_t *b); /* pump in the loop's next turn */
void sl_lane_wait(sl_branch_run_t *b, int64_t ms); /* pump again after that */
/* Into status, ledger and metrics. */
void sl_lane_count_replayed(sl_branch_run_t *b, int64_t records);
/* The target asked for time, or failed in a way that time may heal: nothing is written until what
 * is in flight has ended and a while has passed. */
void sl_lane_retry_later(sl_branch_run_t *b, int status, uint32_t retry_after_ms);

/* ---- ended.c: what becomes of a ticket that ended ---- */
static inline int sl_is_final(int status) {
    return status == SLUICE_FATAL || status == SLUICE_INVALID || status == SLUICE_UNSUPPORTED;
}
static inline int sl_is_link(int status) {
    return status == SLUICE_NOT_CONNECTED;
}
void sl_lane_succeeded(sl_branch_run_t *b, sl_work_t *work);
void sl_lane_failed(sl_branch_run_t *b, sl_work_t *work, int status, const sluice_result_t *results,
                    size_t count);
/* 0: a result speaks of a record that the batch does not have, so one would count as delivered. */
int sl_lane_are_sound(const sl_branch_run_t *b, const sl_work_t *work,
                      const sluice_result_t *results, size_t count);
/* Takes the text of the sink's last api->fail, for traces. */
void sl_lane_note_error(sl_branch_run_t *b, int status);
void sl_lane_fail(sl_branch_run_t *b, int status, const char *doing); /* by last_error */

/* Its letters are durable: works of which nothing else is left are done. */
void sl_lane_lettered(sl_branch_run_t *b);

/* ---- works.c: the works of a lane ---- */
void sl_lane_advanced(void *user, const sluice_mark_t *mark); /* of the prefix */
/* The branch's position in a partition is this, unless it is further. */
void sl_lane_advance(sl_branch_run_t *b, const sluice_mark_t *mark);
void sl_lane_to_todo(sl_branch_run_t *b, sl_work_t *work);    /* back in line, by number */
/* It failed after its memory was given back. */
void sl_lane_lose(sl_branch_run_t *b, const sl_work_t *work, int status);
/* Everything in flight is over without a word; it goes back to todo. */
void sl_lane_cancel(sl_branch_run_t *b);
void sl_lane_finish(sl_branch_run_t *b, sl_work_t *work); /* delivered, or dealt with */
void sl_lane_drop(sl_branch_run_t *b);                    /* forgets all works */
void sl_lane_release(sl_branch_run_t *b, sl_work_t *work); /* its memory */
/* Its records have fates of their own from here on (work->repair). SLUICE_NO_MEMORY: as before. */
int sl_lane_take_apart(sl_branch_run_t *b, sl_work_t *work);
/* Drops all behind the durable positions and asks for a rewind. */
void sl_lane_rewind(sl_branch_run_t *b);

/* ---- watch.c ---- */
/* Each second: does the sink answer? */
void sl_watch_beat(sl_branch_run_t *b);

/* ---- link.c ---- */
void sl_link_open(sl_branch_run_t *b);
void sl_link_broken(sl_branch_run_t *b, int status);
void sl_link_leave(sl_branch_run_t *b); /* closes the sink that broke */
void sl_link_wait(sl_branch_run_t *b);  /* opens the sink after a while */
void sl_link_retry(sl_branch_run_t *b); /* the backoff ended */
void sl_link_close(sl_branch_run_t *b, uint64_t deadline_ms);
void sl_link_own_position(sl_branch_run_t *b, sluice_str_t partition,
                          const sluice_position_t *position, uint32_t sub_index);

#endif
