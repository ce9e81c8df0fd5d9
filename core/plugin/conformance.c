#include "plugin/conformance.h"

#include "base/member.h"
#include "base/remove.h"
#include "config/catalog.h"
#include "observe/log.h"
#include "plugin/conformance_host.h"
#include "plugin/describe.h"
#include "plugin/elf_check.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_MS    60000 /* for one check */
#define DESCRIBE_MS 10000
#define OUTPUT_MAX  (4u * 1024u * 1024u)

/* ---- one function in a child process, and the text that it answers ---- */

typedef struct run {
    const sl_conformance_params_t *params;
    const cf_check_t *check;
    size_t plugin;   /* its place in the module */
    int cannot_open; /* lifecycle found that its open fails here */
} run_t;

typedef char *(*child_fn)(const run_t *run); /* gives text; NULL: out of memory */

static void child_main(child_fn fn, const run_t *run, const char *folder, int out) {
    char *text;
    size_t len, done = 0;
    ssize_t n = 1;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    if (chdir(folder) != 0)
        _exit(1);
    text = fn(run);
    len = text != NULL ? strlen(text) : 0;
    while (done < len && n > 0)
        if ((n = write(out, text + done, len - done)) > 0)
            done += (size_t)n;
    _exit(text != NULL ? 0 : 1);
}

/* Everything until the end of the pipe; 0 when the deadline came first. */
static int read_answer(int fd, unsigned ms, char *text, size_t size, size_t *len) {
    uint64_t end = uv_hrtime() / 1000000 + ms, now;
    struct pollfd wait = {fd, POLLIN, 0};
    ssize_t n = 1;

    *len = 0;
    while ((now = uv_hrtime() / 1000000) < end && n > 0 && *len < size - 1) {
        if (poll(&wait, 1, (int)(end - now)) <= 0)
            continue;
        n = read(fd, text + *len, size - 1 - *len);
        if (n > 0)
            *len += (size_t)n;
    }
    text[*len] = '\0';
    return n <= 0;
}

static char *describe_death(int in_time, unsigned ms, int status) {
    char *text = NULL;
    int n;

    if (!in_time)
        n = asprintf(&text, "no end within %u s", ms / 1000);
    else if (WIFSIGNALED(status))
        n = asprintf(&text, "crashed: %s", strsignal(WTERMSIG(status)));
    else
        n = asprintf(&text, "ended its process with exit code %d", WEXITSTATUS(status));
    return n < 0 ? NULL : text;
}

/* Runs fn in a child with a scratch folder of its own. *died says whether the text is about how the
 * child ended instead of what it answered. Gives. */
static char *in_child(child_fn fn, const run_t *run, unsigned ms, int *died) {
    char folder[] = "/tmp/sluice-check-XXXXXX";
    char *text = NULL;
    int fds[2], status = 0, in_time;
    size_t len;
    pid_t pid;

    *died = 1;
    if (mkdtemp(folder) == NULL || pipe(fds) != 0)
        return NULL;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child_main(fn, run, folder, fds[1]);
    }
    close(fds[1]);
    text = malloc(OUTPUT_MAX);
    in_time = pid > 0 && text != NULL && read_answer(fds[0], ms, text, OUTPUT_MAX, &len);
    close(fds[0]);
    if (pid > 0) {
        if (!in_time)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        kill(-pid, SIGKILL); /* what the plugin started itself */
    }
    sl_remove_tree(folder);
    *died = !in_time || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (*died) {
        free(text);
        text = describe_death(in_time, ms, status);
    }
    return text;
}

/* ---- what runs in the child ---- */

static char *child_describe(const run_t *run) {
    char error[SL_MODULE_ERROR_SIZE];
    sl_module_t *module;
    cJSON *json = NULL;
    char *text;

    if (sl_module_open(run->params->path, &module, error, sizeof(error)) != SLUICE_OK) {
        json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "error", error);
    } else {
        json = sl_describe_module(module);
    }
    text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;
    return text;
}

static char *child_check(const run_t *run) {
    static cf_harness_t h;
    char error[SL_MODULE_ERROR_SIZE], folder[4096];
    char *text = NULL;

    sl_log_set_level("root", SLUICE_LOG_ERROR);
    h.folder = getcwd(folder, sizeof(folder));
    h.config_given = run->params->config;
    h.api = sl_api();
    if (uv_loop_init(&h.loop) != 0)
        return NULL;
    if (sl_module_open(run->params->path, &h.module, error, sizeof(error)) != SLUICE_OK) {
        cf_fail(&h, "%s", error);
    } else {
        h.plugin = sl_module_at(h.module, run->plugin);
        run->check->run(&h);
    }
    return asprintf(&text, "%d%s", (int)h.outcome, h.reason) < 0 ? NULL : text;
}

