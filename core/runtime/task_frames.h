/*
 * runtime/task_frames.h: the messages of a task, made and read. Pure; the caller's thread.
 */
#ifndef SL_RUNTIME_TASK_FRAMES_H
#define SL_RUNTIME_TASK_FRAMES_H

#include "runtime/trunk.h"
#include <cjson/cJSON.h>

/* The positions of a start message. `entries` and what they point to end with sl_entries_free;
 * the JSON has to live as long. SLUICE_INVALID: malformed. */
int sl_entries_read(const cJSON *positions, sl_entry_t **entries, size_t *count);
void sl_entries_free(sl_entry_t *entries, size_t count);

/* All given; NULL without memory. */
cJSON *sl_frame_positions(uint64_t seq, const sl_entry_t *entries, size_t count);
cJSON *sl_frame_status(sl_trunk_t *trunk, int state);
cJSON *sl_frame_failed(const char *code, const char *trace);

/* Gauges and totals of the task into the metric registry: at collect. */
void sl_task_metrics(sl_trunk_t *trunk);

#endif
