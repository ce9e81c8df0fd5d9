/*
 * The file sink: appends a line for each record, and calls a batch durable once it is on disk.
 *
 * All work with the file is in support/appendfile.
 */
#include <stdlib.h>
#include <string.h>

#include "sluice/plugin.h"
#include "support/appendfile.h"
#include "support/filelook.h"
#include "support/recordjson.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_RECORD };

static const char *const formats[] = {"text", "json", "record", NULL};
static const char *const file_aliases[] = {"path", NULL};
/* a connector.class names no kind */
static const char *const plugin_aliases[] = {"file-sink", NULL};

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .aliases = file_aliases,
     .importance = SLUICE_HIGH,
     .doc = "The file to append to; - is standard output."},
    {.name = "format",
     .type = SLUICE_OPT_ENUM,
     .values = formats,
     .default_text = "text",
     .importance = SLUICE_HIGH,
     .doc = "A line is: text: the value, strings as they are, others as JSON. json: the value as "
            "JSON. record: topic, key, value, headers, timestamp and position as a JSON object."},
    {.name = "fsync",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .importance = SLUICE_MEDIUM,
     .doc = "Records count as delivered once fdatasync has returned; else once they are written."},
};

typedef struct file_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    enum format format;
    append_file_t file;
} file_sink_t;

static int sink_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    file_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->format = (enum format)api->config_int(ctx, "format");
    append_init(&s->file, api, ctx, api->config_text(ctx, "file"),
                (int)api->config_int(ctx, "fsync"));
    *self = s;
    return SLUICE_OK;
}

static void sink_destroy(void *self) {
    file_sink_t *s = self;

    append_fini(&s->file);
    free(s);
}

static int sink_open(void *self) {
    return append_open(&((file_sink_t *)self)->file);
}

static int put_record(void *self, sluice_buf_t *buf, const sluice_record_t *r) {
    file_sink_t *s = self;
    int status = SLUICE_OK;

    if (s->format == FORMAT_RECORD)
        status = record_json_write(s->api, buf, r);
    else if (s->format == FORMAT_TEXT && r->value.kind == SLUICE_STRING)
        sluice_buf_put_str(buf, sluice_value_str(&r->value));
    else
        status = s->api->json->write(buf, &r->value, SLUICE_JSON_NUMERIC_DECIMAL);
    sluice_buf_put_char(buf, '\n');
    return status;
}

static int sink_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    static const append_writer_t writer = {.put_record = put_record};

    return append_write(&((file_sink_t *)self)->file, &writer, self, batch, ticket);
}

static int sink_flush(void *self) {
    return append_flush(&((file_sink_t *)self)->file);
}

static int sink_close(void *self) {
    return append_close(&((file_sink_t *)self)->file);
}

static int sink_probe(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *path = api->config_text(ctx, "file");
    int error = strcmp(path, APPEND_STDOUT) == 0 ? 0 : filelook_append(path);

    if (error != 0)
        api->config_error(ctx, "file",
                          "cannot open %s for appending: %s; name a file in a folder that is there "
                          "and that this user may write to",
                          path, strerror(error));
    return SLUICE_OK;
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
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SINK,
        .name = "file",
        .aliases = plugin_aliases,
        .summary = "Appends a line for each record to a file or standard output.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .probe = sink_probe,
        .sink = &sink,
    },
};

SLUICE_DEFINE_MODULE("file-sink", SLUICE_VERSION, "Apache-2.0", plugins);
