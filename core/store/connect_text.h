/*
 * store/connect_text.h: keys and values of Connect's internal topics, as its JSON converter writes
 * them. Pure; gives texts of the heap, NULL without memory. Threads: any.
 */
#ifndef SL_STORE_CONNECT_TEXT_H
#define SL_STORE_CONNECT_TEXT_H

#include <cjson/cJSON.h>
#include <stdint.h>

/* Compact JSON with the escapes of Jackson. */
char *sl_connect_json(const cJSON *value);

char *sl_connect_key(const char *prefix, const char *name);                /* "connector-x" */
char *sl_connect_task_key(const char *prefix, const char *name, int task); /* "task-x-0" */
char *sl_connect_topic_key(const char *topic, const char *name);
char *sl_connect_offset_key(const char *name, const char *partition);

char *sl_connect_properties(const cJSON *config);
char *sl_connect_target(const char *target); /* "RUNNING", "PAUSED", "STOPPED" */
char *sl_connect_commit(int tasks);
char *sl_connect_state(const char *state, const char *trace, const char *worker, long generation);
char *sl_connect_topic(const char *topic, const char *name, int task, int64_t ms);

#endif
