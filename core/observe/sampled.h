/*
 * observe/sampled.h: rates, averages and maxima over the last half to whole minute.
 *
 * What this is: Kafka's own way to make them (two windows of 30 s, the older one forgotten), so
 * that numbers under the names of Kafka's metrics mean the same. A rate is the sum over the time
 * since the older window began, which counts as at least one whole window.
 * Ownership: embedded; all 0 at first. Threads: one. Times: a clock's milliseconds.
 */
#ifndef SL_OBSERVE_SAMPLED_H
#define SL_OBSERVE_SAMPLED_H

#include <stdint.h>

#define SL_SAMPLED_WINDOW_MS 30000u

typedef struct sl_sampled_window {
    uint64_t since;
    double count, sum, max;
} sl_sampled_window_t;

typedef struct sl_sampled {
    sl_sampled_window_t windows[2];
    unsigned current;
    int begun;
} sl_sampled_t;

/* `count` values of that sum, none larger than max. */
void sl_sampled_add(sl_sampled_t *sampled, uint64_t now, double count, double sum, double max);
/* The sum a second. */
double sl_sampled_rate(sl_sampled_t *sampled, uint64_t now);
/* NaN when there was nothing. */
double sl_sampled_avg(sl_sampled_t *sampled, uint64_t now);
double sl_sampled_max(sl_sampled_t *sampled, uint64_t now);

#endif
