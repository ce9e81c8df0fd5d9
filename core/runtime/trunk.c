#include "runtime/trunk.h"

#include "config/connect.h"
#include "observe/log.h"
#include "runtime/trunk_int.h"
#include <stdlib.h>

const char *sl_trunk_state_name(int state) {
    static const char *const names[] = {"STARTING", "RUNNING",  "PAUSED",
                                        "FAILED",   "FINISHED", "STOPPED"};

    return state >= 0 && state <= SL_TRUNK_STOPPED ? names[state] : "?";
}

void sl_trunk_set_state(sl_trunk_t *t, int state) {
    if (t->state == SL_TRUNK_FAILED || t->state == state)
        return;
    t->state = state;
    t->params.events.state(t->params.user, state);
}

/* ---- ending ---- */

static void check_closed(sl_trunk_t *t) {
    if (t->phase != SL_PHASE_CLOSING || t->open_branches > 0 || !t->source_closed ||
        !t->chain_closed || !t->letters_closed)
        return;
    t->phase = SL_PHASE_ENDED;
    uv_timer_stop(&t->deadline);
    t->params.events.ended(t->params.user, t->state);
}

void sl_trunk_chain_closed(sl_trunk_t *t) {
    t->chain_closed = 1;
    check_closed(t);
}

void sl_trunk_letters_closed(sl_trunk_t *t, int abandoned) {
    t->abandoned |= abandoned;
    t->letters_closed = 1;
    check_closed(t);
}

void sl_trunk_source_closed(sl_trunk_t *t, int abandoned) {
    (void)abandoned;
    t->source_closed = 1;
    check_closed(t);
}

/* A thread that hangs inside a plugin never says CLOSED. */
static void on_close_deadline(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;

    if (t->phase != SL_PHASE_CLOSING)
        return;
    sl_log(SLUICE_LOG_ERROR, "runtime.trunk", "%zu branches did not close in time",
           t->open_branches);
    t->abandoned = 2;
    t->phase = SL_PHASE_ENDED;
    t->params.events.ended(t->params.user, t->state);
}

static void close_all(sl_trunk_t *t, uint64_t deadline_ms) {
    size_t i;

    t->phase = SL_PHASE_CLOSING;
    uv_timer_stop(&t->commit.timer);
    uv_timer_start(&t->deadline, on_close_deadline, 2 * deadline_ms + 1000, 0);
    for (i = 0; i < t->branch_count; i++)
        sl_branch_note(t->branches[i], SL_NOTE_CLOSE, deadline_ms);
    sl_source_close(t, deadline_ms);
    sl_chain_close(&t->chain, deadline_ms);
    sl_letters_close(&t->letters, deadline_ms);
    check_closed(t);
}

int sl_trunk_drains(const sl_trunk_t *t) {
    return t->end_by != 0;
}

uint64_t sl_trunk_left(const sl_trunk_t *t, uint64_t part, uint64_t least, uint64_t most) {
    uint64_t now = uv_now(t->params.loop);
    uint64_t ms = now < t->end_by ? (t->end_by - now) / part : 0;

    if (!sl_trunk_drains(t) || ms > most)
        return most;
    return ms < least ? least : ms;
}

void sl_trunk_committed_last(sl_trunk_t *t) {
    if (t->phase != SL_PHASE_LAST_COMMIT)
        return;
    /* Branches went on while the last but one cycle ran. */
    if (uv_is_active((uv_handle_t *)&t->commit.timer) &&
        sl_board_version(&t->graph.board) != t->commit.stored_version &&
        t->commit.version != sl_board_version(&t->graph.board)) {
        sl_commit_start(t);
        return;
    }
    uv_timer_stop(&t->commit.timer);
    if (t->state == SL_TRUNK_FAILED)
        t->params.events.state(t->params.user, SL_TRUNK_FAILED);
    else
        t->state =
            t->finished && t->ended == t->branch_count ? SL_TRUNK_FINISHED : SL_TRUNK_STOPPED;
    close_all(t, t->state == SL_TRUNK_FAILED
                     ? SL_FAIL_CLOSE_MS
                     : sl_trunk_left(t, 3, SL_FAIL_CLOSE_MS, SL_SOURCE_CLOSE_MS));
}

