#include "cli/checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/paths.h"
#include "cli/validate_connect.h"
#include "config/connect.h"
#include "config/pipeline.h"
#include "config/worker.h"

static void check_native(const sl_checker_t *c, const cJSON *native, const char *name,
                         sl_report_t *report) {
    sl_pipeline_t *pipeline;

    sl_pipeline_read_partly(native, &c->view, name, report, &pipeline);
    if (pipeline == NULL)
        return;
    sl_pipeline_check(pipeline, &c->view, 0, report);
    if (c->connect && sl_report_status(report) == SLUICE_OK)
        sl_validate_connect(c->plugins, pipeline, report);
    sl_pipeline_destroy(pipeline);
}

static void check_connector(const sl_checker_t *c, const cJSON *document, const char *name,
                            sl_report_t *report) {
    sl_connect_map_t *map = NULL;
    cJSON *native = NULL;
    size_t from;

    sl_connect_to_native(document, c->worker, &c->view, name, report, &native, &map);
    from = report->count;
    if (native != NULL)
        check_native(c, native, name, report);
    sl_connect_map_report(map, report, from);
    sl_connect_map_destroy(map);
    cJSON_Delete(native);
}

void sl_checker_check(const sl_checker_t *c, const cJSON *document, const char *name,
                      sl_report_t *report) {
    if (sl_connect_is(document))
        check_connector(c, document, name, report);
    else
        check_native(c, document, name, report);
}

static void stop(void *loop) {
    uv_stop(loop);
}

static void to_stderr(void *verb, const char *text) {
    fprintf(stderr, "%s: %s\n", (const char *)verb, text);
}

static int open_catalog(sl_checker_t *c, const char *verb, const char *given) {
    char *path = sl_cli_plugin_path(given);
    char *executable = sl_cli_executable();
    sl_catalog_params_t params = { .loop = &c->loop,
                                   .plugin_path = path,
                                   .executable = executable };
    int status = path != NULL && executable != NULL ? sl_catalog_create(&params, &c->plugins)
                                                    : SLUICE_NO_MEMORY;

    sl_cli_missing_folders(path, to_stderr, (void *)(uintptr_t)verb);
    if (status == SLUICE_OK && sl_catalog_rescan(c->plugins, stop, &c->loop) == SLUICE_OK)
        uv_run(&c->loop, UV_RUN_DEFAULT);
    free(path);
    free(executable);
    return status;
}

static int read_worker(sl_checker_t *c, const char *verb, const char *path) {
    sl_report_t report;
    char *text;
    int status;

    if (path == NULL)
        return SLUICE_OK;
    sl_report_init(&report);
    status = sl_worker_read(path, &report, &c->worker);
    if (status != SLUICE_OK) {
        text = sl_report_text(&report, verb);
        fputs(text != NULL ? text : "out of memory\n", stderr);
        free(text);
    }
    sl_report_fini(&report);
    return c->worker != NULL ? SLUICE_OK : SLUICE_INVALID;
}

int sl_checker_open(sl_checker_t *c, const char *verb, const char *plugin_path,
                    const char *worker_file) {
    memset(c, 0, sizeof *c);
    if (read_worker(c, verb, worker_file) != SLUICE_OK)
        return SLUICE_INVALID;
    if (uv_loop_init(&c->loop) == 0 && open_catalog(c, verb, plugin_path) == SLUICE_OK) {
        sl_catalog_for_config(c->plugins, 1, &c->view);
        return SLUICE_OK;
    }
    fprintf(stderr, "%s: out of memory\n", verb);
    cJSON_Delete(c->worker);
    return SLUICE_NO_MEMORY;
}

void sl_checker_close(sl_checker_t *c) {
    sl_catalog_close(c->plugins, NULL, NULL);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    cJSON_Delete(c->worker);
}
