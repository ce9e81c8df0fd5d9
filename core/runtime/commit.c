/* The commit cycle: see runtime/positions.h for the law and the order. */
#include "runtime/trunk_int.h"

#include "observe/log.h"
#include "runtime/failpoint.h"
#include <stdlib.h>

int sl_commit_init(sl_trunk_t *t) {
    uv_timer_init(t->home.loop, &t->commit.timer);
    uv_timer_init(t->home.loop, &t->commit.late);
    t->commit.timer.data = t->commit.late.data = t;
    return sl_board_init(&t->commit.stored, t->graph.pipeline->branch_count);
}

static void drop_cells(sl_commit_t *c) {
    size_t i;

    for (i = 0; i < c->count; i++) {
        sl_place_fini(&c->cells[i].place);
        free(c->cells[i].json);
    }
    free(c->cells);
    c->cells = NULL;
    c->count = 0;
}

void sl_commit_fini(sl_trunk_t *t) {
    size_t i;

    drop_cells(&t->commit);
    for (i = 0; i < t->commit.told_count; i++)
        sl_place_fini(&t->commit.told[i]);
    free(t->commit.told);
    sl_board_fini(&t->commit.stored);
    uv_close((uv_handle_t *)&t->commit.timer, NULL);
    uv_close((uv_handle_t *)&t->commit.late, NULL);
}

int sl_commit_is_upstream(const sl_trunk_t *t) {
    return t->plugin->read_offsets != NULL && t->graph.pipeline->branch_count == 1;
}

/* ---- the copy ---- */

static int copy_cell(sl_trunk_t *t, size_t branch, uint32_t partition) {
    sl_commit_t *c = &t->commit;
    sl_cell_copy_t *cell = &c->cells[c->count];
    uint64_t version = 0;

    memset(cell, 0, sizeof(*cell));
    if (!sl_board_get(&t->graph.board, branch, partition, &cell->place, &version))
        return SLUICE_OK;
    if (version <= c->stored_version || cell->place.position.len == 0) {
        sl_place_fini(&cell->place);
        return SLUICE_OK;
    }
    cell->branch = branch;
    cell->partition = partition;
    cell->json = sl_source_offset_json(t, partition, &cell->place);
    if (cell->json != NULL)
        sl_shown_put(&t->shown, partition, &cell->place.position, cell->place.sub_index,
                     cell->json);
    c->count++;
    return SLUICE_OK;
}

static int copy_board(sl_trunk_t *t) {
    sl_commit_t *c = &t->commit;
    size_t partitions = sl_board_partitions(&t->graph.board);
    size_t branch, partition;

    /* These first: what is set while we copy is copied again next time. */
    c->copied_written = sl_trunk_written(t);
    c->version = sl_board_version(&t->graph.board);
    c->cells = calloc(partitions * t->branch_count + 1, sizeof(*c->cells));
    if (c->cells == NULL)
        return SLUICE_NO_MEMORY;
    for (partition = 0; partition < partitions; partition++)
        for (branch = 0; branch < t->branch_count; branch++)
            (void)copy_cell(t, branch, (uint32_t)partition);
    return SLUICE_OK;
}

/* ---- telling ---- */

static void finish(sl_trunk_t *t) {
    drop_cells(&t->commit);
    t->commit.phase = SL_COMMIT_IDLE;
    if (t->phase == SL_PHASE_LAST_COMMIT)
        sl_trunk_committed_last(t);
}

static void tell(sl_trunk_t *t, uint32_t partition, const sl_place_t *place) {
    size_t i;

    if (t->plugin->committed != NULL)
        t->plugin->committed(t->source.self, partition, &place->position,
                             sluice_str_n(place->cookie, place->cookie_len));
    sl_chain_committed(&t->chain, partition, &place->position);
    for (i = 0; i < t->branch_count; i++)
        if (sl_branch_has_state(t->branches[i]))
            sl_branch_committed(t->branches[i], partition, &place->position);
}

static int room_for_told(sl_commit_t *c, size_t partitions) {
    sl_place_t *told;

    if (partitions <= c->told_count)
        return SLUICE_OK;
    told = realloc(c->told, partitions * sizeof(*told));
    if (told == NULL)
        return SLUICE_NO_MEMORY;
    memset(told + c->told_count, 0, (partitions - c->told_count) * sizeof(*told));
    c->told = told;
    c->told_count = partitions;
    return SLUICE_OK;
}

