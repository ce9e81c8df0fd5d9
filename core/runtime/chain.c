#include "runtime/chain.h"

#include "record/batch.h"
#include "runtime/failpoint.h"
#include "runtime/graph.h"
#include "runtime/slice.h"
#include "runtime/stop.h"
#include <stdlib.h>

#define RETRY_BASE_MS 300

/* ---- what a transform may say ---- */

static void step_failed(sl_step_t *step, int status, const char *doing) {
    sl_ctx_error_t error = {0};

    sl_instance_error(&step->instance, status, &error);
    sl_failure_set(step->chain->failure, status, error.code, "%s\n  at %s transform %s",
                   error.message != NULL ? error.message : "", doing, step->spec->transform.name);
    sl_ctx_error_fini(&error);
}

static void on_checkpointed(sl_step_t *step, int status) {
    sl_chain_t *chain = step->chain;

    if (!step->checkpointing)
        return;
    step->checkpointing = 0;
    if (status != SLUICE_OK)
        step_failed(step, status, "the checkpoint of");
    if (status != SLUICE_OK)
        chain->checkpoint_status = status;
    if (--chain->checkpoints == 0)
        chain->events->checkpointed(chain->user, chain->checkpoint_status);
}

static void op_complete(void *user, sluice_op_t op, int status) {
    sl_step_t *step = user;

    if (op == SLUICE_OP_CHECKPOINT)
        on_checkpointed(step, status);
    else
        sl_instance_complete(&step->instance, op, status);
}

static void op_broken(void *user, int status) {
    sl_step_t *step = user;

    step_failed(step, status, "running");
    step->chain->events->broken(step->chain->user, status);
}

static void op_reject(void *user, uint32_t record) {
    sl_step_t *step = user;
    sl_ctx_error_t error = {0};
    size_t count = 0;
    const sluice_record_t *records =
        step->applying != NULL ? sl_batch_records(step->applying, &count) : NULL;

    if (record >= count)
        return;
    sl_instance_error(&step->instance, SLUICE_BAD_RECORD, &error);
    if (sl_rejects_add(&step->rejects, &records[record], sl_step_place(step, record),
                       step->spec->transform.name, SLUICE_BAD_RECORD, &error) != SLUICE_OK)
        step->out_of_memory = 1;
}

static void op_account(void *user, uint32_t absorbed, uint32_t generated) {
    sl_step_t *step = user;

    step->absorbed += absorbed;
    step->generated += generated;
}

static sluice_str_t op_partition_json(void *user, uint32_t number) {
    return sl_partitions_json(((sl_step_t *)user)->chain->partitions, number);
}

static const sl_ctx_ops_t step_ops = {
    .complete = op_complete,
    .broken = op_broken,
    .reject = op_reject,
    .account = op_account,
    .source_partition_json = op_partition_json,
};

/* ---- life ---- */

/* A connector's user has set times for a record; another's for the transform that asks. */
static void init_retry(sl_chain_t *chain) {
    const sl_errors_policy_t *policy = chain->errors->policy;
    const sl_retry_env_t *env =
        chain->errors->graph != NULL ? chain->errors->graph->retry_env : sl_retry_env();
    int64_t timeout = policy->retry_timeout_ms, most = policy->retry_delay_max_ms;

    sl_retry_init(&chain->patience, env, -1, RETRY_BASE_MS, most);
    if (chain->errors->connect)
        sl_retry_init_connect(&chain->retry, env, timeout, RETRY_BASE_MS, most);
    else
        sl_retry_init(&chain->retry, env, timeout > 0 ? timeout : -1, RETRY_BASE_MS, most);
}