static void last_commit(sl_trunk_t *t) {
    if (t->phase >= SL_PHASE_LAST_COMMIT)
        return;
    uv_timer_stop(&t->deadline);
    uv_timer_stop(&t->commit.timer);
    t->phase = SL_PHASE_LAST_COMMIT;
    sl_commit_last(t);
}

static void on_failed(uv_timer_t *timer) {
    last_commit(timer->data);
}

/* Often inside a call of the source or a transform, which must not be closed before it returns. */
void sl_trunk_fail(sl_trunk_t *t) {
    if (t->state == SL_TRUNK_FAILED || t->phase >= SL_PHASE_CLOSING)
        return;
    t->state = SL_TRUNK_FAILED;
    sl_log(SLUICE_LOG_ERROR, "runtime.trunk", "task failed: %s",
           t->failure.trace != NULL ? t->failure.trace : "no details");
    sl_source_stop(t);
    if (t->phase < SL_PHASE_LAST_COMMIT)
        uv_timer_start(&t->deadline, on_failed, 0, 0);
}

void sl_trunk_give_up(sl_trunk_t *t, const char *code, const char *text) {
    if (t->state == SL_TRUNK_FAILED)
        return;
    sl_failure_set(&t->failure, SLUICE_FATAL, code, "%s", text);
    sl_trunk_fail(t);
}

static void on_drain_deadline(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;

    sl_log(SLUICE_LOG_WARN, "runtime.trunk",
           "%zu of %zu branches could not deliver everything in time; the rest will be repeated",
           t->branch_count - t->ended, t->branch_count);
    last_commit(t);
}

void sl_trunk_ask_end(sl_trunk_t *t) {
    size_t i;

    t->ended = 0;
    t->end_number++;
    for (i = 0; i < t->branch_count; i++)
        sl_branch_note(t->branches[i], SL_NOTE_END, t->end_number);
}

/* The dead letter that tells of the record comes first: on_letters_done of source.c goes on. */
static void fail_at_stop(sl_trunk_t *t) {
    sl_failure_t ignored = {0};

    if (!sl_trunk_drains(t)) /* a drain keeps its own: the dead letter may never come through */
        uv_timer_stop(&t->deadline);
    sl_stop_report(&t->errors, &t->failure);
    if (sl_errors_sync(&t->errors, &ignored) != SLUICE_BUSY)
        sl_trunk_fail(t);
    sl_failure_fini(&ignored);
}

/* The branches have all that they were given. */
static void delivered(sl_trunk_t *t) {
    if (t->stop.set)
        fail_at_stop(t);
    else
        last_commit(t);
}

static void on_stop_deadline(uv_timer_t *timer) {
    sl_stop_late("runtime.trunk");
    fail_at_stop(timer->data);
}

void sl_trunk_stop(sl_trunk_t *t) {
    sl_source_stop(t);
    if (!sl_trunk_drains(t))
        uv_timer_start(&t->deadline, on_stop_deadline, SL_STOP_MS, 0);
    if (t->phase == SL_PHASE_ENDING)
        sl_trunk_ask_end(t);
    else
        sl_trunk_end(t);
}

/* Nothing more comes from the source; what it gave has passed the shared transforms. */
void sl_trunk_end(sl_trunk_t *t) {
    if (t->phase > SL_PHASE_SOURCE)
        return;
    t->phase = SL_PHASE_ENDING;
    sl_trunk_ask_end(t);
    if (t->branch_count == 0)
        delivered(t);
}

void sl_trunk_drain(sl_trunk_t *t, uint64_t deadline_ms) {
    if (t->phase >= SL_PHASE_LAST_COMMIT)
        return;
    sl_source_stop(t);
    /* The next start repeats what is still on its way to the branches. */
    t->finished &= sl_source_idle(t);
    t->end_by = uv_now(t->params.loop) + deadline_ms;
    uv_timer_start(&t->deadline, on_drain_deadline, deadline_ms - deadline_ms / 4, 0);
    if (t->phase < SL_PHASE_SOURCE)
        last_commit(t); /* nothing was emitted yet */
    else
        sl_trunk_end(t);
}

