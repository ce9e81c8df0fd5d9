/*
 * observe/metrics.h: the metric registry of this process, and Prometheus text.
 *
 * What this is: counters, gauges and histograms with labels. A family (one name, one kind, one
 * help) holds one series
 * for each set of labels. Updates are lock-free atomics; looking up a series takes a lock: do it
 * once and keep it.
 * Ownership: series live as long as the process; names, help and labels are copied. Threads: any.
 */
#ifndef SL_OBSERVE_METRICS_H
#define SL_OBSERVE_METRICS_H

#include "sluice/host.h"
#include <stddef.h>
#include <stdio.h>

typedef sluice_label_t sl_label_t;

#define SL_LABELS(...) \
    (sl_label_t[]){__VA_ARGS__}, sizeof((sl_label_t[]){__VA_ARGS__}) / sizeof(sl_label_t)

/* The series of a family with these labels, made when new. Characters that Prometheus does not
 * allow in names become '_'. NULL without memory, or when the family exists with another kind. */
sluice_metric_t *sl_metric(sluice_metric_kind_t kind, const char *name, const char *help,
                           const sl_label_t *labels, size_t label_count);
/* The same for a plugin: the family is sluice_<plugin>_<name>. */
sluice_metric_t *sl_metric_plugin(sluice_metric_kind_t kind, const char *plugin, const char *name,
                                  const char *help, const sl_label_t *labels, size_t label_count);
/* The series is no longer written (its instance is gone). It stays valid and appears again with
 * the next update. */
void sl_metric_hide(sluice_metric_t *metric);

/* All accept NULL. add: counter or gauge; set: gauge (a counter takes it when it grows: totals
 * kept elsewhere). */
void sl_metric_add(sluice_metric_t *metric, double delta);
void sl_metric_set(sluice_metric_t *metric, double value);
void sl_metric_observe(sluice_metric_t *metric, double value);
double sl_metric_value(const sluice_metric_t *metric); /* of a histogram: its sum */

/* fn(arg) runs before each text is made, to set gauges. Any number; never removed. */
int sl_metrics_on_collect(void (*fn)(void *arg), void *arg);

/* Registers the process metrics (sluice_process_...: resident and anonymous memory, CPU seconds,
 * open descriptors, threads, start time), read at each collect. `role`: label value,
 * "supervisor" or "task". */
int sl_metrics_add_process(const char *role);

/* The whole registry as Prometheus text. Given: free() it. NULL without memory. */
char *sl_metrics_text(void);

/* For text that is made elsewhere: a="b",c="d", escaped (given: free() it; NULL without memory),
 * and a value with its end of line. */
char *sl_metrics_labels(const sl_label_t *labels, size_t count);
void sl_metrics_put_value(FILE *out, double value);

/* The text of one process and the labels that tell it from the others. */
typedef struct sl_metrics_part {
    const char *text;
    const sl_label_t *labels; /* added to each sample that does not have them */
    size_t label_count;
} sl_metrics_part_t;

/* One text out of many: HELP and TYPE once a family, families in order of name, samples in order
 * of parts. Lines that are no samples are left out; of two equal series the first stays. Given:
 * free() it. NULL without memory. */
char *sl_metrics_merge(const sl_metrics_part_t *parts, size_t count);

#endif
