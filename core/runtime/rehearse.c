#include "runtime/rehearse.h"

#include "base/channel.h"
#include "base/member.h"
#include "base/remove.h"
#include "observe/log.h"
#include "record/batch.h"
#include "runtime/graph.h"
#include "runtime/modules.h"
#include "sluice/uv.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLOSE_MS 2000
#define TURNS    50 /* of a transform that asks to be tried again */

typedef struct rehearsal {
    uv_loop_t loop; /* of the transforms */
    sl_graph_t graph;
    sl_modules_t modules;
    sl_pipeline_t *pipeline;
    sl_report_t report;
    sl_failure_t failure;
    sl_home_t home;
    char state_dir[64];
    char pointer[SL_POINTER_MAX]; /* of what is being asked */
    sluice_batch_t *sample;       /* of the source */
    int waiting;
} rehearsal_t;

/* ---- one probe ---- */

static int op_emit(void *user, sluice_batch_t *batch) {
    rehearsal_t *r = user;

    if (r->sample == NULL)
        r->sample = batch;
    else
        sl_batch_unref(batch);
    return SLUICE_OK;
}

static uint32_t op_partition(void *user, sluice_str_t json) {
    return sl_partitions_number(&((rehearsal_t *)user)->graph.partitions, json);
}

static sluice_credit_t op_credit(void *user) {
    static const sluice_credit_t some = {1000, 1 << 20};

    (void)user;
    return some;
}

static const sl_ctx_ops_t probe_ops = {
    .emit = op_emit, .source_partition = op_partition, .credit = op_credit};

static void point_at(rehearsal_t *r, const sl_plugin_use_t *use) {
    sl_pointer_join(r->pointer, sizeof(r->pointer), use->pointer, "config");
}

static void take_faults(rehearsal_t *r, sluice_ctx_t *ctx, int status) {
    char pointer[SL_POINTER_MAX];
    sl_ctx_error_t error;
    size_t i, count;
    const sl_ctx_fault_t *faults = sl_ctx_faults(ctx, &count);

    for (i = 0; i < count; i++) {
        const char *name = faults[i].option != NULL ? faults[i].option : "";
        snprintf(pointer, sizeof(pointer), "%s", r->pointer);
        if (*name != '\0')
            sl_pointer_join(pointer, sizeof(pointer), r->pointer, name);
        sl_report_error(&r->report, pointer, name, NULL, "%s",
                        faults[i].message != NULL ? faults[i].message : "");
    }
    sl_ctx_error_of(ctx, status, &error);
    if (status < 0)
        sl_report_error(&r->report, r->pointer, "", NULL, "%s",
                        error.message != NULL ? error.message : sl_status_name(status));
    sl_ctx_error_fini(&error);
}

static void probe(rehearsal_t *r, const sl_spec_t *spec, const sl_plugin_use_t *use,
                  sluice_batch_t *sample) {
    sl_ctx_params_t params = {.plugin = spec->plugin,
                              .config = spec->config,
                              .pipeline = r->pipeline->name,
                              .instance = spec->name,
                              .ops = &probe_ops,
                              .user = r,
                              .sample = sample};
    sluice_ctx_t *ctx;

    point_at(r, use);
    if (spec->plugin->probe == NULL || sl_ctx_create(&params, &ctx) != SLUICE_OK)
        return;
    take_faults(r, ctx, spec->plugin->probe(sl_api(), ctx));
    if (sl_ctx_sample_missed(ctx))
        sl_report_warn(&r->report, r->pointer, "", NULL,
                       "fields and types were not compared with the target: nothing upstream can "
                       "tell them before it runs");
    sl_ctx_destroy(ctx);
}

/* ---- the transforms ---- */

static void on_chain_opened(void *user, int status) {
    (void)status; /* failure is set */
    ((rehearsal_t *)user)->waiting = 0;
}

static void on_chain_closed(void *user) {
    ((rehearsal_t *)user)->waiting = 0;
}

static void on_chain_checkpointed(void *user, int status) {
    (void)user, (void)status;
}

static void on_chain_broken(void *user, int status) {
    (void)user, (void)status; /* failure is set */
}

static const sl_chain_events_t chain_events = {on_chain_opened, on_chain_closed,
                                               on_chain_checkpointed, on_chain_broken};

static int has_come(void *user) {
    return !((rehearsal_t *)user)->waiting;
}

static void wait_for(rehearsal_t *r) {
    sluice_uv_run_until(&r->loop, has_come, r);
}

static sluice_batch_t *run_chain(rehearsal_t *r, sl_chain_t *chain, sluice_batch_t *in) {
    sluice_batch_t *out = NULL;
    int i;

    r->waiting = 1;
    sl_chain_open(chain);
    wait_for(r);
    if (r->failure.trace != NULL)
        return NULL;
    sl_chain_start(chain, sl_batch_ref(in));
    for (i = 0; i < TURNS && sl_chain_run(chain, &out) == SLUICE_RETRY; i++)
        uv_run(&r->loop, UV_RUN_NOWAIT);
    return out;
}

