#include "supervisor/rates.h"

#include <string.h>

#include "base/member.h"

#define RATE      "records_per_second"
#define APART_MS  500u

static const cJSON *find(const cJSON *items, const char *name) {
    const cJSON *item;

    cJSON_ArrayForEach(item, items) {
        const char *other = sl_text(item, "name");
        if (name != NULL && other != NULL && strcmp(name, other) == 0)
            return item;
    }
    return NULL;
}

double sl_rate(double now, double before, uint64_t elapsed_ms, double last_rate) {
    if (elapsed_ms < APART_MS)
        return now < before ? 0 : last_rate;
    return now > before ? (now - before) * 1000 / (double)elapsed_ms : 0;
}

void sl_rates_add(cJSON *items, const cJSON *before, uint64_t elapsed_ms) {
    cJSON *item;

    cJSON_ArrayForEach(item, items) {
        const cJSON *old = find(before, sl_text(item, "name"));
        double records = sl_number(item, "records");
        cJSON_AddNumberToObject(item, RATE,
                                old == NULL ? 0
                                            : sl_rate(records, sl_number(old, "records"),
                                                      elapsed_ms, sl_number(old, RATE)));
    }
}
