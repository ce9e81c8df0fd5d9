#include "plugin/ctx.h"

#include "observe/log.h"
#include "plugin/ctx_int.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *copy_text(const char *text, const char *otherwise) {
    return strdup(text != NULL ? text : otherwise);
}

static int copy_texts(sluice_ctx_t *ctx, const sl_ctx_params_t *p) {
    size_t size = strlen(p->plugin->name) + sizeof("plugin.");

    ctx->p.pipeline = copy_text(p->pipeline, "");
    ctx->p.instance = copy_text(p->instance, p->plugin->name);
    ctx->p.state_dir = p->state_dir != NULL ? strdup(p->state_dir) : NULL;
    ctx->scope = malloc(size);
    if (ctx->p.pipeline == NULL || ctx->p.instance == NULL || ctx->scope == NULL ||
        (p->state_dir != NULL && ctx->p.state_dir == NULL))
        return SLUICE_NO_MEMORY;
    snprintf(ctx->scope, size, "plugin.%s", p->plugin->name);
    return SLUICE_OK;
}

static void free_texts(sluice_ctx_t *ctx) {
    free((char *)ctx->p.pipeline);
    free((char *)ctx->p.instance);
    free((char *)ctx->p.state_dir);
    free(ctx->scope);
    free(ctx->state_dir);
}

int sl_ctx_create(const sl_ctx_params_t *params, sluice_ctx_t **out) {
    static const sl_ctx_ops_t no_ops;
    sluice_ctx_t *ctx = calloc(1, sizeof(*ctx));

    *out = NULL;
    if (ctx == NULL)
        return SLUICE_NO_MEMORY;
    ctx->p = *params;
    if (ctx->p.ops == NULL)
        ctx->p.ops = &no_ops;
    if (copy_texts(ctx, params) != SLUICE_OK)
        goto no_texts;
    if (uv_mutex_init(&ctx->lock) != 0)
        goto no_texts;
    if (ctx->p.loop != NULL && sl_ctx_loop_init(ctx) != SLUICE_OK)
        goto no_loop;
    *out = ctx;
    return SLUICE_OK;

no_loop:
    uv_mutex_destroy(&ctx->lock);
no_texts:
    free_texts(ctx);
    free(ctx);
    return SLUICE_NO_MEMORY;
}

void sl_ctx_close(sluice_ctx_t *ctx, void (*closed)(void *user), void *user) {
    ctx->closed = closed;
    ctx->closed_user = user;
    if (ctx->p.loop == NULL)
        closed(user);
    else
        sl_ctx_loop_close(ctx);
}

void sl_ctx_destroy(sluice_ctx_t *ctx) {
    size_t i;

    if (ctx == NULL)
        return;
    for (i = 0; i < ctx->fault_count; i++) {
        free(ctx->faults[i].option);
        free(ctx->faults[i].message);
    }
    free(ctx->faults);
    sl_ctx_error_fini(&ctx->error);
    if (ctx->p.budget != NULL)
        atomic_fetch_sub(ctx->p.budget, atomic_load(&ctx->charged));
    uv_mutex_destroy(&ctx->lock);
    free_texts(ctx);
    free(ctx);
}

void sl_ctx_abandoned_closed(void *user) {
    sluice_ctx_t *ctx = user;

    if (ctx->destroy != NULL && ctx->self != NULL)
        ctx->destroy(ctx->self);
    sl_ctx_destroy(ctx);
}

void sl_ctx_abandon(sluice_ctx_t *ctx, void (*destroy)(void *self), void *self) {
    ctx->abandoned = 1;
    ctx->destroy = destroy;
    ctx->self = self;
    if (ctx->closing) { /* its own work hangs: who waited for closed does not any more */
        ctx->closed = sl_ctx_abandoned_closed;
        ctx->closed_user = ctx;
    }
}

int sl_ctx_is_abandoned(const sluice_ctx_t *ctx) {
    return ctx->abandoned;
}

/* ---- errors and faults ---- */

