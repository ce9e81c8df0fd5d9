#include "kafka_source.h"

#include <stdio.h>

#define CONSUMER "kafka_consumer_consumer_"
#define EVERY_MS 1000

/* Offsets as the client has them from its last fetch: nobody is asked. -1: not known. */
static int64_t lag_of(const kafka_source_t *source, const kafka_assigned_t *a) {
    int64_t low, high;

    if (!a->mine || a->emitted < 0 ||
        rd_kafka_get_watermark_offsets(source->client->handle, a->topic, a->partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0)
        return -1;
    return high > a->emitted + 1 ? high - a->emitted - 1 : 0;
}

static void client_id(const kafka_source_t *source, char *out, size_t size) {
    snprintf(out, size, "connector-consumer-%s-%d", source->api->pipeline_name(source->ctx),
             (int)source->api->task_number(source->ctx));
}

static void show(kafka_source_t *source, kafka_assigned_t *a, const char *client, int64_t lag) {
    char partition[16];
    sluice_label_t labels[] = {
        {"client_id", client}, {"topic", a->topic}, {"partition", partition}};

    snprintf(partition, sizeof(partition), "%d", (int)a->partition);
    if (lag < 0) {
        source->api->metric_hide(a->lag);
        return;
    }
    if (a->lag == NULL)
        a->lag = source->api->metric_series(source->ctx, SLUICE_GAUGE,
                                            CONSUMER "fetch_manager_metrics_records_lag",
                                            "Records of a partition that are still to be read",
                                            labels, 3);
    source->api->metric_set(a->lag, (double)lag);
}

static void update(void *arg) {
    kafka_source_t *source = arg;
    char client[300];
    int64_t max = -1;
    size_t assigned = 0, i;

    client_id(source, client, sizeof(client));
    for (i = 0; i < source->assigned_count; i++) {
        kafka_assigned_t *a = &source->assigned[i];
        int64_t lag = lag_of(source, a);

        assigned += a->mine != 0;
        max = lag > max ? lag : max;
        show(source, a, client, lag);
    }
    if (max >= 0)
        source->api->metric_set(source->lag_max, (double)max);
    else
        source->api->metric_hide(source->lag_max);
    for (i = 0; i < 2; i++)
        source->api->metric_set(source->partitions[i], (double)assigned);
}

void kafka_lag_start(kafka_source_t *source) {
    const sluice_api_t *api = source->api;
    char client[300], task[16];
    sluice_label_t consumer = {"client_id", client};
    sluice_label_t sink[] = {{"connector", api->pipeline_name(source->ctx)}, {"task", task}};

    if (!SLUICE_HAS(api, metric_hide))
        return;
    client_id(source, client, sizeof(client));
    snprintf(task, sizeof(task), "%d", (int)api->task_number(source->ctx));
    source->lag_max = api->metric_series(source->ctx, SLUICE_GAUGE,
                                         CONSUMER "fetch_manager_metrics_records_lag_max",
                                         "Most records of any partition that are still to be read",
                                         &consumer, 1);
    source->partitions[0] = api->metric_series(
        source->ctx, SLUICE_GAUGE, CONSUMER "coordinator_metrics_assigned_partitions",
        "Partitions that the consumer has", &consumer, 1);
    source->partitions[1] = api->metric_series(
        source->ctx, SLUICE_GAUGE, "kafka_connect_sink_task_metrics_partition_count",
        "Partitions that the task has", sink, 2);
    source->lag_timer = api->timer_start(source->ctx, EVERY_MS, EVERY_MS, update, source);
}

void kafka_lag_stop(kafka_source_t *source) {
    size_t i;

    if (source->lag_timer == NULL)
        return;
    source->api->timer_stop(source->ctx, source->lag_timer);
    source->lag_timer = NULL;
    source->api->metric_hide(source->lag_max);
    for (i = 0; i < 2; i++)
        source->api->metric_hide(source->partitions[i]);
    for (i = 0; i < source->assigned_count; i++)
        source->api->metric_hide(source->assigned[i].lag);
}
