#include "supervisor/supervisor_int.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "observe/log.h"
#include "observe/process.h"
#include "supervisor/backoff.h"
#include "supervisor/publish.h"
#include "supervisor/state_folder.h"

#define ABORT_GRACE_MS 2000u /* for the abort's own messages, then SIGKILL */

const char *sl_task_state_name(sl_task_state_t state) {
    static const char *const names[] = { "IDLE",       "STARTING", "RUNNING",
                                         "RESTARTING", "FAILED",   "FINISHED" };
    return names[state];
}

void sl_task_init(sl_task_t *t, sl_managed_t *m, int number) {
    memset(t, 0, sizeof *t);
    t->managed = m;
    t->number = number;
    t->clock.at = uv_now(m->supervisor->o.loop);
    sl_tail_init(&t->tail);
}

void sl_task_fini(sl_task_t *t) {
    sl_tail_fini(&t->tail);
    cJSON_Delete(t->branches);
    cJSON_Delete(t->ledger);
    free(t->metrics);
    free(t->work);
    free(t->code);
    free(t->trace);
    free(t->stuck);
    free(t->warning);
    free(t->crash);
    memset(t, 0, sizeof *t);
}

static const sl_supervisor_options_t *options(const sl_task_t *t) {
    return &t->managed->supervisor->o;
}

static void say(const sl_task_t *t, sluice_log_level_t level, const char *text) {
    sl_log_kv(level, SCOPE,
              SL_FIELDS(sl_field("pipeline", t->managed->name), sl_field_int("task", t->number)),
              "%s", text);
}

/* Connect counts starts that came to an end, either way. */
static void count_start(const sl_task_t *t, sl_task_state_t state) {
    sl_starts_t *starts = &t->managed->supervisor->starts;

    if (t->state != SL_TASK_STARTING || t->crashes > 0 ||
        strcmp(t->managed->kind, "connector") != 0)
        return;
    starts->tasks += state == SL_TASK_RUNNING || state == SL_TASK_FINISHED;
    starts->tasks_failed += state == SL_TASK_FAILED;
}

void sl_task_set_state(sl_task_t *t, sl_task_state_t state, const char *code, const char *trace) {
    int same = t->state == state;

    count_start(t, state);
    sl_set_text(&t->code, code);
    sl_set_text(&t->trace, trace);
    t->state = state;
    sl_publish_task(t);
    if (same)
        return;
    if (state == SL_TASK_FAILED || state == SL_TASK_FINISHED || state == SL_TASK_RUNNING)
        sl_store_put_status(t->managed->supervisor->o.store, t->managed->name, t->number,
                            sl_task_state_name(state), trace);
    sl_supervisor_changed(t->managed);
}

void sl_task_fail(sl_task_t *t, const char *code, const char *trace) {
    char text[400];

    snprintf(text, sizeof text, "task is FAILED: %s", trace);
    say(t, SLUICE_LOG_ERROR, text);
    sl_task_set_state(t, SL_TASK_FAILED, code, trace);
}

/* ---- the end of a process ---- */

static void restart_later(sl_task_t *t, const char *trace, const char *what) {
    uint64_t delay = sl_backoff_ms(options(t)->backoff_first_ms, options(t)->backoff_max_ms,
                                   t->crashes - 1, uv_hrtime() >> 4);
    char text[400];

    snprintf(text, sizeof text, "task died: %s; starting it again in %llu ms (crash %u of %u)",
             what, (unsigned long long)delay, t->crashes, options(t)->crash_limit);
    say(t, SLUICE_LOG_WARN, text);
    t->restarts++;
    t->restart_at = uv_now(options(t)->loop) + delay;
    sl_task_set_state(t, SL_TASK_RESTARTING, "task.crashed", trace);
}

/* Killed from outside, by an operator or for want of memory in the system: no fault of its own. */
static int is_killed(const sl_child_end_t *end) {
    return end->why == NULL && (end->signal == SIGKILL || end->signal == SIGTERM ||
                                end->signal == SIGINT || end->signal == SIGHUP);
}

/* Progress alone does not make up for a crash: who leaks or dies of each batch makes some, too. */
static int was_well(const sl_task_t *t, const sl_child_end_t *end) {
    uint64_t lived = uv_now(options(t)->loop) - t->spawned_at;

    return t->progressed && (is_killed(end) || lived >= options(t)->steady_ms);
}

static void note_crash(sl_task_t *t, const char *what) {
    t->crashed_ms = sl_wall_ms();
    sl_set_text(&t->crash, what);
}

