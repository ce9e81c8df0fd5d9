#include "runtime/instance.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct life {
    int (*create)(const sluice_api_t *api, sluice_ctx_t *ctx, void **self);
    void (*destroy)(void *self);
    int (*open)(void *self);
    int (*close)(void *self);
} life_t;

static life_t life_of(const sluice_plugin_t *p) {
    life_t none = {NULL, NULL, NULL, NULL};

    if (p->kind == SLUICE_SOURCE)
        return (life_t){p->source->create, p->source->destroy, p->source->open, p->source->close};
    if (p->kind == SLUICE_SINK)
        return (life_t){p->sink->create, p->sink->destroy, p->sink->open, p->sink->close};
    if (p->kind == SLUICE_TRANSFORM)
        return (life_t){p->transform->create, p->transform->destroy, p->transform->open,
                        p->transform->close};
    if (p->kind == SLUICE_STORE)
        return (life_t){p->store->create, p->store->destroy, p->store->open, p->store->close};
    if (p->kind == SLUICE_CONVERTER)
        return (life_t){p->converter->create, p->converter->destroy, NULL, sl_converter_close(p)};
    if (p->kind == SLUICE_PREDICATE)
        return (life_t){p->predicate->create, p->predicate->destroy, NULL, NULL};
    return none;
}

int sl_instance_init(sl_instance_t *instance, const sl_spec_t *spec, const sl_home_t *home) {
    memset(instance, 0, sizeof(*instance));
    instance->spec = spec;
    instance->home = home;
    uv_timer_init(home->loop, &instance->timer);
    instance->timer.data = instance;
    return SLUICE_OK;
}

void sl_instance_fini(sl_instance_t *instance) {
    uv_close((uv_handle_t *)&instance->timer, NULL);
}

static int make(sl_instance_t *instance, const sl_ctx_ops_t *ops, void *user) {
    const sl_home_t *home = instance->home;
    sl_ctx_params_t params = {
        .loop = home->loop,
        .plugin = instance->spec->plugin,
        .config = instance->spec->config,
        .pipeline = home->pipeline,
        .instance = instance->spec->name,
        .task = home->task,
        .state_dir = home->state_dir,
        .ops = ops,
        .user = user,
        .budget = home->budget,
    };
    life_t life = life_of(params.plugin);
    int status = sl_ctx_create(&params, &instance->ctx);

    instance->self = NULL;
    if (status == SLUICE_OK && life.create != NULL)
        status = life.create(sl_api(), instance->ctx, &instance->self);
    return status;
}

static void finish_open(sl_instance_t *instance, int status) {
    if (status == SLUICE_OK)
        instance->state = SL_INSTANCE_OPEN;
    instance->opened(instance->user, status);
}

void sl_instance_open(sl_instance_t *instance, const sl_ctx_ops_t *ops, void *user,
                      void (*opened)(void *user, int status)) {
    life_t life = life_of(instance->spec->plugin);
    int status;

    instance->opened = opened;
    instance->user = user;
    instance->state = SL_INSTANCE_NONE;
    status = make(instance, ops, user);
    if (status != SLUICE_OK) { /* never opened, so never closed: self stays NULL by the law */
        finish_open(instance, status);
        return;
    }
    instance->state = SL_INSTANCE_OPENING;
    if (life.open == NULL) {
        finish_open(instance, SLUICE_OK);
        return;
    }
    status = life.open(instance->self);
    if (status != SLUICE_OK)
        finish_open(instance, status);
}

/* A turn of the loop later: what follows may call the plugin, which is still in its own call. */
static void on_open_complete(uv_timer_t *timer) {
    sl_instance_t *instance = timer->data;

    finish_open(instance, instance->open_status);
}

static void on_ctx_closed(void *user) {
    sl_instance_t *instance = user;
    life_t life = life_of(instance->spec->plugin);

    uv_timer_stop(&instance->timer);
    if (instance->self != NULL && life.destroy != NULL)
        life.destroy(instance->self);
    sl_ctx_destroy(instance->ctx);
    instance->ctx = NULL;
    instance->self = NULL;
    instance->state = SL_INSTANCE_NONE;
    instance->closed(instance->user, 0);
}

/* The deadline goes on: work that was offloaded may hang. */
static void end_close(sl_instance_t *instance) {
    sl_ctx_close(instance->ctx, on_ctx_closed, instance);
}

