/* The source and the shared transforms of a trunk: what is emitted, and how it goes to the
 * branches. */
#include "runtime/trunk_int.h"

#include "observe/log.h"
#include "record/batch.h"
#include "runtime/slice.h"
#include <stdlib.h>

#define RETRY_BASE_MS 300

static void open_source(sl_trunk_t *t);
static void run_arrivals(sl_trunk_t *t);
static void drop_arrivals(sl_trunk_t *t);

static void no_memory(sl_trunk_t *t, const char *what) {
    sl_failure_set(&t->failure, SLUICE_NO_MEMORY, NULL, "no memory to %s", what);
    sl_trunk_fail(t);
}

/* ---- credit ---- */

int64_t sl_source_room(sl_trunk_t *t) {
    int64_t room = sl_credit_room(&t->graph.credit);
    size_t i;

    for (i = 0; i < t->branch_count; i++) {
        int64_t edge = sl_branch_room(t->branches[i]);
        if (edge < room)
            room = edge;
    }
    return room;
}

static int64_t records_room(sl_trunk_t *t) {
    return SL_CREDIT_RECORDS - atomic_load(&t->graph.credit.records);
}

static void set_starved(sl_trunk_t *t, int starved) {
    size_t i;

    atomic_store(&t->graph.credit.starved, starved);
    for (i = 0; i < t->branch_count; i++)
        sl_branch_starve(t->branches[i], starved);
}

static int may_emit(const sl_trunk_t *t) {
    return t->accepting && !t->paused && !t->finished;
}

/* The flag goes up before the counters are read: what comes back in between is seen either way. */
static int has_room(sl_trunk_t *t) {
    set_starved(t, 1);
    return may_emit(t) && sl_source_room(t) > 0 && records_room(t) > 0;
}

/* What the source is told. Once it heard that there is none it is owed its on_credit, whatever it
 * asks and hears until then: it may stop on the first answer. */
static int tell_room(sl_trunk_t *t) {
    int room = has_room(t);

    t->owes_credit |= !room;
    set_starved(t, t->owes_credit);
    return room;
}

static sluice_credit_t op_credit(void *user) {
    sl_trunk_t *t = user;
    sluice_credit_t none = {0, 0};

    if (!tell_room(t))
        return none;
    return (sluice_credit_t){records_room(t), sl_source_room(t)};
}

void sl_source_credit(sl_trunk_t *t) {
    if (!atomic_load(&t->graph.credit.starved) || t->source.state != SL_INSTANCE_OPEN)
        return;
    if (!has_room(t))
        return;
    t->owes_credit = 0;
    set_starved(t, 0);
    if (t->plugin->on_credit != NULL)
        t->plugin->on_credit(t->source.self);
}

/* ---- to the branches ---- */

/* Gives a batch (taken) to every branch. 0: the task failed, and nothing may follow it. */
static int fan_out(sl_trunk_t *t, sluice_batch_t *batch) {
    sl_parcel_t *parcel = sl_parcel_create(batch, &t->graph.credit, NULL);
    size_t i;

    if (parcel == NULL) {
        no_memory(t, "hand on a batch");
        return 0;
    }
    if (t->graph.keeps_origin)
        sl_parcel_keep(parcel, t->current->batch);
    for (i = 0; i < t->branch_count; i++)
        sl_branch_give(t->branches[i], parcel);
    sl_parcel_unref(parcel);
    return 1;
}

static void arrival_destroy(sl_trunk_t *t, sl_arrival_t *arrival) {
    sl_credit_give(&t->graph.credit, arrival->bytes, arrival->records);
    sl_batch_unref(arrival->batch);
    free(arrival);
}

static void on_chain_timer(uv_timer_t *timer) {
    run_arrivals(timer->data);
}

