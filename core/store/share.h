/*
 * store/share.h: the store's writes as entries of a worker's shared logs; for core/store only.
 *
 * What this is: each change of a connector is turned into the entries that Connect would write,
 * byte for byte, and its request waits until the log has them; only then SQLite follows. So what is
 * in SQLite is never ahead of the logs, which are the truth when a worker begins. Requests of one
 * name about the same kind of thing keep their order, those without entries too (store/lanes.h).
 * States of connectors and tasks have no place in SQLite: they are entries and nothing else.
 * Ownership: a share belongs to its store. Threads: the loop's.
 */
#ifndef SL_STORE_SHARE_H
#define SL_STORE_SHARE_H

#include "store/mirror.h"
#include "store/store.h"

struct request;

typedef struct sl_share sl_share_t;

/* Takes the mirror; borrows the log until sl_share_close. NULL: no memory. */
sl_share_t *sl_share_create(sl_store_t *store, sl_store_log_t *log, sl_mirror_t *mirror);
/* Completes what waits, closes the log, frees the share, calls `closed` with the store. */
void sl_share_close(sl_share_t *share, void (*closed)(void *store));
void sl_share_hurry(sl_share_t *share);
void sl_share_set_worker(sl_share_t *share, const char *worker_id);
/* The name of the worker's log of offsets: connectors may name another. tasks_write: tasks write
 * offsets themselves, with their records in one transaction, into the one or the other. */
int sl_share_set_offset_log(sl_share_t *share, const char *name, int tasks_write);
/* The logs of a standalone worker keep offsets alone. */
void sl_share_only_offsets(sl_share_t *share);

/* Whether a request has to pass here: it has entries, or others of its lane wait in front of it. */
int sl_share_wants(const sl_share_t *share, const struct request *request);
void sl_share_submit(sl_share_t *share, struct request *request);

/* ---- the entries of a change; share may be NULL: none ---- */

int sl_share_config(sl_share_t *share, struct request *r, const sl_store_config_t *config);
int sl_share_target(sl_share_t *share, struct request *r, const char *name, const char *target);
int sl_share_delete(sl_share_t *share, struct request *r, const char *name);
int sl_share_tasks(sl_share_t *share, struct request *r, const char *name, const cJSON *configs);
/* all: partitions that are not in `entries` are forgotten. */
int sl_share_offsets(sl_share_t *share, struct request *r, const char *name, const cJSON *entries,
                     int all);
int sl_share_topics(sl_share_t *share, struct request *r, const char *name, const cJSON *topics,
                    int task);
/* Written without a request. */
void sl_share_state(sl_share_t *share, const char *name, int task, const char *state,
                    const char *trace);
void sl_share_drop_states(sl_share_t *share, const char *name, int from);
void sl_share_note(sl_share_t *share, const char *key, const char *value);

#endif
