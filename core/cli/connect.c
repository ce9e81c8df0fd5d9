#include "cli/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/launch.h"
#include "config/worker.h"
#include "sluice/error.h"

extern char **environ;

static const char help[] =
    "Usage: sluice connect-distributed [OPTIONS] WORKER.properties\n"
    "       sluice connect-standalone [OPTIONS] WORKER.properties [CONNECTOR.properties|json...]\n"
    "\n"
    "Runs a Kafka Connect worker: its properties are read as they are, CONNECT_* variables of\n"
    "the environment count as properties (CONNECT_GROUP_ID is group.id), unknown ones warn.\n"
    "\n"
    "  --data DIR            where state is kept (property sluice.data.dir; default sluice-data,\n"
    "                        standalone offset.storage.file.filename with .sluice behind it)\n"
    "  --plugin-path DIRS    folders of plugins, separated by ':' (property sluice.plugin.path)\n"
    "  --log-level LEVEL     error, warn, info (default), debug, trace\n"
    "  --log-format FORMAT   text or json (default: text on a terminal)\n"
    "  -h, --help            this text\n";

enum { OPT_DATA = 256, OPT_PLUGIN_PATH, OPT_LOG_LEVEL, OPT_LOG_FORMAT };

static const struct option long_options[] = {
    { "data", required_argument, NULL, OPT_DATA },
    { "plugin-path", required_argument, NULL, OPT_PLUGIN_PATH },
    { "log-level", required_argument, NULL, OPT_LOG_LEVEL },
    { "log-format", required_argument, NULL, OPT_LOG_FORMAT },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

typedef struct arguments {
    const char *command;
    sl_worker_mode_t mode;
    sl_host_options_t host;
    const char *data_dir;
    const char *plugin_path;
    cJSON *worker;
} arguments_t;

static int take(void *user, int option) {
    arguments_t *a = user;

    switch (option) {
    case OPT_DATA:
        a->data_dir = optarg;
        return SLUICE_OK;
    case OPT_PLUGIN_PATH:
        a->plugin_path = optarg;
        return SLUICE_OK;
    case OPT_LOG_LEVEL:
        return sl_cli_set_log_level(a->command, optarg);
    case OPT_LOG_FORMAT:
        return sl_cli_set_log_format(a->command, optarg);
    default:
        return SLUICE_INVALID;
    }
}

static int read_worker(arguments_t *a, const char *path) {
    sl_report_t report;
    char *text;
    int status;

    sl_report_init(&report);
    status = sl_worker_read_connect(path, a->mode, (const char *const *)environ, &report,
                                    &a->worker);
    if (report.count > 0 && (text = sl_report_text(&report, path)) != NULL) {
        fputs(text, stderr);
        free(text);
    }
    sl_report_fini(&report);
    a->host.worker = a->worker;
    return status;
}

/* Given. */
static char *data_dir(const arguments_t *a) {
    const char *own = a->data_dir != NULL ? a->data_dir
                                          : sl_worker_text(a->worker, "sluice.data.dir");
    const char *file = sl_worker_text(a->worker, "offset.storage.file.filename");
    char *path;

    if (own != NULL || a->mode != SL_WORKER_STANDALONE || file == NULL)
        return strdup(own == NULL ? "sluice-data" : own);
    return asprintf(&path, "%s.sluice", file) < 0 ? NULL : path;
}

static int launch(arguments_t *a) {
    const char *own = sl_worker_text(a->worker, "sluice.plugin.path");
    char *data = data_dir(a);
    int code = 1;

    if (data != NULL)
        code = sl_cli_launch(&a->host, a->plugin_path != NULL ? a->plugin_path : own, data);
    free(data);
    return code;
}

static int add_connectors(arguments_t *a, int argc, char **argv) {
    static const sl_run_changes_t none = { 0 };
    int status = SLUICE_OK;

    for (; optind < argc; optind++)
        if (sl_run_files_add_connector(&a->host.files, argv[optind], &none) != SLUICE_OK)
            status = SLUICE_INVALID;
    return status;
}

static int run(arguments_t *a, int argc, char **argv) {
    static const sl_cli_options_t options = { long_options, help, take };
    int code = sl_cli_read_options(&options, argc, argv, a);

    if (code >= 0)
        return code;
    if (optind == argc || (a->mode == SL_WORKER_DISTRIBUTED && optind + 1 < argc)) {
        fprintf(stderr, "%s: %s\n\n%s", a->command,
                optind == argc ? "give the worker's properties file"
                               : "it takes one file, the worker's: connectors come over REST",
                help);
        return 1;
    }
    if (read_worker(a, argv[optind++]) != SLUICE_OK)
        return 2;
    return add_connectors(a, argc, argv) == SLUICE_OK ? launch(a) : 3;
}

static int worker(sl_worker_mode_t mode, int argc, char **argv) {
    arguments_t a = { 0 };
    int code;

    a.command = argv[0];
    a.mode = mode;
    sl_run_files_init(&a.host.files);
    code = run(&a, argc, argv);
    sl_run_files_fini(&a.host.files);
    cJSON_Delete(a.worker);
    return code;
}

int sl_cli_connect_distributed(int argc, char **argv) {
    return worker(SL_WORKER_DISTRIBUTED, argc, argv);
}

int sl_cli_connect_standalone(int argc, char **argv) {
    return worker(SL_WORKER_STANDALONE, argc, argv);
}
