/*
 * cli/launch.h: what the verbs that become the host have in common: logging options, absolute
 * paths, the start.
 *
 * Ownership: borrows all. Threads: main.
 */
#ifndef SL_CLI_LAUNCH_H
#define SL_CLI_LAUNCH_H

#include "cli/host.h"

/* The values of --log-level and --log-format. SLUICE_INVALID, with a sentence on stderr, for a
 * value that is none; `command`, "sluice run", is named there. */
int sl_cli_set_log_level(const char *command, const char *text);
int sl_cli_set_log_format(const char *command, const char *text);

/* Runs the host until it ends; its exit code. `plugin_path` and `data_dir` as users gave them
 * (plugin_path may be NULL); they and the executable take the place of those in `host`. */
int sl_cli_launch(sl_host_options_t *host, const char *plugin_path, const char *data_dir);

#endif
