/*
 * store/store_int.h: shared by the files of core/store only.
 *
 * What this is: the request queue between the loop and the store's thread, and the pieces in
 * lock.c, schema.c and requests.c.
 * Threads: `db` belongs to the opening thread until the store's thread starts, then to that.
 * `queue`, `done`, `hurry`, `stop` and `trouble` are shared under `mutex`.
 */
#ifndef SL_STORE_STORE_INT_H
#define SL_STORE_STORE_INT_H

#include "store/store.h"

#include <sqlite3.h>

#define REQUEST_TEXTS 5
#define POSITION_MAX  64 /* bytes */

/* What a request writes to a shared log (store/share.h). */
typedef struct entry entry_t;
struct entry {
    entry_t *next;
    int log;
    char *key;
    char *value; /* NULL: a tombstone */
    char *position; /* of an offset; NULL: not known */
    char *partition;
    uint32_t sub;
    char *name; /* of another log than the worker's; NULL: that */
    struct request *request; /* once it is submitted */
    char *before; /* what its key's value was, as an entry; NULL: none, or not known */
    enum { SL_UNDO_NOT, SL_UNDO_MIRROR, SL_UNDO_WRITE } undo; /* what goes back to that */
    int is_given;    /* the log was given it */
    unsigned version; /* of an offset: how often it was written before, and this time */
};

typedef struct request request_t;
struct request {
    request_t *next;
    entry_t *entries;       /* in order; NULL: none */
    unsigned unwritten;     /* of these */
    struct sl_share *share; /* once it is there */
    int log;                /* requests of one name and log keep their order */
    int (*run)(sqlite3 *db, request_t *request); /* SQLITE_OK or an error; on the store's thread */
    int fail_fast;  /* complete with the error instead of trying again */
    int task;
    char *name;     /* pipeline */
    char *texts[REQUEST_TEXTS]; /* what run needs beside the name */
    cJSON *json;    /* entries to write, or read */
    sl_store_done_fn done;
    sl_store_load_fn loaded;
    void *user;
    int status;
    char error[400];
};

typedef struct request_list {
    request_t *first;
    request_t *last;
} request_list_t;

struct sl_store {
    sqlite3 *db;
    char *folder;
    int lock_fd;
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t wake;
    uv_async_t async;
    request_list_t queue;
    request_list_t done;
    int hurry; /* nothing is tried twice */
    int stop;
    int stopped;
    int trouble_changed;
    char trouble[512]; /* empty: none */
    void (*on_trouble)(void *user, const char *message);
    void *user;
    void (*closed)(void *user);
    void *closed_user;
    struct sl_share *share; /* NULL: SQLite alone */
};

/* lock.c: takes <folder>/sluice.lock for this process; the descriptor, or -1 with a sentence. */
int sl_store_lock(const char *folder, uint64_t wait_ms, char *error, size_t error_size);

/* schema.c: creates or migrates the tables; 0, or -1 with a sentence. */
int sl_store_migrate(sqlite3 *db, const char *folder, char *error, size_t error_size);

/* schema.c: what to tell a user about an SQLite failure in this folder. */
void sl_store_explain(sqlite3 *db, const char *folder, char *out, size_t size);

/* requests.c. The texts are copied; NULL: no memory. */
request_t *sl_store_request_create(const char *name, const char *a, const char *b, const char *c);
void sl_store_request_destroy(request_t *request);
/* Queues the request (NULL: no memory); a `status` other than SLUICE_OK frees it: the result. */
int sl_store_request(sl_store_t *store, request_t *r, int status,
                     int (*run)(sqlite3 *, request_t *), sl_store_done_fn done, void *user);
/* Runs a statement whose parameters are the request's name and texts, as many as it has. */
int sl_store_run_texts(sqlite3 *db, const request_t *r, const char *sql);
int sl_store_is_entries(const cJSON *entries); /* as put_positions takes them */
int sl_store_run_put_positions(sqlite3 *db, request_t *r);
void sl_share_free_entries(request_t *r);

/* store.c: queues; takes the request. SLUICE_CANCELLED, and it never completes, after close. */
int sl_store_submit(sl_store_t *store, request_t *request);
/* The same past the shared logs. */
int sl_store_queue(sl_store_t *store, request_t *request);

#endif
