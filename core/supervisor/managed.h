/*
 * supervisor/managed.h: one pipeline or connector under supervision, and its tasks.
 *
 * What this is: the structs that REST and `status` read. Only core/supervisor writes them.
 * Ownership: all members belong to the object. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_MANAGED_H
#define SL_SUPERVISOR_MANAGED_H

#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "supervisor/child.h"
#include "supervisor/tail.h"
#include "supervisor/task_work.h"

typedef enum sl_task_state {
    SL_TASK_IDLE = 0,   /* has no process, because the target state wants none */
    SL_TASK_STARTING,   /* positions are read, or the process has not said RUNNING yet */
    SL_TASK_RUNNING,
    SL_TASK_RESTARTING, /* crashed, waits for its next start */
    SL_TASK_FAILED,
    SL_TASK_FINISHED /* its source has ended, all is delivered */
} sl_task_state_t;

/* For how long it was what, since it was made or restarted by somebody. */
typedef struct sl_task_clock {
    uint64_t at; /* up to when this holds */
    uint64_t running_ms;
    uint64_t paused_ms;
    uint64_t other_ms;
} sl_task_clock_t;

struct sl_managed;
struct sl_supervisor;

typedef struct sl_task {
    struct sl_managed *managed;
    int number;
    sl_task_state_t state;
    char *code;           /* of the failure, NULL when unknown */
    char *trace;          /* why it is FAILED or RESTARTING, else NULL */
    uint64_t incarnation; /* of the newest process; unique over restarts of sluice */
    unsigned restarts;    /* after crashes, since it was created */
    /* since it last ran well: restarts wait longer and longer, then it is FAILED */
    unsigned crashes;
    char *crash;          /* how its last process died, NULL: none did */
    int64_t crashed_ms;   /* and when, wall clock */
    uint64_t memory;      /* RssAnon at the last look, 0 without a process */
    double cpu;           /* seconds, this process */
    cJSON *branches;      /* of the last status frame, with rates, or NULL */
    cJSON *ledger;        /* of the last ledger frame, or NULL */
    double records;       /* that left its source, this process */
    double rate;          /* of these, a second */
    char *metrics;        /* Prometheus text of the last metrics frame, or NULL */
    sl_task_work_t *work; /* of a connector's: what it did; NULL: nothing yet */
    sl_task_clock_t clock;

    /* private to core/supervisor */
    sl_child_t *child;
    uint64_t branches_at; /* when these came */
    uint64_t ledger_at;
    sl_tail_t tail;
    char *warning; /* the newest warning or error in its log, or NULL */
    int draining;
    int progressed;
    int reported_end; /* the task itself said FAILED or FINISHED */
    uint64_t restart_at;
    uint64_t spawned_at;
    uint64_t alive_at;
    char *stuck; /* the branch that keeps its thread, by the last `alive`; NULL: none */
    uint64_t leased_at;
} sl_task_t;

typedef struct sl_managed {
    struct sl_supervisor *supervisor;
    char *name;
    char *kind;   /* "pipeline" or "connector" */
    char *origin; /* "rest" or "file" */
    const char *type; /* "source", "sink", "pipeline"; "unknown" before it was resolved */
    cJSON *config;  /* as the user gave it, references unresolved */
    cJSON *secrets; /* array of JSON pointers into config, or NULL */
    char *shown;    /* see sl_managed_shown; NULL: nobody has asked */
    char target[8]; /* "RUNNING", "PAUSED", "STOPPED" */
    int failed;     /* it could not be resolved: no tasks */
    int unassigned; /* a restart could not resolve its references: as it is until the next one */
    char *trace;    /* why */
    sl_task_t *tasks;
    size_t task_count;
    size_t had_tasks; /* when it last had any */
    int taskless;     /* it was stopped and has not run since: what still ends does not count */
    cJSON *topics;    /* names of the topics that its tasks used, or NULL */

    /* private to core/supervisor */
    cJSON *pipeline;
    cJSON *modules;
    int64_t memory_limit;
    uint64_t version;         /* of what it should run: new configurations and restarts add one */
    uint64_t running_version; /* of what the tasks run */
    int resolving;
    int keep_failed; /* at the next start FAILED tasks stay so: it was resumed */
    unsigned attempts; /* to resolve references after a resume */
    uint64_t retry_at; /* the next one; 0: none waits */
    int deleting;
    int restarting;  /* a restart with its tasks was asked for: others hear of it */
    int refresh;     /* modules are looked up again before the next task starts */
    void *deletion;  /* the action to complete when it is gone */
} sl_managed_t;

/* Its configuration with secrets hidden, JSON text: kept until the configuration is another. */
const char *sl_managed_shown(sl_managed_t *managed);

const char *sl_task_state_name(sl_task_state_t state);

#endif
