/*
 * supervisor/resolver.h: from a configuration as the user gave it to what a task needs.
 *
 * What this is: the interface through which the supervisor gets descriptors with secrets filled in
 * and paths of modules. The real one is made by sl_resolver_create (resolve.c); tests give a fake.
 * Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_RESOLVER_H
#define SL_SUPERVISOR_RESOLVER_H

#include <stdint.h>
#include <cjson/cJSON.h>

#include "config/report.h"
#include "plugin/catalog.h"

typedef struct sl_resolved {
    cJSON *pipeline; /* canonical descriptor, secrets filled in */
    cJSON *modules;  /* {"<kind>/<name as written>": "<path of the private copy>"} */
    const char *type; /* static: "source", "sink" (connectors) or "pipeline" */
    int tasks;
    int64_t memory_limit;
    cJSON *secrets; /* array of JSON pointers into the configuration: values to hide */
} sl_resolved_t;

/* resolved: given when status is SLUICE_OK, to be ended with sl_resolved_fini. report: borrowed. */
typedef void (*sl_resolve_fn)(void *user, int status, sl_resolved_t *resolved,
                              const sl_report_t *report);

typedef struct sl_resolver sl_resolver_t;
struct sl_resolver {
    /* Looks at the plugin path again, reads the configuration, finds modules; with `check` also
     * runs the plugins' own checks. Completes exactly once and never inside the call, unless it
     * fails. */
    int (*resolve)(sl_resolver_t *self, const char *name, const char *kind, const cJSON *config,
                   int check, sl_resolve_fn done, void *user);
};

void sl_resolved_fini(sl_resolved_t *resolved);

/* The real one, over a catalog that it borrows. `worker` (borrowed, may be NULL): flat defaults for
 * connectors, see config/connect.h. Nothing may be under way at destroy. */
int sl_resolver_create(sl_catalog_t *catalog, const cJSON *worker, sl_resolver_t **out);
void sl_resolver_destroy(sl_resolver_t *resolver);

#endif
