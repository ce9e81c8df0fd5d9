/*
 * A small source that breaks one rule each, by a definition (what the conformance suite must find),
 * or is good and older than the host.
 */
#include <stdlib.h>
#include "sluice/plugin.h"

typedef struct fixture {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_timer_t *timer;
    uint32_t partition;
    uint64_t next;
    int paused;
} fixture_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    fixture_t *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return SLUICE_NO_MEMORY;
    f->api = api;
    f->ctx = ctx;
    *self = f;
    return SLUICE_OK;
}

static int may_emit(const fixture_t *f) {
#if defined(SOURCE_NO_CREDIT) || defined(SOURCE_LATE)
    return !f->paused;
#elif defined(SOURCE_NO_PAUSE)
    return 1;
#else
    return !f->paused && f->api->credit(f->ctx).records > 0;
#endif
}

static void on_tick(void *self) {
    fixture_t *f = self;
    sluice_batch_t *batch = may_emit(f) ? f->api->batch_new(f->ctx, 0) : NULL;
    sluice_record_t *r = batch != NULL ? f->api->batch_add(batch) : NULL;

    if (r == NULL) {
        f->api->batch_unref(batch);
        return;
    }
    r->topic = sluice_str("fixture");
    r->source_partition = f->partition;
    r->offset = sluice_str("{}");
    r->value = sluice_int(SLUICE_INT64, (int64_t)f->next);
    r->position.len = 8;
#ifdef SOURCE_BACKWARDS
    sluice_put_be64(r->position.bytes, 1000 - f->next++);
#else
    sluice_put_be64(r->position.bytes, ++f->next);
#endif
    f->api->emit(f->ctx, batch);
}

static int open_fixture(void *self) {
    fixture_t *f = self;
    sluice_position_t position;
    sluice_str_t offset;

    f->partition = f->api->source_partition(f->ctx, sluice_str("{\"f\":1}"));
    if (f->api->stored_position(f->ctx, f->partition, &position, &offset) && position.len == 8)
        f->next = sluice_get_be64(position.bytes);
#ifdef SOURCE_FORGETS
    f->next = 0;
#endif
    f->timer = f->api->timer_start(f->ctx, 2, 2, on_tick, f);
    if (f->timer == NULL)
        return SLUICE_NO_MEMORY;
    f->api->complete(f->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static void pause_fixture(void *self) {
    ((fixture_t *)self)->paused = 1;
}

static void resume_fixture(void *self) {
    ((fixture_t *)self)->paused = 0;
}

static int close_fixture(void *self) {
    fixture_t *f = self;

#ifndef SOURCE_LATE
    f->api->timer_stop(f->ctx, f->timer);
#endif
    f->api->complete(f->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_source_t source = {
#ifdef GOOD_OLDER
    .size = offsetof(sluice_source_t, alter_offsets),
#else
    .size = sizeof(source),
#endif
    .create = create,
    .destroy = free,
    .open = open_fixture,
    .pause = pause_fixture,
    .resume = resume_fixture,
    .close = close_fixture,
};

#ifdef GOOD_OLDER
/* The table as version 1.0 had it: behind `plan` there is nothing that could be read. */
static _Alignas(sluice_source_t) char older[offsetof(sluice_source_t, alter_offsets)];
#define SOURCE ((const sluice_source_t *)(const void *)older)

__attribute__((constructor)) static void make_older(void) {
    memcpy(older, &source, sizeof(older));
}
#else
#define SOURCE (&source)
#endif

static const sluice_plugin_t plugins[] = {{.size = sizeof(sluice_plugin_t),
                                           .kind = SLUICE_SOURCE,
                                           .name = "fixture-source",
                                           .summary = "breaks a rule",
                                           .source = SOURCE}};

SLUICE_DEFINE_MODULE("fixture-source", "1.0.0", "Apache-2.0", plugins);
