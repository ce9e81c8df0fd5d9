/*
 * supervisor/secrets.h: which places of a configuration hold secrets, and how they are shown.
 *
 * What this is: a secret that is a reference (${env:...}) is shown as that, a literal one as
 * [hidden]; a configuration that comes back with [hidden] keeps the value it had.
 * Ownership: gives trees, borrows arguments. Threads: any.
 */
#ifndef SL_SUPERVISOR_SECRETS_H
#define SL_SUPERVISOR_SECRETS_H

#include <cjson/cJSON.h>

#include "config/pipeline.h"
#include "plugin/catalog.h"

#define SL_HIDDEN "[hidden]"

/* JSON pointers into `config` (a descriptor, or connector JSON when is_connector) of the values
 * that the plugins' tables call secret. */
cJSON *sl_secrets_find(sl_catalog_t *catalog, const sl_pipeline_t *pipeline, const cJSON *config,
                       int is_connector);

/* A copy of config fit to be shown. secrets may be NULL; names that look like secrets, URLs
 * with a password and private keys are hidden in any case. */
cJSON *sl_secrets_hide(const cJSON *config, const cJSON *secrets);

/* Puts the values of `old` (may be NULL) where `config` says [hidden]. */
void sl_secrets_keep(cJSON *config, const cJSON *old);

#endif
