/*
 * observe/metrics_parts.h: text pieces that the registry and the merge share. Private to
 * core/observe.
 */
#ifndef SL_OBSERVE_METRICS_PARTS_H
#define SL_OBSERVE_METRICS_PARTS_H

#include "observe/metrics.h"
#include <stdio.h>

/* A name with every character that Prometheus refuses changed to '_'. Labels have no ':'. */
void sl_metrics_put_name(FILE *out, const char *name, size_t len, int label);
/* name="value" with the value escaped. */
void sl_metrics_put_label(FILE *out, const sl_label_t *label);
/* HELP text: backslash and newline escaped. */
void sl_metrics_put_help(FILE *out, const char *help);

#endif
