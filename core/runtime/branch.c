#include "runtime/branch.h"

#include "observe/log.h"
#include "runtime/branch_int.h"
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES ((size_t)4 << 20)
#else
#define STACK_BYTES ((size_t)256 << 10)
#endif

const char *sl_branch_state_name(int state) {
    static const char *const names[] = {"STARTING", "RUNNING", "RECONNECTING", "FAILED", "CLOSED"};

    return state >= 0 && state <= SL_BRANCH_CLOSED ? names[state] : "?";
}

/* ---- words to the trunk ---- */

void sl_branch_say(sl_branch_run_t *b, sl_word_kind_t kind, int status) {
    sl_word_t *word = calloc(1, sizeof(*word));

    if (word == NULL)
        abort(); /* the trunk would wait for ever: a crash is restarted */
    word->kind = kind;
    word->branch = b->index;
    word->status = status;
    word->number = b->end_number;
    if (kind == SL_WORD_FAILED || (kind == SL_WORD_CHECKPOINTED && status != SLUICE_OK)) {
        word->failure = b->failure;
        memset(&b->failure, 0, sizeof(b->failure));
    }
    if (sl_queue_push(b->words, &word->node, sizeof(*word)) == SLUICE_CANCELLED) {
        sl_failure_fini(&word->failure);
        free(word);
    }
}

void sl_branch_set_state(sl_branch_run_t *b, sl_branch_state_t state) {
    if (atomic_exchange(&b->state, (int)state) != (int)state)
        sl_branch_say(b, SL_WORD_STATE, SLUICE_OK);
}

void sl_branch_fail(sl_branch_run_t *b) {
    int status = b->failure.status;

    if (atomic_load(&b->state) == SL_BRANCH_FAILED || b->closing)
        return;
    b->link = SL_LINK_DOWN;
    uv_timer_stop(&b->retry_timer);
    uv_timer_stop(&b->stop_timer);
    sl_branch_set_state(b, SL_BRANCH_FAILED);
    sl_branch_say(b, SL_WORD_FAILED, status);
}

void sl_branch_fail_lettered(sl_branch_run_t *b) {
    sl_failure_t ignored = {0};

    b->failing = 1;
    if (sl_errors_sync(&b->errors, &ignored) != SLUICE_BUSY)
        sl_branch_fail(b);
    sl_failure_fini(&ignored);
}

void sl_branch_no_memory(sl_branch_run_t *b, const char *what) {
    sl_failure_set(&b->failure, SLUICE_NO_MEMORY, NULL, "no memory to %s in branch %s", what,
                   b->spec->branch->name);
    sl_branch_fail(b);
}

/* ---- notes from the trunk ---- */

static void on_chain_opened(void *user, int status);
static void on_chain_closed(void *user);
static void on_chain_checkpointed(void *user, int status);
static void on_chain_broken(void *user, int status);

static const sl_chain_events_t chain_events = {on_chain_opened, on_chain_closed,
                                               on_chain_checkpointed, on_chain_broken};

static void on_chain_checkpointed(void *user, int status) {
    sl_branch_say(user, SL_WORD_CHECKPOINTED, status);
}

static void on_chain_broken(void *user, int status) {
    (void)status;
    sl_branch_fail(user);
}

static void checkpoint(sl_branch_run_t *b) {
    if (!b->chain_open || !sl_chain_checkpoint(&b->chain))
        sl_branch_say(b, SL_WORD_CHECKPOINTED, SLUICE_OK);
}

/* The source went back. Who asked for it starts anew; the others leave out what they have. */
static void rewound(sl_branch_run_t *b) {
    b->ending = 0;
    if (b->rewinding)
        b->rewinding = 0;
    else
        sl_skip_arm(&b->skip);
}

static void take_parcel(sl_branch_run_t *b, sl_note_t *note) {
    int64_t bytes = note->parcel->bytes;
    int64_t records = note->parcel->records;

    sl_backlog_take(b, note);
    sl_credit_give(&b->arriving, bytes, records);
}