static void crashed(sl_task_t *t, const sl_child_end_t *end) {
    char what[200];
    char head[400];
    char *trace;

    if (end->signal == 0 && end->exit_code == 0)
        snprintf(what, sizeof what, "it ended by itself without saying why");
    else
        sl_child_end_text(end, what, sizeof what);
    if (was_well(t, end))
        t->crashes = 0;
    t->crashes++;
    note_crash(t, what);
    if (t->crashes < options(t)->crash_limit)
        snprintf(head, sizeof head, "Task crashed: %s. Last lines of its log:", what);
    else
        snprintf(
            head, sizeof head,
            "Task crashed: %s; given up after %u crashes, before each of which it ran for less "
            "than %.3g s or made no progress. Last lines of its log:",
            what, t->crashes, (double)options(t)->steady_ms / 1000);
    trace = sl_tail_text(&t->tail, head);
    if (t->crashes >= options(t)->crash_limit)
        sl_task_fail(t, "task.crashed", trace);
    else
        restart_later(t, trace, what);
    free(trace);
}

static void on_child_exit(void *user, const sl_child_end_t *end) {
    sl_task_t *t = user;
    int drained = t->draining;
    char what[200];

    t->child = NULL;
    t->draining = 0;
    t->memory = 0;
    sl_task_work_rest(t->work);
    if (t->reported_end) {
        say(t, SLUICE_LOG_DEBUG, "task's process is gone");
    } else if (drained) {
        sl_child_end_text(end, what, sizeof what);
        if (end->signal != 0 || end->exit_code != 0)
            sl_log_kv(SLUICE_LOG_WARN, SCOPE,
                      SL_FIELDS(sl_field("pipeline", t->managed->name),
                                sl_field_int("task", t->number)),
                      "task did not drain well: %s; what it had not committed is sent again at its "
                      "next start",
                      what);
        sl_task_set_state(t, SL_TASK_IDLE, NULL, NULL);
    } else {
        crashed(t, end);
    }
    sl_managed_reconcile(t->managed);
}

static void on_child_stderr(void *user, const char *line) {
    sl_task_t *t = user;

    sl_tail_add(&t->tail, line);
    sl_log_kv(SLUICE_LOG_WARN, "task.stderr",
              SL_FIELDS(sl_field("pipeline", t->managed->name), sl_field_int("task", t->number)),
              "%s", line);
}

static void on_child_message(void *user, const char *type, cJSON *message) {
    sl_task_message(user, type, message);
}

/* ---- the start of a process ---- */

static cJSON *start_message(const sl_task_t *t, cJSON *positions) {
    const sl_managed_t *m = t->managed;
    cJSON *message = sl_channel_message("start");
    char folder[4096];

    sl_state_folder_make(options(t)->data_dir, m->name, folder, sizeof folder);
    cJSON_AddStringToObject(message, "name", m->name);
    cJSON_AddNumberToObject(message, "incarnation", (double)t->incarnation);
    cJSON_AddNumberToObject(message, "task", t->number);
    cJSON_AddNumberToObject(message, "tasks", (double)m->task_count);
    cJSON_AddItemToObject(message, "pipeline", cJSON_Duplicate(m->pipeline, 1));
    cJSON_AddItemToObject(message, "modules", cJSON_Duplicate(m->modules, 1));
    cJSON_AddItemToObject(message, "positions", positions);
    cJSON_AddStringToObject(message, "state_dir", folder);
    cJSON_AddBoolToObject(message, "paused", 0);
    cJSON_AddStringToObject(message, "log_level", sl_log_level_name(sl_log_level(NULL)));
    cJSON_AddNumberToObject(message, "memory_limit", (double)m->memory_limit);
    return message;
}

static void spawn(sl_task_t *t, cJSON *positions) {
    static const sl_child_callbacks_t callbacks = { on_child_message, on_child_stderr,
                                                    on_child_exit };
    const char *args[] = { "sluice", "__task", t->managed->name, NULL };
    sl_child_params_t params = { options(t)->loop, options(t)->executable, args,
                                 sl_store_lock_fd(options(t)->store) };
    char error[300];

    t->reported_end = t->progressed = t->draining = 0;
    sl_set_text(&t->stuck, NULL);
    t->spawned_at = t->alive_at = t->leased_at = uv_now(options(t)->loop);
    if (sl_child_spawn(&params, &callbacks, t, &t->child, error, sizeof error) != SLUICE_OK) {
        cJSON_Delete(positions);
        t->crashes++;
        restart_later(t, error, error);
        return;
    }
    if (sl_child_send(t->child, start_message(t, positions)) == SLUICE_INVALID)
        sl_child_deadline(t->child, 0,
                          "its configuration and stored positions are too large to start with");
}

typedef struct start {
    sl_supervisor_t *supervisor;
    uint64_t incarnation;
} start_t;

