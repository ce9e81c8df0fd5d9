#include "cli/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/arguments.h"
#include "cli/launch.h"
#include "config/config.h"
#include "config/worker.h"
#include "sluice/error.h"

static const char help[] =
    "Usage: sluice run [OPTIONS] [FILE|DIR...]\n"
    "\n"
    "Runs the pipelines and connectors in the files (folders: *.json), those made over REST\n"
    "before, and the REST port, until SIGTERM or SIGINT: then all tasks drain and commit. A\n"
    "second signal ends at once.\n"
    "\n"
    "  --listen HOST:PORT    REST port (listeners of --worker, else 127.0.0.1:8083);\n"
    "                        port 0 takes any free one\n"
    "  --data DIR            where state is kept (sluice-data)\n"
    "  --plugin-path DIRS    folders of plugins, separated by ':'\n"
    "  --worker FILE         defaults for connectors (converters, servers), and listeners:\n"
    "                        properties or JSON\n"
    "  --set KEY=VALUE       changes a value in each file; may be given several times\n"
    "  --overlay FILE        JSON merged into each file; may be given several times\n"
    "  --log-level LEVEL     error, warn, info (default), debug, trace\n"
    "  --log-format FORMAT   text or json (default: text on a terminal)\n"
    "  --exit-when-done      end when nothing is left to run; exit code 1 when something FAILED\n"
    "  --hang-timeout D      a task without a sign of life for so long is killed (30s)\n"
    "  --drain-timeout D     a task that takes longer to drain is killed (30s)\n"
    "  --crash-limit N       crashes in a row until a task is FAILED (10)\n"
    "  -h, --help            this text\n";

enum {
    OPT_LISTEN = 256,
    OPT_DATA,
    OPT_PLUGIN_PATH,
    OPT_SET,
    OPT_OVERLAY,
    OPT_LOG_LEVEL,
    OPT_LOG_FORMAT,
    OPT_EXIT_WHEN_DONE,
    OPT_HANG,
    OPT_DRAIN,
    OPT_CRASHES,
    OPT_WORKER
};

