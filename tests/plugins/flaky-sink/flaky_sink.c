/*
 * flaky-sink: fails by a schedule, and appends what it took as lines "topic<TAB>JSON value" to a
 * file.
 *
 * The schedule is a list of steps, one for each write, over and over: ok, busy, retry,
 * not-connected, fatal, open (the next open fails). The file `schedule.file` keeps the place in it
 * over restarts. Besides, a record whose value has the member `bad.field` is a bad record. The
 * three plugins of this module differ in how they report it: flaky-sink (atomic),
 * flaky-sink-per-record, flaky-sink-prefix.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sluice/plugin.h"

enum { MAX_RESULTS = 4096 };

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .default_text = "/dev/null",
     .doc = "Where to append what was taken."},
    {.name = "schedule",
     .type = SLUICE_OPT_LIST,
     .default_text = "ok",
     .doc = "Steps, one for each write: ok, busy, retry, not-connected, fatal, open."},
    {.name = "schedule.file",
     .type = SLUICE_OPT_STRING,
     .doc = "Keeps the place in the schedule over restarts."},
    {.name = "bad.field",
     .type = SLUICE_OPT_STRING,
     .default_text = "bad",
     .doc = "A map with this key is a bad record."},
    {.name = "retry.after",
     .type = SLUICE_OPT_DURATION,
     .default_text = "0",
     .doc = "Told with a retry."},
};

typedef struct flaky_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    const char *const *steps;
    size_t step_count;
    size_t step;
    uint32_t mode;
    int fail_open;
    int fd;
    const char *place_file;
    sluice_timer_t *timer; /* after busy */
} flaky_sink_t;

static void load_place(flaky_sink_t *s) {
    FILE *f = s->place_file == NULL ? NULL : fopen(s->place_file, "r");

    if (f == NULL)
        return;
    if (fscanf(f, "%zu %d", &s->step, &s->fail_open) != 2)
        s->step = 0;
    fclose(f);
}

static void save_place(const flaky_sink_t *s) {
    FILE *f = s->place_file == NULL ? NULL : fopen(s->place_file, "w");

    if (f == NULL)
        return;
    fprintf(f, "%zu %d\n", s->step, s->fail_open);
    fclose(f);
}

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, uint32_t mode, void **self) {
    flaky_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->mode = mode;
    s->fd = -1;
    s->step_count = api->config_list(ctx, "schedule", &s->steps);
    s->place_file = api->config_text(ctx, "schedule.file");
    load_place(s);
    *self = s;
    return SLUICE_OK;
}

static int create_atomic(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    return create(api, ctx, SLUICE_ATOMIC, self);
}

static int create_per_record(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    return create(api, ctx, SLUICE_PER_RECORD, self);
}

static int create_prefix(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    return create(api, ctx, SLUICE_PREFIX, self);
}

