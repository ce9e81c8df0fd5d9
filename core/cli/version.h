/*
 * cli/version.h: `sluice version [--json]`. Returns the process's exit code.
 */
#ifndef SL_CLI_VERSION_H
#define SL_CLI_VERSION_H

int sl_cli_version(int argc, char **argv);

#endif
