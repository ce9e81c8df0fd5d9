#include "runtime/task.h"

#include "base/channel.h"
#include "base/member.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "record/blocks.h"
#include "runtime/modules.h"
#include "runtime/process.h"
#include "runtime/task_frames.h"
#include "runtime/task_log.h"
#include "runtime/work_frame.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 1000
#define DRAIN_MS 30000
#define LEAVE_MS 3000

typedef struct task {
    uv_loop_t loop;
    sl_channel_t *channel;
    uv_timer_t tick;
    uv_timer_t leave_timer;
    sl_task_log_t log;
    cJSON *start;
    sl_pipeline_t *pipeline;
    sl_modules_t modules;
    sl_entry_t *entries;
    size_t entry_count;
    sl_trunk_t *trunk;
    uint64_t leased_at;
    int late; /* ticks in a row without a fresh lease */
    int drain_wanted;
    int exit_code;
    int leaving;
} task_t;

/* ---- frames out ---- */

static int send_frame(task_t *t, cJSON *message) {
    if (t->channel != NULL)
        return sl_channel_send(t->channel, message);
    cJSON_Delete(message);
    return SLUICE_NOT_CONNECTED;
}

static int busy(const task_t *t) {
    return t->channel == NULL || sl_channel_pending(t->channel) > SL_TASK_OPTIONAL_MAX;
}

static void send_metrics(task_t *t) {
    char *text = sl_metrics_text();
    cJSON *message;

    if (text == NULL)
        return;
    message = sl_channel_message("metrics");
    cJSON_AddStringToObject(message, "text", text);
    free(text);
    send_frame(t, message);
}

static void send_ledger(task_t *t) {
    cJSON *nodes = sl_ledger_to_json(sl_trunk_graph(t->trunk)->ledger);
    cJSON *message = sl_channel_message("ledger");

    cJSON_AddItemToObject(message, "nodes", nodes);
    send_frame(t, message);
}

static void send_work(task_t *t) {
    if (t->pipeline->connect)
        send_frame(t, sl_frame_work(t->trunk));
}

static void send_topics(task_t *t) {
    cJSON *message = sl_trunk_new_topics(t->trunk);

    if (message != NULL)
        send_frame(t, message);
}

/* ---- the end ---- */

static void on_channel_closed(void *user) {
    task_t *t = user;

    uv_stop(&t->loop);
}

static void on_leave_deadline(uv_timer_t *timer) {
    task_t *t = timer->data;

    _exit(t->exit_code); /* the supervisor does not read: its trouble */
}

/* What was sent still goes out; then the loop stops. */
static void leave(task_t *t, int code) {
    if (t->leaving)
        return;
    t->leaving = 1;
    t->exit_code = code;
    sl_task_log_send(&t->log);
    uv_timer_stop(&t->tick);
    uv_timer_start(&t->leave_timer, on_leave_deadline, LEAVE_MS, 0);
    sl_channel_close(t->channel, on_channel_closed, t);
    t->channel = NULL;
}

static void fail_start(task_t *t, const char *code, const char *trace) {
    send_frame(t, sl_frame_failed(code, trace));
    leave(t, SL_TASK_EXIT_FAILED);
}

/* ---- events of the trunk ---- */

static void on_state(void *user, int state) {
    task_t *t = user;

    if (t->trunk != NULL)
        send_frame(t, sl_frame_status(t->trunk, state));
}

static void on_positions(void *user, uint64_t seq, const sl_entry_t *entries, size_t count) {
    task_t *t = user;

    if (send_frame(t, sl_frame_positions(seq, entries, count)) == SLUICE_INVALID)
        sl_trunk_give_up(t->trunk, "positions.size",
                         "the positions of all source partitions are too many for one commit. "
                         "Spread the partitions over more pipelines");
}

static void on_ended(void *user, int state) {
    task_t *t = user;

    send_frame(t, sl_frame_status(t->trunk, state)); /* the last figures of its branches */
    if (!busy(t)) {
        send_topics(t);
        sl_task_metrics(t->trunk);
        send_metrics(t);
        send_ledger(t);
        send_work(t);
    }
    leave(t, state == SL_TRUNK_FAILED ? SL_TASK_EXIT_FAILED : 0);
}

/* ---- start ---- */

