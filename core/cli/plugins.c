#include "cli/plugins.h"

#include "cli/paths.h"
#include "config/catalog.h"
#include "observe/log.h"
#include "plugin/catalog.h"
#include "plugin/conformance.h"
#include "plugin/scan.h"
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define EXIT_FAULT 1
#define EXIT_USAGE 2

typedef struct arguments {
    const char *plugin_path;
    const char *data;
    const char *config;
    const char *kind;
    const char *plugin;
    const char *only;
    int json;
    int markdown;
    int help;
    const char *name; /* what stands after the verb */
} arguments_t;

static int usage(FILE *out, int code) {
    fputs("Usage: sluice plugins list [--json] [--plugin-path DIRS] [--data DIR]\n"
          "       sluice plugins describe NAME [--kind KIND] [--json | --markdown] "
          "[--plugin-path DIRS]\n"
          "       sluice plugins check FILE.so [--json] [--plugin NAME] [--only CHECK] "
          "[--config JSON | --config @FILE]\n\n"
          "list shows the plugins of the plugin path, and the files there that cannot be used and\n"
          "why; describe the options of one; check runs the conformance suite on a module.\n\n"
          "  --kind KIND          source, sink, transform, converter, predicate or store\n"
          "  --markdown           the table of options as the plugins' READMEs have it\n"
          "  --plugin NAME        check only this plugin of the module\n"
          "  --only CHECK         only this check of the suite\n"
          "  --config JSON        options that its checks run with; @FILE reads them\n"
          "  --plugin-path DIRS   folders of plugins, separated by ':'\n\n"
          "Exit code: 0, 1 when a check failed or there is no such plugin, 2 wrong usage.\n",
          out);
    return code;
}

static int parse(int argc, char **argv, arguments_t *a) {
    static const struct option known[] = {{"plugin-path", required_argument, NULL, 'p'},
                                          {"data", required_argument, NULL, 'd'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"kind", required_argument, NULL, 'k'},
                                          {"plugin", required_argument, NULL, 'n'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"markdown", no_argument, NULL, 'm'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (c) {
        case 'p': a->plugin_path = optarg; break;
        case 'd': a->data = optarg; break;
        case 'c': a->config = optarg; break;
        case 'k': a->kind = optarg; break;
        case 'n': a->plugin = optarg; break;
        case 'o': a->only = optarg; break;
        case 'h': a->help = 1; break;
        case 'j': a->json = 1; break;
        case 'm': a->markdown = 1; break;
        default: return 0;
        }
    }
    a->name = optind < argc ? argv[optind] : NULL;
    return optind + 1 >= argc;
}

static void print_json(cJSON *takes) {
    char *text = cJSON_Print(takes);

    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(takes);
}

/* ---- list and describe: with a catalog that has scanned once ---- */

static void print_errors(const sl_catalog_t *catalog) {
    cJSON *modules = sl_catalog_modules(catalog), *module;
    int first = 1;

    cJSON_ArrayForEach (module, modules) {
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(module, "error");
        if (error == NULL)
            continue;
        if (first)
            puts("\nModules that cannot be used:");
        first = 0;
        printf("  %s\n", error->valuestring);
    }
    cJSON_Delete(modules);
}

static cJSON *list_json(const sl_catalog_t *catalog) {
    cJSON *root = cJSON_CreateObject(), *modules = sl_catalog_modules(catalog), *module;
    cJSON *plugins = cJSON_AddArrayToObject(root, "plugins");
    cJSON *errors = cJSON_AddArrayToObject(root, "errors");
    size_t i;

    for (i = 0; i < sl_catalog_count(catalog); i++) {
        const sl_catalog_plugin_t *p = sl_catalog_at(catalog, i);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "kind", sl_plugin_kind_name((uint32_t)p->kind));
        cJSON_AddStringToObject(item, "name", p->name);
        cJSON_AddStringToObject(item, "version", p->version);
        cJSON_AddStringToObject(item, "summary", p->summary);
        cJSON_AddItemToObject(
            item, "aliases",
            cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(p->json, "aliases"), 1));
        cJSON_AddStringToObject(item, "file", p->module_file);
        cJSON_AddItemToArray(plugins, item);
    }
    cJSON_ArrayForEach (module, modules) {
        if (cJSON_GetObjectItemCaseSensitive(module, "error") != NULL)
            cJSON_AddItemToArray(errors, cJSON_Duplicate(module, 1));
    }
    cJSON_Delete(modules);
    return root;
}

