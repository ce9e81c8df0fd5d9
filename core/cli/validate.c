#include "cli/validate.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/member.h"
#include "cli/checker.h"
#include "config/interpolate.h"
#include "config/json_file.h"
#include "config/overlay.h"
#include "observe/log.h"

#define EXIT_FAULT  1
#define EXIT_USAGE  2
#define CHANGES_MAX 64

typedef struct arguments {
    const char *plugin_path;
    const char *worker;
    const char *sets[CHANGES_MAX];
    const char *overlays[CHANGES_MAX];
    size_t set_count;
    size_t overlay_count;
    int json;
    int connect;
} arguments_t;

typedef struct validation {
    const arguments_t *arguments;
    sl_checker_t checker;
    cJSON *files;  /* with --json: what is printed at the end */
    cJSON *names;  /* name of a document -> its file */
    size_t checked;
    size_t invalid;
} validation_t;

static int usage(FILE *out, int code) {
    fputs(
        "Usage: sluice validate FILE|DIR... [--set PATH=VALUE]... [--overlay FILE]...\n"
        "                       [--worker FILE] [--connect] [--json] [--plugin-path DIRS]\n\n"
        "Checks descriptors and connector JSON and shows all faults at once.\n"
        "--connect also asks the servers, and compares fields and types with the targets'\n"
        "columns by a sample record, once there are no other faults.\n\n"
        "  --set PATH=VALUE     changes a value in each file; may be given several times\n"
        "  --overlay FILE       JSON merged into each file; may be given several times\n"
        "  --worker FILE        defaults for connectors (converters, servers): properties or JSON\n"
        "  --plugin-path DIRS   folders of plugins, separated by ':'\n"
        "  --json               the faults as JSON\n\n"
        "Exit code: 0 valid, 1 faults, 2 wrong usage.\n",
        out);
    return code;
}

/* -1: go on; else the exit code. */
static int parse(int argc, char **argv, arguments_t *a) {
    static const struct option known[] = {{"plugin-path", required_argument, NULL, 'p'},
                                          {"set", required_argument, NULL, 's'},
                                          {"overlay", required_argument, NULL, 'o'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"connect", no_argument, NULL, 'c'},
                                          {"worker", required_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if ((c == 's' && a->set_count == CHANGES_MAX) ||
            (c == 'o' && a->overlay_count == CHANGES_MAX)) {
            fprintf(stderr, "sluice validate: at most %d of --set and --overlay\n", CHANGES_MAX);
            return EXIT_USAGE;
        }
        switch (c) {
        case 'p': a->plugin_path = optarg; break;
        case 's': a->sets[a->set_count++] = optarg; break;
        case 'o': a->overlays[a->overlay_count++] = optarg; break;
        case 'j': a->json = 1; break;
        case 'c': a->connect = 1; break;
        case 'w': a->worker = optarg; break;
        case 'h': return usage(stdout, 0);
        default: return usage(stderr, EXIT_USAGE);
        }
    }
    if (optind < argc)
        return -1;
    fputs("sluice validate: give a descriptor, connector JSON or folder\n\n", stderr);
    return usage(stderr, EXIT_USAGE);
}

/* ---- one document ---- */

/* "dir/orders.json": "orders", the name of a descriptor without one. */
static void base_name(const char *path, char *out, size_t size) {
    const char *slash = strrchr(path, '/');
    char *dot;

    snprintf(out, size, "%s", slash != NULL ? slash + 1 : path);
    dot = strrchr(out, '.');
    if (dot != NULL && dot != out)
        *dot = '\0';
}

static void apply_changes(const arguments_t *a, cJSON **document, sl_report_t *report) {
    size_t i;

    for (i = 0; i < a->overlay_count; i++)
        sl_overlay_file(document, a->overlays[i], report);
    for (i = 0; i < a->set_count; i++)
        sl_overlay_set(*document, a->sets[i], report);
}

/* Each of two may be right by itself, such as one for tests; `run` takes no two of one name. */
static void check_unique(const validation_t *v, const char *name, const char *path,
                         sl_report_t *report) {
    const char *other = sl_text(v->names, name);

    if (other != NULL)
        sl_report_warn(report, "/name", "name", "give each a name of its own to run both",
                       "%s in %s has the same name", name, other);
    else
        cJSON_AddStringToObject(v->names, name, path);
}

static void check_document(const validation_t *v, const char *path, sl_report_t *report) {
    cJSON *document;
    sl_refs_t refs;
    char name[256];

    if (sl_json_read_file(path, report, &document) != SLUICE_OK)
        return;
    base_name(path, name, sizeof name);
    apply_changes(v->arguments, &document, report);
    check_unique(v, sl_text_or(document, "name", name), path, report);
    sl_refs_init(&refs);
    sl_interpolate(document, "", report, &refs);
    sl_checker_check(&v->checker, document, name, report);
    sl_refs_show(&refs, report);
    sl_refs_fini(&refs);
    cJSON_Delete(document);
}

static void print_text(const char *path, const sl_report_t *report) {
    char *text = sl_report_text(report, path);

    if (text != NULL)
        fputs(text, stdout);
    free(text);
    if (sl_report_status(report) == SLUICE_OK)
        printf("%s: valid\n", path);
}

static void check_file(validation_t *v, const char *path) {
    sl_report_t report;
    cJSON *json;

    sl_report_init(&report);
    check_document(v, path, &report);
    v->checked++;
    v->invalid += sl_report_status(&report) != SLUICE_OK;
    if (!v->arguments->json) {
        print_text(path, &report);
    } else if ((json = sl_report_json(&report)) != NULL) {
        cJSON_AddStringToObject(json, "file", path);
        cJSON_AddItemToArray(v->files, json);
    }
    sl_report_fini(&report);
}

/* ---- files and folders ---- */

static int is_json(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".json") == 0;
}

static void check_folder(validation_t *v, const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, is_json, alphasort), i;
    char file[4096];

    if (count == 0)
        fprintf(stderr, "sluice validate: %s: there is no .json file in this folder\n", path);

    for (i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        check_file(v, file);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    else
        fprintf(stderr, "sluice validate: cannot read folder %s: %s\n", path, strerror(errno));
    v->invalid += count < 0;
}

static void check_path(validation_t *v, const char *path) {
    struct stat info;

    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        check_folder(v, path);
    else
        check_file(v, path);
}

static void print_files(validation_t *v) {
    cJSON *json = cJSON_CreateObject();
    char *text;

    cJSON_AddBoolToObject(json, "valid", v->invalid == 0);
    cJSON_AddItemToObject(json, "files", v->files);
    text = cJSON_Print(json);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
}

static int validate(const arguments_t *a, char **paths, int count) {
    validation_t v = {.arguments = a};
    int i;

    if (sl_checker_open(&v.checker, "sluice validate", a->plugin_path, a->worker) != SLUICE_OK)
        return EXIT_FAULT;
    v.checker.connect = a->connect;
    v.files = cJSON_CreateArray();
    v.names = cJSON_CreateObject();
    for (i = 0; i < count; i++)
        check_path(&v, paths[i]);
    sl_checker_close(&v.checker);
    cJSON_Delete(v.names);
    if (a->json)
        print_files(&v);
    else
        cJSON_Delete(v.files);
    return v.invalid > 0 || v.checked == 0 ? EXIT_FAULT : 0;
}

int sl_cli_validate(int argc, char **argv) {
    arguments_t arguments = {0};
    int code = parse(argc, argv, &arguments);

    if (code >= 0)
        return code;
    sl_log_set_level(NULL, SLUICE_LOG_WARN);
    return validate(&arguments, argv + optind, argc - optind);
}
