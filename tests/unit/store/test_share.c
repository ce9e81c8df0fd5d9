/* A store with shared logs: which entries a change writes, when it completes, and what is taken. */
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "sluice/error.h"

#define MOST 64

typedef struct waiting {
    sl_log_done_fn done;
    void *user;
} waiting_t;

typedef struct fixture {
    sl_store_log_t log; /* first: the store hands us this */
    uv_loop_t loop;
    char folder[64];
    sl_store_t *store;
    sl_mirror_t *mirror; /* to share next */
    char written[MOST][600];
    size_t count;
    waiting_t waiting[MOST];
    size_t waits;
    int holds; /* answers wait for `answer` */
    int done;
    char error[200];
    cJSON *entries;
} fixture_t;

/* The place and the log, where an entry has them. */
static void note_rest(char *line, const sl_log_entry_t *e) {
    char *end = line + strlen(line);
    size_t size = sizeof ((fixture_t *)NULL)->written[0] - strlen(line);

    if (e->place.position != NULL)
        snprintf(end, size, " at %s/%u of %s", e->place.position, (unsigned)e->place.sub,
                 e->place.partition);
    end = line + strlen(line);
    size = sizeof ((fixture_t *)NULL)->written[0] - strlen(line);
    if (e->name != NULL)
        snprintf(end, size, " in %s", e->name);
}

static int log_write(sl_store_log_t *self, const sl_log_entry_t *e, sl_log_done_fn done,
                     void *user) {
    fixture_t *f = (fixture_t *)self;

    assert_true(f->count < MOST);
    snprintf(f->written[f->count], sizeof f->written[0], "%d %s %s", e->log, e->key,
             e->value == NULL ? "-" : e->value);
    note_rest(f->written[f->count++], e);
    if (done != NULL)
        f->waiting[f->waits++] = (waiting_t){done, user};
    return SLUICE_OK;
}

static void answer(fixture_t *f, const char *error) {
    size_t i, n = f->waits;

    f->waits = 0;
    for (i = 0; i < n; i++)
        f->waiting[i].done(f->waiting[i].user, error);
}

/* The oldest that waits. */
static void answer_first(fixture_t *f, const char *error) {
    waiting_t first = f->waiting[0];

    assert_true(f->waits > 0);
    memmove(f->waiting, f->waiting + 1, --f->waits * sizeof f->waiting[0]);
    first.done(first.user, error);
}

static void answer_last(fixture_t *f) {
    waiting_t last = f->waiting[--f->waits];

    last.done(last.user, NULL);
}

static void log_hurry(sl_store_log_t *self) {
    (void)self;
}

static void log_close(sl_store_log_t *self, void (*closed)(void *user), void *user) {
    answer((fixture_t *)self, NULL);
    closed(user);
}

static void on_done(void *user, int status, const char *error) {
    fixture_t *f = user;

    f->done++;
    snprintf(f->error, sizeof f->error, "%s", status == SLUICE_OK ? "" : error);
}

static void on_loaded(void *user, int status, cJSON *entries) {
    fixture_t *f = user;

    assert_int_equal(status, SLUICE_OK);
    cJSON_Delete(f->entries);
    f->entries = entries;
    f->done++;
}

static void wait_done(fixture_t *f, int count) {
    while (f->done < count) {
        if (!f->holds)
            answer(f, NULL);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
}

static void put_log(fixture_t *f, int log, const char *key, const char *value) {
    sl_log_entry_t entry = {.log = log, .key = key, .value = value};
    assert_int_equal(sl_mirror_apply(f->mirror, &entry, 0), SLUICE_OK);
}

static void open_store(fixture_t *f) {
    sl_store_options_t options = {f->folder, NULL, NULL, 2000};
    char error[512];

    if (sl_store_open(&f->loop, &options, &f->store, error, sizeof error) != SLUICE_OK)
        fail_msg("%s", error);
}

static void share(fixture_t *f) {
    assert_int_equal(sl_store_share(f->store, &f->log, f->mirror, 0), SLUICE_OK);
    f->mirror = sl_mirror_create();
    sl_store_set_worker(f->store, "h:1");
    f->count = 0;
}

static void close_store(fixture_t *f) {
    sl_store_close(f->store, NULL, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
}

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);

    strcpy(f->folder, "/tmp/sluice-share-XXXXXX");
    f->log = (sl_store_log_t){log_write, log_hurry, log_close};
    f->mirror = sl_mirror_create();
    uv_loop_init(&f->loop);
    *state = f;
    return mkdtemp(f->folder) == NULL;
}

