/* How harness.h runs a pipeline. One test file includes it, as each test is one executable. */
#include "harness_plugins.h"
#include "harness_stages.h"

#include "observe/log.h"
#include <dirent.h>
#include <limits.h>

typedef struct stored {
    int has;
    sluice_position_t position;
    uint32_t sub_index;
    char offset[32];
    char cookie[32];
} stored_t;

sl_trunk_t *harness_trunk; /* for a debugger */
static stored_t stored[BRANCHES_MAX][PARTITIONS_MAX];
static char stuck[BRANCHES_MAX][16];
static const char *const branch_names[BRANCHES_MAX] = {"t0", "t1", "t2", "t3", "t4", "t5"};
static const char *const partition_names[PARTITIONS_MAX] = {"{\"p\":0}", "{\"p\":1}", "{\"p\":2}",
                                                            "{\"p\":3}"};

static void quiet(void *user, const sl_log_record_t *record) {
    (void)user;
    if (getenv("HARNESS_LOG") != NULL)
        fprintf(stderr, "%d %s: %s\n", record->level, record->scope, record->text);
}

void harness_forget(void) {
    memset(stored, 0, sizeof(stored));
}

void harness_reset(void) {
    int i;

    sl_log_set_output(quiet, NULL);
    memset(&the_source, 0, sizeof(the_source));
    memset(&stages, 0, sizeof(stages));
    the_source.partitions = 1;
    the_source.count = 1000;
    the_source.batch = 10;
    stages.again_left = INT_MAX;
    harness_forget();
    for (i = 0; i < BRANCHES_MAX; i++) {
        target_t *t = &targets[i];
        free(t->log);
        memset(t, 0, sizeof(*t));
        t->seed = (unsigned)i * 7919u + 1;
        uv_mutex_init(&t->lock);
    }
}

void harness_fini(void) {
    int i;

    for (i = 0; i < BRANCHES_MAX; i++) {
        free(targets[i].log);
        targets[i].log = NULL;
    }
}

int64_t harness_stored(int branch, int partition) {
    stored_t *s = &stored[branch][partition];

    return s->has ? (int64_t)sluice_get_be64(s->position.bytes) : 0;
}

const char *harness_stuck(int branch) {
    return stuck[branch];
}

/* ---- one run ---- */

#define TIMERS 7

typedef struct run {
    const run_options_t *o;
    run_result_t result;
    sl_trunk_t *trunk;
    uv_loop_t loop;
    uv_timer_t timers[TIMERS];
    uint64_t seq;
    uint64_t begun, drain_begun;
    int refused; /* commits, with that under way */
    int killed;
    int ended;
} run_t;

static void on_state(void *user, int state) {
    run_t *run = user;

    run->result.state = state;
}

static void on_stored(uv_timer_t *timer) {
    run_t *run = timer->data;

    if (run->refused > run->result.refused) {
        run->result.refused = run->refused;
        sl_trunk_refused(run->trunk, run->seq, "no room");
        assert_true(the_source.committed[0] <= harness_stored(0, 0));
    } else {
        sl_trunk_stored(run->trunk, run->seq);
    }
}

static void on_positions(void *user, uint64_t seq, const sl_entry_t *entries, size_t count) {
    run_t *run = user;
    size_t i;

    if (run->killed)
        return;
    if (run->refused < run->o->refusals) {
        run->refused++;
        count = 0;
    }
    for (i = 0; i < count; i++) {
        if (stages.stateful) /* state is durable before the positions that rest on it */
            assert_true((int64_t)sluice_get_be64(entries[i].position.bytes) <=
                        stages.durable[entries[i].partition.data[5] - '0']);
        stored_t *s = &stored[entries[i].branch[1] - '0'][entries[i].partition.data[5] - '0'];
        assert_true(sluice_position_cmp(&entries[i].position, &s->position) >= 0 || !s->has ||
                    run->o->may_go_back);
        s->has = 1;
        s->position = entries[i].position;
        s->sub_index = entries[i].sub_index;
        assert_true(entries[i].cookie.len < sizeof(s->cookie));
        memset(s->cookie, 0, sizeof(s->cookie));
        if (entries[i].cookie.data != NULL)
            memcpy(s->cookie, entries[i].cookie.data, entries[i].cookie.len);
        snprintf(s->offset, sizeof(s->offset), "%s", entries[i].offset ? entries[i].offset : "");
    }
    run->seq = seq;
    uv_timer_start(&run->timers[0], on_stored, run->o->stored_ms ? (uint64_t)run->o->stored_ms : 1,
                   0);
}

