/*
 * cli/shared.h: opens the logs that a Connect worker shares with those before and after it.
 *
 * What this is: for a distributed worker its three topics, by the store plugin that carries the
 * alias "@worker"; for a standalone one the file of its offsets. What they say is in the store when
 * `done` is called, and from then on the store writes to them.
 * Ownership: borrows the parameters until `done`. Threads: the loop's.
 */
#ifndef SL_CLI_SHARED_H
#define SL_CLI_SHARED_H

#include "plugin/catalog.h"
#include "store/store.h"

typedef struct sl_shared_params {
    uv_loop_t *loop;
    const cJSON *worker; /* its properties */
    sl_catalog_t *catalog;
    sl_store_t *store;
    const char *executable;
    void (*trouble)(void *user, const char *text); /* the logs cannot be written; NULL: they can */
    /* Once, never inside sl_shared_open. cluster: may be NULL. error: NULL, or why it is over. */
    void (*done)(void *user, const char *cluster, const char *error);
    void *user;
} sl_shared_params_t;

typedef struct sl_shared sl_shared_t;

int sl_shared_open(const sl_shared_params_t *params, sl_shared_t **out);
/* Gives it up: `done` comes with an error, unless all is shared already. Only before `done`. */
void sl_shared_cancel(sl_shared_t *shared);

#endif
