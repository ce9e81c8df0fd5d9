/*
 * The file-stream source: Kafka Connect's FileStreamSource.
 *
 * The lines of a file, or of standard input, are records; a line whose end is not there yet waits
 * for it, and so does a file that is not there. A record's position is the byte behind its line, or
 * for standard input the number of bytes taken since the connector was made: so positions of a
 * stream that cannot be read again still only grow. Users see an offset only of files.
 *
 * One thing is under way at a time: a read on a helper thread, or a timer, or the wait for credit.
 */
#include <errno.h>
#include <stdlib.h>

#include "lines.h"
#include "offsets.h"
#include "support/utf8.h"

#define CONNECT_FAULT "org.apache.kafka.connect.errors.ConnectException"

enum { IDLE_MS = 250, MISSING_MS = 1000 };

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "Source filename. If not specified, the standard input will be used"},
    {.name = "topic",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED | SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_HIGH,
     .doc = "The topic to publish data to"},
    {.name = "batch.size",
     .type = SLUICE_OPT_INT,
     .default_text = "2000",
     .flags = SLUICE_OPT_UNGROUPED,
     .importance = SLUICE_LOW,
     .doc = "The maximum number of records the source task can read from the file each time it is "
            "polled"},
    {.name = "line.max.bytes",
     .type = SLUICE_OPT_BYTES,
     .default_text = "64m",
     .flags = SLUICE_OPT_RANGE | SLUICE_OPT_HIDDEN,
     .min = 1,
     .max = 1 << 30,
     .importance = SLUICE_LOW,
     .doc = "A longer line is an error."},
};

typedef struct stream {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    input_t input;
    sluice_str_t topic;
    int64_t batch_records;
    const sluice_schema_t *schema;
    uint32_t partition;
    sluice_timer_t *timer;
    int reading;
    int waiting; /* for credit */
    int warned;  /* that there is no file */
    int paused;
    int closing;
    int broken;
} stream_t;

static int stream_check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *topic = api->config_text(ctx, "topic");

    if (topic != NULL && *topic == '\0')
        api->config_error(
            ctx, "topic", "Invalid value  for configuration topic: String must be non-empty");
    return SLUICE_OK;
}

static void stream_destroy(void *self) {
    stream_t *s = self;

    input_fini(&s->input);
    s->api->schema_unref(s->schema);
    free(s);
}

static int stream_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    sluice_schema_t text = {.size = sizeof(text), .type = SLUICE_STRING};
    const char *path = api->config_text(ctx, "file");
    stream_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->topic = sluice_str(api->config_text(ctx, "topic"));
    s->batch_records = api->config_int(ctx, "batch.size");
    input_init(&s->input, path != NULL && *path != '\0' ? path : NULL,
               (size_t)api->config_int(ctx, "line.max.bytes"));
    s->schema = api->schema_intern(&text);
    if (s->schema == NULL) {
        stream_destroy(s);
        return SLUICE_NO_MEMORY;
    }
    *self = s;
    return SLUICE_OK;
}

/* ---- records ---- */

/* The line as Java decodes it. */
static sluice_str_t text_of(stream_t *s, sluice_batch_t *batch, sluice_str_t line) {
    sluice_buf_t buf;

    if (utf8_is_valid(line))
        return s->api->batch_copy(batch, line);
    s->api->buf_init(&buf, batch, line.len);
    utf8_mend(line, UTF8_REPLACEMENT, &buf);
    return s->api->buf_finish(&buf);
}

static int add_line(stream_t *s, sluice_batch_t *batch, sluice_str_t line, int64_t end) {
    sluice_str_t text = text_of(s, batch, line);
    sluice_record_t *r = text.data == NULL ? NULL : s->api->batch_add(batch);

    if (r == NULL)
        return SLUICE_NO_MEMORY;
    r->topic = s->topic;
    r->source_partition = s->partition;
    r->timestamp = s->api->now_ms(s->ctx);
    r->timestamp_type = SLUICE_TIMESTAMP_CREATE;
    r->value = sluice_text(SLUICE_STRING, text);
    r->value_schema = s->schema;
    r->position.len = 8;
    sluice_put_be64(r->position.bytes, (uint64_t)end);
    return SLUICE_OK;
}