static int read_pipeline(task_t *t, const char *name) {
    const cJSON *limit = cJSON_GetObjectItemCaseSensitive(t->start, "memory_limit");
    sl_report_t report;
    char *text;
    int status;

    sl_report_init(&report);
    status = sl_pipeline_read(cJSON_GetObjectItemCaseSensitive(t->start, "pipeline"), NULL, name,
                              &report, &t->pipeline);
    if (status != SLUICE_OK) {
        text = sl_report_text(&report, name);
        fail_start(t, "config", text != NULL ? text : "no memory");
        free(text);
    } else if (cJSON_IsNumber(limit) && limit->valuedouble > 0) {
        t->pipeline->memory_limit = (int64_t)limit->valuedouble;
    }
    sl_report_fini(&report);
    return status;
}

static void set_level(const cJSON *message, const char *key) {
    const char *scope = sl_text(message, "scope");
    const char *text = sl_text(message, key);
    sluice_log_level_t level;

    if (text != NULL && sl_log_parse_level(text, &level) == SLUICE_OK)
        sl_log_set_level(scope, level);
}

static void on_collect(void *arg) {
    task_t *t = arg;

    if (t->trunk != NULL && !t->leaving)
        sl_task_metrics(t->trunk);
}

static void start_trunk(task_t *t) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(t->start, "task");
    sl_trunk_params_t params = {
        .loop = &t->loop,
        .graph =
            {
                .pipeline = t->pipeline,
                .state_dir = sl_text(t->start, "state_dir"),
                .task = cJSON_IsNumber(number) ? number->valueint : 0,
                .find = sl_modules_find,
                .user = &t->modules,
            },
        .stored = t->entries,
        .stored_count = t->entry_count,
        .paused = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t->start, "paused")),
        .events = {on_state, on_positions, on_ended},
        .user = t,
    };

    sl_modules_init(&t->modules, cJSON_GetObjectItemCaseSensitive(t->start, "modules"));
    if (sl_trunk_create(&params, &t->trunk) != SLUICE_OK)
        fail_start(t, "no_memory", "no memory to start the pipeline");
    else if (t->drain_wanted)
        sl_trunk_drain(t->trunk, DRAIN_MS);
}

static void on_start(task_t *t, cJSON *message) {
    const char *name = sl_text(message, "name");

    if (t->start != NULL)
        return;
    t->start = cJSON_Duplicate(message, 1);
    set_level(message, "log_level");
    if (t->start == NULL || read_pipeline(t, name) != SLUICE_OK)
        return;
    if (sl_entries_read(cJSON_GetObjectItemCaseSensitive(t->start, "positions"), &t->entries,
                        &t->entry_count) != SLUICE_OK)
        fail_start(t, "positions", "the stored positions are malformed");
    else
        start_trunk(t);
}

/* ---- frames in ---- */

static void on_drain(task_t *t, const cJSON *message) {
    const cJSON *ms = cJSON_GetObjectItemCaseSensitive(message, "deadline_ms");

    t->drain_wanted = 1;
    if (t->trunk != NULL)
        sl_trunk_drain(t->trunk, cJSON_IsNumber(ms) ? (uint64_t)ms->valuedouble : DRAIN_MS);
    else if (t->start == NULL)
        leave(t, 0);
}

static void on_stored(task_t *t, const cJSON *message) {
    const cJSON *seq = cJSON_GetObjectItemCaseSensitive(message, "seq");

    if (t->trunk != NULL && cJSON_IsNumber(seq))
        sl_trunk_stored(t->trunk, (uint64_t)seq->valuedouble);
}

static void on_refused(task_t *t, const cJSON *message) {
    const cJSON *seq = cJSON_GetObjectItemCaseSensitive(message, "seq");

    if (t->trunk != NULL && cJSON_IsNumber(seq))
        sl_trunk_refused(t->trunk, (uint64_t)seq->valuedouble,
                         sl_text_or(message, "message", "no reason given"));
}

static void on_message(void *user, const char *type, cJSON *message) {
    task_t *t = user;

    if (t->leaving)
        return;
    if (strcmp(type, "start") == 0)
        on_start(t, message);
    else if (strcmp(type, "lease") == 0)
        t->leased_at = uv_now(&t->loop);
    else if (strcmp(type, "stored") == 0)
        on_stored(t, message);
    else if (strcmp(type, "refused") == 0)
        on_refused(t, message);
    else if (strcmp(type, "drain") == 0)
        on_drain(t, message);
    else if (strcmp(type, "pause") == 0 && t->trunk != NULL)
        sl_trunk_pause(t->trunk);
    else if (strcmp(type, "resume") == 0 && t->trunk != NULL)
        sl_trunk_resume(t->trunk);
    else if (strcmp(type, "forget_topics") == 0 && t->trunk != NULL)
        sl_trunk_forget_topics(t->trunk);
    else if (strcmp(type, "log_level") == 0)
        set_level(message, "level");
}

