/*
 * cli/try.h: `sluice try`: records through the transforms of a configuration, or recorded cases
 * through the real plugins.
 *
 * What this is: of CONFIG.json only the transforms are used; each record of standard input or of a
 * file goes through them, and one line comes out for it. With --case each file is one case,
 * {"name", "converter", "config", "direction", "input"} or {"name", "transforms", "input"}; for
 * each one line {"name", "output"} goes to standard output, with what our code made of it in the
 * form in which such cases are recorded. Nothing is compared. Plugins are loaded into this process.
 * Returns the process's exit code: 0, 1 when a case could not be run, 2 for wrong usage. Thread:
 * main.
 */
#ifndef SL_CLI_TRY_H
#define SL_CLI_TRY_H

int sl_cli_try(int argc, char **argv);

#endif
