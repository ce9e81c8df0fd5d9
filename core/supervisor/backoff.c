#include "supervisor/backoff.h"

uint64_t sl_backoff_ms(uint64_t first, uint64_t max, unsigned attempt, uint64_t random) {
    uint64_t full = first;

    while (attempt-- > 0 && full < max)
        full *= 2;
    if (full > max)
        full = max;
    return full - (full / 2 == 0 ? 0 : random % (full / 2 + 1));
}
