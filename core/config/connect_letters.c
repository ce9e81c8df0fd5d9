/* errors.*: what happens to a record that fails, and its way to the dead letters. */
#include "config/connect_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/connect_clients.h"
#include "config/exactly_once.h"
#include "config/topic_creation.h"

#define TOPICS SL_CONNECT_TOPICS

/* What a connector's own producer of dead letters may be told by the connector. */
static int is_letters_key(const char *key) {
    return strncmp(key, "producer.override.", 18) == 0 || strncmp(key, "admin.override.", 15) == 0;
}

static void put_letters_topic(sl_work_t *work, cJSON *config) {
    char text[32];

    sl_work_text(work, config, "topic",
                 sl_config_text(work->common, "errors.deadletterqueue.topic.name"));
    sl_work_text(work, config, "topic.create", "true");
    sl_work_text(work, config, SL_TOPIC_CREATION "default.partitions", "1");
    snprintf(text, sizeof text, "%" PRId64,
             sl_config_int(work->common, "errors.deadletterqueue.topic.replication.factor"));
    sl_work_text(work, config, SL_TOPIC_CREATION "default.replication.factor", text);
    sl_work_text(work, config, "linger.ms", "0"); /* the task waits for its letters */
}

static void put_letters(sl_work_t *work, cJSON *errors, const char *native) {
    cJSON *use, *config;
    sl_plugin_info_t info;
    char place[96];
    const cJSON *item;

    if (!work->is_sink || !sl_work_is_set(work, "errors.deadletterqueue.topic.name"))
        return;
    use = sl_work_object(work, errors, "dead.letters");
    sl_work_text(work, use, "plugin", TOPICS);
    sl_work_put(
        work, use, "context.headers",
        cJSON_CreateBool(
            sl_config_int(work->common, "errors.deadletterqueue.context.headers.enable") != 0));
    config = sl_work_object(work, use, "config");
    put_letters_topic(work, config);
    cJSON_ArrayForEach (item, work->flat)
        if (is_letters_key(item->string))
            sl_work_put(work, config, item->string, cJSON_Duplicate(item, 1));
    if (work->catalog->lookup(work->catalog->ctx, SLUICE_SINK, TOPICS, &info, NULL) == SLUICE_OK)
        work->ok = work->ok && sl_connect_put_clients(work->worker, info.options, 0,
                                                      sl_config_text(work->common, "name"),
                                                      config) == SLUICE_OK;
    snprintf(place, sizeof place, "%s/errors/dead.letters/config", native);
    sl_work_relate(work, place, "", 0);
    snprintf(place, sizeof place, "%s/errors/dead.letters/config/topic", native);
    sl_work_relate(work, place, "errors.deadletterqueue.topic.name", 1);
}

/* Connect sends a source's records one by one, and a sink's by the poll. A transaction is whole or
 * it is not. */
static int stops_at_record(const sl_work_t *work) {
    return !work->is_sink && !sl_exactly_once_enabled(work->worker);
}

void sl_work_put_errors(sl_work_t *work, cJSON *owner, const char *native) {
    cJSON *errors = sl_work_object(work, owner, "errors");
    int64_t timeout = sl_config_int(work->common, "errors.retry.timeout");
    int64_t delay = sl_config_int(work->common, "errors.retry.delay.max.ms");

    sl_work_text(work, errors, "tolerance",
                 sl_config_int(work->common, "errors.tolerance") == 1 ? "all" : "none");
    sl_work_text(work, errors, "stop.at", stops_at_record(work) ? "record" : "batch");
    sl_work_put(work, errors, "retry.timeout",
                cJSON_CreateNumber(timeout < 0           ? -1
                                   : timeout > 1LL << 46 ? 1LL << 46
                                                         : (double)timeout));
    sl_work_put(work, errors, "retry.delay.max",
                cJSON_CreateNumber(delay < 1          ? 1
                                   : delay > 86400000 ? 86400000
                                                      : (double)delay));
    sl_work_put(work, errors, "log",
                cJSON_CreateBool(sl_config_int(work->common, "errors.log.enable") != 0));
    sl_work_put(work, errors, "log.include.messages",
                cJSON_CreateBool(sl_config_int(work->common, "errors.log.include.messages") != 0));
    put_letters(work, errors, native);
}
