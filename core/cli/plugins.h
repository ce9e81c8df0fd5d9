/*
 * cli/plugins.h: `sluice plugins list | describe NAME | check FILE.so`.
 * Arguments begin with the verb's own name. Returns the process's exit code.
 */
#ifndef SL_CLI_PLUGINS_H
#define SL_CLI_PLUGINS_H

int sl_cli_plugins(int argc, char **argv);

#endif
