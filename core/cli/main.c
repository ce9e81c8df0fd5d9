/*
 * cli/main.c: the `sluice` command: a table of verbs, and the roles in which the supervisor starts
 * this same program.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "cli/connect.h"
#include "cli/import.h"
#include "cli/plugins.h"
#include "cli/run.h"
#include "cli/status.h"
#include "cli/try.h"
#include "cli/validate.h"
#include "cli/version.h"
#include "config/nearest.h"
#include "plugin/prober.h"
#include "runtime/keeper.h"
#include "runtime/rehearse.h"
#include "runtime/task.h"

#define CHANNEL_FD 3
#define LOCK_FD 4 /* the data directory's lock: held for as long as it lives */

#if defined(__SANITIZE_ADDRESS__)
/* Freed memory that the sanitizer keeps would count against memory.limit: 256 MB by default. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) {
    return "quarantine_size_mb=16";
}
#endif

typedef struct verb {
    const char *name;
    const char *command; /* argv[0] of the verb: what getopt's messages begin with */
    int (*run)(int argc, char **argv); /* gives the exit code */
    const char *what;
} verb_t;

static const verb_t verbs[] = {
    { "run", "sluice run", sl_cli_run, "run pipelines and connectors, and the REST port" },
    { "connect-distributed", "sluice connect-distributed", sl_cli_connect_distributed,
      "run a Kafka Connect worker" },
    { "connect-standalone", "sluice connect-standalone", sl_cli_connect_standalone,
      "the same, with connectors from files" },
    { "status", "sluice status", sl_cli_status, "show what a running sluice does" },
    { "validate", "sluice validate", sl_cli_validate,
      "check descriptors and connector JSON: all faults at once" },
    { "import", "sluice import", sl_cli_import,
      "say what of a Kafka Connect worker runs here, and take it over" },
    { "plugins", "sluice plugins", sl_cli_plugins, "list and describe plugins, check a module" },
    { "try", "sluice try", sl_cli_try, "put records through converters and transforms" },
    { "version", "sluice version", sl_cli_version, "show the version" },
};

#define VERBS (sizeof verbs / sizeof verbs[0])

static int usage(FILE *out, int code) {
    size_t i;

    fputs("sluice: moves changes from a source through transforms to any number of sinks.\n\n"
          "Usage: sluice VERB [ARGUMENTS]\n\n",
          out);
    for (i = 0; i < VERBS; i++)
        fprintf(out, "  %-20s %s\n", verbs[i].name, verbs[i].what);
    fputs("\n`sluice VERB --help` says more about each.\n", out);
    return code;
}

/* A child must not outlive who started it, nor hand its descriptors to others. */
static int run_child(int (*run)(int fd)) {
    if (fcntl(CHANNEL_FD, F_GETFD) < 0) {
        fputs("sluice: this verb is for children of `sluice run`, which starts them itself\n",
              stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    fcntl(LOCK_FD, F_SETFD, FD_CLOEXEC);
    return run(CHANNEL_FD);
}

static int unknown(const char *verb) {
    sl_nearest_t nearest;
    size_t i;

    sl_nearest_init(&nearest, verb);
    for (i = 0; i < VERBS; i++)
        sl_nearest_offer(&nearest, verbs[i].name);
    fprintf(stderr, "sluice: there is no verb \"%s\"", verb);
    if (nearest.best != NULL)
        fprintf(stderr, "; did you mean \"%s\"?", nearest.best);
    fputs("\n\n", stderr);
    return usage(stderr, 2);
}

static int run_verb(const verb_t *verb, int argc, char **argv) {
    char command[32];

    snprintf(command, sizeof command, "%s", verb->command);
    argv[1] = command;
    return verb->run(argc - 1, argv + 1);
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    size_t i;

    if (strcmp(verb, "__task") == 0)
        return run_child(sl_task_main);
    if (strcmp(verb, "__store") == 0)
        return run_child(sl_keeper_main);
    if (strcmp(verb, "__probe") == 0 && argc == 3 && strcmp(argv[2], "-") == 0)
        return run_child(sl_rehearse_main);
    if (strcmp(verb, "__probe") == 0 && argc == 3)
        return sl_prober_main(argv[2]);
    for (i = 0; i < VERBS; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return run_verb(&verbs[i], argc, argv);
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0)
        return usage(stdout, 0);
    if (strcmp(verb, "--version") == 0)
        return sl_cli_version(1, argv);
    return verb[0] != '\0' ? unknown(verb) : usage(stderr, 2);
}
