/*
 * The timestamp-router transform: a topic made of the old one and the record's time, as with Kafka
 * Connect's TimestampRouter.
 */
#include "support/connect/date_format.h"
#include "support/connect/record_text.h"
#include "support/connect/smt.h"

static const sluice_option_t options[] = {
    {.name = "topic.format",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "${topic}-${timestamp}",
     .importance = SLUICE_HIGH,
     .doc = "Format string which can contain ${topic} and ${timestamp} as placeholders for the "
            "topic and timestamp, respectively."},
    {.name = "timestamp.format",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "yyyyMMdd",
     .importance = SLUICE_HIGH,
     .doc = "Format string for the timestamp that is compatible with java.text.SimpleDateFormat."},
};

typedef struct router {
    smt_t smt;
    const char *topic;
    date_format_t *format; /* NULL: the pattern is none, which the first record tells */
    char why[128];
} router_t;

static int configure(void *self) {
    router_t *r = self;
    const sluice_api_t *api = r->smt.api;
    int status = date_format_create(api->config_text(r->smt.ctx, "timestamp.format"), &r->format,
                                    r->why, sizeof(r->why));

    r->topic = api->config_text(r->smt.ctx, "topic.format");
    return status == SLUICE_NO_MEMORY ? status : SLUICE_OK;
}

static void release(void *self) {
    date_format_destroy(((router_t *)self)->format);
}

/* `text` with `mark` replaced by `by` everywhere. */
static sluice_str_t replace(const router_t *r, sluice_batch_t *batch, sluice_str_t text,
                            const char *mark, sluice_str_t by) {
    const size_t len = strlen(mark);
    sluice_buf_t buf;
    size_t at = 0;

    r->smt.api->buf_init(&buf, batch, text.len + by.len);
    while (at < text.len) {
        const char *found = memmem(text.data + at, text.len - at, mark, len);
        const size_t stop = found == NULL ? text.len : (size_t)(found - text.data);

        sluice_buf_put(&buf, text.data + at, stop - at);
        at = stop;
        if (found == NULL)
            break;
        sluice_buf_put_str(&buf, by);
        at += len;
    }
    return r->smt.api->buf_finish(&buf);
}

/* In Java's order: what the topic brings along is looked through for ${timestamp}, too. */
static int route_record(void *self, apply_t *a, sluice_record_t *record) {
    router_t *r = self;
    sluice_batch_t *batch;
    sluice_buf_t buf;
    sluice_str_t time, topic;

    if (record->timestamp_type == SLUICE_TIMESTAMP_NONE)
        return connect_fail_with_record(&r->smt, a, record, DATA_EXCEPTION,
                                        "Timestamp missing on record: ");
    if (r->format == NULL)
        return smt_fail(&r->smt, ILLEGAL_ARGUMENT_EXCEPTION, "%s", r->why);
    batch = smt_batch(&r->smt, a);
    if (batch == NULL)
        return SLUICE_NO_MEMORY;
    r->smt.api->buf_init(&buf, batch, 32);
    date_format_write(r->format, record->timestamp, &buf);
    time = r->smt.api->buf_finish(&buf);
    topic = replace(r, batch, sluice_str(r->topic), "${topic}", record->topic);
    record->topic = replace(r, batch, topic, "${timestamp}", time);
    return record->topic.data == NULL ? SLUICE_NO_MEMORY : APPLY_CHANGED;
}

static const smt_class_t router_class = {
    .size = sizeof(router_t), .configure = configure, .release = release, .apply = route_record};
SMT_DEFINE(router_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("timestamp-router", "TimestampRouter",
               "Makes the topic of the old one and the record's time.", options, NULL,
               smt_on_value),
};

SLUICE_DEFINE_MODULE("timestamp-router", SLUICE_VERSION, "Apache-2.0", plugins);
