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
    /* static: "source", "sink", "unknown" (connectors; there is no such class) or "pipeline" */
    const char *type;
    int tasks;
    int64_t memory_limit;
    cJSON *secrets; /* array of JSON pointers into the configuration: values to hide */
    char *task_class; /* connectors: the Java class of its tasks; NULL: not known */
    /* Connectors with SL_CHECK_CONNECT and SL_CHECK_ANSWER only: */
    cJSON *answer;  /* Connect's answer to validate, with SL_CHECK_ANSWER */
    char *refusal;  /* Connect's message when the configuration is refused */
    int has_thrown; /* and Connect says it with a 500: nothing could be checked */
} sl_resolved_t;

/* How much is checked besides what a start needs. */
typedef enum sl_check {
    SL_CHECK_NONE,    /* it was checked before */
    SL_CHECK_ALL,     /* plugins' own checks, too; connectors as strictly as pipelines */
    SL_CHECK_CONNECT, /* connectors: what Connect checks, no more, no less */
    SL_CHECK_ANSWER,  /* the same, and gives Connect's answer */
} sl_check_t;

/* status: SLUICE_INVALID, or, with SL_CHECK_NONE, SLUICE_RETRY when it is only that references
 * of a connector cannot be resolved now. resolved: given, to be ended with sl_resolved_fini; NULL
 * without memory. Unless status is SLUICE_OK only its type is set, and what is for
 * SL_CHECK_CONNECT: that takes a connector though it cannot start, and gives neither pipeline nor
 * modules. report: borrowed. */
typedef void (*sl_resolve_fn)(void *user, int status, sl_resolved_t *resolved,
                              const sl_report_t *report);

/* complete: these are all offsets that the connector has. error: NULL, or why they are refused. */
typedef void (*sl_alter_fn)(void *user, int complete, const char *error);

/* offsets: JSON text of [{"partition","offset"}] when they were read, NULL when they were set;
 * error: NULL, or why neither. */
typedef void (*sl_upstream_fn)(void *user, const char *offsets, const char *error);

typedef struct sl_resolver sl_resolver_t;
struct sl_resolver {
    /* Looks at the plugin path again, reads the configuration, finds modules. Completes exactly
     * once and never inside the call, unless it fails. */
    int (*resolve)(sl_resolver_t *self, const char *name, const char *kind, const cJSON *config,
                   sl_check_t check, sl_resolve_fn done, void *user);
    /* Whether the connector's plugin lets a user set these offsets (JSON text). Completes as
     * resolve. NULL: nobody is asked, the offsets are taken. */
    int (*alter_offsets)(sl_resolver_t *self, const cJSON *config, const char *offsets,
                         sl_alter_fn done, void *user);
    /* Reads the offsets that the system keeps from which the connector reads, or sets them (JSON
     * text, "null": forgets all). Completes as resolve. SLUICE_UNSUPPORTED: that system keeps none,
     * the store has them. NULL: the store always has them. */
    int (*upstream)(sl_resolver_t *self, const char *name, const cJSON *config, const char *offsets,
                    sl_upstream_fn done, void *user);
};

void sl_resolved_fini(sl_resolved_t *resolved);

/* The real one, over a catalog that it borrows. `worker` (borrowed, may be NULL): flat defaults for
 * connectors, see config/connect.h. Nothing may be under way at destroy. */
int sl_resolver_create(sl_catalog_t *catalog, const cJSON *worker, sl_resolver_t **out);
void sl_resolver_destroy(sl_resolver_t *resolver);

#endif
