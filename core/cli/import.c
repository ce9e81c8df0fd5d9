#include "cli/import.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "cli/import_check.h"
#include "cli/import_out.h"
#include "cli/import_worker.h"
#include "observe/log.h"
#include "sluice/error.h"

#define VERB          "sluice import"
#define PASSWORD_VARIABLE "SLUICE_IMPORT_PASSWORD"
#define EXIT_CANNOT   1
#define EXIT_USAGE    2
#define EXIT_NO_WORKER 3

static const char help[] =
    "Usage: sluice import connect [OPTIONS] URL\n"
    "\n"
    "Reads the connectors of a running Kafka Connect worker by its REST port and says of each\n"
    "whether it runs here unchanged, differs, or cannot run, and why. Changes nothing there.\n"
    "\n"
    "  --out DIR             writes those that run, as files for `sluice run DIR`; offsets of\n"
    "                        sources, where the worker offers them, into DIR/offsets\n"
    "  --worker FILE         the worker's properties: its defaults (converters, servers) cannot\n"
    "                        be read over REST\n"
    "  --user USER:PASSWORD  basic authentication; others on this machine can see the password\n"
    "                        among the processes: better --user USER with one of these\n"
    "  --password-file FILE  the password alone, for --user USER; - is standard input\n"
    "                        (without it: the environment variable " PASSWORD_VARIABLE ")\n"
    "  --ca FILE             https: authorities to trust, PEM (default: the system's)\n"
    "  --cert FILE, --key FILE  https: a certificate to show, PEM\n"
    "  --insecure            https: trusts any certificate\n"
    "  --json                the answer as JSON\n"
    "  --plugin-path DIRS    folders of plugins, separated by ':'\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit code: 0 all run, 1 some cannot, 2 wrong usage, 3 the worker cannot be read or the files\n"
    "not be written.\n";

typedef struct arguments {
    sl_http_peer_t peer;
    const char *out;
    const char *worker;
    const char *plugin_path;
    const char *password_file;
    char *user;     /* given */
    char *password; /* given */
    int json;
} arguments_t;

static const struct option known[] = { { "out", required_argument, NULL, 'o' },
                                       { "worker", required_argument, NULL, 'w' },
                                       { "user", required_argument, NULL, 'u' },
                                       { "password-file", required_argument, NULL, 'p' },
                                       { "ca", required_argument, NULL, 'a' },
                                       { "cert", required_argument, NULL, 'c' },
                                       { "key", required_argument, NULL, 'k' },
                                       { "insecure", no_argument, NULL, 'i' },
                                       { "json", no_argument, NULL, 'j' },
                                       { "plugin-path", required_argument, NULL, 'l' },
                                       { "help", no_argument, NULL, 'h' },
                                       { NULL, 0, NULL, 0 } };

static void take_user(arguments_t *a, const char *text) {
    size_t len = strcspn(text, ":");

    free(a->user);
    free(a->password);
    a->user = strndup(text, len);
    a->password = text[len] == ':' ? strdup(text + len + 1) : NULL;
}

/* What was not said among the arguments. */
static void take_environment(arguments_t *a) {
    const char *password = getenv(PASSWORD_VARIABLE);

    if (a->user != NULL && a->password == NULL && password != NULL)
        a->password = strdup(password);
}

static int read_password(arguments_t *a) {
    int is_stdin = a->password_file != NULL && strcmp(a->password_file, "-") == 0;
    FILE *in = is_stdin ? stdin : NULL;
    size_t size = 0;

    if (a->password_file == NULL) {
        take_environment(a);
        return 0;
    }
    if (in == NULL)
        in = fopen(a->password_file, "re");
    if (in == NULL) {
        fprintf(stderr, VERB ": --password-file %s: cannot be read\n", a->password_file);
        return -1;
    }
    free(a->password);
    a->password = NULL;
    if (getline(&a->password, &size, in) > 0)
        a->password[strcspn(a->password, "\r\n")] = '\0';
    if (!is_stdin)
        fclose(in);
    return 0;
}

static int usage(FILE *out, int code) {
    fputs(help, out);
    return code;
}