static char *format_text(const char *fmt, va_list args) {
    char *text = NULL;

    if (vasprintf(&text, fmt, args) < 0)
        return NULL;
    sl_log_mask(text, strlen(text) + 1);
    return text;
}

void sl_ctx_error_store(sluice_ctx_t *ctx, int status, const char *code, const char *fmt,
                        va_list args) {
    sl_ctx_error_t error = {status, copy_text(code, "unknown"), format_text(fmt, args)};
    sl_ctx_error_t old;

    uv_mutex_lock(&ctx->lock);
    old = ctx->error;
    ctx->error = error;
    uv_mutex_unlock(&ctx->lock);
    sl_ctx_error_fini(&old);
}

int sl_ctx_error_take(sluice_ctx_t *ctx, sl_ctx_error_t *out) {
    uv_mutex_lock(&ctx->lock);
    *out = ctx->error;
    memset(&ctx->error, 0, sizeof(ctx->error));
    uv_mutex_unlock(&ctx->lock);
    return out->status != SLUICE_OK;
}

void sl_ctx_error_fini(sl_ctx_error_t *error) {
    free(error->code);
    free(error->message);
    memset(error, 0, sizeof(*error));
}

void sl_ctx_fault_add(sluice_ctx_t *ctx, const char *option, const char *fmt, va_list args) {
    char *message = format_text(fmt, args);
    sl_ctx_fault_t *grown;

    uv_mutex_lock(&ctx->lock);
    grown = realloc(ctx->faults, (ctx->fault_count + 1) * sizeof(*grown));
    if (grown != NULL) {
        ctx->faults = grown;
        grown[ctx->fault_count++] = (sl_ctx_fault_t){copy_text(option, ""), message};
    } else {
        free(message);
    }
    uv_mutex_unlock(&ctx->lock);
}

const sl_ctx_fault_t *sl_ctx_faults(const sluice_ctx_t *ctx, size_t *count) {
    *count = ctx->fault_count;
    return ctx->faults;
}

/* ---- what the embedder asks ---- */

int sl_ctx_sample_missed(const sluice_ctx_t *ctx) {
    return ctx->sample_missed;
}

int64_t sl_ctx_charged(const sluice_ctx_t *ctx) {
    return atomic_load(&((sluice_ctx_t *)(uintptr_t)ctx)->charged);
}

const char *sl_ctx_instance(const sluice_ctx_t *ctx) {
    return ctx->p.instance;
}

const sluice_plugin_t *sl_ctx_plugin(const sluice_ctx_t *ctx) {
    return ctx->p.plugin;
}

/* ---- state folder ---- */

/* As mkdir -p, for us alone: state may hold data of the target. */
static int make_folders(char *path) {
    char *slash;

    for (slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int failed;
        *slash = '\0';
        failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed)
            return SLUICE_INVALID;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? SLUICE_OK : SLUICE_INVALID;
}

const char *sl_ctx_state_dir(sluice_ctx_t *ctx) {
    char *path = NULL, *c;

    if (ctx->state_dir != NULL || ctx->p.state_dir == NULL)
        return ctx->state_dir;
    if (asprintf(&path, "%s/%s", ctx->p.state_dir, ctx->p.instance) < 0)
        return NULL;
    for (c = path + strlen(ctx->p.state_dir) + 1; *c != '\0'; c++)
        if (*c == '/' || *c == '.')
            *c = '-'; /* "sinks/1" is one folder, ".." none */
    if (make_folders(path) != SLUICE_OK) {
        sl_log(SLUICE_LOG_ERROR, ctx->scope, "state folder %s cannot be made: %s", path,
               strerror(errno));
        free(path);
        return NULL;
    }
    ctx->state_dir = path;
    return path;
}

sl_close_fn sl_converter_close(const sluice_plugin_t *plugin) {
    const sluice_converter_t *c = plugin->converter;

    return c->size >= offsetof(sluice_converter_t, close) + sizeof(sl_close_fn) ? c->close : NULL;
}