/* As many of the lines in the buffer as may go now: how many, or an error. */
static int64_t add_lines(stream_t *s, sluice_batch_t *batch, size_t *used) {
    int64_t limit = s->api->credit(s->ctx).records, n = 0;
    sluice_str_t line;
    size_t size;

    if (limit > s->batch_records)
        limit = s->batch_records;
    for (*used = 0; (n == 0 || n < limit) && input_line(&s->input, *used, &line, &size); n++) {
        *used += size;
        if (add_line(s, batch, line, s->input.offset + (int64_t)*used) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
    }
    return n;
}

/* 1: lines went out. 0: there is no whole one. */
static int emit_lines(stream_t *s) {
    sluice_batch_t *batch = s->api->batch_new(s->ctx, 0);
    size_t used = 0;
    int64_t n;

    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    s->topic = s->api->batch_copy(batch, sluice_str(s->api->config_text(s->ctx, "topic")));
    n = s->topic.data == NULL ? SLUICE_NO_MEMORY : add_lines(s, batch, &used);
    if (n <= 0) {
        s->api->batch_unref(batch);
        return (int)n;
    }
    input_take(&s->input, used);
    if (s->api->emit(s->ctx, batch) == SLUICE_BUSY)
        s->waiting = 1;
    return 1;
}

/* The position is what the offset says: there is nothing private. */
static int stream_offset_json(void *self, const sluice_position_t *position, sluice_str_t offset,
                              sluice_buf_t *out) {
    stream_t *s = self;

    (void)offset;
    sluice_buf_put_str(out, sluice_str("{\"position\":"));
    if (s->input.path == NULL || position->len != 8)
        sluice_buf_put_str(out, sluice_str("null"));
    else
        s->api->json->write_int(out, (int64_t)sluice_get_be64(position->bytes));
    sluice_buf_put_char(out, '}');
    return out->status;
}

/* ---- reading on ---- */

static void go_on(stream_t *s);

static void break_off(stream_t *s, int status) {
    s->broken = 1;
    s->api->broken(s->ctx, status);
}

static void on_timer(void *self) {
    stream_t *s = self;

    s->timer = NULL;
    go_on(s);
}

static void wait_for(stream_t *s, uint64_t ms) {
    s->timer = s->api->timer_start(s->ctx, ms, 0, on_timer, s);
    if (s->timer == NULL)
        break_off(s, s->api->fail(s->ctx, SLUICE_RETRY, "file.memory", "no memory for a timer"));
}

static void wait_for_file(stream_t *s) {
    if (!s->warned)
        s->api->log(s->ctx, SLUICE_LOG_WARN,
                    "Couldn't find file %s for FileStreamSourceTask, sleeping to wait for it to be "
                    "created",
                    s->input.path);
    s->warned = 1;
    wait_for(s, MISSING_MS);
}

static int fail_reading(stream_t *s) {
    const char *path = s->input.path != NULL ? s->input.path : "stdin";
    int error = s->input.error;

    if (error == ENOMEM)
        return s->api->fail(s->ctx, SLUICE_RETRY, "file.memory", "no memory to read %s", path);
    if (error == EACCES)
        return s->api->fail(s->ctx, SLUICE_FATAL, CONNECT_FAULT,
                            "java.nio.file.AccessDeniedException: %s", path);
    return s->api->fail(s->ctx, SLUICE_FATAL, CONNECT_FAULT,
                        "java.nio.file.FileSystemException: %s: %s", path, strerror(error));
}

static void after_read(stream_t *s) {
    if (s->input.error == ENOENT)
        wait_for_file(s);
    else if (s->input.error != 0)
        break_off(s, fail_reading(s));
    else if (s->input.read > 0)
        go_on(s);
    else if (input_is_too_long(&s->input))
        break_off(s, s->api->fail(s->ctx, SLUICE_FATAL, CONNECT_FAULT,
                                  "%s: the line at byte %lld is longer than line.max.bytes (%zu)",
                                  s->input.path != NULL ? s->input.path : "stdin",
                                  (long long)s->input.offset, s->input.line_max));
    else
        wait_for(s, IDLE_MS);
}

static void on_read(void *self) {
    stream_t *s = self;

    s->reading = 0;
    if (s->closing)
        s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    else if (!s->paused || s->input.error != 0)
        after_read(s);
}

static void read_work(void *self) {
    input_read(&((stream_t *)self)->input);
}

static void read_more(stream_t *s) {
    s->reading = s->api->offload(s->ctx, read_work, on_read, s) == SLUICE_OK;
    if (!s->reading)
        break_off(s, s->api->fail(s->ctx, SLUICE_RETRY, "file.memory",
                                  "no memory for a helper thread"));
}

static void go_on(stream_t *s) {
    sluice_credit_t credit;
    int n = 1;

    while (n > 0) {
        if (s->reading || s->timer != NULL || s->broken || s->closing || s->paused || s->waiting)
            return;
        credit = s->api->credit(s->ctx);
        s->waiting = credit.records <= 0 || credit.bytes <= 0;
        if (!s->waiting)
            n = emit_lines(s);
    }
    if (n < 0)
        break_off(s, s->api->fail(s->ctx, SLUICE_RETRY, "file.memory", "no memory for records"));
    else
        read_more(s);
}

/* ---- life ---- */

/* The number of {"position": n}; 0 when there is none. */
static int read_offset(stream_t *s, sluice_batch_t *scratch, sluice_str_t offset, int64_t *out) {
    sluice_value_t map;
    uint32_t i;

    *out = 0;
    if (offset.data == NULL ||
        s->api->json->parse(scratch, offset, 0, &map, NULL) != SLUICE_OK || map.kind != SLUICE_MAP)
        return SLUICE_OK;
    for (i = 0; i < map.len; i++) {
        const sluice_value_t *key = &map.as.items[2 * i], *n = key + 1;
        if (!sluice_str_eq(sluice_value_str(key), sluice_str("position")) || sluice_is_null(n))
            continue;
        if (n->kind != SLUICE_INT64)
            return s->api->fail(s->ctx, SLUICE_FATAL, CONNECT_FAULT,
                                "Offset position is the incorrect type");
        *out = sluice_value_int(n) < 0 ? 0 : sluice_value_int(n);
    }
    return SLUICE_OK;
}

static int find_start(stream_t *s, sluice_batch_t *scratch) {
    sluice_position_t position;
    sluice_str_t offset;

    if (!s->api->stored_position(s->ctx, s->partition, &position, &offset))
        return SLUICE_OK;
    if (s->input.path != NULL)
        return read_offset(s, scratch, offset, &s->input.offset);
    if (position.len == 8)
        s->input.offset = (int64_t)sluice_get_be64(position.bytes);
    return SLUICE_OK;
}

static sluice_str_t partition_json(stream_t *s, sluice_batch_t *scratch) {
    sluice_buf_t buf;

    s->api->buf_init(&buf, scratch, 0);
    sluice_buf_put_str(&buf, sluice_str("{\"filename\":"));
    if (s->input.path != NULL)
        s->api->json->write_string(&buf, sluice_str(s->input.path));
    else
        sluice_buf_put_str(&buf, sluice_str("null"));
    sluice_buf_put_char(&buf, '}');
    return s->api->buf_finish(&buf);
}

static int stream_open(void *self) {
    stream_t *s = self;
    sluice_batch_t *scratch = s->api->batch_new(s->ctx, 0);
    sluice_str_t partition;
    int status = SLUICE_NO_MEMORY;

    if (scratch == NULL)
        return status;
    partition = partition_json(s, scratch);
    if (partition.data != NULL) {
        s->partition = s->api->source_partition(s->ctx, partition);
        status = find_start(s, scratch);
    }
    s->api->batch_unref(scratch);
    if (status != SLUICE_OK)
        return status;
    s->api->complete(s->ctx, SLUICE_OP_OPEN, SLUICE_OK);
    go_on(s);
    return SLUICE_OK;
}

static void stream_on_credit(void *self) {
    stream_t *s = self;

    s->waiting = 0;
    go_on(s);
}

static void stream_pause(void *self) {
    ((stream_t *)self)->paused = 1;
}

static void stream_resume(void *self) {
    stream_t *s = self;

    s->paused = 0;
    go_on(s);
}

static int stream_close(void *self) {
    stream_t *s = self;

    s->closing = 1;
    if (s->timer != NULL)
        s->api->timer_stop(s->ctx, s->timer);
    s->timer = NULL;
    if (!s->reading)
        s->api->complete(s->ctx, SLUICE_OP_CLOSE, SLUICE_OK);
    return SLUICE_OK;
}

static const sluice_source_t source = {
    .size = sizeof(source),
    .create = stream_create,
    .destroy = stream_destroy,
    .open = stream_open,
    .on_credit = stream_on_credit,
    .pause = stream_pause,
    .resume = stream_resume,
    .offset_json = stream_offset_json,
    .close = stream_close,
    .alter_offsets = file_alter_offsets,
};

static const char *const aliases[] = {
    "org.apache.kafka.connect.file.FileStreamSourceConnector",
    "FileStreamSourceConnector",
    "FileStreamSource",
    NULL,
};

static const sluice_plugin_t plugins[] = {
    {
        .size = sizeof(sluice_plugin_t),
        .kind = SLUICE_SOURCE,
        .name = "file-stream",
        .aliases = aliases,
        .summary = "Lines of a file or of standard input, as Kafka Connect's FileStreamSource.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_size = sizeof(sluice_option_t),
        .check = stream_check,
        .source = &source,
        .task_class = "org.apache.kafka.connect.file.FileStreamSourceTask",
    },
};

SLUICE_DEFINE_MODULE("file-stream-source", SLUICE_VERSION, "Apache-2.0", plugins);
