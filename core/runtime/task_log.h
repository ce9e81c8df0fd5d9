/*
 * runtime/task_log.h: log lines of all threads of a task on their way to the supervisor.
 *
 * What this is: the output of this process's log. Lines wait in a queue of bounded bytes for the
 * loop's thread, which sends them as `log` frames; what finds the queue or the channel full is
 * dropped and counted, and a line says how many as soon as there is room.
 * Ownership: embedded; keeps its address until close. Threads: open, tick, close and sending on the
 * loop's; lines come from any.
 */
#ifndef SL_RUNTIME_TASK_LOG_H
#define SL_RUNTIME_TASK_LOG_H

#include "base/channel.h"
#include "runtime/queue.h"

#define SL_TASK_LOG_QUEUE_BYTES ((size_t)1 << 20)
/* Frames that may be left out wait in the channel behind no more than this. */
#define SL_TASK_OPTIONAL_MAX ((size_t)1 << 20)

typedef struct sl_task_log {
    sl_queue_t lines;
    sl_channel_t **channel; /* *channel NULL: none any more */
    _Atomic unsigned long dropped;
} sl_task_log_t;

int sl_task_log_open(sl_task_log_t *log, uv_loop_t *loop, sl_channel_t **channel);
void sl_task_log_send(sl_task_log_t *log); /* what waits, as far as there is room */
/* The log writes to stderr again; the loop must run once more. */
void sl_task_log_close(sl_task_log_t *log);

#endif
