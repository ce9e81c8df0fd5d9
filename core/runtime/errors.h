/*
 * runtime/errors.h: what becomes of a record that can never succeed, and of a task that fails.
 *
 * Tolerance "none": the first such record makes the task FAILED, with a trace that names the plugin
 * and the record's topic, partition and position. Tolerance "all": the record is counted, logged if
 * wanted, and written to the dead letter file if there is one; the stream goes on. A sink of dead
 * letters (letters.h) is given the record either way, as it was read. Both are synced
 * (sl_errors_sync) before the position may pass the record, or the task fails.
 *
 * The dead letter file is JSON lines; a record's BYTES are {"base64": ...}, everything else is the
 * JSON of its value. One file may be shared by branches: each line is one append.
 * Ownership: embedded; borrows policy and names. Threads: one each.
 */
#ifndef SL_RUNTIME_ERRORS_H
#define SL_RUNTIME_ERRORS_H

#include "config/pipeline.h"
#include "observe/ledger.h"
#include "plugin/ctx.h"
#include "runtime/meters.h"
#include "runtime/partitions.h"
#include <stdatomic.h>

/* Why a task fails. Owned texts: sl_failure_fini. */
typedef struct sl_failure {
    int status;
    char *code;
    char *trace;
} sl_failure_t;

void sl_failure_fini(sl_failure_t *failure);
/* "<code>: <message>\n  at <where>..." */
void sl_failure_set(sl_failure_t *failure, int status, const char *code, const char *fmt, ...)
    SLUICE_PRINTF(4, 5);

typedef struct sl_errors {
    const sl_errors_policy_t *policy;
    const char *pipeline;
    const char *branch; /* NULL: the trunk */
    sl_partitions_t *partitions;
    const struct sl_graph *graph; /* set by the owner; or NULL */
    int connect;                  /* the same: Connect's words */
    struct sl_letters *letters;   /* the same; NULL: none */
    struct sl_stop *stop;         /* the same; NULL: what is not tolerated is reported at once */
    sluice_batch_t *origin; /* while records are worked on: their batch as it was read; or NULL */
    sl_meters_t *meters; /* set by the owner; or NULL */
    int fd;
    int dirty;
    _Atomic int64_t tolerated; /* bad records passed over */
    int64_t last_ms; /* when the last error was, wall clock; 0: never */
    sluice_metric_t *errors_metric;
    sluice_metric_t *dead_metric;
} sl_errors_t;

/* One bad record. */
typedef struct sl_bad {
    const sluice_record_t *record;
    const char *stage;    /* "transform", "converter", "sink" */
    const char *instance; /* the plugin's instance name */
    int status;
    int native_code;
    const char *code;
    const char *message;
} sl_bad_t;

void sl_errors_init(sl_errors_t *errors, const sl_errors_policy_t *policy, const char *pipeline,
                    const char *branch, sl_partitions_t *partitions);
void sl_errors_fini(sl_errors_t *errors);
/* SLUICE_OK: tolerated. Else the task fails with *failure (set here), also when the dead letter
 * file cannot be written; after sl_errors_sync. */
int sl_errors_bad(sl_errors_t *errors, const sl_bad_t *bad, sl_failure_t *failure);
/* Before the position passes what was tolerated, and before the task fails for what was not.
 * SLUICE_BUSY: letters are under way; what may follow waits for their `done`. */
int sl_errors_sync(sl_errors_t *errors, sl_failure_t *failure);

#endif
