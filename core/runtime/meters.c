#include "runtime/meters.h"

void sl_meter_add(sl_meters_t *meters, sl_meter_name_t name, int64_t value) {
    sl_meter_t *m = &meters->meters[name];
    int64_t max = atomic_load_explicit(&m->max, memory_order_relaxed);

    atomic_fetch_add_explicit(&m->count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->sum, value, memory_order_relaxed);
    while (value > max && !atomic_compare_exchange_weak_explicit(
                              &m->max, &max, value, memory_order_relaxed, memory_order_relaxed)) {}
}

void sl_meter_take(sl_meters_t *meters, sl_meter_name_t name, int64_t out[3]) {
    sl_meter_t *m = &meters->meters[name];

    out[0] = atomic_exchange_explicit(&m->count, 0, memory_order_relaxed);
    out[1] = atomic_exchange_explicit(&m->sum, 0, memory_order_relaxed);
    out[2] = atomic_exchange_explicit(&m->max, 0, memory_order_relaxed);
}

void sl_tally_add(sl_meters_t *meters, sl_tally_t tally, int64_t n) {
    atomic_fetch_add_explicit(&meters->tallies[tally], n, memory_order_relaxed);
}

int64_t sl_tally_get(const sl_meters_t *meters, sl_tally_t tally) {
    return atomic_load_explicit(&meters->tallies[tally], memory_order_relaxed);
}

void sl_tally_retry(sl_meters_t *meters) {
    sl_tally_add(meters, SL_TALLY_FAILURES, 1);
    sl_tally_add(meters, SL_TALLY_RETRIES, 1);
}

void sl_tally_error(sl_meters_t *meters, int is_skipped, int64_t wall_ms) {
    sl_tally_add(meters, SL_TALLY_FAILURES, 1);
    sl_tally_add(meters, SL_TALLY_ERRORS, 1);
    sl_tally_add(meters, SL_TALLY_SKIPPED, is_skipped);
    atomic_store_explicit(&meters->tallies[SL_TALLY_LAST_ERROR_MS], wall_ms, memory_order_relaxed);
}
