#include "cli/status.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/http_get.h"

static const char help[] =
    "Usage: sluice status [--watch] [--json] [--url URL]\n"
    "\n"
    "Shows the pipelines of a running sluice: tasks, rates, lag, errors.\n"
    "\n"
    "  --watch      again each second, until interrupted\n"
    "  --json       the raw answer of GET /status\n"
    "  --url URL    where its REST port is ($SLUICE_URL, or http://127.0.0.1:8083)\n"
    "\n"
    "Exit code 1 when no sluice answers, or when something is FAILED.\n";

static double number(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text(const cJSON *object, const char *key) {
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return value == NULL ? "" : value;
}

/* What all tasks of a pipeline add up to. */
typedef struct totals {
    double out;        /* records that left its source */
    double dead;       /* dead letters */
    double in_flight;
    double memory;
    double restarts;
} totals_t;

static totals_t add_up(const cJSON *pipeline) {
    totals_t t = { 0 };
    const cJSON *task;
    const cJSON *node;

    cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(pipeline, "tasks")) {
        t.memory += number(task, "memory_bytes");
        t.restarts += number(task, "restarts");
    }
    cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(pipeline, "ledger")) {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(task, "nodes");
        cJSON_ArrayForEach(node, nodes) {
            t.dead += number(node, "dead_lettered");
            t.in_flight += number(node, "in_flight");
            if (node == nodes->child)
                t.out += number(node, "out");
        }
    }
    return t;
}

static const cJSON *find(const cJSON *list, const char *name) {
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
        if (strcmp(text(item, "name"), name) == 0)
            return item;
    return NULL;
}

/* First line of why a task or the pipeline is not well. */
static void print_trouble(const cJSON *item, const char *what) {
    const char *trace = text(item, "trace");

    if (trace[0] == '\0')
        trace = text(item, "warning");
    if (trace[0] != '\0')
        printf("    %s: %.*s\n", what, (int)strcspn(trace, "\n"), trace);
}

/* A task that runs again is well only if it has not just died: that is in its trace. */
static void print_crash(const cJSON *task) {
    if (text(task, "last_crash")[0] != '\0' && text(task, "trace")[0] == '\0')
        printf("    task %.0f was restarted %.0f times, last %.0f s ago: %s\n", number(task, "id"),
               number(task, "restarts"), (double)time(NULL) - number(task, "last_crash_ms") / 1000,
               text(task, "last_crash"));
}

/* Samples of this pipeline whose name speaks of lag. */
static void print_lag(const char *metrics, const char *name) {
    char label[300];
    const char *line = metrics;

    snprintf(label, sizeof label, "pipeline=\"%s\"", name);
    while (line != NULL && *line != '\0') {
        size_t len = strcspn(line, "\n");
        size_t word = strcspn(line, "{ \n");
        const char *lag = memmem(line, word, "_lag", 4);
        const char *value = memrchr(line, ' ', len);
        if (line[0] != '#' && lag != NULL && value != NULL &&
            memmem(line, len, label, strlen(label)) != NULL)
            printf("    %.*s =%.*s\n", (int)word, line, (int)(line + len - value), value);
        line += len + (line[len] == '\n');
    }
}

/* The same branch of the same task a look before. */
static const cJSON *branch_before(const cJSON *pipeline, double task_id, const char *name) {
    const cJSON *task;

    cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(pipeline, "tasks"))
        if (number(task, "id") == task_id)
            return find(cJSON_GetObjectItemCaseSensitive(task, "branches"), name);
    return NULL;
}

static void print_age(double last_ms) {
    double age = (double)time(NULL) - last_ms / 1000;

    if (last_ms <= 0)
        printf(", nothing delivered yet");
    else if (age >= 2)
        printf(", last delivery %.0f s ago", age);
}

/* One line a branch: rate, what its target has, what waits. */
static void print_branches(const cJSON *task, const cJSON *before, double seconds) {
    const cJSON *branch;

    cJSON_ArrayForEach(branch, cJSON_GetObjectItemCaseSensitive(task, "branches")) {
        const cJSON *old = branch_before(before, number(task, "id"), text(branch, "name"));
        double gained = old == NULL ? 0 : number(branch, "records") - number(old, "records");

        printf("    task %.0f -> %-18s %-12s %9.0f/s %12.0f records, %.0f KB waiting",
               number(task, "id"), text(branch, "name"), text(branch, "state"),
               seconds > 0 && gained > 0 ? gained / seconds : 0, number(branch, "records"),
               (number(branch, "queued_bytes") + number(branch, "spilled_bytes")) / 1024);
        if (number(branch, "retries") > 0)
            printf(", %.0f retries", number(branch, "retries"));
        print_age(number(branch, "last_delivery_ms"));
        if (text(branch, "stuck")[0] != '\0')
            printf(", STUCK: no answer to \"%s\" for %.0f s", text(branch, "stuck"),
                   number(branch, "waiting_ms") / 1000);
        printf("\n");
    }
}

