/*
 * A source, as small as can be: it counts. Each tick emits some records; a restart goes on where
 * the pipeline had got to. Shows credit, positions, user-visible offsets, pause and close.
 */
#include <stdlib.h>
#include "sluice/plugin.h"

typedef struct counter {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    sluice_timer_t *timer;
    uint32_t partition;
    int64_t next;
    int paused;
} counter_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    counter_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return SLUICE_NO_MEMORY;
    c->api = api;
    c->ctx = ctx;
    *self = c;
    return SLUICE_OK;
}

static void destroy(void *self) {
    free(self);
}

/* One record, its position and its offset {"n":..}; 0, or an error when memory is out. */
static int add_record(counter_t *c, sluice_batch_t *batch) {
    const sluice_api_t *api = c->api;
    sluice_record_t *r = api->batch_add(batch);
    sluice_buf_t offset;

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    r->topic = api->batch_copy(batch, sluice_str(api->config_text(c->ctx, "topic")));
    r->source_partition = c->partition;
    r->value = sluice_int(SLUICE_INT64, c->next);
    r->position.len = 8;
    sluice_put_be64(r->position.bytes, (uint64_t)c->next);
    api->buf_init(&offset, batch, 32);
    sluice_buf_put_str(&offset, sluice_str("{\"n\":"));
    api->json->write_int(&offset, c->next);
    sluice_buf_put_char(&offset, '}');
    r->offset = api->buf_finish(&offset);
    return r->topic.data != NULL && r->offset.data != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static void on_tick(void *self) {
    counter_t *c = self;
    sluice_credit_t credit = c->api->credit(c->ctx);
    int64_t i, first = c->next, n = c->api->config_int(c->ctx, "records");
    sluice_batch_t *batch;
    int status = SLUICE_OK;

    if (c->paused || credit.records <= 0 || credit.bytes <= 0)
        return;
    batch = c->api->batch_new(c->ctx, 1024);
    if (batch == NULL)
        return; /* the next tick tries again */
    for (i = 0; i < n && i < credit.records && status == SLUICE_OK; i++, c->next++)
        status = add_record(c, batch);
    if (status == SLUICE_OK) {
        c->api->emit(c->ctx, batch); /* takes the batch */
    } else {
        c->api->batch_unref(batch);
        c->next = first;
    }
}

/* Where to begin: after the stored position, or after the offset that a user has set. */
static int64_t first_number(counter_t *c) {
    sluice_position_t position;
    sluice_str_t offset;
    sluice_value_t v;
    sluice_batch_t *arena;
    int64_t n = 1;

    if (!c->api->stored_position(c->ctx, c->partition, &position, &offset))
        return 1;
    if (position.len == 8)
        return (int64_t)sluice_get_be64(position.bytes) + 1;
    arena = c->api->batch_new(c->ctx, 0);
    if (arena != NULL && c->api->json->parse(arena, offset, 0, &v, NULL) == SLUICE_OK &&
        v.kind == SLUICE_MAP && v.len == 1 && v.as.items[1].kind == SLUICE_INT64)
        n = sluice_value_int(&v.as.items[1]) + 1;
    c->api->batch_unref(arena);
    return n;
}

static int open_counter(void *self) {
    counter_t *c = self;
    uint64_t ms = (uint64_t)c->api->config_int(c->ctx, "interval");

    c->partition = c->api->source_partition(c->ctx, sluice_str("{\"counter\":\"one\"}"));
    c->next = first_number(c);
    c->timer = c->api->timer_start(c->ctx, ms, ms, on_tick, c);
    if (c->timer == NULL)
        return c->api->fail(c->ctx, SLUICE_NO_MEMORY, "counter.memory", "no memory for a timer");
    c->api->complete(c->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static void pause_counter(void *self) {
    ((counter_t *)self)->paused = 1;
}

static void resume_counter(void *self) {
    ((counter_t *)self)->paused = 0;
}

static int close_counter(void *self) {
    counter_t *c = self;

    c->api->timer_stop(c->ctx, c->timer);
    c->api->complete(c->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    {.name = "topic", .default_text = "counter", .doc = "topic of the records"},
    {.name = "interval", .type = SLUICE_OPT_DURATION, .default_text = "100ms",
     .flags = SLUICE_OPT_RANGE, .min = 1, .max = 3600000, .doc = "time between ticks"},
    {.name = "records", .type = SLUICE_OPT_INT, .default_text = "10",
     .flags = SLUICE_OPT_RANGE, .min = 1, .max = 10000, .doc = "records a tick"},
};
static const sluice_source_t source = {
    .size = sizeof(source), .create = create, .destroy = destroy, .open = open_counter,
    .pause = pause_counter, .resume = resume_counter, .close = close_counter,
};
static const sluice_plugin_t plugins[] = {
    {.size = sizeof(plugins[0]), .kind = SLUICE_SOURCE, .name = "example-counter",
     .summary = "Counts: a minimal source", .options = options, .option_count = 3,
     .option_size = sizeof(options[0]), .source = &source},
};

SLUICE_DEFINE_MODULE("example-source", "1.0.0", "Apache-2.0", plugins);
