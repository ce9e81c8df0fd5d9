/*
 * supervisor/supervisor.h: the long-lived parent: pipelines, their target states, their processes.
 *
 * What this is: keeps one sl_managed_t for each pipeline or connector, brings its processes to its
 * target state (only RUNNING has any), restarts what crashes, and passes positions to the store.
 * It loads no plugin. Actions are queued with the store first; when they complete, a crash of this
 * process cannot undo them.
 * Ownership: managed objects belong to the supervisor; pointers to them are good until the loop
 * goes on. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_SUPERVISOR_H
#define SL_SUPERVISOR_SUPERVISOR_H

#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>
#include <uv.h>

#include "store/store.h"
#include "supervisor/managed.h"
#include "supervisor/resolver.h"

typedef struct sl_supervisor sl_supervisor_t;

typedef struct sl_supervisor_options {
    uv_loop_t *loop;
    sl_store_t *store;
    sl_resolver_t *resolver;
    const char *executable; /* run with arguments: sluice __task NAME */
    const char *data_dir;   /* states of tasks go to <data_dir>/state */
    /* 0: the default in brackets */
    uint64_t lease_ms;         /* how often a task hears that we live (2 s) */
    uint64_t hang_ms;          /* a task that is silent for so long is killed (30 s) */
    uint64_t drain_ms;         /* a task that takes longer to drain is killed (30 s) */
    uint64_t backoff_first_ms; /* before the first restart after a crash (500 ms) */
    uint64_t backoff_max_ms;   /* (60 s) */
    /* who makes progress for so long is well: crashes count anew (60 s) */
    uint64_t steady_ms;
    unsigned crash_limit;      /* crashes until a task that is not well in between is FAILED (10) */
    int untracked; /* which topics connectors use is not told to others */
    /* A pipeline's state changed; may be NULL. Nothing may be closed in it. */
    void (*on_change)(void *user, sl_managed_t *managed);
    void *user;
} sl_supervisor_options_t;

/* status SLUICE_OK, or why not: SLUICE_INVALID (faults are in the report), SLUICE_BUSY (exists, or
 * is being deleted), SLUICE_RETRY (the store: message), SLUICE_CANCELLED (we are closing). report
 * and message may be NULL. */
typedef struct sl_action_result {
    int status;
    const char *message;
    const sl_report_t *report;
    sl_managed_t *managed; /* NULL when it is gone */
    const sl_resolved_t *resolved; /* put of a connector: what Connect's check said; or NULL */
} sl_action_result_t;
typedef void (*sl_action_fn)(void *user, const sl_action_result_t *result);

/* Starts of connectors and of their tasks, those after a crash left out. */
typedef struct sl_starts {
    double connectors, connectors_failed;
    double tasks, tasks_failed;
} sl_starts_t;

int sl_supervisor_create(const sl_supervisor_options_t *options, sl_supervisor_t **out);

/* Takes over what the store knows; of configurations that came from files only the target state,
 * for when the file is put again. Blocks: before the loop runs. Nothing starts before
 * sl_supervisor_begin. */
int sl_supervisor_load(sl_supervisor_t *supervisor);
void sl_supervisor_begin(sl_supervisor_t *supervisor);

/* Drains all tasks, waits for the store's answers, frees the supervisor, calls `closed`. */
void sl_supervisor_close(sl_supervisor_t *supervisor, void (*closed)(void *user), void *user);
/* SIGKILL to all tasks: for the second SIGTERM. */
void sl_supervisor_kill(sl_supervisor_t *supervisor);

size_t sl_supervisor_count(const sl_supervisor_t *supervisor);
sl_managed_t *sl_supervisor_at(const sl_supervisor_t *supervisor, size_t i);
sl_managed_t *sl_supervisor_find(const sl_supervisor_t *supervisor, const char *name);
const sl_starts_t *sl_supervisor_starts(const sl_supervisor_t *supervisor);
/* Now, by the clock of rates and times in sl_task_work_t. */
uint64_t sl_supervisor_now(const sl_supervisor_t *supervisor);
/* Disk trouble of the store, NULL: none. For health and status. */
const char *sl_supervisor_trouble(const sl_supervisor_t *supervisor);
void sl_supervisor_set_trouble(sl_supervisor_t *supervisor, const char *message);

