/*
 * admin/connect_metrics_int.h: shared by connect_metrics.c (worker, connectors) and
 * connect_task_metrics.c only.
 */
#ifndef SL_ADMIN_CONNECT_METRICS_INT_H
#define SL_ADMIN_CONNECT_METRICS_INT_H

#include <stdio.h>

#include "admin/admin.h"

/* One task, with its labels rendered. */
typedef struct sl_shown_task {
    const sl_task_t *task;
    char *labels;
} sl_shown_task_t;

/* "# HELP" and "# TYPE" of <prefix>_<attribute>: kind "counter" or "gauge". */
void sl_connect_family(FILE *out, const char *prefix, const char *attribute, const char *kind,
                       const char *help);
/* One sample of it; labels may be NULL. */
void sl_connect_sample(FILE *out, const char *prefix, const char *attribute, const char *labels,
                       double value);

/* connect_task_metrics.c: all families of tasks. now: of sl_supervisor_now. */
void sl_connect_task_families(FILE *out, const sl_shown_task_t *tasks, size_t count, uint64_t now);

#endif
