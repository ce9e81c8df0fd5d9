#include "supervisor/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/connect.h"
#include "config/interpolate.h"
#include "config/pipeline.h"
#include "config/providers.h"
#include "config/worker.h"
#include "sluice/error.h"
#include "supervisor/ask_offsets.h"
#include "supervisor/connect_check.h"
#include "supervisor/secrets.h"

#define ASK_TIMEOUT_MS 10000u
#define DEFAULT_CONVERTER "json"

typedef struct real_resolver {
    sl_resolver_t base;
    sl_catalog_t *catalog;
    const cJSON *worker;
} real_resolver_t;

/* One resolution under way. */
typedef struct work {
    real_resolver_t *resolver;
    char *name;
    int is_connector;
    int is_unresolved; /* its references */
    sl_check_t check;
    sl_connect_checked_t checked; /* see is_connect_check */
    cJSON *config; /* as given */
    cJSON *native;
    sl_pipeline_t *pipeline;
    sl_connect_map_t *map;
    sl_report_t report;
    sl_refs_t refs;
    unsigned waiting; /* answers of probers, and one for the asking itself */
    int32_t tasks;
    sl_resolve_fn done;
    void *user;
} work_t;

static void work_destroy(work_t *w) {
    free(w->name);
    cJSON_Delete(w->config);
    cJSON_Delete(w->native);
    sl_pipeline_destroy(w->pipeline);
    sl_connect_map_destroy(w->map);
    sl_refs_fini(&w->refs);
    sl_report_fini(&w->report);
    cJSON_Delete(w->checked.answer);
    free(w->checked.refusal);
    free(w);
}

static int is_connect_check(const work_t *w) {
    return w->is_connector && (w->check == SL_CHECK_CONNECT || w->check == SL_CHECK_ANSWER);
}

/* ---- the end: paths of modules, or the report ---- */

typedef struct module_search {
    work_t *work;
    cJSON *modules;
} module_search_t;

static void put_module(cJSON *modules, uint32_t kind, const char *name,
                       const sl_catalog_plugin_t *p) {
    char key[300];

    snprintf(key, sizeof key, "%s/%s", sl_plugin_kind_name(kind), name);
    if (cJSON_GetObjectItemCaseSensitive(modules, key) == NULL)
        cJSON_AddStringToObject(modules, key, p->module_copy);
}

/* The runtime takes it wherever a plugin wants a converter and none is named. */
static void add_default_converter(module_search_t *search) {
    const sl_catalog_plugin_t *p =
        sl_catalog_find(search->work->resolver->catalog, SLUICE_CONVERTER, DEFAULT_CONVERTER);

    if (p != NULL)
        put_module(search->modules, SLUICE_CONVERTER, DEFAULT_CONVERTER, p);
}

static void add_module(void *user, const sl_plugin_use_t *use, const char *instance) {
    module_search_t *search = user;
    const sl_catalog_plugin_t *p;

    (void)instance;
    if (use->plugin == NULL)
        return;
    p = sl_catalog_find(search->work->resolver->catalog, use->kind, use->plugin);
    if (p == NULL) {
        sl_report_error(&search->work->report, use->pointer, "plugin", NULL,
                        "plugin %s is not there any more", use->plugin);
        return;
    }
    put_module(search->modules, use->kind, use->plugin, p);
}

static const char *type_of(const work_t *w) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(w->config, "config");
    const char *name = sl_text(config == NULL ? w->config : config, "connector.class");

    if (!w->is_connector)
        return "pipeline";
    if (name != NULL && sl_catalog_find(w->resolver->catalog, SLUICE_SOURCE, name) != NULL)
        return "source";
    if (name != NULL && sl_catalog_find(w->resolver->catalog, SLUICE_SINK, name) != NULL)
        return "sink";
    return "unknown";
}

