/*
 * store/store.h: what sluice remembers: configurations, target states, positions, status history.
 *
 * What this is: one SQLite file, sluice.db, in the data directory, used by one process only; and,
 * once sl_store_share was called, logs that others can take over from (store/log.h): what has a
 * place there is written there first, and a request completes when both have it.
 * Every
 * write is queued, and a thread of the store's own commits all that is queued in one transaction
 * with synchronous=FULL: when a request has completed with SLUICE_OK, power may fail.
 * Disk trouble (full, read-only, I/O errors): positions wait in the queue and are tried again each
 * second, so nothing is lost; configuration changes fail at once with the reason.
 * Ownership: texts are copied; cJSON arguments are taken. Each request completes exactly once, on
 * the loop, also at close. Requests of one name keep their order where they are about the same:
 * configurations, targets, tasks and history; positions and offsets; topics.
 * Threads: all functions and callbacks on the loop's thread.
 */
#ifndef SL_STORE_STORE_H
#define SL_STORE_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include <uv.h>

#include "store/log.h"
#include "store/mirror.h"

/* The format that this sluice writes. Older ones are migrated at open, newer ones refused. */
#define SL_STORE_FORMAT 4

typedef struct sl_store sl_store_t;

/* One configuration as a user gave it: unresolved, so secrets are still references. */
typedef struct sl_store_config {
    const char *name;
    const char *kind;   /* "pipeline" or "connector" */
    const char *text;   /* JSON */
    const char *target; /* "RUNNING", "PAUSED" or "STOPPED"; put: NULL keeps it, RUNNING when new */
    /* What its plugins said when it was last checked, so that it is known before they can be asked
     * again, or when they cannot. NULL: not known. */
    const char *type;
    const char *secrets; /* JSON array of pointers into text */
    int is_target_said; /* put: others shall hear of the target */
    /* Only read here; see put_tasks and put_topics. */
    int tasks;          /* how many it had when it last ran */
    const char *topics; /* JSON array of names; NULL: none */
} sl_store_config_t;

typedef struct sl_store_options {
    const char *folder; /* created when missing */
    /* Disk trouble began or changed (message says what and what to do) or is over (NULL). */
    void (*on_trouble)(void *user, const char *message);
    void *user;
    uint64_t lock_wait_ms; /* how long to wait for the tasks of a killed sluice to end */
} sl_store_options_t;

/* error: NULL, or why the request failed; valid during the call. */
typedef void (*sl_store_done_fn)(void *user, int status, const char *error);

/* entries: array as put_positions takes it; given to the callee, NULL unless SLUICE_OK. */
typedef void (*sl_store_load_fn)(void *user, int status, cJSON *entries);

/* Opens or creates the store; blocks, so for the start of the program only. On failure `error` gets
 * a sentence that says what, where, why and what to do. */
int sl_store_open(uv_loop_t *loop, const sl_store_options_t *options, sl_store_t **out, char *error,
                  size_t error_size);

/* Commits what is queued (or gives it up, if the disk does not let us), completes every request,
 * then calls `closed` and frees the store. */
void sl_store_close(sl_store_t *store, void (*closed)(void *user), void *user);

/* From now on nothing waits for better times: what cannot be stored at the next attempt fails. For
 * the end, when those who wait are to be told before close. */
void sl_store_hurry(sl_store_t *store);

/* The descriptor of the data directory's lock. Children that may write somewhere inherit it, so
 * that no other sluice takes over the directory while one of them lives. */
int sl_store_lock_fd(const sl_store_t *store);

/* All configurations, by name; blocks: only between open and the first request. */
typedef void (*sl_store_each_fn)(void *user, const sl_store_config_t *config);
int sl_store_each_config(sl_store_t *store, sl_store_each_fn each, void *user);

/* `done` may be NULL in all of these. */
int sl_store_put_config(sl_store_t *store, const sl_store_config_t *config, sl_store_done_fn done,
                        void *user);
int sl_store_put_target(sl_store_t *store, const char *name, const char *target,
                        sl_store_done_fn done, void *user);
/* Positions stay: a pipeline of the same name resumes, as in Connect. */
int sl_store_delete_config(sl_store_t *store, const char *name, sl_store_done_fn done, void *user);

/* entries: [{branch, partition, position (hex), sub, offset (JSON text or null), cookie (base64 or
 * null)}]. SLUICE_INVALID for anything else; it then never completes. */
int sl_store_put_positions(sl_store_t *store, const char *pipeline, cJSON *entries,
                           sl_store_done_fn done, void *user);
int sl_store_load_positions(sl_store_t *store, const char *pipeline, sl_store_load_fn loaded,
                            void *user);
int sl_store_delete_positions(sl_store_t *store, const char *pipeline, sl_store_done_fn done,
                              void *user);

/* As put_positions, of a source connector: its offsets go to the shared log, too. */
int sl_store_put_offsets(sl_store_t *store, const char *connector, cJSON *entries,
                         sl_store_done_fn done, void *user);
/* As put_offsets, and no other partition has an offset any more. */
int sl_store_replace_offsets(sl_store_t *store, const char *connector, cJSON *entries,
                             sl_store_done_fn done, void *user);

/* The tasks that a connector has from now on: their configurations as Connect has them, in its
 * order of members. Borrowed. */
int sl_store_put_tasks(sl_store_t *store, const char *connector, const cJSON *configs);
/* All topics (array of names) that it has used, the newest in `task`. Borrowed; NULL: none. */
int sl_store_put_topics(sl_store_t *store, const char *connector, const cJSON *topics, int task);

/* ---- shared logs ---- */

/* From now on writes go to the log as well. `mirror` is what is in it; taken. With only_offsets, a
 * standalone worker's, nothing but offsets is. What the mirror says counts more than what is in
 * SQLite, which is brought in line at once: blocks, only between open and the first request. */
int sl_store_share(sl_store_t *store, sl_store_log_t *log, sl_mirror_t *mirror, int only_offsets);
/* `name`: of the worker's log of offsets. A connector whose configuration names another
 * (offsets.storage.topic) has its offsets there, and the worker's follows. tasks_write: source
 * connectors' tasks write their offsets themselves, with their records: put_offsets then takes note
 * of them, and writes only what follows. */
int sl_store_set_offset_log(sl_store_t *store, const char *name, int tasks_write);
/* "host:port" by which others know this worker. */
void sl_store_set_worker(sl_store_t *store, const char *worker_id);
/* The state of a connector (task -1) or task in Connect's words; NULL: it is gone. Nothing without
 * shared logs; what is said already is not said again. */
void sl_store_put_state(sl_store_t *store, const char *connector, int task, const char *state,
                        const char *trace);
/* States in the log of tasks from this number on are taken back; -1: the connector's, too. */
void sl_store_drop_states(sl_store_t *store, const char *connector, int from);
/* An entry for whoever reads the configurations at this moment. */
void sl_store_note(sl_store_t *store, const char *key, const char *value);

/* Adds a line to the pipeline's status history, of which the newest are kept. */
int sl_store_put_status(sl_store_t *store, const char *pipeline, int task, const char *state,
                        const char *trace);
/* entries: [{task, state, trace, ts (milliseconds)}], newest first. */
int sl_store_load_status(sl_store_t *store, const char *pipeline, sl_store_load_fn loaded,
                         void *user);

#endif