static int list(const sl_catalog_t *catalog, const arguments_t *a) {
    int kind_width = 9, name_width = 4, version_width = 7;
    size_t i;

    if (a->json) {
        print_json(list_json(catalog));
        return 0;
    }
    for (i = 0; i < sl_catalog_count(catalog); i++) {
        const sl_catalog_plugin_t *p = sl_catalog_at(catalog, i);
        if ((int)strlen(p->name) > name_width)
            name_width = (int)strlen(p->name);
        if ((int)strlen(p->version) > version_width)
            version_width = (int)strlen(p->version);
    }
    printf("%-*s  %-*s  %-*s  %s\n", kind_width, "KIND", name_width, "NAME", version_width,
           "VERSION", "SUMMARY");
    for (i = 0; i < sl_catalog_count(catalog); i++) {
        const sl_catalog_plugin_t *p = sl_catalog_at(catalog, i);
        printf("%-*s  %-*s  %-*s  %s\n", kind_width, sl_plugin_kind_name((uint32_t)p->kind),
               name_width, p->name, version_width, p->version, p->summary);
    }
    print_errors(catalog);
    return 0;
}

static void describe_one(const sl_catalog_plugin_t *p, const arguments_t *a) {
    char *text = a->markdown ? sl_options_markdown(p->options) : sl_options_text(p->options);
    const char *const *alias;

    if (!a->markdown) {
        printf("%s %s, version %s\n  %s\n", sl_plugin_kind_name((uint32_t)p->kind), p->name,
               p->version, p->summary);
        for (alias = p->aliases; *alias != NULL; alias++)
            printf("  alias %s\n", *alias);
        printf("  from %s\n\n", p->module_file);
    }
    if (text != NULL)
        fputs(text, stdout);
    free(text);
}

static int unknown(const sl_catalog_t *catalog, sluice_plugin_kind_t kind, const char *name) {
    const char *broken = sl_catalog_broken(catalog, name);
    const char *nearest = sl_catalog_nearest(catalog, kind, name);

    fprintf(stderr, "sluice plugins describe: there is no plugin \"%s\"", name);
    if (broken != NULL)
        fprintf(stderr, "; a module of that name cannot be used: %s\n", broken);
    else if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    else
        fputs("; `sluice plugins list` shows what there is in the plugin path\n", stderr);
    return EXIT_FAULT;
}

static int read_kind(const char *name, sluice_plugin_kind_t *out) {
    int kind;

    for (kind = SLUICE_SOURCE; kind <= SLUICE_STORE; kind++) {
        if (strcmp(name, sl_plugin_kind_name((uint32_t)kind)) == 0) {
            *out = (sluice_plugin_kind_t)kind;
            return 1;
        }
    }
    fprintf(stderr,
            "sluice plugins describe: --kind %s: must be source, sink, transform, converter, "
            "predicate or store\n",
            name);
    return 0;
}

/* A name may stand for a source and a sink: all kinds are shown. */
static int describe(const sl_catalog_t *catalog, const arguments_t *a) {
    sluice_plugin_kind_t only = (sluice_plugin_kind_t)0;
    cJSON *array;
    int kind, found = 0;

    if (a->kind != NULL && !read_kind(a->kind, &only))
        return EXIT_USAGE;
    array = cJSON_CreateArray();
    for (kind = SLUICE_SOURCE; kind <= SLUICE_STORE; kind++) {
        const sl_catalog_plugin_t *p =
            only == 0 || (int)only == kind
                ? sl_catalog_find(catalog, (sluice_plugin_kind_t)kind, a->name)
                : NULL;
        if (p == NULL)
            continue;
        if (found++ > 0 && !a->json)
            putchar('\n');
        if (a->json)
            cJSON_AddItemToArray(array, cJSON_Duplicate(p->json, 1));
        else
            describe_one(p, a);
    }
    if (found == 0) {
        cJSON_Delete(array);
        return unknown(catalog, only, a->name);
    }
    if (a->json)
        print_json(array);
    else
        cJSON_Delete(array);
    return 0;
}

static void to_stderr(void *user, const char *text) {
    (void)user;
    fprintf(stderr, "sluice plugins: %s\n", text);
}

static int with_catalog(const arguments_t *a,
                        int (*fn)(const sl_catalog_t *catalog, const arguments_t *a)) {
    char *path = sl_cli_plugin_path(a->plugin_path), *executable = sl_cli_executable();
    sl_catalog_params_t params = {
        .plugin_path = path, .data_dir = a->data, .executable = executable};
    sl_catalog_t *catalog;
    uv_loop_t loop;
    int code = EXIT_FAULT;

    sl_cli_missing_folders(path, to_stderr, NULL);
    sl_log_set_level(NULL, SLUICE_LOG_ERROR); /* broken modules are part of what we print */
    if (path != NULL && executable != NULL && uv_loop_init(&loop) == 0) {
        params.loop = &loop;
        if (sl_catalog_create(&params, &catalog) == SLUICE_OK) {
            sl_catalog_rescan(catalog, NULL, NULL);
            uv_run(&loop, UV_RUN_DEFAULT);
            code = fn(catalog, a);
            sl_catalog_close(catalog, NULL, NULL);
            uv_run(&loop, UV_RUN_DEFAULT);
        }
        uv_loop_close(&loop);
    }
    free(path);
    free(executable);
    return code;
}

