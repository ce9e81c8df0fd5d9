#include "store/repair.h"

#include <stdlib.h>
#include <string.h>

#include "observe/log.h"
#include "sluice/error.h"

#define SCOPE    "store"
#define AGAIN_MS 2000u

typedef struct repair {
    struct repair *next;
    sl_repairs_t *owner;
    char *key;
    char *value;
    int is_under_way;
    int is_dropped;
} repair_t;

void sl_repairs_init(sl_repairs_t *r, uv_loop_t *loop, sl_store_log_t *log) {
    r->log = log;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
}

static void take_out(repair_t *one) {
    repair_t **at = &one->owner->first;

    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    free(one->key);
    free(one->value);
    free(one);
}

static void on_timer(uv_timer_t *timer);

static void on_written(void *user, const char *error) {
    repair_t *one = user;

    one->is_under_way = 0;
    if (error == NULL && !one->is_dropped)
        sl_log(SLUICE_LOG_INFO, SCOPE, "%s is again what it was before the change that failed",
               one->key);
    if (error == NULL || one->is_dropped)
        take_out(one);
    else
        uv_timer_start(&one->owner->timer, on_timer, AGAIN_MS, 0);
}

static void write_one(repair_t *one) {
    sl_log_entry_t entry = {.log = SL_LOG_CONFIGS, .key = one->key, .value = one->value};

    if (one->owner->log->write(one->owner->log, &entry, on_written, one) == SLUICE_OK)
        one->is_under_way = 1;
    else
        uv_timer_start(&one->owner->timer, on_timer, AGAIN_MS, 0);
}

static void on_timer(uv_timer_t *timer) {
    sl_repairs_t *r = timer->data;
    repair_t *one;

    for (one = r->first; one != NULL; one = one->next)
        if (!one->is_under_way)
            write_one(one);
}

void sl_repairs_drop(sl_repairs_t *r, const char *key) {
    repair_t *one, *next;

    for (one = r->first; one != NULL; one = next) {
        next = one->next;
        if (strcmp(one->key, key) != 0)
            continue;
        one->is_dropped = 1;
        if (!one->is_under_way)
            take_out(one);
    }
}

void sl_repairs_add(sl_repairs_t *r, const char *key, const char *value) {
    repair_t *one = calloc(1, sizeof *one);

    if (one == NULL)
        return;
    sl_repairs_drop(r, key);
    *one = (repair_t){r->first, r, strdup(key), value == NULL ? NULL : strdup(value), 0, 0};
    r->first = one;
    if (one->key == NULL || (value != NULL && one->value == NULL))
        take_out(one);
    else
        write_one(one);
}

static void on_closed(uv_handle_t *handle) {
    sl_repairs_t *r = handle->data;

    r->closed(r->user);
}

void sl_repairs_close(sl_repairs_t *r, void (*closed)(void *user), void *user) {
    r->closed = closed;
    r->user = user;
    while (r->first != NULL) {
        sl_log(SLUICE_LOG_WARN, SCOPE,
               "%s may be in the worker's topics as in the change that failed: look at it after "
               "the next start",
               r->first->key);
        take_out(r->first);
    }
    uv_close((uv_handle_t *)&r->timer, on_closed);
}
