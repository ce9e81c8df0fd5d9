#include "runtime/failpoint.h"

#ifdef SLUICE_FAILPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define POINTS_MAX 16

typedef enum action { ACT_EXIT, ACT_DELAY, ACT_ERROR } action_t;

typedef struct point {
    char name[32];
    action_t action;
    unsigned argument;
    double probability;
    _Atomic long count;
} point_t;

static point_t points[POINTS_MAX];
static size_t point_count;
static uv_once_t once = UV_ONCE_INIT;

/* One "name=action..."; text is cut up. Unknown actions are left out. */
static void read_point(char *text) {
    point_t *p = &points[point_count];
    char *action = strchr(text, '=');
    char *mark;

    if (action == NULL || point_count == POINTS_MAX)
        return;
    *action++ = 0;
    strncpy(p->name, text, sizeof(p->name) - 1);
    p->probability = (mark = strchr(action, '@')) != NULL ? strtod(mark + 1, NULL) : 1;
    p->count = (mark = strchr(action, '*')) != NULL ? strtol(mark + 1, NULL, 10) : INT32_MAX;
    p->argument =
        (mark = strchr(action, ':')) != NULL ? (unsigned)strtoul(mark + 1, NULL, 10) : 100;
    if (strncmp(action, "exit", 4) == 0)
        p->action = ACT_EXIT;
    else if (strncmp(action, "delay", 5) == 0)
        p->action = ACT_DELAY;
    else if (strncmp(action, "error", 5) == 0)
        p->action = ACT_ERROR;
    else
        return;
    point_count++;
}

static void read_points(void) {
    const char *text = getenv("SLUICE_FAILPOINTS");
    char *copy = text != NULL ? strdup(text) : NULL;
    char *rest = copy;
    char *one;

    while (rest != NULL && (one = strsep(&rest, ";")) != NULL)
        read_point(one);
    free(copy);
}

static int hit(point_t *p) {
    uint64_t bits = 0;

    uv_random(NULL, NULL, &bits, sizeof(bits), 0, NULL);
    if ((double)(bits >> 11) / 9007199254740992.0 >= p->probability)
        return 0;
    return atomic_fetch_sub(&p->count, 1) > 0;
}

int sl_failpoint(const char *name) {
    size_t i;

    uv_once(&once, read_points);
    for (i = 0; i < point_count; i++) {
        if (strcmp(points[i].name, name) != 0 || !hit(&points[i]))
            continue;
        if (points[i].action == ACT_EXIT)
            kill(getpid(), SIGKILL);
        if (points[i].action == ACT_DELAY)
            usleep(points[i].argument * 1000u);
        return points[i].action == ACT_ERROR;
    }
    return 0;
}
#else
typedef int sl_failpoint_nothing; /* a translation unit must not be empty */
#endif