static int teardown(void **state) {
    fixture_t *f = *state;
    char command[100];

    sl_mirror_destroy(f->mirror);
    cJSON_Delete(f->entries);
    uv_loop_close(&f->loop);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void expect(fixture_t *f, const char *const *lines, size_t count) {
    size_t i;

    for (i = 0; i < count && i < f->count; i++)
        assert_string_equal(f->written[i], lines[i]);
    assert_int_equal(f->count, count);
    f->count = 0;
}
#define EXPECT(f, ...)                                  \
    do {                                                \
        const char *const lines[] = {__VA_ARGS__};      \
        expect(f, lines, sizeof lines / sizeof *lines); \
    } while (0)

static void put_config(fixture_t *f, const char *target) {
    sl_store_config_t c = {"a-b", "connector", "{\"k\":\"v\\u001b\",\"name\":\"a-b\"}", target,
                           "source"};

    c.is_target_said = target != NULL;
    assert_int_equal(sl_store_put_config(f->store, &c, on_done, f), SLUICE_OK);
}

static void put_tasks(fixture_t *f, const char *json) {
    cJSON *configs = cJSON_Parse(json);

    assert_int_equal(sl_store_put_tasks(f->store, "a-b", configs), SLUICE_OK);
    cJSON_Delete(configs);
}

static void test_entries_of_changes(void **state) {
    fixture_t *f = *state;

    open_store(f);
    share(f);
    put_config(f, "STOPPED");
    EXPECT(f, "0 target-state-a-b {\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}",
           "0 connector-a-b {\"properties\":{\"k\":\"v\\u001B\",\"name\":\"a-b\"}}");
    put_config(f, NULL);
    EXPECT(f, "0 connector-a-b {\"properties\":{\"k\":\"v\\u001B\",\"name\":\"a-b\"}}");
    sl_store_put_target(f->store, "a-b", "RUNNING", on_done, f);
    EXPECT(f, "0 target-state-a-b {\"state\":\"STARTED\",\"state.v2\":\"STARTED\"}");
    put_tasks(f, "[{\"x\":\"1\"},{\"x\":\"2\"}]");
    EXPECT(f, "0 task-a-b-0 {\"properties\":{\"x\":\"1\"}}",
           "0 task-a-b-1 {\"properties\":{\"x\":\"2\"}}", "0 commit-a-b {\"tasks\":2}");
    put_tasks(f, "[{\"x\":\"1\"},{\"x\":\"2\"}]"); /* the same: nothing */
    assert_int_equal(f->count, 0);
    sl_store_put_target(f->store, "a-b", "STOPPED", on_done, f);
    EXPECT(f, "0 commit-a-b {\"tasks\":0}",
           "0 target-state-a-b {\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}");
    sl_store_delete_config(f->store, "a-b", on_done, f);
    EXPECT(f, "0 connector-a-b -", "0 target-state-a-b -");
    wait_done(f, 5);
    close_store(f);
}

static void test_states(void **state) {
    fixture_t *f = *state;

    put_log(f, SL_LOG_CONFIGS, "connector-a-b", "{\"properties\":{}}");
    put_log(f, SL_LOG_STATES, "status-task-a-b-0",
            "{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"old:1\",\"generation\":4}");
    open_store(f);
    share(f);
    sl_store_put_state(f->store, "a-b", 0, "UNASSIGNED", NULL); /* not ours to end */
    assert_int_equal(f->count, 0);
    sl_store_put_state(f->store, "a-b", 0, "RUNNING", NULL); /* the other worker's is another one */
    sl_store_put_state(f->store, "a-b", 0, "RUNNING", NULL);
    sl_store_put_state(f->store, "a-b", 0, "FAILED", "a \"b\"");
    sl_store_put_state(f->store, "none", 0, "FAILED", "x");
    EXPECT(
        f,
        "2 status-task-a-b-0 {\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"h:1\","
           "\"generation\":5}",
        "2 status-task-a-b-0 {\"state\":\"FAILED\",\"trace\":\"a \\\"b\\\"\",\"worker_id\":\"h:1\","
        "\"generation\":5}");
    sl_store_drop_states(f->store, "a-b", 0);
    EXPECT(f, "2 status-task-a-b-0 -");
    close_store(f);
}

static cJSON *offsets(const char *partition, const char *offset) {
    cJSON *list = cJSON_CreateArray(), *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "branch", "@topics");
    cJSON_AddStringToObject(one, "partition", partition);
    cJSON_AddStringToObject(one, "position", "0a0b");
    cJSON_AddStringToObject(one, "offset", offset);
    cJSON_AddItemToArray(list, one);
    return list;
}

