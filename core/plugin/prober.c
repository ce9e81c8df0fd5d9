#include "plugin/prober.h"

#include "base/channel.h"
#include "base/heapbuf.h"
#include "base/member.h"
#include "config/catalog.h"
#include "config/config.h"
#include "plugin/ctx.h"
#include "plugin/describe.h"
#include "plugin/module.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#define CHANNEL_FD 3
/* Long enough for the questions of one request, short enough for a connector that is paused or gone
 * to leave no process behind. */
#define IDLE_MS 1000

typedef struct prober {
    uv_loop_t loop;
    uv_timer_t idle;
    sl_channel_t *channel;
    sl_module_t *module; /* NULL: error says why */
    char error[SL_MODULE_ERROR_SIZE];
    size_t running;
} prober_t;

/* One check, probe or plan. */
typedef struct job {
    uv_work_t work;
    prober_t *prober;
    cJSON *answer;
    const sluice_plugin_t *plugin;
    sl_options_t *options;
    sl_config_t *config;
    sluice_ctx_t *ctx;
    int32_t max_tasks;
    char *offsets; /* to alter */
    sluice_buf_t read; /* offsets that were read */
    int (*run)(struct job *job);
    int status;
} job_t;

/* An answer with the request's id. */
static cJSON *answer_to(const cJSON *request, const char *type) {
    cJSON *answer = sl_channel_message(type);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(request, "id");

    if (answer != NULL && cJSON_IsNumber(id))
        cJSON_AddNumberToObject(answer, "id", id->valuedouble);
    return answer;
}

static void add_error(cJSON *answer, int status, const char *code, const char *message) {
    cJSON *error = cJSON_AddObjectToObject(answer, "error");

    cJSON_AddNumberToObject(error, "status", status);
    cJSON_AddStringToObject(error, "code", code != NULL ? code : "plugin.error");
    cJSON_AddStringToObject(error, "message", message != NULL ? message : "no reason given");
}

static void on_idle(uv_timer_t *timer) {
    prober_t *p = timer->data;

    if (p->running == 0 && sl_channel_pending(p->channel) == 0)
        uv_stop(&p->loop);
}

static void describe(prober_t *p, const cJSON *request) {
    cJSON *answer = answer_to(request, "described");

    if (p->module == NULL)
        cJSON_AddStringToObject(answer, "error", p->error);
    else
        cJSON_AddItemToObject(answer, "module", sl_describe_module(p->module));
    sl_channel_send(p->channel, answer);
}

/* ---- check, probe, plan ---- */

static int run_check(job_t *job) {
    return job->plugin->check != NULL ? job->plugin->check(sl_api(), job->ctx) : SLUICE_OK;
}

static int run_probe(job_t *job) {
    return job->plugin->probe != NULL ? job->plugin->probe(sl_api(), job->ctx) : SLUICE_OK;
}

static int run_plan(job_t *job) {
    const sluice_source_t *source = job->plugin->source;

    if (source == NULL || source->plan == NULL)
        return 1;
    return source->plan(sl_api(), job->ctx, job->max_tasks);
}

static int run_alter(job_t *job) {
    const sluice_plugin_t *p = job->plugin;
    sluice_str_t offsets = sluice_str(job->offsets);

    if (p->source != NULL && p->source->alter_offsets != NULL)
        return p->source->alter_offsets(sl_api(), job->ctx, offsets);
    if (p->sink != NULL && p->sink->alter_offsets != NULL)
        return p->sink->alter_offsets(sl_api(), job->ctx, offsets);
    return 0;
}

static int run_read(job_t *job) {
    const sluice_source_t *source = job->plugin->source;

    if (source == NULL || source->read_offsets == NULL)
        return SLUICE_UNSUPPORTED;
    return source->read_offsets(sl_api(), job->ctx, &job->read);
}

static void job_destroy(job_t *job) {
    sl_heapbuf_fini(&job->read);
    sl_ctx_destroy(job->ctx);
    sl_config_destroy(job->config);
    sl_options_unref(job->options);
    cJSON_Delete(job->answer);
    free(job->offsets);
    free(job);
}

static void add_faults(job_t *job) {
    cJSON *array = cJSON_AddArrayToObject(job->answer, "faults");
    size_t count, i;
    const sl_ctx_fault_t *faults = sl_ctx_faults(job->ctx, &count);

    for (i = 0; i < count; i++) {
        cJSON *fault = cJSON_CreateObject();
        cJSON_AddStringToObject(fault, "name", faults[i].option != NULL ? faults[i].option : "");
        cJSON_AddStringToObject(fault, "message",
                                faults[i].message != NULL ? faults[i].message : "");
        cJSON_AddItemToArray(array, fault);
    }
}

static void job_finish(job_t *job) {
    prober_t *p = job->prober;
    sl_ctx_error_t error;

    if (job->run == run_plan && job->status >= 0)
        cJSON_AddNumberToObject(job->answer, "tasks", job->status);
    if (job->run == run_alter)
        cJSON_AddBoolToObject(job->answer, "complete", job->status > 0);
    if (job->run == run_read && job->status >= 0)
        cJSON_AddStringToObject(job->answer, "offsets", sl_heapbuf_text(&job->read));
    cJSON_AddNumberToObject(job->answer, "status", job->status < 0 ? job->status : SLUICE_OK);
    add_faults(job);
    if (sl_ctx_error_take(job->ctx, &error) || job->status < 0)
        add_error(job->answer, job->status, error.code, error.message);
    sl_ctx_error_fini(&error);
    sl_channel_send(p->channel, job->answer);
    job->answer = NULL;
    job_destroy(job);
    p->running--;
    uv_timer_again(&p->idle);
}

