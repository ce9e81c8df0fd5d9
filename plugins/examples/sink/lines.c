/*
 * A sink, as small as can be: values as JSON, one a line, appended to a file. Shows the two steps
 * of a ticket: released once we own our copy, durable once the disk has it; and that what blocks
 * goes to a helper thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sluice/plugin.h"

typedef struct lines {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int fd;
    int failed;              /* errno of the helper thread */
    sluice_ticket_t *ticket; /* in flight; NULL: none */
    sluice_batch_t *arena;   /* of its text */
    sluice_str_t text;
    int closing;
} lines_t;

static int create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    lines_t *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return SLUICE_NO_MEMORY;
    *(lines_t *)(*self = l) = (lines_t){.api = api, .ctx = ctx, .fd = -1};
    return SLUICE_OK;
}

static void destroy(void *self) {
    lines_t *l = self;

    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

static int open_lines(void *self) {
    lines_t *l = self;
    const char *path = l->api->config_text(l->ctx, "path");

    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (l->fd < 0)
        return l->api->fail(l->ctx, SLUICE_FATAL, "lines.open",
                            "%s cannot be opened: %s. Change \"path\"", path, strerror(errno));
    l->api->complete(l->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    return SLUICE_OK;
}

/* All or nothing: what was written of a text that failed is cut off again. */
static void write_work(void *self) {
    lines_t *l = self;
    off_t before = lseek(l->fd, 0, SEEK_END);
    size_t done = 0;
    ssize_t n = 0;

    while (done < l->text.len && n >= 0)
        if ((n = write(l->fd, l->text.data + done, l->text.len - done)) > 0)
            done += (size_t)n;
    l->failed = n < 0 || fdatasync(l->fd) != 0 ? errno : 0;
    if (l->failed != 0 && ftruncate(l->fd, before) != 0)
        l->failed = errno;
}

static void write_done(void *self) {
    lines_t *l = self;
    sluice_ticket_t *ticket = l->ticket;
    sluice_result_t result = {.status = l->failed != 0 ? SLUICE_RETRY : SLUICE_OK,
                              .native_code = l->failed, .code = "lines.write",
                              .message = strerror(l->failed)};

    l->ticket = NULL;
    l->api->batch_unref(l->arena);
    l->api->durable(l->ctx, ticket, result.status, &result, l->failed != 0);
    if (l->closing)
        l->api->complete(l->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    else
        l->api->ready(l->ctx);
}

static int write_batch(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    lines_t *l = self;
    size_t count, i;
    const sluice_record_t *r = l->api->batch_records(batch, &count);
    sluice_buf_t buf;

    if (l->ticket != NULL)
        return SLUICE_BUSY;
    l->arena = l->api->batch_new(l->ctx, 4096);
    if (l->arena == NULL)
        return SLUICE_NO_MEMORY;
    l->api->buf_init(&buf, l->arena, 1024);
    for (i = 0; i < count; i++) {
        l->api->json->write(&buf, &r[i].value, SLUICE_JSON_NUMERIC_DECIMAL);
        sluice_buf_put_char(&buf, '\n');
    }
    l->text = l->api->buf_finish(&buf);
    if (buf.status != SLUICE_OK || l->api->offload(l->ctx, write_work, write_done, l) != 0) {
        l->api->batch_unref(l->arena);
        return SLUICE_NO_MEMORY;
    }
    l->ticket = ticket;
    l->api->released(l->ctx, ticket);
    return SLUICE_OK;
}

/* Nothing waits in a buffer of ours, so there is no flush. What is in flight ends before close. */
static int close_lines(void *self) {
    lines_t *l = self;

    l->closing = 1;
    if (l->ticket == NULL)
        l->api->complete(l->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_option_t options[] = {
    {.name = "path", .flags = SLUICE_OPT_REQUIRED, .doc = "file to append to; made when missing"},
};
static const sluice_sink_t sink = {
    .size = sizeof(sink), .failure_mode = SLUICE_ATOMIC, .max_in_flight = 1, .create = create,
    .destroy = destroy, .open = open_lines, .write = write_batch, .close = close_lines,
};
static const sluice_plugin_t plugins[] = {
    {.size = sizeof(plugins[0]), .kind = SLUICE_SINK, .name = "example-lines",
     .summary = "Values as lines of JSON in a file: a minimal sink", .options = options,
     .option_count = 1, .option_size = sizeof(options[0]), .sink = &sink},
};

SLUICE_DEFINE_MODULE("example-sink", "1.0.0", "Apache-2.0", plugins);
