#include "kafka_sink.h"

#include <stdlib.h>

#include "clients/kafka/client_conf.h"

enum {
    INIT_TIMEOUT_MS = 15000,
    ABORT_FIRST_MS = 100,
    ABORT_LAST_MS = 3200, /* doubled from the first: 6 s in all */
    COMMIT_TIMEOUT_MS = 5000,
    COMMIT_RECORDS = 100000
};

enum state { IDLE, OPEN, COMMITTING, ABORTING };

/* The newest mark of one source partition that the open transaction covers. */
struct covered {
    uint32_t source_partition;
    kafka_position_t position;
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
    const char *spoilt; /* why it is to be aborted instead of committed; NULL: it is not */
    int aborted;     /* only deliveries with reports still to be served are missing */
    int refused;     /* one of them for good: the worst status */
    size_t released; /* deliveries whose memory we gave back */
    rd_kafka_conf_t *reader_conf;
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
    if (sink->connect_offsets)
        snprintf(sink->tx->owner, sizeof(sink->tx->owner), "%s",
                 sink->api->pipeline_name(sink->ctx));
    else
        snprintf(sink->tx->owner, sizeof(sink->tx->owner), "%s/%s",
                 sink->api->pipeline_name(sink->ctx), sink->api->instance_name(sink->ctx));
    return SLUICE_OK;
}

static void forget_covered(kafka_transaction_t *tx) {
    while (tx->covered_count > 0) {
        kafka_position_t *p = &tx->covered[--tx->covered_count].position;

        free(p->partition);
        free(p->offset);
    }
}

