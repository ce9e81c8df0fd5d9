#include "admin/connect_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "admin/connect_metrics_int.h"
#include "admin/shown.h"
#include "base/member.h"
#include "config/worker.h"
#include "observe/metrics.h"
#include "observe/process.h"

#define CONNECTOR_METRICS "kafka_connect_connector_metrics"
#define REBALANCE         "kafka_connect_connect_worker_rebalance_metrics"

/* The exporter's own name, and the one of a rule that many have copied. */
static const char *const worker_prefixes[] = { "kafka_connect_connect_worker_metrics",
                                               "kafka_connect_worker_metrics" };
#define WORKER_PREFIXES (sizeof worker_prefixes / sizeof worker_prefixes[0])

/* One scrape. */
typedef struct scrape {
    const sl_admin_t *admin;
    const sl_supervisor_t *supervisor;
    FILE *out;
    sl_managed_t **connectors;
    char **labels; /* of these */
    size_t connector_count;
    sl_shown_task_t *tasks;
    size_t task_count;
} scrape_t;

void sl_connect_family(FILE *out, const char *prefix, const char *attribute, const char *kind,
                       const char *help) {
    const char *join = attribute[0] == '\0' ? "" : "_";

    fprintf(out, "# HELP %s%s%s %s\n# TYPE %s%s%s %s\n", prefix, join, attribute, help, prefix,
            join, attribute, kind);
}

void sl_connect_sample(FILE *out, const char *prefix, const char *attribute, const char *labels,
                       double value) {
    fputs(prefix, out);
    if (attribute[0] != '\0') {
        fputc('_', out);
        fputs(attribute, out);
    }
    if (labels != NULL) {
        fputc('{', out);
        fputs(labels, out);
        fputc('}', out);
    }
    fputc(' ', out);
    sl_metrics_put_value(out, value);
}

/* A sample of value 1 with these labels. */
static void put_info(FILE *out, const char *name, const sl_label_t *labels, size_t count) {
    char *text = sl_metrics_labels(labels, count);

    if (text != NULL)
        sl_connect_sample(out, name, "", text, 1);
    free(text);
}

/* ---- what there is ---- */

static int gather(scrape_t *s) {
    size_t max = sl_supervisor_count(s->supervisor);
    size_t tasks = 0;
    size_t i;
    size_t k;

    for (i = 0; i < max; i++)
        tasks += sl_supervisor_at(s->supervisor, i)->task_count;
    s->connectors = calloc(max + 1, sizeof *s->connectors);
    s->labels = calloc(max + 1, sizeof *s->labels);
    s->tasks = calloc(tasks + 1, sizeof *s->tasks);
    if (s->connectors == NULL || s->labels == NULL || s->tasks == NULL)
        return 0;
    for (i = 0; i < max; i++) {
        sl_managed_t *m = sl_supervisor_at(s->supervisor, i);
        if (strcmp(m->kind, "connector") != 0)
            continue;
        s->labels[s->connector_count] =
            sl_metrics_labels(SL_LABELS({ "connector", m->name }));
        s->connectors[s->connector_count++] = m;
        for (k = 0; k < sl_shown_task_count(m); k++) {
            char number[16];
            snprintf(number, sizeof number, "%d", m->tasks[k].number);
            s->tasks[s->task_count].labels =
                sl_metrics_labels(SL_LABELS({ "connector", m->name }, { "task", number }));
            s->tasks[s->task_count++].task = &m->tasks[k];
        }
    }
    return 1;
}

static void fini(scrape_t *s) {
    size_t i;

    for (i = 0; i < s->connector_count; i++)
        free(s->labels[i]);
    for (i = 0; i < s->task_count; i++)
        free(s->tasks[i].labels);
    free(s->connectors);
    free(s->labels);
    free(s->tasks);
}

/* ---- the worker ---- */

