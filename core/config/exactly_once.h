/*
 * config/exactly_once.h: what exactly.once.source.support of a Connect worker makes of a source
 * connector: its records and offsets go into one transaction of the plugin that writes topics.
 *
 * Ownership: all borrowed. Threads: any.
 */
#ifndef SL_CONFIG_EXACTLY_ONCE_H
#define SL_CONFIG_EXACTLY_ONCE_H

#include "config/config.h"
#include <cjson/cJSON.h>

/* Whether the worker (may be NULL) writes its source connectors' records exactly once. */
int sl_exactly_once_enabled(const cJSON *worker);

/* The transactional ids of a source connector's tasks are this and their numbers, as Connect's
 * are. */
void sl_exactly_once_prefix(const cJSON *worker, const char *name, char *out, size_t size);

/* Puts the options of that plugin (its table) into `config`: of a connector `name` with the
 * framework's options `common`. Nothing when the worker does not do so or the plugin cannot.
 * SLUICE_OK or SLUICE_NO_MEMORY. */
int sl_exactly_once_put(const cJSON *worker, const sl_options_t *options, const sl_config_t *common,
                        const char *name, cJSON *config);

#endif
