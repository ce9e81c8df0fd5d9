/*
 * plugin/conformance.h: does a module keep the promises of the plugin ABI?
 *
 * What this is: drives each plugin of any module with a fake pipeline and says, check by check,
 * ok, FAIL or skip with the reason. Each check runs in a child process of its own, so that a
 * crash or an endless loop fails one check. Checks are described in conformance.c.
 * Threads: a process with one thread (it forks without exec).
 */
#ifndef SL_PLUGIN_CONFORMANCE_H
#define SL_PLUGIN_CONFORMANCE_H

#include <cjson/cJSON.h>
#include <stddef.h>

typedef enum sl_conformance_outcome {
    SL_CONFORMANCE_OK = 0,
    SL_CONFORMANCE_FAIL = 1,
    SL_CONFORMANCE_SKIP = 2
} sl_conformance_outcome_t;

typedef struct sl_conformance_result {
    const char *kind;   /* "module", "source", ... */
    const char *plugin; /* its name; the module's file for "module" */
    const char *check;  /* stable name, "exactly-one-completion" */
    sl_conformance_outcome_t outcome;
    const char *reason; /* never NULL; empty when there is nothing to say */
} sl_conformance_result_t;

typedef struct sl_conformance_params {
    const char *path;    /* absolute */
    const char *plugin;  /* only this plugin; NULL: all */
    const char *only;    /* only the check of this name; NULL: all */
    const cJSON *config; /* options laid over those made up for required ones; NULL: none */
    void (*report)(void *user, const sl_conformance_result_t *result);
    void *user;
} sl_conformance_params_t;

/* Number of failed checks, or a negative status when nothing could be run. */
int sl_conformance_run(const sl_conformance_params_t *params);

#endif
