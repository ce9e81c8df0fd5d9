/*
 * plugin/ctx_int.h: the inside of struct sluice_ctx, for ctx*.c only.
 */
#ifndef SL_PLUGIN_CTX_INT_H
#define SL_PLUGIN_CTX_INT_H

#include "plugin/ctx.h"
#include <stdarg.h>

/* Helper threads of one instance, made when needed. Their own, not libuv's pool: a call that hangs
 * must not stop other instances, nor files and name look-ups of the whole process. */
#define SL_CTX_THREADS_MAX  4
#define SL_CTX_THREAD_STACK (256u * 1024u)

typedef struct sl_ctx_post {
    struct sl_ctx_post *next;
    void (*fn)(void *arg);
    void *arg;
} sl_ctx_post_t;

typedef struct sl_ctx_job {
    struct sl_ctx_job *next;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
} sl_ctx_job_t;

/* A first-in first-out list of posts or jobs. */
typedef struct sl_ctx_posts {
    sl_ctx_post_t *first, *last;
} sl_ctx_posts_t;

typedef struct sl_ctx_jobs {
    sl_ctx_job_t *first, *last;
} sl_ctx_jobs_t;

struct sluice_timer {
    uv_timer_t handle;
    sluice_ctx_t *ctx;
    sluice_timer_t *next, *prev;
    void (*fn)(void *arg);
    void *arg;
    int once;
    int stopped;
};

struct sluice_ctx {
    sl_ctx_params_t p; /* its strings are copies */
    char *scope;       /* of log lines */
    char *state_dir;   /* made; NULL before */
    int abandoned;
    void (*destroy)(void *self);
    void *self;
    _Atomic int64_t charged;

    uv_mutex_t lock; /* error, faults, posts, jobs */
    sl_ctx_error_t error;
    sl_ctx_fault_t *faults;
    size_t fault_count;
    int sample_missed;

    /* the loop's side */
    uv_async_t async;
    sluice_timer_t *timers;
    size_t handles; /* opened and not yet closed */
    int closing;
    int ending; /* the async handle is closing */
    void (*closed)(void *user);
    void *closed_user;

    sl_ctx_posts_t posts;
    int refuse_posts; /* closing, as other threads see it */
    sl_ctx_jobs_t jobs, done;
    size_t pending; /* jobs whose done has not run */
    size_t queued;  /* of them, taken by no helper thread yet */
    size_t idle;    /* helper threads that wait, also those that were woken for a queued job */
    size_t thread_count;
    int quit;
    uv_cond_t wake;
    uv_thread_t threads[SL_CTX_THREADS_MAX];
};

/* ctx_loop.c */
int sl_ctx_loop_init(sluice_ctx_t *ctx);
void sl_ctx_abandoned_closed(void *user); /* the end of a ctx that was given away */
void sl_ctx_loop_close(sluice_ctx_t *ctx);
sluice_timer_t *sl_ctx_timer_start(sluice_ctx_t *ctx, uint64_t ms, uint64_t repeat_ms,
                                   void (*fn)(void *arg), void *arg);
void sl_ctx_timer_stop(sluice_ctx_t *ctx, sluice_timer_t *timer);
int sl_ctx_post(sluice_ctx_t *ctx, void (*fn)(void *arg), void *arg);
int sl_ctx_offload(sluice_ctx_t *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* ctx.c: what fail and config_error keep. */
void sl_ctx_error_store(sluice_ctx_t *ctx, int status, const char *code, const char *fmt,
                        va_list args);
void sl_ctx_fault_add(sluice_ctx_t *ctx, const char *option, const char *fmt, va_list args);
const char *sl_ctx_state_dir(sluice_ctx_t *ctx);

#endif
