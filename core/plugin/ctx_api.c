#include "base/clock.h"
#include "config/config.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "plugin/ctx_int.h"
#include "record/batch.h"
#include "record/buf.h"
#include "record/decimal.h"
#include "record/json.h"
#include "record/schema.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- log and errors ---- */

SLUICE_PRINTF(3, 4)
static void api_log(sluice_ctx_t *ctx, sluice_log_level_t level, const char *fmt, ...) {
    va_list args;

    if (!sl_log_enabled(level, ctx->scope))
        return;
    va_start(args, fmt);
    sl_log_va(level, ctx->scope,
              SL_FIELDS(sl_field("pipeline", ctx->p.pipeline), sl_field("node", ctx->p.instance),
                        sl_field_int("task", ctx->p.task)),
              fmt, args);
    va_end(args);
}

SLUICE_PRINTF(4, 5)
static int api_fail(sluice_ctx_t *ctx, int status, const char *code, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_ctx_error_store(ctx, status, code, fmt, args);
    va_end(args);
    return status;
}

/* ---- configuration ---- */

static const char *api_config_text(sluice_ctx_t *ctx, const char *name) {
    return ctx->p.config != NULL ? sl_config_text(ctx->p.config, name) : NULL;
}

static int64_t api_config_int(sluice_ctx_t *ctx, const char *name) {
    return ctx->p.config != NULL ? sl_config_int(ctx->p.config, name) : 0;
}

static double api_config_double(sluice_ctx_t *ctx, const char *name) {
    return ctx->p.config != NULL ? sl_config_double(ctx->p.config, name) : 0;
}

static size_t api_config_list(sluice_ctx_t *ctx, const char *name, const char *const **items) {
    *items = NULL;
    return ctx->p.config != NULL ? sl_config_list(ctx->p.config, name, items) : 0;
}

static int api_config_given(sluice_ctx_t *ctx, const char *name) {
    return ctx->p.config != NULL && sl_config_given(ctx->p.config, name);
}

static size_t api_config_prefix_count(sluice_ctx_t *ctx, const char *prefix) {
    return ctx->p.config != NULL ? sl_config_prefix_count(ctx->p.config, prefix) : 0;
}

static int api_config_prefix_at(sluice_ctx_t *ctx, const char *prefix, size_t i, const char **key,
                                const char **text) {
    if (ctx->p.config == NULL)
        return SLUICE_INVALID;
    return sl_config_prefix_at(ctx->p.config, prefix, i, key, text);
}

SLUICE_PRINTF(3, 4)
static void api_config_error(sluice_ctx_t *ctx, const char *name, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    sl_ctx_fault_add(ctx, name, fmt, args);
    va_end(args);
}

/* ---- identity, clock ---- */

static const char *api_pipeline_name(sluice_ctx_t *ctx) {
    return ctx->p.pipeline;
}

static const char *api_instance_name(sluice_ctx_t *ctx) {
    return ctx->p.instance;
}

static int32_t api_task_number(sluice_ctx_t *ctx) {
    return ctx->p.task;
}

static int64_t api_now_ms(sluice_ctx_t *ctx) {
    (void)ctx;
    return sl_wall_ms();
}

static uint64_t api_tick_ns(sluice_ctx_t *ctx) {
    (void)ctx;
    return uv_hrtime();
}

static void *api_uv_loop(sluice_ctx_t *ctx) {
    return ctx->p.loop;
}

/* ---- memory and metrics ---- */

static void api_charge(sluice_ctx_t *ctx, int64_t delta_bytes) {
    atomic_fetch_add(&ctx->charged, delta_bytes);
    if (ctx->p.budget != NULL)
        atomic_fetch_add(ctx->p.budget, delta_bytes);
}

static sluice_metric_t *api_metric(sluice_ctx_t *ctx, sluice_metric_kind_t kind, const char *name,
                                   const char *help) {
    char task[16];

    snprintf(task, sizeof(task), "%d", (int)ctx->p.task);
    return sl_metric_plugin(
        kind, ctx->p.plugin->name, name, help,
        SL_LABELS({"pipeline", ctx->p.pipeline}, {"node", ctx->p.instance}, {"task", task}));
}

static sluice_metric_t *api_metric_series(sluice_ctx_t *ctx, sluice_metric_kind_t kind,
                                          const char *family, const char *help,
                                          const sluice_label_t *labels, size_t count) {
    (void)ctx;
    return sl_metric(kind, family, help, labels, count);
}

static sluice_batch_t *api_batch_new(sluice_ctx_t *ctx, size_t arena_bytes_hint) {
    (void)ctx;
    return sl_batch_create(arena_bytes_hint);
}

