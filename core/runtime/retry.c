#include "runtime/retry.h"

#include <stddef.h>
#include <sys/random.h>
#include <uv.h>

static uint64_t clock_now(void *user) {
    (void)user;
    return uv_hrtime() / 1000000u;
}

static uint64_t system_random(void *user) {
    uint64_t bits = uv_hrtime() * 0x9e3779b97f4a7c15u;

    (void)user;
    /* Short of entropy only at boot; the clock's bits then do for jitter. */
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        return bits;
    return bits;
}

const sl_retry_env_t *sl_retry_env(void) {
    static const sl_retry_env_t env = {clock_now, system_random, NULL};

    return &env;
}

void sl_retry_init(sl_retry_t *retry, const sl_retry_env_t *env, int64_t timeout_ms,
                   int64_t base_ms, int64_t cap_ms) {
    retry->env = env;
    retry->timeout_ms = timeout_ms;
    retry->cap_ms = cap_ms > 0 ? cap_ms : 1;
    retry->base_ms = base_ms > retry->cap_ms ? retry->cap_ms : base_ms;
    retry->connect = 0;
    retry->begun = 0;
    retry->attempts = 0;
    retry->since = 0;
    retry->up_since = UINT64_MAX;
}

void sl_retry_init_connect(sl_retry_t *retry, const sl_retry_env_t *env, int64_t timeout_ms,
                           int64_t base_ms, int64_t cap_ms) {
    sl_retry_init(retry, env, timeout_ms, base_ms, cap_ms);
    retry->base_ms = base_ms;
    retry->connect = 1;
}

void sl_retry_begin(sl_retry_t *retry) {
    if (retry->begun)
        return;
    retry->begun = 1;
    retry->since = retry->env->now_ms(retry->env->user);
}

static uint64_t ceiling(const sl_retry_t *retry) {
    int shift = retry->attempts < 30 ? (int)retry->attempts : 30;
    int64_t span = retry->base_ms << shift;

    return (uint64_t)(span > retry->cap_ms || span < retry->base_ms ? retry->cap_ms : span);
}

static uint64_t jittered(const sl_retry_t *retry) {
    uint64_t most = ceiling(retry);
    uint64_t wait = retry->env->random(retry->env->user) % (most + 1);

    return wait < most / 100 + 1 ? most / 100 + 1 : wait;
}

static uint64_t connects(const sl_retry_t *retry) {
    uint64_t cap = (uint64_t)retry->cap_ms, base = (uint64_t)retry->base_ms;

    if (retry->attempts < 30 && base << retry->attempts <= cap)
        return base << retry->attempts;
    return retry->env->random(retry->env->user) % cap;
}

int64_t sl_retry_failed(sl_retry_t *retry, uint32_t retry_after_ms) {
    uint64_t now = retry->env->now_ms(retry->env->user);
    uint64_t wait = retry->connect ? connects(retry) : jittered(retry);
    uint64_t spent, left;

    if (retry_after_ms > 0)
        wait = retry_after_ms;
    sl_retry_begin(retry);
    retry->attempts++;
    if (retry->timeout_ms < 0)
        return (int64_t)wait;
    spent = now - retry->since;
    if (spent >= (uint64_t)retry->timeout_ms)
        return -1;
    left = (uint64_t)retry->timeout_ms - spent;
    return (int64_t)(wait < left ? wait : left);
}

void sl_retry_succeeded(sl_retry_t *retry) {
    retry->attempts = 0;
    retry->begun = 0;
}

void sl_retry_up(sl_retry_t *retry) {
    retry->up_since = retry->env->now_ms(retry->env->user);
}

void sl_retry_down(sl_retry_t *retry) {
    uint64_t now = retry->env->now_ms(retry->env->user);

    if (now >= retry->up_since && now - retry->up_since >= SL_RETRY_STEADY_MS)
        sl_retry_succeeded(retry);
    retry->up_since = UINT64_MAX;
}
