#include "supervisor/ask_offsets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "config/connect.h"
#include "config/providers.h"
#include "config/worker.h"
#include "sluice/error.h"

#define ASK_TIMEOUT_MS      10000u
#define UPSTREAM_TIMEOUT_MS 60000u /* it connects, and waits for a server that is busy */

/* Why there is no result; NULL: there is one. */
static const char *failure_of(const cJSON *answer, const char *error) {
    const cJSON *failure = cJSON_GetObjectItemCaseSensitive(answer, "error");
    const char *message = sl_text(failure, "message");

    if (error != NULL || (failure == NULL && answer != NULL))
        return error;
    return message != NULL ? message : "the plugin did not answer";
}

/* ---- the connector's own plugin ---- */

typedef struct alteration {
    sl_alter_fn done;
    void *user;
} alteration_t;

static void on_altered(void *user, const cJSON *answer, const char *error) {
    alteration_t *a = user;

    a->done(a->user, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "complete")),
            failure_of(answer, error));
    free(a);
}

/* The flat configuration; one from a file may have it inside. */
static const cJSON *flat_of(const cJSON *config) {
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(config, "config");

    return cJSON_IsObject(inner) ? inner : config;
}

static const sl_catalog_plugin_t *find_class(const sl_catalog_t *catalog, const cJSON *config) {
    const char *name = sl_text(flat_of(config), "connector.class");
    const sl_catalog_plugin_t *p = NULL;

    if (name != NULL)
        p = sl_catalog_find(catalog, SLUICE_SOURCE, name);
    if (name != NULL && p == NULL)
        p = sl_catalog_find(catalog, SLUICE_SINK, name);
    return p;
}

int sl_plugin_offsets(sl_catalog_t *catalog, const cJSON *worker, const cJSON *config,
                      const char *offsets, sl_alter_fn done, void *user) {
    const sl_catalog_plugin_t *p = find_class(catalog, config);
    alteration_t *a = calloc(1, sizeof *a);
    cJSON *own = cJSON_Duplicate(flat_of(config), 1);
    sl_catalog_offsets_t question = { .config = own,
                                      .offsets = offsets,
                                      .timeout_ms = ASK_TIMEOUT_MS };
    char *message = NULL;
    int status = SLUICE_INVALID;

    if (sl_worker_mode(worker) != SL_WORKER_NONE)
        sl_providers_resolve(worker, own, &message);
    if (a != NULL && p != NULL) {
        a->done = done;
        a->user = user;
        question.kind = p->kind;
        question.name = p->name;
        status = sl_catalog_ask_offsets(catalog, &question, on_altered, a);
    }
    free(message);
    cJSON_Delete(own);
    if (status != SLUICE_OK)
        free(a);
    return status;
}

/* ---- what the pipeline reads ---- */

typedef struct errand {
    sl_catalog_t *catalog;
    char *name;
    char *offsets; /* NULL: to be read */
    sl_upstream_fn done;
    void *user;
} errand_t;

static void errand_destroy(errand_t *e) {
    free(e->name);
    free(e->offsets);
    free(e);
}

static void on_upstream(void *user, const cJSON *answer, const char *error) {
    errand_t *e = user;

    e->done(e->user, sl_text(answer, "offsets"), failure_of(answer, error));
    errand_destroy(e);
}

static void give_up(errand_t *e, const char *why) {
    e->done(e->user, NULL, why);
    errand_destroy(e);
}

static void on_resolved(void *user, int status, sl_resolved_t *resolved,
                        const sl_report_t *report) {
    errand_t *e = user;
    const cJSON *source =
        resolved == NULL ? NULL : cJSON_GetObjectItemCaseSensitive(resolved->pipeline, "source");
    sl_catalog_offsets_t question = {.kind = SLUICE_SOURCE,
                                     .name = sl_text(source, "plugin"),
                                     .pipeline = e->name,
                                     .offsets = e->offsets,
                                     .timeout_ms = UPSTREAM_TIMEOUT_MS};

    question.config = cJSON_GetObjectItemCaseSensitive(source, "config");
    if (status != SLUICE_OK || source == NULL)
        give_up(e, report->count > 0 ? report->faults[0].message
                                     : "the connector's configuration cannot be read");
    else if (sl_catalog_ask_offsets(e->catalog, &question, on_upstream, e) != SLUICE_OK)
        give_up(e, "the plugin cannot be asked");
    if (resolved != NULL)
        sl_resolved_fini(resolved);
}

/* A source connector reads by its own plugin, a sink connector by the one that reads topics. */
static int keeps_offsets(const sl_catalog_t *catalog, const cJSON *config) {
    const sl_catalog_plugin_t *p = find_class(catalog, config);

    if (p != NULL && p->kind == SLUICE_SINK)
        p = sl_catalog_find(catalog, SLUICE_SOURCE, SL_CONNECT_TOPICS);
    return p != NULL && p->keeps_offsets;
}

int sl_upstream_offsets(sl_resolver_t *resolver, sl_catalog_t *catalog, const char *name,
                        const cJSON *config, const char *offsets, sl_upstream_fn done, void *user) {
    errand_t *e;
    int status = SLUICE_NO_MEMORY;

    if (!keeps_offsets(catalog, config))
        return SLUICE_UNSUPPORTED;
    e = calloc(1, sizeof *e);
    if (e == NULL)
        return status;
    e->catalog = catalog;
    e->name = strdup(name);
    e->offsets = offsets == NULL ? NULL : strdup(offsets);
    e->done = done;
    e->user = user;
    if (e->name != NULL && (offsets == NULL || e->offsets != NULL))
        status = resolver->resolve(resolver, name, "connector", config, SL_CHECK_NONE, on_resolved,
                                   e);
    if (status != SLUICE_OK)
        errand_destroy(e);
    return status;
}