/* A key keeps its bytes, whoever wrote it; positions reach SQLite only behind the log. */
static void test_offsets(void **state) {
    fixture_t *f = *state;

    put_log(f, SL_LOG_CONFIGS, "connector-a-b", "{\"properties\":{}}");
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\", {\"q\":2,\"p\":1}]", "{\"n\":1}");
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"old\":1}]", "{\"n\":9}");
    open_store(f);
    share(f);
    f->holds = 1;
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1,\"q\":2}", "{\"n\":2}"), on_done, f);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1,\"q\":2}", "{\"n\":2}"), on_done, f);
    EXPECT(f, "1 [\"a-b\", {\"q\":2,\"p\":1}] {\"n\":2}",
           "1 [\"a-b\", {\"q\":2,\"p\":1}] {\"n\":2}"); /* whether it is there is not known yet */
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->done, 0); /* the second waits behind the first */
    f->holds = 0;
    wait_done(f, 2);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1,\"q\":2}", "{\"n\":2}"), on_done, f);
    assert_int_equal(f->count, 0); /* it is */
    sl_store_replace_offsets(f->store, "a-b", offsets("{\"p\":1,\"q\":2}", "{\"n\":0}"), on_done,
                             f);
    EXPECT(f, "1 [\"a-b\",{\"old\":1}] -", "1 [\"a-b\", {\"q\":2,\"p\":1}] {\"n\":0}");
    wait_done(f, 4);
    close_store(f);
}

/* Where tasks write offsets themselves none is written again; what users alter is, always. */
static void test_exactly_once(void **state) {
    fixture_t *f = *state;
    cJSON *none = cJSON_CreateArray(), *altered = offsets("{\"p\":1}", "{\"n\":2}");

    put_log(f, SL_LOG_CONFIGS, "connector-a-b",
            "{\"properties\":{\"offsets.storage.topic\":\"\"}}");
    open_store(f);
    share(f);
    assert_int_equal(sl_store_set_offset_log(f->store, "theirs", 1), SLUICE_OK);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    wait_done(f, 1);
    assert_int_equal(f->count, 0);
    cJSON_SetValuestring(cJSON_GetObjectItem(altered->child, "position"), "");
    sl_store_replace_offsets(f->store, "a-b", altered, on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":2}"); /* the log may hold a later one by now */
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":2}", "{\"n\":3}"), on_done, f);
    sl_store_replace_offsets(f->store, "a-b", none, on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] -", "1 [\"a-b\",{\"p\":2}] -"); /* its tasks' keys */
    wait_done(f, 4);
    close_store(f);
}

/* A connector with a log of its own: the worker's follows, with the place. */
static void test_own_log(void **state) {
    fixture_t *f = *state;
    cJSON *altered = offsets("{\"p\":1}", "{\"n\":1}");

    put_log(f, SL_LOG_CONFIGS, "connector-a-b",
            "{\"properties\":{\"offsets.storage.topic\":\"own\"}}");
    open_store(f);
    share(f);
    sl_store_set_offset_log(f->store, "theirs", 1);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":2} at 0a0b/0 of {\"p\":1}");
    wait_done(f, 1);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    assert_int_equal(f->count, 0); /* as it is */
    cJSON_SetValuestring(cJSON_GetObjectItem(altered->child, "position"), "");
    sl_store_replace_offsets(f->store, "a-b", altered, on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":1} in own", "1 [\"a-b\",{\"p\":1}] {\"n\":1}");
    sl_store_replace_offsets(f->store, "a-b", cJSON_CreateArray(), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] -", "1 [\"a-b\",{\"p\":1}] - in own");
    wait_done(f, 4);
    close_store(f);
}

