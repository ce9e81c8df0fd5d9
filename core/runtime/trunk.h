/*
 * runtime/trunk.h: a running pipeline: the trunk's thread, its source, and the branches it
 * commands.
 *
 * What this is: the engine of a task without the supervisor: who embeds it (task.c, a test, a tool)
 * gives a loop, stored positions and events. Order of opening: all sinks (each says what its target
 * has), the branches' transforms, the shared transforms, then the source at the minimum over
 * branches. Order of ending: the source stops, the branches deliver, the last commit, then all
 * close.
 *
 * When something asks the source to go back (a branch lost batches, the source lost its server) the
 * source instance is closed and a new one opened at the minimum over branches of what is durable;
 * branches leave out what they have. There is no second mechanism for resuming.
 * Ownership: borrows params until ended. Threads: the loop's.
 */
#ifndef SL_RUNTIME_TRUNK_H
#define SL_RUNTIME_TRUNK_H

#include <cjson/cJSON.h>

#include "runtime/branch.h"

typedef struct sl_trunk sl_trunk_t;

/* One stored position, as it crosses to the supervisor and back. Everything borrowed. */
typedef struct sl_entry {
    const char *branch;
    sluice_str_t partition; /* JSON text */
    sluice_position_t position; /* none: a user altered the offset */
    uint32_t sub_index;
    const char *offset; /* JSON text as users see it; NULL: unknown */
    sluice_str_t cookie; /* the source's private bytes */
} sl_entry_t;

typedef enum sl_trunk_state {
    SL_TRUNK_STARTING = 0,
    SL_TRUNK_RUNNING,
    SL_TRUNK_PAUSED,
    SL_TRUNK_FAILED,
    SL_TRUNK_FINISHED,
    SL_TRUNK_STOPPED /* drained */
} sl_trunk_state_t;

const char *sl_trunk_state_name(int state);

typedef struct sl_trunk_events {
    /* Also when a branch's state changed. FAILED: sl_trunk_failure says why. */
    void (*state)(void *user, int state);
    /* Make them durable, then call sl_trunk_stored(seq). */
    void (*positions)(void *user, uint64_t seq, const sl_entry_t *entries, size_t count);
    /* Last word; sl_trunk_destroy next, not inside. */
    void (*ended)(void *user, int state);
} sl_trunk_events_t;

typedef struct sl_trunk_params {
    uv_loop_t *loop;
    sl_graph_params_t graph;
    const sl_entry_t *stored;
    size_t stored_count;
    int paused;
    uint64_t last_commit_ms; /* how long the end waits for `stored`; 0: 5 s */
    uint64_t checkpoint_ms; /* most that transforms may take to checkpoint; 0: 60 s */
    sl_trunk_events_t events;
    void *user;
} sl_trunk_params_t;

/* Starts at once. A failure to start comes as state FAILED and `ended`; only no memory is an
 * error. */
int sl_trunk_create(const sl_trunk_params_t *params, sl_trunk_t **out);
void sl_trunk_destroy(sl_trunk_t *trunk); /* after ended; the loop must run once more afterwards */

void sl_trunk_stored(sl_trunk_t *trunk, uint64_t seq);
/* That commit was not stored and will not be: the next one covers it, too. */
void sl_trunk_refused(sl_trunk_t *trunk, uint64_t seq, const char *why);
/* FAILED, for a reason outside of the trunk. Also inside of an event. */
void sl_trunk_give_up(sl_trunk_t *trunk, const char *code, const char *text);
void sl_trunk_pause(sl_trunk_t *trunk);
void sl_trunk_resume(sl_trunk_t *trunk);
/* Stops the source, delivers and commits what was emitted, closes: state STOPPED. All of it takes
 * deadline_ms, or a little more when plugins do not close: after three quarters of it what is not
 * delivered stays undone (the source repeats it next time). */
void sl_trunk_drain(sl_trunk_t *trunk, uint64_t deadline_ms);

/* {"type":"topics"} with what is new since the last call, or NULL; given. */
cJSON *sl_trunk_new_topics(sl_trunk_t *trunk);
void sl_trunk_forget_topics(sl_trunk_t *trunk);

int sl_trunk_state(const sl_trunk_t *trunk);
const sl_failure_t *sl_trunk_failure(const sl_trunk_t *trunk);
sl_graph_t *sl_trunk_graph(sl_trunk_t *trunk);
size_t sl_trunk_branches(const sl_trunk_t *trunk);
sl_branch_run_t *sl_trunk_branch(sl_trunk_t *trunk, size_t i);
/* Some instance never closed, or some thread still runs: leave by _exit. */
int sl_trunk_was_abandoned(const sl_trunk_t *trunk);

#endif
