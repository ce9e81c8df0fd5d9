#include <stdlib.h>
#include <string.h>

#include "config/pipeline.h"

/* Writing goes on after a failed allocation (cJSON accepts NULL); `ok` says at the end whether
 * all was written. */
typedef struct writer {
    int ok;
} writer_t;

static cJSON *need(writer_t *writer, cJSON *item) {
    writer->ok = writer->ok && item != NULL;
    return item;
}

static void put(writer_t *writer, cJSON *object, const char *name, cJSON *item) {
    need(writer, item);
    if (!cJSON_AddItemToObject(object, name, item)) {
        cJSON_Delete(item);
        writer->ok = 0;
    }
}

static void put_number(writer_t *writer, cJSON *object, const char *name, int64_t n) {
    put(writer, object, name, cJSON_CreateNumber((double)n));
}

static void put_use(writer_t *writer, cJSON *object, const sl_plugin_use_t *use) {
    put(writer, object, "plugin", cJSON_CreateString(use->plugin));
    put(writer, object, "config", cJSON_Duplicate(use->config, 1));
}

static void put_converter(writer_t *writer, cJSON *object, const char *name,
                          const sl_plugin_use_t *use) {
    cJSON *json;

    if (use->plugin == NULL)
        return;
    json = need(writer, cJSON_CreateObject());
    put_use(writer, json, use);
    put(writer, object, name, json);
}

static void put_converters(writer_t *writer, cJSON *object, const sl_converters_t *converters) {
    cJSON *json;

    if (converters->key.plugin == NULL && converters->value.plugin == NULL &&
        converters->header.plugin == NULL)
        return;
    json = need(writer, cJSON_CreateObject());
    put_converter(writer, json, "key", &converters->key);
    put_converter(writer, json, "value", &converters->value);
    put_converter(writer, json, "header", &converters->header);
    put(writer, object, "converters", json);
}

static cJSON *transform_json(writer_t *writer, const sl_transform_use_t *transform) {
    cJSON *json = need(writer, cJSON_CreateObject()), *predicate;

    put(writer, json, "name", cJSON_CreateString(transform->name));
    put_use(writer, json, &transform->use);
    if (transform->predicate.plugin == NULL)
        return json;
    predicate = need(writer, cJSON_CreateObject());
    put_use(writer, predicate, &transform->predicate);
    put(writer, predicate, "negate", cJSON_CreateBool(transform->negate));
    put(writer, json, "predicate", predicate);
    return json;
}

static void put_chain(writer_t *writer, cJSON *object, const sl_transform_chain_t *chain) {
    cJSON *array = need(writer, cJSON_CreateArray()), *item;
    size_t i;

    for (i = 0; i < chain->count; i++) {
        item = transform_json(writer, &chain->items[i]);
        if (!cJSON_AddItemToArray(array, item))
            cJSON_Delete(item);
    }
    put(writer, object, "transforms", array);
}

static void put_letters(writer_t *writer, cJSON *object, const sl_errors_policy_t *errors) {
    cJSON *json;

    if (errors->dead_letters.plugin == NULL)
        return;
    json = need(writer, cJSON_CreateObject());
    put_use(writer, json, &errors->dead_letters);
    put(writer, json, "context.headers", cJSON_CreateBool(errors->dead_letters_headers));
    put(writer, object, "dead.letters", json);
}

static void put_errors(writer_t *writer, cJSON *object, const sl_errors_policy_t *errors) {
    cJSON *json = need(writer, cJSON_CreateObject());

    put(writer, json, "tolerance", cJSON_CreateString(errors->tolerate_all ? "all" : "none"));
    put(writer, json, "stop.at", cJSON_CreateString(errors->stop_at_record ? "record" : "batch"));
    put_number(writer, json, "retry.timeout", errors->retry_timeout_ms);
    put_number(writer, json, "retry.delay.max", errors->retry_delay_max_ms);
    if (errors->dead_letters_file != NULL)
        put(writer, json, "dead.letters.file", cJSON_CreateString(errors->dead_letters_file));
    put_letters(writer, json, errors);
    put(writer, json, "log", cJSON_CreateBool(errors->log));
    put(writer, json, "log.include.messages", cJSON_CreateBool(errors->log_messages));
    put(writer, object, "errors", json);
}

static void put_spill(writer_t *writer, cJSON *object, const sl_branch_t *branch) {
    cJSON *json = need(writer, cJSON_CreateObject());

    put_number(writer, json, "max.bytes", branch->spill_max_bytes);
    put(writer, json, "when.full", cJSON_CreateString(branch->spill_fail ? "fail" : "wait"));
    put(writer, object, "spill", json);
}

static cJSON *branch_json(writer_t *writer, const sl_branch_t *branch) {
    cJSON *json = need(writer, cJSON_CreateObject());

    put(writer, json, "name", cJSON_CreateString(branch->name));
    put_use(writer, json, &branch->sink);
    put_chain(writer, json, &branch->transforms);
    put_converters(writer, json, &branch->converters);
    put_errors(writer, json, &branch->errors);
    put_number(writer, json, "queue.bytes", branch->queue_bytes);
    put_spill(writer, json, branch);
    return json;
}

cJSON *sl_pipeline_to_json(const sl_pipeline_t *pipeline) {
    writer_t writer = {1};
    cJSON *json = need(&writer, cJSON_CreateObject()), *source, *sinks, *item;
    size_t i;

    put(&writer, json, "name", cJSON_CreateString(pipeline->name));
    put(&writer, json, "dialect", cJSON_CreateString(pipeline->connect ? "connect" : "native"));
    source = need(&writer, cJSON_CreateObject());
    put_use(&writer, source, &pipeline->source);
    put_converters(&writer, source, &pipeline->source_converters);
    put(&writer, json, "source", source);
    put_chain(&writer, json, &pipeline->transforms);
    sinks = need(&writer, cJSON_CreateArray());
    for (i = 0; i < pipeline->branch_count; i++) {
        item = branch_json(&writer, &pipeline->branches[i]);
        if (!cJSON_AddItemToArray(sinks, item))
            cJSON_Delete(item);
    }
    put(&writer, json, "sinks", sinks);
    put_errors(&writer, json, &pipeline->errors);
    put_number(&writer, json, "commit.interval", pipeline->commit_interval_ms);
    put_number(&writer, json, "memory.limit", pipeline->memory_limit);
    put_number(&writer, json, "tasks.max", pipeline->tasks_max);
    if (writer.ok)
        return json;
    cJSON_Delete(json);
    return NULL;
}