/* Given; NULL: not known. */
static char *task_class_of(const work_t *w, const char *type) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(w->config, "config");
    const char *name = sl_text(config == NULL ? w->config : config, "connector.class");
    const sl_catalog_plugin_t *p = NULL;
    char out[400];

    if (w->is_connector && name != NULL)
        p = sl_catalog_find(w->resolver->catalog,
                            strcmp(type, "source") == 0 ? SLUICE_SOURCE : SLUICE_SINK, name);
    if (p == NULL)
        return NULL;
    sl_catalog_task_class(p, out, sizeof out);
    return strdup(out);
}

/* What a start needs, from the pipeline that was read; of one that is only checked nobody does. */
static void fill(work_t *w, cJSON *modules, sl_resolved_t *out) {
    out->pipeline = is_connect_check(w) ? NULL : sl_pipeline_to_json(w->pipeline);
    out->modules = modules;
    out->tasks = w->tasks;
    out->memory_limit = w->pipeline->memory_limit;
    out->secrets =
        sl_secrets_find(w->resolver->catalog, w->pipeline, w->config, w->is_connector);
}

/* Connect's verdict counts: what it takes is taken, though it may not start. */
static int take_checked(work_t *w, int status, sl_resolved_t *out) {
    if (!is_connect_check(w))
        return status;
    out->answer = w->checked.answer;
    out->refusal = w->checked.refusal;
    out->has_thrown = w->checked.has_thrown;
    w->checked.answer = NULL;
    w->checked.refusal = NULL;
    return out->refusal == NULL && !out->has_thrown ? SLUICE_OK : SLUICE_INVALID;
}

static void conclude(work_t *w) {
    sl_resolved_t resolved = { 0 };
    module_search_t search = { w, is_connect_check(w) ? NULL : cJSON_CreateObject() };
    int status = sl_report_status(&w->report);

    if (status == SLUICE_OK && !is_connect_check(w)) {
        sl_pipeline_each_plugin(w->pipeline, add_module, &search);
        add_default_converter(&search);
        status = sl_report_status(&w->report);
    }
    if (w->map != NULL)
        sl_connect_map_report(w->map, &w->report, 0);
    sl_refs_show(&w->refs, &w->report);
    if (status == SLUICE_OK)
        fill(w, search.modules, &resolved);
    else
        cJSON_Delete(search.modules);
    resolved.type = type_of(w);
    resolved.task_class = task_class_of(w, resolved.type);
    status = take_checked(w, status, &resolved);
    if (status != SLUICE_OK)
        status = w->is_unresolved && w->check == SL_CHECK_NONE ? SLUICE_RETRY : SLUICE_INVALID;
    w->done(w->user, status, &resolved, &w->report);
    work_destroy(w);
}

static void answered(work_t *w) {
    if (--w->waiting == 0)
        conclude(w);
}

/* ---- what only plugin code knows: its checks, and into how many tasks it splits ---- */

typedef struct question {
    work_t *work;
    char *pointer; /* of the plugin's configuration */
} question_t;

static void add_faults(question_t *q, const cJSON *answer, const char *error) {
    const cJSON *failure = cJSON_GetObjectItemCaseSensitive(answer, "error");
    const cJSON *fault;
    char pointer[SL_POINTER_MAX];

    if (error == NULL && failure != NULL)
        error = sl_text(failure, "message");
    if (answer == NULL || failure != NULL) {
        sl_report_error(&q->work->report, q->pointer, "", NULL, "the plugin's check failed: %s",
                        error == NULL ? "no reason given" : error);
        return;
    }
    cJSON_ArrayForEach(fault, cJSON_GetObjectItemCaseSensitive(answer, "faults")) {
        const char *name = sl_text(fault, "name");
        const char *text = sl_text(fault, "message");
        if (name != NULL)
            sl_pointer_join(pointer, sizeof pointer, q->pointer, name);
        sl_report_error(&q->work->report, name == NULL ? q->pointer : pointer,
                        name == NULL ? "" : name, NULL, "%s", text == NULL ? "" : text);
    }
}

static void on_checked(void *user, const cJSON *answer, const char *error) {
    question_t *q = user;
    work_t *w = q->work;

    add_faults(q, answer, error);
    free(q->pointer);
    free(q);
    answered(w);
}

