#include "cli/run_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/flat.h"
#include "base/member.h"
#include "config/connect.h"
#include "config/json_file.h"
#include "config/overlay.h"
#include "config/pipeline.h"
#include "config/properties.h"
#include "sluice/error.h"

void sl_run_files_init(sl_run_files_t *files) {
    memset(files, 0, sizeof *files);
}

void sl_run_files_fini(sl_run_files_t *files) {
    size_t i;

    for (i = 0; i < files->count; i++) {
        free(files->items[i].path);
        free(files->items[i].name);
        cJSON_Delete(files->items[i].config);
    }
    free(files->items);
    sl_run_files_init(files);
}

/* "dir/orders.json" -> "orders" */
static char *base_name(const char *path) {
    char *copy = strdup(path);
    char *name = copy == NULL ? NULL : strdup(basename(copy));
    char *dot = name == NULL ? NULL : strrchr(name, '.');

    if (dot != NULL && dot != name)
        *dot = '\0';
    free(copy);
    return name;
}

static int change(cJSON **config, const sl_run_changes_t *changes, sl_report_t *report) {
    size_t i;

    for (i = 0; i < changes->overlay_count; i++)
        sl_overlay_file(config, changes->overlays[i], report);
    for (i = 0; i < changes->set_count; i++)
        sl_overlay_set(*config, changes->sets[i], report);
    return sl_report_status(report);
}

/* {"name","config"} or flat -> flat, with its name in it. */
static cJSON *flatten(const cJSON *config, const char *fallback, sl_report_t *report) {
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(config, "config");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(config, "name");
    const char *wrong = "";
    cJSON *flat = sl_flat_from(cJSON_IsObject(inner) ? inner : config, &wrong);

    if (flat == NULL) {
        sl_report_error(report, cJSON_IsObject(inner) ? "/config" : "", wrong, NULL,
                        "the value of a connector's key must be a string, number or boolean");
        return NULL;
    }
    if (!cJSON_HasObjectItem(flat, "name"))
        cJSON_AddStringToObject(flat, "name", cJSON_IsString(name) ? name->valuestring : fallback);
    return flat;
}

/* Decides what it is and how it is called. Takes config. */
static int classify(sl_run_file_t *file, cJSON *config, sl_report_t *report) {
    char *fallback = base_name(file->path);
    const cJSON *name;

    file->kind = sl_connect_is(config) ? "connector" : "pipeline";
    if (strcmp(file->kind, "connector") == 0) {
        file->config = flatten(config, fallback, report);
        cJSON_Delete(config);
    } else {
        file->config = config;
        if (!cJSON_IsObject(config))
            sl_report_error(report, "", "", NULL, "a pipeline must be a JSON object");
        else if (!cJSON_HasObjectItem(config, "name"))
            cJSON_AddStringToObject(config, "name", fallback);
    }
    free(fallback);
    name = cJSON_GetObjectItemCaseSensitive(file->config, "name");
    if (cJSON_IsString(name) && sl_pipeline_check_name(name->valuestring, "/name", report) == 0)
        file->name = strdup(name->valuestring);
    else if (!cJSON_IsString(name) && cJSON_IsObject(file->config))
        sl_report_error(report, "/name", "name", NULL, "the name must be a string");
    return sl_report_status(report);
}

static void check_unique(const sl_run_files_t *files, const sl_run_file_t *file,
                         sl_report_t *report) {
    size_t i;

    for (i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, file->name) == 0)
            sl_report_error(report, "/name", "name", "give each a name of its own",
                            "%s in %s has the same name", file->name, files->items[i].path);
}

static int append(sl_run_files_t *files, const sl_run_file_t *file) {
    sl_run_file_t *items = realloc(files->items, (files->count + 1) * sizeof *items);

    if (items == NULL)
        return SLUICE_NO_MEMORY;
    files->items = items;
    items[files->count++] = *file;
    return SLUICE_OK;
}

/* JSON, or properties when they are taken and it does not begin as JSON does. */
static int read_file(const char *path, int or_properties, sl_report_t *report, cJSON **out) {
    char *text;
    size_t len;

    if (!or_properties)
        return sl_json_read_file(path, report, out);
    if (sl_file_read(path, SL_JSON_FILE_MAX, &text, &len) != SLUICE_OK)
        return sl_json_read_file(path, report, out); /* says why */
    if (text[strspn(text, " \t\r\n")] == '{') {
        free(text);
        return sl_json_read_file(path, report, out);
    }
    *out = sl_properties_read(text);
    free(text);
    return *out == NULL ? SLUICE_NO_MEMORY : SLUICE_OK;
}

/* RUNNING, PAUSED or STOPPED, in any case. */
static void take_target(sl_run_file_t *file, const cJSON *config) {
    const char *state = sl_text(config, "initial_state");
    size_t i;

    for (i = 0; state != NULL && state[i] != '\0' && i + 1 < sizeof file->target; i++)
        file->target[i] = (char)toupper((unsigned char)state[i]);
}

static int add_file(sl_run_files_t *files, const char *path, const sl_run_changes_t *changes,
                    int is_connector) {
    sl_run_file_t file = { strdup(path), NULL, NULL, NULL, "" };
    sl_report_t report;
    cJSON *config = NULL;
    char *text;
    int status;

    sl_report_init(&report);
    status = read_file(path, is_connector, &report, &config);
    if (status == SLUICE_OK && (is_connector || sl_connect_is(config)))
        take_target(&file, config);
    if (status == SLUICE_OK)
        status = change(&config, changes, &report);
    if (status == SLUICE_OK) {
        status = classify(&file, config, &report);
        config = NULL;
    }
    if (status == SLUICE_OK) {
        check_unique(files, &file, &report);
        status = sl_report_status(&report);
    }
    if (status == SLUICE_OK)
        status = append(files, &file);
    if (status != SLUICE_OK) {
        text = sl_report_text(&report, path);
        fputs(text == NULL ? "out of memory\n" : text, stderr);
        free(text);
        free(file.path);
        free(file.name);
        cJSON_Delete(file.config);
        cJSON_Delete(config);
    }
    sl_report_fini(&report);
    return status;
}

static int is_json_name(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int add_folder(sl_run_files_t *files, const char *path, const sl_run_changes_t *changes) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_json_name, alphasort);
    int status = SLUICE_OK;
    char *full;
    int i;

    for (i = 0; i < count; i++) {
        if (asprintf(&full, "%s/%s", path, entries[i]->d_name) >= 0) {
            if (add_file(files, full, changes, 0) != SLUICE_OK)
                status = SLUICE_INVALID;
            free(full);
        }
        free(entries[i]);
    }
    free(entries);
    if (count < 0)
        fprintf(stderr, "%s: cannot read this folder: %s\n", path, strerror(errno));
    else if (count == 0)
        fprintf(stderr, "%s: there is no .json file in this folder\n", path);
    return count < 0 ? SLUICE_INVALID : status;
}

int sl_run_files_add(sl_run_files_t *files, const char *path, const sl_run_changes_t *changes) {
    struct stat st;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "%s: %s; give the path of a descriptor, connector JSON or folder\n", path,
                strerror(errno));
        return SLUICE_INVALID;
    }
    return S_ISDIR(st.st_mode) ? add_folder(files, path, changes)
                               : add_file(files, path, changes, 0);
}

int sl_run_files_add_connector(sl_run_files_t *files, const char *path,
                               const sl_run_changes_t *changes) {
    return add_file(files, path, changes, 1);
}