static void take_note(sl_branch_run_t *b, sl_note_t *note) {
    switch (note->kind) {
    case SL_NOTE_PARCEL:
        take_parcel(b, note);
        return;
    case SL_NOTE_REWOUND:
        rewound(b);
        break;
    case SL_NOTE_END:
        b->ending = 1;
        b->ended = 0;
        b->end_number = note->number;
        break;
    case SL_NOTE_CHECKPOINT:
        checkpoint(b);
        break;
    case SL_NOTE_CHECKPOINT_LATE:
        sl_chain_checkpoint_late(&b->chain);
        break;
    case SL_NOTE_COMMITTED:
        sl_chain_committed(&b->chain, (uint32_t)note->number, &note->position);
        break;
    case SL_NOTE_BEAT:
        atomic_fetch_add(&b->beats, 1);
        sl_watch_beat(b);
        break;
    case SL_NOTE_CLOSE:
        sl_link_close(b, note->number);
        break;
    }
    free(note);
}

static void on_notes(void *user) {
    sl_branch_run_t *b = user;
    sl_list_t notes;
    sl_list_t *node;

    sl_list_init(&notes);
    sl_queue_take(&b->notes, &notes);
    while ((node = sl_list_pop(&notes)) != NULL)
        take_note(b, SL_LIST_ENTRY(node, sl_note_t, node.link));
    sl_lane_pump(b);
}

static sl_note_t *note_create(sl_note_kind_t kind, uint64_t number) {
    sl_note_t *note = calloc(1, sizeof(*note));

    if (note == NULL)
        abort(); /* an order that is lost would hang the task: a crash is restarted */
    note->kind = kind;
    note->number = number;
    return note;
}

static void push_note(sl_branch_run_t *b, sl_note_t *note, size_t bytes) {
    if (sl_queue_push(&b->notes, &note->node, bytes) != SLUICE_CANCELLED)
        return;
    if (note->parcel != NULL) {
        sl_credit_give(&b->edge, note->parcel->bytes, note->parcel->records);
        sl_credit_give(&b->arriving, note->parcel->bytes, note->parcel->records);
    }
    sl_parcel_unref(note->parcel);
    free(note);
}

void sl_branch_note(sl_branch_run_t *b, sl_note_kind_t kind, uint64_t number) {
    push_note(b, note_create(kind, number), 0);
}

void sl_branch_committed(sl_branch_run_t *b, uint32_t partition,
                         const sluice_position_t *position) {
    sl_note_t *note = note_create(SL_NOTE_COMMITTED, partition);

    note->position = *position;
    push_note(b, note, 0);
}

void sl_branch_give(sl_branch_run_t *b, sl_parcel_t *parcel) {
    sl_note_t *note = note_create(SL_NOTE_PARCEL, 0);

    note->parcel = sl_parcel_ref(parcel);
    sl_credit_take(&b->edge, parcel->bytes, parcel->records);
    sl_credit_take(&b->arriving, parcel->bytes, parcel->records);
    push_note(b, note, (size_t)parcel->bytes);
}

/* ---- life ---- */

/* The sink is open, or stood in for; its transforms follow, then the trunk hears of it. */
static void on_chain_opened(void *user, int status) {
    sl_branch_run_t *b = user;

    if (b->closing || b->link == SL_LINK_DOWN)
        return;
    if (status != SLUICE_OK) {
        sl_branch_fail(b);
        return;
    }
    b->chain_open = 1;
    if (b->instance.state == SL_INSTANCE_OPEN) {
        b->link = SL_LINK_UP;
        sl_branch_set_state(b, SL_BRANCH_RUNNING);
        if (b->broke_early != SLUICE_OK)
            sl_link_broken(b, b->broke_early);
    } else {
        sl_branch_set_state(b, SL_BRANCH_RECONNECTING);
        sl_link_wait(b);
    }
    sl_branch_say(b, SL_WORD_OPENED, b->unsettled ? SLUICE_BUSY : SLUICE_OK);
}

static void on_codec_left(void *user, int abandoned) {
    sl_branch_run_t *b = user;

    b->abandoned |= abandoned;
    sl_lane_drop(b);
    sl_chain_fini(&b->chain);
    sl_codec_close(&b->codec);
    sl_backlog_fini(b);
    sl_instance_fini(&b->instance);
    sl_letters_fini(&b->letters);
    uv_close((uv_handle_t *)&b->retry_timer, NULL);
    uv_close((uv_handle_t *)&b->stop_timer, NULL);
    uv_close((uv_handle_t *)&b->kick, NULL);
    sl_queue_close(&b->notes);
    sl_branch_set_state(b, SL_BRANCH_CLOSED);
    sl_branch_say(b, SL_WORD_CLOSED, b->abandoned ? SLUICE_CANCELLED : SLUICE_OK);
    if (b->abandoned)
        uv_stop(&b->loop); /* its handles stay for good */
}

