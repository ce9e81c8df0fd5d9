#include "plugin/ctx_int.h"

#include <stdlib.h>

/* ---- the end ---- */

static void on_handle_closed(sluice_ctx_t *ctx) {
    if (--ctx->handles == 0 && ctx->ending)
        ctx->closed(ctx->closed_user);
}

static void on_async_closed(uv_handle_t *handle) {
    on_handle_closed(handle->data);
}

static void join_threads(sluice_ctx_t *ctx) {
    size_t i;

    uv_mutex_lock(&ctx->lock);
    ctx->quit = 1;
    uv_cond_broadcast(&ctx->wake);
    uv_mutex_unlock(&ctx->lock);
    for (i = 0; i < ctx->thread_count; i++)
        uv_thread_join(&ctx->threads[i]);
    uv_cond_destroy(&ctx->wake);
}

static void end_if_idle(sluice_ctx_t *ctx) {
    if (!ctx->closing || ctx->ending || ctx->pending > 0)
        return;
    ctx->ending = 1;
    join_threads(ctx);
    uv_close((uv_handle_t *)&ctx->async, on_async_closed);
}

void sl_ctx_loop_close(sluice_ctx_t *ctx) {
    sl_ctx_post_t *post;

    if (ctx->closing)
        return;
    ctx->closing = 1;
    uv_mutex_lock(&ctx->lock);
    ctx->refuse_posts = 1;
    post = ctx->posts.first;
    ctx->posts = (sl_ctx_posts_t){NULL, NULL};
    uv_mutex_unlock(&ctx->lock);
    while (post != NULL) {
        sl_ctx_post_t *next = post->next;
        free(post);
        post = next;
    }
    while (ctx->timers != NULL)
        sl_ctx_timer_stop(ctx, ctx->timers);
    end_if_idle(ctx);
}

/* ---- posts ---- */

int sl_ctx_post(sluice_ctx_t *ctx, void (*fn)(void *arg), void *arg) {
    sl_ctx_post_t *post;
    int refused;

    if (ctx->p.loop == NULL)
        return SLUICE_UNSUPPORTED;
    post = malloc(sizeof(*post));
    if (post == NULL)
        return SLUICE_NO_MEMORY;
    *post = (sl_ctx_post_t){NULL, fn, arg};
    uv_mutex_lock(&ctx->lock);
    refused = ctx->refuse_posts;
    if (!refused) {
        if (ctx->posts.last != NULL)
            ctx->posts.last->next = post;
        else
            ctx->posts.first = post;
        ctx->posts.last = post;
        uv_async_send(&ctx->async); /* under the lock: the handle cannot begin to close */
    }
    uv_mutex_unlock(&ctx->lock);
    if (refused)
        free(post);
    return refused ? SLUICE_CANCELLED : SLUICE_OK;
}

static sl_ctx_post_t *next_post(sluice_ctx_t *ctx) {
    sl_ctx_post_t *post;

    uv_mutex_lock(&ctx->lock);
    post = ctx->posts.first;
    if (post != NULL && (ctx->posts.first = post->next) == NULL)
        ctx->posts.last = NULL;
    uv_mutex_unlock(&ctx->lock);
    return post;
}

/* Up to what was the last one at the beginning, so that a post that posts itself starves nobody. */
static void run_posts(sluice_ctx_t *ctx) {
    sl_ctx_post_t *last, *post;
    int more = 1;

    uv_mutex_lock(&ctx->lock);
    last = ctx->posts.last;
    uv_mutex_unlock(&ctx->lock);
    while (last != NULL && more && (post = next_post(ctx)) != NULL) {
        sl_ctx_post_t run = *post;
        more = post != last;
        free(post);
        run.fn(run.arg);
    }
    uv_mutex_lock(&ctx->lock);
    if (ctx->posts.first != NULL)
        uv_async_send(&ctx->async);
    uv_mutex_unlock(&ctx->lock);
}

/* ---- offload ---- */

static sl_ctx_job_t *pop_job(sl_ctx_jobs_t *list) {
    sl_ctx_job_t *job = list->first;

    if (job != NULL && (list->first = job->next) == NULL)
        list->last = NULL;
    return job;
}