static void on_ended(void *user, int state) {
    run_t *run = user;

    run->result.state = state;
    run->ended = 1;
    uv_stop(&run->loop);
}

static int is_late(const run_t *run) {
    return uv_hrtime() > run->begun + HARNESS_PATIENCE_MS * (uint64_t)1000000;
}

static void on_drain(uv_timer_t *timer) {
    run_t *run = timer->data;

    if (run->o->drain_when != NULL && !run->o->drain_when() && !is_late(run)) {
        uv_timer_start(timer, on_drain, 2, 0);
        return;
    }
    run_draining = 1;
    while (run->o->drain_blocks != NULL && run->o->drain_blocks() && !is_late(run))
        uv_sleep(2);
    run->drain_begun = uv_hrtime();
    sl_trunk_drain(run->trunk, run->o->drain_deadline_ms ? run->o->drain_deadline_ms : 20000);
}

/* As a crash: nothing more is stored, and what comes out later is thrown away by the caller. */
static void on_kill(uv_timer_t *timer) {
    run_t *run = timer->data;

    run->killed = 1;
    sl_trunk_drain(run->trunk, 1);
}

static void on_pause(uv_timer_t *timer) {
    run_t *run = timer->data;
    static int64_t emitted;

    if (timer == &run->timers[3]) {
        sl_trunk_pause(run->trunk);
        emitted = the_source.emitted;
        uv_timer_start(&run->timers[4], on_pause, (uint64_t)run->o->resume_at_ms, 0);
    } else {
        assert_int_equal(emitted, the_source.emitted);
        sl_trunk_resume(run->trunk);
    }
}

static void on_beat(uv_timer_t *timer) {
    run_t *run = timer->data;
    size_t i;

    for (i = 0; !run->ended && i < sl_trunk_branches(run->trunk); i++) {
        sl_branch_run_t *b = sl_trunk_branch(run->trunk, i);
        (void)sl_branch_beat(b);
        if (sl_branch_stat(b, SL_BRANCH_QUEUED) > run->result.most_held[i])
            run->result.most_held[i] = sl_branch_stat(b, SL_BRANCH_QUEUED);
        if (sl_branch_stuck(b) != NULL)
            snprintf(stuck[i], sizeof(stuck[i]), "%s", sl_branch_stuck(b));
    }
}

static void on_look(uv_timer_t *timer) {
    run_t *run = timer->data;

    if (!run->ended && sl_trunk_failure(run->trunk)->code != NULL)
        run_failed = 1;
}

static void set_letters(sl_errors_policy_t *policy, const run_options_t *o) {
    if (o->letters == 0)
        return;
    policy->dead_letters = (sl_plugin_use_t){SLUICE_SINK, "target", NULL, "/errors/dead.letters"};
    policy->dead_letters_headers = o->letters == 2;
}

/* Its transforms stand behind the branches'. */
static void set_trunk(sl_pipeline_t *p, sl_transform_use_t *uses, const run_options_t *o) {
    static const char *const names[] = {"pass-1", "pass-2", "pass-3"};
    size_t count = 0;

    for (; (o->transforms & 8) && count < 3; count++)
        uses[2 + count] = (sl_transform_use_t){
            .name = (char *)(uintptr_t)names[count],
            .use = {SLUICE_TRANSFORM, "passer", NULL, "/transforms/2"}};
    if (o->transforms & 1)
        uses[2 + count++] = uses[0];
    if (o->transforms & 4)
        uses[2].predicate = (sl_plugin_use_t){SLUICE_PREDICATE, "thirds", NULL, "/p"};
    if (count > 0)
        p->transforms = (sl_transform_chain_t){&uses[2], count};
}

