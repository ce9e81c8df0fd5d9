/*
 * supervisor/state_folder.h: where the tasks of a pipeline keep files: <data_dir>/state/<its name>.
 *
 * Ownership: writes into the caller's buffer. Threads: any.
 */
#ifndef SL_SUPERVISOR_STATE_FOLDER_H
#define SL_SUPERVISOR_STATE_FOLDER_H

#include <stddef.h>

/* Its path, and the folder itself when it is missing; trouble is logged. */
void sl_state_folder_make(const char *data_dir, const char *name, char *out, size_t size);
/* Removes it when it is empty; with `all`, which goes with forgetting positions, in any case. Only
 * while no task of the pipeline runs. */
void sl_state_folder_remove(const char *data_dir, const char *name, int all);

#endif
