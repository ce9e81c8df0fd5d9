/*
 * supervisor/rates.h: records a second, from the counters of two frames of a task.
 *
 * What this is: frames come each second and when a state changes. Of two that are too close a rate
 * would be noise: then the one before stays.
 * Ownership: borrows trees, changes `items` in place. Threads: any.
 */
#ifndef SL_SUPERVISOR_RATES_H
#define SL_SUPERVISOR_RATES_H

#include <stdint.h>
#include <cjson/cJSON.h>

/* The rate over `elapsed_ms`; 0 when the counter went back, because the process is a new one. */
double sl_rate(double now, double before, uint64_t elapsed_ms, double last_rate);

/* Adds "records_per_second" to each of `items` by its "records", compared with the item of the same
 * name in `before` (may be NULL: then 0). */
void sl_rates_add(cJSON *items, const cJSON *before, uint64_t elapsed_ms);

#endif