static void push_job(sl_ctx_jobs_t *list, sl_ctx_job_t *job) {
    job->next = NULL;
    if (list->last != NULL)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static void helper_main(void *arg) {
    sluice_ctx_t *ctx = arg;
    sl_ctx_job_t *job;

    uv_mutex_lock(&ctx->lock);
    for (;;) {
        while ((job = pop_job(&ctx->jobs)) == NULL && !ctx->quit) {
            ctx->idle++;
            uv_cond_wait(&ctx->wake, &ctx->lock);
            ctx->idle--;
        }
        if (job == NULL)
            break;
        ctx->queued--;
        uv_mutex_unlock(&ctx->lock);
        job->work(job->arg);
        uv_mutex_lock(&ctx->lock);
        push_job(&ctx->done, job);
        uv_async_send(&ctx->async);
    }
    uv_mutex_unlock(&ctx->lock);
}

/* Called with the lock held. The first thread must start, more are a comfort. */
static int need_thread(sluice_ctx_t *ctx) {
    uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, SL_CTX_THREAD_STACK};

    if (ctx->idle > ctx->queued || ctx->thread_count == SL_CTX_THREADS_MAX)
        return SLUICE_OK;
    if (uv_thread_create_ex(&ctx->threads[ctx->thread_count], &options, helper_main, ctx) == 0)
        ctx->thread_count++;
    return ctx->thread_count > 0 ? SLUICE_OK : SLUICE_NO_MEMORY;
}

int sl_ctx_offload(sluice_ctx_t *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg) {
    sl_ctx_job_t *job;
    int status;

    if (ctx->p.loop == NULL)
        return SLUICE_UNSUPPORTED;
    if (ctx->closing)
        return SLUICE_CANCELLED;
    job = malloc(sizeof(*job));
    if (job == NULL)
        return SLUICE_NO_MEMORY;
    *job = (sl_ctx_job_t){NULL, work, done, arg};
    uv_mutex_lock(&ctx->lock);
    status = need_thread(ctx);
    if (status == SLUICE_OK) {
        push_job(&ctx->jobs, job);
        ctx->pending++;
        ctx->queued++;
        uv_cond_signal(&ctx->wake);
    }
    uv_mutex_unlock(&ctx->lock);
    if (status != SLUICE_OK)
        free(job);
    return status;
}

static void run_done(sluice_ctx_t *ctx) {
    sl_ctx_job_t *job;

    for (;;) {
        uv_mutex_lock(&ctx->lock);
        job = pop_job(&ctx->done);
        uv_mutex_unlock(&ctx->lock);
        if (job == NULL)
            return;
        if (job->done != NULL)
            job->done(job->arg);
        free(job);
        ctx->pending--;
    }
}

static void on_async(uv_async_t *async) {
    sluice_ctx_t *ctx = async->data;

    run_posts(ctx);
    run_done(ctx);
    end_if_idle(ctx);
}

int sl_ctx_loop_init(sluice_ctx_t *ctx) {
    if (uv_cond_init(&ctx->wake) != 0)
        return SLUICE_NO_MEMORY;
    if (uv_async_init(ctx->p.loop, &ctx->async, on_async) != 0) {
        uv_cond_destroy(&ctx->wake);
        return SLUICE_NO_MEMORY;
    }
    ctx->async.data = ctx;
    ctx->handles = 1;
    return SLUICE_OK;
}

/* ---- timers ---- */

static void on_timer_closed(uv_handle_t *handle) {
    sluice_timer_t *timer = handle->data;
    sluice_ctx_t *ctx = timer->ctx;

    free(timer);
    on_handle_closed(ctx);
}

static void on_timer(uv_timer_t *handle) {
    sluice_timer_t *timer = handle->data;

    timer->fn(timer->arg);
    if (timer->once && !timer->stopped) /* its memory stays until the loop has closed it */
        sl_ctx_timer_stop(timer->ctx, timer);
}

sluice_timer_t *sl_ctx_timer_start(sluice_ctx_t *ctx, uint64_t ms, uint64_t repeat_ms,
                                   void (*fn)(void *arg), void *arg) {
    sluice_timer_t *timer;

    if (ctx->p.loop == NULL || ctx->closing)
        return NULL;
    timer = calloc(1, sizeof(*timer));
    if (timer == NULL)
        return NULL;
    timer->ctx = ctx;
    timer->fn = fn;
    timer->arg = arg;
    timer->once = repeat_ms == 0;
    uv_timer_init(ctx->p.loop, &timer->handle);
    timer->handle.data = timer;
    uv_timer_start(&timer->handle, on_timer, ms, repeat_ms);
    timer->next = ctx->timers;
    if (ctx->timers != NULL)
        ctx->timers->prev = timer;
    ctx->timers = timer;
    ctx->handles++;
    return timer;
}

void sl_ctx_timer_stop(sluice_ctx_t *ctx, sluice_timer_t *timer) {
    if (timer == NULL || timer->stopped)
        return;
    timer->stopped = 1;
    if (timer->prev != NULL)
        timer->prev->next = timer->next;
    else
        ctx->timers = timer->next;
    if (timer->next != NULL)
        timer->next->prev = timer->prev;
    uv_close((uv_handle_t *)&timer->handle, on_timer_closed);
}
