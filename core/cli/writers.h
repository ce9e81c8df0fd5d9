/*
 * cli/writers.h: who may have left a transaction open in a worker's topic of offsets.
 *
 * What this is: a task that was killed in the middle of its commit, with
 * exactly.once.source.support, leaves a transaction that hides the offsets behind it until the
 * broker ends it, after minutes. A worker that begins ends those of its own tasks at once: it will
 * run them under the same transactional ids, so whoever held these is done for anyway.
 * Ownership: all borrowed; the result is the caller's. Threads: the loop's.
 */
#ifndef SL_CLI_WRITERS_H
#define SL_CLI_WRITERS_H

#include "plugin/catalog.h"
#include "store/mirror.h"

/* The transactional ids of the tasks that the mirror's source connectors have, or may have had, as
 * an array of texts. NULL: the worker does not write exactly once. */
cJSON *sl_writers(const cJSON *worker, const sl_mirror_t *mirror, const sl_catalog_t *catalog);

#endif