/* The deadline may have become that of a drain or of a failure, which go on. */
int sl_trunk_unstop(sl_trunk_t *t) {
    if (!t->stop.set || t->stop.reported)
        return 0;
    sl_stop_fini(&t->stop);
    if (!sl_trunk_drains(t) && t->state != SL_TRUNK_FAILED)
        uv_timer_stop(&t->deadline);
    return 1;
}

/* ---- words of the branches ---- */

static void on_word_opened(sl_trunk_t *t, const sl_word_t *word) {
    t->unsettled += word->status == SLUICE_BUSY;
    if (++t->opened != t->branch_count || t->phase != SL_PHASE_SINKS)
        return;
    sl_commit_settle(t);
    sl_source_open_chain(t);
}

static void on_word_failed(sl_trunk_t *t, sl_word_t *word) {
    if (t->state == SL_TRUNK_FAILED)
        return;
    sl_failure_fini(&t->failure);
    t->failure = word->failure;
    memset(&word->failure, 0, sizeof(word->failure));
    sl_trunk_fail(t);
}

static void on_word_ended(sl_trunk_t *t) {
    if (t->phase == SL_PHASE_ENDING && ++t->ended == t->branch_count)
        delivered(t);
}

/* A branch went back: the next start repeats what it needs, so that nothing has come to its end. It
 * may have answered the END already, or have forgotten it when it went back. */
static void end_again(sl_trunk_t *t) {
    t->finished = 0;
    sl_trunk_ask_end(t);
}

static void on_word(sl_trunk_t *t, sl_word_t *word) {
    switch (word->kind) {
    case SL_WORD_OPENED:
        on_word_opened(t, word);
        break;
    case SL_WORD_SETTLED:
        t->unsettled--;
        sl_commit_settle(t);
        sl_commit_tell(t);
        break;
    case SL_WORD_STATE:
        if (t->phase < SL_PHASE_CLOSING)
            t->params.events.state(t->params.user, t->state);
        break;
    case SL_WORD_REWIND:
        if (t->phase == SL_PHASE_ENDING && !sl_trunk_drains(t) && sl_trunk_unstop(t))
            t->phase = SL_PHASE_SOURCE;
        if (t->phase == SL_PHASE_ENDING && (!t->finished || sl_trunk_drains(t)))
            end_again(t);
        else
            sl_source_rewind(t);
        break;
    case SL_WORD_ENDED:
        if (word->number == t->end_number)
            on_word_ended(t);
        break;
    case SL_WORD_CHECKPOINTED:
        sl_commit_checkpointed(t, word->status);
        break;
    case SL_WORD_FAILED:
        on_word_failed(t, word);
        break;
    case SL_WORD_CLOSED:
        t->abandoned |= word->status != SLUICE_OK;
        t->open_branches--;
        check_closed(t);
        break;
    }
    sl_failure_fini(&word->failure);
    free(word);
}

static void on_words(void *user) {
    sl_trunk_t *t = user;
    sl_list_t words;
    sl_list_t *node;

    sl_list_init(&words);
    sl_queue_take(&t->words, &words);
    while ((node = sl_list_pop(&words)) != NULL)
        on_word(t, SL_LIST_ENTRY(node, sl_word_t, node.link));
}

/* ---- starting ---- */

static void on_wake(uv_async_t *async) {
    sl_source_credit(async->data);
}

static void wake(void *user) {
    uv_async_send(&((sl_trunk_t *)user)->wake);
}

static void on_interval(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;

    if (t->phase == SL_PHASE_SOURCE || t->phase == SL_PHASE_ENDING)
        sl_commit_start(t);
}