/* -1: go on; else the exit code. */
static int parse(int argc, char **argv, arguments_t *a) {
    int c;

    optind = 0;
    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (c) {
        case 'o': a->out = optarg; break;
        case 'w': a->worker = optarg; break;
        case 'u': take_user(a, optarg); break;
        case 'p': a->password_file = optarg; break;
        case 'a': a->peer.ca_file = optarg; break;
        case 'c': a->peer.cert_file = optarg; break;
        case 'k': a->peer.key_file = optarg; break;
        case 'i': a->peer.is_trusted = 1; break;
        case 'j': a->json = 1; break;
        case 'l': a->plugin_path = optarg; break;
        case 'h': return usage(stdout, 0);
        default: return usage(stderr, EXIT_USAGE);
        }
    }
    if (argc - optind != 2 || strcmp(argv[optind], "connect") != 0)
        return usage(stderr, EXIT_USAGE);
    a->peer.url = argv[optind + 1];
    return -1;
}

/* ---- what is printed ---- */

/* What another worker said must not steer a terminal, nor pass for lines of ours. */
static void print_foreign(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        int is_c1 = c == 0xc2 && next >= 0x80 && next < 0xa0; /* in UTF-8 */
        fputc(c < 0x20 || c == 0x7f || is_c1 ? '?' : c, out);
        text += is_c1;
    }
}

static void print_error(const char *error) {
    fputs(VERB ": ", stderr);
    print_foreign(stderr, error);
    fputc('\n', stderr);
}

/* Ours, then pairs of what is foreign and what is ours behind it; NULL ends. */
static void print_between(const char *ours, ...) {
    va_list args;
    const char *foreign;

    fputs(ours, stdout);
    va_start(args, ours);
    while ((foreign = va_arg(args, const char *)) != NULL) {
        print_foreign(stdout, foreign);
        fputs(va_arg(args, const char *), stdout);
    }
    va_end(args);
}

static void print_connector(const cJSON *c) {
    static const char *const words[][2] = { { "unchanged", "runs unchanged" },
                                            { "differs", "runs, with differences" },
                                            { "cannot", "CANNOT RUN" } };
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(c, "config");
    const cJSON *reason;
    size_t i;

    for (i = 0; strcmp(words[i][0], sl_text_or(c, "verdict", "")) != 0; i++)
        ;
    print_between("", sl_text_or(c, "name", ""), ": ", words[i][1], " (",
                  sl_text_or(config, "connector.class", ""), ", ", sl_text_or(c, "state", ""),
                  ")\n", NULL);
    cJSON_ArrayForEach(reason, cJSON_GetObjectItemCaseSensitive(c, "reasons")) {
        const char *key = sl_text_or(reason, "key", "");
        const char *hint = sl_text_or(reason, "hint", "");
        print_between("    ", sl_text_or(reason, "severity", ""), ": ", key,
                      key[0] == '\0' ? "" : ": ", sl_text_or(reason, "message", ""),
                      hint[0] == '\0' ? "\n" : " (", NULL);
        if (hint[0] != '\0')
            print_between("", hint, ")\n", NULL);
    }
}

static int count(const cJSON *connectors, const char *verdict) {
    const cJSON *c;
    int n = 0;

    cJSON_ArrayForEach(c, connectors)
        n += strcmp(sl_text_or(c, "verdict", ""), verdict) == 0;
    return n;
}

/* Lines to copy into a shell, and a name that may hold anything. */
static void print_stopped(const cJSON *c) {
    char *escaped = sl_import_escaped(sl_text_or(c, "name", ""));
    const char *name = escaped == NULL ? "?" : escaped;

    print_between("", sl_text_or(c, "name", ""),
                  " is STOPPED until it has its offsets:\n"
                  "    curl -X PATCH -H 'Content-Type: application/json' --data @",
                  sl_text_or(c, "offsets_file", ""), " localhost:8083/connectors/", name,
                  "/offsets\n    curl -X PUT localhost:8083/connectors/", name, "/resume\n", NULL);
    free(escaped);
}

