#include "kafka_sink.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"

enum { INIT_TIMEOUT_MS = 30000, ABORT_TIMEOUT_MS = 30000, COMMIT_TIMEOUT_MS = 30000, COMMIT_RECORDS = 100000 };

enum state { IDLE, OPEN, COMMITTING, ABORTING };

/* The newest mark of one source partition that the open transaction covers. */
struct covered {
    char *partition;
    sluice_mark_t mark;
};

struct kafka_transaction {
    enum state state;
    kafka_delivery_t *first; /* deliveries that the commit will end, in order */
    kafka_delivery_t *last;
    size_t waiting; /* how many deliveries */
    size_t records;
    struct covered *covered;
    size_t covered_count;
    sluice_timer_t *timer;
    int commit_wanted;
    int stopping;
    int bad_status; /* set by the offloaded call */
    char error[512];
    char owner[256]; /* whose positions: pipeline and branch */
    kafka_position_t *found;
    size_t found_count;
};

int kafka_transaction_create(kafka_sink_t *sink) {
    sink->tx = calloc(1, sizeof(*sink->tx));
    if (sink->tx == NULL)
        return SLUICE_NO_MEMORY;
    snprintf(sink->tx->owner, sizeof(sink->tx->owner), "%s/%s", sink->api->pipeline_name(sink->ctx),
             sink->api->instance_name(sink->ctx));
    return SLUICE_OK;
}

static void forget_covered(kafka_transaction_t *tx) {
    while (tx->covered_count > 0)
        free(tx->covered[--tx->covered_count].partition);
}

void kafka_transaction_destroy(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;

    if (tx == NULL)
        return;
    forget_covered(tx);
    free(tx->covered);
    kafka_positions_free(tx->found, tx->found_count);
    free(tx);
    sink->tx = NULL;
}

/* ---- opening ---- */

