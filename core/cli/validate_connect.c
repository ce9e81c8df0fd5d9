#include "cli/validate_connect.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/channel.h"
#include "cli/paths.h"
#include "plugin/probe_client.h"
#include "sluice/uv.h"

#define TIMEOUT_MS 90000u
/* For sinks that want bytes when nothing is configured (runtime/graph.c). */
#define DEFAULT_CONVERTER "json"

typedef struct search {
    const sl_catalog_t *catalog;
    cJSON *modules;
} search_t;

static void put_module(const search_t *search, uint32_t kind, const char *name) {
    const sl_catalog_plugin_t *p =
        sl_catalog_find(search->catalog, (sluice_plugin_kind_t)kind, name);
    char key[512];

    snprintf(key, sizeof key, "%s/%s", sl_plugin_kind_name(kind), name);
    if (p != NULL && cJSON_GetObjectItemCaseSensitive(search->modules, key) == NULL)
        cJSON_AddStringToObject(search->modules, key, p->module_copy);
}

static void visit(void *user, const sl_plugin_use_t *use, const char *instance) {
    (void)instance;
    put_module(user, use->kind, use->plugin);
}

static cJSON *request_of(const sl_catalog_t *catalog, const sl_pipeline_t *pipeline) {
    cJSON *request = sl_channel_message("rehearse");
    search_t search = { catalog, cJSON_CreateObject() };

    sl_pipeline_each_plugin(pipeline, visit, &search);
    put_module(&search, SLUICE_CONVERTER, DEFAULT_CONVERTER);
    cJSON_AddItemToObject(request, "modules", search.modules);
    cJSON_AddItemToObject(request, "pipeline", sl_pipeline_to_json(pipeline));
    return request;
}

typedef struct question {
    sl_report_t *report;
    int answered;
} question_t;

static void on_answer(void *user, const cJSON *answer, const char *error) {
    question_t *q = user;

    q->answered = 1;
    if (error != NULL)
        sl_report_error(q->report, "", "", NULL, "the endpoints could not be asked: %s", error);
    else if (sl_report_add_json(q->report, cJSON_GetObjectItemCaseSensitive(answer, "report")) !=
             SLUICE_OK)
        sl_report_error(q->report, "", "", NULL, "the endpoints could not be asked: no memory");
}

static int is_answered(void *user) {
    return ((const question_t *)user)->answered;
}

static void ask(sl_probe_client_t *client, cJSON *request, uv_loop_t *loop, sl_report_t *report) {
    question_t q = { report, 0 };

    if (sl_probe_client_ask(client, request, TIMEOUT_MS, on_answer, &q) != SLUICE_OK)
        on_answer(&q, NULL, "their process cannot be started");
    sluice_uv_run_until(loop, is_answered, &q);
}

void sl_validate_connect(const sl_catalog_t *catalog, const sl_pipeline_t *pipeline,
                         sl_report_t *report) {
    char *executable = sl_cli_executable();
    sl_probe_client_t *client;
    uv_loop_t loop;

    if (executable == NULL || uv_loop_init(&loop) != 0) {
        free(executable);
        return;
    }
    if (sl_probe_client_create(&loop, executable, "-", pipeline->name, &client) == SLUICE_OK) {
        ask(client, request_of(catalog, pipeline), &loop, report);
        sl_probe_client_close(client, NULL, NULL);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(executable);
}