static int64_t branch_index(const sl_trunk_t *t, const char *name) {
    size_t i;

    for (i = 0; i < t->graph.pipeline->branch_count; i++)
        if (strcmp(t->graph.pipeline->branches[i].name, name) == 0)
            return (int64_t)i;
    return -1;
}

/* Both boards: what is stored is where the branches are. Not where the source's server says it. */
static int load_stored(sl_trunk_t *t) {
    size_t i;
    int status = SLUICE_OK;

    if (sl_commit_is_upstream(t))
        return status;
    for (i = 0; i < t->params.stored_count && status == SLUICE_OK; i++) {
        const sl_entry_t *e = &t->params.stored[i];
        int64_t branch = branch_index(t, e->branch);
        uint32_t partition = sl_partitions_number(&t->graph.partitions, e->partition);
        if (branch < 0)
            continue;
        if (partition == UINT32_MAX)
            return SLUICE_NO_MEMORY;
        status = sl_board_set(&t->graph.board, (size_t)branch, partition, &e->position,
                              e->sub_index, e->cookie);
        if (status == SLUICE_OK)
            status = sl_board_set(&t->commit.stored, (size_t)branch, partition, &e->position,
                                  e->sub_index, e->cookie);
        if (e->offset != NULL)
            sl_shown_put(&t->shown, partition, &e->position, e->sub_index, e->offset);
    }
    t->commit.stored_version = sl_board_version(&t->graph.board);
    return status;
}

static void init_handles(sl_trunk_t *t) {
    uv_loop_t *loop = t->params.loop;

    uv_async_init(loop, &t->wake, on_wake);
    uv_timer_init(loop, &t->deadline);
    t->wake.data = t->deadline.data = t;
    t->handles = 1;
    t->graph.credit.wake = wake;
    t->graph.credit.user = t;
    t->home = (sl_home_t){
        .loop = loop,
        .pipeline = t->graph.pipeline->name,
        .state_dir = t->params.graph.state_dir,
        .task = t->params.graph.task,
        .budget = &t->graph.credit.plugins,
    };
}