static int take_error(kafka_transaction_t *tx, rd_kafka_error_t *error, const char *doing) {
    if (error == NULL) {
        tx->bad_status = SLUICE_OK;
        return SLUICE_OK;
    }
    tx->bad_status = SLUICE_RETRY;
    if (rd_kafka_error_is_fatal(error))
        tx->bad_status = SLUICE_NOT_CONNECTED;
    else if (rd_kafka_error_is_retriable(error))
        tx->bad_status = SLUICE_BUSY; /* call the same again */
    snprintf(tx->error, sizeof(tx->error), "%s: %s", doing, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return tx->bad_status;
}

static rd_kafka_conf_t *reader_conf(kafka_sink_t *sink) {
    rd_kafka_conf_t *conf = kafka_conf_create(sink->api, sink->ctx);

    if (conf == NULL || kafka_conf_apply_prefix(sink->api, sink->ctx, conf, "client.") != SLUICE_OK)
        return NULL;
    kafka_conf_set(sink->api, sink->ctx, conf, "isolation.level", "read_committed");
    kafka_conf_set(sink->api, sink->ctx, conf, "enable.auto.commit", "false");
    kafka_conf_set(sink->api, sink->ctx, conf, "enable.partition.eof", "true");
    kafka_conf_set(sink->api, sink->ctx, conf, "group.id", "sluice-positions");
    return conf;
}

void kafka_transaction_prepare(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    const char *topic = sink->api->config_text(sink->ctx, "position.topic");

    /* Fences a predecessor and ends its transaction, so that what is read next is final. */
    if (take_error(tx, rd_kafka_init_transactions(sink->client, INIT_TIMEOUT_MS), "init_transactions") != SLUICE_OK ||
        kafka_positions_read(sink->client, reader_conf(sink), topic, tx->owner, &tx->found, &tx->found_count, tx->error,
                             sizeof(tx->error)) != 0) {
        sink->open_status = SLUICE_NOT_CONNECTED;
        snprintf(sink->open_error, sizeof(sink->open_error), "%s", tx->error);
    }
}

void kafka_transaction_announce(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    size_t i;

    for (i = 0; i < tx->found_count; i++)
        sink->api->sink_position(sink->ctx, sluice_str(tx->found[i].partition), &tx->found[i].position,
                                 tx->found[i].sub_index);
    kafka_positions_free(tx->found, tx->found_count);
    tx->found = NULL;
    tx->found_count = 0;
}

/* ---- a transaction's life ---- */

int kafka_transaction_busy(const kafka_sink_t *sink) {
    const kafka_transaction_t *tx = sink->tx;

    return tx->state == COMMITTING || tx->state == ABORTING || tx->commit_wanted;
}

int kafka_transaction_idle(const kafka_sink_t *sink) {
    return sink->tx->state == IDLE;
}

static void end_deliveries(kafka_sink_t *sink, int status, const char *why) {
    kafka_transaction_t *tx = sink->tx;
    kafka_delivery_t *d = tx->first;

    tx->first = tx->last = NULL;
    tx->records = tx->waiting = 0;
    tx->commit_wanted = 0;
    tx->state = IDLE;
    forget_covered(tx);
    while (d != NULL) {
        kafka_delivery_t *next = kafka_delivery_next(d);

        kafka_delivery_end(d, status, why);
        d = next;
    }
    kafka_sink_progress(sink);
}

static void on_aborted(void *arg) {
    kafka_sink_t *sink = arg;
    int fatal = sink->tx->bad_status == SLUICE_NOT_CONNECTED && !sink->closing;

    end_deliveries(sink, sink->closing ? SLUICE_CANCELLED : SLUICE_RETRY, sink->tx->error);
    if (fatal) {
        sink->api->fail(sink->ctx, SLUICE_NOT_CONNECTED, "kafka.transaction", "%s", sink->tx->error);
        sink->api->broken(sink->ctx, SLUICE_NOT_CONNECTED);
    }
}

static void abort_blocking(void *arg) {
    kafka_sink_t *sink = arg;
    rd_kafka_error_t *error = rd_kafka_abort_transaction(sink->client, ABORT_TIMEOUT_MS);

    /* The reason of the abort is worth more than that of a failed abort; a broken producer is replaced anyway. */
    sink->tx->bad_status = error == NULL ? SLUICE_OK : SLUICE_NOT_CONNECTED;
    rd_kafka_error_destroy(error);
}

static void abort_now(kafka_sink_t *sink) {
    sink->tx->state = ABORTING;
    sink->api->offload(sink->ctx, abort_blocking, on_aborted, sink);
}

static void commit_blocking(void *arg) {
    kafka_sink_t *sink = arg;

    take_error(sink->tx, rd_kafka_commit_transaction(sink->client, COMMIT_TIMEOUT_MS), "commit_transaction");
}

static void on_committed(void *arg) {
    kafka_sink_t *sink = arg;
    kafka_transaction_t *tx = sink->tx;

    if (tx->bad_status == SLUICE_BUSY) {
        sink->api->log(sink->ctx, SLUICE_LOG_WARN, "transaction: %s; trying again", tx->error);
        sink->api->offload(sink->ctx, commit_blocking, on_committed, sink);
    } else if (tx->bad_status == SLUICE_OK) {
        sink->api->metric_add(sink->transactions, 1);
        end_deliveries(sink, SLUICE_OK, NULL);
    } else {
        sink->api->log(sink->ctx, SLUICE_LOG_WARN, "transaction aborted: %s", tx->error);
        abort_now(sink);
    }
}

static int produce_positions(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    const char *topic = sink->api->config_text(sink->ctx, "position.topic");
    size_t i;

    for (i = 0; i < tx->covered_count; i++) {
        char *key = kafka_position_key(tx->owner, sluice_str(tx->covered[i].partition));
        char *value = kafka_position_value(&tx->covered[i].mark);
        rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__QUEUE_FULL;

        if (key != NULL && value != NULL)
            err = rd_kafka_producev(sink->client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, strlen(key)),
                                    RD_KAFKA_V_VALUE(value, strlen(value)), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                    RD_KAFKA_V_END);
        free(key);
        free(value);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            snprintf(tx->error, sizeof(tx->error), "position record: %s", rd_kafka_err2str(err));
            return SLUICE_RETRY;
        }
    }
    return SLUICE_OK;
}

