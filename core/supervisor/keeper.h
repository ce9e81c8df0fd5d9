/*
 * supervisor/keeper.h: a worker's shared log that a store plugin keeps, in a child of its own.
 *
 * What this is: starts `sluice __store` (runtime/keeper.h says what is spoken), reads the logs
 * once, and is an sl_store_log_t from then on. A child that dies is started again, and what it had
 * not answered is written again, in order: of a key the last value counts, so twice does no harm.
 * Configurations are given up after a time, as Connect does; other entries wait for better times.
 * Ownership: `log.close` frees it. Threads: the loop's.
 */
#ifndef SL_SUPERVISOR_KEEPER_H
#define SL_SUPERVISOR_KEEPER_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <uv.h>

#include "store/log.h"

typedef struct sl_keeper_params {
    uv_loop_t *loop;
    const char *executable;
    const char *module; /* what the child opens */
    const char *plugin;
    cJSON *config;    /* of the plugin; taken */
    int lock_fd;      /* of the data directory */
    uint64_t open_ms; /* how long to try the first opening without progress in reading; open
                         transactions of others are waited for without an end */
    void (*begin)(
        void *user); /* the logs are read from their beginnings: forget what came before */
    void (*entry)(void *user, const sl_log_entry_t *entry);
    /* The transactional ids of those whose open transactions may be ended when they hold the
     * reading up: an array that the keeper frees, or NULL. NULL: nobody's. */
    cJSON *(*writers)(void *user);
    /* Once. error NULL: all is read, and `system` (or NULL) keeps it. Else it is over; the keeper
     * must still be closed. */
    void (*opened)(void *user, const char *system, const char *error);
    void *user;
    void (*trouble)(void *user, const char *text); /* NULL: it is over */
    void *trouble_user;
} sl_keeper_params_t;

/* Texts are copied. Gives the log, which may be closed at any time. */
int sl_keeper_open(const sl_keeper_params_t *params, sl_store_log_t **out);

#endif
