/*
 * config/nearest.h: the name that the user probably meant. Pure; any thread.
 */
#ifndef SL_CONFIG_NEAREST_H
#define SL_CONFIG_NEAREST_H

#include <stddef.h>

/* Edits (insert, delete, change, swap of neighbours; letters' case and '-' '_' '.' count as
 * half) to make b of a, times 2. Texts longer than 128 bytes are infinitely far (SIZE_MAX). */
size_t sl_edit_distance(const char *a, const char *b);

/* Collects candidates one by one. */
typedef struct sl_nearest {
    const char *wanted;
    const char *best; /* borrowed candidate, or NULL when nothing is near enough */
    size_t distance;
} sl_nearest_t;

void sl_nearest_init(sl_nearest_t *nearest, const char *wanted);
void sl_nearest_offer(sl_nearest_t *nearest, const char *candidate); /* accepts NULL */

/* The nearest of a NULL-terminated list, or NULL. */
const char *sl_nearest_of(const char *wanted, const char *const *candidates);

#endif
