#include "config/pipeline_parts.h"

#include "sluice/error.h"

/* So that a number stays exact as a double, in which it crosses to the task. */
#define MOST ((int64_t)1 << 46)

#define JSON_MEMBER(member, text) \
    { .name = member, .type = SLUICE_OPT_JSON, .doc = text }

static const char *const dialects[] = {"native", "connect", NULL};
static const char *const tolerances[] = {"none", "all", NULL};
static const char *const stops[] = {"batch", "record", NULL};
static const char *const when_full[] = {"wait", "fail", NULL};

static const sluice_option_t pipeline[] = {
    {.name = "name", .type = SLUICE_OPT_STRING, .doc = "Name of the pipeline."},
    {.name = "dialect",
     .type = SLUICE_OPT_ENUM,
     .flags = SLUICE_OPT_HIDDEN,
     .values = dialects,
     .default_text = "native"},
    {.name = "source",
     .type = SLUICE_OPT_JSON,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "where records come from: {\"plugin\", \"config\"}"},
    JSON_MEMBER("transforms", "What is done to all records, in order."),
    {.name = "sinks",
     .type = SLUICE_OPT_JSON,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "where records go: [{\"plugin\", \"config\"}, ...]"},
    JSON_MEMBER(
        "errors",
        "What happens to records that fail in the source's converters and shared transforms."),
    {.name = "commit.interval",
     .type = SLUICE_OPT_DURATION,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "1s",
     .min = 1,
     .max = 3600000,
     .doc = "How often positions are stored."},
    {.name = "memory.limit",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "256m",
     .min = 1 << 20,
     .max = MOST,
     .doc = "Memory that a task may use for records; one that takes twice as much is ended."},
    {.name = "tasks.max",
     .type = SLUICE_OPT_INT,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "1",
     .min = 1,
     .max = 1000,
     .doc = "How many tasks may share the work."},
};

static const sluice_option_t source[] = {
    {.name = "plugin",
     .type = SLUICE_OPT_CLASS,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "name of a source plugin"},
    JSON_MEMBER("config", "The plugin's options."),
    JSON_MEMBER("converters", "From bytes to values: {\"key\", \"value\", \"header\"}."),
};

static const sluice_option_t sink[] = {
    {.name = "name",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 255,
     .doc = "Name of the branch."},
    {.name = "plugin",
     .type = SLUICE_OPT_CLASS,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "name of a sink plugin"},
    JSON_MEMBER("config", "The plugin's options."),
    JSON_MEMBER("transforms", "What is done to this sink's records, in order."),
    JSON_MEMBER("converters", "From values to bytes: {\"key\", \"value\", \"header\"}."),
    JSON_MEMBER("errors", "What happens to records that fail."),
    {.name = "queue.bytes",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "4m",
     .min = 4096,
     .max = MOST,
     .doc = "Records waiting for this sink in memory."},
    JSON_MEMBER("spill", "Records waiting for this sink on disk."),
};

static const sluice_option_t transform[] = {
    {.name = "name",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 255,
     .doc = "Name in the chain."},
    {.name = "plugin",
     .type = SLUICE_OPT_CLASS,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "name of a transform plugin"},
    JSON_MEMBER("config", "The plugin's options."),
    JSON_MEMBER("predicate", "Only records that it accepts are transformed."),
};

static const sluice_option_t predicate[] = {
    {.name = "plugin",
     .type = SLUICE_OPT_CLASS,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "name of a predicate plugin"},
    JSON_MEMBER("config", "The plugin's options."),
    {.name = "negate",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .doc = "Only records that it does not accept."},
};

static const sluice_option_t converter[] = {
    {.name = "plugin",
     .type = SLUICE_OPT_CLASS,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "name of a converter plugin"},
    JSON_MEMBER("config", "The plugin's options."),
};

static const sluice_option_t converters[] = {
    JSON_MEMBER("key", "Converter of keys."),
    JSON_MEMBER("value", "Converter of values."),
    JSON_MEMBER("header", "Converter of headers."),
};

static const sluice_option_t errors[] = {
    {.name = "tolerance",
     .type = SLUICE_OPT_ENUM,
     .values = tolerances,
     .default_text = "none",
     .doc = "none: a record that can never succeed fails the task; all: it is left out."},
    {.name = "stop.at",
     .type = SLUICE_OPT_ENUM,
     .values = stops,
     .default_text = "batch",
     .doc = "With tolerance none, what is still delivered before the task fails: all before the "
            "batch of the bad record, or all before the record."},
    {.name = "retry.timeout",
     .type = SLUICE_OPT_DURATION,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "-1",
     .min = -1,
     .max = MOST,
     .doc = "How long failed records are tried again; -1: for ever."},
    {.name = "retry.delay.max",
     .type = SLUICE_OPT_DURATION,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "60s",
     .min = 1,
     .max = 86400000,
     .doc = "The longest wait between two tries."},
    {.name = "dead.letters.file",
     .type = SLUICE_OPT_STRING,
     .flags = SLUICE_OPT_RANGE,
     .min = 1,
     .max = 4095,
     .doc = "File to which records that were left out are written."},
    JSON_MEMBER("dead.letters", "Sink to which records that failed are written as they were read: "
                                "{\"plugin\", \"config\", \"context.headers\"}."),
    {.name = "log",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "true",
     .doc = "Log records that were left out."},
    {.name = "log.include.messages",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .doc = "With their content."},
};

static const sluice_option_t letters[] = {
    {.name = "plugin",
     .type = SLUICE_OPT_CLASS,
     .flags = SLUICE_OPT_REQUIRED,
     .doc = "name of a sink plugin"},
    JSON_MEMBER("config", "The plugin's options."),
    {.name = "context.headers",
     .type = SLUICE_OPT_BOOLEAN,
     .default_text = "false",
     .doc = "Add headers that say where the record came from and what failed."},
};

static const sluice_option_t spill[] = {
    {.name = "max.bytes",
     .type = SLUICE_OPT_BYTES,
     .flags = SLUICE_OPT_RANGE,
     .default_text = "0",
     .min = 0,
     .max = MOST,
     .doc = "Most that is kept on disk; 0: no spill."},
    {.name = "when.full",
     .type = SLUICE_OPT_ENUM,
     .values = when_full,
     .default_text = "wait",
     .doc = "wait: the source waits; fail: the branch fails."},
};

#define PART(table) \
    { table, sizeof table / sizeof *table }

static const struct {
    const sluice_option_t *table;
    uint32_t count;
} parts[] = {
    [SL_PART_PIPELINE] = PART(pipeline),
    [SL_PART_SOURCE] = PART(source),
    [SL_PART_SINK] = PART(sink),
    [SL_PART_TRANSFORM] = PART(transform),
    [SL_PART_PREDICATE] = PART(predicate),
    [SL_PART_CONVERTER] = PART(converter),
    [SL_PART_CONVERTERS] = PART(converters),
    [SL_PART_ERRORS] = PART(errors),
    [SL_PART_LETTERS] = PART(letters),
    [SL_PART_SPILL] = PART(spill),
};

sl_config_t *sl_part_read(sl_part_t part, const cJSON *object, const char *pointer,
                          sl_report_t *report) {
    sl_options_t *options;
    sl_config_t *config = NULL;

    if (sl_options_create(parts[part].table, parts[part].count, sizeof(sluice_option_t), &options,
                          NULL) == SLUICE_OK &&
        sl_config_parse(options, object, pointer, 0, report, &config) != SLUICE_OK)
        config = NULL;
    sl_options_unref(options);
    if (config == NULL)
        report->out_of_memory = 1;
    return config;
}
