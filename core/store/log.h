/*
 * store/log.h: where a store writes what others shall find, too.
 *
 * What this is: the interface to keyed logs outside of this machine's SQLite file, of which the
 * newest value of each key counts. Kafka Connect's internal topics are such logs; so is the file in
 * which a standalone worker keeps offsets. Whoever implements it knows nothing of what entries mean
 * (store/mirror.h does); several workers that share logs will share this.
 * Ownership: as said. Threads: the loop's.
 */
#ifndef SL_STORE_LOG_H
#define SL_STORE_LOG_H

#include <stdint.h>

/* The logs of a worker. */
enum { SL_LOG_CONFIGS = 0, SL_LOG_OFFSETS = 1, SL_LOG_STATES = 2, SL_LOGS = 3 };

/* The place of a source that an offset stands for. */
typedef struct sl_log_place {
    const char *position;  /* hexadecimal; NULL: not known */
    const char *partition; /* source partition, JSON text */
    uint32_t sub;
} sl_log_place_t;

typedef struct sl_log_entry {
    int log;
    const char *key;
    const char *value; /* NULL: the key has none any more */
    sl_log_place_t place;
    const char *name; /* another log of that kind, by its name; NULL: the worker's own */
} sl_log_entry_t;

/* error: NULL, or why the entry was not kept and will not be; valid during the call. */
typedef void (*sl_log_done_fn)(void *user, const char *error);

typedef struct sl_store_log sl_store_log_t;
struct sl_store_log {
    /* Borrows the entry. `done` (may be NULL) follows exactly once, never inside the call; entries
     * of a log are kept in the order of the calls. A negative status: no memory, and no `done`. */
    int (*write)(sl_store_log_t *self, const sl_log_entry_t *entry, sl_log_done_fn done,
                 void *user);
    /* From now on nothing waits long for better times. */
    void (*hurry)(sl_store_log_t *self);
    /* Keeps what it can of what is under way, completes all of it, frees itself, calls `closed`. */
    void (*close)(sl_store_log_t *self, void (*closed)(void *user), void *user);
};

#endif