static void fill_pipeline(sl_pipeline_t *p, sl_branch_t *branches, sl_transform_use_t *uses,
                          const run_options_t *o) {
    int i;

    memset(p, 0, sizeof(*p));
    p->name = "test";
    p->source = (sl_plugin_use_t){SLUICE_SOURCE, "numbers", NULL, "/source"};
    p->branches = branches;
    p->branch_count = (size_t)o->branches;
    p->commit_interval_ms = o->commit_ms ? o->commit_ms : 20;
    p->memory_limit = o->memory_limit ? o->memory_limit : 64 << 20;
    p->errors.retry_delay_max_ms = o->delay_max_ms ? o->delay_max_ms : 4;
    p->errors.tolerate_all = o->trunk_tolerates;
    p->errors.stop_at_record = o->stop_at_record;
    p->errors.dead_letters_file = (char *)(uintptr_t)o->dead_letters;
    p->connect = o->connect;
    set_letters(&p->errors, o);
    p->errors.retry_timeout_ms = o->trunk_retry_timeout_ms;
    if (stages.decode)
        p->source_converters.value =
            (sl_plugin_use_t){SLUICE_CONVERTER, "json", NULL, "/source/converters/value"};
    uses[0] = (sl_transform_use_t){.name = "double",
                                   .use = {SLUICE_TRANSFORM, "transform", NULL, "/transforms/0"}};
    uses[1] = (sl_transform_use_t){.name = "evens",
                                   .use = {SLUICE_TRANSFORM, "transform", NULL, "/transforms/1"}};
    set_trunk(p, uses, o);
    for (i = 0; i < o->branches; i++) {
        sl_branch_t *b = &branches[i];
        memset(b, 0, sizeof(*b));
        b->name = (char *)(uintptr_t)branch_names[i];
        b->sink = (sl_plugin_use_t){SLUICE_SINK, "target", NULL, "/sinks"};
        b->errors.tolerate_all = o->tolerate_all;
        b->errors.stop_at_record = o->stop_at_record;
        b->errors.dead_letters_file = (char *)(uintptr_t)o->dead_letters;
        set_letters(&b->errors, o);
        b->errors.retry_timeout_ms = o->retry_timeout_ms;
        b->errors.retry_delay_max_ms = o->delay_max_ms ? o->delay_max_ms : 4;
        b->queue_bytes = o->queue_bytes ? o->queue_bytes : 1 << 20;
        b->spill_max_bytes = o->spill_max;
        b->spill_fail = o->spill_fail;
        if (o->transforms & 2)
            b->transforms = (sl_transform_chain_t){&uses[1], 1};
    }
}

static size_t fill_stored(sl_entry_t *entries, const run_options_t *o) {
    size_t n = 0;
    int b, p;

    for (b = 0; b < o->branches; b++)
        for (p = 0; p < the_source.partitions; p++)
            if (stored[b][p].has)
                entries[n++] = (sl_entry_t){
                    .branch = branch_names[b],
                    .partition = sluice_str(partition_names[p]),
                    .position = stored[b][p].position,
                    .sub_index = stored[b][p].sub_index,
                    .offset = stored[b][p].offset[0] ? stored[b][p].offset : NULL,
                    .cookie = sluice_str(stored[b][p].cookie[0] ? stored[b][p].cookie : NULL),
                };
    return n;
}

static void start_timers(run_t *run) {
    const run_options_t *o = run->o;
    size_t i;

    for (i = 0; i < TIMERS; i++) {
        uv_timer_init(&run->loop, &run->timers[i]);
        run->timers[i].data = run;
    }
    uv_timer_start(&run->timers[6], on_look, 1, 1);
    if (o->drain_after_ms > 0 || o->drain_when != NULL)
        uv_timer_start(&run->timers[1], on_drain, (uint64_t)o->drain_after_ms, 0);
    if (o->kill_after_ms > 0)
        uv_timer_start(&run->timers[2], on_kill, (uint64_t)o->kill_after_ms, 0);
    if (o->beat_ms > 0)
        uv_timer_start(&run->timers[5], on_beat, (uint64_t)o->beat_ms, (uint64_t)o->beat_ms);
    if (o->pause_at_ms > 0)
        uv_timer_start(&run->timers[3], on_pause, (uint64_t)o->pause_at_ms, 0);
}

static void collect(run_t *run) {
    size_t i;
    int k;
    const sl_failure_t *failure = sl_trunk_failure(run->trunk);

    snprintf(run->result.code, sizeof(run->result.code), "%s", failure->code ? failure->code : "");
    snprintf(run->result.trace, sizeof(run->result.trace), "%s",
             failure->trace ? failure->trace : "");
    for (i = 0; i < sl_trunk_branches(run->trunk); i++)
        for (k = 0; k < SL_BRANCH_COUNTS; k++)
            run->result.stats[i][k] =
                sl_branch_stat(sl_trunk_branch(run->trunk, i), (sl_branch_count_t)k);
    memcpy(run->result.stuck, stuck, sizeof(stuck));
    if (run->drain_begun > 0)
        run->result.drain_ms = (int64_t)((uv_hrtime() - run->drain_begun) / 1000000);
    run->result.abandoned = sl_trunk_was_abandoned(run->trunk);
    run->result.ledger_faults = sl_ledger_check(sl_trunk_graph(run->trunk)->ledger,
                                                run->result.ledger_text,
                                                sizeof(run->result.ledger_text));
    run->result.max_held = atomic_load(&sl_trunk_graph(run->trunk)->credit.held);
}

