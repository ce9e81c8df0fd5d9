/*
 * The file-stream sink: Kafka Connect's FileStreamSink. A record is a line with the text that
 * Java's toString makes of its value.
 *
 * All work with the file is in support/appendfile. The file is never shortened when it is opened,
 * since Kafka's leaves alone what others wrote to it.
 */
#include <stdlib.h>

#include "sluice/plugin.h"
#include "support/appendfile.h"
#include "support/heapbuf.h"
#include "support/java.h"
#include "support/utf8.h"

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Destination filename. If not specified, the standard output will be used"},
};

typedef struct stream_sink {
    const sluice_api_t *api;
    append_file_t file;
} stream_sink_t;

static int open_failed(const append_file_t *a) {
    return a->api->fail(
        a->ctx, SLUICE_FATAL, "org.apache.kafka.connect.errors.ConnectException",
        "Couldn't find or create file '%s' for FileStreamSinkTask\n\tat opening the file: %s",
        a->path, strerror(a->error));
}

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    const char *path = api->config_text(ctx, "file");
    stream_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    if (path == NULL || *path == '\0')
        path = APPEND_STDOUT;
    else if (strcmp(path, APPEND_STDOUT) == 0)
        path = "./" APPEND_STDOUT; /* a file of that name is meant */
    append_init(&s->file, api, ctx, path, 1);
    s->file.keep_end = 1;
    s->file.open_failed = open_failed;
    *self = s;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    stream_sink_t *s = self;

    append_fini(&s->file);
    free(s);
}

static int sink_open(void *self) {
    return append_open(&((stream_sink_t *)self)->file);
}

/* Java's encoder writes a question mark for half a surrogate pair. */
static void mend_from(sluice_buf_t *buf, size_t start) {
    sluice_buf_t copy;

    heapbuf_init(&copy);
    sluice_buf_put(&copy, buf->data + start, buf->len - start);
    if (copy.status == SLUICE_OK) {
        buf->len = start;
        utf8_mend(sluice_str_n(copy.data, copy.len), "?", buf);
    } else {
        buf->status = copy.status;
    }
    heapbuf_fini(&copy);
}

static int put_record(void *self, sluice_buf_t *buf, const sluice_record_t *r) {
    stream_sink_t *s = self;
    size_t start = buf->len;

    java_write(s->api, buf, &r->value);
    if (buf->status == SLUICE_OK &&
        !utf8_is_valid(sluice_str_n(buf->data + start, buf->len - start)))
        mend_from(buf, start);
    sluice_buf_put_char(buf, '\n');
    return buf->status;
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    static const append_writer_t writer = {.put_record = put_record};

    return append_write(&((stream_sink_t *)self)->file, &writer, self, batch, ticket);
}

static int sink_flush(void *self) {
    return append_flush(&((stream_sink_t *)self)->file);
}

static int sink_close(void *self) {
    return append_close(&((stream_sink_t *)self)->file);
}

/* The sink keeps no offsets of its own: whatever a user sets is all that there is. */
static int sink_alter_offsets(const sluice_api_t *api, sluice_ctx_t *ctx, sluice_str_t offsets) {
    (void)api;
    (void)ctx;
    (void)offsets;
    return 1;
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .create = sink_create,
    .destroy = sink_destroy,
    .open = sink_open,
    .write = sink_write,
    .flush = sink_flush,
    .close = sink_close,
    .alter_offsets = sink_alter_offsets,
};

static const char *const aliases[] = {
    "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "FileStreamSinkConnector",
    "FileStreamSink",
    NULL,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SINK,
        .name = "file-stream",
        .aliases = aliases,
        .summary = "Lines of Java text in a file or standard output, as Kafka Connect's "
                   "FileStreamSink.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .sink = &sink,
        .task_class = "org.apache.kafka.connect.file.FileStreamSinkTask",
    },
};

SLUICE_DEFINE_MODULE("file-stream-sink", SLUICE_VERSION, "Apache-2.0", plugins);