static void on_planned(void *user, const cJSON *answer, const char *error) {
    question_t *q = user;
    work_t *w = q->work;
    const cJSON *tasks = cJSON_GetObjectItemCaseSensitive(answer, "tasks");

    if (cJSON_IsNumber(tasks) && tasks->valueint >= 1 && tasks->valueint <= w->tasks)
        w->tasks = tasks->valueint;
    else if (!cJSON_IsNumber(tasks))
        sl_report_error(&w->report, q->pointer, "", NULL,
                        "the plugin cannot say into how many tasks its work splits: %s",
                        error == NULL ? "no reason given" : error);
    free(q->pointer);
    free(q);
    answered(w);
}

static const char *config_of(const sl_plugin_use_t *use, char out[SL_POINTER_MAX]) {
    return sl_pointer_join(out, SL_POINTER_MAX, use->pointer, "config");
}

static void ask(work_t *w, const char *type, const sl_plugin_use_t *use,
                sl_catalog_answer_fn answer) {
    question_t *q = calloc(1, sizeof *q);
    char pointer[SL_POINTER_MAX];

    config_of(use, pointer);
    if (q != NULL && (q->pointer = strdup(pointer)) != NULL) {
        q->work = w;
        w->waiting++;
        if (sl_catalog_ask(w->resolver->catalog, type, use->kind, use->plugin, use->config,
                           w->tasks, ASK_TIMEOUT_MS, answer, q) == SLUICE_OK)
            return;
        w->waiting--;
        free(q->pointer);
    }
    free(q);
    sl_report_error(&w->report, pointer, "", NULL, "the plugin cannot be asked: out of memory");
}

static void check_plugin(void *user, const sl_plugin_use_t *use, const char *instance) {
    work_t *w = user;
    const sl_catalog_plugin_t *p;
    char pointer[SL_POINTER_MAX];

    (void)instance;
    p = use->plugin == NULL ? NULL
                            : sl_catalog_find(w->resolver->catalog, use->kind, use->plugin);
    if (p != NULL && p->has_check && !sl_report_has(&w->report, config_of(use, pointer)))
        ask(w, "check", use, on_checked);
}

static void ask_plugins(work_t *w) {
    const sl_plugin_use_t *source = &w->pipeline->source;
    const sl_catalog_plugin_t *p =
        source->plugin == NULL
            ? NULL
            : sl_catalog_find(w->resolver->catalog, SLUICE_SOURCE, source->plugin);

    w->tasks = w->pipeline->tasks_max;
    if (w->check != SL_CHECK_NONE && !is_connect_check(w))
        sl_pipeline_each_plugin(w->pipeline, check_plugin, w);
    /* A sink connector has as many members in its group as it may have. */
    if (w->is_connector && strcmp(type_of(w), "source") != 0)
        return;
    if (p == NULL || !p->has_plan)
        w->tasks = 1;
    else if (w->tasks > 1 && sl_report_status(&w->report) == SLUICE_OK)
        ask(w, "plan", source, on_planned);
}

/* ---- reading ---- */

/* A Connect worker's providers are those that it declares. 0 when Connect would throw. */
static int resolve_references(work_t *w, cJSON *config) {
    cJSON *flat = cJSON_GetObjectItemCaseSensitive(config, "config");
    char *message = NULL;
    int status;

    if (!w->is_connector || sl_worker_mode(w->resolver->worker) == SL_WORKER_NONE) {
        sl_interpolate(config, "", &w->report, &w->refs);
        return 1;
    }
    status = sl_providers_resolve(w->resolver->worker, cJSON_IsObject(flat) ? flat : config,
                                  &message);
    if (status == SLUICE_OK)
        return 1;
    sl_report_error(&w->report, "", "", NULL, "%s", message == NULL ? "out of memory" : message);
    w->checked.refusal = message;
    w->checked.has_thrown = 1;
    w->is_unresolved = 1;
    return 0;
}

