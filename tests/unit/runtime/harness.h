/*
 * tests/unit/runtime/harness.h: a pipeline in this process, with plugins that are tables in the
 * test.
 *
 * The source "numbers" emits, in each of `partitions` source partitions, the numbers 1..count in
 * order; a record's position is its number. The sink "target" writes to a target_t, which outlives
 * pipelines, so that a restart can be compared with a model. How a target behaves is drawn from its
 * `chaos` (per cent) and its switches.
 * Threads: targets are locked; everything else is the test's.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "config/pipeline.h"
#include "runtime/trunk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define PARTITIONS_MAX 4
#define BRANCHES_MAX 6
#define PASSED 1000000 /* what each of the chain of three adds to the key */
#define LETTERS (BRANCHES_MAX - 1) /* the target of dead letters, when there are some */

typedef struct numbers { /* what the source does */
    int partitions;
    int64_t count;   /* of each partition */
    int batch;       /* records a batch, over all partitions */
    int payload;     /* bytes of each value */
    int stop_at;     /* emit no more than this many records, then idle (0: no limit) */
    int broken_at;   /* after so many records say NOT_CONNECTED, once */
    int idle_breaks; /* says NOT_CONNECTED so often before the first record */
    int close_ms;    /* how long its close takes */
    int64_t committed[PARTITIONS_MAX]; /* as told by the runtime */
    int64_t emitted;
    int opened;
    int paused;
    int until_reopen;  /* after 100 records it waits until target 0 is being opened again */
    int64_t max_overdraft; /* batches emitted with no credit */
    int without_offset; /* stored positions that came without one */
    _Atomic int told_early; /* positions told while `away` of target 0 */
    int asks_again;     /* after BUSY it asks until there is credit, and waits for on_credit */
    int inside_emit;    /* calls of close while it was inside its own emit */
} numbers_t;

typedef struct chaos { /* per cent */
    int busy;
    int retry;
    int reject;     /* sync error from write: RETRY */
    int disconnect; /* the ticket ends NOT_CONNECTED */
    int vanish;     /* broken() with tickets in flight */
    int partial;    /* PER_RECORD and PREFIX: some records retry */
    int delay;      /* completion later */
} chaos_t;

typedef struct delivered {
    uint32_t partition;
    int64_t number;
} delivered_t;

typedef struct target {
    uv_mutex_t lock;
    delivered_t *log;
    size_t count;
    size_t cap;
    chaos_t chaos;
    unsigned seed;
    int64_t bad_every;  /* numbers divisible by this are refused; 0: none */
    int bad_at_once;    /* ... by write itself, with words by api->fail */
    int64_t fatal_at;   /* number that fails the task */
    int own_position;   /* keeps positions with the data; 2: but not those of empty batches */
    int64_t own[PARTITIONS_MAX];
    uint32_t own_sub[PARTITIONS_MAX];
    int buffer;         /* releases at once, durable only in batches of so many tickets, or flush */
    int buffer_ms;      /* or after so many turns of its timer; 0: never */
    int buffer_to_drain; /* or once the trunk is about to hear of the drain */
    int hang;           /* ends nothing */
    int twice;          /* ends the third ticket two times */
    int refuse_after;   /* write ends its ticket and refuses it all the same */
    int wild_result;    /* the third ticket fails with a result for a record that is none */
    int break_early;    /* so many opens complete and break in the same turn */
    int hang_offload;   /* at close its helper thread is busy for 8 s */
    int hang_close;     /* never completes close */
    int slow_ms;        /* each ticket takes so long */
    int fail_opens;     /* so many opens answer NOT_CONNECTED */
    int away_until;     /* and all before target 1 has so many records in the meantime */
    int fail_reopens;   /* and all opens but the first do */
    _Atomic int lose_released; /* once: fail a released ticket with this status */
    int ready_inside;   /* the write of this number says ready, then answers BUSY */
    int cut_at;         /* the write of this number ends with each record NOT_CONNECTED */
    int break_at;       /* the write of this number breaks the sink, which keeps its ticket */
    int break_in_transforms; /* once: an open sink breaks while transforms open */
    int reopen_when_failed; /* opens but the first end when the task has failed */
    int lose_ticket;    /* the write of this number is accepted and never ended */
    _Atomic int away;   /* set by a test: since then no open has succeeded */
    _Atomic int while_away; /* of target 1: records that came while target 0 was away */
    int flush_retries;  /* so many flushes answer RETRY */
    _Atomic int opens, breaks;
    _Atomic int closes; /* dead letters: of trunk and branches, each on its thread */
    int empties;
    _Atomic int writes;
    _Atomic int max_open; /* most tickets open at once */
} target_t;