void sl_commit_settle(sl_trunk_t *t) {
    sl_board_t *stored = &t->commit.stored;
    size_t branch, partition, partitions = sl_board_partitions(stored);

    for (partition = 0; partition < partitions; partition++) {
        for (branch = 0; branch < t->branch_count; branch++) {
            sl_place_t is = {0}, was = {0};
            if (sl_board_get(&t->graph.board, branch, (uint32_t)partition, &is, NULL) &&
                sl_board_get(stored, branch, (uint32_t)partition, &was, NULL) &&
                sl_place_cmp(&is.position, is.sub_index, &was.position, was.sub_index) < 0)
                (void)sl_board_set(stored, branch, (uint32_t)partition, &is.position, is.sub_index,
                                   sluice_str_n(is.cookie, is.cookie_len));
            sl_place_fini(&is);
            sl_place_fini(&was);
        }
    }
}

/* The minimum over branches of what is stored, where it moved. Not while a target may yet say less
 * than the store. */
void sl_commit_tell(sl_trunk_t *t) {
    sl_commit_t *c = &t->commit;
    size_t i, partitions = sl_board_partitions(&c->stored);

    if (t->source.state != SL_INSTANCE_OPEN || t->unsettled > 0 ||
        room_for_told(c, partitions) != SLUICE_OK)
        return; /* told later */
    for (i = 0; i < partitions; i++) {
        sl_place_t place = {0};
        sl_place_t *told = &c->told[i];
        if (sl_board_min(&c->stored, (uint32_t)i, &place) && place.position.len > 0 &&
            sl_place_cmp(&place.position, place.sub_index, &told->position, told->sub_index) > 0 &&
            sl_place_set(told, &place.position, place.sub_index, sluice_str(NULL)) == SLUICE_OK)
            tell(t, (uint32_t)i, &place);
        sl_place_fini(&place);
    }
}

/* ---- the cycle ---- */

/* One at a time: another commit would only wait behind this one, and what waits must not grow. */
static void on_unanswered(uv_timer_t *timer) {
    (void)timer;
    sl_log(SLUICE_LOG_WARN, "runtime.commit",
           "the store has not answered a commit for %d s: until it does, the source is told "
           "nothing, and what was delivered since will be repeated after a crash. Look for what "
           "the store says in the log of this host",
           SL_ANSWER_MS / 1000);
}

static void send_positions(sl_trunk_t *t) {
    sl_commit_t *c = &t->commit;
    sl_entry_t *entries = calloc(c->count + 1, sizeof(*entries));
    size_t i;

    if (entries == NULL || SL_FAILPOINT("commit")) {
        free(entries);
        finish(t); /* tried again at the next interval */
        return;
    }
    for (i = 0; i < c->count; i++) {
        const sl_cell_copy_t *cell = &c->cells[i];
        entries[i] = (sl_entry_t){
            .branch = t->graph.pipeline->branches[cell->branch].name,
            .partition = sl_partitions_json(&t->graph.partitions, cell->partition),
            .position = cell->place.position,
            .sub_index = cell->place.sub_index,
            .offset = cell->json,
            .cookie = sluice_str_n(cell->place.cookie, cell->place.cookie_len),
        };
    }
    c->phase = SL_COMMIT_STORING;
    uv_timer_start(&c->late, on_unanswered, SL_ANSWER_MS, 0);
    c->seq++;
    if (sl_commit_is_upstream(t)) {
        free(entries);
        sl_commit_stored(t, c->seq);
        return;
    }
    t->params.events.positions(t->params.user, c->seq, entries, c->count);
    free(entries);
}

/* Whoever still has not completed fails the task: waiting on would let the source's log, and what
 * is repeated after a crash, grow without a word. */
static void on_late(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;
    size_t i;

    sl_chain_checkpoint_late(&t->chain);
    for (i = 0; i < t->branch_count; i++)
        if (sl_branch_has_state(t->branches[i]))
            sl_branch_note(t->branches[i], SL_NOTE_CHECKPOINT_LATE, 0);
}

static void checkpoints_done(sl_trunk_t *t) {
    uv_timer_stop(&t->commit.late);
    if (!t->commit.failed)
        send_positions(t);
    else
        finish(t);
}

void sl_commit_checkpointed(sl_trunk_t *t, int status) {
    sl_commit_t *c = &t->commit;

    if (c->phase != SL_COMMIT_CHECKPOINTS || c->checkpoints == 0)
        return;
    if (status != SLUICE_OK) {
        sl_tally_add(&t->graph.meters, SL_TALLY_COMMITS_FAILED, !c->failed);
        c->failed = 1;
        sl_log(SLUICE_LOG_WARN, "runtime.commit", "a transform could not checkpoint: %s",
               sl_status_name(status));
    }
    if (--c->checkpoints == 0)
        checkpoints_done(t);
}