/* The current arrival through the chain. 0: it waits. */
static int run_chain(sl_trunk_t *t) {
    int status = sl_chain_run(&t->chain, &t->out);

    if (status == SLUICE_RETRY) {
        sl_tally_retry(&t->graph.meters);
        uv_timer_start(&t->chain_timer, on_chain_timer, (uint64_t)t->chain.wait_ms, 0);
        return 0;
    }
    t->worked = 1;
    t->work_status = status;
    return 1;
}

static int give(sl_trunk_t *t, sluice_batch_t *out) {
    if (sl_trunk_tracks_topics(t) == SL_TRACK_AFTER)
        sl_topics_note(&t->topics, out);
    return fan_out(t, out); /* before the arrival's charge ends: held memory never looks freed */
}

/* There is a bad record in the current batch: nothing behind it is worked on. */
static int stop(sl_trunk_t *t, sluice_batch_t *before) {
    if (!t->errors.policy->stop_at_record)
        sl_batch_unref(before);
    else if (!give(t, before))
        return 0;
    drop_arrivals(t);
    sl_trunk_stop(t);
    return 0;
}

/* Its dead letters come first, whether it goes on or the task fails with it. */
static int hand_on(sl_trunk_t *t) {
    sl_failure_t ignored = {0};
    int failed = t->work_status != SLUICE_OK;
    int status = sl_errors_sync(&t->errors, failed ? &ignored : &t->failure);
    sluice_batch_t *out = t->out;

    sl_failure_fini(&ignored);
    if (status == SLUICE_BUSY)
        return 0;
    t->worked = 0;
    t->out = NULL;
    if (failed || status != SLUICE_OK) {
        sl_batch_unref(out);
        sl_trunk_fail(t);
        return 0;
    }
    if (t->stop.set)
        return stop(t, out);
    if (!give(t, out))
        return 0;
    arrival_destroy(t, t->current);
    t->current = NULL;
    return 1;
}

/* 0: it waits, or the task failed. */
static int run_current(sl_trunk_t *t) {
    return (t->worked || run_chain(t)) && hand_on(t);
}

/* Converters of the source, then the chain. */
static int start_next(sl_trunk_t *t) {
    sluice_batch_t *decoded = NULL;
    sl_list_t *node;
    int status;

    if (!sl_codec_is_busy(&t->codec)) {
        node = sl_list_pop(&t->arrivals);
        if (node == NULL)
            return 0;
        t->current = SL_LIST_ENTRY(node, sl_arrival_t, link);
        t->errors.origin = t->current->batch;
    }
    status = sl_codec_decode(&t->codec, t->current->batch, &decoded, &t->failure);
    if (status == SLUICE_BUSY)
        return 0;
    if (status == SLUICE_OK) {
        sl_chain_start(&t->chain, decoded);
    } else {
        t->worked = 1;
        t->work_status = status;
    }
    return 1;
}

static void run_arrivals(sl_trunk_t *t) {
    if (t->stop.set && t->current == NULL)
        return;
    if (uv_is_active((uv_handle_t *)&t->chain_timer) || t->state == SL_TRUNK_FAILED ||
        sl_letters_busy(&t->letters))
        return;
    while ((t->current != NULL && !sl_codec_is_busy(&t->codec)) || start_next(t))
        if (!run_current(t))
            return;
    if (t->finished && sl_source_idle(t))
        sl_trunk_end(t);
}

/* A turn of the loop later: it may be inside a converter's own code. */
static void on_codec_awake(void *user) {
    sl_trunk_t *t = user;

    if (sl_codec_is_busy(&t->codec))
        uv_timer_start(&t->chain_timer, on_chain_timer, 0, 0);
}

static void drop_arrivals(sl_trunk_t *t) {
    sl_list_t *node;

    uv_timer_stop(&t->chain_timer);
    sl_chain_drop(&t->chain);
    sl_codec_drop(&t->codec);
    sl_batch_unref(t->out);
    t->out = NULL;
    t->worked = 0;
    t->errors.origin = NULL;
    if (t->current != NULL)
        arrival_destroy(t, t->current);
    t->current = NULL;
    while ((node = sl_list_pop(&t->arrivals)) != NULL)
        arrival_destroy(t, SL_LIST_ENTRY(node, sl_arrival_t, link));
}