static const struct option long_options[] = {
    { "listen", required_argument, NULL, OPT_LISTEN },
    { "data", required_argument, NULL, OPT_DATA },
    { "plugin-path", required_argument, NULL, OPT_PLUGIN_PATH },
    { "set", required_argument, NULL, OPT_SET },
    { "overlay", required_argument, NULL, OPT_OVERLAY },
    { "log-level", required_argument, NULL, OPT_LOG_LEVEL },
    { "log-format", required_argument, NULL, OPT_LOG_FORMAT },
    { "exit-when-done", no_argument, NULL, OPT_EXIT_WHEN_DONE },
    { "hang-timeout", required_argument, NULL, OPT_HANG },
    { "drain-timeout", required_argument, NULL, OPT_DRAIN },
    { "crash-limit", required_argument, NULL, OPT_CRASHES },
    { "worker", required_argument, NULL, OPT_WORKER },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

typedef struct arguments {
    sl_host_options_t host;
    sl_run_changes_t changes;
    const char *data_dir;
    const char *plugin_path;
    cJSON *worker;
} arguments_t;

/* As for a Connect worker, unless --listen says otherwise. */
static int has_listeners(const cJSON *worker) {
    const char *main = sl_worker_text(worker, "listeners");
    const char *admin = sl_worker_text(worker, "admin.listeners");

    return (main != NULL && *main != '\0') || (admin != NULL && *admin != '\0');
}

/* A duration ("500ms", "30s") or a plain number above 0. */
static int read_number(const char *name, uint32_t type, const char *text, uint64_t *out) {
    sluice_option_t option = { name, type, 0, NULL, 0, 0, NULL, NULL, NULL, 0, NULL };
    int64_t value = 0;

    if (sl_option_parse_int(&option, text, &value) == SLUICE_OK && value > 0) {
        *out = (uint64_t)value;
        return SLUICE_OK;
    }
    fprintf(stderr, "sluice run: --%s %s: must be %s above 0\n", name, text,
            type == SLUICE_OPT_DURATION ? "a time such as 500ms or 30s" : "a number");
    return SLUICE_INVALID;
}

static int read_worker(arguments_t *a, const char *path) {
    sl_report_t report;
    char *text;
    int status;

    cJSON_Delete(a->worker);
    sl_report_init(&report);
    status = sl_worker_read(path, &report, &a->worker);
    if (status != SLUICE_OK) {
        text = sl_report_text(&report, "sluice run: --worker");
        fputs(text != NULL ? text : "sluice run: out of memory\n", stderr);
        free(text);
    }
    sl_report_fini(&report);
    a->host.worker = a->worker;
    return status;
}

static int take(void *user, int option) {
    arguments_t *a = user;
    uint64_t number = 0;
    int status = SLUICE_OK;

    switch (option) {
    case OPT_LISTEN:
        a->host.listen = optarg;
        return SLUICE_OK;
    case OPT_DATA:
        a->data_dir = optarg;
        return SLUICE_OK;
    case OPT_PLUGIN_PATH:
        a->plugin_path = optarg;
        return SLUICE_OK;
    case OPT_SET:
        a->changes.sets[a->changes.set_count++] = optarg;
        return SLUICE_OK;
    case OPT_OVERLAY:
        a->changes.overlays[a->changes.overlay_count++] = optarg;
        return SLUICE_OK;
    case OPT_LOG_LEVEL:
        return sl_cli_set_log_level("sluice run", optarg);
    case OPT_LOG_FORMAT:
        return sl_cli_set_log_format("sluice run", optarg);
    case OPT_EXIT_WHEN_DONE:
        a->host.exit_when_done = 1;
        return SLUICE_OK;
    case OPT_HANG:
        return read_number("hang-timeout", SLUICE_OPT_DURATION, optarg, &a->host.hang_ms);
    case OPT_DRAIN:
        return read_number("drain-timeout", SLUICE_OPT_DURATION, optarg, &a->host.drain_ms);
    case OPT_CRASHES:
        status = read_number("crash-limit", SLUICE_OPT_INT, optarg, &number);
        a->host.crash_limit = (unsigned)number;
        return status;
    case OPT_WORKER:
        return read_worker(a, optarg);
    default:
        return SLUICE_INVALID;
    }
}

static int add_files(arguments_t *a, int argc, char **argv) {
    int status = SLUICE_OK;

    for (; optind < argc; optind++)
        if (sl_run_files_add(&a->host.files, argv[optind], &a->changes) != SLUICE_OK)
            status = SLUICE_INVALID;
    return status;
}

static int run(arguments_t *a, int argc, char **argv) {
    static const sl_cli_options_t options = { long_options, help, take };
    int code = sl_cli_read_options(&options, argc, argv, a);

    if (code >= 0)
        return code;
    if (optind == argc && a->changes.set_count + a->changes.overlay_count > 0) {
        fputs("sluice run: --set and --overlay change the files that are given, and none is\n",
              stderr);
        return 2;
    }
    if (add_files(a, argc, argv) != SLUICE_OK)
        return 1;
    if (a->host.listen == NULL && !has_listeners(a->worker))
        a->host.listen = "127.0.0.1:8083";
    return sl_cli_launch(&a->host, a->plugin_path, a->data_dir);
}

int sl_cli_run(int argc, char **argv) {
    arguments_t a = { 0 };
    int code = 1;

    a.data_dir = "sluice-data";
    a.changes.sets = calloc((size_t)argc, sizeof *a.changes.sets);
    a.changes.overlays = calloc((size_t)argc, sizeof *a.changes.overlays);
    sl_run_files_init(&a.host.files);
    if (a.changes.sets != NULL && a.changes.overlays != NULL)
        code = run(&a, argc, argv);
    sl_run_files_fini(&a.host.files);
    cJSON_Delete(a.worker);
    free(a.changes.sets);
    free(a.changes.overlays);
    return code;
}