void sl_commit_start(sl_trunk_t *t) {
    sl_commit_t *c = &t->commit;
    size_t i;

    if (c->phase != SL_COMMIT_IDLE)
        return;
    /* Only an open source can say how its offsets look; the last commit does not wait for that. */
    if (t->source.state != SL_INSTANCE_OPEN && t->phase < SL_PHASE_LAST_COMMIT)
        return;
    if (sl_board_version(&t->graph.board) == c->stored_version || copy_board(t) != SLUICE_OK ||
        c->count == 0) {
        c->phase = SL_COMMIT_IDLE;
        finish(t);
        return;
    }
    c->phase = SL_COMMIT_CHECKPOINTS;
    c->began_ns = uv_hrtime();
    c->failed = 0;
    c->checkpoints = 1; /* this function */
    uv_timer_start(&c->late, on_late,
                   t->params.checkpoint_ms != 0 ? t->params.checkpoint_ms : SL_CHECKPOINT_MS, 0);
    for (i = 0; i < t->branch_count; i++) {
        if (!sl_branch_has_state(t->branches[i]))
            continue;
        c->checkpoints++;
        sl_branch_note(t->branches[i], SL_NOTE_CHECKPOINT, 0);
    }
    c->checkpoints++;
    if (!sl_chain_checkpoint(&t->chain))
        c->checkpoints--;
    sl_commit_checkpointed(t, SLUICE_OK);
}

/* 1: it is the answer to the commit under way. */
static int is_answer(sl_trunk_t *t, uint64_t seq) {
    if (t->commit.phase != SL_COMMIT_STORING || seq != t->commit.seq) {
        sl_tally_add(&t->graph.meters, SL_TALLY_COMMITS_LATE, 1);
        return 0;
    }
    uv_timer_stop(&t->commit.late);
    return 1;
}

/* Nothing counts as stored and the source hears nothing: all of it is in the next commit. */
void sl_commit_refused(sl_trunk_t *t, uint64_t seq, const char *why) {
    if (!is_answer(t, seq))
        return;
    sl_tally_add(&t->graph.meters, SL_TALLY_COMMITS_FAILED, 1);
    if (!t->commit.refused)
        sl_log(SLUICE_LOG_WARN, "runtime.commit",
               "a commit was not stored: %s; the next one tries again, until then the source is "
               "told nothing",
               why);
    t->commit.refused = 1;
    finish(t);
}

static void note_stored(sl_commit_t *c) {
    if (c->refused)
        sl_log(SLUICE_LOG_INFO, "runtime.commit", "commits are stored again");
    c->refused = 0;
}

void sl_commit_stored(sl_trunk_t *t, uint64_t seq) {
    sl_commit_t *c = &t->commit;
    size_t i;

    if (!is_answer(t, seq))
        return;
    (void)SL_FAILPOINT("stored");
    note_stored(c);
    c->stored_version = c->version;
    c->commits++;
    c->written = c->copied_written;
    sl_meter_add(&t->graph.meters, SL_METER_COMMIT, (int64_t)(uv_hrtime() - c->began_ns) / 1000);
    for (i = 0; i < c->count; i++) {
        sl_place_t *p = &c->cells[i].place;
        if (sl_board_set(&c->stored, c->cells[i].branch, c->cells[i].partition, &p->position,
                         p->sub_index, sluice_str_n(p->cookie, p->cookie_len)) != SLUICE_OK)
            break; /* the upstream is told later */
    }
    sl_commit_tell(t);
    (void)SL_FAILPOINT("committed");
    finish(t);
}

/* ---- the last one ---- */

static void on_last_deadline(uv_timer_t *timer) {
    sl_trunk_t *t = timer->data;

    sl_log(SLUICE_LOG_WARN, "runtime.commit",
           "the last commit was not confirmed in time; what it covers will be repeated");
    sl_tally_add(&t->graph.meters, SL_TALLY_COMMITS_FAILED, t->commit.phase == SL_COMMIT_STORING);
    t->commit.phase = SL_COMMIT_IDLE;
    finish(t);
}

void sl_commit_last(sl_trunk_t *t) {
    uint64_t ms = t->params.last_commit_ms != 0 ? t->params.last_commit_ms : SL_LAST_COMMIT_MS;

    uv_timer_start(&t->commit.timer, on_last_deadline,
                   sl_trunk_left(t, 2, SL_LAST_COMMIT_LEAST_MS, ms), 0);
    if (t->commit.phase == SL_COMMIT_IDLE)
        sl_commit_start(t);
    /* else the one under way ends first, and sl_trunk_committed_last asks for another */
}
