/*
 * A source for tests of supervision: it counts, a record a tick, and after some ticks misbehaves as
 * its configuration asks: crashes, leaks, spins, exits or fails.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sluice/plugin.h"

#ifndef MISBEHAVE_VERSION
#define MISBEHAVE_VERSION "1.0.0"
#endif

typedef struct misbehave {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_timer_t *timer;
    uint32_t partition;
    int64_t next;
    int64_t ticks;
} misbehave_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    misbehave_t *m = calloc(1, sizeof *m);

    if (m == NULL)
        return SLUICE_NO_MEMORY;
    m->api = api;
    m->ctx = ctx;
    *self = m;
    return SLUICE_OK;
}

static void destroy(void *self) {
    free(self);
}

static void leak(void) {
    int i;
    for (i = 0; i < 8; i++) {
        char *p = malloc(1 << 20);
        if (p != NULL)
            memset(p, 1, 1 << 20);
    }
}

/* Dies of the signal itself: past the handlers of sanitizers, which intercept signal(). */
static void die(int number) {
    unsigned long plain[4] = {0, 0, 0, 0};
    syscall(SYS_rt_sigaction, number, plain, NULL, 8);
    raise(number);
}

static void misbehave(misbehave_t *m, const char *how) {
    if (strcmp(how, "segv") == 0)
        die(SIGSEGV);
    if (strcmp(how, "abort") == 0)
        die(SIGABRT);
    if (strcmp(how, "exit") == 0)
        _exit(3);
    if (strcmp(how, "leak") == 0)
        leak();
    while (strcmp(how, "spin") == 0)
        __asm__ volatile("");
    if (strcmp(how, "fail") == 0)
        m->api->broken(m->ctx, m->api->fail(m->ctx, SLUICE_FATAL, "misbehave.asked",
                                            "it was asked to fail at record %lld",
                                            (long long)m->next));
}

static void on_tick(void *self) {
    misbehave_t *m = self;
    const char *how = m->api->config_text(m->ctx, "how");
    sluice_credit_t credit = m->api->credit(m->ctx);
    sluice_batch_t *batch;
    sluice_record_t *r;

    if (m->ticks++ >= m->api->config_int(m->ctx, "after") && strcmp(how, "run") != 0) {
        misbehave(m, how);
        return; /* no progress any more */
    }
    if (credit.records <= 0 || (batch = m->api->batch_new(m->ctx, 256)) == NULL)
        return;
    r = m->api->batch_add(batch);
    r->topic = m->api->batch_copy(batch, sluice_str("t"));
    r->source_partition = m->partition;
    r->value = sluice_int(SLUICE_INT64, m->next);
    r->position.len = 8;
    sluice_put_be64(r->position.bytes, (uint64_t)m->next++);
    m->api->emit(m->ctx, batch);
}

static int open_source(void *self) {
    misbehave_t *m = self;
    sluice_position_t position;
    sluice_str_t offset;

    m->partition = m->api->source_partition(m->ctx, sluice_str("{}"));
    m->next = 1;
    if (m->api->stored_position(m->ctx, m->partition, &position, &offset) && position.len == 8)
        m->next = (int64_t)sluice_get_be64(position.bytes) + 1;
    m->timer = m->api->timer_start(m->ctx, 10, 10, on_tick, m);
    if (m->timer == NULL)
        return SLUICE_NO_MEMORY;
    m->api->log(m->ctx, SLUICE_LOG_INFO, "starting at %lld, version %s", (long long)m->next,
                MISBEHAVE_VERSION);
    m->api->complete(m->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static int close_source(void *self) {
    misbehave_t *m = self;

    m->api->timer_stop(m->ctx, m->timer);
    m->api->complete(m->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    {.name = "how", .default_text = "run",
     .doc = "segv, abort, exit, leak, spin, fail; run does nothing bad"},
    {.name = "after", .type = SLUICE_OPT_INT, .default_text = "20", .doc = "ticks of 10 ms before"},
    {.name = "secret", .type = SLUICE_OPT_PASSWORD, .doc = "to see whether it shows"},
};
static const sluice_source_t source = {
    .size = sizeof(source), .create = create, .destroy = destroy, .open = open_source,
    .close = close_source,
};
static const sluice_plugin_t plugins[] = {
    {.size = sizeof(plugins[0]), .kind = SLUICE_SOURCE, .name = "misbehave",
     .summary = "Misbehaves on request", .options = options, .option_count = 3,
     .option_size = sizeof(options[0]), .source = &source},
};

SLUICE_DEFINE_MODULE("misbehave", MISBEHAVE_VERSION, "Apache-2.0", plugins);
