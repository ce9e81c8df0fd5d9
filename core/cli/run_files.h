/*
 * cli/run_files.h: the configurations that a command line names.
 *
 * What this is: reads files and folders (*.json, by name), applies overlays and --set, tells
 * pipelines from connectors. All faults of all files are printed, not only the first.
 * Ownership: the list owns everything in it. Threads: main.
 */
#ifndef SL_CLI_RUN_FILES_H
#define SL_CLI_RUN_FILES_H

#include <stddef.h>
#include <cjson/cJSON.h>

typedef struct sl_run_file {
    char *path;
    char *name;       /* of the pipeline or connector */
    const char *kind; /* "pipeline" or "connector" */
    cJSON *config;    /* a descriptor, or a flat connector configuration */
    char target[8];   /* of a connector with "initial_state"; "": not given */
} sl_run_file_t;

typedef struct sl_run_files {
    sl_run_file_t *items;
    size_t count;
} sl_run_files_t;

typedef struct sl_run_changes {
    const char **sets; /* "key=value" */
    size_t set_count;
    const char **overlays; /* paths */
    size_t overlay_count;
} sl_run_changes_t;

void sl_run_files_init(sl_run_files_t *files);
void sl_run_files_fini(sl_run_files_t *files);
/* Adds a file or a folder; SLUICE_INVALID after the faults were printed on standard error. */
int sl_run_files_add(sl_run_files_t *files, const char *path, const sl_run_changes_t *changes);
/* Adds a connector as connect-standalone takes it: properties, or JSON ({"name","config",
 * "initial_state"} or flat). */
int sl_run_files_add_connector(sl_run_files_t *files, const char *path,
                               const sl_run_changes_t *changes);

#endif
