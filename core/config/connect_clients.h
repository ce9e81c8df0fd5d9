/*
 * config/connect_clients.h: how Connect configures the clients of a connector.
 *
 * What this is: what a worker's properties, and Connect itself, say of the consumer, producer and
 * administrator of a connector, put below what the connector overrides. Ownership: changes the
 * caller's tree. Threads: any.
 */
#ifndef SL_CONFIG_CONNECT_CLIENTS_H
#define SL_CONFIG_CONNECT_CLIENTS_H

#include "config/options.h"
#include <cjson/cJSON.h>

/* Into the configuration of the plugin that reads (is_sink) or writes topics, which has `options`.
 * worker: texts, or NULL. SLUICE_NO_MEMORY, else SLUICE_OK. */
int sl_connect_put_clients(const cJSON *worker, const sl_options_t *options, int is_sink,
                           const char *connector, cJSON *config);

#endif
