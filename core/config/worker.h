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

#endif