/* ---- reporting ---- */

static int report(const sl_conformance_params_t *params, const char *kind, const char *plugin,
                  const char *check, sl_conformance_outcome_t outcome, const char *reason) {
    sl_conformance_result_t result = {kind, plugin, check, outcome, reason != NULL ? reason : ""};

    params->report(params->user, &result);
    return outcome == SL_CONFORMANCE_FAIL;
}

static int run_check(run_t *run, const char *kind, const char *plugin) {
    int died, failed;
    char *text;

    if (run->cannot_open && run->check->needs_open)
        return report(run->params, kind, plugin, run->check->name, SL_CONFORMANCE_SKIP,
                      "its open fails here, see lifecycle: give --config and a server");
    text = in_child(child_check, run, CHECK_MS, &died);

    if (died || text == NULL || text[0] < '0' || text[0] > '2')
        failed = report(run->params, kind, plugin, run->check->name, SL_CONFORMANCE_FAIL,
                        text != NULL ? text : "out of memory");
    else
        failed = report(run->params, kind, plugin, run->check->name,
                        (sl_conformance_outcome_t)(text[0] - '0'), text + 1);
    if (!died && text != NULL && strncmp(text + 1, CF_OPEN_FAILED, strlen(CF_OPEN_FAILED)) == 0)
        run->cannot_open = 1;
    free(text);
    return failed;
}

static int run_plugin(run_t *run, const char *kind, const char *name) {
    const cf_check_t *const tables[] = {cf_life_checks, cf_source_checks, cf_sink_checks,
                                        cf_pure_checks, cf_fault_checks};
    unsigned bit = 1u << sl_plugin_kind_parse(kind);
    int failed = 0;
    size_t t;

    run->cannot_open = 0;
    for (t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (run->check = tables[t]; run->check->name != NULL; run->check++)
            if ((run->check->kinds & bit) != 0 &&
                (run->params->only == NULL || strcmp(run->params->only, run->check->name) == 0))
                failed += run_check(run, kind, name);
    return failed;
}

static int check_exports(const run_t *run, const char *file) {
    char names[300], text[500];
    int others = cf_other_exports(run->params->path, names, sizeof(names));

    if (others == 0)
        return report(run->params, "module", file, "exported-symbols", SL_CONFORMANCE_OK, "");
    snprintf(text, sizeof(text),
             "expected sluice_module alone, found %d other: %s. Compile with -fvisibility=hidden",
             others, names);
    return report(run->params, "module", file, "exported-symbols", SL_CONFORMANCE_FAIL, text);
}

/* The checks of the module as a whole. Its description, or NULL when nothing more can be run. */
static cJSON *run_module(const run_t *run, const char *file, int *failed) {
    char text[1024];
    const char *error;
    cJSON *json;
    char *answer;
    int died;

    if (sl_elf_check(run->params->path, text, sizeof(text)) != SLUICE_OK) {
        *failed += report(run->params, "module", file, "file", SL_CONFORMANCE_FAIL, text);
        return NULL;
    }
    report(run->params, "module", file, "file", SL_CONFORMANCE_OK, "");
    *failed += check_exports(run, file);
    answer = in_child(child_describe, run, DESCRIBE_MS, &died);
    json = answer != NULL && !died ? cJSON_Parse(answer) : NULL;
    error = sl_text(json, "error");
    if (json == NULL || error != NULL) {
        *failed += report(run->params, "module", file, "descriptor", SL_CONFORMANCE_FAIL,
                          error != NULL ? error : answer);
        cJSON_Delete(json);
        json = NULL;
    } else {
        report(run->params, "module", file, "descriptor", SL_CONFORMANCE_OK, "");
    }
    free(answer);
    return json;
}

int sl_conformance_run(const sl_conformance_params_t *params) {
    run_t run = {.params = params};
    const char *slash = strrchr(params->path, '/');
    const cJSON *plugin;
    cJSON *json;
    int failed = 0, found = 0;

    json = run_module(&run, slash != NULL ? slash + 1 : params->path, &failed);
    if (json == NULL)
        return failed;
    cJSON_ArrayForEach (plugin, cJSON_GetObjectItemCaseSensitive(json, "plugins")) {
        const char *kind = sl_text(plugin, "kind");
        const char *name = sl_text(plugin, "name");
        if (kind != NULL && name != NULL &&
            (params->plugin == NULL || strcmp(params->plugin, name) == 0)) {
            failed += run_plugin(&run, kind, name);
            found++;
        }
        run.plugin++;
    }
    cJSON_Delete(json);
    return found > 0 ? failed : SLUICE_INVALID;
}