void sl_instance_complete(sl_instance_t *instance, sluice_op_t op, int status) {
    if (op == SLUICE_OP_OPEN && instance->state == SL_INSTANCE_OPENING) {
        if (uv_is_active((uv_handle_t *)&instance->timer))
            return; /* twice */
        instance->open_status = status;
        uv_timer_start(&instance->timer, on_open_complete, 0, 0);
    } else if (op == SLUICE_OP_CLOSE && instance->state == SL_INSTANCE_CLOSING) {
        if (instance->starting)
            instance->early = 1;
        else
            end_close(instance);
    }
}

static void on_deadline(uv_timer_t *timer) {
    sl_instance_t *instance = timer->data;
    life_t life = life_of(instance->spec->plugin);

    sl_ctx_abandon(instance->ctx, life.destroy, instance->self);
    instance->ctx = NULL;
    instance->self = NULL;
    instance->state = SL_INSTANCE_NONE;
    instance->closed(instance->user, 1);
}

void sl_instance_close(sl_instance_t *instance, uint64_t deadline_ms,
                       void (*closed)(void *user, int abandoned), void *user) {
    life_t life = life_of(instance->spec->plugin);
    int was = (int)instance->state;

    instance->closed = closed;
    instance->user = user;
    if (was == SL_INSTANCE_CLOSING) { /* who has less patience is heard */
        if (uv_is_active((uv_handle_t *)&instance->timer) &&
            uv_timer_get_due_in(&instance->timer) > deadline_ms)
            uv_timer_start(&instance->timer, on_deadline, deadline_ms, 0);
        return;
    }
    if (instance->ctx == NULL) {
        closed(user, 0);
        return;
    }
    instance->state = SL_INSTANCE_CLOSING;
    uv_timer_start(&instance->timer, on_deadline, deadline_ms, 0);
    if (was == SL_INSTANCE_NONE || life.close == NULL) {
        end_close(instance);
        return;
    }
    instance->starting = 1;
    instance->early = 0;
    was = life.close(instance->self);
    instance->starting = 0;
    if (was != SLUICE_OK || instance->early)
        end_close(instance);
}

int sl_status_may_heal(int status) {
    return status == SLUICE_NOT_CONNECTED || status == SLUICE_RETRY || status == SLUICE_BUSY ||
           status == SLUICE_NO_MEMORY || status == SLUICE_CANCELLED;
}

const char *sl_status_name(int status) {
    static const char *const names[] = {"ok",      "busy",      "retry",     "not_connected",
                                        "bad_record", "fatal",  "invalid",   "no_memory",
                                        "cancelled",  "unsupported"};

    return status <= 0 && status > -10 ? names[-status] : "unknown";
}

void sl_ctx_error_of(sluice_ctx_t *ctx, int status, sl_ctx_error_t *out) {
    char text[64];

    if (ctx != NULL && sl_ctx_error_take(ctx, out) && out->code != NULL)
        return;
    snprintf(text, sizeof(text), "the plugin answered \"%s\" without details",
             sl_status_name(status));
    memset(out, 0, sizeof(*out));
    out->status = status;
    out->code = strdup(sl_status_name(status));
    out->message = strdup(text);
}

void sl_instance_error(sl_instance_t *instance, int status, sl_ctx_error_t *out) {
    sl_ctx_error_of(instance->ctx, status, out);
}

int sl_pure_open(sl_pure_t *pure, const sl_spec_t *spec, const sl_home_t *home,
                 sl_ctx_error_t *error) {
    sl_instance_t temporary;
    sl_home_t no_loop = *home;
    int status;

    memset(pure, 0, sizeof(*pure));
    if (spec->plugin == NULL)
        return SLUICE_OK;
    memset(&temporary, 0, sizeof(temporary));
    no_loop.loop = NULL;
    temporary.spec = spec;
    temporary.home = &no_loop;
    status = make(&temporary, NULL, NULL);
    if (status != SLUICE_OK) {
        sl_ctx_error_of(temporary.ctx, status, error);
        sl_ctx_destroy(temporary.ctx);
        return status;
    }
    pure->plugin = spec->plugin;
    pure->ctx = temporary.ctx;
    pure->self = temporary.self;
    return SLUICE_OK;
}

void sl_pure_close(sl_pure_t *pure) {
    if (pure->plugin == NULL)
        return;
    if (life_of(pure->plugin).destroy != NULL)
        life_of(pure->plugin).destroy(pure->self);
    sl_ctx_destroy(pure->ctx);
    memset(pure, 0, sizeof(*pure));
}
