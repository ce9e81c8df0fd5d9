/*
 * A broker whose limit is below the client's refuses a whole set of messages as too large, and does
 * not say whether one of them is or only all together. Such records are tried again, each alone in
 * its set (sink->alone counts them down); the one that is refused then is to blame.
 */
#include "kafka_sink.h"

#include <stdlib.h>

/* One accepted batch. Each message's opaque points at its slot, so that a report finds batch and
 * record. */
struct kafka_delivery {
    kafka_sink_t *sink;
    sluice_batch_t *batch;
    sluice_ticket_t *ticket;
    const sluice_record_t *records;
    size_t count;
    size_t produced; /* records handed to the client, or refused by it */
    size_t reported;
    sluice_result_t *failures;
    size_t failure_count;
    char **texts; /* of failures, made for them */
    size_t text_count;
    int64_t charged;        /* told to the host: the client's memory for it and our own */
    int was_alone;          /* the last record produced went alone */
    int unkept;             /* there was no memory for a result: all of it has to come again */
    kafka_delivery_t *next; /* among those that wait for one transaction */
    kafka_delivery_t *slots[];
};

kafka_delivery_t *kafka_delivery_next(kafka_delivery_t *delivery) {
    return delivery->next;
}

void kafka_delivery_set_next(kafka_delivery_t *delivery, kafka_delivery_t *next) {
    delivery->next = next;
}

size_t kafka_delivery_failures(const kafka_delivery_t *delivery) {
    return delivery->failure_count;
}

/* What a client error means to the runtime. */
static const struct meaning {
    rd_kafka_resp_err_t err;
    int status;
    const char *code;
} meanings[] = {
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, SLUICE_BAD_RECORD, "kafka.message_too_large"},
    {RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, SLUICE_BAD_RECORD, "kafka.message_too_large"},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, SLUICE_BAD_RECORD, "kafka.invalid_record"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, SLUICE_BAD_RECORD, "kafka.invalid_record"},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, SLUICE_BAD_RECORD, "kafka.invalid_timestamp"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, SLUICE_BAD_RECORD, "kafka.topic_name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, SLUICE_BAD_RECORD, "kafka.unknown_partition"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, SLUICE_FATAL, "kafka.authorization"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, SLUICE_FATAL, "kafka.authorization"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, SLUICE_FATAL, "kafka.authorization"},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, SLUICE_CANCELLED, "kafka.cancelled"},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, SLUICE_CANCELLED, "kafka.cancelled"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, SLUICE_RETRY, "kafka.unknown_topic"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, SLUICE_RETRY, "kafka.unknown_topic"},
};

static struct meaning meaning_of(rd_kafka_resp_err_t err) {
    size_t i;

    for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].err == err)
            return meanings[i];
    }
    return (struct meaning){err, SLUICE_RETRY, "kafka.produce"};
}

static sluice_str_t topic_of(const kafka_sink_t *sink, const sluice_record_t *r) {
    return sink->topic != NULL ? sluice_str(sink->topic) : r->topic;
}

/* ---- results ---- */

static sluice_result_t *new_result(kafka_delivery_t *d) {
    if (d->failures == NULL)
        d->failures = calloc(d->count, sizeof(*d->failures));
    if (d->failures != NULL)
        return &d->failures[d->failure_count++];
    d->unkept = 1;
    kafka_sink_no_memory(d->sink, "the results of a batch");
    return &d->sink->unkept;
}

/* The result is the caller's to explain. */
static sluice_result_t *add_result(kafka_delivery_t *d, size_t record, rd_kafka_resp_err_t err,
                                   int status) {
    sluice_result_t *r = new_result(d);

    r->status = status;
    r->native_code = err;
    r->record = (uint32_t)record;
    r->code = meaning_of(err).code;
    r->message = rd_kafka_err2str(err);
    if (status != SLUICE_CANCELLED && err != RD_KAFKA_RESP_ERR__PURGE_QUEUE)
        d->sink->api->metric_add(d->sink->failed, 1);
    if (d->sink->tx != NULL)
        kafka_transaction_spoil(d->sink, r->status, "a record of the transaction was refused");
    return r;
}

static sluice_result_t *add_failure(kafka_delivery_t *d, size_t record, rd_kafka_resp_err_t err) {
    return add_result(d, record, err, meaning_of(err).status);
}

