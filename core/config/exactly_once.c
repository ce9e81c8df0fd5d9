#include "config/exactly_once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/worker.h"
#include "sluice/error.h"

enum { TEXT = 600, FLUSH_MS = 60000 };

/* How Connect's defaults are, where the worker does not say. */
#define PARTITIONS  "25"
#define REPLICATION "3"

int sl_exactly_once_enabled(const cJSON *worker) {
    const char *text = sl_worker_text(worker, "exactly.once.source.support");

    return text != NULL && strcasecmp(text, "enabled") == 0 &&
           sl_worker_mode(worker) == SL_WORKER_DISTRIBUTED;
}

static const char *or_else(const char *text, const char *otherwise) {
    return text != NULL && *text != '\0' ? text : otherwise;
}

static int64_t interval_of(const cJSON *worker, const sl_config_t *common) {
    const char *given = sl_config_text(common, "transaction.boundary.interval.ms");
    const char *flush = sl_worker_text(worker, "offset.flush.interval.ms");
    int64_t ms = given != NULL   ? sl_config_int(common, "transaction.boundary.interval.ms")
                 : flush != NULL ? strtoll(flush, NULL, 10)
                                 : FLUSH_MS;

    return ms < 1 ? 1 : ms;
}

/* Takes the place of what the worker's or the connector's client properties say. */
static int put(cJSON *config, const char *key, const char *text) {
    cJSON_DeleteItemFromObjectCaseSensitive(config, key);
    return text == NULL || cJSON_AddStringToObject(config, key, text) != NULL ? SLUICE_OK
                                                                               : SLUICE_NO_MEMORY;
}

/* The offsets of a connector lie in its own topic or in the worker's. */
static int put_offsets(const cJSON *worker, const sl_config_t *common, cJSON *config) {
    const char *topic = or_else(sl_config_text(common, "offsets.storage.topic"),
                                sl_worker_text(worker, "offset.storage.topic"));
    const char *partitions =
        or_else(sl_worker_text(worker, "offset.storage.partitions"), PARTITIONS);
    const char *replication =
        or_else(sl_worker_text(worker, "offset.storage.replication.factor"), REPLICATION);
    int status = put(config, "position.topic", topic);

    if (status == SLUICE_OK)
        status = put(config, "position.format", "connect");
    if (status == SLUICE_OK)
        status = put(config, "position.topic.partitions", partitions);
    return status == SLUICE_OK
               ? put(config, "position.topic.replication.factor", replication)
               : status;
}

/* Source: Kafka's Worker.java, taskTransactionalId. */
void sl_exactly_once_prefix(const cJSON *worker, const char *name, char *out, size_t size) {
    snprintf(out, size, "%s-%s-", or_else(sl_worker_text(worker, "group.id"), ""), name);
}

int sl_exactly_once_put(const cJSON *worker, const sl_options_t *options, const sl_config_t *common,
                        const char *name, cJSON *config) {
    const char *boundary = or_else(sl_config_text(common, "transaction.boundary"), "poll");
    int polls = strcasecmp(boundary, "interval") != 0, status;
    char text[TEXT];

    if (!sl_exactly_once_enabled(worker) ||
        sl_options_find(options, "position.format", NULL) == NULL)
        return SLUICE_OK;
    sl_exactly_once_prefix(worker, name, text, sizeof text);
    status = put(config, "exactly.once", "true");
    if (status == SLUICE_OK)
        status = put(config, "transactional.id.prefix", text);
    if (status == SLUICE_OK)
        status = put(config, "transaction.each.batch", polls ? "true" : "false");
    snprintf(text, sizeof text, "%lld",
             (long long)(polls ? FLUSH_MS : interval_of(worker, common)));
    if (status == SLUICE_OK)
        status = put(config, "transaction.interval", text);
    return status == SLUICE_OK ? put_offsets(worker, common, config) : status;
}