static int start_branches(sl_trunk_t *t) {
    size_t i, count = t->graph.branch_count;

    t->branches = calloc(count + 1, sizeof(sl_branch_run_t *));
    if (t->branches == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count; i++) {
        if (sl_branch_create(&t->graph, i, &t->words, &t->branches[i]) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
        t->branch_count++;
        t->open_branches++;
    }
    return SLUICE_OK;
}

/* The graph is no good: say so from the loop, as every failure comes. */
static void on_bad_graph(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;

    t->state = SL_TRUNK_FAILED;
    t->phase = SL_PHASE_ENDED;
    t->params.events.state(t->params.user, SL_TRUNK_FAILED);
    t->params.events.ended(t->params.user, SL_TRUNK_FAILED);
}

static void on_bad_start(uv_timer_t *timer) {
    sl_trunk_fail(timer->data);
}

static int start(sl_trunk_t *t) {
    int status;

    if (sl_queue_init(&t->words, t->params.loop, 0, 0, on_words, t) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    /* One a branch, and what a commit under way adds. */
    sl_shown_init(&t->shown, t->graph.pipeline->branch_count + 2);
    status = sl_commit_init(t);
    if (status == SLUICE_OK)
        status = sl_source_init(t);
    if (status == SLUICE_OK)
        status = load_stored(t);
    if (status == SLUICE_OK)
        status = start_branches(t);
    if (status == SLUICE_OK)
        uv_timer_start(&t->commit.timer, on_interval,
                       (uint64_t)t->graph.pipeline->commit_interval_ms,
                       (uint64_t)t->graph.pipeline->commit_interval_ms);
    if (status != SLUICE_OK && t->failure.trace == NULL)
        sl_failure_set(&t->failure, status, NULL, "cannot start the pipeline");
    return status;
}

int sl_trunk_create(const sl_trunk_params_t *params, sl_trunk_t **out) {
    sl_trunk_t *t = calloc(1, sizeof(*t));
    int status;

    if (t == NULL)
        return SLUICE_NO_MEMORY;
    t->params = *params;
    t->paused = params->paused;
    status = sl_graph_init(&t->graph, &params->graph, &t->failure);
    init_handles(t);
    *out = t;
    if (status != SLUICE_OK) {
        uv_timer_start(&t->deadline, on_bad_graph, 0, 0);
        return SLUICE_OK;
    }
    t->handles = 2;
    if (start(t) != SLUICE_OK)
        uv_timer_start(&t->deadline, on_bad_start, 0, 0);
    else if (t->branch_count == 0)
        sl_source_open_chain(t);
    return SLUICE_OK;
}

/* Instances that were given away may still use what is in a graph: it stays, and stays findable. */
static sl_trunk_t *abandoned;

void sl_trunk_destroy(sl_trunk_t *t) {
    size_t i;

    if (t->abandoned == 2)
        return; /* a thread still runs: the process is about to go */
    for (i = 0; i < t->branch_count; i++)
        sl_branch_destroy(t->branches[i], &t->commit.stored);
    if (t->handles == 2) {
        sl_source_fini(t);
        sl_commit_fini(t);
        sl_topics_fini(&t->topics);
        on_words(t);
        sl_queue_close(&t->words);
        sl_queue_fini(&t->words);
    }
    uv_close((uv_handle_t *)&t->wake, NULL);
    uv_close((uv_handle_t *)&t->deadline, NULL);
    uv_run(t->params.loop, UV_RUN_NOWAIT); /* the handles' last turn */
    if (t->abandoned) {
        t->next_abandoned = abandoned;
        abandoned = t;
        return;
    }
    free(t->branches);
    sl_chain_free(&t->chain);
    sl_failure_fini(&t->failure);
    sl_graph_fini(&t->graph);
    free(t);
}

/* ---- from outside ---- */

void sl_trunk_stored(sl_trunk_t *t, uint64_t seq) {
    sl_commit_stored(t, seq);
}

void sl_trunk_refused(sl_trunk_t *t, uint64_t seq, const char *why) {
    sl_commit_refused(t, seq, why);
}

void sl_trunk_pause(sl_trunk_t *t) {
    if (t->paused)
        return;
    t->paused = 1;
    if (t->source.state == SL_INSTANCE_OPEN && t->phase == SL_PHASE_SOURCE) {
        if (t->plugin->pause != NULL)
            t->plugin->pause(t->source.self);
        sl_trunk_set_state(t, SL_TRUNK_PAUSED);
    }
}

void sl_trunk_resume(sl_trunk_t *t) {
    if (!t->paused)
        return;
    t->paused = 0;
    if (t->source.state == SL_INSTANCE_OPEN && t->phase == SL_PHASE_SOURCE) {
        sl_trunk_set_state(t, SL_TRUNK_RUNNING);
        if (t->plugin->resume != NULL)
            t->plugin->resume(t->source.self);
        sl_source_credit(t);
    }
}

int sl_trunk_state(const sl_trunk_t *t) {
    return t->state;
}

const sl_failure_t *sl_trunk_failure(const sl_trunk_t *t) {
    return &t->failure;
}

sl_graph_t *sl_trunk_graph(sl_trunk_t *t) {
    return &t->graph;
}

size_t sl_trunk_branches(const sl_trunk_t *t) {
    return t->branch_count;
}

sl_branch_run_t *sl_trunk_branch(sl_trunk_t *t, size_t i) {
    return t->branches[i];
}

int sl_trunk_was_abandoned(const sl_trunk_t *t) {
    return t->abandoned;
}

/* ---- topics ---- */

sl_track_t sl_trunk_tracks_topics(const sl_trunk_t *t) {
    if (!t->graph.pipeline->connect)
        return SL_TRACK_NONE;
    return sl_graph_is_source_connector(&t->graph) ? SL_TRACK_AFTER : SL_TRACK_BEFORE;
}

cJSON *sl_trunk_new_topics(sl_trunk_t *t) {
    return sl_topics_frame(&t->topics);
}

void sl_trunk_forget_topics(sl_trunk_t *t) {
    sl_topics_forget(&t->topics);
}
