#include "observe/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/metrics_parts.h"
#include "observe/process.h"

/* Seconds and bytes in one set of buckets: a decade has three steps below 100 (seconds), one per
 * factor 8 above. */
static const double bounds[] = {0.0005, 0.001, 0.002, 0.005,  0.01,    0.02,    0.05, 0.1,
                                0.2,    0.5,   1,     2,      5,       10,      30,   60,
                                1024,   8192,  65536, 524288, 4194304, 33554432};
#define BUCKETS (sizeof bounds / sizeof *bounds)

typedef struct family family_t;

/* A series. Doubles are kept as their bits, so that adding is one compare-and-swap. */
struct sluice_metric {
    sluice_metric_t *next;
    family_t *family;
    char *labels; /* rendered: a="b",c="d" */
    _Atomic uint64_t bits;
    _Atomic int hidden;
    _Atomic uint64_t *buckets; /* HISTOGRAM: BUCKETS + 1, not cumulative */
};

struct family {
    family_t *next;
    char *name;
    char *help;
    sluice_metric_kind_t kind;
    sluice_metric_t *series;
    sluice_metric_t **last;
};

typedef struct collector {
    struct collector *next;
    void (*fn)(void *arg);
    void *arg;
} collector_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static family_t *families; /* in order of name */
static collector_t *collectors;

static uint64_t to_bits(double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits) {
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- making ---- */

static char *render_name(const char *name) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    sl_metrics_put_name(out, name, strlen(name), 0);
    return fclose(out) == 0 ? text : NULL;
}

char *sl_metrics_labels(const sl_label_t *labels, size_t count) {
    char *text = NULL;
    size_t len, i;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        return NULL;
    for (i = 0; i < count; i++) {
        if (i > 0)
            fputc(',', out);
        sl_metrics_put_label(out, &labels[i]);
    }
    return fclose(out) == 0 ? text : NULL;
}

static family_t *make_family(sluice_metric_kind_t kind, const char *name, const char *help,
                             family_t **at) {
    family_t *family = calloc(1, sizeof *family);

    if (family == NULL)
        return NULL;
    family->name = strdup(name);
    family->help = strdup(help != NULL ? help : "");
    if (family->name == NULL || family->help == NULL) {
        free(family->name);
        free(family->help);
        free(family);
        return NULL;
    }
    family->kind = kind;
    family->last = &family->series;
    family->next = *at;
    *at = family;
    return family;
}