void kafka_transaction_destroy(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;

    if (tx == NULL)
        return;
    forget_covered(tx);
    free(tx->covered);
    if (tx->reader_conf != NULL)
        rd_kafka_conf_destroy(tx->reader_conf);
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
    if (kafka_is_fenced(rd_kafka_error_code(error)))
        tx->bad_status = SLUICE_FATAL;
    else if (rd_kafka_error_is_fatal(error))
        tx->bad_status = SLUICE_NOT_CONNECTED;
    else if (rd_kafka_error_is_retriable(error))
        tx->bad_status = SLUICE_BUSY; /* call the same again */
    snprintf(tx->error, sizeof(tx->error), "%s: %s", doing, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return tx->bad_status;
}

int kafka_is_fenced(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR__FENCED || err == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           err == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

int kafka_fail_fenced(kafka_sink_t *sink) {
    return sink->api->fail(
        sink->ctx, SLUICE_FATAL, "kafka.fenced",
        "another producer has taken over our transactional id: the same pipeline "
        "runs a second time. Stop one, or set another transactional.id.");
}

int kafka_transaction_configure(kafka_sink_t *sink) {
    static const char *const properties[][2] = {{"enable.auto.commit", "false"},
                                                {"enable.partition.eof", "true"},
                                                {"group.id", "sluice-positions"}};
    rd_kafka_conf_t *conf = kafka_conf_create(sink->api, sink->ctx);
    int rc = conf != NULL
                 ? kafka_conf_apply_connection(sink->api, sink->ctx, conf, kafka_sink_families)
                 : SLUICE_INVALID;
    size_t i;

    sink->tx->reader_conf = conf;
    for (i = 0; rc == SLUICE_OK && i < sizeof(properties) / sizeof(properties[0]); i++)
        rc = kafka_conf_set(sink->api, sink->ctx, conf, properties[i][0], properties[i][1]);
    return rc;
}

void kafka_transaction_prepare(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    const char *topic = sink->api->config_text(sink->ctx, "position.topic");
    rd_kafka_conf_t *conf = tx->reader_conf;

    /* Fences a predecessor and ends its transaction, so that what is read next is final. */
    if (take_error(tx, rd_kafka_init_transactions(sink->client, INIT_TIMEOUT_MS),
                   "init_transactions") != SLUICE_OK) {
        if (tx->bad_status != SLUICE_FATAL)
            tx->bad_status = SLUICE_NOT_CONNECTED;
        return;
    }
    tx->reader_conf = NULL;
    if (kafka_positions_read(sink, conf, topic, tx->owner, &tx->found, &tx->found_count, tx->error,
                             sizeof(tx->error)) != 0)
        tx->bad_status = SLUICE_NOT_CONNECTED;
}

int kafka_transaction_announce(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    size_t i;

    if (tx->bad_status == SLUICE_FATAL)
        return kafka_fail_fenced(sink);
    if (tx->bad_status != SLUICE_OK)
        return sink->api->fail(sink->ctx, tx->bad_status, "kafka.transaction", "%s", tx->error);
    for (i = 0; i < tx->found_count; i++)
        sink->api->sink_position(sink->ctx, sluice_str(tx->found[i].partition),
                                 &tx->found[i].position, tx->found[i].sub_index);
    kafka_positions_free(tx->found, tx->found_count);
    tx->found = NULL;
    tx->found_count = 0;
    return SLUICE_OK;
}

/* ---- a transaction's life ---- */

int kafka_transaction_busy(const kafka_sink_t *sink) {
    const kafka_transaction_t *tx = sink->tx;

    return tx->state == COMMITTING || tx->state == ABORTING || tx->commit_wanted ||
           tx->spoilt != NULL;
}

int kafka_transaction_idle(const kafka_sink_t *sink) {
    return sink->tx->state == IDLE;
}

static void end_deliveries(kafka_sink_t *sink, int status, const char *why, int precise) {
    kafka_transaction_t *tx = sink->tx;
    kafka_delivery_t *d = tx->first;

    tx->first = tx->last = NULL;
    tx->records = tx->waiting = tx->released = 0;
    tx->commit_wanted = tx->aborted = 0;
    tx->spoilt = NULL;
    tx->refused = SLUICE_OK;
    tx->state = IDLE;
    forget_covered(tx);
    while (d != NULL) {
        kafka_delivery_t *next = kafka_delivery_next(d);

        kafka_delivery_end(d, status, why, precise);
        d = next;
    }
    kafka_sink_progress(sink);
}

/* The producer is of no use any more. */
static void break_down(kafka_sink_t *sink) {
    int status = sink->tx->bad_status;

    end_deliveries(sink, sink->closing ? SLUICE_CANCELLED : SLUICE_NOT_CONNECTED, sink->tx->error,
                   0);
    if (sink->closing)
        return;
    if (status == SLUICE_FATAL)
        kafka_fail_fenced(sink);
    else
        sink->api->fail(sink->ctx, status, "kafka.transaction", "%s", sink->tx->error);
    sink->opened = 0;
    sink->api->broken(sink->ctx, status);
}

/* Refused records are told by themselves only when nothing else of the transaction has to come
 * again from the source: that would bring them again, too, for a second dead letter. They get their
 * own turn then, for the runtime sends what it had to fetch again one batch at a time. */
static void try_end_abort(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    int precise = tx->released == 0 || tx->refused == SLUICE_FATAL;

    if (tx->aborted && tx->waiting == sink->in_flight)
        end_deliveries(sink, sink->closing ? SLUICE_CANCELLED : SLUICE_RETRY, tx->error, precise);
}

static void on_aborted(void *arg) {
    kafka_sink_t *sink = arg;

    sink->tx->aborted = sink->tx->bad_status == SLUICE_OK;
    if (sink->tx->aborted)
        try_end_abort(sink);
    else
        break_down(sink);
}

/* The client purges its queue once a call; a request that was under way then may put messages back
 * into it, and they are never sent. So the first calls are short, and it is called again. */
static rd_kafka_error_t *abort_in_steps(rd_kafka_t *client) {
    int ms = ABORT_FIRST_MS;
    rd_kafka_error_t *error;

    while ((error = rd_kafka_abort_transaction(client, ms)) != NULL && ms < ABORT_LAST_MS &&
           rd_kafka_error_is_retriable(error)) {
        rd_kafka_error_destroy(error);
        ms *= 2;
    }
    return error;
}

static void abort_blocking(void *arg) {
    kafka_sink_t *sink = arg;
    kafka_transaction_t *tx = sink->tx;
    rd_kafka_error_t *error = abort_in_steps(sink->client);
    size_t len = strlen(tx->error);

    tx->bad_status = SLUICE_OK;
    if (error == NULL)
        return;
    tx->bad_status =
        kafka_is_fenced(rd_kafka_error_code(error)) ? SLUICE_FATAL : SLUICE_NOT_CONNECTED;
    snprintf(tx->error + len, sizeof(tx->error) - len, "; abort_transaction: %s",
             rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

static void abort_now(kafka_sink_t *sink) {
    sink->tx->state = ABORTING;
    if (sink->api->offload(sink->ctx, abort_blocking, on_aborted, sink) == SLUICE_OK)
        return;
    sink->tx->bad_status = SLUICE_NOT_CONNECTED;
    break_down(sink);
}

static void commit_now(kafka_sink_t *sink);

static void commit_blocking(void *arg) {
    kafka_sink_t *sink = arg;

    take_error(sink->tx, rd_kafka_commit_transaction(sink->client, COMMIT_TIMEOUT_MS),
               "commit_transaction");
}

static void on_committed(void *arg) {
    kafka_sink_t *sink = arg;
    kafka_transaction_t *tx = sink->tx;

    if (tx->bad_status == SLUICE_BUSY && !sink->closing) {
        sink->api->log(sink->ctx, SLUICE_LOG_WARN, "transaction: %s; trying again", tx->error);
        commit_now(sink);
    } else if (tx->bad_status == SLUICE_OK) {
        sink->api->metric_add(sink->transactions, 1);
        end_deliveries(sink, SLUICE_OK, NULL, 0);
    } else if (tx->bad_status == SLUICE_RETRY) {
        sink->api->log(sink->ctx, SLUICE_LOG_WARN, "transaction aborted: %s", tx->error);
        abort_now(sink);
    } else {
        break_down(sink);
    }
}

static void commit_now(kafka_sink_t *sink) {
    sink->tx->state = COMMITTING;
    if (sink->api->offload(sink->ctx, commit_blocking, on_committed, sink) == SLUICE_OK)
        return;
    sink->tx->bad_status = SLUICE_NOT_CONNECTED;
    break_down(sink);
}

static int produce_positions(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    const char *topic = sink->api->config_text(sink->ctx, "position.topic");
    size_t i;

    for (i = 0; i < tx->covered_count; i++) {
        rd_kafka_resp_err_t err =
            kafka_position_produce(sink, topic, tx->owner, &tx->covered[i].position);

        if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            snprintf(tx->error, sizeof(tx->error), "position record: %s", rd_kafka_err2str(err));
            return SLUICE_RETRY;
        }
    }
    return SLUICE_OK;
}

static void stop_timer(kafka_sink_t *sink) {
    if (sink->tx->timer != NULL)
        sink->api->timer_stop(sink->ctx, sink->tx->timer);
    sink->tx->timer = NULL;
}

void kafka_transaction_spoil(kafka_sink_t *sink, int status, const char *why) {
    if (sink->tx->spoilt == NULL)
        sink->tx->spoilt = why;
    if (status == SLUICE_FATAL || sink->tx->refused == SLUICE_OK)
        sink->tx->refused = status;
}

void kafka_transaction_give_up(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;

    if (tx->state != OPEN || tx->spoilt == NULL)
        return;
    stop_timer(sink);
    if (!tx->stopping)
        snprintf(tx->error, sizeof(tx->error), "%s", tx->spoilt);
    abort_now(sink);
    kafka_delivery_cancel_pending(sink);
}

/* Commits once every delivery of the transaction was handed over and reported. */
static void try_commit(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;

    kafka_transaction_give_up(sink);
    if (tx->state != OPEN || !tx->commit_wanted || tx->waiting < sink->in_flight)
        return;
    stop_timer(sink);
    if (tx->stopping || produce_positions(sink) != SLUICE_OK)
        abort_now(sink);
    else
        commit_now(sink);
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

/* Partitions of a consumer group move between tasks, and neither the positions that a task read
 * when it opened nor its transactional id go with them. */
static int partitions_may_move(kafka_sink_t *sink, sluice_batch_t *batch) {
    size_t count;
    size_t i;
    const sluice_mark_t *marks = sink->api->batch_marks(batch, &count);

    for (i = 0; i < count && sink->api->task_number(sink->ctx) > 0; i++) {
        sluice_str_t json =
            sink->api->source_partition_json(sink->ctx, marks[i].source_partition);

        if (memmem(json.data, json.len, "\"kafka_topic\":", 14) != NULL)
            return 1;
    }
    return 0;
}

int kafka_transaction_check(kafka_sink_t *sink, sluice_batch_t *batch) {
    if (!partitions_may_move(sink, batch))
        return SLUICE_OK;
    return sink->api->fail(sink->ctx, SLUICE_FATAL, "kafka.tasks",
                           "exactly.once with a Kafka source works in one task only: partitions "
                           "that move to another task take no position along. Set tasks.max to 1, "
                           "or exactly.once to false.");
}

int kafka_transaction_begin(kafka_sink_t *sink) {
    kafka_transaction_t *tx = sink->tx;
    int64_t interval = sink->api->config_int(sink->ctx, "transaction.interval");

    if (tx->state == OPEN)
        return SLUICE_OK;
    tx->timer = sink->api->timer_start(sink->ctx, (uint64_t)interval, 0, on_interval, sink);
    if (tx->timer == NULL)
        return SLUICE_NO_MEMORY; /* nothing would end it */
    if (take_error(tx, rd_kafka_begin_transaction(sink->client), "begin_transaction") !=
        SLUICE_OK) {
        stop_timer(sink);
        return sink->api->fail(sink->ctx, SLUICE_NOT_CONNECTED, "kafka.transaction", "%s",
                               tx->error);
    }
    tx->state = OPEN;
    return SLUICE_OK;
}

/* The offset that users see; that of a source which renders none is private, and leaves the one
 * before in its place. */
static int take_offset(kafka_sink_t *sink, kafka_position_t *position, sluice_str_t offset) {
    if (!sink->connect_offsets || offset.len < 2 || offset.data[0] != '{' ||
        offset.data[offset.len - 1] != '}')
        return SLUICE_OK;
    free(position->offset);
    position->offset = strndup(offset.data, offset.len);
    return position->offset != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static struct covered *find_covered(kafka_transaction_t *tx, uint32_t source_partition) {
    size_t i;

    for (i = 0; i < tx->covered_count; i++) {
        if (tx->covered[i].source_partition == source_partition)
            return &tx->covered[i];
    }
    return NULL;
}

static struct covered *add_covered(kafka_sink_t *sink, uint32_t source_partition) {
    kafka_transaction_t *tx = sink->tx;
    sluice_str_t json = sink->api->source_partition_json(sink->ctx, source_partition);
    struct covered *grown = realloc(tx->covered, (tx->covered_count + 1) * sizeof(*grown));

    if (grown == NULL)
        return NULL;
    tx->covered = grown;
    grown += tx->covered_count;
    memset(grown, 0, sizeof(*grown));
    grown->source_partition = source_partition;
    grown->position.partition = strndup(json.data, json.len);
    if (grown->position.partition == NULL)
        return NULL;
    tx->covered_count++;
    return grown;
}

static int cover(kafka_sink_t *sink, const sluice_mark_t *mark) {
    struct covered *known = find_covered(sink->tx, mark->source_partition);
    kafka_position_t *p;
    int order;

    if (known == NULL)
        known = add_covered(sink, mark->source_partition);
    if (known == NULL)
        return SLUICE_NO_MEMORY;
    p = &known->position;
    /* Batches may be reported out of order: the newest position counts. */
    order = sluice_position_cmp(&p->position, &mark->position);
    if (p->position.len > 0 && (order > 0 || (order == 0 && p->sub_index >= mark->sub_index)))
        return SLUICE_OK;
    p->position = mark->position;
    p->sub_index = mark->sub_index;
    return take_offset(sink, p, mark->offset);
}

void kafka_transaction_add(kafka_sink_t *sink, kafka_delivery_t *delivery,
                           sluice_batch_t *batch) {
    kafka_transaction_t *tx = sink->tx;
    size_t count;
    size_t records;
    size_t i;
    const sluice_mark_t *marks = sink->api->batch_marks(batch, &count);

    if (tx->state == IDLE) { /* it broke down before the report came */
        kafka_delivery_end(delivery, sink->closing ? SLUICE_CANCELLED : SLUICE_NOT_CONNECTED,
                           tx->error, 0);
        return;
    }
    for (i = 0; i < count; i++)
        if (cover(sink, &marks[i]) != SLUICE_OK) /* left out, it would repeat records */
            kafka_transaction_spoil(sink, SLUICE_RETRY, "no memory for its position");
    sink->api->batch_records(batch, &records);
    if (tx->spoilt == NULL) { /* else it has to be written again */
        kafka_delivery_release(delivery);
        tx->released++;
    }
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
    try_end_abort(sink);
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
