/*
 * crash: a sink that does what no plugin should, at a place that is told: segfault, abort, exit,
 * spin, leak, hang (never completes). Else it takes everything, as the null sink.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugins/common/testsink.h"

static const char *const acts[] = {"none", "segfault", "abort", "exit",
                                   "spin", "leak",     "hang",  NULL};
static const char *const places[] = {"create", "open", "write", "flush", "close", NULL};
enum act { ACT_NONE, ACT_SEGFAULT, ACT_ABORT, ACT_EXIT, ACT_SPIN, ACT_LEAK, ACT_HANG };
enum place { AT_CREATE, AT_OPEN, AT_WRITE, AT_FLUSH, AT_CLOSE };

static const sluice_option_t options[] = {
    {.name = "act",
     .type = SLUICE_OPT_ENUM,
     .values = acts,
     .default_text = "none",
     .doc = "What to do."},
    {.name = "at",
     .type = SLUICE_OPT_ENUM,
     .values = places,
     .default_text = "write",
     .doc = "Where to do it."},
    {.name = "after",
     .type = SLUICE_OPT_LONG,
     .default_text = "0",
     .doc = "write: only after so many records."},
    {.name = "once.file",
     .type = SLUICE_OPT_STRING,
     .doc = "Do it only when this file exists, and remove it before."},
    {.name = "leak.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "1m",
     .doc = "Lost at each write with leak."},
};

typedef struct crash_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int64_t records;
    int hung;
} crash_sink_t;

static volatile int *volatile nowhere = NULL;

static void leak(crash_sink_t *s) {
    size_t size = (size_t)s->api->config_int(s->ctx, "leak.bytes");
    char *lost = malloc(size);

    if (lost != NULL)
        memset(lost, 1, size);
    nowhere = NULL; /* keeps the compiler from leaving out what is never read */
}

/* Does it when this is the place. 1: the caller must not complete. */
static int act(crash_sink_t *s, enum place at) {
    enum act what = (enum act)s->api->config_int(s->ctx, "act");
    const char *once = s->api->config_text(s->ctx, "once.file");

    if (what == ACT_NONE || (enum place)s->api->config_int(s->ctx, "at") != at)
        return 0;
    if (at == AT_WRITE && s->records <= s->api->config_int(s->ctx, "after"))
        return 0;
    if (once != NULL && unlink(once) != 0)
        return 0;
    if (what == ACT_SEGFAULT)
        *nowhere = 1;
    else if (what == ACT_ABORT)
        abort();
    else if (what == ACT_EXIT)
        _exit(3);
    else if (what == ACT_LEAK)
        leak(s);
    while (what == ACT_SPIN && nowhere == NULL) {}
    return what == ACT_HANG;
}

static int crash_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    crash_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    *self = s;
    act(s, AT_CREATE);
    return SLUICE_OK;
}

static void crash_destroy(void *self) {
    free(self);
}

static int crash_open(void *self) {
    crash_sink_t *s = self;

    if (!act(s, AT_OPEN))
        s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static int crash_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    crash_sink_t *s = self;
    size_t n;

    s->api->batch_records(batch, &n);
    s->records += (int64_t)n;
    s->hung |= act(s, AT_WRITE);
    if (!s->hung)
        s->api->durable(s->ctx, ticket, SLUICE_OK, NULL, 0);
    return SLUICE_OK;
}

static int crash_flush(void *self) {
    crash_sink_t *s = self;

    if (!act(s, AT_FLUSH) && !s->hung)
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    return SLUICE_OK;
}

static int crash_close(void *self) {
    crash_sink_t *s = self;

    if (!act(s, AT_CLOSE) && !s->hung)
        s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .create = crash_create,
    .destroy = crash_destroy,
    .open = crash_open,
    .write = crash_write,
    .flush = crash_flush,
    .close = crash_close,
};

TEST_SINK_MODULE("crash", "Test: segfault, abort, exit, spin, leak or hang.");
