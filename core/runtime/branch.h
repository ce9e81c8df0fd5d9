/*
 * runtime/branch.h: one branch as the trunk sees it: a thread that takes notes and sends words.
 *
 * What this is: the trunk puts notes into the branch's queue (a parcel, the source went back, the
 * end, a checkpoint ...); the branch puts words into the trunk's (opened, ended, failed ...). Both
 * queues keep order. Nothing else is shared but the graph's tables and the counters below.
 * Ownership: a branch is made and destroyed by the trunk; notes and words belong to who took them.
 * Threads: create, destroy, note: the trunk's; counters: any.
 */
#ifndef SL_RUNTIME_BRANCH_H
#define SL_RUNTIME_BRANCH_H

#include "runtime/graph.h"
#include "runtime/parcel.h"
#include "runtime/queue.h"

typedef struct sl_branch_run sl_branch_run_t;

typedef enum sl_note_kind {
    SL_NOTE_PARCEL,     /* take this */
    SL_NOTE_REWOUND,    /* the source went back: what follows repeats */
    SL_NOTE_END,        /* nothing follows: deliver everything, then say ENDED with `number` */
    SL_NOTE_CHECKPOINT, /* checkpoint your transforms, then say CHECKPOINTED */
    SL_NOTE_CHECKPOINT_LATE, /* you did not: fail, and say which transform */
    SL_NOTE_COMMITTED,  /* tell your transforms: one partition */
    SL_NOTE_BEAT,       /* your loop turns: count it */
    SL_NOTE_CLOSE       /* close within `number` ms, then say CLOSED */
} sl_note_kind_t;

typedef struct sl_note {
    sl_queue_node_t node;
    sl_note_kind_t kind;
    sl_parcel_t *parcel;
    uint64_t number; /* CLOSE: ms; COMMITTED: source partition */
    sluice_position_t position;
} sl_note_t;

typedef enum sl_word_kind {
    SL_WORD_OPENED, /* status BUSY: in place of a target whose own position is to come (SETTLED) */
    SL_WORD_SETTLED, /* it came, after a REWIND where that was needed */
    SL_WORD_STATE, /* of sl_branch_state_name: it changed */
    SL_WORD_REWIND, /* what I had is lost: let the source go back */
    SL_WORD_ENDED,
    SL_WORD_CHECKPOINTED,
    SL_WORD_FAILED,
    SL_WORD_CLOSED
} sl_word_kind_t;

typedef struct sl_word {
    sl_queue_node_t node;
    sl_word_kind_t kind;
    size_t branch;
    int status;
    uint64_t number; /* ENDED: of the note that it answers */
    sl_failure_t failure; /* FAILED; also CHECKPOINTED that failed */
} sl_word_t;

typedef enum sl_branch_state {
    SL_BRANCH_STARTING = 0,
    SL_BRANCH_RUNNING,
    SL_BRANCH_RECONNECTING,
    SL_BRANCH_FAILED,
    SL_BRANCH_CLOSED
} sl_branch_state_t;

const char *sl_branch_state_name(int state); /* "STARTING" ... */

typedef enum sl_branch_count {
    SL_BRANCH_RECORDS,   /* delivered */
    SL_BRANCH_BATCHES,   /* delivered */
    SL_BRANCH_IN_FLIGHT, /* tickets open */
    SL_BRANCH_QUEUED,    /* bytes held, in memory */
    SL_BRANCH_SPILLED,   /* bytes on disk */
    SL_BRANCH_RETRIES,
    SL_BRANCH_RECONNECTS,
    SL_BRANCH_SKIPPED,   /* records left out because the branch had them */
    SL_BRANCH_REPEATED,  /* records sent again after an uncertain end, also before this process */
    SL_BRANCH_TOLERATED, /* bad records passed over */
    SL_BRANCH_LAST_MS,   /* wall clock of the last delivery; 0: none yet */
    SL_BRANCH_WAITING_MS, /* for so long the sink has owed an answer */
    /* age of the newest record of the last delivery; -1: none has a timestamp */
    SL_BRANCH_LAG_MS,
    SL_BRANCH_COUNTS
} sl_branch_count_t;

/* Starts the thread; it opens its sink and transforms at once and says OPENED or FAILED. `words` is
 * the trunk's queue. */
int sl_branch_create(sl_graph_t *graph, size_t index, sl_queue_t *words, sl_branch_run_t **out);
/* After CLOSED. Joins the thread. stored: the positions that the store has. */
void sl_branch_destroy(sl_branch_run_t *branch, sl_board_t *stored);
/* Any failure of memory is the task's end, so there is no result. `number` as in sl_note_t. */
void sl_branch_note(sl_branch_run_t *branch, sl_note_kind_t kind, uint64_t number);
void sl_branch_committed(sl_branch_run_t *branch, uint32_t partition,
                         const sluice_position_t *position);
/* Takes a reference of its own. */
void sl_branch_give(sl_branch_run_t *branch, sl_parcel_t *parcel);
/* Bytes that the source may emit as far as this branch is concerned, see credit.h. */
int64_t sl_branch_room(sl_branch_run_t *branch);
/* 1: memory that comes back here wakes the source. */
void sl_branch_starve(sl_branch_run_t *branch, int starved);
int64_t sl_branch_stat(sl_branch_run_t *branch, sl_branch_count_t which);
int sl_branch_state(sl_branch_run_t *branch);
/* Records transformed and not yet delivered. */
int64_t sl_branch_records_in_flight(const sl_branch_run_t *branch);
/* What the sink does not answer ("open", "write", "flush", "ready") though it lives; NULL: nothing
 * for long. */
const char *sl_branch_stuck(sl_branch_run_t *branch);
int sl_branch_has_state(const sl_branch_run_t *branch); /* transforms to checkpoint */
int sl_branch_was_abandoned(sl_branch_run_t *branch); /* an instance never closed: its loop stays */
/* Once a tick: asks the branch's thread for a sign of life. 1: it owes none. 0: it has not answered
 * the one before, so something keeps its thread. */
int sl_branch_beat(sl_branch_run_t *branch);

#endif
