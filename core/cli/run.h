/*
 * cli/run.h: `sluice run [FILE|DIR...]`. Returns the process's exit code: 0, 1 when it could not
 * start or (with --exit-when-done) a pipeline FAILED, 2 for wrong usage.
 */
#ifndef SL_CLI_RUN_H
#define SL_CLI_RUN_H

int sl_cli_run(int argc, char **argv);

#endif
