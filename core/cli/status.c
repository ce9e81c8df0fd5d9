#include "cli/status.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/arguments.h"
#include "cli/http_get.h"
#include "sluice/error.h"

static const char help[] =
    "Usage: sluice status [--watch] [--json] [--url URL]\n"
    "\n"
    "Shows the pipelines of a running sluice: tasks, rates, lag, errors.\n"
    "\n"
    "  --watch      again each second, until interrupted\n"
    "  --json       the answer of GET /status; with --watch one line a look\n"
    "  --url URL    where its REST port is ($SLUICE_URL, or http://127.0.0.1:8083)\n"
    "\n"
    "Exit code 1 when no sluice answers, or when something is FAILED.\n";

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
        t.memory += sl_number(task, "memory_bytes");
        t.restarts += sl_number(task, "restarts");
    }
    cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(pipeline, "ledger")) {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(task, "nodes");
        cJSON_ArrayForEach(node, nodes) {
            t.dead += sl_number(node, "dead_lettered");
            t.in_flight += sl_number(node, "in_flight");
            if (node == nodes->child)
                t.out += sl_number(node, "out");
        }
    }
    return t;
}

/* First line of why a task or the pipeline is not well. */
static void print_trouble(const cJSON *item, const char *what) {
    const char *trace = sl_text_or(item, "trace", "");

    if (trace[0] == '\0')
        trace = sl_text_or(item, "warning", "");
    if (trace[0] != '\0')
        printf("    %s: %.*s\n", what, (int)strcspn(trace, "\n"), trace);
}

/* A task that runs again is well only if it has not just died: that is in its trace. */
static void print_crash(const cJSON *task) {
    if (sl_text_or(task, "last_crash", "")[0] != '\0' && sl_text_or(task, "trace", "")[0] == '\0')
        printf("    task %.0f was restarted %.0f times, last %.0f s ago: %s\n",
               sl_number(task, "id"), sl_number(task, "restarts"),
               (double)time(NULL) - sl_number(task, "last_crash_ms") / 1000,
               sl_text_or(task, "last_crash", ""));
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

static void print_age(double last_ms) {
    double age = (double)time(NULL) - last_ms / 1000;

    if (last_ms <= 0)
        printf(", nothing delivered yet");
    else if (age >= 2)
        printf(", last delivery %.0f s ago", age);
}

/* One line a branch: rate, what its target has, what waits. */
static void print_branches(const cJSON *task) {
    const cJSON *branch;

    cJSON_ArrayForEach(branch, cJSON_GetObjectItemCaseSensitive(task, "branches")) {
        double waiting = sl_number(branch, "queued_bytes") + sl_number(branch, "spilled_bytes");

        printf("    task %.0f -> %-18s %-12s %9.0f/s %12.0f records, %.0f KB waiting",
               sl_number(task, "id"), sl_text_or(branch, "name", ""),
               sl_text_or(branch, "state", ""), sl_number(branch, "records_per_second"),
               sl_number(branch, "records"), waiting / 1024);
        if (cJSON_HasObjectItem(branch, "lag_ms"))
            printf(", lag %.0f ms", sl_number(branch, "lag_ms"));
        if (sl_number(branch, "retries") > 0)
            printf(", %.0f retries", sl_number(branch, "retries"));
        print_age(sl_number(branch, "last_delivery_ms"));
        printf("\n");
    }
}

static void print_pipeline(const cJSON *pipeline, const char *metrics) {
    totals_t now = add_up(pipeline);
    const cJSON *tasks = cJSON_GetObjectItemCaseSensitive(pipeline, "tasks");
    const cJSON *task;
    char what[32];

    printf("%-28s %-10s %5d %11.0f %12.0f %9.0f %9.0f %8.0f %8.1f\n",
           sl_text_or(pipeline, "name", ""), sl_text_or(pipeline, "state", ""),
           cJSON_GetArraySize(tasks), sl_number(pipeline, "records_per_second"), now.out,
           now.in_flight, now.dead, now.restarts, now.memory / 1048576);
    print_trouble(pipeline, "it");
    cJSON_ArrayForEach(task, tasks) {
        snprintf(what, sizeof what, "task %.0f %s", sl_number(task, "id"),
                 sl_text_or(task, "state", ""));
        print_trouble(task, what);
        print_crash(task);
        print_branches(task);
    }
    print_lag(metrics, sl_text_or(pipeline, "name", ""));
}

static void print_all(const cJSON *now, const char *url) {
    const cJSON *item;
    char *metrics = NULL;
    char error[400];

    if (sl_http_get(url, "/metrics", &metrics, error, sizeof error) != 0)
        metrics = NULL;
    printf("%-28s %-10s %5s %11s %12s %9s %9s %8s %8s\n", "PIPELINE", "STATE", "TASKS",
           "RECORDS/S", "RECORDS", "IN FLIGHT", "DEAD", "RESTARTS", "MB");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(now, "pipelines"))
        print_pipeline(item, metrics);
    if (sl_text_or(now, "store", "")[0] != '\0')
        printf("store: %s\n", sl_text_or(now, "store", ""));
    free(metrics);
}

static void print_json(const cJSON *now, int watch) {
    char *whole = watch ? cJSON_PrintUnformatted(now) : cJSON_Print(now);

    if (whole != NULL)
        puts(whole);
    cJSON_free(whole);
}

static int has_failed(const cJSON *now) {
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(now, "pipelines"))
        if (strcmp(sl_text_or(item, "state", ""), "FAILED") == 0)
            return 1;
    return 0;
}

static cJSON *fetch(const char *url) {
    char error[400];
    char *body = NULL;
    cJSON *json;

    if (sl_http_get(url, "/status", &body, error, sizeof error) != 0) {
        fprintf(stderr, "sluice status: %s\n", error);
        return NULL;
    }
    json = cJSON_Parse(body);
    free(body);
    if (json == NULL)
        fprintf(stderr, "sluice status: %s answers no JSON; is it a sluice?\n", url);
    return json;
}

static int show(const char *url, int watch, int json) {
    cJSON *now;
    int failed;

    while ((now = fetch(url)) != NULL) {
        failed = has_failed(now);
        if (watch && !json && isatty(1))
            fputs("\033[H\033[J", stdout);
        if (json)
            print_json(now, watch);
        else
            print_all(now, url);
        fflush(stdout);
        cJSON_Delete(now);
        if (!watch)
            return failed;
        sleep(1);
    }
    return 1;
}

typedef struct arguments {
    const char *url;
    int watch;
    int json;
} arguments_t;

static int take(void *user, int option) {
    arguments_t *a = user;

    a->watch |= option == 'w';
    a->json |= option == 'j';
    if (option == 'u')
        a->url = optarg;
    return SLUICE_OK;
}

int sl_cli_status(int argc, char **argv) {
    static const struct option known[] = {
        { "watch", no_argument, NULL, 'w' }, { "json", no_argument, NULL, 'j' },
        { "url", required_argument, NULL, 'u' }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    static const sl_cli_options_t options = { known, help, take };
    arguments_t a = { getenv("SLUICE_URL"), 0, 0 };
    int code = sl_cli_read_options(&options, argc, argv, &a);

    if (code >= 0)
        return code;
    if (optind < argc) {
        fprintf(stderr, "sluice status: it takes no \"%s\": it shows all pipelines\n",
                argv[optind]);
        return sl_cli_wrong(argv[0]);
    }
    if (a.url == NULL)
        a.url = "http://127.0.0.1:8083";
    return show(a.url, a.watch, a.json);
}