static void print_text(const arguments_t *a, const cJSON *all) {
    const cJSON *worker = cJSON_GetObjectItemCaseSensitive(all, "worker");
    const cJSON *connectors = cJSON_GetObjectItemCaseSensitive(all, "connectors");
    const cJSON *c;

    print_between("", a->peer.url, ": Kafka Connect ", sl_text_or(worker, "version", ""), "", NULL);
    printf(", %d connectors\n", cJSON_GetArraySize(connectors));
    cJSON_ArrayForEach(c, connectors)
        print_connector(c);
    printf("%d run unchanged, %d with differences, %d cannot\n", count(connectors, "unchanged"),
           count(connectors, "differs"), count(connectors, "cannot"));
    if (a->worker == NULL)
        puts("The worker's own defaults (servers, converters) cannot be read over REST: "
             "--worker FILE names its properties file.");
    cJSON_ArrayForEach(c, connectors)
        if (cJSON_HasObjectItem(c, "offsets_file"))
            print_stopped(c);
}

static void print_json(cJSON *all) {
    const cJSON *connectors = cJSON_GetObjectItemCaseSensitive(all, "connectors");
    char *text;

    cJSON_AddNumberToObject(all, "unchanged", count(connectors, "unchanged"));
    cJSON_AddNumberToObject(all, "differs", count(connectors, "differs"));
    cJSON_AddNumberToObject(all, "cannot", count(connectors, "cannot"));
    text = cJSON_Print(all);
    if (text != NULL)
        puts(text);
    free(text);
}

/* ---- the verb ---- */

/* What every connector needs of its worker, where nobody said what it has. */
static cJSON *assumed_worker(void) {
    cJSON *worker = cJSON_CreateObject();

    cJSON_AddStringToObject(worker, "bootstrap.servers", "localhost:9092");
    cJSON_AddStringToObject(worker, "key.converter", "org.apache.kafka.connect.json.JsonConverter");
    cJSON_AddStringToObject(worker, "value.converter",
                            "org.apache.kafka.connect.json.JsonConverter");
    return worker;
}

static int check_all(const arguments_t *a, cJSON *connectors) {
    sl_checker_t checker;
    cJSON *c;

    if (sl_checker_open(&checker, VERB, a->plugin_path, a->worker) != SLUICE_OK)
        return EXIT_USAGE;
    if (checker.worker == NULL)
        checker.worker = assumed_worker();
    cJSON_ArrayForEach(c, connectors)
        sl_import_check(&checker, c);
    sl_checker_close(&checker);
    return 0;
}

static int import(const arguments_t *a) {
    char error[900] = "";
    cJSON *all;
    cJSON *connectors;
    int code;

    if (sl_http_peer_check(&a->peer, error, sizeof error) != 0 ||
        (all = sl_import_read(&a->peer, a->out != NULL, error, sizeof error)) == NULL) {
        print_error(error);
        return EXIT_NO_WORKER;
    }
    connectors = cJSON_GetObjectItemCaseSensitive(all, "connectors");
    code = check_all(a, connectors);
    if (code == 0 && a->out != NULL &&
        sl_import_write(a->out, connectors, error, sizeof error) != 0) {
        print_error(error);
        code = EXIT_NO_WORKER;
    }
    if (code == 0 && a->json)
        print_json(all);
    else if (code == 0)
        print_text(a, all);
    if (code == 0 && count(connectors, "cannot") > 0)
        code = EXIT_CANNOT;
    cJSON_Delete(all);
    return code;
}

int sl_cli_import(int argc, char **argv) {
    arguments_t a = { 0 };
    int code;

    a.peer.who = "Kafka Connect worker";
    a.peer.url_name = "URL";
    sl_log_set_level(NULL, SLUICE_LOG_WARN);
    code = parse(argc, argv, &a);
    if (code < 0 && read_password(&a) != 0)
        code = EXIT_USAGE;
    a.peer.user = a.user;
    a.peer.password = a.password;
    if (code < 0)
        code = import(&a);
    free(a.user);
    free(a.password);
    return code;
}
