#include "config/nearest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define LENGTH_MAX 128
#define EDIT       2

void sl_nearest_init(sl_nearest_t *nearest, const char *wanted) {
    nearest->wanted = wanted;
    nearest->best = NULL;
    nearest->distance = SIZE_MAX;
}

static int is_mark(char c) {
    return c == '-' || c == '_' || c == '.';
}

static size_t change_cost(char a, char b) {
    if (a == b)
        return 0;
    if ((is_mark(a) && is_mark(b)) || tolower((unsigned char)a) == tolower((unsigned char)b))
        return EDIT / 2;
    return EDIT;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: the form of Damerau-Levenshtein in which no part is edited twice.
 * Three rows are enough. */
size_t sl_edit_distance(const char *a, const char *b) {
    size_t rows[3][LENGTH_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2], *turn;
    size_t n = strlen(a), m = strlen(b), i, k;

    if (n > LENGTH_MAX || m > LENGTH_MAX)
        return SIZE_MAX;
    for (k = 0; k <= m; k++)
        above[k] = k * EDIT;
    for (i = 1; i <= n; i++) {
        row[0] = i * EDIT;
        for (k = 1; k <= m; k++) {
            row[k] = least(least(above[k], row[k - 1]) + EDIT,
                           above[k - 1] + change_cost(a[i - 1], b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[k] = least(row[k], before[k - 2] + EDIT);
        }
        turn = before;
        before = above;
        above = row;
        row = turn;
    }
    return above[m];
}

/* One ends with "." and the other: a user left out, or wrote out, the family of a dotted name. */
static int is_tail(const char *longer, const char *tail) {
    size_t n = strlen(longer), m = strlen(tail);

    return m >= 3 && n > m + 1 && longer[n - m - 1] == '.' && strcmp(longer + n - m, tail) == 0;
}

void sl_nearest_offer(sl_nearest_t *nearest, const char *candidate) {
    size_t length = strlen(nearest->wanted), distance, limit;

    if (candidate == NULL || *candidate == '\0')
        return;
    limit = EDIT * (length / 3 < 1 ? 1 : length / 3 > 5 ? 5 : length / 3);
    distance = sl_edit_distance(nearest->wanted, candidate);
    if (is_tail(candidate, nearest->wanted) || is_tail(nearest->wanted, candidate))
        distance = least(distance, EDIT);
    if (distance > limit || distance >= nearest->distance)
        return;
    nearest->best = candidate;
    nearest->distance = distance;
}

const char *sl_nearest_of(const char *wanted, const char *const *candidates) {
    sl_nearest_t nearest;

    sl_nearest_init(&nearest, wanted);
    for (; candidates != NULL && *candidates != NULL; candidates++)
        sl_nearest_offer(&nearest, *candidates);
    return nearest.best;
}
