/*
 * collect-sink: appends "position,sub,key,value" for each record, position in hexadecimal digits,
 * key and value as JSON, and calls a batch durable after fdatasync: the output that tests compare
 * with a model. With `marks` also "mark,partition,position,sub" after each batch, for empty ones
 * too.
 */
#include <stdlib.h>

#include "plugins/common/testsink.h"
#include "support/appendfile.h"
#include "support/position.h"
#include "support/recordjson.h"

static const sluice_option_t options[] = {
    {.name = "file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "The file to append to."},
    {.name = "fsync",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .doc = "fdatasync before a batch is durable."},
    {.name = "marks",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .doc = "Write the batches' marks, too."},
};

typedef struct collect_sink {
    const sluice_api_t *api;
    sluice_ctx_t *ctx;
    int marks;
    append_file_t file;
} collect_sink_t;

static int collect_create(const sluice_api_t *api, sluice_ctx_t *ctx, void **self) {
    collect_sink_t *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return SLUICE_NO_MEMORY;
    s->api = api;
    s->ctx = ctx;
    s->marks = (int)api->config_int(ctx, "marks");
    append_init(&s->file, api, ctx, api->config_text(ctx, "file"),
                (int)api->config_int(ctx, "fsync"));
    *self = s;
    return SLUICE_OK;
}

static void collect_destroy(void *self) {
    collect_sink_t *s = self;

    append_fini(&s->file);
    free(s);
}

static int collect_open(void *self) {
    return append_open(&((collect_sink_t *)self)->file);
}

static void put_place(collect_sink_t *s, sluice_buf_t *buf, const sluice_position_t *position,
                      uint32_t sub) {
    position_hex_write(buf, position);
    sluice_buf_put_char(buf, ',');
    s->api->json->write_int(buf, sub);
}

static int put_record(void *self, sluice_buf_t *buf, const sluice_record_t *r) {
    collect_sink_t *s = self;
    int status;

    put_place(s, buf, &r->position, r->sub_index);
    sluice_buf_put_char(buf, ',');
    status = s->api->json->write(buf, &r->key, SLUICE_JSON_NUMERIC_DECIMAL);
    sluice_buf_put_char(buf, ',');
    if (status == SLUICE_OK)
        status = s->api->json->write(buf, &r->value, SLUICE_JSON_NUMERIC_DECIMAL);
    sluice_buf_put_char(buf, '\n');
    return status;
}

static void put_marks(void *self, sluice_buf_t *buf, sluice_batch_t *batch) {
    collect_sink_t *s = self;
    const sluice_mark_t *marks;
    size_t i, n = 0;

    if (!s->marks)
        return;
    marks = s->api->batch_marks(batch, &n);
    for (i = 0; i < n; i++) {
        sluice_buf_put_str(buf, sluice_str("mark,"));
        s->api->json->write_int(buf, marks[i].source_partition);
        sluice_buf_put_char(buf, ',');
        put_place(s, buf, &marks[i].position, marks[i].sub_index);
        sluice_buf_put_char(buf, '\n');
    }
}

static int collect_write(void *self, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    static const append_writer_t writer = {.put_record = put_record, .put_end = put_marks};

    return append_write(&((collect_sink_t *)self)->file, &writer, self, batch, ticket);
}

static int collect_flush(void *self) {
    return append_flush(&((collect_sink_t *)self)->file);
}

static int collect_close(void *self) {
    return append_close(&((collect_sink_t *)self)->file);
}

static const sluice_sink_t sink = {
    .size = sizeof(sink),
    .failure_mode = SLUICE_ATOMIC,
    .flags = SLUICE_SINK_EMPTY_BATCHES,
    .create = collect_create,
    .destroy = collect_destroy,
    .open = collect_open,
    .write = collect_write,
    .flush = collect_flush,
    .close = collect_close,
};

TEST_SINK_MODULE("collect-sink", "Test: positions, keys and values as durable lines.");