static void on_work(uv_work_t *work) {
    job_t *job = work->data;

    job->status = job->run(job);
}

static void on_worked(uv_work_t *work, int status) {
    (void)status;
    job_finish(work->data);
}

static char *copy_of(const char *text) {
    return strdup(text != NULL ? text : "[]");
}

/* Options, configuration and ctx of the request; NULL or why not. */
static const char *job_prepare(job_t *job, const cJSON *request) {
    const cJSON *tasks = cJSON_GetObjectItemCaseSensitive(request, "max_tasks");
    const char *name = sl_text(request, "plugin");
    sl_ctx_params_t params = {.pipeline = sl_text(request, "pipeline")};
    const char *why = "out of memory";
    sl_report_t report;
    int status;

    if (job->prober->module == NULL)
        return job->prober->error;
    if (name != NULL)
        job->plugin = sl_module_find(job->prober->module,
                                     sl_plugin_kind_parse(sl_text(request, "kind")), name);
    if (job->plugin == NULL)
        return "the module has no such plugin";
    job->offsets = copy_of(sl_text(request, "offsets"));
    job->max_tasks = cJSON_IsNumber(tasks) ? tasks->valueint : 1;
    if (sl_options_create(job->plugin->options, job->plugin->option_count, job->plugin->option_size,
                          &job->options, &why) != SLUICE_OK)
        return why;
    sl_report_init(&report);
    status = sl_config_parse(job->options, cJSON_GetObjectItemCaseSensitive(request, "config"), "",
                             0, &report, &job->config);
    sl_report_fini(&report); /* the asker has checked the options by their table already */
    if (status != SLUICE_OK)
        return "out of memory";
    params.plugin = job->plugin;
    params.config = job->config;
    return sl_ctx_create(&params, &job->ctx) == SLUICE_OK ? NULL : "out of memory";
}

/* A probe or plan may block for seconds: on a thread. A check may not. */
static void start_job(prober_t *p, const cJSON *request, const char *type, int (*run)(job_t *job),
                      int blocks) {
    job_t *job = calloc(1, sizeof(*job));
    const char *why;

    if (job == NULL)
        return;
    sl_heapbuf_init(&job->read);
    job->prober = p;
    job->run = run;
    job->work.data = job;
    job->answer = answer_to(request, type);
    why = job_prepare(job, request);
    if (why != NULL) {
        add_error(job->answer, SLUICE_INVALID, "prober.request", why);
        sl_channel_send(p->channel, job->answer);
        job->answer = NULL;
        job_destroy(job);
        return;
    }
    p->running++;
    if (blocks && uv_queue_work(&p->loop, &job->work, on_work, on_worked) == 0)
        return;
    job->status = run(job);
    job_finish(job);
}

static void on_message(void *user, const char *type, cJSON *message) {
    prober_t *p = user;

    uv_timer_again(&p->idle);
    if (strcmp(type, "describe") == 0)
        describe(p, message);
    else if (strcmp(type, "check") == 0)
        start_job(p, message, "checked", run_check, 0);
    else if (strcmp(type, "probe") == 0)
        start_job(p, message, "probed", run_probe, 1);
    else if (strcmp(type, "plan") == 0)
        start_job(p, message, "planned", run_plan, 1);
    else if (strcmp(type, "alter") == 0)
        start_job(p, message, "altered", run_alter, 1);
    else if (strcmp(type, "offsets") == 0)
        start_job(p, message, "offsets", run_read, 1);
}

static void on_end(void *user, const char *reason) {
    prober_t *p = user;

    (void)reason;
    uv_stop(&p->loop);
}

int sl_prober_main(const char *path) {
    static const sl_channel_callbacks_t callbacks = {on_message, on_end};
    static prober_t p;

    if (uv_loop_init(&p.loop) != 0)
        return 1;
    if (sl_channel_open(&p.loop, CHANNEL_FD, &callbacks, &p, &p.channel) != SLUICE_OK)
        return sl_prober_print(path);
    fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sl_module_open(path, &p.module, p.error, sizeof(p.error));
    uv_update_time(&p.loop); /* opening a module may take as long as it likes */
    uv_timer_init(&p.loop, &p.idle);
    p.idle.data = &p;
    uv_timer_start(&p.idle, on_idle, IDLE_MS, IDLE_MS);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    _exit(0); /* a probe may still block on its thread: wait for nobody */
}

int sl_prober_print(const char *path) {
    char error[SL_MODULE_ERROR_SIZE];
    sl_module_t *module;
    cJSON *json;
    char *text;

    if (sl_module_open(path, &module, error, sizeof(error)) != SLUICE_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    json = sl_describe_module(module);
    text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
    sl_module_destroy(module);
    return text != NULL ? 0 : 1;
}