static void put_app(const scrape_t *s) {
    const char *id = sl_admin_worker_id(s->admin);
    char *label = sl_metrics_labels(SL_LABELS({ "client_id", id }));
    sl_process_usage_t usage = { 0 };

    sl_process_usage(0, &usage);
    sl_connect_family(s->out, "kafka_connect_app_info", "", "gauge", "Version of the worker");
    put_info(s->out, "kafka_connect_app_info",
             SL_LABELS({ "client_id", id }, { "version", SL_CONNECT_VERSION },
                       { "commit_id", "sluice-" SLUICE_VERSION }));
    sl_connect_family(s->out, "kafka_connect_app_info", "start_time_ms", "gauge",
                      "When the worker was started, in ms since 1970");
    sl_connect_sample(s->out, "kafka_connect_app_info", "start_time_ms", label,
                      (double)(int64_t)(usage.start_seconds * 1000));
    free(label);
}

static double share(double part, double rest) {
    return part + rest == 0 ? 0 : part / (part + rest);
}

static void put_worker(const scrape_t *s, const char *prefix) {
    const sl_starts_t *n = sl_supervisor_starts(s->supervisor);
    const struct {
        const char *name, *kind, *help;
        double value;
    } all[] = {
        {"connector_count", "gauge", "Connectors of this worker", (double)s->connector_count},
        {"task_count", "gauge", "Tasks of this worker", (double)s->task_count},
        {"connector_startup_attempts_total", "counter", "Starts of connectors",
         n->connectors + n->connectors_failed},
        {"connector_startup_success_total", "counter", "Starts of connectors that succeeded",
         n->connectors},
        {"connector_startup_success_percentage", "gauge",
         "Starts of connectors that succeeded, 0 to 1", share(n->connectors, n->connectors_failed)},
        {"connector_startup_failure_total", "counter", "Starts of connectors that failed",
         n->connectors_failed},
        {"connector_startup_failure_percentage", "gauge",
         "Starts of connectors that failed, 0 to 1", share(n->connectors_failed, n->connectors)},
        {"task_startup_attempts_total", "counter", "Starts of tasks", n->tasks + n->tasks_failed},
        {"task_startup_success_total", "counter", "Starts of tasks that succeeded", n->tasks},
        {"task_startup_success_percentage", "gauge", "Starts of tasks that succeeded, 0 to 1",
         share(n->tasks, n->tasks_failed)},
        {"task_startup_failure_total", "counter", "Starts of tasks that failed", n->tasks_failed},
        {"task_startup_failure_percentage", "gauge", "Starts of tasks that failed, 0 to 1",
         share(n->tasks_failed, n->tasks)},
    };
    size_t i;

    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        sl_connect_family(s->out, prefix, all[i].name, all[i].kind, all[i].help);
        sl_connect_sample(s->out, prefix, all[i].name, NULL, all[i].value);
    }
}

/* One worker is its own leader, and nothing is ever handed on. */
static void put_rebalance(const scrape_t *s) {
    if (sl_worker_mode(sl_admin_options(s->admin)->worker) != SL_WORKER_DISTRIBUTED)
        return;
    sl_connect_family(s->out, REBALANCE, "rebalancing", "gauge",
                      "Whether the worker is rebalancing");
    sl_connect_sample(s->out, REBALANCE, "rebalancing", NULL, 0);
    sl_connect_family(s->out, REBALANCE, "completed_rebalances_total", "counter",
                      "Rebalances that the worker took part in");
    sl_connect_sample(s->out, REBALANCE, "completed_rebalances_total", NULL, 0);
}

/* ---- connectors ---- */

/* Connect's word of a state in lower case; NULL counts all. */
static double count_tasks(const sl_managed_t *m, const char *word) {
    size_t found = 0;
    size_t i;

    for (i = 0; i < sl_shown_task_count(m); i++)
        found += word == NULL || strcmp(sl_shown_task_word(&m->tasks[i]), word) == 0;
    return (double)found;
}

static void put_task_counts(const scrape_t *s, const char *prefix) {
    static const struct {
        const char *name, *word;
    } states[] = { { "connector_total_task_count", NULL },
                   { "connector_running_task_count", "RUNNING" },
                   { "connector_paused_task_count", "PAUSED" },
                   { "connector_failed_task_count", "FAILED" },
                   { "connector_unassigned_task_count", "UNASSIGNED" },
                   { "connector_destroyed_task_count", "DESTROYED" },
                   { "connector_restarting_task_count", "RESTARTING" } };
    size_t i;
    size_t k;

    for (i = 0; i < sizeof states / sizeof states[0] && s->connector_count > 0; i++) {
        sl_connect_family(s->out, prefix, states[i].name, "gauge", "Tasks of a connector by state");
        for (k = 0; k < s->connector_count; k++)
            sl_connect_sample(s->out, prefix, states[i].name, s->labels[k],
                              count_tasks(s->connectors[k], states[i].word));
    }
}

