/* What waits in front of a branch's sink, and how a parcel becomes work. See branch_int.h. */
#include "runtime/branch_int.h"

#include "observe/log.h"
#include "record/batch.h"
#include "runtime/slice.h"
#include <stdio.h>
#include <stdlib.h>

static int open_spill(sl_branch_run_t *b) {
    const sl_branch_t *branch = b->spec->branch;
    char folder[4096];
    char *error = NULL;
    int status;

    if (branch->spill_max_bytes <= 0)
        return SLUICE_OK;
    if (b->home.state_dir == NULL) {
        sl_failure_set(&b->failure, SLUICE_INVALID, "spill", "branch %s spills, but the task has "
                       "no state folder", branch->name);
        return SLUICE_INVALID;
    }
    snprintf(folder, sizeof(folder), "%s/spill-%d-%zu", b->home.state_dir, (int)b->home.task,
             b->index);
    status = sl_spill_open(folder, branch->spill_max_bytes, &b->spill, &error);
    if (status != SLUICE_OK)
        sl_failure_set(&b->failure, status, "spill", "branch %s cannot spill to %s: %s",
                       branch->name, folder, error != NULL ? error : "no memory");
    else
        atomic_store(&b->spills, 1);
    free(error);
    return status;
}

int sl_backlog_init(sl_branch_run_t *b) {
    sl_list_init(&b->front);
    sl_list_init(&b->tail);
    sl_skip_init(&b->skip);
    return open_spill(b);
}

static void give_back(sl_branch_run_t *b, sl_parcel_t *parcel) {
    sl_credit_give(&b->edge, parcel->bytes, parcel->records);
    sl_parcel_unref(parcel);
}

static void drop_note(sl_branch_run_t *b, sl_note_t *note) {
    give_back(b, note->parcel);
    free(note);
}

static void update_spilled(sl_branch_run_t *b) {
    atomic_store(&b->stats[SL_BRANCH_SPILLED], sl_spill_bytes(b->spill));
    atomic_store(&b->spills, sl_list_empty(&b->tail));
}

static void spill_failed(sl_branch_run_t *b) {
    sl_failure_set(&b->failure, SLUICE_FATAL, "spill", "branch %s: %s", b->spec->branch->name,
                   sl_spill_error(b->spill));
    sl_branch_fail(b);
}

/* Once, until the branch has caught up: at the bound there is room again for each batch taken. */
static void say_full(sl_branch_run_t *b) {
    if (!b->said_full)
        sl_log(SLUICE_LOG_WARN, "runtime.branch",
               "branch %s is behind, and %s: the source waits, and with it the other branches. "
               "Look at its target, or give it more room (spill.max.bytes)",
               b->spec->branch->name, sl_spill_error(b->spill));
    b->said_full = 1;
}

/* 1: on disk, or the branch failed; 0: no room there. */
static int try_spill(sl_branch_run_t *b, sl_note_t *note) {
    int status = sl_spill_push(b->spill, note->parcel->batch);

    if (status == SLUICE_BUSY && !b->spec->branch->spill_fail) {
        say_full(b);
        return 0;
    }
    if (status == SLUICE_BUSY) {
        sl_failure_set(&b->failure, SLUICE_FATAL, "spill.full",
                       "branch %s is so far behind that %s\n  spill.when.full is \"fail\": give it "
                       "more room (spill.max.bytes), or set it to \"wait\"",
                       b->spec->branch->name, sl_spill_error(b->spill));
        sl_branch_fail(b);
    } else if (status != SLUICE_OK) {
        spill_failed(b);
    }
    drop_note(b, note);
    return 1;
}

/* Behind everything else, in order: memory while nothing is on disk and there is room, else
 * disk. */
static void append(sl_branch_run_t *b, sl_note_t *note) {
    int disk_empty = b->spill == NULL || (sl_spill_count(b->spill) == 0 && sl_list_empty(&b->tail));
    int64_t kept = atomic_load(&b->edge.held) - atomic_load(&b->arriving.held);

    if (disk_empty && kept < b->spec->branch->queue_bytes / 2)
        b->said_full = 0;
    if (b->spill == NULL || (disk_empty && kept < b->spec->branch->queue_bytes)) {
        sl_list_push(&b->front, &note->node.link);
        return;
    }
    if (!sl_list_empty(&b->tail) || !try_spill(b, note))
        sl_list_push(&b->tail, &note->node.link);
    update_spilled(b);
}

/* The batch that the branch takes instead of the parcel's: most often a slice of it. */
static int replace(sl_branch_run_t *b, sl_note_t *note, sluice_batch_t *batch) {
    sl_parcel_t *parcel = sl_parcel_create(batch, &b->graph->credit, note->parcel);

    if (parcel == NULL)
        return SLUICE_NO_MEMORY;
    if (note->parcel->origin != NULL)
        sl_parcel_keep(parcel, note->parcel->origin);
    sl_credit_take(&b->edge, parcel->bytes, parcel->records);
    give_back(b, note->parcel);
    note->parcel = parcel;
    return SLUICE_OK;
}