static void test_refused(void **state) {
    fixture_t *f = *state;

    open_store(f);
    share(f);
    f->holds = 1;
    put_config(f, NULL);
    sl_store_load_positions(f->store, "a-b", on_loaded, f); /* waits in order */
    answer(f, "no way");
    EXPECT(f, "0 connector-a-b {\"properties\":{\"k\":\"v\\u001B\",\"name\":\"a-b\"}}",
           "0 connector-a-b -"); /* it may be there all the same */
    wait_done(f, 2);
    assert_string_equal(f->error, "no way");
    close_store(f);
    open_store(f);
    assert_int_equal(sl_store_each_config(f->store, NULL, NULL), SLUICE_OK); /* there is none */
    close_store(f);
}

/* The same where tasks do not write: both logs have everything. */
static void test_own_log_of_whom_we_write(void **state) {
    fixture_t *f = *state;

    put_log(f, SL_LOG_CONFIGS, "connector-a-b",
            "{\"properties\":{\"offsets.storage.topic\":\"own\"}}");
    open_store(f);
    share(f);
    sl_store_set_offset_log(f->store, "theirs", 0);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":2} in own", "1 [\"a-b\",{\"p\":1}] {\"n\":2}");
    wait_done(f, 1);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    assert_int_equal(f->count, 0);
    sl_store_replace_offsets(f->store, "a-b", cJSON_CreateArray(), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] -", "1 [\"a-b\",{\"p\":1}] - in own");
    sl_store_set_offset_log(f->store, "own", 0);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":3}"), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":3}"); /* it is the worker's */
    wait_done(f, 4);
    close_store(f);
}

/* What the log refused is asked for again: then it is written again. */
static void test_refused_delete(void **state) {
    fixture_t *f = *state;

    open_store(f);
    share(f);
    put_config(f, "PAUSED");
    put_tasks(f, "[{\"x\":\"1\"}]");
    wait_done(f, 1);
    f->holds = 1;
    f->count = 0;
    sl_store_put_target(f->store, "a-b", "RUNNING", on_done, f);
    sl_store_delete_config(f->store, "a-b", on_done, f);
    EXPECT(f, "0 target-state-a-b {\"state\":\"STARTED\",\"state.v2\":\"STARTED\"}",
           "0 connector-a-b -", "0 target-state-a-b -");
    answer(f, "no way");
    EXPECT(f, "0 connector-a-b {\"properties\":{\"k\":\"v\\u001B\",\"name\":\"a-b\"}}",
           "0 target-state-a-b {\"state\":\"PAUSED\",\"state.v2\":\"PAUSED\"}");
    wait_done(f, 3);
    put_tasks(f, "[{\"x\":\"1\"}]"); /* they went with it, so nobody knows them */
    EXPECT(f, "0 task-a-b-0 {\"properties\":{\"x\":\"1\"}}", "0 commit-a-b {\"tasks\":1}");
    answer(f, "no way");
    put_tasks(f, "[{\"x\":\"1\"}]");
    EXPECT(f, "0 task-a-b-0 {\"properties\":{\"x\":\"1\"}}", "0 commit-a-b {\"tasks\":1}");
    answer(f, NULL);
    sl_store_delete_config(f->store, "a-b", on_done, f);
    EXPECT(f, "0 connector-a-b -", "0 target-state-a-b -");
    answer(f, NULL);
    f->holds = 0;
    wait_done(f, 4);
    close_store(f);
}

/* An offset that nobody answers holds up what comes behind it, and nothing else. */
static void test_who_waits_for_whom(void **state) {
    fixture_t *f = *state;

    open_store(f);
    share(f);
    f->holds = 1;
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":1}"), on_done, f);
    sl_store_load_positions(f->store, "a-b", on_loaded, f);
    sl_store_put_offsets(f->store, "c", offsets("{\"p\":1}", "{\"n\":1}"), on_done, f);
    answer_last(f);
    wait_done(f, 1); /* another connector's */
    sl_store_load_positions(f->store, "d", on_loaded, f);
    wait_done(f, 2);
    put_config(f, NULL);
    answer_last(f);
    wait_done(f, 3); /* its own configuration */
    put_config(f, NULL);
    sl_store_load_status(f->store, "a-b", on_loaded, f);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->done, 3); /* in order among themselves */
    answer_last(f);
    wait_done(f, 5);
    assert_int_equal(f->waits, 1);
    answer_first(f, NULL);
    wait_done(f, 7);
    assert_int_equal(cJSON_GetArraySize(f->entries), 1); /* what was behind the offset sees it */
    close_store(f);
}

