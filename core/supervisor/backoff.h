/*
 * supervisor/backoff.h: how long to wait before the next attempt.
 *
 * What this is: exponential growth with jitter, so that many tasks hit by one outage do not come
 * back in step. Pure. Threads: any.
 */
#ifndef SL_SUPERVISOR_BACKOFF_H
#define SL_SUPERVISOR_BACKOFF_H

#include <stdint.h>

/* For attempt 0, 1, 2 ...: between half and all of min(max, first * 2^attempt). `random` is any
 * number of good quality. */
uint64_t sl_backoff_ms(uint64_t first, uint64_t max, unsigned attempt, uint64_t random);

#endif
