#include "clients/kafka/topic.h"

#include <string.h>

#include "clients/kafka/client_conf.h"

int kafka_topic_is_there(rd_kafka_t *client, const char *topic, int timeout_ms,
                         rd_kafka_resp_err_t *err) {
    const struct rd_kafka_metadata *metadata = NULL;
    int i, found = 0;

    *err = rd_kafka_metadata(client, 1, NULL, &metadata, timeout_ms);
    if (*err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (i = 0; i < metadata->topic_cnt && !found; i++)
        found = strcmp(metadata->topics[i].topic, topic) == 0;
    rd_kafka_metadata_destroy(metadata);
    return found;
}

rd_kafka_resp_err_t kafka_topic_created(rd_kafka_event_t *event, const char **why) {
    const rd_kafka_topic_result_t **results = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t count = 0;

    *why = NULL;
    if (event != NULL) {
        err = rd_kafka_event_error(event);
        *why = rd_kafka_event_error_string(event);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        err = count > 0 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__TRANSPORT;
        *why = count > 0 ? rd_kafka_topic_result_error_string(results[0]) : NULL;
    }
    if (*why == NULL)
        *why = event != NULL ? rd_kafka_err2str(err) : "there was no answer in time";
    return err;
}

rd_kafka_t *kafka_topic_ends_client(rd_kafka_conf_t *conf, char *error, size_t size) {
    if (rd_kafka_conf_set(conf, "isolation.level", "read_uncommitted", error, size) ==
        RD_KAFKA_CONF_OK)
        return kafka_client_open(RD_KAFKA_CONSUMER, conf, error, size);
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_resp_err_t kafka_topic_ends(rd_kafka_t *client, const char *topic, int32_t partitions,
                                     int timeout_ms, int64_t *ends, int32_t *at) {
    rd_kafka_resp_err_t err;
    int64_t low;

    for (*at = 0; *at < partitions; ++*at) {
        int64_t *end = &ends[*at];
        err = rd_kafka_query_watermark_offsets(client, topic, *at, &low, end, timeout_ms);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return err;
        if (*end <= low)
            *end = 0;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
