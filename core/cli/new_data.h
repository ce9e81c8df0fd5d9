/*
 * cli/new_data.h: takes away again what a start that failed has made of its data directory.
 *
 * The way: sl_new_data_look before anything is made -> the start -> sl_new_data_undo when it failed
 * before a configuration was stored, after all was closed -> sl_new_data_fini. A directory that
 * held a store before is never touched, nor what else lay in it, nor one that another sluice has
 * locked by now.
 * Ownership: owns its copy of the path. Threads: main.
 */
#ifndef SL_CLI_NEW_DATA_H
#define SL_CLI_NEW_DATA_H

#include <stddef.h>

typedef struct sl_new_data {
    char *folder;
    size_t existing; /* length of the part of the path that was there */
    unsigned makes;  /* which of the store's files were not there, by bit; 0: nothing to undo */
} sl_new_data_t;

void sl_new_data_look(sl_new_data_t *n, const char *folder);
void sl_new_data_undo(const sl_new_data_t *n);
void sl_new_data_fini(sl_new_data_t *n);

#endif
