/*
 * config/catalog.h: how config asks which plugins there are. core/plugin answers; config knows no
 * module.
 *
 * Ownership: what lookup gives is borrowed and lives as long as the catalog. Threads: the asking
 * one.
 */
#ifndef SL_CONFIG_CATALOG_H
#define SL_CONFIG_CATALOG_H

#include "config/config.h"
#include "config/options.h"
#include "config/report.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sl_plugin_info {
    uint32_t kind;         /* sluice_plugin_kind_t */
    const char *name;      /* canonical */
    sl_options_t *options; /* of this plugin; never NULL */
    /* The Java class that it is known as, of several the one that was asked for; NULL: none. */
    const char *class_name;
    int has_check; /* asking it for its cross-field check is worth while */
} sl_plugin_info_t;

typedef struct sl_plugin_catalog {
    void *ctx;
    /* By name or alias (also Connect's: full class name, its last part, that without
     * "Connector"). kind 0: a source or a sink. SLUICE_OK, SLUICE_INVALID when there is none, or
     * SLUICE_NOT_CONNECTED (*why says it) when its module is broken. */
    int (*lookup)(void *ctx, uint32_t kind, const char *name, sl_plugin_info_t *out,
                  const char **why);
    /* The i-th name or alias of this kind (0: source or sink), for hints; NULL past the end. May
     * be NULL. */
    const char *(*name_at)(void *ctx, uint32_t kind, size_t i);
    /* The plugin's own cross-field check, and with `connect` its probe, run where its code may
     * run: faults go to the report below `pointer`. May be NULL: no such check. `object` is the
     * plugin's config, resolved. */
    int (*check)(void *ctx, const sl_plugin_info_t *plugin, const cJSON *object,
                 const char *pointer, int connect, sl_report_t *report);
} sl_plugin_catalog_t;

/* "source", "transform", "sink", "converter", "predicate" */
const char *sl_plugin_kind_name(uint32_t kind);

#endif
