/*
 * runtime/failpoint.h: named places where a test lets things go wrong.
 *
 * What this is: in builds with -DSLUICE_FAILPOINTS, the environment variable SLUICE_FAILPOINTS
 * holds "name=action[:argument][@probability][*count];..." with the actions exit (SIGKILL of this
 * process, as a crash does it), delay (argument in ms, default 100) and error. Without that define
 * the macro is 0 and nothing is linked. Names: open, send, reply, released, spill, deadletter,
 * checkpoint, commit (before the positions frame), stored (after it was confirmed), committed
 * (after the source was told).
 * Threads: any.
 */
#ifndef SL_RUNTIME_FAILPOINT_H
#define SL_RUNTIME_FAILPOINT_H

#ifdef SLUICE_FAILPOINTS
/* 1: the caller shall fail here. May not return, or late. */
int sl_failpoint(const char *name);
#define SL_FAILPOINT(name) sl_failpoint(name)
#else
#define SL_FAILPOINT(name) 0
#endif

#endif