/* What the transforms make of the sample; NULL: nothing, or it cannot be told. */
static sluice_batch_t *transformed(rehearsal_t *r, const sl_chain_spec_t *spec,
                                   sluice_batch_t *in) {
    static const sl_errors_policy_t strict = {0};
    sluice_batch_t *out = NULL;
    sl_errors_t errors;
    sl_chain_t chain;

    if (in == NULL || spec->count == 0)
        return in != NULL ? sl_batch_ref(in) : NULL;
    sl_errors_init(&errors, &strict, r->pipeline->name, NULL, &r->graph.partitions);
    if (sl_chain_init(&chain, spec, &r->home, r->graph.ledger, &errors, &r->graph.partitions,
                      &r->failure, &chain_events, r) == SLUICE_OK)
        out = run_chain(r, &chain, in);
    r->waiting = 1;
    sl_chain_close(&chain, CLOSE_MS);
    wait_for(r);
    sl_chain_fini(&chain);
    uv_run(&r->loop, UV_RUN_NOWAIT);
    sl_chain_free(&chain);
    sl_errors_fini(&errors);
    if (r->failure.trace != NULL)
        sl_report_warn(&r->report, r->pointer, "", NULL,
                       "the transforms could not be tried with a sample record: %s",
                       r->failure.trace);
    sl_failure_fini(&r->failure);
    memset(&r->failure, 0, sizeof(r->failure));
    return out;
}

/* ---- the whole ---- */

static void rehearse_branch(rehearsal_t *r, size_t i, sluice_batch_t *sample) {
    const sl_branch_spec_t *spec = &r->graph.branches[i];
    const sl_plugin_use_t *use = &r->pipeline->branches[i].sink;
    sluice_batch_t *out = NULL;

    point_at(r, use);
    /* Behind converters there are bytes, whose shape no target compares. */
    if (!(spec->sink.plugin->sink->flags & SLUICE_SINK_BYTES))
        out = transformed(r, &spec->chain, sample);
    probe(r, &spec->sink, use, out);
    sl_batch_unref(out);
}

static void probe_chain(rehearsal_t *r, const sl_chain_spec_t *spec,
                        const sl_transform_chain_t *uses) {
    size_t i;

    for (i = 0; i < spec->count; i++)
        probe(r, &spec->steps[i].transform, &uses->items[i].use, NULL);
}

static void rehearse_graph(rehearsal_t *r) {
    sluice_batch_t *out;
    size_t i;

    probe(r, &r->graph.source, &r->pipeline->source, NULL);
    probe_chain(r, &r->graph.chain, &r->pipeline->transforms);
    point_at(r, &r->pipeline->source);
    out = transformed(r, &r->graph.chain, r->sample);
    for (i = 0; i < r->graph.branch_count; i++) {
        probe_chain(r, &r->graph.branches[i].chain, &r->pipeline->branches[i].transforms);
        rehearse_branch(r, i, out);
    }
    sl_batch_unref(out);
}

static void rehearse(rehearsal_t *r, const cJSON *request) {
    sl_graph_params_t params = {
        .pipeline = r->pipeline, .find = sl_modules_find, .user = &r->modules};

    sl_modules_init(&r->modules, cJSON_GetObjectItemCaseSensitive(request, "modules"));
    snprintf(r->state_dir, sizeof(r->state_dir), "/tmp/sluice-rehearse-XXXXXX");
    if (uv_loop_init(&r->loop) != 0 || mkdtemp(r->state_dir) == NULL)
        return;
    if (sl_graph_init(&r->graph, &params, &r->failure) == SLUICE_OK) {
        r->home = (sl_home_t){.loop = &r->loop,
                              .pipeline = r->pipeline->name,
                              .state_dir = r->state_dir,
                              .budget = &r->graph.credit.plugins};
        rehearse_graph(r);
    } else {
        sl_report_error(&r->report, "", "", NULL, "%s", r->failure.trace);
    }
    sl_batch_unref(r->sample);
    sl_graph_fini(&r->graph);
    sl_failure_fini(&r->failure);
    uv_run(&r->loop, UV_RUN_NOWAIT);
    uv_loop_close(&r->loop);
    sl_remove_tree(r->state_dir);
}

/* Runs on any thread; probes log on ours. */
static void on_log(void *user, const sl_log_record_t *record) {
    rehearsal_t *r = user;

    if (record->level <= SLUICE_LOG_WARN)
        sl_report_warn(&r->report, r->pointer, "", NULL, "%s", record->text);
}

/* ---- the process ---- */

typedef struct process {
    uv_loop_t loop;
    sl_channel_t *channel;
} process_t;

static void on_message(void *user, const char *type, cJSON *message) {
    static rehearsal_t r; /* the log keeps its address */
    process_t *p = user;
    cJSON *answer = sl_channel_message("rehearsed");

    (void)type;
    memset(&r, 0, sizeof(r));
    sl_report_init(&r.report);
    sl_log_set_output(on_log, &r);
    if (sl_pipeline_read(cJSON_GetObjectItemCaseSensitive(message, "pipeline"), NULL, "pipeline",
                         &r.report, &r.pipeline) == SLUICE_OK)
        rehearse(&r, message);
    sl_log_set_output(NULL, NULL);
    cJSON_AddNumberToObject(answer, "id", sl_number(message, "id"));
    cJSON_AddItemToObject(answer, "report", sl_report_json(&r.report));
    sl_report_fini(&r.report);
    sl_pipeline_destroy(r.pipeline);
    sl_channel_send(p->channel, answer);
}

static void on_end(void *user, const char *reason) {
    (void)reason;
    uv_stop(&((process_t *)user)->loop);
}

int sl_rehearse_main(int fd) {
    static const sl_channel_callbacks_t callbacks = {on_message, on_end};
    static process_t p;

    if (uv_loop_init(&p.loop) != 0 ||
        sl_channel_open(&p.loop, fd, &callbacks, &p, &p.channel) != SLUICE_OK)
        return 1;
    uv_run(&p.loop, UV_RUN_DEFAULT);
    _exit(0); /* threads of client libraries may still run */
}
