/*
 * supervisor/ask_offsets.h: what plugin code has to say of a connector's offsets, asked of probers.
 *
 * What this is: the connector's own plugin is asked whether offsets that a user sets may stand; the
 * source of its pipeline reads or sets them where the system that it reads keeps them.
 * Ownership: everything is copied. Threads: the loop's. Both complete as sl_resolver_t's do.
 */
#ifndef SL_SUPERVISOR_ASK_OFFSETS_H
#define SL_SUPERVISOR_ASK_OFFSETS_H

#include "supervisor/resolver.h"

/* sl_resolver_t.alter_offsets */
int sl_plugin_offsets(sl_catalog_t *catalog, const cJSON *worker, const cJSON *config,
                      const char *offsets, sl_alter_fn done, void *user);
/* sl_resolver_t.upstream; the configuration of the pipeline's source comes from
 * resolver->resolve. */
int sl_upstream_offsets(sl_resolver_t *resolver, sl_catalog_t *catalog, const char *name,
                        const cJSON *config, const char *offsets, sl_upstream_fn done, void *user);

#endif
