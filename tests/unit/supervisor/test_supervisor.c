/* The supervisor with fake tasks: target states, crashes, watchdogs, positions, its own death. */
#include "supervisor/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fake_task.h"
#include "sluice/error.h"

typedef struct fixture {
    uv_loop_t loop;
    uv_timer_t timer;
    char folder[64];
    char file[96];
    sl_store_t *store;
    sl_resolver_t resolver;
    sl_supervisor_t *s;
    int done;
    int status;
    char message[300];
    int closed;
    int expired;
    uint64_t resolve_ms;
    uint64_t steady_ms; /* 0: a minute */
    int tasks; /* what the resolver says; 0: what the configuration says */
    const char *type; /* the same; NULL: pipeline */
    int refusals; /* the shared log refuses so many entries first */
    int asked;
} fixture_t;

/* ---- a resolver without plugins ---- */

typedef struct fake_resolve {
    uv_timer_t timer;
    cJSON *config;
    sl_resolve_fn done;
    void *user;
} fake_resolve_t;

static fixture_t *current;

static void on_resolve_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void on_resolve(uv_timer_t *timer) {
    fake_resolve_t *f = timer->data;
    const cJSON *tasks = cJSON_GetObjectItem(f->config, "tasks");
    const cJSON *limit = cJSON_GetObjectItem(f->config, "limit");
    sl_resolved_t r = { f->config, cJSON_CreateObject(), "pipeline", 1, 0, NULL };

    if (tasks != NULL)
        r.tasks = tasks->valueint;
    if (current->tasks > 0)
        r.tasks = current->tasks;
    if (current->type != NULL)
        r.type = current->type;
    if (limit != NULL)
        r.memory_limit = (int64_t)limit->valuedouble;
    if (cJSON_GetObjectItem(f->config, "unresolvable") != NULL) {
        sl_resolved_fini(&r);
        f->done(f->user, SLUICE_INVALID, NULL, NULL);
    } else {
        f->done(f->user, SLUICE_OK, &r, NULL);
    }
    uv_close((uv_handle_t *)timer, on_resolve_closed);
}

static int fake_resolve(sl_resolver_t *self, const char *name, const char *kind,
                        const cJSON *config, sl_check_t check, sl_resolve_fn done, void *user) {
    fake_resolve_t *f = calloc(1, sizeof *f);

    (void)self;
    (void)name;
    (void)kind;
    (void)check;
    f->config = cJSON_Duplicate(config, 1);
    f->done = done;
    f->user = user;
    f->timer.data = f;
    uv_timer_init(&current->loop, &f->timer);
    uv_timer_start(&f->timer, on_resolve, current->resolve_ms, 0);
    return SLUICE_OK;
}

/* ---- fixture ---- */

static void open_all(fixture_t *f, unsigned crash_limit) {
    sl_store_options_t store = { f->folder, NULL, NULL, 5000 };
    sl_supervisor_options_t o = { 0 };
    char error[300];

    current = f;
    if (sl_store_open(&f->loop, &store, &f->store, error, sizeof error) != SLUICE_OK)
        fail_msg("%s", error);
    f->resolver.resolve = fake_resolve;
    o.loop = &f->loop;
    o.store = f->store;
    o.resolver = &f->resolver;
    o.executable = "/proc/self/exe";
    o.data_dir = f->folder;
    o.lease_ms = 300;
    o.hang_ms = 1500;
    o.drain_ms = 1000;
    o.backoff_first_ms = 10;
    o.backoff_max_ms = 50;
    o.steady_ms = f->steady_ms;
    o.crash_limit = crash_limit;
    assert_int_equal(sl_supervisor_create(&o, &f->s), SLUICE_OK);
    assert_int_equal(sl_supervisor_load(f->s), SLUICE_OK);
    sl_supervisor_begin(f->s);
}

static void on_store_closed(void *user) {
    ((fixture_t *)user)->closed = 1;
}