static const char *lower(const char *word, char out[16]) {
    size_t i;

    for (i = 0; i < 15 && word[i] != '\0'; i++)
        out[i] = (char)(word[i] | 0x20);
    out[i] = '\0';
    return out;
}

static const char *state_of(const sl_managed_t *m, char out[16]) {
    return lower(sl_shown_connector_word(m), out);
}

static void put_connector(const scrape_t *s, const sl_managed_t *m) {
    sl_catalog_t *catalog = sl_admin_options(s->admin)->catalog;
    const char *name = sl_text(m->config, "connector.class");
    sluice_plugin_kind_t kind = strcmp(m->type, "sink") == 0 ? SLUICE_SINK : SLUICE_SOURCE;
    const sl_catalog_plugin_t *p =
        catalog == NULL || name == NULL ? NULL : sl_catalog_find(catalog, kind, name);
    const char *class = p == NULL ? NULL : sl_catalog_class(p, name);
    char state[16];

    put_info(s->out, CONNECTOR_METRICS,
             SL_LABELS({ "connector", m->name }, { "status", state_of(m, state) },
                       { "connector_type", m->type },
                       { "connector_class", class != NULL ? class : name },
                       { "connector_version", p == NULL ? "" : p->version }));
}

/* Besides the exporter's default, which drops texts: the names that common rules give to states. */
static void put_states(const scrape_t *s) {
    char state[16];
    size_t i;

    for (i = 0; i < s->connector_count; i++) {
        if (i == 0)
            sl_connect_family(s->out, "kafka_connect_connector_status", "", "gauge",
                              "State of a connector");
        put_info(s->out, "kafka_connect_connector_status",
                 SL_LABELS({ "connector", s->connectors[i]->name },
                           { "status", state_of(s->connectors[i], state) }));
    }
    for (i = 0; i < s->task_count; i++) {
        const sl_task_t *t = s->tasks[i].task;
        char number[16];
        if (i == 0)
            sl_connect_family(s->out, "kafka_connect_connector_task_status", "", "gauge",
                              "State of a task");
        snprintf(number, sizeof number, "%d", t->number);
        put_info(s->out, "kafka_connect_connector_task_status",
                 SL_LABELS({ "connector", t->managed->name }, { "task", number },
                           { "status", lower(sl_shown_task_word(t), state) }));
    }
}

static void put_connectors(const scrape_t *s) {
    size_t i;

    if (s->connector_count > 0)
        sl_connect_family(s->out, CONNECTOR_METRICS, "", "gauge",
                          "A connector, its class and its state");
    for (i = 0; i < s->connector_count; i++)
        put_connector(s, s->connectors[i]);
    put_states(s);
}

static void put_all(const scrape_t *s) {
    size_t i;

    put_app(s);
    for (i = 0; i < WORKER_PREFIXES; i++) {
        put_worker(s, worker_prefixes[i]);
        put_task_counts(s, worker_prefixes[i]);
    }
    put_rebalance(s);
    put_connectors(s);
    sl_connect_task_families(s->out, s->tasks, s->task_count, sl_supervisor_now(s->supervisor));
}

char *sl_connect_metrics_text(const sl_admin_t *admin) {
    const sl_admin_options_t *o = sl_admin_options(admin);
    scrape_t s = { admin, o->supervisor, NULL, NULL, NULL, 0, NULL, 0 };
    char *text = NULL;
    size_t len;
    int ok = gather(&s);

    s.out = ok ? open_memstream(&text, &len) : NULL;
    if (s.out != NULL && (s.connector_count > 0 || sl_worker_mode(o->worker) != SL_WORKER_NONE))
        put_all(&s);
    if (s.out != NULL && fclose(s.out) != 0) {
        free(text);
        text = NULL;
    }
    fini(&s);
    return text;
}
