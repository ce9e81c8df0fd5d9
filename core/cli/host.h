/*
 * cli/host.h: the running host: store, catalog, supervisor and REST port on one loop.
 *
 * What this is: opens the four in order, puts the configurations from files, runs until a signal
 * (or until all is done), and closes them in reverse.
 * Ownership: borrows the options. Threads: main; the loop is the default one of this process.
 */
#ifndef SL_CLI_HOST_H
#define SL_CLI_HOST_H

#include <stdint.h>

#include "cli/run_files.h"

typedef struct sl_host_options {
    const char *listen; /* NULL: as the worker's properties say */
    const char *data_dir;
    const char *plugin_path;
    const char *executable;
    const cJSON *worker; /* a worker's properties: defaults for connectors; borrowed; NULL: none */
    sl_run_files_t files;
    int exit_when_done;
    uint64_t hang_ms; /* 0: the supervisor's default, for this and the next two */
    uint64_t drain_ms;
    unsigned crash_limit;
} sl_host_options_t;

/* The process's exit code. */
int sl_host_run(const sl_host_options_t *options);

#endif
