#include "runtime/connect_errors.h"

#include <stdio.h>
#include <string.h>

#include "base/heapbuf.h"
#include "observe/log.h"
#include "runtime/graph.h"
#include "runtime/instance.h"

#define CONNECT_EXCEPTION "org.apache.kafka.connect.errors.ConnectException"

/* The whole name of a plugin's class that the configuration may have shortened. */
static const char *class_name(const sluice_plugin_t *plugin, const char *written) {
    const char *const *alias, *simple, *first = NULL;

    if (written != NULL && strchr(written, '.') != NULL)
        return written;
    for (alias = plugin->aliases; alias != NULL && *alias != NULL; alias++) {
        simple = strrchr(*alias, '.');
        if (simple == NULL)
            continue;
        if (written != NULL && strncmp(simple + 1, written, strlen(written)) == 0)
            return *alias;
        first = first == NULL ? *alias : first;
    }
    return first != NULL ? first : plugin->name;
}

static void try_step(const sl_chain_spec_t *chain, const sl_transform_chain_t *uses,
                     const char *instance, sl_connect_place_t *at) {
    size_t i;

    for (i = 0; i < chain->count; i++)
        if (strcmp(chain->steps[i].transform.name, instance) == 0)
            *at = (sl_connect_place_t){
                "TRANSFORMATION",
                class_name(chain->steps[i].transform.plugin, uses->items[i].use.plugin)};
}

static void try_one(const sl_spec_t *spec, const sl_plugin_use_t *use, const char *instance,
                    const char *stage, sl_connect_place_t *at) {
    if (spec->plugin != NULL && strcmp(spec->name, instance) == 0)
        *at = (sl_connect_place_t){stage, class_name(spec->plugin, use->plugin)};
}

static void try_codec(const sl_codec_spec_t *codec, const sl_converters_t *uses,
                      const char *instance, sl_connect_place_t *at) {
    try_one(&codec->key, &uses->key, instance, "KEY_CONVERTER", at);
    try_one(&codec->value, &uses->value, instance, "VALUE_CONVERTER", at);
    try_one(&codec->header, &uses->header, instance, "HEADER_CONVERTER", at);
}

sl_connect_place_t sl_connect_place(const sl_errors_t *errors, const sl_bad_t *bad) {
    const sl_graph_t *graph = errors->graph;
    const sl_pipeline_t *pipeline = graph->pipeline;
    sl_connect_place_t at = {"TASK_PUT", "org.apache.kafka.connect.sink.SinkTask"};
    size_t i;

    if (!errors->connect)
        at.class_name = bad->instance;
    else if (sl_graph_is_source_connector(graph))
        at = (sl_connect_place_t){"KAFKA_PRODUCE",
                                  "org.apache.kafka.connect.runtime.WorkerSourceTask"};
    try_step(&graph->chain, &pipeline->transforms, bad->instance, &at);
    try_codec(&graph->codec, &pipeline->source_converters, bad->instance, &at);
    for (i = 0; i < graph->branch_count; i++) {
        const sl_branch_spec_t *spec = &graph->branches[i];
        try_step(&spec->chain, &spec->branch->transforms, bad->instance, &at);
        try_codec(&spec->codec, &spec->branch->converters, bad->instance, &at);
    }
    return at;
}

/* The record as Connect prints it: where it was read. */
static void put_record(sluice_buf_t *b, const sluice_record_t *r) {
    sl_buf_printf(b, ", where consumed record is {topic='%.*s', partition=%d, offset=%lld",
                  (int)r->original_topic.len, r->original_topic.data, r->original_partition,
                  (long long)r->original_offset);
    if (r->timestamp_type != SLUICE_TIMESTAMP_NONE)
        sl_buf_printf(b, ", timestamp=%lld, timestampType=%s", (long long)r->timestamp,
                      r->timestamp_type == SLUICE_TIMESTAMP_CREATE ? "CreateTime"
                                                                    : "LogAppendTime");
    sl_buf_puts(b, "}");
}

void sl_connect_log(const sl_errors_t *errors, const sl_bad_t *bad) {
    sl_connect_place_t at = sl_connect_place(errors, bad);
    sluice_buf_t text;

    sl_heapbuf_init(&text);
    sl_buf_printf(&text, "Error encountered in task %s-%d. Executing stage '%s' with class '%s'",
                  errors->pipeline, (int)errors->graph->params.task, at.stage, at.class_name);
    if (errors->policy->log_messages && bad->record->original_topic.data != NULL)
        put_record(&text, bad->record);
    sl_buf_printf(&text, ". %s: %s", bad->code != NULL ? bad->code : sl_status_name(bad->status),
                  bad->message != NULL ? bad->message : "");
    if (text.status == SLUICE_OK)
        sl_log(SLUICE_LOG_ERROR, "runtime.errors", "%.*s", (int)text.len, text.data);
    sl_heapbuf_fini(&text);
}

void sl_connect_failure(const sl_errors_t *errors, const sl_bad_t *bad, sl_failure_t *failure) {
    sl_connect_place_t at = sl_connect_place(errors, bad);
    const char *what = "Tolerance exceeded in error handler";

    if (strcmp(at.stage, "TASK_PUT") == 0)
        what = "Exiting WorkerSinkTask due to unrecoverable exception.";
    else if (strcmp(at.stage, "KAFKA_PRODUCE") == 0)
        what = "Unrecoverable exception from producer send callback";
    sl_failure_set(failure, bad->status, CONNECT_EXCEPTION,
                   "%s\n\tat stage %s, class %s\nCaused by: %s: %s\n", what, at.stage,
                   at.class_name, bad->code != NULL ? bad->code : sl_status_name(bad->status),
                   bad->message != NULL ? bad->message : "the record was refused");
}