/* What the target had at the start, beyond what was stored: only now do we see the offset of it. */
static void note_durable(sl_branch_run_t *b, const sluice_batch_t *batch) {
    size_t i, count;
    const sluice_mark_t *marks = sl_batch_marks(batch, &count);

    for (i = 0; i < count; i++)
        if (sl_skip_is_durable(&b->skip, &marks[i]))
            sl_lane_advance(b, &marks[i]);
}

void sl_backlog_take(sl_branch_run_t *b, sl_note_t *note) {
    sluice_batch_t *batch = NULL;
    size_t skipped = 0;
    int same;

    if (b->rewinding || b->link == SL_LINK_DOWN) {
        drop_note(b, note);
        return;
    }
    if (b->skip.armed > 0)
        note_durable(b, note->parcel->batch);
    if (sl_skip_pass(&b->skip, note->parcel->batch, &batch, &skipped) != SLUICE_OK) {
        drop_note(b, note);
        sl_branch_no_memory(b, "filter a batch");
        return;
    }
    sl_branch_count(b, SL_BRANCH_SKIPPED, (int64_t)skipped);
    if (batch == NULL) {
        drop_note(b, note);
        return;
    }
    same = batch == note->parcel->batch;
    if (same) {
        sl_batch_unref(batch); /* the parcel has its own */
    } else if (replace(b, note, batch) != SLUICE_OK) {
        drop_note(b, note);
        sl_branch_no_memory(b, "filter a batch");
        return;
    }
    append(b, note);
}

int sl_backlog_waits(const sl_branch_run_t *b) {
    return b->spill != NULL && sl_spill_count(b->spill) > 0 &&
           b->in_hand >= b->spec->branch->queue_bytes;
}

int sl_backlog_empty(const sl_branch_run_t *b) {
    return sl_list_empty(&b->front) && sl_list_empty(&b->tail) && b->preparing == NULL &&
           (b->spill == NULL || sl_spill_count(b->spill) == 0);
}

static sl_parcel_t *from_note(sl_list_t *node) {
    sl_note_t *note = SL_LIST_ENTRY(node, sl_note_t, node.link);
    sl_parcel_t *parcel = note->parcel;

    free(note);
    return parcel;
}

static sl_parcel_t *from_spill(sl_branch_run_t *b) {
    sluice_batch_t *batch = NULL;
    sl_parcel_t *parcel;
    int status = sl_spill_pop(b->spill, &batch);

    if (status != SLUICE_OK) {
        spill_failed(b);
        return NULL;
    }
    parcel = sl_parcel_create(batch, &b->graph->credit, NULL);
    if (parcel == NULL) {
        sl_branch_no_memory(b, "read back a batch");
        return NULL;
    }
    sl_credit_take(&b->edge, parcel->bytes, parcel->records);
    return parcel;
}

/* Room on disk: what waits behind it moves on. */
static void refill(sl_branch_run_t *b) {
    while (!sl_list_empty(&b->tail)) {
        sl_list_t *node = b->tail.next;
        if (sl_spill_push(b->spill, SL_LIST_ENTRY(node, sl_note_t, node.link)->parcel->batch) !=
            SLUICE_OK)
            break;
        sl_list_remove(node);
        drop_note(b, SL_LIST_ENTRY(node, sl_note_t, node.link));
    }
    update_spilled(b);
}

static sl_parcel_t *next_parcel(sl_branch_run_t *b) {
    sl_list_t *node = sl_list_pop(&b->front);
    sl_parcel_t *parcel;

    if (node != NULL)
        return from_note(node);
    if (b->spill == NULL || sl_backlog_waits(b))
        return NULL;
    if (sl_spill_count(b->spill) > 0) {
        parcel = from_spill(b);
        if (parcel != NULL)
            refill(b);
        return parcel;
    }
    node = sl_list_pop(&b->tail);
    if (node == NULL)
        return NULL;
    update_spilled(b);
    return from_note(node);
}

/* ---- parcel to work ---- */

static sl_work_t *work_create(sl_branch_run_t *b, sl_parcel_t *parcel, sluice_batch_t *batch,
                              int64_t records_in) {
    sl_work_t *work = calloc(1, sizeof(*work));
    size_t marks, records;
    const sluice_mark_t *m = sl_batch_marks(batch, &marks);
    const sluice_record_t *r = sl_batch_records(batch, &records);

    if (work != NULL)
        work->span = sl_prefix_add(&b->prefix, m, marks);
    if (work == NULL || work->span == NULL) {
        free(work);
        return NULL;
    }
    work->seq = b->next_seq++;
    work->parcel = parcel;
    work->batch = batch;
    work->records = (int64_t)records;
    if (records > 0 && r[records - 1].timestamp_type != SLUICE_TIMESTAMP_NONE)
        work->timestamp = r[records - 1].timestamp;
    work->extra = (int64_t)sl_batch_bytes(batch);
    if (sl_batch_keeps(batch, parcel->batch))
        work->extra -= (int64_t)sl_batch_bytes(parcel->batch);
    work->held = parcel->bytes + work->extra;
    b->in_hand += work->held;
    sl_credit_take(&b->graph->credit, work->extra, 0);
    sl_credit_take(&b->edge, work->extra, 0);
    sl_ledger_add(b->node, SL_LEDGER_IN, records_in);
    sl_ledger_add(b->node, SL_LEDGER_IN_FLIGHT, (int64_t)records);
    return work;
}