run_result_t harness_run(const run_options_t *o) {
    static sl_branch_t branches[BRANCHES_MAX];
    static sl_transform_use_t uses[6];
    static sl_pipeline_t pipeline;
    sl_entry_t entries[BRANCHES_MAX * PARTITIONS_MAX];
    run_t run;
    size_t i;

    memset(&run, 0, sizeof(run));
    memset(stuck, 0, sizeof(stuck));
    run_failed = run_draining = 0;
    run.o = o;
    run.begun = uv_hrtime();
    test_failure_mode = o->failure_mode;
    sink_table.failure_mode = (uint32_t)o->failure_mode;
    sink_table.max_in_flight = (uint32_t)o->window;
    sink_table.flags = targets[0].own_position == 0 ? 0
                       : targets[0].own_position == 1
                           ? SLUICE_SINK_OWN_POSITION | SLUICE_SINK_EMPTY_BATCHES
                           : SLUICE_SINK_OWN_POSITION;
    if (stages.bytes)
        sink_table.flags |= SLUICE_SINK_BYTES;
    fill_pipeline(&pipeline, branches, uses, o);
    assert_int_equal(uv_loop_init(&run.loop), 0);
    start_timers(&run);
    sl_trunk_params_t params = {
        .loop = &run.loop,
        .graph = {.pipeline = &pipeline, .state_dir = o->state_dir,
                  .stuck_ms = o->stuck_ms, .find = find_plugin, .retry_env = o->retry_env},
        .stored = entries,
        .stored_count = fill_stored(entries, o),
        .last_commit_ms = o->kill_after_ms > 0 || o->checkpoint_ms > 0 ? 5 : 0,
        .checkpoint_ms = (uint64_t)o->checkpoint_ms,
        .events = {on_state, on_positions, on_ended},
        .user = &run,
    };
    assert_int_equal(sl_trunk_create(&params, &run.trunk), SLUICE_OK);
    harness_trunk = run.trunk;
    while (!run.ended)
        uv_run(&run.loop, UV_RUN_DEFAULT);
    collect(&run);
    sl_trunk_destroy(run.trunk);
    for (i = 0; i < TIMERS; i++)
        uv_close((uv_handle_t *)&run.timers[i], NULL);
    uv_run(&run.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&run.loop), 0);
    if (run.result.abandoned == 0)
        assert_int_equal(run.result.max_held, 0);
    return run.result;
}

void harness_empty_folder(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

char harness_folder[sizeof("/tmp/sluice-test-XXXXXX")];
char harness_dead_file[sizeof(harness_folder) + 8];

int harness_set_up(void **state) {
    (void)state;
    harness_reset();
    strcpy(harness_folder, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(harness_folder));
    snprintf(harness_dead_file, sizeof(harness_dead_file), "%s/dead", harness_folder);
    return 0;
}

int harness_tear_down(void **state) {
    (void)state;
    harness_fini();
    harness_empty_folder(harness_folder);
    rmdir(harness_folder);
    return 0;
}

size_t harness_dead_letters(const char *with) {
    FILE *f = fopen(harness_dead_file, "r");
    char line[8192];
    size_t n = 0;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        n += strstr(line, with) != NULL;
    if (f != NULL)
        fclose(f);
    return n;
}

size_t assert_complete(const target_t *t, int partitions, int64_t count, int64_t left_out_every) {
    int64_t last[PARTITIONS_MAX] = {0};
    size_t i, repeats = 0;
    int p;

    for (i = 0; i < t->count; i++) {
        const delivered_t *d = &t->log[i];
        int64_t next = last[d->partition] + 1;
        if (left_out_every > 0 && next % left_out_every == 0)
            next++;
        if (d->number <= last[d->partition]) {
            repeats++;
            continue;
        }
        if (d->number != next) {
            print_error("partition %u: %lld follows %lld (at %zu)\n", d->partition,
                        (long long)d->number, (long long)last[d->partition], i);
            fail();
        }
        last[d->partition] = d->number;
    }
    for (p = 0; p < partitions; p++) {
        if (left_out_every > 0 && count % left_out_every == 0 && last[p] == count - 1)
            continue;
        assert_int_equal(last[p], count);
    }
    return repeats;
}