static void on_closed(void *user) {
    fixture_t *f = user;
    sl_store_close(f->store, on_store_closed, f);
}

static void close_all(fixture_t *f) {
    f->closed = 0;
    sl_supervisor_close(f->s, on_closed, f);
    while (!f->closed)
        uv_run(&f->loop, UV_RUN_ONCE);
    f->s = NULL;
}

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/sl-sup-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->file, sizeof f->file, "%s/notes", f->folder);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    uv_timer_init(&f->loop, &f->timer);
    f->timer.data = f;
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture_t *f = *state;
    char command[128];

    if (f->s != NULL)
        close_all(f);
    uv_close((uv_handle_t *)&f->timer, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void on_expired(uv_timer_t *timer) {
    ((fixture_t *)timer->data)->expired = 1;
}

#define WAIT(f, condition)                                                                         \
    do {                                                                                           \
        (f)->expired = 0;                                                                          \
        uv_timer_start(&(f)->timer, on_expired, 15000, 0);                                         \
        while (!(condition) && !(f)->expired)                                                      \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        uv_timer_stop(&(f)->timer);                                                                \
        if (!(condition))                                                                          \
            fail_msg("waited in vain for %s", #condition);                                         \
    } while (0)

static void on_done(void *user, const sl_action_result_t *result) {
    fixture_t *f = user;
    f->done++;
    f->status = result->status;
    snprintf(f->message, sizeof f->message, "%s", result->message ? result->message : "");
}

static int put(fixture_t *f, const char *name, const char *behave, const char *more) {
    char text[400];
    sl_put_t p = { name, "pipeline", "rest", NULL, NULL, 0, SL_CHECK_ALL };
    int before = f->done;

    snprintf(text, sizeof text, "{\"behave\":\"%s\",\"file\":\"%s\"%s}", behave, f->file, more);
    p.config = cJSON_Parse(text);
    assert_int_equal(sl_supervisor_put(f->s, &p, on_done, f), SLUICE_OK);
    WAIT(f, f->done > before);
    return f->status;
}

static sl_task_t *task_of(fixture_t *f, const char *name, size_t i) {
    sl_managed_t *m = sl_supervisor_find(f->s, name);
    return m == NULL || i >= m->task_count ? NULL : &m->tasks[i];
}

static int in_state(fixture_t *f, const char *name, sl_task_state_t state) {
    sl_task_t *t = task_of(f, name, 0);
    return t != NULL && t->state == state;
}

static void target(fixture_t *f, const char *name, const char *to) {
    int before = f->done;
    assert_int_equal(sl_supervisor_target(f->s, name, to, on_done, f), SLUICE_OK);
    WAIT(f, f->done > before);
    assert_int_equal(f->status, SLUICE_OK);
}

static size_t notes(const fixture_t *f, const char *what) {
    char line[100];
    size_t n = 0;
    FILE *file = fopen(f->file, "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        n += strncmp(line, what, strlen(what)) == 0;
    if (file != NULL)
        fclose(file);
    return n;
}

/* ---- tests ---- */

static void test_run_and_close(void **state) {
    fixture_t *f = *state;
    int pid;

    open_all(f, 3);
    assert_int_equal(put(f, "a", "run", ",\"tasks\":2"), SLUICE_OK);
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
    WAIT(f, task_of(f, "a", 1) != NULL && task_of(f, "a", 1)->state == SL_TASK_RUNNING);
    WAIT(f, task_of(f, "a", 0)->metrics != NULL && task_of(f, "a", 0)->ledger != NULL);
    WAIT(f, notes(f, "stored") >= 2 && notes(f, "lease") >= 2);
    assert_non_null(task_of(f, "a", 0)->branches);
    pid = sl_child_pid(task_of(f, "a", 0)->child);
    close_all(f);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(notes(f, "drain"), 2);
}

static void test_positions_survive(void **state) {
    fixture_t *f = *state;

    open_all(f, 3);
    put(f, "a", "run", "");
    WAIT(f, notes(f, "stored") == 1);
    close_all(f);
    open_all(f, 3); /* the store brings it back, with its position */
    WAIT(f, notes(f, "stored") == 2);
    close_all(f);
    open_all(f, 3);
    WAIT(f, notes(f, "stored") == 3 && in_state(f, "a", SL_TASK_RUNNING));
    close_all(f);
}

/* ---- a shared log that refuses ---- */

typedef struct refusal {
    uv_timer_t timer;
    sl_log_done_fn done;
    void *user;
} refusal_t;

static void on_refusal(uv_timer_t *timer) {
    refusal_t *r = timer->data;

    r->done(r->user, current->asked++ < current->refusals ? "no room" : NULL);
    uv_close((uv_handle_t *)timer, on_resolve_closed);
}

static int log_write(sl_store_log_t *self, const sl_log_entry_t *entry, sl_log_done_fn done,
                     void *user) {
    refusal_t *r = calloc(1, sizeof *r);

    (void)self;
    (void)entry;
    *r = (refusal_t){.done = done, .user = user};
    uv_timer_init(&current->loop, &r->timer);
    r->timer.data = r;
    uv_timer_start(&r->timer, on_refusal, 1, 0);
    return SLUICE_OK;
}

static void log_hurry(sl_store_log_t *self) {
    (void)self;
}

static void log_close(sl_store_log_t *self, void (*closed)(void *user), void *user) {
    (void)self;
    closed(user);
}

/* The task hears of it, and its next commit is stored. */
static void test_refused_positions(void **state) {
    static sl_store_log_t log = {log_write, log_hurry, log_close};
    fixture_t *f = *state;

    f->refusals = 1;
    f->type = "source";
    open_all(f, 3);
    assert_int_equal(sl_store_share(f->store, &log, sl_mirror_create(), 1), SLUICE_OK);
    put(f, "a", "run", "");
    WAIT(f, notes(f, "refused") == 1);
    assert_int_equal(notes(f, "stored"), 0);
    WAIT(f, notes(f, "stored") == 1);
    close_all(f);
    open_all(f, 3);
    WAIT(f, notes(f, "stored") == 2); /* it began behind what was stored */
    close_all(f);
}

static void test_pause_has_no_process(void **state) {
    fixture_t *f = *state;
    int pid;

    open_all(f, 3);
    put(f, "a", "run", "");
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
    pid = sl_child_pid(task_of(f, "a", 0)->child);
    target(f, "a", "PAUSED");
    WAIT(f, in_state(f, "a", SL_TASK_IDLE));
    assert_int_equal(kill(pid, 0), -1);
    target(f, "a", "RUNNING");
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
    target(f, "a", "STOPPED");
    close_all(f);
    open_all(f, 3);
    assert_string_equal(sl_supervisor_find(f->s, "a")->target, "STOPPED");
    assert_int_equal(sl_supervisor_target(f->s, "nope", "PAUSED", on_done, f), SLUICE_INVALID);
}

static void expect_given_up(fixture_t *f, const char *behave, const char *more, const char *why) {
    open_all(f, 3);
    put(f, "a", behave, more);
    put(f, "other", "run", "");
    WAIT(f, in_state(f, "a", SL_TASK_FAILED));
    print_message("%s: %s\n", behave, task_of(f, "a", 0)->trace);
    assert_non_null(strstr(task_of(f, "a", 0)->trace, why));
    assert_non_null(strstr(task_of(f, "a", 0)->trace, "given up after 3 crashes"));
    assert_true(in_state(f, "other", SL_TASK_RUNNING));
    assert_int_equal(task_of(f, "other", 0)->restarts, 0);
    assert_int_equal(task_of(f, "a", 0)->restarts, 2);
    assert_true(sl_supervisor_has_failed(f->s));
}

static void test_segv(void **state) {
    fixture_t *f = *state;
    expect_given_up(f, "segv", "", "killed by signal 11 (SIGSEGV)");
    assert_non_null(strstr(task_of(f, "a", 0)->trace, "about to crash"));
    assert_non_null(strstr(task_of(f, "a", 0)->trace, "INFO hello"));
}

static void test_abort(void **state) {
    expect_given_up(*state, "abort", "", "killed by signal 6 (SIGABRT)");
}

static void test_exit_code(void **state) {
    expect_given_up(*state, "exit3", "", "exit code 3");
}

static void test_silent_end(void **state) {
    expect_given_up(*state, "exit0", "", "it ended by itself without saying why");
}

static void test_garbage(void **state) {
    expect_given_up(*state, "garbage", "", "a frame is not JSON");
}

static void test_malformed_positions(void **state) {
    expect_given_up(*state, "malformed", "", "it sent malformed positions");
}

static void test_hang(void **state) {
    expect_given_up(*state, "hang", "", "it gave no sign of life for");
}

static void test_leak(void **state) {
    expect_given_up(*state, "leak", ",\"limit\":30000000",
                    "was above twice memory.limit, 28 MB");
}

/* Progress does not hide that it dies again and again by its own fault. */
static void test_crash_in_spite_of_progress(void **state) {
    fixture_t *f = *state;

    expect_given_up(f, "progress-segv", "", "killed by signal 11 (SIGSEGV)");
    assert_string_equal(task_of(f, "a", 0)->crash, "killed by signal 11 (SIGSEGV)");
    assert_true(task_of(f, "a", 0)->crashed_ms > 0);
}

static void test_leak_in_spite_of_progress(void **state) {
    expect_given_up(*state, "progress-leak", ",\"limit\":30000000",
                    "was above twice memory.limit, 28 MB");
}

static void expect_forgiven(fixture_t *f, const char *behave, const char *why) {
    open_all(f, 3);
    put(f, "a", behave, "");
    WAIT(f, task_of(f, "a", 0) != NULL && task_of(f, "a", 0)->restarts >= 6);
    assert_false(in_state(f, "a", SL_TASK_FAILED));
    assert_non_null(strstr(task_of(f, "a", 0)->crash, why));
}

static void test_kill_from_outside_is_forgiven(void **state) {
    expect_forgiven(*state, "progress-kill", "killed by signal 9 (SIGKILL)");
}

static void test_steady_run_is_forgiven(void **state) {
    ((fixture_t *)*state)->steady_ms = 200;
    expect_forgiven(*state, "progress-late-segv", "killed by signal 11 (SIGSEGV)");
}

static void test_reported_failure(void **state) {
    fixture_t *f = *state;

    open_all(f, 3);
    put(f, "a", "fail", "");
    WAIT(f, in_state(f, "a", SL_TASK_FAILED) && task_of(f, "a", 0)->child == NULL);
    assert_string_equal(task_of(f, "a", 0)->trace, "it is broken");
    assert_string_equal(task_of(f, "a", 0)->code, "test.broken");
    assert_int_equal(notes(f, "start"), 1);
    assert_true(sl_supervisor_is_settled(f->s));
    /* It stays FAILED over pause and resume, and comes back by restart. */
    target(f, "a", "PAUSED");
    target(f, "a", "RUNNING");
    WAIT(f, sl_supervisor_is_settled(f->s));
    assert_int_equal(notes(f, "start"), 1);
    assert_int_equal(sl_supervisor_restart(f->s, "a", 0, 0), SLUICE_OK);
    WAIT(f, notes(f, "start") == 2);
    WAIT(f, in_state(f, "a", SL_TASK_FAILED));
    assert_int_equal(sl_supervisor_restart(f->s, "a", -1, 1), SLUICE_OK);
    WAIT(f, notes(f, "start") == 3);
    assert_int_equal(sl_supervisor_restart(f->s, "a", -1, 0), SLUICE_OK);
    WAIT(f, notes(f, "start") == 4);
    assert_int_equal(sl_supervisor_restart(f->s, "a", 7, 0), SLUICE_INVALID);
}

static void test_finish(void **state) {
    fixture_t *f = *state;

    open_all(f, 3);
    put(f, "a", "finish", "");
    WAIT(f, sl_supervisor_is_settled(f->s));
    assert_true(in_state(f, "a", SL_TASK_FINISHED));
    assert_false(sl_supervisor_has_failed(f->s));
}

static void test_restart_waits_for_the_old(void **state) {
    fixture_t *f = *state;
    int pid;

    open_all(f, 3);
    put(f, "a", "stubborn", ""); /* does not drain: killed after 1 s */
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
    pid = sl_child_pid(task_of(f, "a", 0)->child);
    assert_int_equal(sl_supervisor_restart(f->s, "a", -1, 0), SLUICE_OK);
    WAIT(f, notes(f, "start") == 2);
    assert_int_equal(kill(pid, 0), -1);
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
}

static void test_put_again_and_delete(void **state) {
    fixture_t *f = *state;
    int before;
    sl_put_t p = { "a", "pipeline", "rest", NULL, NULL, 1, SL_CHECK_ALL };

    open_all(f, 3);
    put(f, "a", "run", "");
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
    put(f, "a", "run", ",\"x\":1");
    WAIT(f, notes(f, "start") == 2 && in_state(f, "a", SL_TASK_RUNNING));
    p.config = cJSON_CreateObject();
    before = f->done;
    assert_int_equal(sl_supervisor_put(f->s, &p, on_done, f), SLUICE_OK);
    WAIT(f, f->done > before);
    assert_int_equal(f->status, SLUICE_BUSY);
    before = f->done;
    assert_int_equal(sl_supervisor_delete(f->s, "a", 0, on_done, f), SLUICE_OK);
    assert_int_equal(sl_supervisor_delete(f->s, "a", 0, on_done, f), SLUICE_INVALID);
    WAIT(f, f->done > before);
    assert_int_equal(f->status, SLUICE_OK);
    assert_null(sl_supervisor_find(f->s, "a"));
    close_all(f);
    open_all(f, 3);
    assert_int_equal(sl_supervisor_count(f->s), 0);
}

static void test_unresolvable(void **state) {
    fixture_t *f = *state;

    open_all(f, 3);
    assert_int_equal(put(f, "a", "run", ",\"unresolvable\":1"), SLUICE_INVALID);
    assert_int_equal(sl_supervisor_count(f->s), 0);
}

static void test_file_origin_keeps_target(void **state) {
    fixture_t *f = *state;
    sl_put_t p = {"a",  "pipeline", "file",      cJSON_Parse("{\"behave\":\"run\"}"),
                  NULL, 0,          SL_CHECK_ALL};

    open_all(f, 3);
    assert_int_equal(sl_supervisor_put(f->s, &p, on_done, f), SLUICE_OK);
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
    target(f, "a", "PAUSED");
    close_all(f);
    open_all(f, 3);
    assert_int_equal(sl_supervisor_count(f->s), 0); /* without its file it is not there */
    p.config = cJSON_Parse("{\"behave\":\"run\"}");
    f->done = 0;
    assert_int_equal(sl_supervisor_put(f->s, &p, on_done, f), SLUICE_OK);
    WAIT(f, f->done == 1);
    assert_string_equal(sl_supervisor_find(f->s, "a")->target, "PAUSED");
}

static long noted_pid(const fixture_t *f, const char *what) {
    char line[100];
    long pid = 0;
    FILE *file = fopen(f->file, "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, what, strlen(what)) == 0)
            pid = strtol(line + strlen(what), NULL, 10);
    if (file != NULL)
        fclose(file);
    return pid;
}

/* SIGKILL of the supervisor: no task lives on, and the next sluice gets the data directory. */
static void test_supervisor_killed(void **state) {
    fixture_t *f = *state;
    pid_t pid;
    long task;
    int i;

    prctl(PR_SET_CHILD_SUBREAPER, 1); /* the orphan is ours to reap */
    pid = fork();
    if (pid == 0) {
        uv_loop_fork(&f->loop);
        open_all(f, 3);
        put(f, "a", "stubborn", "");
        WAIT(f, 0);
        _exit(1);
    }
    for (i = 0; i < 500 && notes(f, "stored") == 0; i++)
        usleep(20000);
    task = noted_pid(f, "start");
    assert_true(task > 0);
    assert_int_equal(kill((pid_t)task, 0), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (i = 0; i < 100 && waitpid((pid_t)task, NULL, WNOHANG) != (pid_t)task; i++)
        usleep(10000);
    assert_true(i < 100);
    open_all(f, 3);
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING));
}

/* A resolution that was under way while all was paused and resumed comes too late to replace tasks
 * whose processes still drain. */
static void test_late_resolution(void **state) {
    fixture_t *f = *state;

    open_all(f, 3);
    put(f, "a", "run", ",\"tasks\":2");
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING) && task_of(f, "a", 1)->state == SL_TASK_RUNNING);
    f->resolve_ms = 100;
    f->tasks = 3;
    sl_supervisor_restart(f->s, "a", 0, 0);
    WAIT(f, task_of(f, "a", 0)->child == NULL);
    kill(sl_child_pid(task_of(f, "a", 1)->child), SIGSTOP); /* so that it takes its time */
    target(f, "a", "PAUSED");
    target(f, "a", "RUNNING");
    WAIT(f, task_of(f, "a", 2) != NULL && task_of(f, "a", 2)->state == SL_TASK_RUNNING);
    WAIT(f, in_state(f, "a", SL_TASK_RUNNING) && task_of(f, "a", 1)->state == SL_TASK_RUNNING);
    close_all(f);
}

static void on_raced(void *user, const sl_action_result_t *result) {
    int *counts = user; /* all, OK, BUSY */

    counts[0]++;
    counts[1] += result->status == SLUICE_OK;
    counts[2] += result->status == SLUICE_BUSY;
}

static void test_two_create_one(void **state) {
    fixture_t *f = *state;
    int counts[3] = { 0, 0, 0 };
    int i;

    open_all(f, 3);
    for (i = 0; i < 2; i++) {
        sl_put_t p = {"a",  "pipeline", "rest",      cJSON_Parse("{\"behave\":\"run\"}"),
                      NULL, 1,          SL_CHECK_ALL};
        assert_int_equal(sl_supervisor_put(f->s, &p, on_raced, counts), SLUICE_OK);
    }
    WAIT(f, counts[0] == 2);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[2], 1);
}

