#include "observe/sampled.h"

#include <math.h>

static void begin(sl_sampled_window_t *w, uint64_t now) {
    *w = (sl_sampled_window_t){ now, 0, 0, -INFINITY };
}

/* What is older than both windows does not count any more. */
static void forget(sl_sampled_t *s, uint64_t now) {
    unsigned i;

    for (i = 0; i < 2; i++)
        if (!s->begun || now - s->windows[i].since >= 2 * SL_SAMPLED_WINDOW_MS)
            begin(&s->windows[i], now);
    s->begun = 1;
}

void sl_sampled_add(sl_sampled_t *s, uint64_t now, double count, double sum, double max) {
    sl_sampled_window_t *w = &s->windows[s->current];

    if (!s->begun)
        forget(s, now);
    if (now - w->since >= SL_SAMPLED_WINDOW_MS) {
        s->current = !s->current;
        w = &s->windows[s->current];
        begin(w, now);
    }
    w->count += count;
    w->sum += sum;
    if (count > 0 && max > w->max)
        w->max = max;
}

double sl_sampled_rate(sl_sampled_t *s, uint64_t now) {
    uint64_t oldest;
    double elapsed;

    forget(s, now);
    oldest = s->windows[!s->current].since < s->windows[s->current].since
                 ? s->windows[!s->current].since
                 : s->windows[s->current].since;
    elapsed = (double)(now - oldest);
    if (elapsed < SL_SAMPLED_WINDOW_MS)
        elapsed += SL_SAMPLED_WINDOW_MS;
    return (s->windows[0].sum + s->windows[1].sum) * 1000 / elapsed;
}

double sl_sampled_avg(sl_sampled_t *s, uint64_t now) {
    forget(s, now);
    return (s->windows[0].sum + s->windows[1].sum) / (s->windows[0].count + s->windows[1].count);
}

double sl_sampled_max(sl_sampled_t *s, uint64_t now) {
    double max;

    forget(s, now);
    max = fmax(s->windows[0].max, s->windows[1].max);
    return isinf(max) ? (double)NAN : max;
}
