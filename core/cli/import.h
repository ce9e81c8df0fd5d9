/*
 * cli/import.h: `sluice import connect URL`.
 */
#ifndef SL_CLI_IMPORT_H
#define SL_CLI_IMPORT_H

/* The exit code. */
int sl_cli_import(int argc, char **argv);

#endif
