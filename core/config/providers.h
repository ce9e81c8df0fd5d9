/*
 * config/providers.h: Connect's config providers: references that a worker's configuration allows.
 *
 *     config.providers=file,env
 *     config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
 *     ${file:PATH:KEY}  ${env:NAME}  ${dir:PATH:FILE}, by the names that the worker gives them
 *
 * What this is: Connect's rules, which differ from config/interpolate.h: a provider must be
 * declared, a key that its source does not have leaves the text as it is, and a source that cannot
 * be read is an error. What a reference gave is not looked at again.
 * Ownership: borrows the worker's properties. Threads: one at a time (reads the environment).
 */
#ifndef SL_CONFIG_PROVIDERS_H
#define SL_CONFIG_PROVIDERS_H

#include <cjson/cJSON.h>

/* Replaces the references in all texts of a flat object. SLUICE_INVALID: *message (free it) says
 * why, in Connect's words. */
int sl_providers_resolve(const cJSON *worker, cJSON *flat, char **message);

/* Checks the declarations themselves: unknown classes. */
int sl_providers_check(const cJSON *worker, char **message);

#endif