typedef struct stages { /* what converters and transforms do */
    int bytes;            /* sinks want bytes */
    int decode;           /* the source's values go through a converter */
    int64_t refuse_every; /* converters refuse numbers divisible by this */
    int64_t starve_at;    /* converters and predicates have no memory for this number */
    int refuse_decode;    /* the source's converter refuses the value of this call */
    int64_t reject_every; /* transforms do */
    int retry_percent;    /* of applies */
    /* an apply that rejected something asks for a retry, every other time */
    int again_after_reject;
    /* applies to a batch with a number divisible by this ask for a retry, so many times
     * (as often as they like, unless a test says it) */
    int64_t again_every;
    int again_left;
    int again_status; /* what they answer; 0: RETRY */
    int busy_alone;   /* a record alone is answered BUSY at its first try, others RETRY */
    int again_alone;  /* such applies to that one record */
    int huge;             /* converters make more bytes of number 7 than a value can hold */
    int stateful;         /* transforms checkpoint: what they applied, durable */
    int64_t applied[PARTITIONS_MAX], durable[PARTITIONS_MAX];
    int checkpoints;
    int hang_at;          /* the checkpoint of this number never completes */
    int open_behind_break; /* a transform is open a while after target 0 broke */
    _Atomic int opening;   /* transforms that are asked to open */
    int64_t drop_every;    /* the second of three leaves out */
    int judged;            /* the first of three has the predicate */
    int passed;            /* calls of pass */
    int step_by_step;      /* calls of apply of those that have a pass */
    _Atomic int wrong_keys; /* in the chain of three, or behind it */
    _Atomic int decoded;
    _Atomic int encoded;
    int asking;            /* converters ask a service: so many percent of calls wait for it */
    int service_down;      /* status of its next `failures` calls */
    _Atomic int failures;
    _Atomic int asked_anew; /* calls that came while the service was being asked */
    _Atomic int askers;    /* instances that live */
} stages_t;

extern stages_t stages;
extern numbers_t the_source;
extern target_t targets[BRANCHES_MAX];

void harness_reset(void);
void harness_fini(void);

/* What comes in this time even on a busy machine; a run that hangs ends by it. */
#define HARNESS_PATIENCE_MS 20000

typedef struct run_options {
    int branches;
    int failure_mode; /* sluice_failure_mode_t of every sink */
    int window;       /* max_in_flight */
    int tolerate_all;
    int stop_at_record; /* a bad record that is not tolerated: what is before it is delivered */
    const char *dead_letters;
    int letters; /* dead letters go to the sink of targets[LETTERS]; 2: with headers */
    int64_t queue_bytes;
    int64_t memory_limit;
    int64_t spill_max;
    int spill_fail;
    const char *state_dir;
    int checkpoint_ms;
    int64_t commit_ms;
    int drain_after_ms; /* 0: until finished */
    int (*drain_when)(void); /* and not before this is true, or HARNESS_PATIENCE_MS have passed */
    int kill_after_ms;  /* the run is cut off: what is not stored is forgotten; 0: not */
    int pause_at_ms, resume_at_ms;
    uint64_t drain_deadline_ms;
    int (*drain_blocks)(void); /* the trunk's thread is kept while this is true, before it hears of
                                  the drain */
    int beat_ms;         /* branches are asked for a sign of life; 0: never */
    int stuck_ms;        /* see sl_graph_params_t */
    int may_go_back;     /* stored positions may become less */
    int stored_ms;       /* how long the store takes; 0: 1 */
    int refusals;        /* the store refuses so many commits first */
    int64_t retry_timeout_ms;
    int64_t delay_max_ms; /* 0: 4 */
    int trunk_tolerates;
    int64_t trunk_retry_timeout_ms;
    int connect; /* the pipeline was a connector */
    const sl_retry_env_t *retry_env; /* NULL: the process's */
    /* 1: "double" in the trunk; 2: "evens" in each branch; 4: a predicate of the trunk's first;
     * 8: before "double" three that take single records */
    int transforms;
} run_options_t;

typedef struct run_result {
    int state;
    char code[128];
    char trace[2048];
    int abandoned;
    int64_t drain_ms; /* from the drain to the end */
    char stuck[BRANCHES_MAX][16]; /* the last that was seen */
    int64_t stats[BRANCHES_MAX][SL_BRANCH_COUNTS];
    size_t ledger_faults;
    char ledger_text[256];
    int refused; /* commits */
    int64_t max_held; /* by the task, at its end */
    int64_t most_held[BRANCHES_MAX]; /* that a beat saw */
} run_result_t;

/* Runs a pipeline to its end, from what earlier runs stored. */
run_result_t harness_run(const run_options_t *options);
int64_t harness_stored(int branch, int partition); /* 0: nothing */
const char *harness_stuck(int branch); /* what run_result_t.stuck will be */
void harness_forget(void); /* stored positions */
void harness_empty_folder(const char *folder); /* removes the files in it */

/* Around each test: everything as at the beginning, and a folder of its own, which may be that of
 * the pipeline's state; dead letters may go to a file of it. */
extern char harness_folder[], harness_dead_file[];
int harness_set_up(void **state);
int harness_tear_down(void **state);
size_t harness_dead_letters(const char *with); /* lines of that file with this text */
#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_set_up, harness_tear_down)

/* Asserts that what the target got is 1..count of each partition: none lost, and each partition in
 * order once repeats are taken away. Returns the number of repeats. */
size_t assert_complete(const target_t *target, int partitions, int64_t count,
                       int64_t left_out_every);

#endif