static int print_pipeline(const cJSON *pipeline, const cJSON *before, double seconds,
                          const char *metrics) {
    totals_t now = add_up(pipeline);
    totals_t old = before == NULL ? now : add_up(before);
    const cJSON *tasks = cJSON_GetObjectItemCaseSensitive(pipeline, "tasks");
    const char *state = text(pipeline, "state");
    double rate = seconds > 0 && now.out >= old.out ? (now.out - old.out) / seconds : 0;
    const cJSON *task;
    char what[32];

    printf("%-28s %-10s %5d %11.0f %12.0f %9.0f %9.0f %8.0f %8.1f\n", text(pipeline, "name"), state,
           cJSON_GetArraySize(tasks), rate, now.out, now.in_flight, now.dead, now.restarts,
           now.memory / 1048576);
    print_trouble(pipeline, "it");
    cJSON_ArrayForEach(task, tasks) {
        snprintf(what, sizeof what, "task %.0f %s", number(task, "id"), text(task, "state"));
        print_trouble(task, what);
        print_crash(task);
        print_branches(task, before, seconds);
    }
    print_lag(metrics, text(pipeline, "name"));
    return strcmp(state, "FAILED") == 0;
}

/* 1 when something is FAILED. */
static int print_all(const cJSON *now, const cJSON *before, double seconds, const char *metrics) {
    const cJSON *pipelines = cJSON_GetObjectItemCaseSensitive(now, "pipelines");
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(before, "pipelines");
    const cJSON *item;
    int failed = 0;

    printf("%-28s %-10s %5s %11s %12s %9s %9s %8s %8s\n", "PIPELINE", "STATE", "TASKS",
           "RECORDS/S", "RECORDS", "IN FLIGHT", "DEAD", "RESTARTS", "MB");
    cJSON_ArrayForEach(item, pipelines) failed |=
        print_pipeline(item, find(old, text(item, "name")), seconds, metrics);
    if (text(now, "store")[0] != '\0')
        printf("store: %s\n", text(now, "store"));
    return failed;
}

static double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static cJSON *fetch(const char *url, double *at) {
    char error[400];
    char *body = NULL;
    cJSON *json;

    if (sl_http_get(url, "/status", &body, error, sizeof error) != 0) {
        fprintf(stderr, "sluice status: %s\n", error);
        return NULL;
    }
    *at = clock_seconds();
    json = cJSON_Parse(body);
    free(body);
    if (json == NULL)
        fprintf(stderr, "sluice status: %s answers no JSON; is it a sluice?\n", url);
    return json;
}

static int show_json(const char *url) {
    char error[400];
    char *body = NULL;

    if (sl_http_get(url, "/status", &body, error, sizeof error) != 0) {
        fprintf(stderr, "sluice status: %s\n", error);
        return 1;
    }
    puts(body);
    free(body);
    return 0;
}

/* Rates need two looks; the first comes half a second before. */
static int show(const char *url, int watch) {
    double before_at = 0;
    double at = 0;
    cJSON *before = fetch(url, &before_at);
    cJSON *now;
    char *metrics;
    char error[400];
    int failed = 1;

    while (before != NULL) {
        usleep(watch ? 1000000 : 500000);
        now = fetch(url, &at);
        if (now == NULL)
            break;
        metrics = NULL;
        if (sl_http_get(url, "/metrics", &metrics, error, sizeof error) != 0)
            metrics = NULL;
        if (watch && isatty(1))
            fputs("\033[H\033[J", stdout);
        failed = print_all(now, before, at - before_at, metrics);
        fflush(stdout);
        free(metrics);
        cJSON_Delete(before);
        before = now;
        before_at = at;
        if (!watch)
            break;
    }
    cJSON_Delete(before);
    return failed;
}

static int wrong(void) {
    fputs("Try `sluice status --help`.\n", stderr);
    return 2;
}

int sl_cli_status(int argc, char **argv) {
    static const struct option options[] = {
        { "watch", no_argument, NULL, 'w' }, { "json", no_argument, NULL, 'j' },
        { "url", required_argument, NULL, 'u' }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const char *url = getenv("SLUICE_URL");
    int watch = 0;
    int json = 0;
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (option == '?')
            return wrong();
        watch |= option == 'w';
        json |= option == 'j';
        if (option == 'u')
            url = optarg;
    }
    if (optind < argc) {
        fprintf(stderr, "sluice status: it takes no \"%s\": it shows all pipelines\n", argv[optind]);
        return wrong();
    }
    if (url == NULL)
        url = "http://127.0.0.1:8083";
    return json ? show_json(url) : show(url, watch);
}
