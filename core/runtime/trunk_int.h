/*
 * runtime/trunk_int.h: the parts of a trunk, private to trunk.c (life), source.c and commit.c.
 * Threads: the trunk's.
 */
#ifndef SL_RUNTIME_TRUNK_INT_H
#define SL_RUNTIME_TRUNK_INT_H

#include "runtime/letters.h"
#include "runtime/shown.h"
#include "runtime/stop.h"
#include "runtime/topics.h"
#include "runtime/trunk.h"

#define SL_SOURCE_CLOSE_MS 10000
#define SL_FAIL_CLOSE_MS 2000
#define SL_LAST_COMMIT_MS 5000
#define SL_LAST_COMMIT_LEAST_MS 1000
#define SL_CHECKPOINT_MS 60000
#define SL_ANSWER_MS 60000 /* a store that takes longer is spoken of */

typedef enum sl_phase {
    SL_PHASE_SINKS,  /* branches are opening */
    SL_PHASE_CHAIN,  /* shared transforms are opening */
    SL_PHASE_SOURCE, /* open, or opening again and again */
    SL_PHASE_ENDING, /* branches deliver what was emitted */
    SL_PHASE_LAST_COMMIT,
    SL_PHASE_CLOSING,
    SL_PHASE_ENDED
} sl_phase_t;

typedef struct sl_arrival { /* a batch that waits for the shared transforms */
    sl_list_t link;
    sluice_batch_t *batch;
    int64_t bytes;
    int64_t records;
} sl_arrival_t;

typedef struct sl_cell_copy { /* one entry of a commit under way */
    size_t branch;
    uint32_t partition;
    sl_place_t place;
    char *json;
} sl_cell_copy_t;

typedef enum sl_commit_phase {
    SL_COMMIT_IDLE,
    SL_COMMIT_CHECKPOINTS, /* transforms make their state durable */
    SL_COMMIT_STORING      /* the supervisor has the positions */
} sl_commit_phase_t;

typedef struct sl_commit {
    sl_commit_phase_t phase;
    uint64_t seq;
    uint64_t version; /* of the board, as copied */
    uint64_t stored_version;
    sl_cell_copy_t *cells;
    size_t count;
    size_t checkpoints; /* not answered yet */
    int failed;
    int refused; /* the last one was not stored, and that was said */
    sl_board_t stored; /* what the supervisor has confirmed */
    sl_place_t *told;  /* by partition: what the source was told */
    size_t told_count;
    uv_timer_t timer;
    uv_timer_t late; /* the end of the time for checkpoints, then for an answer */
    int64_t commits;
    uint64_t began_ns;
    int64_t copied_written; /* records delivered when the board was copied */
    int64_t written;        /* of the last that was stored */
} sl_commit_t;

struct sl_trunk {
    sl_trunk_params_t params;
    sl_graph_t graph;
    sl_phase_t phase;
    int state;
    sl_failure_t failure;
    sl_home_t home;
    sl_queue_t words;
    uv_async_t wake; /* credit came back */
    uv_timer_t deadline;
    uint64_t end_by; /* loop time at which a drain is to be over; 0: no drain */
    sl_branch_run_t **branches;
    size_t branch_count;
    size_t opened;
    size_t unsettled; /* branches whose targets have yet to say how far they are */
    uint64_t end_number; /* an ENDED counts only as the answer to the latest END */
    size_t ended;        /* branches that delivered all */
    size_t open_branches;
    int source_closed;
    int chain_closed;
    int letters_closed;
    int handles; /* of ours, not closed yet */
    int abandoned; /* 1: an instance; 2: a thread */
    sl_trunk_t *next_abandoned;

    /* source.c */
    sl_instance_t source;
    const sluice_source_t *plugin;
    sl_codec_t codec;
    sl_chain_t chain;
    sl_errors_t errors;
    sl_stop_t stop; /* set: the task fails at this record once the branches have what is before */
    sl_letters_t letters;
    sl_ledger_node_t *node;
    sl_list_t arrivals;
    sl_arrival_t *current; /* in the chain, or: */
    int worked;            /* the chain is done with it; maybe its dead letters are under way */
    int work_status;       /* then: what came of it */
    sluice_batch_t *out;   /* the same */
    int accepting;
    int owes_credit; /* the source heard BUSY, or a credit of none */
    int broken;  /* the source instance has to go */
    int leaving; /* it is being closed */
    int finished;
    int paused;
    sl_retry_t source_retry;
    uv_timer_t source_timer; /* backoff before opening again; also the next turn of the loop */
    uv_timer_t chain_timer;
    int render_offsets; /* a sink wants them as users read them */
    sl_shown_t shown;
    char **asked; /* texts given to the source instance */
    size_t asked_count;