/* Commits once every delivery of the transaction was handed over and reported. */
static void try_commit(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;

    if (tx->state != OPEN || !tx->commit_wanted || tx->waiting < sink->in_flight)
        return;
    if (tx->timer != NULL)
        sink->api->timer_stop(sink->ctx, tx->timer);
    tx->timer = NULL;
    if (tx->stopping || produce_positions(sink) != SLUICE_OK) {
        abort_now(sink);
        return;
    }
    tx->state = COMMITTING;
    sink->api->offload(sink->ctx, commit_blocking, on_committed, sink);
}

static void on_interval(void *arg) {
    kafka_sink_t *sink = arg;

    sink->tx->timer = NULL;
    kafka_transaction_commit_soon(sink);
}

void kafka_transaction_commit_soon(kafka_sink_t *sink) {
    if (sink->tx->state != OPEN)
        return;
    sink->tx->commit_wanted = 1;
    try_commit(sink);
}

int kafka_transaction_begin(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    int64_t interval = sink->api->config_int(sink->ctx, "transaction.interval");

    if (tx->state == OPEN)
        return SLUICE_OK;
    if (take_error(tx, rd_kafka_begin_transaction(sink->client), "begin_transaction") != SLUICE_OK)
        return sink->api->fail(sink->ctx, SLUICE_NOT_CONNECTED, "kafka.transaction", "%s", tx->error);
    tx->state = OPEN;
    tx->timer = sink->api->timer_start(sink->ctx, (uint64_t)interval, 0, on_interval, sink);
    return SLUICE_OK;
}

static void cover(kafka_sink_t *sink, const sluice_mark_t *mark) {
    kafka_transaction_t *tx = sink->tx;
    sluice_str_t partition = sink->api->source_partition_json(sink->ctx, mark->source_partition);
    struct covered *grown;
    size_t i;

    for (i = 0; i < tx->covered_count; i++) {
        sluice_mark_t *known = &tx->covered[i].mark;

        if (known->source_partition != mark->source_partition)
            continue;
        /* Batches may be reported out of order: the newest position counts. */
        if (sluice_position_cmp(&known->position, &mark->position) < 0)
            *known = *mark;
        return;
    }
    grown = realloc(tx->covered, (tx->covered_count + 1) * sizeof(*grown));
    if (grown == NULL)
        abort(); /* a position left out would repeat records after a restart */
    tx->covered = grown;
    grown[tx->covered_count].partition = strndup(partition.data, partition.len);
    grown[tx->covered_count++].mark = *mark;
}

void kafka_transaction_add(kafka_sink_t *sink, kafka_delivery_t *delivery, sluice_batch_t *batch) {
    kafka_transaction_t *tx = sink->tx;
    size_t count;
    size_t records;
    size_t i;
    const sluice_mark_t *marks = sink->api->batch_marks(batch, &count);

    for (i = 0; i < count; i++)
        cover(sink, &marks[i]);
    sink->api->batch_records(batch, &records);
    tx->records += records;
    tx->waiting++;
    kafka_delivery_set_next(delivery, NULL);
    if (tx->last != NULL)
        kafka_delivery_set_next(tx->last, delivery);
    else
        tx->first = delivery;
    tx->last = delivery;
    if (tx->records >= COMMIT_RECORDS)
        tx->commit_wanted = 1;
    try_commit(sink);
}

void kafka_transaction_stop(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;

    tx->stopping = 1;
    if (tx->state == OPEN) {
        tx->commit_wanted = 1;
        snprintf(tx->error, sizeof(tx->error), "closed before the commit");
        try_commit(sink);
    }
}