/* Gives a result a text of its own. */
static void explain(kafka_delivery_t *d, sluice_result_t *result, const char *fmt, ...)
    SLUICE_PRINTF(3, 4);
static void explain(kafka_delivery_t *d, sluice_result_t *result, const char *fmt, ...) {
    char **grown = realloc(d->texts, (d->text_count + 1) * sizeof(*grown));
    va_list args;
    int made;

    if (grown == NULL)
        return;
    d->texts = grown;
    va_start(args, fmt);
    made = vasprintf(&grown[d->text_count], fmt, args);
    va_end(args);
    if (made < 0)
        return;
    result->message = grown[d->text_count++];
}

static void warn_of_small_limit(kafka_sink_t *sink, sluice_str_t topic) {
    if (sink->warned_of_limit)
        return;
    sink->warned_of_limit = 1;
    sink->api->log(
        sink->ctx, SLUICE_LOG_WARN,
        "a broker refused a set of messages of topic %.*s as too large, so each is tried "
        "alone, which is slow: set producer.override.batch.size below the topic's "
        "max.message.bytes",
        (int)topic.len, topic.data);
}

static void add_suspect(kafka_delivery_t *d, size_t record) {
    warn_of_small_limit(d->sink, topic_of(d->sink, &d->records[record]));
    add_result(d, record, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, SLUICE_RETRY)->retry_after_ms = 1;
    d->sink->alone++;
}

static int64_t own_bytes(const kafka_delivery_t *d) {
    return (int64_t)(sizeof(*d) + d->count * sizeof(d->slots[0]));
}

static void charge(kafka_delivery_t *d, int64_t bytes) {
    d->sink->api->charge(d->sink->ctx, bytes - d->charged);
    d->sink->charged += bytes - d->charged;
    d->charged = bytes;
}

void kafka_delivery_release(kafka_delivery_t *d) {
    charge(d, own_bytes(d));
    d->sink->api->batch_unref(d->batch);
    d->batch = NULL;
    d->records = NULL;
    d->sink->api->released(d->sink->ctx, d->ticket);
}

static void destroy_delivery(kafka_delivery_t *d) {
    d->sink->in_flight--;
    d->sink->api->batch_unref(d->batch);
    while (d->text_count > 0)
        free(d->texts[--d->text_count]);
    free(d->texts);
    free(d->failures);
    free(d);
}

/* There was no memory to say what became of its records, and a record without a result would count
 * as written. The sink is broken by now: what it cancels comes again. */
static void end_unkept(kafka_delivery_t *d) {
    d->sink->api->durable(d->sink->ctx, d->ticket, SLUICE_CANCELLED, NULL, 0);
}

/* The transaction took all records with it: a result for each. */
static void end_all(kafka_delivery_t *d, int status, const char *why, int precise) {
    size_t count = d->count > 0 ? d->count : 1;
    sluice_result_t *all = calloc(count, sizeof(*all));
    size_t i;

    if (all == NULL) {
        kafka_sink_no_memory(d->sink, "the results of a transaction");
        end_unkept(d);
        return;
    }
    for (i = 0; i < count; i++) {
        all[i].status = status;
        all[i].record = (uint32_t)i;
        all[i].code = "kafka.transaction";
        all[i].message = why;
    }
    for (i = 0; precise && i < d->failure_count; i++) {
        if (d->failures[i].status != SLUICE_CANCELLED) /* it only went with the others */
            all[d->failures[i].record] = d->failures[i];
    }
    d->sink->api->durable(d->sink->ctx, d->ticket, status, all, count);
    free(all);
}

void kafka_delivery_end(kafka_delivery_t *d, int status, const char *why, int precise) {
    kafka_sink_t *sink = d->sink;
    const sluice_api_t *api = sink->api;

    charge(d, 0); /* before the host gives credit again */
    if (status != SLUICE_OK) {
        end_all(d, status, why, precise);
    } else if (d->unkept) {
        end_unkept(d);
    } else {
        int first = d->failure_count > 0 ? d->failures[0].status : SLUICE_OK;

        api->metric_add(sink->produced, (double)(d->count - d->failure_count));
        api->durable(sink->ctx, d->ticket, first, d->failures, d->failure_count);
    }
    destroy_delivery(d);
}

