/*
 * supervisor/child.h: one child process of the supervisor: start, talk, kill, reap.
 *
 * What this is: spawns a program with a socketpair on descriptor 3 (base/channel.h), the data
 * directory's lock on descriptor 4 and its standard error on a pipe that is read line by line. The
 * child is a session of its own, so a terminal's Ctrl-C reaches only the supervisor.
 * Ownership: the child frees itself after on_exit, which comes exactly once.
 * Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_CHILD_H
#define SL_SUPERVISOR_CHILD_H

#include <stdint.h>
#include <cjson/cJSON.h>
#include <uv.h>

#define SL_CHILD_LOCK_FD 4

typedef struct sl_child sl_child_t;

/* How a process ended. */
typedef struct sl_child_end {
    int64_t exit_code;
    int signal;      /* 0: it exited */
    const char *why; /* what we killed it for; NULL: it ended by itself */
} sl_child_end_t;

typedef struct sl_child_callbacks {
    void (*on_message)(void *user, const char *type, cJSON *message);
    void (*on_stderr)(void *user, const char *line);
    /* The process is gone and reaped, and all that it wrote has been handed over. */
    void (*on_exit)(void *user, const sl_child_end_t *end);
} sl_child_callbacks_t;

typedef struct sl_child_params {
    uv_loop_t *loop;
    const char *executable;
    const char *const *args; /* NULL-terminated, args[0] is the name */
    int lock_fd;             /* -1: none */
} sl_child_params_t;

/* SLUICE_OK, or a negative status with a sentence in error. */
int sl_child_spawn(const sl_child_params_t *params, const sl_child_callbacks_t *callbacks,
                   void *user, sl_child_t **out, char *error, size_t error_size);

int sl_child_pid(const sl_child_t *child);

/* Takes the message, as sl_channel_send. */
int sl_child_send(sl_child_t *child, cJSON *message);
size_t sl_child_pending(const sl_child_t *child);

/* SIGKILL after grace_ms, unless it ends before. `why` shows in on_exit then; copied. A later call
 * only shortens the time. */
void sl_child_deadline(sl_child_t *child, uint64_t grace_ms, const char *why);

/* Sends `signal` now and SIGKILL after grace_ms. */
void sl_child_kill(sl_child_t *child, int signal, uint64_t grace_ms, const char *why);

/* "killed by signal 11 (SIGSEGV)", "exit code 3", "out of heartbeats ..., killed by ...". */
void sl_child_end_text(const sl_child_end_t *end, char *out, size_t size);

#endif
