#include "admin/handlers.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "observe/metrics.h"

typedef struct parts {
    sl_metrics_part_t *items;
    sl_label_t (*labels)[2]; /* pipeline, task */
    char (*numbers)[12];
    size_t count;
} parts_t;

static size_t count_tasks(const sl_supervisor_t *s) {
    size_t n = 0;
    size_t i;

    for (i = 0; i < sl_supervisor_count(s); i++)
        n += sl_supervisor_at(s, i)->task_count;
    return n;
}

static void add_task(parts_t *p, const sl_task_t *t) {
    size_t i = p->count++;

    snprintf(p->numbers[i], sizeof p->numbers[i], "%d", t->number);
    p->labels[i][0] = (sl_label_t){ "pipeline", t->managed->name };
    p->labels[i][1] = (sl_label_t){ "task", p->numbers[i] };
    p->items[i] = (sl_metrics_part_t){ t->metrics, p->labels[i], 2 };
}

static void set(sluice_metric_kind_t kind, const char *name, const char *help,
                const sl_label_t *labels, double value, int show) {
    sluice_metric_t *metric = sl_metric(kind, name, help, labels, 2);

    if (show)
        sl_metric_set(metric, value);
    else
        sl_metric_hide(metric);
}

/* What the supervisor itself knows of its tasks: shown for one text only, since tasks may go. */
static void set_task_gauges(const sl_task_t *t, int show) {
    char number[12];
    const sl_label_t labels[] = { { "pipeline", t->managed->name }, { "task", number } };

    snprintf(number, sizeof number, "%d", t->number);
    set(SLUICE_GAUGE, "sluice_task_up", "1 while the task runs, 0 in any other state", labels,
        t->state == SL_TASK_RUNNING, show);
    set(SLUICE_GAUGE, "sluice_task_failed", "1 while the task is FAILED", labels,
        t->state == SL_TASK_FAILED, show);
    set(SLUICE_COUNTER, "sluice_task_restarts_total",
        "Restarts of the task's process after a crash", labels, t->restarts, show);
    set(SLUICE_GAUGE, "sluice_task_memory_bytes", "Private memory of the task's process", labels,
        (double)t->memory, show);
}

static void each_task(const sl_supervisor_t *s, int show) {
    size_t i;
    size_t k;

    for (i = 0; i < sl_supervisor_count(s); i++)
        for (k = 0; k < sl_supervisor_at(s, i)->task_count; k++)
            set_task_gauges(&sl_supervisor_at(s, i)->tasks[k], show);
}

void sl_get_metrics(sl_request_t *r) {
    const sl_supervisor_t *s = sl_admin_options(sl_request_admin(r))->supervisor;
    size_t max = count_tasks(s) + 1;
    parts_t p = { calloc(max, sizeof *p.items), calloc(max, sizeof *p.labels),
                  calloc(max, sizeof *p.numbers), 1 };
    char *own = NULL;
    char *text = NULL;
    size_t i;
    size_t k;

    if (p.items == NULL || p.labels == NULL || p.numbers == NULL)
        goto out;
    each_task(s, 1);
    own = sl_metrics_text();
    each_task(s, 0);
    p.items[0] = (sl_metrics_part_t){ own, NULL, 0 };
    for (i = 0; i < sl_supervisor_count(s); i++)
        for (k = 0; k < sl_supervisor_at(s, i)->task_count; k++)
            if (sl_supervisor_at(s, i)->tasks[k].metrics != NULL)
                add_task(&p, &sl_supervisor_at(s, i)->tasks[k]);
    if (own != NULL)
        text = sl_metrics_merge(p.items, p.count);
out:
    if (text == NULL)
        sl_respond_error(r, 500, "out of memory");
    else
        sl_respond_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", text);
    free(text);
    free(own);
    free(p.items);
    free(p.labels);
    free(p.numbers);
}