/* The Kafka cluster that it works with, as far as anybody said; NULL: unknown. */
const char *sl_supervisor_cluster(const sl_supervisor_t *supervisor);
void sl_supervisor_set_cluster(sl_supervisor_t *supervisor, const char *id);

/* ---- actions: complete exactly once, never inside the call; `done` may be NULL. A negative result
 * (SLUICE_INVALID: no such name) means that they never complete. ---- */

typedef struct sl_put {
    const char *name;
    const char *kind;   /* "pipeline" or "connector" */
    const char *origin; /* "rest" or "file" */
    cJSON *config;      /* taken */
    const char *target; /* NULL: keeps it, RUNNING when new */
    int must_be_new;    /* SLUICE_BUSY when there is one of that name */
    sl_check_t check;
} sl_put_t;

/* Checks the configuration, stores it, and starts or restarts its tasks. */
int sl_supervisor_put(sl_supervisor_t *supervisor, const sl_put_t *put, sl_action_fn done,
                      void *user);
int sl_supervisor_target(sl_supervisor_t *supervisor, const char *name, const char *target,
                         sl_action_fn done, void *user);
/* Completes when no process is left. Positions stay, unless `forget`. */
int sl_supervisor_delete(sl_supervisor_t *supervisor, const char *name, int forget,
                         sl_action_fn done, void *user);

/* At once, without completion. task -1: the pipeline with all tasks (only_failed: those FAILED). */
int sl_supervisor_restart(sl_supervisor_t *supervisor, const char *name, int task,
                          int only_failed);
/* The connector alone, as Connect does it: its configuration is read anew. Tasks that run go on;
 * what failed or waits is started. SLUICE_RETRY: references cannot be resolved (message), and it
 * stays unassigned until it is restarted, resumed or changed. */
int sl_supervisor_restart_connector(sl_supervisor_t *supervisor, const char *name,
                                    sl_action_fn done, void *user);

/* Says to others that a restart of the connector and of its tasks was asked for. */
void sl_supervisor_note_restart(sl_managed_t *managed, int tasks, int only_failed);
/* The same of a log level that all workers shall have. */
void sl_supervisor_note_level(sl_supervisor_t *supervisor, const char *scope, const char *level);

/* ---- offsets and topics of a connector ---- */

typedef enum sl_offsets_do { SL_OFFSETS_READ, SL_OFFSETS_ALTER, SL_OFFSETS_RESET } sl_offsets_do_t;

typedef struct sl_offsets_result {
    int status; /* SLUICE_OK; SLUICE_INVALID: refused; else the store's */
    const char *message;
    int is_refusal; /* what was asked for is wrong, rather than that it failed */
    int by_plugin;  /* the plugin keeps no other offsets than these */
    const cJSON *offsets; /* read: [{"partition","offset"}], borrowed */
} sl_offsets_result_t;
typedef void (*sl_offsets_fn)(void *user, const sl_offsets_result_t *result);

/* Takes offsets ([{"partition","offset"|null}], for alter; else NULL). To be altered or reset the
 * connector must be stopped. Completes exactly once, perhaps inside the call; not at all when it
 * gives a negative status. */
int sl_supervisor_offsets(sl_managed_t *managed, sl_offsets_do_t what, cJSON *offsets,
                          sl_offsets_fn done, void *user);
/* Forgets the topics that its tasks used so far: they are told to report them anew. */
void sl_supervisor_forget_topics(sl_managed_t *managed);

/* The status history, see store.h. */
int sl_supervisor_history(sl_supervisor_t *supervisor, const char *name, sl_store_load_fn loaded,
                          void *user);

/* To all tasks: {"type":"log_level"}. */
void sl_supervisor_log_level(sl_supervisor_t *supervisor, const char *scope, const char *level);

/* A task or connector is FAILED. */
int sl_supervisor_has_failed(const sl_supervisor_t *supervisor);
/* Nothing is left to run: each pipeline has only FINISHED or FAILED tasks, or none because of its
 * target state. */
int sl_supervisor_is_settled(const sl_supervisor_t *supervisor);

#endif
