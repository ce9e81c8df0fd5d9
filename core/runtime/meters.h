/*
 * runtime/meters.h: what of a connector's work nobody else counts: how large and how long things
 * were, and what became of its errors.
 *
 * What this is: atomic sums, read by the task once a second for the supervisor
 * (runtime/work_frame.h), which makes Kafka Connect's metrics of them. Errors are counted as
 * Connect counts them: a *failure* is each attempt that failed, an *error* a record that failed for
 * good, *skipped* those of them that errors.tolerance let pass.
 * Ownership: embedded in the graph. Threads: any.
 */
#ifndef SL_RUNTIME_METERS_H
#define SL_RUNTIME_METERS_H

#include <stdatomic.h>
#include <stdint.h>

typedef enum sl_meter_name {
    SL_METER_BATCH,  /* records of a batch that the source gave */
    SL_METER_PUT,    /* microseconds from a write to the sink until it was durable or failed */
    SL_METER_COMMIT, /* microseconds from the beginning of a commit until it was stored */
    SL_METERS
} sl_meter_name_t;

typedef enum sl_tally {
    SL_TALLY_COMMITS_FAILED,
    SL_TALLY_COMMITS_LATE, /* answers that nobody waited for any more */
    SL_TALLY_FAILURES,
    SL_TALLY_ERRORS,
    SL_TALLY_SKIPPED,
    SL_TALLY_RETRIES,
    SL_TALLY_LOGGED,
    SL_TALLY_DEAD_LETTERS,        /* attempts to write one */
    SL_TALLY_DEAD_LETTERS_FAILED, /* of these */
    SL_TALLY_LAST_ERROR_MS,       /* wall clock; 0: none yet */
    SL_TALLIES
} sl_tally_t;

typedef struct sl_meter {
    _Atomic int64_t count;
    _Atomic int64_t sum;
    _Atomic int64_t max;
} sl_meter_t;

/* All 0 at first. */
typedef struct sl_meters {
    sl_meter_t meters[SL_METERS];
    _Atomic int64_t tallies[SL_TALLIES];
} sl_meters_t;

void sl_meter_add(sl_meters_t *meters, sl_meter_name_t name, int64_t value);
/* What came since the last call: count, sum, largest. */
void sl_meter_take(sl_meters_t *meters, sl_meter_name_t name, int64_t out[3]);

void sl_tally_add(sl_meters_t *meters, sl_tally_t tally, int64_t n);
int64_t sl_tally_get(const sl_meters_t *meters, sl_tally_t tally);
/* An attempt failed and is repeated. */
void sl_tally_retry(sl_meters_t *meters);
/* A record failed for good, now. */
void sl_tally_error(sl_meters_t *meters, int is_skipped, int64_t wall_ms);

#endif