    sl_commit_t commit;
    sl_topics_t topics; /* of a connector */
};

/* Where the names of topics count: before the transforms of a sink connector, after those of a
 * source connector. */
typedef enum sl_track { SL_TRACK_NONE, SL_TRACK_BEFORE, SL_TRACK_AFTER } sl_track_t;
sl_track_t sl_trunk_tracks_topics(const sl_trunk_t *t);

/* ---- trunk.c ---- */
void sl_trunk_fail(sl_trunk_t *t); /* t->failure is set */
int sl_trunk_drains(const sl_trunk_t *t);
/* A part of what is left of a drain's time, within bounds; `most` when there is no drain. */
uint64_t sl_trunk_left(const sl_trunk_t *t, uint64_t part, uint64_t least, uint64_t most);
void sl_trunk_set_state(sl_trunk_t *t, int state);
void sl_trunk_end(sl_trunk_t *t); /* the source is done: let the branches deliver */
void sl_trunk_ask_end(sl_trunk_t *t); /* once more, of every branch */
void sl_trunk_stop(sl_trunk_t *t);    /* t->stop is set, and what is before it was handed on */
/* What came before the bad record has to come again, and so does the record, if it was not told of
 * yet. 0: there was no stop to be taken back. */
int sl_trunk_unstop(sl_trunk_t *t);
void sl_trunk_committed_last(sl_trunk_t *t);
void sl_trunk_chain_closed(sl_trunk_t *t);
void sl_trunk_letters_closed(sl_trunk_t *t, int abandoned);
void sl_trunk_source_closed(sl_trunk_t *t, int abandoned);

/* ---- source.c ---- */
int sl_source_init(sl_trunk_t *t);
void sl_source_open_chain(sl_trunk_t *t);
void sl_source_rewind(sl_trunk_t *t);
void sl_source_stop(sl_trunk_t *t); /* nothing more is taken */
void sl_source_close(sl_trunk_t *t, uint64_t deadline_ms);
void sl_source_fini(sl_trunk_t *t);
void sl_source_credit(sl_trunk_t *t); /* credit came back */
int sl_source_idle(const sl_trunk_t *t); /* nothing waits for the shared transforms */
int64_t sl_source_room(sl_trunk_t *t);

/* ---- offset_text.c ---- */
/* For a sink that keeps offsets where users read them: from here on every record of the batch has
 * its offset as text, and so has each mark that is made of one, now or in a part of the batch. */
int sl_source_render(sl_trunk_t *t, sluice_batch_t *batch);
/* The same for a mark without a record; *text (given, may be NULL) is what it then refers to. */
int sl_source_render_mark(sl_trunk_t *t, sluice_mark_t *mark, char **text);
/* Text of a place as users see it; NULL when unknown. Given. */
char *sl_source_offset_json(sl_trunk_t *t, uint32_t partition, const sl_place_t *place);

/* ---- commit.c ---- */
int sl_commit_init(sl_trunk_t *t);
void sl_commit_fini(sl_trunk_t *t);
/* 1: what the source reads from keeps how far it is, and there is one branch: the supervisor
 * stores no positions, none that it has count, and telling the source is all there is to a
 * commit. With more branches each has to know what it has itself. */
int sl_commit_is_upstream(const sl_trunk_t *t);
void sl_commit_start(sl_trunk_t *t); /* a cycle, when there is news */
/* All sinks are open: a target that says less than the store is believed. */
void sl_commit_settle(sl_trunk_t *t);
/* The source is open: what it may have missed, also in an earlier process. */
void sl_commit_tell(sl_trunk_t *t);
void sl_commit_checkpointed(sl_trunk_t *t, int status);
void sl_commit_stored(sl_trunk_t *t, uint64_t seq);
void sl_commit_refused(sl_trunk_t *t, uint64_t seq, const char *why);
/* One more cycle, then sl_trunk_committed_last. */
void sl_commit_last(sl_trunk_t *t);

/* Records that all branches together have delivered. */
int64_t sl_trunk_written(sl_trunk_t *trunk);

#endif
