/*
 * cli/validate.h: the verb `validate`: checks descriptors and connector JSON without connecting,
 * all faults at once.
 *
 * Threads: main. Exit code 0: all valid (there may be warnings), 1: faults, 2: wrong usage.
 */
#ifndef SL_CLI_VALIDATE_H
#define SL_CLI_VALIDATE_H

int sl_cli_validate(int argc, char **argv);

#endif