static void show_in_errors(const sl_refs_t *refs, cJSON *answer) {
    cJSON *config, *error;

    cJSON_ArrayForEach(config, cJSON_GetObjectItemCaseSensitive(answer, "configs")) {
        cJSON *value = cJSON_GetObjectItemCaseSensitive(config, "value");
        cJSON_ArrayForEach(error, cJSON_GetObjectItemCaseSensitive(value, "errors"))
            sl_refs_show_in(refs, &error->valuestring);
    }
}

static void on_connector_checked(void *user, const sl_connect_checked_t *checked) {
    work_t *w = user;

    w->checked = *checked;
    if (w->checked.refusal != NULL)
        sl_refs_show_in(&w->refs, &w->checked.refusal);
    show_in_errors(&w->refs, w->checked.answer);
    answered(w);
}

static void check_connector(work_t *w, const cJSON *config) {
    sl_connect_question_t question = {w->resolver->catalog, w->resolver->worker, config,
                                      w->check == SL_CHECK_ANSWER};

    w->waiting++;
    if (sl_connect_check(&question, on_connector_checked, w) != SLUICE_OK) {
        w->checked.has_thrown = 1;
        w->waiting--;
    }
}

static void read_config(work_t *w) {
    sl_plugin_catalog_t view;
    cJSON *config = cJSON_Duplicate(w->config, 1);

    sl_catalog_for_config(w->resolver->catalog, 0, &view);
    if (!resolve_references(w, config)) {
        cJSON_Delete(config);
        return;
    }
    if (is_connect_check(w))
        check_connector(w, config);
    if (w->is_connector) {
        sl_connect_to_native(config, w->resolver->worker, &view, w->name, &w->report, &w->native,
                             &w->map);
        cJSON_Delete(config);
    } else {
        w->native = config;
    }
    if (w->native != NULL)
        sl_pipeline_read_partly(w->native, &view, w->name, &w->report, &w->pipeline);
}

static void on_scanned(void *user) {
    work_t *w = user;

    w->waiting = 1;
    read_config(w);
    if (w->pipeline != NULL)
        ask_plugins(w);
    answered(w);
}

static int resolve(sl_resolver_t *self, const char *name, const char *kind, const cJSON *config,
                   sl_check_t check, sl_resolve_fn done, void *user) {
    real_resolver_t *r = (real_resolver_t *)self;
    work_t *w = calloc(1, sizeof *w);
    int status = SLUICE_NO_MEMORY;

    if (w == NULL)
        return status;
    w->resolver = r;
    w->name = strdup(name);
    w->config = cJSON_Duplicate(config, 1);
    w->is_connector = strcmp(kind, "connector") == 0;
    w->check = check;
    w->done = done;
    w->user = user;
    sl_report_init(&w->report);
    if (w->name != NULL && w->config != NULL)
        status = sl_catalog_rescan(r->catalog, on_scanned, w);
    if (status != SLUICE_OK)
        work_destroy(w);
    return status;
}

/* ---- offsets ---- */

static int alter_offsets(sl_resolver_t *self, const cJSON *config, const char *offsets,
                         sl_alter_fn done, void *user) {
    real_resolver_t *r = (real_resolver_t *)self;

    return sl_plugin_offsets(r->catalog, r->worker, config, offsets, done, user);
}

static int upstream(sl_resolver_t *self, const char *name, const cJSON *config,
                    const char *offsets, sl_upstream_fn done, void *user) {
    real_resolver_t *r = (real_resolver_t *)self;

    return sl_upstream_offsets(self, r->catalog, name, config, offsets, done, user);
}

int sl_resolver_create(sl_catalog_t *catalog, const cJSON *worker, sl_resolver_t **out) {
    real_resolver_t *r = calloc(1, sizeof *r);

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    r->base.resolve = resolve;
    r->base.alter_offsets = alter_offsets;
    r->base.upstream = upstream;
    r->catalog = catalog;
    r->worker = worker;
    *out = &r->base;
    return SLUICE_OK;
}

void sl_resolver_destroy(sl_resolver_t *resolver) {
    free(resolver);
}
