/*
 * cli/connect.h: `sluice connect-distributed` and `sluice connect-standalone`: a Connect worker
 * from its properties file.
 *
 * Threads: main.
 */
#ifndef SL_CLI_CONNECT_H
#define SL_CLI_CONNECT_H

int sl_cli_connect_distributed(int argc, char **argv);
int sl_cli_connect_standalone(int argc, char **argv);

#endif