static family_t *get_family(sluice_metric_kind_t kind, const char *name, const char *help) {
    family_t **at = &families;

    while (*at != NULL && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    if (*at != NULL && strcmp((*at)->name, name) == 0)
        return (*at)->kind == kind ? *at : NULL;
    return make_family(kind, name, help, at);
}

/* Takes labels. */
static sluice_metric_t *make_series(family_t *family, char *labels) {
    sluice_metric_t *metric = calloc(1, sizeof *metric);

    if (metric != NULL && family->kind == SLUICE_HISTOGRAM) {
        metric->buckets = calloc(BUCKETS + 1, sizeof *metric->buckets);
        if (metric->buckets == NULL) {
            free(metric);
            metric = NULL;
        }
    }
    if (metric == NULL) {
        free(labels);
        return NULL;
    }
    metric->family = family;
    metric->labels = labels;
    *family->last = metric;
    family->last = &metric->next;
    return metric;
}

/* Takes labels. */
static sluice_metric_t *get_series(family_t *family, char *labels) {
    sluice_metric_t *metric;

    for (metric = family->series; metric != NULL; metric = metric->next) {
        if (strcmp(metric->labels, labels) == 0) {
            free(labels);
            return metric;
        }
    }
    return make_series(family, labels);
}

sluice_metric_t *sl_metric(sluice_metric_kind_t kind, const char *name, const char *help,
                           const sl_label_t *labels, size_t label_count) {
    char *clean = render_name(name), *text = sl_metrics_labels(labels, label_count);
    sluice_metric_t *metric = NULL;
    family_t *family;

    if (clean != NULL && text != NULL) {
        pthread_mutex_lock(&lock);
        family = get_family(kind, clean, help);
        if (family != NULL) {
            metric = get_series(family, text);
            text = NULL;
        }
        pthread_mutex_unlock(&lock);
    }
    free(clean);
    free(text);
    return metric;
}

sluice_metric_t *sl_metric_plugin(sluice_metric_kind_t kind, const char *plugin, const char *name,
                                  const char *help, const sl_label_t *labels, size_t label_count) {
    char full[256];

    snprintf(full, sizeof full, "sluice_%s_%s", plugin, name);
    return sl_metric(kind, full, help, labels, label_count);
}

/* ---- updating ---- */

static void show(sluice_metric_t *metric) {
    if (atomic_load_explicit(&metric->hidden, memory_order_relaxed))
        atomic_store_explicit(&metric->hidden, 0, memory_order_relaxed);
}

void sl_metric_hide(sluice_metric_t *metric) {
    if (metric != NULL)
        atomic_store_explicit(&metric->hidden, 1, memory_order_relaxed);
}

static void add_bits(_Atomic uint64_t *bits, double delta) {
    uint64_t old = atomic_load_explicit(bits, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(bits, &old, to_bits(from_bits(old) + delta),
                                                  memory_order_relaxed, memory_order_relaxed)) {}
}

void sl_metric_add(sluice_metric_t *metric, double delta) {
    if (metric == NULL || isnan(delta) || (metric->family->kind == SLUICE_COUNTER && delta < 0))
        return;
    add_bits(&metric->bits, delta);
    show(metric);
}

void sl_metric_set(sluice_metric_t *metric, double value) {
    uint64_t old;

    if (metric == NULL)
        return;
    show(metric);
    if (metric->family->kind != SLUICE_COUNTER) {
        atomic_store_explicit(&metric->bits, to_bits(value), memory_order_relaxed);
        return;
    }
    old = atomic_load_explicit(&metric->bits, memory_order_relaxed);
    while (from_bits(old) < value &&
           !atomic_compare_exchange_weak_explicit(&metric->bits, &old, to_bits(value),
                                                  memory_order_relaxed, memory_order_relaxed)) {}
}

void sl_metric_observe(sluice_metric_t *metric, double value) {
    size_t i = 0;

    if (metric == NULL || metric->buckets == NULL || isnan(value))
        return;
    while (i < BUCKETS && value > bounds[i])
        i++;
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    add_bits(&metric->bits, value);
    show(metric);
}

double sl_metric_value(const sluice_metric_t *metric) {
    return metric == NULL ? 0
                          : from_bits(atomic_load_explicit(&metric->bits, memory_order_relaxed));
}

/* ---- collecting and writing ---- */

int sl_metrics_on_collect(void (*fn)(void *arg), void *arg) {
    collector_t *collector = calloc(1, sizeof *collector);

    if (collector == NULL)
        return SLUICE_NO_MEMORY;
    collector->fn = fn;
    collector->arg = arg;
    pthread_mutex_lock(&lock);
    collector->next = collectors;
    collectors = collector;
    pthread_mutex_unlock(&lock);
    return SLUICE_OK;
}

static void run_collectors(void) {
    collector_t *collector;

    /* Outside of the lock: collectors look up series. The list only ever grows at its head. */
    pthread_mutex_lock(&lock);
    collector = collectors;
    pthread_mutex_unlock(&lock);
    for (; collector != NULL; collector = collector->next)
        collector->fn(collector->arg);
}

void sl_metrics_put_value(FILE *out, double value) {
    if (isnan(value))
        fputs("NaN\n", out);
    else if (isinf(value))
        fputs(value > 0 ? "+Inf\n" : "-Inf\n", out);
    else if (value == floor(value) && fabs(value) < 1e15)
        fprintf(out, "%.0f\n", value);
    else
        fprintf(out, "%.17g\n", value);
}

static void put_histogram(FILE *out, const sluice_metric_t *metric) {
    const char *name = metric->family->name, *comma = *metric->labels != '\0' ? "," : "";
    const char *open = *metric->labels != '\0' ? "{" : "",
               *close = *metric->labels != '\0' ? "}" : "";
    uint64_t count = 0;
    size_t i;

    for (i = 0; i <= BUCKETS; i++) {
        count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        fprintf(out, "%s_bucket{%s%sle=\"", name, metric->labels, comma);
        if (i < BUCKETS)
            fprintf(out, "%.10g\"} %" PRIu64 "\n", bounds[i], count);
        else
            fprintf(out, "+Inf\"} %" PRIu64 "\n", count);
    }
    fprintf(out, "%s_sum%s%s%s ", name, open, metric->labels, close);
    sl_metrics_put_value(out, sl_metric_value(metric));
    fprintf(out, "%s_count%s%s%s %" PRIu64 "\n", name, open, metric->labels, close, count);
}

static void put_series(FILE *out, const sluice_metric_t *metric) {
    if (metric->family->kind == SLUICE_HISTOGRAM) {
        put_histogram(out, metric);
        return;
    }
    if (*metric->labels != '\0')
        fprintf(out, "%s{%s} ", metric->family->name, metric->labels);
    else
        fprintf(out, "%s ", metric->family->name);
    sl_metrics_put_value(out, sl_metric_value(metric));
}

static void put_family(FILE *out, const family_t *family) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    const sluice_metric_t *metric;
    int begun = 0;

    for (metric = family->series; metric != NULL; metric = metric->next) {
        if (atomic_load_explicit(&metric->hidden, memory_order_relaxed))
            continue;
        if (!begun++) {
            fprintf(out, "# HELP %s ", family->name);
            sl_metrics_put_help(out, family->help);
            fprintf(out, "\n# TYPE %s %s\n", family->name, kinds[family->kind]);
        }
        put_series(out, metric);
    }
}

