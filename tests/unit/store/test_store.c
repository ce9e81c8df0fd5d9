/* The store on a real file: round trips, group commit, formats, locking, disk trouble. */
#include "store/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "sluice/error.h"

typedef struct fixture {
    uv_loop_t loop;
    char folder[64];
    sl_store_t *store;
    int done;
    int failed;
    int troubles;
    int recovered;
    int closed;
    char text[512];
    cJSON *entries;
} fixture_t;

static void on_trouble(void *user, const char *message) {
    fixture_t *f = user;
    if (message == NULL) {
        f->recovered++;
        return;
    }
    f->troubles++;
    snprintf(f->text, sizeof f->text, "%s", message);
}

static void on_done(void *user, int status, const char *error) {
    fixture_t *f = user;
    f->done++;
    if (status != SLUICE_OK) {
        f->failed++;
        snprintf(f->text, sizeof f->text, "%s", error);
    }
}

static void on_loaded(void *user, int status, cJSON *entries) {
    fixture_t *f = user;
    assert_int_equal(status, SLUICE_OK);
    cJSON_Delete(f->entries);
    f->entries = entries;
    f->done++;
}

static void on_closed(void *user) {
    ((fixture_t *)user)->closed = 1;
}

static int try_open(fixture_t *f, char *error, size_t size) {
    sl_store_options_t options = { f->folder, on_trouble, f, 2000 };
    return sl_store_open(&f->loop, &options, &f->store, error, size);
}

static void open_store(fixture_t *f) {
    char error[512];
    if (try_open(f, error, sizeof error) != SLUICE_OK)
        fail_msg("%s", error);
}