int sl_chain_init(sl_chain_t *chain, const sl_chain_spec_t *spec, const sl_home_t *home,
                  sl_ledger_t *ledger, sl_errors_t *errors, sl_partitions_t *partitions,
                  sl_failure_t *failure, const sl_chain_events_t *events, void *user) {
    size_t i;

    memset(chain, 0, sizeof(*chain));
    chain->home = home;
    chain->errors = errors;
    chain->partitions = partitions;
    chain->failure = failure;
    chain->events = events;
    chain->user = user;
    init_retry(chain);
    chain->steps = calloc(spec->count + 1, sizeof(*chain->steps));
    if (chain->steps == NULL || sl_passing_init(&chain->passing, spec->count) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < spec->count; i++) {
        sl_step_t *step = &chain->steps[i];
        step->chain = chain;
        step->spec = &spec->steps[i];
        sl_rejects_init(&step->rejects, "transform");
        step->node = sl_ledger_node(ledger, step->spec->transform.name);
        sl_instance_init(&step->instance, &step->spec->transform, home);
        chain->count++;
        if (step->node == NULL)
            return SLUICE_NO_MEMORY;
    }
    return SLUICE_OK;
}

void sl_chain_fini(sl_chain_t *chain) {
    size_t i;

    for (i = 0; i < chain->count; i++) {
        sl_pure_close(&chain->steps[i].predicate);
        sl_rejects_fini(&chain->steps[i].rejects);
        sl_instance_fini(&chain->steps[i].instance);
    }
    sl_chain_drop(chain);
}

void sl_chain_free(sl_chain_t *chain) {
    free(chain->steps);
    chain->steps = NULL;
    sl_passing_fini(&chain->passing);
}

static void open_next(sl_chain_t *chain);

static void on_opened(void *user, int status) {
    sl_step_t *step = user;

    if (status != SLUICE_OK) {
        step_failed(step, status, "opening");
        step->chain->events->opened(step->chain->user, status);
        return;
    }
    step->chain->at++;
    open_next(step->chain);
}

static void open_next(sl_chain_t *chain) {
    sl_step_t *step = &chain->steps[chain->at];
    sl_ctx_error_t error = {0};
    int status;

    if (chain->at == chain->count) {
        chain->at = 0;
        chain->events->opened(chain->user, SLUICE_OK);
        return;
    }
    status = step->predicate.plugin != NULL
                 ? SLUICE_OK
                 : sl_pure_open(&step->predicate, &step->spec->predicate, chain->home, &error);
    if (status == SLUICE_OK) {
        sl_instance_open(&step->instance, &step_ops, step, on_opened);
        return;
    }
    sl_failure_set(chain->failure, status, error.code, "%s\n  at creating predicate %s",
                   error.message != NULL ? error.message : "", step->spec->predicate.name);
    sl_ctx_error_fini(&error);
    chain->events->opened(chain->user, status);
}

void sl_chain_open(sl_chain_t *chain) {
    chain->at = 0;
    open_next(chain);
}

static void on_closed(void *user, int abandoned) {
    sl_chain_t *chain = user;

    (void)abandoned;
    if (--chain->at == 0)
        chain->events->closed(chain->user);
}

/* All at once: one deadline for all. `at` counts those still open, and this loop itself. */
void sl_chain_close(sl_chain_t *chain, uint64_t deadline_ms) {
    size_t i;

    chain->checkpoints = 0;
    for (i = 0; i < chain->count; i++)
        chain->steps[i].checkpointing = 0;
    chain->at = chain->count + 1;
    for (i = 0; i < chain->count; i++)
        sl_instance_close(&chain->steps[i].instance, deadline_ms, on_closed, chain);
    on_closed(chain, 0);
}

/* ---- applying ---- */

void sl_chain_start(sl_chain_t *chain, sluice_batch_t *batch) {
    chain->current = batch;
    chain->at = 0;
    sl_passing_start(&chain->passing);
}

void sl_chain_drop(sl_chain_t *chain) {
    if (chain->current != NULL && chain->at < chain->count)
        sl_step_drop(&chain->steps[chain->at]);
    sl_batch_unref(chain->current);
    chain->current = NULL;
}

/* ---- a batch through the chain ---- */