static void wait_written(fixture_t *f, size_t count) {
    while (f->count < count)
        uv_run(&f->loop, UV_RUN_ONCE);
}

/* What a user was told to have failed is written as it was, also the part of it that did not fail,
 * until the log has it or something newer. */
static void test_repairs(void **state) {
    fixture_t *f = *state;

    put_log(f, SL_LOG_CONFIGS, "connector-a-b", "{\"properties\":{\"k\":\"old\"}}");
    open_store(f);
    share(f);
    f->holds = 1;
    put_config(f, "PAUSED");
    f->count = 0;
    answer_first(f, NULL); /* the target */
    answer_first(f, "no time");
    EXPECT(f, "0 target-state-a-b -", "0 connector-a-b {\"properties\":{\"k\":\"old\"}}");
    wait_done(f, 1);
    answer_first(f, "no time");
    answer_first(f, NULL);
    wait_written(f, 1); /* that which was refused, again */
    EXPECT(f, "0 target-state-a-b -");
    sl_store_put_target(f->store, "a-b", "STOPPED", on_done, f);
    f->count = 0;
    answer(f, "no time"); /* the target of before needs no repair any more: what came then does */
    EXPECT(f, "0 target-state-a-b -");
    answer(f, NULL);
    wait_done(f, 2);
    f->holds = 0;
    put_config(f, NULL);
    wait_done(f, 3);
    EXPECT(f, "0 connector-a-b {\"properties\":{\"k\":\"v\\u001B\",\"name\":\"a-b\"}}");
    close_store(f);
}

/* An offset that was refused is not taken for one that is there, nor is a forgotten one. */
static void test_refused_offsets(void **state) {
    fixture_t *f = *state;

    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":1}]", "{\"n\":1}");
    open_store(f);
    share(f);
    f->holds = 1;
    sl_store_replace_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":2}");
    answer(f, "no way");
    wait_done(f, 1);
    assert_string_equal(f->error, "no way");
    sl_store_replace_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] {\"n\":2}");
    answer(f, NULL);
    wait_done(f, 2);
    assert_string_equal(f->error, "");
    sl_store_replace_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":2}"), on_done, f);
    assert_int_equal(f->count, 0);
    wait_done(f, 3);
    sl_store_replace_offsets(f->store, "a-b", cJSON_CreateArray(), on_done, f);
    answer(f, "no way");
    wait_done(f, 4);
    f->count = 0;
    sl_store_replace_offsets(f->store, "a-b", cJSON_CreateArray(), on_done, f);
    EXPECT(f, "1 [\"a-b\",{\"p\":1}] -");
    answer(f, NULL);
    wait_done(f, 5);
    close_store(f);
}

static const char *member(const fixture_t *f, int i, const char *key) {
    return cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(f->entries, i), key));
}

/* What agrees with the logs keeps its position; everything else is as they say. */
static void test_take_over(void **state) {
    fixture_t *f = *state;

    open_store(f);
    put_config(f, "RUNNING");
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":1}"), on_done, f);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":2}", "{\"n\":2}"), on_done, f);
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":3}", "{\"n\":3}"), on_done, f);
    wait_done(f, 4);
    close_store(f);

    put_log(f, SL_LOG_CONFIGS, "connector-a-b", "{\"properties\":{\"k\":\"new\"}}");
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":1}]", "{ \"n\": 1 }"); /* the same */
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":2}]", "{\"n\":7}");    /* another */
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":3}]", NULL);           /* none */
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":4}]", "{\"n\":4}");    /* new */
    open_store(f);
    share(f);
    sl_store_load_positions(f->store, "a-b", on_loaded, f);
    wait_done(f, 5);
    assert_int_equal(cJSON_GetArraySize(f->entries), 3);
    assert_string_equal(member(f, 0, "position"), "0a0b");
    assert_string_equal(member(f, 1, "offset"), "{\"n\":7}");
    assert_string_equal(member(f, 1, "position"), "");
    assert_string_equal(member(f, 2, "partition"), "{\"p\":4}");
    close_store(f);
}

