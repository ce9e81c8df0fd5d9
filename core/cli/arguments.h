/*
 * cli/arguments.h: the options of a verb, read one by one.
 *
 * What this is: getopt_long, --help, and where to look after a fault. `argv[0]` is the whole
 * command, "sluice run", as main.c hands it over.
 * Threads: main.
 */
#ifndef SL_CLI_ARGUMENTS_H
#define SL_CLI_ARGUMENTS_H

#include <getopt.h>

typedef struct sl_cli_options {
    const struct option *known; /* with "help", 'h' */
    const char *help;
    /* One of them, its argument in optarg; another status than SLUICE_OK after it has said on
     * stderr what is wrong. */
    int (*take)(void *user, int option);
} sl_cli_options_t;

/* -1: go on with argv[optind]; else the exit code. */
int sl_cli_read_options(const sl_cli_options_t *options, int argc, char **argv, void *user);
/* Says where to look; gives the exit code of a wrong use. */
int sl_cli_wrong(const char *command);

#endif