/* ---- dead letters: their sink is opened when there is a first one ---- */

static void on_letters_opened(void *user, int status) {
    (void)user, (void)status;
}

static void on_letters_done(void *user, int status) {
    sl_branch_run_t *b = user;

    if (b->failing || status != SLUICE_OK) {
        sl_branch_fail(b);
        return;
    }
    sl_lane_lettered(b);
    sl_lane_kick(b);
}

static void on_letters_closed(void *user, int abandoned) {
    sl_branch_run_t *b = user;

    b->abandoned |= abandoned;
    sl_chain_close(&b->chain, b->close_ms);
}

static const sl_letters_events_t letters_events = {on_letters_opened, on_letters_done,
                                                   on_letters_closed};

static void init_letters(sl_branch_run_t *b) {
    const sl_errors_policy_t *policy = &b->spec->branch->errors;
    sl_letters_params_t params = {
        .spec = &b->spec->letters,
        .home = &b->home,
        .partitions = &b->graph->partitions,
        .credit = &b->graph->credit,
        .retry_env = b->graph->retry_env,
        .retry_delay_max_ms = policy->retry_delay_max_ms,
        .headers = policy->dead_letters_headers,
        .connect = b->graph->pipeline->connect,
        .node = b->spec->branch->name,
        .meters = &b->graph->meters,
        .failure = &b->failure,
        .events = &letters_events,
        .user = b,
    };

    sl_letters_init(&b->letters, &params);
    b->errors.letters = sl_letters_used(&b->letters) ? &b->letters : NULL;
}

static void on_chain_closed(void *user) {
    sl_branch_run_t *b = user;

    sl_backlog_drop(b);
    sl_codec_leave(&b->codec, on_codec_left, b);
}

static void on_codec_awake(void *user) {
    sl_lane_kick(user);
}

static int open_codec(sl_branch_run_t *b) {
    sl_codec_owner_t owner = {
        .errors = &b->errors,
        .node = b->node,
        .retry_env = b->graph->retry_env,
        .connect = b->graph->pipeline->connect,
        .awake = on_codec_awake,
        .user = b,
    };

    return sl_codec_open(&b->codec, &b->spec->codec, &b->home, &owner, &b->failure);
}