/* SLUICE_BUSY: not now. */
static int transform(sl_branch_run_t *b, sluice_batch_t **out) {
    int status = sl_chain_run(&b->chain, out);

    if (status != SLUICE_RETRY)
        return status;
    sl_branch_count(b, SL_BRANCH_RETRIES, 1);
    sl_tally_retry(&b->graph->meters);
    sl_lane_wait(b, b->chain.wait_ms);
    return SLUICE_BUSY;
}

/* Connect commits offsets of a source for records that were sent, not for others. */
static int uncover(sl_branch_run_t *b, sluice_batch_t **batch) {
    int status = sl_graph_is_source_connector(b->graph) ? sl_slice_uncover(batch) : SLUICE_OK;

    if (status != SLUICE_OK)
        sl_failure_set(&b->failure, status, NULL, "no memory to mark a batch");
    return status;
}

/* Through transforms and converters. 0: not now. */
static int prepare(sl_branch_run_t *b) {
    sluice_batch_t *transformed = NULL;
    int status = sl_codec_is_busy(&b->codec) ? SLUICE_OK : transform(b, &transformed);

    if (status == SLUICE_OK) {
        status = sl_codec_encode(&b->codec, transformed, &b->made, &b->failure);
        b->made_of = (int64_t)b->codec.taken;
    }
    sl_batch_unref(transformed);
    if (status == SLUICE_BUSY)
        return 0;
    if (status == SLUICE_OK)
        status = uncover(b, &b->made);
    b->prepared = 1;
    b->prepare_status = status;
    return 1;
}

/* What was prepared, once its dead letters are durable; NULL: not yet, or the branch failed. */
static sluice_batch_t *take_prepared(sl_branch_run_t *b) {
    sl_failure_t ignored = {0};
    int failed = b->prepare_status != SLUICE_OK;
    int status = sl_errors_sync(&b->errors, failed ? &ignored : &b->failure);
    sluice_batch_t *made = b->made;

    sl_failure_fini(&ignored);
    if (status == SLUICE_BUSY)
        return NULL;
    b->prepared = 0;
    b->made = NULL;
    if (!failed && status == SLUICE_OK)
        return made;
    sl_batch_unref(made);
    sl_branch_fail(b);
    return NULL;
}

sl_work_t *sl_backlog_next(sl_branch_run_t *b) {
    sl_parcel_t *parcel = b->preparing;
    sluice_batch_t *batch;
    sl_work_t *work;

    if (parcel == NULL) {
        parcel = b->stop.set ? NULL : next_parcel(b);
        if (parcel == NULL)
            return NULL;
        b->preparing = parcel;
        sl_chain_start(&b->chain, sl_batch_ref(parcel->batch));
    }
    b->errors.origin = parcel->origin != NULL ? parcel->origin : parcel->batch;
    if (!b->prepared && !prepare(b))
        return NULL;
    batch = take_prepared(b);
    if (batch == NULL)
        return NULL;
    b->preparing = NULL;
    if (b->stop.set)
        sl_lane_stop(b);
    if (b->stop.set && !b->errors.policy->stop_at_record) {
        sl_batch_unref(batch);
        give_back(b, parcel);
        return NULL;
    }
    work = work_create(b, parcel, batch, b->made_of);
    if (work == NULL) {
        sl_batch_unref(batch);
        give_back(b, parcel);
        sl_branch_no_memory(b, "track a batch");
    }
    return work;
}

void sl_backlog_drop(sl_branch_run_t *b) {
    sl_list_t *node;

    sl_chain_drop(&b->chain);
    sl_codec_drop(&b->codec);
    sl_batch_unref(b->made);
    b->made = NULL;
    b->prepared = 0;
    if (b->preparing != NULL)
        give_back(b, b->preparing);
    b->preparing = NULL;
    while ((node = sl_list_pop(&b->front)) != NULL)
        give_back(b, from_note(node));
    while ((node = sl_list_pop(&b->tail)) != NULL)
        give_back(b, from_note(node));
    if (b->spill != NULL) {
        sl_spill_clear(b->spill);
        update_spilled(b);
    }
}

void sl_backlog_fini(sl_branch_run_t *b) {
    sl_spill_close(b->spill);
    b->spill = NULL;
    sl_skip_fini(&b->skip);
}
