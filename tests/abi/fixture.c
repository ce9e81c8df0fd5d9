/*
 * One small sink module, made good or bad in one way by a definition (see CMakeLists.txt): what
 * users will drop into the plugin path one day.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sluice/plugin.h"

#ifndef FIXTURE_VERSION
#define FIXTURE_VERSION "1.0.0"
#endif
#ifndef FIXTURE_NAME
#define FIXTURE_NAME "fixture"
#endif

typedef struct fixture {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
} fixture_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    fixture_t *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return SLUICE_NO_MEMORY;
    f->api = api;
    f->ctx = ctx;
#ifdef SINK_TRUSTS_MEMORY
    if (api->metric(ctx, SLUICE_COUNTER, "fixture_total", "Counts.") == NULL)
        abort();
#endif
#ifdef SINK_TRUSTS_CONFIG
    if (api->config_int(ctx, "size") != 1024)
        abort();
#endif
    *self = f;
    return SLUICE_OK;
}

static void destroy(void *self) {
    free(self);
}

static int write_batch(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    fixture_t *f = self;

    (void)batch;
#ifdef SINK_LEAVES_TICKETS
    (void)ticket;
    return f != NULL ? SLUICE_OK : SLUICE_FATAL;
#endif
    f->api->durable(f->ctx, ticket, SLUICE_OK, NULL, 0);
#ifdef SINK_ENDS_TWICE
    f->api->durable(f->ctx, ticket, SLUICE_OK, NULL, 0);
#endif
#ifdef SINK_RELEASES_LATE
    f->api->released(f->ctx, ticket);
#endif
    return SLUICE_OK;
}

static int open_fixture(void *self) {
    fixture_t *f = self;

    f->api->complete(f->ctx, SLUICE_OP_OPEN, SLUICE_OK);
#ifdef SINK_OPENS_TWICE
    f->api->complete(f->ctx, SLUICE_OP_OPEN, SLUICE_OK);
#endif
#ifdef SINK_CRASHES
    raise(SIGSEGV);
#endif
    return SLUICE_OK;
}

static int close_fixture(void *self) {
    fixture_t *f = self;

#ifndef SINK_NEVER_CLOSES
    f->api->complete(f->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
#endif
    return f != NULL ? SLUICE_OK : SLUICE_FATAL;
}

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *path = api->config_text(ctx, "path");

#ifdef CHECK_CRASHES
    abort();
#endif
#ifdef CHECK_HANGS
    for (;;)
        pause();
#endif
    if (path != NULL && strcmp(path, "forbidden") == 0)
        api->config_error(ctx, "path", "\"%s\" is not allowed", path);
    if (path != NULL && strcmp(path, "fatal") == 0)
        return api->fail(ctx, SLUICE_INVALID, "fixture.path", "path is %s", path);
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    {.name = "path", .flags = SLUICE_OPT_REQUIRED, .doc = "where to"},
    {.name = "size", .type = SLUICE_OPT_BYTES, .default_text = "1k", .doc = "how much"},
#ifdef BAD_OPTION
    {.name = "choice", .type = SLUICE_OPT_ENUM, .doc = "an enum without values"},
#endif
};

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .create = create,
    .destroy = destroy,
    .open = open_fixture,
#ifndef BAD_CALLBACK
    .write = write_batch,
#endif
    .close = close_fixture,
};

static const char *const aliases[] = {"org.example.FixtureSinkConnector", NULL};

/* Structs as a later minor version may have them: longer. */
#ifdef GOOD_NEWER
#define EXTRA 32
#define MINOR (SLUICE_ABI_MINOR + 1)
#else
#define EXTRA 0
#define MINOR 0
#endif

typedef struct plugin {
    sluice_plugin_t known;
#ifdef GOOD_NEWER
    char more[EXTRA];
#endif
} plugin_t;

static const plugin_t plugins[] = {
    {.known = {.size = sizeof(sluice_plugin_t) + EXTRA,
               .kind = SLUICE_SINK,
#ifdef BAD_NAME
               .name = "Bad Name",
#else
               .name = FIXTURE_NAME,
#endif
               .aliases = aliases,
               .summary = "a fixture",
               .options = options,
               .option_count = sizeof(options) / sizeof(options[0]),
               .option_size = sizeof(options[0]),
               .check = check,
               .sink = &sink}},
#if defined(BAD_TWICE) || defined(GOOD_NEWER)
    {.known = {.size = sizeof(sluice_plugin_t) + EXTRA,
               .kind = SLUICE_SINK,
#ifdef BAD_TWICE
               .name = FIXTURE_NAME,
#else
               .name = "fixture-second",
#endif
               .summary = "the same name again, or the second of a longer stride",
               .sink = &sink}},
#endif
};

typedef struct module {
    sluice_module_t known;
#ifdef GOOD_NEWER
    char more[EXTRA];
#endif
} module_t;

static const module_t module = {
    .known = {
#ifdef BAD_MAGIC
        .magic = 0x11223344,
#else
        .magic = SLUICE_ABI_MAGIC,
#endif
#ifdef BAD_MAJOR
        .major = 99,
#else
        .major = SLUICE_ABI_MAJOR,
#endif
#ifdef BAD_MINOR
        .minor = SLUICE_ABI_MINOR + 2,
        .min_minor = SLUICE_ABI_MINOR + 1,
#else
        .minor = MINOR,
#endif
#ifdef BAD_SIZE
        .size = 12,
#else
        .size = sizeof(sluice_module_t) + EXTRA,
#endif
        .name = "fixture",
        .version = FIXTURE_VERSION,
        .licence = "Apache-2.0",
        .plugins = &plugins[0].known,
#ifdef BAD_COUNT
        .plugin_count = 0,
#else
        .plugin_count = sizeof(plugins) / sizeof(plugins[0]),
#endif
        .plugin_size = sizeof(plugins[0]),
    }};

#ifdef BAD_SYMBOL
#define sluice_module another_function
SLUICE_EXPORT const sluice_module_t *another_function(uint16_t host_major, uint16_t host_minor);
#endif
#ifdef BAD_EXPORTS
SLUICE_EXPORT int fixture_helper(void);
SLUICE_EXPORT int fixture_helper(void) {
    return 0;
}
#endif
#ifdef BAD_LIBRARY
extern int a_function_that_no_library_has(void);
#endif

SLUICE_EXPORT const sluice_module_t *sluice_module(uint16_t host_major, uint16_t host_minor) {
    (void)host_major;
    (void)host_minor;
#ifdef BAD_CRASH
    abort();
#endif
#ifdef BAD_EXIT
    exit(0);
#endif
#ifdef BAD_HANG
    for (;;)
        pause();
#endif
#ifdef BAD_LIBRARY
    a_function_that_no_library_has();
#endif
#ifdef BAD_NULL
    return NULL;
#else
    return &module.known;
#endif
}