/* Every record was reported. */
static void settle(kafka_delivery_t *d) {
    kafka_sink_t *sink = d->sink;

    if (sink->tx == NULL) {
        kafka_delivery_end(d, SLUICE_OK, NULL, 1);
        return;
    }
    kafka_transaction_add(sink, d, d->batch);
}

/* ---- producing ---- */

static rd_kafka_headers_t *message_headers(const sluice_record_t *record) {
    rd_kafka_headers_t *headers;
    uint32_t i;

    if (record->header_count == 0)
        return NULL;
    headers = rd_kafka_headers_new(record->header_count);
    for (i = 0; i < record->header_count; i++) {
        const sluice_header_t *h = &record->headers[i];
        const char *value = sluice_is_null(&h->value) ? NULL : h->value.as.s;

        rd_kafka_header_add(headers, h->key.data, (ssize_t)h->key.len, value,
                            value == NULL ? 0 : (ssize_t)h->value.len);
    }
    return headers;
}

/* The long way, for what rd_kafka_produce can't say. */
static rd_kafka_resp_err_t produce_with_extras(kafka_delivery_t *d, rd_kafka_topic_t *topic,
                                               int32_t partition, const sluice_record_t *r,
                                               void *value, size_t value_len, void *opaque) {
    rd_kafka_headers_t *headers = message_headers(r);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        d->sink->client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE(value, value_len),
        RD_KAFKA_V_KEY(sluice_is_null(&r->key) ? NULL : r->key.as.s, r->key.len),
        RD_KAFKA_V_TIMESTAMP(r->timestamp_type == SLUICE_TIMESTAMP_NONE ? 0 : r->timestamp),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
        rd_kafka_headers_destroy(headers);
    return err;
}

static rd_kafka_resp_err_t produce_record(kafka_delivery_t *d, size_t i, rd_kafka_topic_t *topic) {
    const sluice_record_t *r = &d->records[i];
    int32_t partition = r->partition >= 0 ? r->partition : RD_KAFKA_PARTITION_UA;
    size_t value_len = kafka_length(&r->value);
    /* librdkafka only reads it; its signature predates const. */
    void *value = sluice_is_null(&r->value) ? NULL : (void *)(uintptr_t)r->value.as.s;

    if (r->header_count > 0 || r->timestamp_type != SLUICE_TIMESTAMP_NONE)
        return produce_with_extras(d, topic, partition, r, value, value_len, &d->slots[i]);
    if (rd_kafka_produce(topic, partition, 0, value, value_len,
                         sluice_is_null(&r->key) ? NULL : r->key.as.s, r->key.len,
                         &d->slots[i]) == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
}

/* What can be said of a record before the client is asked: it is refused for good. */
static int is_refused(kafka_delivery_t *d, size_t i) {
    const sluice_record_t *r = &d->records[i];
    sluice_str_t topic = topic_of(d->sink, r);
    int64_t bytes = kafka_java_bytes(r);
    int valid = kafka_topics_may_be_named(d->sink, topic);
    sluice_result_t *result;

    if (valid && bytes <= d->sink->window.max_request)
        return 0;
    result = add_failure(d, i,
                         valid ? RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
                               : RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION);
    if (valid)
        explain(d, result,
                "The message is %lld bytes when serialized which is larger than %lld, which is the "
                "value of the max.request.size configuration.",
                (long long)bytes, (long long)d->sink->window.max_request);
    else
        explain(d, result, "Invalid topics: [%.*s]", (int)topic.len,
                topic.data != NULL ? topic.data : "");
    d->reported++;
    return 1;
}

/* Behind a record that was refused nothing is sent, so that the runtime may end there: what could
 * be sent is for another time. */
static void hold_rest(kafka_delivery_t *d) {
    sluice_result_t *result;

    for (; d->produced < d->count; d->produced++) {
        if (is_refused(d, d->produced))
            continue;
        result = add_result(d, d->produced, RD_KAFKA_RESP_ERR__PURGE_QUEUE, SLUICE_RETRY);
        result->code = "kafka.not_sent";
        result->message = "a record before it was refused";
        result->retry_after_ms = 1;
        d->reported++;
    }
}

int kafka_delivery_full(const kafka_sink_t *sink) {
    return sink->charged >= sink->queue_bytes && sink->in_flight > 0;
}

int kafka_delivery_alone(const kafka_sink_t *sink) {
    return sink->alone > 0 && sink->in_flight > 0;
}

/* Hands one record to the client: the client's answer, or __QUEUE_FULL when it has to wait. */
static rd_kafka_resp_err_t produce_next(kafka_delivery_t *d) {
    rd_kafka_topic_t *topic = NULL;
    rd_kafka_resp_err_t err;
    const sluice_record_t *r = &d->records[d->produced];

    /* It is being made, or there is no memory for it: what comes behind must not overtake. */
    if (kafka_topics_find(d->sink, topic_of(d->sink, r), &topic) != SLUICE_OK)
        return RD_KAFKA_RESP_ERR__QUEUE_FULL;
    d->was_alone = d->sink->alone > 0;
    err = produce_record(d, d->produced, topic);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_window_give(&d->sink->window, kafka_length(&r->key) + kafka_length(&r->value));
    /* Full though nothing waits: it would never fit. */
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && rd_kafka_outq_len(d->sink->client) == 0)
        return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    return err;
}

