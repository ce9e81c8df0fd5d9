/*
 * runtime/task.h: the task process: `sluice __task`, with the supervisor at the other end of fd.
 *
 * What this is: speaks the frames of base/channel.h with the supervisor and embeds a trunk.
 *
 *   in   start {name, task, pipeline, modules, positions, state_dir, paused, log_level,
 *        memory_limit}
 *        pause, resume, drain {deadline_ms}, stored {seq}, lease, log_level {level, scope}
 *   out  status {state, code, trace, branches}, positions {seq, entries}, metrics {text},
 *        ledger {nodes}, log {level, scope, text, fields, ts}, alive
 *
 * A position's private bytes ("cookie") cross as hexadecimal text and mean nothing to the
 * supervisor. It exits with 0 once drained or finished, 10 after it has reported FAILED; everything
 * else is a crash. It dies with its supervisor: by PDEATHSIG, at the end of the socketpair, and
 * when no lease came for SL_TASK_LEASE_MS, so that a task that is cut off never writes beside its
 * successor.
 * Threads: the process's main thread is the trunk's.
 */
#ifndef SL_RUNTIME_TASK_H
#define SL_RUNTIME_TASK_H

#define SL_TASK_LEASE_MS 10000
#define SL_TASK_EXIT_FAILED 10
#define SL_TASK_EXIT_CUT_OFF 11 /* no supervisor any more */

int sl_task_main(int fd);

#endif
