/*
 * cli/import_worker.h: what a running Kafka Connect worker has, by its REST port.
 *
 * Ownership: gives; cJSON_Delete it. Threads: main.
 */
#ifndef SL_CLI_IMPORT_WORKER_H
#define SL_CLI_IMPORT_WORKER_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "cli/http_client.h"

/* {"worker":{"version","commit","kafka_cluster_id"},
 *  "connectors":[{"name","type","state","tasks":n,"config":{},"offsets":[...] with with_offsets,
 * where there are any}]} by name. NULL with a sentence in error: why not, and what to do. */
cJSON *sl_import_read(const sl_http_peer_t *peer, int with_offsets, char *error, size_t error_size);

/* Text with all but letters, digits and "-_." as %XX, a leading dot too: in a path, as a file's
 * name. Given. */
char *sl_import_escaped(const char *text);

#endif
