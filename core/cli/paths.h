/*
 * cli/paths.h: where this program and its plugins are, for every verb.
 *
 * Ownership: gives; free() it. Threads: main.
 */
#ifndef SL_CLI_PATHS_H
#define SL_CLI_PATHS_H

/* This program's file; NULL without memory. */
char *sl_cli_executable(void);

/* Folders of plugins, separated by ':': `given` (--plugin-path), else $SLUICE_PLUGIN_PATH, else
 * those next to the program, in a build tree (lib/sluice) or installed (../lib/sluice and its
 * like). */
char *sl_cli_plugin_path(const char *given);

/* Calls `say` with a sentence for each folder of a plugin path that is none, and for an empty
 * path. */
void sl_cli_missing_folders(const char *plugin_path, void (*say)(void *user, const char *text),
                            void *user);

#endif
