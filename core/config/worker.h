/*
 * config/worker.h: a worker's own configuration: defaults for connectors that do not say themselves
 * which converters and which servers.
 *
 * What this is: Connect's worker file (properties), or a flat JSON object; references are resolved.
 * Ownership: gives the object. Threads: one at a time.
 */
#ifndef SL_CONFIG_WORKER_H
#define SL_CONFIG_WORKER_H

#include "config/report.h"
#include <cjson/cJSON.h>

/* An object of texts, for sl_connect_to_native. A file whose first character is '{' is JSON. */
int sl_worker_read(const char *path, sl_report_t *report, cJSON **out);

typedef enum sl_worker_mode {
    SL_WORKER_NONE, /* `sluice run`: no Connect worker */
    SL_WORKER_DISTRIBUTED,
    SL_WORKER_STANDALONE
} sl_worker_mode_t;

/* Reads a Connect worker's properties as they are: the file, then CONNECT_* of the environment as
 * Connect's images take them (CONNECT_GROUP_ID is group.id), then references to its own config
 * providers. Faults go to the report: what is missing or wrong as errors, what is unknown as
 * warnings. */
int sl_worker_read_connect(const char *path, sl_worker_mode_t mode, const char *const *environment,
                           sl_report_t *report, cJSON **out);

/* worker may be NULL in both. */
sl_worker_mode_t sl_worker_mode(const cJSON *worker);
const char *sl_worker_text(const cJSON *worker, const char *key); /* NULL: not set */
/* Its value, else that of the worker's table of properties. */
int sl_worker_flag(const cJSON *worker, const char *key, int otherwise);

#endif
