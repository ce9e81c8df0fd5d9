#include "admin/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/connect_metrics.h"
#include "admin/named.h"
#include "observe/metrics.h"

typedef struct parts {
    sl_metrics_part_t *items;
    sl_label_t (*labels)[2]; /* pipeline, task */
    char (*numbers)[12];
    char **own;
    size_t count;
    size_t task_count;
} parts_t;

static size_t count_tasks(const sl_supervisor_t *s) {
    size_t n = 0;
    size_t i;

    for (i = 0; i < sl_supervisor_count(s); i++)
        n += sl_supervisor_at(s, i)->task_count;
    return n;
}

/* What the supervisor itself knows of a task, as text of its own: in the registry, where series
 * live as long as the process, each pipeline that ever was would stay. Given. */
static char *own_text(const sl_task_t *t) {
    char *text = NULL;

    if (asprintf(&text,
                 "# HELP sluice_task_up 1 while the task runs, 0 in any other state\n"
                 "# TYPE sluice_task_up gauge\nsluice_task_up %d\n"
                 "# HELP sluice_task_failed 1 while the task is FAILED\n"
                 "# TYPE sluice_task_failed gauge\nsluice_task_failed %d\n"
                 "# HELP sluice_task_restarts_total Restarts of the task's process after a crash\n"
                 "# TYPE sluice_task_restarts_total counter\nsluice_task_restarts_total %u\n"
                 "# HELP sluice_task_memory_bytes Private memory of the task's process\n"
                 "# TYPE sluice_task_memory_bytes gauge\nsluice_task_memory_bytes %" PRIu64 "\n",
                 t->state == SL_TASK_RUNNING, t->state == SL_TASK_FAILED, t->restarts,
                 t->memory) < 0)
        return NULL;
    return text;
}

static void add_part(parts_t *p, const char *text, const sl_label_t *labels, size_t count) {
    p->items[p->count++] = (sl_metrics_part_t){ text, labels, count };
}

static void add_task(parts_t *p, const sl_task_t *t) {
    size_t i = p->task_count++;

    snprintf(p->numbers[i], sizeof p->numbers[i], "%d", t->number);
    p->labels[i][0] = (sl_label_t){ "pipeline", t->managed->name };
    p->labels[i][1] = (sl_label_t){ "task", p->numbers[i] };
    p->own[i] = own_text(t);
    add_part(p, p->own[i], p->labels[i], 2);
    add_part(p, t->metrics, p->labels[i], 2);
}

static void add_tasks(parts_t *p, const sl_supervisor_t *s) {
    size_t i;
    size_t k;

    for (i = 0; i < sl_supervisor_count(s); i++)
        for (k = 0; k < sl_supervisor_at(s, i)->task_count; k++)
            add_task(p, &sl_supervisor_at(s, i)->tasks[k]);
}

static void fini(parts_t *p) {
    size_t i;

    for (i = 0; i < p->task_count; i++)
        free(p->own[i]);
    free(p->own);
    free(p->items);
    free(p->labels);
    free(p->numbers);
}

/* Connect's families first: their names are none of ours, so that they need no merging. */
static void respond(sl_request_t *r, const char *ours) {
    char *connect = sl_connect_metrics_text(sl_request_admin(r));
    char *whole = NULL;

    if (ours == NULL || connect == NULL || asprintf(&whole, "%s%s", connect, ours) < 0)
        sl_respond_error(r, 500, "out of memory");
    else
        sl_respond_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", whole);
    free(whole);
    free(connect);
}

void sl_get_metrics(sl_request_t *r) {
    const sl_supervisor_t *s = sl_supervisor_of(r);
    size_t max = count_tasks(s) + 1;
    parts_t p = { calloc(2 * max, sizeof *p.items), calloc(max, sizeof *p.labels),
                  calloc(max, sizeof *p.numbers), calloc(max, sizeof *p.own), 0, 0 };
    char *registry = sl_metrics_text();
    char *text = NULL;

    if (p.items != NULL && p.labels != NULL && p.numbers != NULL && p.own != NULL &&
        registry != NULL) {
        add_part(&p, registry, NULL, 0);
        add_tasks(&p, s);
        text = sl_metrics_merge(p.items, p.count);
    }
    respond(r, text);
    free(text);
    free(registry);
    fini(&p);
}