int sl_source_idle(const sl_trunk_t *t) {
    return t->current == NULL && sl_list_empty(&t->arrivals);
}

/* ---- what the source says ---- */

static int arrive(sl_trunk_t *t, sluice_batch_t *batch) {
    sl_arrival_t *arrival = calloc(1, sizeof(*arrival));

    if (arrival == NULL) {
        sl_batch_unref(batch);
        no_memory(t, "take a batch");
        return SLUICE_BUSY;
    }
    if (sl_trunk_tracks_topics(t) == SL_TRACK_BEFORE)
        sl_topics_note(&t->topics, batch);
    arrival->batch = batch;
    arrival->bytes = (int64_t)sl_batch_bytes(batch);
    arrival->records = (int64_t)sl_batch_count(batch);
    if (arrival->records > 0)
        sl_meter_add(&t->graph.meters, SL_METER_BATCH, arrival->records);
    sl_credit_take(&t->graph.credit, arrival->bytes, arrival->records);
    sl_ledger_add(t->node, SL_LEDGER_GENERATED, arrival->records);
    sl_ledger_add(t->node, SL_LEDGER_OUT, arrival->records);
    sl_list_push(&t->arrivals, &arrival->link);
    run_arrivals(t);
    return tell_room(t) ? SLUICE_OK : SLUICE_BUSY;
}

static int op_emit(void *user, sluice_batch_t *batch) {
    sl_trunk_t *t = user;

    /* After stop nothing is taken: the source repeats it from the committed position. */
    if (!t->accepting || t->finished) {
        sl_batch_unref(batch);
        return SLUICE_BUSY;
    }
    if (sl_batch_seal(batch) != SLUICE_OK || sl_source_render(t, batch) != SLUICE_OK ||
        sl_slice_mark(batch) != SLUICE_OK) {
        sl_batch_unref(batch);
        no_memory(t, "seal a batch");
        return SLUICE_BUSY;
    }
    sl_retry_succeeded(&t->source_retry);
    return arrive(t, batch);
}