static void count_step(sl_step_t *step, int64_t in, int64_t out) {
    int64_t rejected = (int64_t)step->rejects.count;
    int64_t expected = in - rejected - step->absorbed + step->generated;

    if (out > expected) /* more came out than accounted for */
        step->generated += out - expected;
    sl_ledger_add(step->node, SL_LEDGER_IN, in);
    sl_ledger_add(step->node, SL_LEDGER_OUT, out);
    sl_ledger_add(step->node, SL_LEDGER_DEAD_LETTERED, rejected);
    sl_ledger_add(step->node, SL_LEDGER_ABSORBED, step->absorbed);
    sl_ledger_add(step->node, SL_LEDGER_GENERATED, step->generated);
    if (out < expected)
        sl_ledger_add(step->node, SL_LEDGER_FILTERED, expected - out);
}

static const sluice_record_t *next_made(const sluice_record_t *at, const sluice_record_t *end) {
    while (at < end && at->sub_index == 0)
        at++;
    return at;
}

/* A mark covers also what was made of its record. */
static void raise_marks(sluice_mark_t *marks, size_t count, const sluice_record_t *at,
                        const sluice_record_t *end) {
    size_t i;

    for (at = next_made(at, end); at < end; at = next_made(at + 1, end))
        for (i = 0; i < count; i++)
            if (marks[i].source_partition == at->source_partition &&
                marks[i].sub_index < at->sub_index &&
                sluice_position_cmp(&marks[i].position, &at->position) == 0)
                marks[i].sub_index = at->sub_index;
}

static int set_raised(sluice_batch_t *out, const sluice_mark_t *marks, size_t count,
                      const sluice_record_t *first, const sluice_record_t *end) {
    sluice_mark_t *raised = malloc(count * sizeof(*raised) + 1);
    int status;

    if (raised == NULL)
        return SLUICE_NO_MEMORY;
    memcpy(raised, marks, count * sizeof(*raised));
    raise_marks(raised, count, first, end);
    status = sl_batch_set_marks(out, raised, count);
    free(raised);
    return status;
}

/* Output takes the input's marks; a transform that gave nothing gives an empty batch with them. */
static int carry_marks(sl_chain_t *chain, sluice_batch_t *in, sluice_batch_t **out) {
    size_t count, records;
    const sluice_mark_t *marks = sl_batch_marks(in, &count);
    const sluice_record_t *first;
    int status;

    if (*out == in)
        return SLUICE_OK;
    if (*out == NULL) {
        *out = sl_slice_empty(marks, count);
        return *out != NULL ? SLUICE_OK : sl_step_no_memory(chain);
    }
    first = sl_batch_records(*out, &records);
    status = next_made(first, first + records) == first + records
                 ? sl_batch_set_marks(*out, marks, count)
                 : set_raised(*out, marks, count, first, first + records);
    return status == SLUICE_OK ? SLUICE_OK : sl_step_no_memory(chain);
}

/* What comes before the first bad record goes on. */
static int stop_step(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    sl_chain_t *chain = step->chain;
    const sluice_mark_t *marks;
    const sluice_record_t *first;
    size_t count, records;

    if (sl_stop_take(chain->errors, &step->rejects, in, out) != SLUICE_OK)
        return sl_step_no_memory(chain);
    marks = sl_batch_marks(*out, &count);
    first = sl_batch_records(*out, &records);
    if (set_raised(*out, marks, count, first, first + records) != SLUICE_OK)
        return sl_step_no_memory(chain);
    sl_ledger_add(step->node, SL_LEDGER_IN, (int64_t)records);
    sl_ledger_add(step->node, SL_LEDGER_OUT, (int64_t)records);
    return SLUICE_OK;
}

static int pass_step(sl_step_t *step, sluice_batch_t *in, sluice_batch_t **out) {
    sl_chain_t *chain = step->chain;
    int status;

    count_step(step, (int64_t)sl_batch_count(in), (int64_t)sl_batch_count(*out));
    status = sl_rejects_report(&step->rejects, chain->errors, chain->failure);
    return status == SLUICE_OK ? carry_marks(chain, in, out) : status;
}

