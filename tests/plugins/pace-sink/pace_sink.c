/*
 * pace-sink: a target of any speed whose content can be compared with a model. Each record appends
 * its position as a decimal number to `file`; a batch is durable once its lines are written. `pace`
 * is the time between two such writes, each of all that waits; `behind` delays the first of this
 * incarnation; `buffer` gives the batches' memory back before they are durable; `fail` is how many
 * per cent of the writes end NOT_CONNECTED, or as RETRY, with nothing written.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugins/common/testsink.h"

#define WAITING_MAX 256

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "Appended to."},
    {.name = "pace", .type = SLUICE_OPT_DURATION, .default_text = "1", .doc = "Between writes."},
    {.name = "behind", .type = SLUICE_OPT_DURATION, .default_text = "0", .doc = "First write."},
    {.name = "buffer",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .doc = "Release early."},
    {.name = "fail", .type = SLUICE_OPT_INT, .default_text = "0", .doc = "Per cent."},
};

typedef struct waiting {
    sluice_ticket_t *ticket;
    char *text; /* the lines */
    size_t len;
} waiting_t;

typedef struct pace_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int fd;
    waiting_t waiting[WAITING_MAX];
    size_t count;
    int timer_on;
    int first;
    int full;
    int flushing;
    int broken;
    unsigned seed;
} pace_sink_t;

static int pace_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    pace_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->fd = -1;
    s->first = 1;
    s->seed = (unsigned)api->tick_ns(ctx);
    *self = s;
    return SLUICE_OK;
}

static void pace_destroy(void *self) {
    pace_sink_t *s = self;

    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

/* A kill in the middle of a write leaves half a line. */
static int drop_half_line(int fd) {
    char text[64];
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = size > (off_t)sizeof(text) ? size - (off_t)sizeof(text) : 0;
    ssize_t n = pread(fd, text, sizeof(text), from);

    while (n > 0 && text[n - 1] != '\n')
        n--;
    return n >= 0 ? ftruncate(fd, from + n) : -1;
}

static int pace_open(void *self) {
    pace_sink_t *s = self;

    s->fd = open(s->api->config_text(s->ctx, "file"), O_RDWR | O_CREAT | O_APPEND, 0600);
    if (s->fd < 0 || drop_half_line(s->fd) != 0)
        return s->api->fail(s->ctx, SLUICE_FATAL, "pace.open", "cannot open the file");
    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

static void end_all(pace_sink_t *s, int status, int write_them) {
    size_t i, count = s->count;
    waiting_t ended[WAITING_MAX];

    memcpy(ended, s->waiting, count * sizeof(ended[0]));
    s->count = 0;
    for (i = 0; i < count; i++) {
        int result = status;
        if (write_them && write(s->fd, ended[i].text, ended[i].len) != (ssize_t)ended[i].len)
            result = SLUICE_FATAL;
        free(ended[i].text);
        s->api->durable(s->ctx, ended[i].ticket, result, NULL, 0);
    }
}

static void on_timer(void *arg) {
    pace_sink_t *s = arg;
    int draw = (int)((s->seed = s->seed * 1664525u + 1013904223u) >> 8) % 100;

    s->timer_on = 0;
    if (draw < (int)s->api->config_int(s->ctx, "fail")) {
        int status = draw % 2 == 0 ? SLUICE_NOT_CONNECTED : SLUICE_RETRY;
        s->broken = status == SLUICE_NOT_CONNECTED;
        (void)s->api->fail(s->ctx, status, "pace.fail", "the test wants it");
        end_all(s, status, 0);
    } else {
        end_all(s, SLUICE_OK, 1);
    }
    if (s->flushing)
        s->api->complete(s->ctx, SLUICE_OP_FLUSH, SLUICE_OK);
    s->flushing = 0;
    if (s->full)
        s->api->ready(s->ctx);
    s->full = 0;
}

static void start_timer(pace_sink_t *s) {
    int64_t ms = s->api->config_int(s->ctx, s->first ? "behind" : "pace");

    if (s->timer_on)
        return;
    s->first = 0;
    s->timer_on = s->api->timer_start(s->ctx, (uint64_t)ms, 0, on_timer, s) != NULL;
}

/* Text of the batch's positions; NULL: out of memory. */
static char *lines_of(pace_sink_t *s, sluice_batch_t *batch, size_t *len) {
    size_t i, n;
    const sluice_record_t *r = s->api->batch_records(batch, &n);
    char *text = malloc(n * 24 + 1);

    *len = 0;
    for (i = 0; i < n && text != NULL; i++)
        *len += (size_t)sprintf(text + *len, "%llu\n",
                                (unsigned long long)sluice_get_be64(r[i].position.bytes));
    return text;
}

static int pace_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    pace_sink_t *s = self;
    waiting_t *w = &s->waiting[s->count];

    if (s->broken)
        return SLUICE_NOT_CONNECTED;
    if (s->count == WAITING_MAX) {
        s->full = 1;
        return SLUICE_BUSY;
    }
    w->ticket = ticket;
    w->text = lines_of(s, batch, &w->len);
    if (w->text == NULL)
        return SLUICE_NO_MEMORY;
    s->count++;
    if (s->api->config_int(s->ctx, "buffer"))
        s->api->released(s->ctx, ticket);
    start_timer(s);
    return SLUICE_OK;
}

static int pace_flush(void *self) {
    pace_sink_t *s = self;

    s->flushing = 1;
    s->first = 0;
    start_timer(s);
    return SLUICE_OK;
}

static int pace_close(void *self) {
    pace_sink_t *s = self;

    end_all(s, SLUICE_CANCELLED, 0);
    s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .create = pace_create,
    .destroy = pace_destroy,
    .open = pace_open,
    .write = pace_write,
    .flush = pace_flush,
    .close = pace_close,
};

TEST_SINK_MODULE("pace-sink", "Test: a target of any speed.");