/* ---- check ---- */

typedef struct checked {
    cJSON *json; /* array; NULL: text */
    int counts[3];
} checked_t;

static void on_result(void *user, const sl_conformance_result_t *r) {
    static const char *const words[] = {"ok  ", "FAIL", "skip"};
    checked_t *c = user;
    cJSON *item;

    c->counts[r->outcome]++;
    if (c->json == NULL) {
        printf("%s  %s %s: %s%s%s\n", words[r->outcome], r->kind, r->plugin, r->check,
               r->reason[0] != '\0' ? ": " : "", r->reason);
        fflush(stdout);
        return;
    }
    item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "kind", r->kind);
    cJSON_AddStringToObject(item, "plugin", r->plugin);
    cJSON_AddStringToObject(item, "check", r->check);
    cJSON_AddStringToObject(item, "outcome", (const char *[]){"ok", "fail", "skip"}[r->outcome]);
    cJSON_AddStringToObject(item, "reason", r->reason);
    cJSON_AddItemToArray(c->json, item);
}

/* --config JSON or @FILE. 0 when it is no JSON object. */
static int read_config(const char *given, cJSON **out) {
    char *text;

    *out = NULL;
    if (given == NULL)
        return 1;
    text = given[0] == '@' ? sl_text_read(given + 1) : strdup(given);
    *out = text != NULL ? cJSON_Parse(text) : NULL;
    free(text);
    if (cJSON_IsObject(*out))
        return 1;
    fprintf(stderr, "sluice plugins check: --config: expected a JSON object, found: %s\n", given);
    cJSON_Delete(*out);
    return 0;
}

static void print_totals(checked_t *c, const char *path) {
    cJSON *root;

    if (c->json == NULL) {
        printf("%d ok, %d failed, %d skipped\n", c->counts[SL_CONFORMANCE_OK],
               c->counts[SL_CONFORMANCE_FAIL], c->counts[SL_CONFORMANCE_SKIP]);
        return;
    }
    root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "file", path);
    cJSON_AddItemToObject(root, "checks", c->json);
    cJSON_AddNumberToObject(root, "ok", c->counts[SL_CONFORMANCE_OK]);
    cJSON_AddNumberToObject(root, "failed", c->counts[SL_CONFORMANCE_FAIL]);
    cJSON_AddNumberToObject(root, "skipped", c->counts[SL_CONFORMANCE_SKIP]);
    print_json(root);
}

static int check(const arguments_t *a) {
    sl_conformance_params_t params = {.plugin = a->plugin, .only = a->only, .report = on_result};
    checked_t c = {a->json ? cJSON_CreateArray() : NULL, {0, 0, 0}};
    char *path = realpath(a->name, NULL);
    cJSON *config;
    int failed;

    if (path == NULL) {
        fprintf(stderr, "sluice plugins check: %s: no such file\n", a->name);
        cJSON_Delete(c.json);
        return EXIT_FAULT;
    }
    if (!read_config(a->config, &config)) {
        cJSON_Delete(c.json);
        free(path);
        return EXIT_USAGE;
    }
    params.path = path;
    params.config = config;
    params.user = &c;
    failed = sl_conformance_run(&params);
    print_totals(&c, path);
    if (failed < 0)
        fprintf(stderr, "sluice plugins check: %s: it has no plugin \"%s\"\n", path,
                a->plugin != NULL ? a->plugin : "");
    cJSON_Delete(config);
    free(path);
    return failed != 0 ? EXIT_FAULT : 0;
}

static int wrong(const char *verb, const char *why) {
    fprintf(stderr, "sluice plugins%s%s: %s\n\n", verb[0] != '\0' ? " " : "", verb, why);
    return usage(stderr, EXIT_USAGE);
}

static int run_verb(const char *verb, const arguments_t *a) {
    if (strcmp(verb, "list") == 0)
        return a->name != NULL ? wrong(verb, "it takes no name")
                               : with_catalog(a, list);
    if (strcmp(verb, "describe") == 0)
        return a->name == NULL ? wrong(verb, "name a plugin; `sluice plugins list` shows them")
                               : with_catalog(a, describe);
    if (strcmp(verb, "check") == 0)
        return a->name == NULL ? wrong(verb, "give the .so file to check") : check(a);
    return wrong("", "expected list, describe or check");
}

int sl_cli_plugins(int argc, char **argv) {
    arguments_t a = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    char command[64];

    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return usage(stdout, 0);
    snprintf(command, sizeof command, "sluice plugins %.40s", verb);
    if (argc > 1)
        argv[1] = command; /* what getopt's messages begin with */
    if (argc > 1 && !parse(argc - 1, argv + 1, &a))
        return usage(stderr, EXIT_USAGE);
    return a.help ? usage(stdout, 0) : run_verb(verb, &a);
}