/* Hands records to the client until all are in (1) or have to wait (0). */
static int produce_rest(kafka_delivery_t *d) {
    for (; d->produced < d->count; d->produced++) {
        rd_kafka_resp_err_t err;

        if ((d->sink->alone > 0 && d->reported < d->produced) ||
            kafka_window_is_full(&d->sink->window, d->sink->topic_count))
            return 0;
        if (is_refused(d, d->produced)) {
            d->produced++;
            hold_rest(d);
            return 1;
        }
        err = produce_next(d);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return 0;
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            add_failure(d, d->produced, err);
            d->reported++;
        }
    }
    return 1;
}

/* Ends on the loop's next turn: a ticket never completes inside write. By then a later delivery may
 * be the pending one. */
static void settle_empty(void *arg) {
    kafka_delivery_t *d = arg;
    kafka_sink_t *sink = d->sink;

    settle(d);
    kafka_sink_progress(sink);
}

int kafka_delivery_begin(kafka_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    size_t count;
    size_t i;
    const sluice_record_t *records = sink->api->batch_records(batch, &count);
    kafka_delivery_t *d = calloc(1, sizeof(*d) + count * sizeof(d->slots[0]));

    if (d == NULL)
        return SLUICE_NO_MEMORY;
    d->sink = sink;
    d->batch = sink->api->batch_ref(batch);
    d->ticket = ticket;
    d->records = records;
    d->count = count;
    for (i = 0; i < count; i++)
        d->slots[i] = d;
    sink->in_flight++;
    charge(d, own_bytes(d) + kafka_client_bytes(records, count));
    if (!produce_rest(d))
        sink->pending = d;
    if (d->reported == d->count) { /* empty, or every record was refused at once */
        if (sink->api->post(sink->ctx, settle_empty, d) != SLUICE_OK)
            sink->pending = d; /* the pump's next turn settles it */
        return SLUICE_OK;
    }
    if (sink->tx != NULL)
        kafka_transaction_give_up(sink);
    return SLUICE_OK;
}

void kafka_delivery_continue(kafka_sink_t *sink) {
    kafka_delivery_t *d = sink->pending;

    if (d == NULL || !produce_rest(d))
        return;
    sink->pending = NULL;
    if (d->reported == d->count)
        settle(d);
}

void kafka_delivery_report(kafka_sink_t *sink, const rd_kafka_message_t *message) {
    kafka_delivery_t **slot = message->_private;
    kafka_delivery_t *d;

    if (slot == NULL)
        return; /* a position record: the commit answers for it */
    kafka_window_take_back(&sink->window, message);
    d = *slot;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !d->was_alone)
        add_suspect(d, (size_t)(slot - d->slots));
    else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        add_failure(d, (size_t)(slot - d->slots), message->err);
    if (sink->alone > 0 && d->was_alone)
        sink->alone--;
    d->reported++;
    if (d->reported == d->count && d->produced == d->count)
        settle(d);
}

void kafka_delivery_cancel_pending(kafka_sink_t *sink) {
    kafka_delivery_t *d = sink->pending;

    if (d == NULL)
        return;
    sink->pending = NULL;
    for (; d->produced < d->count; d->produced++, d->reported++)
        add_failure(d, d->produced, RD_KAFKA_RESP_ERR__PURGE_QUEUE);
    if (d->reported == d->count)
        settle(d);
}