char *sl_metrics_text(void) {
    char *text = NULL;
    size_t len;
    FILE *out;
    const family_t *family;

    run_collectors();
    out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    pthread_mutex_lock(&lock);
    for (family = families; family != NULL; family = family->next)
        put_family(out, family);
    pthread_mutex_unlock(&lock);
    return fclose(out) == 0 ? text : NULL;
}

/* ---- the process's own ---- */

typedef struct process_metrics {
    sluice_metric_t *rss, *anon, *cpu, *fds, *threads, *start;
} process_metrics_t;

static void collect_process(void *arg) {
    process_metrics_t *metrics = arg;
    sl_process_usage_t usage;

    if (sl_process_usage(0, &usage) != SLUICE_OK)
        return;
    sl_metric_set(metrics->rss, (double)usage.rss_bytes);
    sl_metric_set(metrics->anon, (double)usage.rss_anon_bytes);
    sl_metric_set(metrics->cpu, usage.cpu_seconds);
    sl_metric_set(metrics->fds, (double)usage.fds);
    sl_metric_set(metrics->threads, (double)usage.threads);
    sl_metric_set(metrics->start, usage.start_seconds);
}

int sl_metrics_add_process(const char *role) {
    static process_metrics_t m;
    sl_label_t label = {"role", role};

    m.rss = sl_metric(SLUICE_GAUGE, "sluice_process_resident_memory_bytes", "Resident memory.",
                      &label, 1);
    m.anon = sl_metric(SLUICE_GAUGE, "sluice_process_anonymous_memory_bytes",
                       "Private (anonymous) resident memory.", &label, 1);
    m.cpu = sl_metric(SLUICE_COUNTER, "sluice_process_cpu_seconds_total",
                      "User and system CPU time.", &label, 1);
    m.fds = sl_metric(SLUICE_GAUGE, "sluice_process_open_fds", "Open file descriptors.", &label, 1);
    m.threads = sl_metric(SLUICE_GAUGE, "sluice_process_threads", "Threads.", &label, 1);
    m.start = sl_metric(SLUICE_GAUGE, "sluice_process_start_time_seconds",
                        "When the process started, seconds since the epoch.", &label, 1);
    return sl_metrics_on_collect(collect_process, &m);
}
