/* Converters that ask a service: a loop for each, which runs while an answer is awaited. */
#include "cli/try_int.h"

#include "sluice/uv.h"
#include <stdlib.h>

struct sl_try_loop {
    uv_loop_t uv;
    int ready;
    int closed; /* CLOSE completed */
    int gone;   /* nothing of its ctx runs any more */
};

static void on_ready(void *user) {
    ((struct sl_try_loop *)user)->ready = 1;
}

static void on_complete(void *user, sluice_op_t op, int status) {
    struct sl_try_loop *loop = user;

    (void)status;
    if (op == SLUICE_OP_CLOSE)
        loop->closed = 1;
}

static void on_gone(void *user) {
    ((struct sl_try_loop *)user)->gone = 1;
}

static int is_ready(void *user) {
    return ((struct sl_try_loop *)user)->ready;
}

static int is_closed(void *user) {
    return ((struct sl_try_loop *)user)->closed;
}

static int is_gone(void *user) {
    return ((struct sl_try_loop *)user)->gone;
}

static const sl_ctx_ops_t ops = {.complete = on_complete, .ready = on_ready};

int sl_try_loop_open(sl_try_plugin_t *p, sl_ctx_params_t *params) {
    if (p->plugin->kind != SLUICE_CONVERTER || sl_converter_close(p->plugin) == NULL)
        return SLUICE_OK;
    p->loop = calloc(1, sizeof(*p->loop));
    if (p->loop == NULL || uv_loop_init(&p->loop->uv) != 0) {
        free(p->loop);
        p->loop = NULL;
        return SLUICE_NO_MEMORY;
    }
    params->loop = &p->loop->uv;
    params->ops = &ops;
    params->user = p->loop;
    return SLUICE_OK;
}

void sl_try_loop_close(sl_try_plugin_t *p) {
    if (p->loop == NULL)
        return;
    if (p->self != NULL && sl_converter_close(p->plugin)(p->self) == SLUICE_OK)
        sluice_uv_run_until(&p->loop->uv, is_closed, p->loop);
    if (p->ctx == NULL)
        return;
    sl_ctx_close(p->ctx, on_gone, p->loop);
    sluice_uv_run_until(&p->loop->uv, is_gone, p->loop);
}

void sl_try_loop_free(sl_try_plugin_t *p) {
    if (p->loop == NULL)
        return;
    uv_run(&p->loop->uv, UV_RUN_NOWAIT);
    if (uv_loop_close(&p->loop->uv) == 0) /* else something still uses it */
        free(p->loop);
    p->loop = NULL;
}

/* 1: the call that answered this is to be made again. */
static int waits(sl_try_plugin_t *p, int status) {
    if (status != SLUICE_BUSY || p->loop == NULL)
        return 0;
    return sluice_uv_run_until(&p->loop->uv, is_ready, p->loop); /* else nobody is left to say it */
}

int sl_try_to_connect(sl_try_plugin_t *p, sluice_batch_t *arena, sluice_str_t topic,
                      sluice_str_t bytes, const sluice_schema_t **schema, sluice_value_t *value) {
    int status;

    do {
        if (p->loop != NULL)
            p->loop->ready = 0;
        status = p->plugin->converter->to_connect(p->self, arena, topic, bytes, schema, value);
    } while (waits(p, status));
    return status;
}

int sl_try_from_connect(sl_try_plugin_t *p, sluice_batch_t *arena, sluice_str_t topic,
                        const sluice_schema_t *schema, const sluice_value_t *value,
                        sluice_str_t *bytes) {
    int status;

    do {
        if (p->loop != NULL)
            p->loop->ready = 0;
        status = p->plugin->converter->from_connect(p->self, arena, topic, schema, value, bytes);
    } while (waits(p, status));
    return status;
}