/* A configuration that is stored together with a pause does not undo it, neither here nor there. */
static void test_put_keeps_target(void **state) {
    fixture_t *f = *state;
    sl_put_t p = {"a",  "pipeline", "rest",      cJSON_Parse("{\"behave\":\"run\"}"),
                  NULL, 0,          SL_CHECK_ALL};
    int counts[3] = { 0, 0, 0 };

    open_all(f, 3);
    put(f, "a", "run", "");
    assert_int_equal(sl_supervisor_put(f->s, &p, on_raced, counts), SLUICE_OK);
    assert_int_equal(sl_supervisor_target(f->s, "a", "PAUSED", on_raced, counts), SLUICE_OK);
    WAIT(f, counts[0] == 2);
    assert_int_equal(counts[1], 2);
    assert_string_equal(sl_supervisor_find(f->s, "a")->target, "PAUSED");
    close_all(f);
    open_all(f, 3);
    assert_string_equal(sl_supervisor_find(f->s, "a")->target, "PAUSED");
}

/* A file size limit stands in for a full disk: it must not keep us from ending. */
static void test_end_on_a_full_disk(void **state) {
    fixture_t *f = *state;
    struct rlimit limit;
    rlim_t before;

    signal(SIGXFSZ, SIG_IGN);
    open_all(f, 3);
    put(f, "a", "run", "");
    WAIT(f, notes(f, "stored") == 1);
    getrlimit(RLIMIT_FSIZE, &limit);
    before = limit.rlim_cur;
    limit.rlim_cur = 1024;
    setrlimit(RLIMIT_FSIZE, &limit);
    sl_supervisor_restart(f->s, "a", -1, 0);
    WAIT(f, notes(f, "drain") == 1);
    WAIT(f, task_of(f, "a", 0) != NULL && task_of(f, "a", 0)->state == SL_TASK_STARTING);
    close_all(f);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_long_name(void **state) {
    fixture_t *f = *state;
    char name[256];
    char command[200];
    size_t i;

    for (i = 0; i < sizeof name - 1; i++)
        name[i] = "/.\n"[i % 2];
    name[sizeof name - 1] = '\0';
    open_all(f, 3);
    put(f, name, "run", "");
    WAIT(f, in_state(f, name, SL_TASK_RUNNING));
    snprintf(command, sizeof command, "test -d %s/state/%%2F%%2E*~*", f->folder);
    assert_int_equal(system(command), 0);
}

static void delete(fixture_t *f, const char *name, int forget) {
    int before = f->done;

    assert_int_equal(sl_supervisor_delete(f->s, name, forget, on_done, f), SLUICE_OK);
    WAIT(f, f->done > before);
    assert_int_equal(f->status, SLUICE_OK);
}

/* Where positions stay, what plugins keep beside them stays too. */
static void test_delete_and_state(void **state) {
    fixture_t *f = *state;
    char command[300];

    open_all(f, 3);
    put(f, "empty", "run", "");
    put(f, "kept", "run", "");
    put(f, "gone", "run", "");
    WAIT(f, in_state(f, "gone", SL_TASK_RUNNING));
    snprintf(
        command, sizeof command,
        "cd %s/state && mkdir gone/deep && ln -s ../kept gone/link && touch kept/x gone/deep/x",
        f->folder);
    assert_int_equal(system(command), 0);
    delete(f, "empty", 0);
    delete(f, "kept", 0);
    delete(f, "gone", 1);
    snprintf(command, sizeof command, "cd %s/state && test \"$(echo *) $(ls kept)\" = 'kept x'",
             f->folder);
    assert_int_equal(system(command), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        CASE(test_run_and_close),
        CASE(test_positions_survive),
        CASE(test_refused_positions),
        CASE(test_pause_has_no_process),
        CASE(test_segv),
        CASE(test_abort),
        CASE(test_exit_code),
        CASE(test_silent_end),
        CASE(test_garbage),
        CASE(test_malformed_positions),
        CASE(test_hang),
        CASE(test_leak),
        CASE(test_crash_in_spite_of_progress),
        CASE(test_leak_in_spite_of_progress),
        CASE(test_kill_from_outside_is_forgiven),
        CASE(test_steady_run_is_forgiven),
        CASE(test_reported_failure),
        CASE(test_finish),
        CASE(test_restart_waits_for_the_old),
        CASE(test_put_again_and_delete),
        CASE(test_unresolvable),
        CASE(test_file_origin_keeps_target),
        CASE(test_supervisor_killed),
        CASE(test_late_resolution),
        CASE(test_two_create_one),
        CASE(test_put_keeps_target),
        CASE(test_long_name),
        CASE(test_end_on_a_full_disk),
        CASE(test_delete_and_state),
    };

    if (argc > 1 && strcmp(argv[1], "__task") == 0)
        return fake_task_main();
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