static void on_positions(void *user, int status, cJSON *positions) {
    start_t *start = user;
    sl_supervisor_t *s = start->supervisor;
    sl_task_t *t = sl_supervisor_task(s, start->incarnation);

    free(start);
    s->pending--;
    if (status == SLUICE_OK && t != NULL && t->state == SL_TASK_STARTING && t->child == NULL)
        spawn(t, positions);
    else
        cJSON_Delete(positions);
    sl_supervisor_settle(s);
}

void sl_task_start(sl_task_t *t) {
    sl_supervisor_t *s = t->managed->supervisor;
    start_t *start = calloc(1, sizeof *start);

    t->incarnation = s->next_incarnation++;
    sl_task_set_state(t, SL_TASK_STARTING, NULL, NULL);
    if (start != NULL) {
        start->supervisor = s;
        start->incarnation = t->incarnation;
        if (sl_store_load_positions(s->o.store, t->managed->name, on_positions, start) ==
            SLUICE_OK) {
            s->pending++;
            return;
        }
    }
    free(start);
    t->crashes++;
    restart_later(t, "no memory to start a task", "no memory");
}

static cJSON *drain_message(const sl_task_t *t) {
    cJSON *message = sl_channel_message("drain");

    /* It shall give up by itself a little before it is killed. */
    cJSON_AddNumberToObject(message, "deadline_ms", (double)(options(t)->drain_ms * 9 / 10));
    return message;
}

void sl_task_stop(sl_task_t *t) {
    char why[80];

    if (t->child == NULL) {
        if (t->state == SL_TASK_STARTING || t->state == SL_TASK_RESTARTING ||
            t->state == SL_TASK_RUNNING)
            sl_task_set_state(t, SL_TASK_IDLE, NULL, NULL);
        t->incarnation = 0;
        return;
    }
    if (t->draining)
        return;
    t->draining = 1;
    snprintf(why, sizeof why, "it did not drain within %.3g s",
             (double)options(t)->drain_ms / 1000);
    sl_child_deadline(t->child, options(t)->drain_ms, why);
    sl_child_send(t->child, drain_message(t));
}

/* ---- each tick ---- */

/* memory.limit is for records; code, client libraries and what malloc keeps come on top. Who takes
 * as much again leaks. */
static void watch_memory(sl_task_t *t) {
    sl_process_usage_t usage;
    char why[120];

    if (sl_process_usage(sl_child_pid(t->child), &usage) != SLUICE_OK)
        return;
    t->memory = (uint64_t)usage.rss_anon_bytes;
    t->cpu = usage.cpu_seconds;
    if (t->managed->memory_limit <= 0 || usage.rss_anon_bytes <= 2 * t->managed->memory_limit)
        return;
    snprintf(why, sizeof why, "its memory, %lld MB, was above twice memory.limit, %lld MB",
             (long long)(usage.rss_anon_bytes >> 20), (long long)(t->managed->memory_limit >> 20));
    sl_child_kill(t->child, SIGKILL, 0, why);
}

static void watch_life(sl_task_t *t, uint64_t now) {
    double seconds = (double)(now - t->alive_at) / 1000;
    char why[400];

    if (now - t->alive_at < options(t)->hang_ms)
        return;
    if (t->stuck != NULL)
        snprintf(why, sizeof why,
                 "branch %.200s gave no sign of life for %.3g s: its sink, a transform or a "
                 "converter spins or blocks",
                 t->stuck, seconds);
    else
        snprintf(why, sizeof why, "it gave no sign of life for %.3g s", seconds);
    sl_child_kill(t->child, SIGABRT, ABORT_GRACE_MS, why);
    t->alive_at = now;
}

static void run_clock(sl_task_t *t, uint64_t now) {
    uint64_t passed = now - t->clock.at;

    t->clock.at = now;
    if (strcmp(t->managed->target, "PAUSED") == 0 && t->state != SL_TASK_FAILED)
        t->clock.paused_ms += passed;
    else if (t->state == SL_TASK_RUNNING || t->state == SL_TASK_FINISHED)
        t->clock.running_ms += passed;
    else
        t->clock.other_ms += passed;
}

void sl_task_renew(sl_task_t *t) {
    free(t->work);
    t->work = NULL;
    t->clock = (sl_task_clock_t){ uv_now(options(t)->loop), 0, 0, 0 };
}

void sl_task_tick(sl_task_t *t, uint64_t now) {
    run_clock(t, now);
    if (t->child == NULL) {
        if (t->state == SL_TASK_RESTARTING && now >= t->restart_at)
            sl_task_start(t);
        return;
    }
    if (now - t->leased_at >= options(t)->lease_ms) {
        t->leased_at = now;
        sl_child_send(t->child, sl_channel_message("lease"));
    }
    watch_life(t, now);
    watch_memory(t);
}
