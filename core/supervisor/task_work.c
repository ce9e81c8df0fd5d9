#include "supervisor/task_work.h"

#include <math.h>
#include <stdlib.h>

#include "base/member.h"

static const char *const totals[SL_WORK_TOTALS] = {
    "polled", "written", "commits", "commits_failed", "commits_late", "failures",
    "errors", "skipped", "retries", "logged",         "dead_letters", "dead_letters_failed"
};

static double number(const cJSON *item) {
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* [count, sum, max], in units of which `unit` make one. */
static void add_meter(sl_sampled_t *s, uint64_t at, const cJSON *message, const char *name,
                      double unit) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(message, name);
    double count = number(cJSON_GetArrayItem(list, 0));

    if (count > 0)
        sl_sampled_add(s, at, count, number(cJSON_GetArrayItem(list, 1)) / unit,
                       number(cJSON_GetArrayItem(list, 2)) / unit);
}

static void add_growth(sl_sampled_t *s, uint64_t at, double growth) {
    sl_sampled_add(s, at, 1, growth > 0 ? growth : 0, 0);
}

static void add_commits(sl_sampled_t *s, uint64_t at, double good, double bad) {
    if (good + bad > 0)
        sl_sampled_add(s, at, good + bad, good, 1);
}

void sl_task_work_take(sl_task_work_t **work, const cJSON *message, uint64_t at) {
    sl_task_work_t *w = *work != NULL ? *work : calloc(1, sizeof *w);
    double grown[SL_WORK_TOTALS];
    size_t i;

    if (w == NULL)
        return;
    *work = w;
    for (i = 0; i < SL_WORK_TOTALS; i++) {
        double value = sl_number(message, totals[i]);
        grown[i] = value - w->now[i];
        w->now[i] = value;
    }
    w->active = sl_number(message, "active");
    w->uncommitted = sl_number(message, "uncommitted");
    w->last_error_ms = fmax(w->last_error_ms, sl_number(message, "last_error_ms"));
    add_growth(&w->sampled[SL_WORK_POLL_RATE], at, grown[SL_WORK_POLLED]);
    add_growth(&w->sampled[SL_WORK_WRITE_RATE], at, grown[SL_WORK_WRITTEN]);
    add_growth(&w->sampled[SL_WORK_COMMIT_RATE], at, grown[SL_WORK_COMMITS]);
    add_growth(&w->sampled[SL_WORK_LATE_RATE], at, grown[SL_WORK_COMMITS_LATE]);
    add_commits(&w->sampled[SL_WORK_COMMIT_SUCCESS], at, grown[SL_WORK_COMMITS],
                grown[SL_WORK_COMMITS_FAILED]);
    add_meter(&w->sampled[SL_WORK_BATCH_SIZE], at, message, "batch", 1);
    add_meter(&w->sampled[SL_WORK_PUT_TIME], at, message, "put_us", 1000);
    add_meter(&w->sampled[SL_WORK_COMMIT_TIME], at, message, "commit_us", 1000);
    sl_sampled_add(&w->sampled[SL_WORK_ACTIVE], at, 1, w->active, w->active);
}

void sl_task_work_rest(sl_task_work_t *w) {
    size_t i;

    for (i = 0; w != NULL && i < SL_WORK_TOTALS; i++) {
        w->before[i] += w->now[i];
        w->now[i] = 0;
    }
    if (w != NULL)
        w->active = w->uncommitted = 0;
}

double sl_task_work_total(const sl_task_work_t *w, sl_work_total_t which) {
    return w->before[which] + w->now[which];
}