static void flaky_destroy(void *self) {
    flaky_sink_t *s = self;

    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static int flaky_open(void *self) {
    flaky_sink_t *s = self;
    int status = SLUICE_OK;

    s->fd =
        open(s->api->config_text(s->ctx, "file"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (s->fd < 0 || s->fail_open)
        status = s->api->fail(s->ctx, SLUICE_RETRY, "flaky.open", "open fails by schedule");
    s->fail_open = 0;
    save_place(s);
    s->api->complete(s->ctx, SLUICE_OP_OPEN, status);
    return SLUICE_OK;
}

static int is_bad(const flaky_sink_t *s, const sluice_record_t *r) {
    sluice_str_t name = sluice_str(s->api->config_text(s->ctx, "bad.field"));
    uint32_t i;

    for (i = 0; r->value.kind == SLUICE_MAP && i < r->value.len; i++)
        if (r->value.as.items[2 * i].kind == SLUICE_STRING &&
            sluice_str_eq(sluice_value_str(&r->value.as.items[2 * i]), name))
            return 1;
    return 0;
}

static void keep(flaky_sink_t *s, const sluice_record_t *r) {
    sluice_batch_t *scratch = s->api->batch_new(s->ctx, 0);
    sluice_str_t text;
    sluice_buf_t buf;

    if (scratch == NULL)
        return;
    s->api->buf_init(&buf, scratch, 0);
    sluice_buf_put_str(&buf, r->topic);
    sluice_buf_put_char(&buf, '\t');
    s->api->json->write(&buf, &r->value, SLUICE_JSON_NUMERIC_DECIMAL);
    sluice_buf_put_char(&buf, '\n');
    text = s->api->buf_finish(&buf);
    if (text.data != NULL && write(s->fd, text.data, text.len) != (ssize_t)text.len)
        s->api->log(s->ctx, SLUICE_LOG_ERROR, "write failed");
    s->api->batch_unref(scratch);
}

/* Delivers as the failure mode says: what is not bad is kept, but with ATOMIC all or nothing. */
static void deliver(flaky_sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    static sluice_result_t results[MAX_RESULTS];
    size_t n, i, kept, bad = 0;
    const sluice_record_t *records = s->api->batch_records(batch, &n);

    for (i = 0; i < n && bad < MAX_RESULTS; i++) {
        if (!is_bad(s, &records[i]))
            continue;
        results[bad++] = (sluice_result_t){.status = SLUICE_BAD_RECORD,
                                           .native_code = 42,
                                           .record = (uint32_t)i,
                                           .code = "flaky.bad",
                                           .message = "bad by configuration"};
    }
    kept = bad == 0 || s->mode == SLUICE_PER_RECORD ? n
           : s->mode == SLUICE_PREFIX               ? results[0].record
                                                    : 0;
    for (i = 0; i < kept; i++)
        if (!is_bad(s, &records[i]))
            keep(s, &records[i]);
    if (s->mode != SLUICE_PER_RECORD && bad > 1)
        bad = 1;
    s->api->durable(s->ctx, ticket, bad == 0 ? SLUICE_OK : SLUICE_BAD_RECORD, results, bad);
}

static void refuse(flaky_sink_t *s, sluice_ticket_t *ticket, int status) {
    sluice_result_t result = {.status = status, .code = "flaky.schedule", .message = "by schedule"};

    result.retry_after_ms = (uint32_t)s->api->config_int(s->ctx, "retry.after");
    s->api->durable(s->ctx, ticket, status, &result, 1);
}

static void on_ready(void *self) {
    flaky_sink_t *s = self;

    s->timer = NULL;
    s->api->ready(s->ctx);
}

static const char *next_step(flaky_sink_t *s) {
    const char *step = s->step_count == 0 ? "ok" : s->steps[s->step % s->step_count];

    s->step++;
    s->fail_open |= strcmp(step, "open") == 0;
    save_place(s);
    return step;
}

static int flaky_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    flaky_sink_t *s = self;
    const char *step;

    if (s->timer != NULL)
        return SLUICE_BUSY;
    step = next_step(s);
    if (strcmp(step, "busy") == 0) {
        s->timer = s->api->timer_start(s->ctx, 5, 0, on_ready, s);
        return SLUICE_BUSY;
    }
    if (strcmp(step, "retry") == 0)
        refuse(s, ticket, SLUICE_RETRY);
    else if (strcmp(step, "not-connected") == 0 || strcmp(step, "open") == 0)
        refuse(s, ticket, SLUICE_NOT_CONNECTED);
    else if (strcmp(step, "fatal") == 0)
        refuse(s, ticket, SLUICE_FATAL);
    else
        deliver(s, batch, ticket);
    return SLUICE_OK;
}

static int flaky_flush(void *self) {
    flaky_sink_t *s = self;

    s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    return SLUICE_OK;
}

static int flaky_close(void *self) {
    flaky_sink_t *s = self;

    if (s->timer != NULL)
        s->api->timer_stop(s->ctx, s->timer);
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

#define FLAKY(how, make)                                                                          \
    {                                                                                             \
        .size = sizeof(sluice_sink_t), .failure_mode = (how), .create = (make),                   \
        .destroy = flaky_destroy, .open = flaky_open, .write = flaky_write, .flush = flaky_flush, \
        .close = flaky_close,                                                                     \
    }

static const sluice_sink_t atomic_sink = FLAKY(SLUICE_ATOMIC, create_atomic);
static const sluice_sink_t per_record_sink = FLAKY(SLUICE_PER_RECORD, create_per_record);
static const sluice_sink_t prefix_sink = FLAKY(SLUICE_PREFIX, create_prefix);

#define PLUGIN(plugin_name, table)                                                   \
    {                                                                                \
        .size = sizeof(sluice_plugin_t), .kind = SLUICE_SINK, .name = (plugin_name), \
        .summary = "Test: fails by schedule.", .options = options,                   \
        .option_count = sizeof(options) / sizeof(options[0]),                        \
        .option_size = sizeof(sluice_option_t), .sink = (table),                     \
    }

static const sluice_plugin_t plugins[] = {
    PLUGIN("flaky-sink", &atomic_sink),
    PLUGIN("flaky-sink-per-record", &per_record_sink),
    PLUGIN("flaky-sink-prefix", &prefix_sink),
};

SLUICE_DEFINE_MODULE("flaky-sink", SLUICE_VERSION, "Apache-2.0", plugins);
