#include "runtime/credit.h"

void sl_credit_init(sl_credit_t *credit, int64_t budget, void (*wake)(void *user), void *user) {
    memset(credit, 0, sizeof(*credit));
    credit->budget = budget;
    credit->wake = wake;
    credit->user = user;
}

void sl_credit_take(sl_credit_t *credit, int64_t bytes, int64_t records) {
    atomic_fetch_add(&credit->held, bytes);
    atomic_fetch_add(&credit->records, records);
}

void sl_credit_give(sl_credit_t *credit, int64_t bytes, int64_t records) {
    atomic_fetch_sub(&credit->held, bytes);
    atomic_fetch_sub(&credit->records, records);
    if (atomic_load(&credit->starved) && credit->wake != NULL)
        credit->wake(credit->user);
}

int64_t sl_credit_room(const sl_credit_t *credit) {
    int64_t plugins = atomic_load(&credit->plugins);
    int64_t most = credit->budget - credit->budget / 8;

    if (plugins < 0)
        plugins = 0;
    return credit->budget - (plugins < most ? plugins : most) - atomic_load(&credit->held);
}
