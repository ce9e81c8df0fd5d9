#include "cli/arguments.h"

#include <stdio.h>

#include "sluice/error.h"

int sl_cli_wrong(const char *command) {
    fprintf(stderr, "Try `%s --help`.\n", command);
    return 2;
}

int sl_cli_read_options(const sl_cli_options_t *options, int argc, char **argv, void *user) {
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options->known, NULL)) != -1) {
        if (option == 'h') {
            fputs(options->help, stdout);
            return 0;
        }
        if (option == '?' || options->take(user, option) != SLUICE_OK)
            return sl_cli_wrong(argv[0]);
    }
    return -1;
}
