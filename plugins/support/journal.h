/*
 * support/journal.h: a few named positions that a sink must find again after a crash, in a small
 * file of its state directory.
 *
 * What this is: the whole file is written anew, synced and renamed over the old one at each save,
 * on a helper thread, so it is always one of the saved states. For targets that cannot keep a
 * position in the same transaction as the data.
 * Ownership: the journal owns its entries; an entry pointer is valid until the next set or remove.
 * Thread: the instance's.
 */
#ifndef SUPPORT_JOURNAL_H
#define SUPPORT_JOURNAL_H

#include "sluice/plugin.h"

typedef struct journal journal_t;

typedef struct journal_entry {
    char *key; /* any text without a line feed */
    sluice_position_t position;
    uint32_t sub_index;
} journal_entry_t;

/* Reads <state directory>/<name>; a file that is not there is an empty journal. On error api->fail
 * was called. */
int journal_open(const sluice_api_t *api, sluice_ctx_t *ctx, const char *name, journal_t **out);
void journal_destroy(journal_t *journal); /* accepts NULL; no save may be running */

const journal_entry_t *journal_find(const journal_t *journal, const char *key);
const journal_entry_t *journal_at(const journal_t *journal, size_t i); /* NULL past the end */
int journal_set(journal_t *journal, const char *key, const sluice_position_t *position,
                uint32_t sub_index);
void journal_remove(journal_t *journal, const char *key);
/* Makes the present state durable, then done(arg, status) on the instance's thread; error is valid
 * during done. */
int journal_save(journal_t *journal, void (*done)(void *arg, int status, const char *error),
                 void *arg);

#endif
