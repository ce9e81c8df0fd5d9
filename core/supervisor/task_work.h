/*
 * supervisor/task_work.h: what a connector's task did, as Kafka Connect's metrics tell it.
 *
 * What this is: totals since the task was made or restarted by somebody, over all its processes (a
 * crash, a pause and a resume do not end them), and sampled rates and times, out of the `work`
 * frames of runtime/work_frame.h.
 * Ownership: a heap object of its task. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_TASK_WORK_H
#define SL_SUPERVISOR_TASK_WORK_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "observe/sampled.h"

typedef enum sl_work_total {
    SL_WORK_POLLED,
    SL_WORK_WRITTEN,
    SL_WORK_COMMITS,
    SL_WORK_COMMITS_FAILED,
    SL_WORK_COMMITS_LATE,
    SL_WORK_FAILURES,
    SL_WORK_ERRORS,
    SL_WORK_SKIPPED,
    SL_WORK_RETRIES,
    SL_WORK_LOGGED,
    SL_WORK_DEAD_LETTERS,
    SL_WORK_DEAD_LETTERS_FAILED,
    SL_WORK_TOTALS
} sl_work_total_t;

/* Sampled: times in ms, counts in records, SUCCESS 1 or 0 for each commit. */
typedef enum sl_work_sampled {
    SL_WORK_POLL_RATE,
    SL_WORK_WRITE_RATE,
    SL_WORK_COMMIT_RATE,
    SL_WORK_LATE_RATE,
    SL_WORK_BATCH_SIZE,
    SL_WORK_PUT_TIME,
    SL_WORK_COMMIT_TIME,
    SL_WORK_COMMIT_SUCCESS,
    SL_WORK_ACTIVE,
    SL_WORK_SAMPLED
} sl_work_sampled_t;

typedef struct sl_task_work {
    double before[SL_WORK_TOTALS]; /* by processes that are gone */
    double now[SL_WORK_TOTALS];    /* by this one */
    double active;                 /* records that it has and has not delivered */
    double uncommitted;            /* delivered, and no commit covers them yet */
    double last_error_ms;          /* wall clock; 0: none yet */
    sl_sampled_t sampled[SL_WORK_SAMPLED];
} sl_task_work_t;

/* Makes *work at its first frame. Without memory nothing changes. */
void sl_task_work_take(sl_task_work_t **work, const cJSON *message, uint64_t now);
/* Its process is gone; accepts NULL. */
void sl_task_work_rest(sl_task_work_t *work);

double sl_task_work_total(const sl_task_work_t *work, sl_work_total_t which);

#endif