static sluice_batch_t *api_batch_derive(sluice_ctx_t *ctx, sluice_batch_t *in,
                                        sluice_record_t **records) {
    (void)ctx;
    return sl_batch_derive(in, records);
}

/* ---- what the embedder does; an abandoned instance talks to nobody ---- */

#define ASKED(ctx, slot) (!(ctx)->abandoned && (ctx)->p.ops->slot != NULL)

static void api_complete(sluice_ctx_t *ctx, sluice_op_t op, int status) {
    if (ctx->abandoned && op == SLUICE_OP_CLOSE)
        sl_ctx_close(ctx, sl_ctx_abandoned_closed, ctx);
    else if (ASKED(ctx, complete))
        ctx->p.ops->complete(ctx->p.user, op, status);
}

static void api_broken(sluice_ctx_t *ctx, int status) {
    if (ASKED(ctx, broken))
        ctx->p.ops->broken(ctx->p.user, status);
}

static uint32_t api_source_partition(sluice_ctx_t *ctx, sluice_str_t json) {
    return ASKED(ctx, source_partition) ? ctx->p.ops->source_partition(ctx->p.user, json) : 0;
}

static int api_stored_position(sluice_ctx_t *ctx, uint32_t source_partition,
                               sluice_position_t *position, sluice_str_t *offset) {
    memset(position, 0, sizeof(*position));
    *offset = sluice_str(NULL);
    if (!ASKED(ctx, stored_position))
        return 0;
    return ctx->p.ops->stored_position(ctx->p.user, source_partition, position, offset);
}

static sluice_credit_t api_credit(sluice_ctx_t *ctx) {
    sluice_credit_t none = {0, 0};

    return ASKED(ctx, credit) ? ctx->p.ops->credit(ctx->p.user) : none;
}

static int api_emit(sluice_ctx_t *ctx, sluice_batch_t *batch) {
    int status;

    if (!ASKED(ctx, emit)) {
        sl_batch_unref(batch);
        return SLUICE_BUSY;
    }
    status = sl_batch_seal(batch);
    if (status != SLUICE_OK) { /* its records are lost to this incarnation: begin again from the
                                  stored position */
        sl_batch_unref(batch);
        api_fail(ctx, status, "host.memory", "out of memory: a batch could not be sealed");
        api_broken(ctx, SLUICE_RETRY);
        return SLUICE_BUSY;
    }
    return ctx->p.ops->emit(ctx->p.user, batch);
}

static int api_advance(sluice_ctx_t *ctx, uint32_t source_partition,
                       const sluice_position_t *position, sluice_str_t offset) {
    if (!ASKED(ctx, advance))
        return ctx->abandoned ? SLUICE_BUSY : SLUICE_UNSUPPORTED;
    return ctx->p.ops->advance(ctx->p.user, source_partition, position, offset);
}

static void api_finished(sluice_ctx_t *ctx) {
    if (ASKED(ctx, finished))
        ctx->p.ops->finished(ctx->p.user);
}

static void api_reject(sluice_ctx_t *ctx, uint32_t record) {
    if (ASKED(ctx, reject))
        ctx->p.ops->reject(ctx->p.user, record);
}

static void api_account(sluice_ctx_t *ctx, uint32_t absorbed, uint32_t generated) {
    if (ASKED(ctx, account))
        ctx->p.ops->account(ctx->p.user, absorbed, generated);
}

static void api_ready(sluice_ctx_t *ctx) {
    if (ASKED(ctx, ready))
        ctx->p.ops->ready(ctx->p.user);
}

static void api_released(sluice_ctx_t *ctx, sluice_ticket_t *ticket) {
    if (ASKED(ctx, released))
        ctx->p.ops->released(ctx->p.user, ticket);
}

static void api_durable(sluice_ctx_t *ctx, sluice_ticket_t *ticket, int status,
                        const sluice_result_t *results, size_t count) {
    if (ASKED(ctx, durable))
        ctx->p.ops->durable(ctx->p.user, ticket, status, results, count);
}

static void api_sink_position(sluice_ctx_t *ctx, sluice_str_t source_partition,
                              const sluice_position_t *position, uint32_t sub_index) {
    if (ASKED(ctx, sink_position))
        ctx->p.ops->sink_position(ctx->p.user, source_partition, position, sub_index);
}

static sluice_str_t api_source_partition_json(sluice_ctx_t *ctx, uint32_t source_partition) {
    if (!ASKED(ctx, source_partition_json))
        return sluice_str(NULL);
    return ctx->p.ops->source_partition_json(ctx->p.user, source_partition);
}