static int op_advance(void *user, uint32_t partition, const sluice_position_t *position,
                      sluice_str_t offset) {
    sl_trunk_t *t = user;
    sluice_mark_t mark = {partition, UINT32_MAX, *position, offset};
    sluice_batch_t *batch;
    char *text = NULL;

    if (!t->accepting || t->finished)
        return SLUICE_BUSY;
    if (sl_source_render_mark(t, &mark, &text) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    batch = sl_slice_empty(&mark, 1);
    free(text);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    return arrive(t, batch);
}

static void op_finished(void *user) {
    sl_trunk_t *t = user;

    if (!t->accepting || t->finished)
        return;
    t->finished = 1;
    if (sl_source_idle(t))
        sl_trunk_end(t);
}

static uint32_t op_partition(void *user, sluice_str_t json) {
    return sl_partitions_number(&((sl_trunk_t *)user)->graph.partitions, json);
}

static sluice_str_t op_partition_json(void *user, uint32_t number) {
    return sl_partitions_json(&((sl_trunk_t *)user)->graph.partitions, number);
}

/* A text that lives as long as the source instance. */
static sluice_str_t keep(sl_trunk_t *t, const char *json) {
    char **asked = realloc(t->asked, (t->asked_count + 1) * sizeof(*asked));
    char *copy = strdup(json);

    if (asked != NULL)
        t->asked = asked;
    if (asked == NULL || copy == NULL) {
        free(copy);
        return sluice_str(NULL);
    }
    t->asked[t->asked_count++] = copy;
    return sluice_str(copy);
}

static int op_stored(void *user, uint32_t partition, sluice_position_t *position,
                     sluice_str_t *offset) {
    sl_trunk_t *t = user;
    sl_place_t place = {0};
    const char *shown;
    char *json = NULL;

    *offset = sluice_str(NULL);
    if (!sl_board_min(&t->graph.board, partition, &place))
        return 0;
    *position = place.position;
    shown = sl_shown_find(&t->shown, partition, &place);
    if (shown != NULL)
        *offset = keep(t, shown);
    else if (place.cookie != NULL && (json = sl_source_offset_json(t, partition, &place)) != NULL)
        *offset = keep(t, json);
    free(json);
    sl_place_fini(&place);
    return 1;
}

/* ---- life of the source instance ---- */

static void source_failed(sl_trunk_t *t, int status, const char *doing) {
    sl_ctx_error_t error = {0};

    sl_instance_error(&t->source, status, &error);
    sl_failure_set(&t->failure, status, error.code, "%s\n  at %s source",
                   error.message != NULL ? error.message : "", doing);
    sl_ctx_error_fini(&error);
}

static void warn(sl_trunk_t *t, int status, const char *what) {
    sl_ctx_error_t error = {0};

    sl_instance_error(&t->source, status, &error);
    sl_log(SLUICE_LOG_WARN, "runtime.source", "%s: %s: %s; trying again", what, error.code,
           error.message);
    sl_ctx_error_fini(&error);
}

static void on_source_timer(uv_timer_t *timer);

static void say_rewound(sl_trunk_t *t) {
    size_t i;

    for (i = 0; i < t->branch_count; i++)
        sl_branch_note(t->branches[i], SL_NOTE_REWOUND, 0);
}

static void on_codec_left(void *user, int abandoned) {
    sl_trunk_t *t = user;

    t->abandoned |= abandoned;
    sl_trunk_source_closed(t, abandoned);
}

static void on_left(void *user, int abandoned) {
    sl_trunk_t *t = user;
    int64_t wait = 0;
    size_t i;

    t->abandoned |= abandoned;
    t->leaving = 0;
    for (i = 0; i < t->asked_count; i++)
        free(t->asked[i]);
    t->asked_count = 0;
    if (t->phase >= SL_PHASE_CLOSING) {
        sl_codec_leave(&t->codec, on_codec_left, t);
        return;
    }
    say_rewound(t);
    if (t->phase == SL_PHASE_ENDING) { /* a drain came while it left: REWOUND undid the END */
        sl_trunk_ask_end(t);
        return;
    }
    if (t->broken)
        wait = sl_retry_failed(&t->source_retry, 0);
    t->broken = 0;
    uv_timer_start(&t->source_timer, on_source_timer, (uint64_t)(wait > 0 ? wait : 0), 0);
}

static void leave(sl_trunk_t *t) {
    t->leaving = 1;
    sl_instance_close(&t->source, SL_SOURCE_CLOSE_MS, on_left, t);
}

/* The next start repeats what would be repeated now. One that has finished goes back all the same,
 * unless the task drains. */
static int reads_no_more(const sl_trunk_t *t) {
    return t->phase > SL_PHASE_SOURCE && (!t->finished || sl_trunk_drains(t));
}

void sl_source_rewind(sl_trunk_t *t) {
    if (reads_no_more(t))
        return;
    if (t->phase > SL_PHASE_ENDING || t->leaving)
        return;
    if (t->phase < SL_PHASE_SOURCE) { /* it has not begun */
        say_rewound(t);
        return;
    }
    t->phase = SL_PHASE_SOURCE;
    t->finished = 0;
    t->ended = 0;
    t->accepting = 0;
    drop_arrivals(t);
    sl_trunk_unstop(t);
    leave(t);
}

static void on_source_timer(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;

    if (reads_no_more(t))
        return;
    if (t->broken)
        sl_source_rewind(t);
    else if (!t->leaving && t->source.state == SL_INSTANCE_NONE)
        open_source(t);
}

static void op_broken(void *user, int status) {
    sl_trunk_t *t = user;

    if (t->broken || t->leaving || t->phase > SL_PHASE_ENDING)
        return;
    if (!sl_status_may_heal(status)) {
        source_failed(t, status, "running");
        sl_trunk_fail(t);
        return;
    }
    warn(t, status, "the source lost its server");
    sl_retry_down(&t->source_retry);
    t->broken = 1;
    t->accepting = 0;
    uv_timer_start(&t->source_timer, on_source_timer, 0, 0);
}

static void op_complete(void *user, sluice_op_t op, int status) {
    sl_instance_complete(&((sl_trunk_t *)user)->source, op, status);
}

static const sl_ctx_ops_t source_ops = {
    .complete = op_complete,
    .broken = op_broken,
    .source_partition = op_partition,
    .stored_position = op_stored,
    .credit = op_credit,
    .emit = op_emit,
    .advance = op_advance,
    .finished = op_finished,
    .source_partition_json = op_partition_json,
};

static void on_opened(void *user, int status) {
    sl_trunk_t *t = user;

    if (t->phase > SL_PHASE_SOURCE)
        return;
    if (status != SLUICE_OK && sl_status_may_heal(status)) {
        warn(t, status, "the source cannot be opened");
        t->broken = 1;
        t->accepting = 0;
        leave(t);
        return;
    }
    if (status != SLUICE_OK) {
        source_failed(t, status, "opening");
        sl_trunk_fail(t);
        return;
    }
    sl_retry_up(&t->source_retry);
    sl_trunk_set_state(t, t->paused ? SL_TRUNK_PAUSED : SL_TRUNK_RUNNING);
    if (t->paused && t->plugin->pause != NULL)
        t->plugin->pause(t->source.self);
    sl_commit_tell(t);
    sl_source_credit(t);
}

static void open_source(sl_trunk_t *t) {
    t->accepting = 1; /* it may emit as soon as it has completed its open */
    sl_instance_open(&t->source, &source_ops, t, on_opened);
}

static void on_chain_opened(void *user, int status) {
    sl_trunk_t *t = user;

    if (t->phase != SL_PHASE_CHAIN)
        return;
    if (status != SLUICE_OK) {
        sl_trunk_fail(t);
        return;
    }
    t->phase = SL_PHASE_SOURCE;
    open_source(t);
}

static void on_chain_closed(void *user) {
    sl_trunk_chain_closed(user);
}

/* A checkpoint that failed is tried again with the next commit: it is no failure of the task. */
static void on_chain_checkpointed(void *user, int status) {
    sl_trunk_t *t = user;

    if (status != SLUICE_OK && t->state != SL_TRUNK_FAILED) {
        if (t->failure.trace != NULL)
            sl_log(SLUICE_LOG_WARN, "runtime.commit", "%s", t->failure.trace);
        sl_failure_fini(&t->failure);
    }
    sl_commit_checkpointed(t, status);
}

static void on_chain_broken(void *user, int status) {
    (void)status;
    sl_trunk_fail(user);
}

static const sl_chain_events_t chain_events = {on_chain_opened, on_chain_closed,
                                               on_chain_checkpointed, on_chain_broken};

/* ---- dead letters ---- */

static void on_letters_opened(void *user, int status) {
    sl_trunk_t *t = user;

    if (t->phase != SL_PHASE_CHAIN)
        return;
    if (status != SLUICE_OK)
        sl_trunk_fail(t);
    else
        sl_chain_open(&t->chain);
}

static void on_letters_done(void *user, int status) {
    sl_trunk_t *t = user;

    if (status != SLUICE_OK || t->stop.reported)
        sl_trunk_fail(t);
    else
        run_arrivals(t);
}

static void on_letters_closed(void *user, int abandoned) {
    sl_trunk_letters_closed(user, abandoned);
}

static const sl_letters_events_t letters_events = {on_letters_opened, on_letters_done,
                                                   on_letters_closed};

static void init_letters(sl_trunk_t *t) {
    const sl_errors_policy_t *policy = &t->graph.pipeline->errors;
    sl_letters_params_t params = {
        .spec = &t->graph.letters,
        .home = &t->home,
        .partitions = &t->graph.partitions,
        .credit = &t->graph.credit,
        .retry_env = t->graph.retry_env,
        .retry_delay_max_ms = policy->retry_delay_max_ms,
        .headers = policy->dead_letters_headers,
        .connect = t->graph.pipeline->connect,
        .node = "trunk",
        .meters = &t->graph.meters,
        .failure = &t->failure,
        .events = &letters_events,
        .user = t,
    };

    sl_letters_init(&t->letters, &params);
    t->errors.letters = sl_letters_used(&t->letters) ? &t->letters : NULL;
}

/* The sink of dead letters first: who names one that cannot be opened hears of it at once. */
void sl_source_open_chain(sl_trunk_t *t) {
    t->phase = SL_PHASE_CHAIN;
    sl_letters_open(&t->letters);
}

static int open_codec(sl_trunk_t *t) {
    sl_codec_owner_t owner = {
        .errors = &t->errors,
        .node = t->node,
        .retry_env = t->graph.retry_env,
        .connect = t->graph.pipeline->connect,
        .awake = on_codec_awake,
        .user = t,
    };

    return sl_codec_open(&t->codec, &t->graph.codec, &t->home, &owner, &t->failure);
}

static int any_sink_wants_offsets(const sl_graph_t *graph) {
    size_t i;

    for (i = 0; i < graph->branch_count; i++)
        if ((graph->branches[i].sink.plugin->sink->flags & SLUICE_SINK_OFFSETS) != 0)
            return 1;
    return 0;
}

int sl_source_init(sl_trunk_t *t) {
    const sl_errors_policy_t *policy = &t->graph.pipeline->errors;
    int status;

    sl_list_init(&t->arrivals);
    uv_timer_init(t->home.loop, &t->source_timer);
    uv_timer_init(t->home.loop, &t->chain_timer);
    t->source_timer.data = t->chain_timer.data = t;
    t->plugin = t->graph.source.plugin->source;
    t->render_offsets = any_sink_wants_offsets(&t->graph);
    t->node = sl_ledger_node(t->graph.ledger, "source");
    sl_instance_init(&t->source, &t->graph.source, &t->home);
    sl_errors_init(&t->errors, policy, t->graph.pipeline->name, NULL, &t->graph.partitions);
    t->errors.graph = &t->graph;
    t->errors.connect = t->graph.pipeline->connect;
    t->errors.meters = &t->graph.meters;
    t->errors.stop = &t->stop;
    init_letters(t);
    sl_retry_init(&t->source_retry, t->graph.retry_env, -1, RETRY_BASE_MS,
                  policy->retry_delay_max_ms);
    status = sl_chain_init(&t->chain, &t->graph.chain, &t->home, t->graph.ledger, &t->errors,
                           &t->graph.partitions, &t->failure, &chain_events, t);
    return status == SLUICE_OK ? open_codec(t) : status;
}

void sl_source_stop(sl_trunk_t *t) {
    t->accepting = 0;
    uv_timer_stop(&t->source_timer);
    if (t->source.state == SL_INSTANCE_OPEN && t->plugin->pause != NULL && !t->paused)
        t->plugin->pause(t->source.self);
}

void sl_source_close(sl_trunk_t *t, uint64_t deadline_ms) {
    t->accepting = 0;
    drop_arrivals(t);
    uv_timer_stop(&t->source_timer);
    sl_instance_close(&t->source, deadline_ms, on_left, t);
}

void sl_source_fini(sl_trunk_t *t) {
    size_t i;

    sl_instance_fini(&t->source);
    sl_chain_fini(&t->chain);
    sl_letters_fini(&t->letters);
    sl_codec_close(&t->codec);
    uv_close((uv_handle_t *)&t->source_timer, NULL);
    uv_close((uv_handle_t *)&t->chain_timer, NULL);
    sl_shown_fini(&t->shown);
    for (i = 0; i < t->asked_count; i++)
        free(t->asked[i]);
    free(t->asked);
    sl_stop_fini(&t->stop);
    sl_errors_fini(&t->errors);
}
