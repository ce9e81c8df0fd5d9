#include "store/store_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sluice/error.h"
#include "store/share.h"

#define RETRY_NS 1000000000ull
#define STACK_BYTES (256u * 1024u)

static void append(request_list_t *list, request_t *first, request_t *last) {
    if (first == NULL)
        return;
    if (list->last != NULL)
        list->last->next = first;
    else
        list->first = first;
    list->last = last;
}

/* Runs all requests in one transaction. */
static int commit(sl_store_t *s, request_t *first) {
    request_t *r;
    int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    for (r = first; rc == SQLITE_OK && r != NULL; r = r->next)
        rc = r->run(s->db, r);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

/* Takes out of `work` what does not wait for better times (at the end: everything), as failed. */
static request_list_t give_up(sl_store_t *s, request_list_t *work, const char *why) {
    request_list_t failed = { NULL, NULL };
    request_list_t kept = { NULL, NULL };
    request_t *r;
    request_t *next;

    for (r = work->first; r != NULL; r = next) {
        next = r->next;
        r->next = NULL;
        if (r->fail_fast || s->hurry) {
            r->status = SLUICE_RETRY;
            snprintf(r->error, sizeof r->error, "%.*s", (int)sizeof r->error - 1, why);
            append(&failed, r, r);
        } else {
            append(&kept, r, r);
        }
    }
    *work = kept;
    return failed;
}

static void set_trouble(sl_store_t *s, const char *message) {
    if (strcmp(s->trouble, message) == 0)
        return;
    snprintf(s->trouble, sizeof s->trouble, "%s", message);
    s->trouble_changed = 1;
}

/* One attempt at `work`, with the mutex held on entry and exit. */
static void attempt(sl_store_t *s, request_list_t *work) {
    char why[512] = "";
    int rc;

    uv_mutex_unlock(&s->mutex);
    rc = commit(s, work->first);
    if (rc != SQLITE_OK) {
        sl_store_explain(s->db, s->folder, why, sizeof why);
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    uv_mutex_lock(&s->mutex);
    if (rc == SQLITE_OK) {
        append(&s->done, work->first, work->last);
        work->first = work->last = NULL;
    } else {
        request_list_t failed = give_up(s, work, why);
        append(&s->done, failed.first, failed.last);
    }
    set_trouble(s, why);
    uv_async_send(&s->async);
    if (rc != SQLITE_OK && !s->hurry)
        uv_cond_timedwait(&s->wake, &s->mutex, RETRY_NS);
}

static void run_thread(void *arg) {
    sl_store_t *s = arg;
    request_list_t work = { NULL, NULL };

    uv_mutex_lock(&s->mutex);
    for (;;) {
        while (s->queue.first == NULL && work.first == NULL && !s->stop)
            uv_cond_wait(&s->wake, &s->mutex);
        append(&work, s->queue.first, s->queue.last);
        s->queue.first = s->queue.last = NULL;
        if (work.first == NULL)
            break;
        attempt(s, &work);
    }
    s->stopped = 1;
    uv_async_send(&s->async);
    uv_mutex_unlock(&s->mutex);
}

static void complete(request_t *r) {
    if (r->loaded != NULL) {
        cJSON *entries = r->status == SLUICE_OK ? r->json : NULL;
        if (entries != NULL)
            r->json = NULL;
        r->loaded(r->user, r->status, entries);
    } else if (r->done != NULL) {
        r->done(r->user, r->status, r->status == SLUICE_OK ? NULL : r->error);
    }
    sl_store_request_destroy(r);
}

static void on_closed(uv_handle_t *handle) {
    sl_store_t *s = handle->data;

    uv_thread_join(&s->thread);
    sqlite3_close(s->db);
    uv_cond_destroy(&s->wake);
    uv_mutex_destroy(&s->mutex);
    close(s->lock_fd);
    if (s->closed != NULL)
        s->closed(s->closed_user);
    free(s->folder);
    free(s);
}

static void on_async(uv_async_t *async) {
    sl_store_t *s = async->data;
    char trouble[sizeof s->trouble];
    request_t *r;
    request_t *next;
    int changed;
    int stopped;

    uv_mutex_lock(&s->mutex);
    r = s->done.first;
    s->done.first = s->done.last = NULL;
    changed = s->trouble_changed;
    s->trouble_changed = 0;
    memcpy(trouble, s->trouble, sizeof trouble);
    stopped = s->stopped;
    uv_mutex_unlock(&s->mutex);
    if (changed && s->on_trouble != NULL)
        s->on_trouble(s->user, trouble[0] == '\0' ? NULL : trouble);
    for (; r != NULL; r = next) {
        next = r->next;
        complete(r);
    }
    if (stopped && !uv_is_closing((uv_handle_t *)async))
        uv_close((uv_handle_t *)async, on_closed);
}

int sl_store_submit(sl_store_t *s, request_t *r) {
    if (s->share == NULL || !sl_share_wants(s->share, r))
        return sl_store_queue(s, r);
    sl_share_submit(s->share, r);
    return SLUICE_OK;
}

int sl_store_queue(sl_store_t *s, request_t *r) {
    int stop;

    uv_mutex_lock(&s->mutex);
    stop = s->stop;
    if (!stop) {
        append(&s->queue, r, r);
        uv_cond_signal(&s->wake);
    }
    uv_mutex_unlock(&s->mutex);
    if (stop)
        sl_store_request_destroy(r);
    return stop ? SLUICE_CANCELLED : SLUICE_OK;
}

static void stop_thread(void *store) {
    sl_store_t *s = store;

    s->share = NULL;
    uv_mutex_lock(&s->mutex);
    s->hurry = s->stop = 1;
    uv_cond_signal(&s->wake);
    uv_mutex_unlock(&s->mutex);
}

void sl_store_close(sl_store_t *s, void (*closed)(void *user), void *user) {
    s->closed = closed;
    s->closed_user = user;
    if (s->share != NULL)
        sl_share_close(s->share, stop_thread);
    else
        stop_thread(s);
}

void sl_store_hurry(sl_store_t *s) {
    if (s->share != NULL)
        sl_share_hurry(s->share);
    uv_mutex_lock(&s->mutex);
    s->hurry = 1;
    uv_cond_signal(&s->wake);
    uv_mutex_unlock(&s->mutex);
}

int sl_store_lock_fd(const sl_store_t *s) {
    return s->lock_fd;
}

int sl_store_each_config(sl_store_t *s, sl_store_each_fn each, void *user) {
    sqlite3_stmt *statement = NULL;
    sl_store_config_t c;
    int rc = sqlite3_prepare_v2(s->db,
                                "SELECT name, kind, config, target, type, secrets, tasks, topics"
                                " FROM configs ORDER BY name",
                                -1, &statement, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        c.name = (const char *)sqlite3_column_text(statement, 0);
        c.kind = (const char *)sqlite3_column_text(statement, 1);
        c.text = (const char *)sqlite3_column_text(statement, 2);
        c.target = (const char *)sqlite3_column_text(statement, 3);
        c.type = (const char *)sqlite3_column_text(statement, 4);
        c.secrets = (const char *)sqlite3_column_text(statement, 5);
        c.tasks = sqlite3_column_int(statement, 6);
        c.topics = (const char *)sqlite3_column_text(statement, 7);
        each(user, &c);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SLUICE_OK : SLUICE_FATAL;
}

/* Small caches: the store serves a few rows a second and an idle host shall stay small. */
static const char pragmas[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=FULL; PRAGMA cache_size=-256;"
                              "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=256;"
                              "PRAGMA journal_size_limit=4194304;";

static int open_database(sl_store_t *s, char *error, size_t size) {
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/sluice.db", s->folder);
    /* Configurations may hold passwords: not for others, whatever the umask. SQLite gives its other
     * files the same mode. */
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    if (sqlite3_open_v2(path, &s->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) != SQLITE_OK) {
        sl_store_explain(s->db, s->folder, error, size);
        return SLUICE_FATAL;
    }
    return sl_store_migrate(s->db, s->folder, error, size) == 0 ? SLUICE_OK : SLUICE_FATAL;
}

static int start_thread(sl_store_t *s, uv_loop_t *loop) {
    uv_thread_options_t options = { UV_THREAD_HAS_STACK_SIZE, STACK_BYTES };

    if (uv_async_init(loop, &s->async, on_async) != 0)
        return SLUICE_FATAL;
    s->async.data = s;
    uv_mutex_init(&s->mutex);
    uv_cond_init(&s->wake);
    /* Without a thread there is no memory at all: nothing sensible goes on from here. */
    if (uv_thread_create_ex(&s->thread, &options, run_thread, s) != 0)
        abort();
    return SLUICE_OK;
}

int sl_store_open(uv_loop_t *loop, const sl_store_options_t *options, sl_store_t **out, char *error,
                  size_t size) {
    sl_store_t *s = calloc(1, sizeof *s);
    int status = SLUICE_NO_MEMORY;

    snprintf(error, size, "out of memory");
    if (s == NULL || (s->folder = strdup(options->folder)) == NULL)
        goto out;
    s->on_trouble = options->on_trouble;
    s->user = options->user;
    status = SLUICE_FATAL;
    s->lock_fd = sl_store_lock(s->folder, options->lock_wait_ms, error, size);
    if (s->lock_fd < 0)
        goto out;
    status = open_database(s, error, size);
    if (status == SLUICE_OK)
        status = start_thread(s, loop);
    if (status == SLUICE_OK) {
        *out = s;
        return SLUICE_OK;
    }
    sqlite3_close(s->db);
    close(s->lock_fd);
out:
    if (s != NULL)
        free(s->folder);
    free(s);
    return status;
}