static sluice_batch_t *api_sample(sluice_ctx_t *ctx) {
    ctx->sample_missed |= ctx->p.sample == NULL;
    return ctx->p.sample;
}

static int api_store_wanted(sluice_ctx_t *ctx) {
    return ASKED(ctx, store_wanted) ? ctx->p.ops->store_wanted(ctx->p.user) : 0;
}

static int api_store_entry(sluice_ctx_t *ctx, const sluice_entry_t *entry) {
    return ASKED(ctx, store_entry) ? ctx->p.ops->store_entry(ctx->p.user, entry)
                                   : SLUICE_UNSUPPORTED;
}

static void api_store_system(sluice_ctx_t *ctx, const char *name) {
    if (ASKED(ctx, store_system))
        ctx->p.ops->store_system(ctx->p.user, name);
}

static void api_store_written(sluice_ctx_t *ctx, uint64_t number, int status) {
    if (ASKED(ctx, store_written))
        ctx->p.ops->store_written(ctx->p.user, number, status);
}

static void api_store_trouble(sluice_ctx_t *ctx, const char *text) {
    if (ASKED(ctx, store_trouble))
        ctx->p.ops->store_trouble(ctx->p.user, text);
}

static void api_store_blocked(sluice_ctx_t *ctx) {
    if (ASKED(ctx, store_blocked))
        ctx->p.ops->store_blocked(ctx->p.user);
}

static const sluice_api_t api = {
    .size = sizeof(sluice_api_t),
    .major = SLUICE_ABI_MAJOR,
    .minor = SLUICE_ABI_MINOR,
    .json = &sl_json_api,
    .log = api_log,
    .fail = api_fail,
    .config_text = api_config_text,
    .config_int = api_config_int,
    .config_double = api_config_double,
    .config_list = api_config_list,
    .config_given = api_config_given,
    .config_prefix_count = api_config_prefix_count,
    .config_prefix_at = api_config_prefix_at,
    .config_error = api_config_error,
    .pipeline_name = api_pipeline_name,
    .instance_name = api_instance_name,
    .task_number = api_task_number,
    .state_dir = sl_ctx_state_dir,
    .now_ms = api_now_ms,
    .tick_ns = api_tick_ns,
    .uv_loop = api_uv_loop,
    .timer_start = sl_ctx_timer_start,
    .timer_stop = sl_ctx_timer_stop,
    .post = sl_ctx_post,
    .offload = sl_ctx_offload,
    .charge = api_charge,
    .metric_series = api_metric_series,
    .metric_hide = sl_metric_hide,
    .metric = api_metric,
    .metric_add = sl_metric_add,
    .metric_set = sl_metric_set,
    .metric_observe = sl_metric_observe,
    .schema_intern = sl_schema_intern,
    .schema_ref = sl_schema_ref,
    .schema_unref = sl_schema_unref,
    .schema_field = sl_schema_field,
    .batch_new = api_batch_new,
    .batch_alloc = sl_batch_alloc,
    .batch_copy = sl_batch_copy,
    .batch_pin = sl_batch_pin,
    .batch_share = sl_batch_share,
    .batch_add = sl_batch_add,
    .batch_seal = sl_batch_seal,
    .batch_records = sl_batch_records,
    .batch_bytes = sl_batch_bytes,
    .batch_marks = sl_batch_marks,
    .batch_ref = sl_batch_ref,
    .batch_unref = sl_batch_unref,
    .buf_init = sl_buf_init,
    .buf_finish = sl_buf_finish,
    .decimal_scale = sl_decimal_scale,
    .decimal_to_bytes = sl_decimal_to_bytes,
    .decimal_from_bytes = sl_decimal_from_bytes,
    .complete = api_complete,
    .broken = api_broken,
    .source_partition = api_source_partition,
    .stored_position = api_stored_position,
    .credit = api_credit,
    .emit = api_emit,
    .advance = api_advance,
    .finished = api_finished,
    .reject = api_reject,
    .account = api_account,
    .ready = api_ready,
    .released = api_released,
    .durable = api_durable,
    .sink_position = api_sink_position,
    .source_partition_json = api_source_partition_json,
    .sample = api_sample,
    .batch_serial = sl_batch_serial,
    .batch_derive = api_batch_derive,
    .batch_cut = sl_batch_cut,
    .store_wanted = api_store_wanted,
    .store_entry = api_store_entry,
    .store_system = api_store_system,
    .store_written = api_store_written,
    .store_trouble = api_store_trouble,
    .store_blocked = api_store_blocked,
};

const sluice_api_t *sl_api(void) {
    return &api;
}