static int one_step(sl_chain_t *chain, sl_step_t *step) {
    sluice_batch_t *in = chain->current;
    sluice_batch_t *out = NULL;
    int status;

    status = sl_step_apply(step, in, &out);
    if (status == SLUICE_RETRY)
        return status;
    if (status != SLUICE_OK) {
        sl_rejects_drop(&step->rejects);
        if (chain->failure->trace == NULL)
            step_failed(step, status, "applying");
        return status;
    }
    status = step->rejects.count > 0 && sl_stop_wanted(chain->errors) ? stop_step(step, in, &out)
                                                                      : pass_step(step, in, &out);
    chain->current = out;
    sl_batch_unref(in);
    return status;
}

static void count_passed(sl_chain_t *chain, size_t count) {
    int64_t records = (int64_t)sl_batch_count(chain->current);
    size_t i;

    for (i = 0; i < count; i++) {
        sl_step_t *step = &chain->steps[chain->at + i];
        int64_t in = records;

        records -= (int64_t)chain->passing.steps[i].dropped;
        step->absorbed = step->generated = 0;
        count_step(step, in, records);
    }
}

/* Several where they can be passed at once. *done: how many. */
static int next_steps(sl_chain_t *chain, size_t *done) {
    sluice_batch_t *in = chain->current, *out = NULL;
    int status;

    *done = sl_passing_run(chain, &out);
    if (*done == 0) {
        *done = 1;
        return one_step(chain, &chain->steps[chain->at]);
    }
    count_passed(chain, *done);
    status = carry_marks(chain, in, &out);
    chain->current = out;
    sl_batch_unref(in);
    return status;
}

int sl_chain_run(sl_chain_t *chain, sluice_batch_t **out) {
    size_t done;
    int status;

    for (; chain->at < chain->count; chain->at += done) {
        if (sl_batch_count(chain->current) == 0)
            break; /* nothing left but marks */
        status = next_steps(chain, &done);
        if (status != SLUICE_OK)
            return status;
    }
    *out = chain->current;
    chain->current = NULL;
    return SLUICE_OK;
}

/* ---- state ---- */

int sl_chain_has_state(const sl_chain_t *chain) {
    size_t i;

    for (i = 0; i < chain->count; i++) {
        const sluice_transform_t *t = chain->steps[i].spec->transform.plugin->transform;
        if (t->checkpoint != NULL || t->committed != NULL)
            return 1;
    }
    return 0;
}

int sl_chain_checkpoint(sl_chain_t *chain) {
    size_t i;

    chain->checkpoints = 1; /* this loop */
    chain->checkpoint_status = SL_FAILPOINT("checkpoint") ? SLUICE_RETRY : SLUICE_OK;
    for (i = 0; i < chain->count; i++) {
        sl_step_t *step = &chain->steps[i];
        const sluice_transform_t *t = step->spec->transform.plugin->transform;
        int status;
        if (t->checkpoint == NULL || step->instance.state != SL_INSTANCE_OPEN)
            continue;
        chain->checkpoints++;
        step->checkpointing = 1;
        status = t->checkpoint(step->instance.self);
        if (status != SLUICE_OK)
            on_checkpointed(step, status);
    }
    if (--chain->checkpoints > 0)
        return 1;
    if (chain->count > 0)
        chain->events->checkpointed(chain->user, chain->checkpoint_status);
    return chain->count > 0;
}

void sl_chain_checkpoint_late(sl_chain_t *chain) {
    size_t i;

    for (i = 0; i < chain->count && !chain->steps[i].checkpointing; i++)
        ;
    if (i == chain->count)
        return;
    sl_failure_set(chain->failure, SLUICE_FATAL, "checkpoint.timeout",
                   "transform %s began a checkpoint of its state and never ended it, so that no "
                   "position can be committed. What it waits for is in the log; restart the task",
                   chain->steps[i].spec->transform.name);
    chain->events->broken(chain->user, SLUICE_FATAL);
}

void sl_chain_committed(sl_chain_t *chain, uint32_t partition, const sluice_position_t *position) {
    size_t i;

    for (i = 0; i < chain->count; i++) {
        const sluice_transform_t *t = chain->steps[i].spec->transform.plugin->transform;
        if (t->committed != NULL && chain->steps[i].instance.state == SL_INSTANCE_OPEN)
            t->committed(chain->steps[i].instance.self, partition, position);
    }
}