static void run(void *user) {
    sl_branch_run_t *b = user;

    if (b->failure.trace != NULL)
        sl_branch_fail(b);
    else
        sl_link_open(b);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    if (b->abandoned) /* what can still close, closes */
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void init_home(sl_branch_run_t *b) {
    b->home = (sl_home_t){
        .loop = &b->loop,
        .pipeline = b->graph->pipeline->name,
        .state_dir = b->graph->params.state_dir,
        .task = b->graph->params.task,
        .budget = &b->graph->credit.plugins,
    };
}

static int init_parts(sl_branch_run_t *b) {
    sl_graph_t *g = b->graph;
    const sl_branch_t *branch = b->spec->branch;
    int status = sl_queue_init(&b->notes, &b->loop, 0, 0, on_notes, b);

    if (status != SLUICE_OK)
        return status;
    init_home(b);
    sl_credit_init(&b->edge, branch->queue_bytes, g->credit.wake, g->credit.user);
    sl_credit_init(&b->arriving, branch->queue_bytes, g->credit.wake, g->credit.user);
    b->node = sl_ledger_node(g->ledger, branch->name);
    sl_errors_init(&b->errors, &branch->errors, g->pipeline->name, branch->name, &g->partitions);
    b->errors.graph = g;
    b->errors.connect = g->pipeline->connect;
    b->errors.meters = &g->meters;
    b->errors.stop = &b->stop;
    init_letters(b);
    status = sl_chain_init(&b->chain, &b->spec->chain, &b->home, g->ledger, &b->errors,
                           &g->partitions, &b->failure, &chain_events, b);
    sl_lane_init(b);
    sl_sent_open(&b->sent, b->home.state_dir, b->home.task, branch->name, &g->partitions);
    sl_lane_count_replayed(b, b->sent.total);
    if (sl_backlog_init(b) != SLUICE_OK)
        status = SLUICE_FATAL;
    if (status == SLUICE_OK)
        status = open_codec(b);
    if (status != SLUICE_OK && b->failure.trace == NULL)
        sl_failure_set(&b->failure, status, NULL, "cannot set up branch %s", branch->name);
    return SLUICE_OK;
}

int sl_branch_create(sl_graph_t *graph, size_t index, sl_queue_t *words, sl_branch_run_t **out) {
    sl_branch_run_t *b = calloc(1, sizeof(*b));
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};

    if (b == NULL)
        return SLUICE_NO_MEMORY;
    b->graph = graph;
    b->index = index;
    b->spec = &graph->branches[index];
    b->sink = b->spec->sink.plugin->sink;
    b->words = words;
    atomic_store(&b->stats[SL_BRANCH_LAG_MS], -1);
    if (uv_loop_init(&b->loop) != 0) {
        free(b);
        return SLUICE_NO_MEMORY;
    }
    *out = b;
    if (init_parts(b) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (uv_thread_create_ex(&b->thread, &options, run, b) != 0)
        return SLUICE_NO_MEMORY;
    b->thread_started = 1;
    return SLUICE_OK;
}

/* Nothing that the sink was given comes again at the next start. */
static int all_stored(sl_branch_run_t *b, sl_board_t *stored) {
    size_t i;
    int all = 1;

    for (i = 0; i < b->sent.count && all; i++) {
        sluice_position_t high;
        uint32_t high_sub;
        sl_place_t place = {0};
        if (sl_sent_high(&b->sent, (uint32_t)i, &high, &high_sub))
            all = sl_board_get(stored, b->index, (uint32_t)i, &place, NULL) &&
                  sl_place_cmp(&high, high_sub, &place.position, place.sub_index) <= 0;
        sl_place_fini(&place);
    }
    return all;
}

void sl_branch_destroy(sl_branch_run_t *b, sl_board_t *stored) {
    sl_list_t left;
    sl_list_t *node;

    if (b->thread_started)
        uv_thread_join(&b->thread);
    sl_list_init(&left);
    sl_queue_take(&b->notes, &left);
    while ((node = sl_list_pop(&left)) != NULL) {
        sl_note_t *note = SL_LIST_ENTRY(node, sl_note_t, node.link);
        sl_parcel_unref(note->parcel);
        free(note);
    }
    sl_queue_fini(&b->notes);
    sl_sent_close(&b->sent, !b->abandoned && all_stored(b, stored));
    sl_lane_fini(b);
    sl_stop_fini(&b->stop);
    sl_errors_fini(&b->errors);
    sl_failure_fini(&b->failure);
    /* With an instance given away the loop still has its handles: it stays in memory. */
    if (uv_loop_close(&b->loop) != 0)
        return;
    sl_chain_free(&b->chain);
    free(b);
}

int64_t sl_branch_room(sl_branch_run_t *b) {
    return sl_credit_room(atomic_load(&b->spills) ? &b->arriving : &b->edge);
}

void sl_branch_starve(sl_branch_run_t *b, int starved) {
    atomic_store(&b->edge.starved, starved);
    atomic_store(&b->arriving.starved, starved);
}

int64_t sl_branch_stat(sl_branch_run_t *b, sl_branch_count_t which) {
    if (which == SL_BRANCH_QUEUED)
        return atomic_load(&b->edge.held);
    if (which == SL_BRANCH_TOLERATED)
        return atomic_load(&b->errors.tolerated);
    return atomic_load_explicit(&b->stats[which], memory_order_relaxed);
}

int sl_branch_state(sl_branch_run_t *b) {
    return atomic_load(&b->state);
}

const char *sl_branch_stuck(sl_branch_run_t *b) {
    return atomic_load(&b->stuck);
}

int sl_branch_has_state(const sl_branch_run_t *b) {
    return sl_chain_has_state(&b->chain);
}

int sl_branch_beat(sl_branch_run_t *b) {
    if (atomic_load(&b->state) == SL_BRANCH_CLOSED)
        return 1;
    if (atomic_load(&b->beats) != b->beats_asked)
        return 0;
    b->beats_asked++;
    sl_branch_note(b, SL_NOTE_BEAT, 0);
    return 1;
}

int sl_branch_was_abandoned(sl_branch_run_t *b) {
    return b->abandoned;
}

int64_t sl_branch_records_in_flight(const sl_branch_run_t *b) {
    return sl_ledger_get(b->node, SL_LEDGER_IN_FLIGHT);
}