/* A log that says positions is believed: they are those of the offsets that it says. */
static void test_take_over_positions(void **state) {
    fixture_t *f = *state;
    sl_log_entry_t entry = {.log = SL_LOG_OFFSETS,
                            .key = "[\"a-b\",{\"p\":1}]",
                            .value = "{\"n\":1}",
                            .place = {"0c", "{\"p\":1}", 7}};

    open_store(f);
    put_config(f, "RUNNING");
    sl_store_put_offsets(f->store, "a-b", offsets("{\"p\":1}", "{\"n\":1}"), on_done, f);
    wait_done(f, 2);
    close_store(f);

    put_log(f, SL_LOG_CONFIGS, "connector-a-b", "{\"properties\":{\"k\":\"v\"}}");
    assert_int_equal(sl_mirror_apply(f->mirror, &entry, 0), SLUICE_OK);
    entry.key = "[\"a-b\",{\"p\":2}]";
    entry.place = (sl_log_place_t){"ff00", "{ \"p\": 2 }", 0};
    assert_int_equal(sl_mirror_apply(f->mirror, &entry, 0), SLUICE_OK);
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":2}]", "{\"n\":5}"); /* somebody altered it */
    entry.key = "[\"a-b\",{\"p\":3}]";
    entry.place.partition = "{ \"p\": 3 }";
    assert_int_equal(sl_mirror_apply(f->mirror, &entry, 0), SLUICE_OK);
    open_store(f);
    share(f);
    sl_store_load_positions(f->store, "a-b", on_loaded, f);
    wait_done(f, 3);
    assert_int_equal(cJSON_GetArraySize(f->entries), 3); /* by their partitions' texts */
    assert_string_equal(member(f, 0, "partition"), "{ \"p\": 3 }");
    assert_string_equal(member(f, 0, "position"), "ff00");
    assert_string_equal(member(f, 1, "position"), "0c");
    assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(f->entries, 1), "sub")->valueint, 7);
    assert_string_equal(member(f, 2, "position"), "");
    assert_string_equal(member(f, 2, "offset"), "{\"n\":5}");
    close_store(f);
}

static void on_config(void *user, const sl_store_config_t *c) {
    snprintf(((fixture_t *)user)->error, sizeof((fixture_t *)user)->error, "%s %s", c->kind,
             c->text);
}

/* A pipeline stays what it is when the logs have a connector of its name. */
static void test_take_over_beside_a_pipeline(void **state) {
    fixture_t *f = *state;
    sl_store_config_t c = {"a-b", "pipeline", "{\"source\":1}", "RUNNING", "source"};

    open_store(f);
    assert_int_equal(sl_store_put_config(f->store, &c, on_done, f), SLUICE_OK);
    wait_done(f, 1);
    close_store(f);
    put_log(f, SL_LOG_CONFIGS, "connector-a-b", "{\"properties\":{\"k\":\"new\"}}");
    put_log(f, SL_LOG_OFFSETS, "[\"a-b\",{\"p\":4}]", "{\"n\":4}");
    open_store(f);
    share(f);
    assert_int_equal(sl_store_each_config(f->store, on_config, f), SLUICE_OK);
    assert_string_equal(f->error, "pipeline {\"source\":1}");
    sl_store_load_positions(f->store, "a-b", on_loaded, f);
    wait_done(f, 2);
    assert_int_equal(cJSON_GetArraySize(f->entries), 0);
    close_store(f);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_entries_of_changes), CASE(test_states), CASE(test_offsets), CASE(test_refused),
        CASE(test_take_over), CASE(test_exactly_once), CASE(test_own_log),
        CASE(test_own_log_of_whom_we_write), CASE(test_refused_delete),
        CASE(test_who_waits_for_whom),
        CASE(test_repairs),
        CASE(test_refused_offsets),
        CASE(test_take_over_positions), CASE(test_take_over_beside_a_pipeline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