/* Without a supervisor there must be no writing: not even an orderly end. */
static void on_end(void *user, const char *reason) {
    (void)user;
    (void)reason;
    _exit(SL_TASK_EXIT_CUT_OFF);
}

/* After a callback that took long, timers run before the socket is read: one more tick shows
 * whether leases were waiting there. */
static void check_lease(task_t *t) {
    t->late = uv_now(&t->loop) - t->leased_at > SL_TASK_LEASE_MS ? t->late + 1 : 0;
    if (t->late >= 2)
        _exit(SL_TASK_EXIT_CUT_OFF);
}

/* This thread lives, or the frame would not go out; a branch whose thread is kept is named in
 * it. */
static cJSON *alive_frame(task_t *t) {
    cJSON *message = sl_channel_message("alive");
    size_t i, count = t->trunk != NULL && !t->leaving ? sl_trunk_branches(t->trunk) : 0;
    const char *stuck = NULL;

    for (i = 0; i < count; i++)
        if (!sl_branch_beat(sl_trunk_branch(t->trunk, i)))
            stuck = t->pipeline->branches[i].name;
    if (stuck != NULL)
        cJSON_AddStringToObject(message, "stuck", stuck);
    return message;
}

static void on_tick(uv_timer_t *timer) {
    task_t *t = timer->data;

    check_lease(t);
    sl_log_tick();
    sl_blocks_age();
    sl_task_log_send(&t->log);
    send_frame(t, alive_frame(t));
    if (busy(t) || t->trunk == NULL || t->leaving)
        return;
    send_metrics(t);
    send_ledger(t);
    send_work(t);
    send_topics(t);
    if (sl_trunk_state(t->trunk) != SL_TRUNK_FAILED)
        send_frame(t, sl_frame_status(t->trunk, sl_trunk_state(t->trunk)));
}

/* ---- the process ---- */

static int set_up(task_t *t, int fd) {
    static const sl_channel_callbacks_t callbacks = {on_message, on_end};

    if (uv_loop_init(&t->loop) != 0)
        return SLUICE_NO_MEMORY;
    uv_timer_init(&t->loop, &t->tick);
    uv_timer_init(&t->loop, &t->leave_timer);
    t->tick.data = t->leave_timer.data = t;
    if (sl_channel_open(&t->loop, fd, &callbacks, t, &t->channel) != SLUICE_OK ||
        sl_task_log_open(&t->log, &t->loop, &t->channel) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    sl_metrics_add_process("task");
    sl_metrics_on_collect(on_collect, t);
    t->leased_at = uv_now(&t->loop);
    uv_timer_start(&t->tick, on_tick, TICK_MS, TICK_MS);
    return SLUICE_OK;
}

static void tear_down(task_t *t) {
    int abandoned = t->trunk != NULL && sl_trunk_was_abandoned(t->trunk);

    /* threads or handles of a plugin that never closed: nothing more can be tidied */
    if (abandoned)
        _exit(t->exit_code);
    sl_task_log_close(&t->log);
    if (t->trunk != NULL)
        sl_trunk_destroy(t->trunk);
    uv_close((uv_handle_t *)&t->tick, NULL);
    uv_close((uv_handle_t *)&t->leave_timer, NULL);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->loop);
    sl_entries_free(t->entries, t->entry_count);
    sl_pipeline_destroy(t->pipeline);
    sl_modules_fini(&t->modules);
    cJSON_Delete(t->start);
}

int sl_task_main(int fd) {
    static task_t task; /* metrics and log keep its address until the process ends */

    sl_process_set_up();
    if (set_up(&task, fd) != SLUICE_OK) {
        fprintf(stderr, "sluice task: descriptor %d is no channel of a supervisor\n", fd);
        return 1;
    }
    uv_run(&task.loop, UV_RUN_DEFAULT);
    tear_down(&task);
    return task.exit_code;
}