static void close_store(fixture_t *f) {
    f->closed = 0;
    sl_store_close(f->store, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
}

static int setup(void **state) {
    fixture_t *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/sl-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture_t *f = *state;
    char command[128];
    assert_int_equal(uv_loop_close(&f->loop), 0);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    cJSON_Delete(f->entries);
    free(f);
    return 0;
}

static void wait_done(fixture_t *f, int n) {
    while (f->done < n)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static cJSON *entry(const char *branch, const char *partition, const char *position, int sub) {
    cJSON *e = cJSON_CreateObject();
    cJSON_AddStringToObject(e, "branch", branch);
    cJSON_AddStringToObject(e, "partition", partition);
    cJSON_AddStringToObject(e, "position", position);
    cJSON_AddNumberToObject(e, "sub", sub);
    cJSON_AddStringToObject(e, "offset", "{\"lsn\":1}");
    cJSON_AddNullToObject(e, "cookie");
    return e;
}

static cJSON *entries(cJSON *one) {
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, one);
    return list;
}

static void each(void *user, const sl_store_config_t *c) {
    char *text = user;
    sprintf(text + strlen(text), "%s|%s|%s|%s", c->name, c->kind, c->text, c->target);
    if (c->type != NULL || c->secrets != NULL)
        sprintf(text + strlen(text), "|%s|%s", c->type, c->secrets);
    strcat(text, ";");
}

static void test_configs(void **state) {
    fixture_t *f = *state;
    sl_store_config_t a = { "a", "pipeline", "{}", "RUNNING" };
    sl_store_config_t b = { "b", "connector", "{\"x\":1}", "PAUSED", "sink", "[\"/x\"]" };
    char text[200] = "";
    char path[128];
    struct stat info;

    open_store(f);
    snprintf(path, sizeof path, "%s/sluice.db", f->folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600); /* they may hold passwords */
    strcat(path, "-wal");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(sl_store_put_config(f->store, &b, on_done, f), SLUICE_OK);
    assert_int_equal(sl_store_put_config(f->store, &a, on_done, f), SLUICE_OK);
    assert_int_equal(sl_store_put_target(f->store, "a", "STOPPED", on_done, f), SLUICE_OK);
    wait_done(f, 3);
    close_store(f);
    open_store(f);
    assert_int_equal(sl_store_each_config(f->store, each, text), SLUICE_OK);
    assert_string_equal(text, "a|pipeline|{}|STOPPED;b|connector|{\"x\":1}|PAUSED|sink|[\"/x\"];");
    assert_int_equal(sl_store_delete_config(f->store, "a", on_done, f), SLUICE_OK);
    close_store(f); /* completes what is queued */
    assert_int_equal(f->done, 4);
    assert_int_equal(f->failed, 0);
    open_store(f);
    text[0] = '\0';
    assert_int_equal(sl_store_each_config(f->store, each, text), SLUICE_OK);
    assert_string_equal(text, "b|connector|{\"x\":1}|PAUSED|sink|[\"/x\"];");
    close_store(f);
}

static void test_positions(void **state) {
    fixture_t *f = *state;
    char *text;

    open_store(f);
    sl_store_put_positions(f->store, "p", entries(entry("b1", "{}", "00ff", 3)), on_done, f);
    sl_store_put_positions(f->store, "p", entries(entry("b1", "{}", "01ff", 0)), on_done, f);
    sl_store_put_positions(f->store, "p", entries(entry("b2", "{}", "", 0)), on_done, f);
    sl_store_put_positions(f->store, "q", entries(entry("b1", "{}", "aa", 0)), on_done, f);
    sl_store_load_positions(f->store, "p", on_loaded, f);
    wait_done(f, 5);
    assert_int_equal(f->failed, 0);
    text = cJSON_PrintUnformatted(f->entries);
    assert_string_equal(text, "[{\"branch\":\"b1\",\"partition\":\"{}\",\"position\":\"01ff\","
                              "\"sub\":0,\"offset\":\"{\\\"lsn\\\":1}\",\"cookie\":null},"
                              "{\"branch\":\"b2\",\"partition\":\"{}\",\"position\":\"\","
                              "\"sub\":0,\"offset\":\"{\\\"lsn\\\":1}\",\"cookie\":null}]");
    free(text);
    assert_int_equal(sl_store_put_positions(f->store, "p", entries(entry("b", "{}", "0", 0)),
                                            on_done, f),
                     SLUICE_INVALID);
    assert_int_equal(sl_store_put_positions(f->store, "p", cJSON_CreateObject(), on_done, f),
                     SLUICE_INVALID);
    sl_store_delete_positions(f->store, "p", on_done, f);
    sl_store_load_positions(f->store, "p", on_loaded, f);
    wait_done(f, 7);
    assert_int_equal(cJSON_GetArraySize(f->entries), 0);
    close_store(f);
}

static void test_history_is_bounded(void **state) {
    fixture_t *f = *state;
    int i;

    open_store(f);
    for (i = 0; i < 120; i++)
        assert_int_equal(sl_store_put_status(f->store, "p", i, "RUNNING", NULL), SLUICE_OK);
    sl_store_load_status(f->store, "p", on_loaded, f);
    wait_done(f, 1);
    assert_int_equal(cJSON_GetArraySize(f->entries), 50);
    assert_int_equal(cJSON_GetObjectItem(f->entries->child, "task")->valueint, 119);
    close_store(f);
}

/* Requests that share a commit end in one turn of the loop: those made while one is synced wait for
 * the next, all together. */
static void test_group_commit(void **state) {
    fixture_t *f = *state;
    int i, done, turns = 0;

    open_store(f);
    for (i = 0; i < 5000; i++)
        sl_store_put_positions(f->store, "p", entries(entry("b", "{}", "0011", i)), on_done, f);
    while ((done = f->done) < 5000) {
        uv_run(&f->loop, UV_RUN_ONCE);
        turns += f->done > done;
    }
    assert_in_range(turns, 1, 500);
    assert_int_equal(f->failed, 0);
    close_store(f);
}

static void exec_file(const fixture_t *f, const char *sql) {
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/sluice.db", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_newer_refused(void **state) {
    fixture_t *f = *state;
    char error[512];

    open_store(f);
    close_store(f);
    exec_file(f, "UPDATE format SET version = 99");
    assert_int_equal(try_open(f, error, sizeof error), SLUICE_FATAL);
    assert_non_null(strstr(error, "was written by a newer sluice (format 99"));
    assert_non_null(strstr(error, f->folder));
}

static void test_older_migrated(void **state) {
    fixture_t *f = *state;
    char text[200] = "";

    exec_file(f, "CREATE TABLE format(version INTEGER NOT NULL, written_by TEXT NOT NULL);"
                 "INSERT INTO format VALUES(1, 'sluice 0.0');"
                 "CREATE TABLE configs(name TEXT PRIMARY KEY, kind TEXT NOT NULL, config TEXT NOT "
                 "NULL, target TEXT NOT NULL) WITHOUT ROWID;"
                 "INSERT INTO configs VALUES('old', 'pipeline', '{}', 'RUNNING');"
                 "CREATE TABLE positions(pipeline TEXT NOT NULL, branch TEXT NOT NULL, part TEXT "
                 "NOT NULL, position BLOB NOT NULL, sub INTEGER NOT NULL, offset TEXT, cookie TEXT,"
                 " PRIMARY KEY(pipeline, branch, part)) WITHOUT ROWID;"
                 "INSERT INTO positions VALUES('old', 'b', '{}', x'0102', 0, NULL, NULL);");
    open_store(f);
    sl_store_each_config(f->store, each, text);
    assert_string_equal(text, "old|pipeline|{}|RUNNING;");
    sl_store_put_status(f->store, "old", 0, "RUNNING", NULL);
    sl_store_load_positions(f->store, "old", on_loaded, f);
    wait_done(f, 1);
    assert_int_equal(cJSON_GetArraySize(f->entries), 1);
    close_store(f);
}

static void test_damaged_refused(void **state) {
    fixture_t *f = *state;
    char error[512];
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/sluice.db", f->folder);
    file = fopen(path, "w");
    fputs("this is not a database, but long enough to look at it twice ..........................."
          ".......................................................................",
          file);
    fclose(file);
    assert_int_equal(try_open(f, error, sizeof error), SLUICE_FATAL);
    assert_non_null(strstr(error, "sluice.db is damaged"));
}

static void test_second_refused(void **state) {
    fixture_t *f = *state;
    fixture_t other = *f;
    char error[512];
    char pid[32];

    open_store(f);
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    assert_int_equal(try_open(&other, error, sizeof error), SLUICE_FATAL);
    assert_non_null(strstr(error, "is in use by another sluice"));
    assert_non_null(strstr(error, pid));
    close_store(f);
    open_store(f);
    close_store(f);
}

/* A sluice was killed and left a child with the lock: the next one waits for its end. */
static void test_waits_for_orphans(void **state) {
    fixture_t *f = *state;
    pid_t pid = fork();

    if (pid == 0) {
        open_store(f);
        if (fork() == 0) {
            usleep(300000);
            _exit(0);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    open_store(f);
    close_store(f);
}

static void test_folder_not_writable(void **state) {
    fixture_t *f = *state;
    sl_store_options_t options = { "/proc/sluice/data", NULL, NULL, 0 };
    char error[512];

    assert_int_equal(sl_store_open(&f->loop, &options, &f->store, error, sizeof error),
                     SLUICE_FATAL);
    assert_non_null(strstr(error, "data directory /proc/sluice/data: cannot write to it"));
}

/* A file size limit stands in for a full disk. */
static void test_disk_trouble(void **state) {
    fixture_t *f = *state;
    struct rlimit limit;
    rlim_t before;
    sl_store_config_t a = { "a", "pipeline", "{}", "RUNNING" };

    signal(SIGXFSZ, SIG_IGN);
    open_store(f);
    getrlimit(RLIMIT_FSIZE, &limit);
    before = limit.rlim_cur;
    limit.rlim_cur = 1024;
    setrlimit(RLIMIT_FSIZE, &limit);
    sl_store_put_positions(f->store, "p", entries(entry("b", "{}", "0a", 0)), on_done, f);
    while (f->troubles == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_non_null(strstr(f->text, f->folder));
    assert_int_equal(f->done, 0);
    sl_store_put_config(f->store, &a, on_done, f);
    wait_done(f, 1); /* a configuration does not wait */
    assert_int_equal(f->failed, 1);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
    wait_done(f, 2);
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->recovered, 1);

    limit.rlim_cur = 1024;
    setrlimit(RLIMIT_FSIZE, &limit);
    sl_store_put_positions(f->store, "p", entries(entry("b", "{}", "0b", 0)), on_done, f);
    while (f->troubles == 1)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->done, 2);
    sl_store_hurry(f->store);
    wait_done(f, 3); /* at the end positions do not wait either */
    assert_int_equal(f->failed, 2);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
    sl_store_load_positions(f->store, "p", on_loaded, f);
    wait_done(f, 4);
    assert_int_equal(cJSON_GetArraySize(f->entries), 1);
    close_store(f);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_configs),         CASE(test_positions),      CASE(test_history_is_bounded),
        CASE(test_group_commit),    CASE(test_newer_refused),  CASE(test_older_migrated),
        CASE(test_damaged_refused), CASE(test_second_refused), CASE(test_waits_for_orphans),
        CASE(test_folder_not_writable), CASE(test_disk_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
