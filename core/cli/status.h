/*
 * cli/status.h: `sluice status [--watch] [--json] [--url URL]`. Returns the process's exit code: 0,
 * 1 when no sluice answers or something is FAILED, 2 for wrong usage.
 */
#ifndef SL_CLI_STATUS_H
#define SL_CLI_STATUS_H

int sl_cli_status(int argc, char **argv);

#endif
