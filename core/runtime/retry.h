/*
 * runtime/retry.h: how long to wait before trying again, and when to give up.
 *
 * What this is: exponential backoff with full jitter: the n-th wait is uniform in [0, min(cap,
 * base << n)], but never under a hundredth of that (no busy loop). A target's own hint
 * (retry_after_ms) replaces the exponential part once. The time spent is counted from the first
 * failure after the last success, or from sl_retry_begin if that was said; with a timeout it is
 * never waited past its end.
 *
 * Kafka Connect's own way, for what its users have set times for: the n-th wait is base << n
 * itself, and only where that is above the cap a random time below the cap.
 *
 * Clock and random numbers are injected, so that tests run in no time.
 * Ownership: embedded; owns nothing. Threads: one.
 */
#ifndef SL_RUNTIME_RETRY_H
#define SL_RUNTIME_RETRY_H

#include <stdint.h>

typedef struct sl_retry_env {
    uint64_t (*now_ms)(void *user);  /* monotonic */
    uint64_t (*random)(void *user);  /* 64 uniform bits */
    void *user;
} sl_retry_env_t;

/* The process's clock and random numbers. */
const sl_retry_env_t *sl_retry_env(void);

typedef struct sl_retry {
    const sl_retry_env_t *env;
    int connect;        /* waits are Connect's */
    int begun;          /* since is set */
    int64_t timeout_ms; /* 0: no retry; -1: for ever */
    int64_t base_ms;
    int64_t cap_ms;
    uint32_t attempts; /* failures since the last success */
    uint64_t since;    /* when the first of them was, or what fails began */
    uint64_t up_since; /* when what is tried began to hold */
} sl_retry_t;

void sl_retry_init(sl_retry_t *retry, const sl_retry_env_t *env, int64_t timeout_ms,
                   int64_t base_ms, int64_t cap_ms);
/* The same, with Connect's waits. */
void sl_retry_init_connect(sl_retry_t *retry, const sl_retry_env_t *env, int64_t timeout_ms,
                           int64_t base_ms, int64_t cap_ms);
/* What may fail begins now, unless it has begun already: its first try counts, too. */
void sl_retry_begin(sl_retry_t *retry);
/* A failure: the wait in ms before the next attempt, or -1 when time is up. */
int64_t sl_retry_failed(sl_retry_t *retry, uint32_t retry_after_ms);
void sl_retry_succeeded(sl_retry_t *retry);
/* A connection was made; it was lost. One that held for SL_RETRY_STEADY_MS was a success, even if
 * nothing was to be sent over it; one that breaks again and again at once was none. */
void sl_retry_up(sl_retry_t *retry);
void sl_retry_down(sl_retry_t *retry);
#define SL_RETRY_STEADY_MS 60000

#endif
