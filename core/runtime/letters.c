#include "runtime/letters.h"

#include "config/config.h"
#include "observe/log.h"
#include "record/batch.h"
#include "runtime/slice.h"

#define RETRY_BASE_MS 300
#define LEAVE_MS 10000
#define CONNECT_EXCEPTION "org.apache.kafka.connect.errors.ConnectException"

static void turn(uv_timer_t *timer);

/* ---- small things ---- */

int sl_letters_used(const sl_letters_t *l) {
    return l->p.spec != NULL && l->p.spec->plugin != NULL;
}

int sl_letters_busy(const sl_letters_t *l) {
    return l->sending != NULL;
}

static const char *topic_of(const sl_letters_t *l) {
    const char *topic = sl_config_text(l->p.spec->config, "topic");

    return topic != NULL ? topic : l->p.spec->name;
}

static void after(sl_letters_t *l, int64_t ms) {
    uv_timer_start(&l->timer, turn, (uint64_t)ms, 0);
}

static void kick(sl_letters_t *l) {
    if (!uv_is_active((uv_handle_t *)&l->timer))
        after(l, 0);
}

static void end_sending(sl_letters_t *l) {
    sl_repair_fini(&l->left);
    sl_batch_unref(l->sending);
    l->sending = NULL;
    sl_credit_give(l->p.credit, l->charged, 0);
    l->charged = 0;
}

/* ---- failing ---- */

static void fail(sl_letters_t *l, int status) {
    sl_ctx_error_t error = {0};

    if (l->state == SL_LETTERS_DOWN || l->state == SL_LETTERS_CLOSING)
        return;
    sl_instance_error(&l->instance, status, &error);
    if (l->p.failure->trace == NULL && l->state == SL_LETTERS_OPENING && l->p.connect)
        sl_failure_set(l->p.failure, status, CONNECT_EXCEPTION,
                       "Could not initialize dead letter queue with topic=%s\nCaused by: %s: %s",
                       topic_of(l), error.code, error.message);
    else if (l->p.failure->trace == NULL)
        sl_failure_set(l->p.failure, status, error.code, "%s\n  at the sink of dead letters %s",
                       error.message != NULL ? error.message : "", l->p.spec->name);
    sl_ctx_error_fini(&error);
    l->state = SL_LETTERS_DOWN;
    uv_timer_stop(&l->timer);
    if (l->announced)
        l->p.events->done(l->p.user, status);
    else
        l->p.events->opened(l->p.user, status);
}

/* A letter that the target will never take. */
static void lose(sl_letters_t *l, const sluice_result_t *result, int status) {
    const char *code =
        result != NULL && result->code != NULL ? result->code : sl_status_name(status);
    const char *message = result != NULL && result->message != NULL ? result->message : "";

    sl_metric_add(l->lost_metric, 1);
    sl_tally_add(l->p.meters, SL_TALLY_DEAD_LETTERS_FAILED, 1);
    sl_log(SLUICE_LOG_ERROR, "runtime.letters",
           "Could not produce message to dead letter queue. topic=%s: %s: %s", topic_of(l), code,
           message);
    if (l->p.connect || l->p.failure->trace != NULL)
        return;
    sl_failure_set(l->p.failure, SLUICE_FATAL, code, "%s\n  at writing a dead letter to %s",
                   message, l->p.spec->name);
}

static int is_final(int status) {
    return status == SLUICE_FATAL || status == SLUICE_INVALID || status == SLUICE_UNSUPPORTED;
}

static void warn(sl_letters_t *l, int status, const char *what) {
    sl_ctx_error_t error = {0};

    sl_instance_error(&l->instance, status, &error);
    sl_log(SLUICE_LOG_WARN, "runtime.letters", "the sink of dead letters %s: %s: %s; trying again",
           what, error.code, error.message);
    sl_ctx_error_fini(&error);
}

/* ---- results ---- */

static void wait_for(sl_letters_t *l, uint32_t retry_after_ms) {
    int64_t wait = sl_retry_failed(&l->retry, retry_after_ms);

    after(l, wait > 0 ? wait : 1);
}

static void leave(sl_letters_t *l) {
    if (l->state != SL_LETTERS_UP)
        return;
    l->state = SL_LETTERS_LEAVING;
    after(l, 0);
}

static void take_verdict(sl_letters_t *l, const sl_verdict_t *verdict, int status) {
    int strict = l->p.failure->trace == NULL;
    size_t i;

    for (i = 0; i < verdict->bad_count; i++)
        lose(l, verdict->bad[i].result, status);
    if (strict && l->p.failure->trace != NULL)
        fail(l, SLUICE_FATAL);
    else if (verdict->retrying)
        wait_for(l, verdict->retry_after_ms);
}

static void refused(sl_letters_t *l, int status, const sluice_result_t *results, size_t count) {
    sl_verdict_t verdict = {0};

    if (is_final(status)) {
        fail(l, status);
        return;
    }
    if (status == SLUICE_NOT_CONNECTED) {
        warn(l, status, "lost its target");
        leave(l);
        return;
    }
    if (sl_repair_failed(&l->left, status, results, count, &verdict) == SLUICE_OK)
        take_verdict(l, &verdict, status);
    else
        wait_for(l, 0);
    sl_verdict_fini(&verdict);
}

/* ---- what the sink says ---- */

static void op_complete(void *user, sluice_op_t op, int status) {
    sl_letters_t *l = user;

    if (op != SLUICE_OP_FLUSH)
        sl_instance_complete(&l->instance, op, status);
    else if (status != SLUICE_OK && status != SLUICE_CANCELLED)
        warn(l, status, "cannot flush");
}

static void op_broken(void *user, int status) {
    sl_letters_t *l = user;

    if (is_final(status)) {
        fail(l, status);
        return;
    }
    warn(l, status, "lost its target");
    leave(l);
}

static void op_ready(void *user) {
    sl_letters_t *l = user;

    l->busy = 0;
    l->readied = 1;
    kick(l);
}

static void op_released(void *user, sluice_ticket_t *ticket) {
    const char *why;

    (void)sl_tickets_release(&((sl_letters_t *)user)->tickets, ticket, &why);
}

static void op_durable(void *user, sluice_ticket_t *ticket, int status,
                       const sluice_result_t *results, size_t count) {
    sl_letters_t *l = user;
    const char *why;

    if (sl_tickets_end(&l->tickets, ticket, &why) == NULL || l->sending == NULL)
        return; /* of an incarnation that was left */
    l->busy = 0;
    l->readied = 1;
    if (status == SLUICE_OK)
        sl_repair_ok(&l->left);
    else if (status != SLUICE_CANCELLED)
        refused(l, status, results, count);
    kick(l);
}

static void op_sink_position(void *user, sluice_str_t partition, const sluice_position_t *position,
                             uint32_t sub_index) {
    (void)user, (void)partition, (void)position, (void)sub_index;
}

static sluice_str_t op_partition_json(void *user, uint32_t number) {
    return sl_partitions_json(((sl_letters_t *)user)->p.partitions, number);
}

static const sl_ctx_ops_t ops = {
    .complete = op_complete,
    .broken = op_broken,
    .ready = op_ready,
    .released = op_released,
    .durable = op_durable,
    .sink_position = op_sink_position,
    .source_partition_json = op_partition_json,
};

/* ---- writing ---- */

/* What it keeps of the batch that was read is charged with that. */
static int64_t own_bytes(const sl_letters_t *l) {
    int64_t bytes = (int64_t)sl_batch_bytes(l->sending);

    return l->memo.origin != NULL ? bytes - (int64_t)sl_batch_bytes(l->memo.origin) : bytes;
}

static int begin(sl_letters_t *l) {
    l->sending = l->gathered;
    l->gathered = NULL;
    if (sl_batch_seal(l->sending) == SLUICE_OK) {
        if (sl_repair_init(&l->left,
                           (sluice_failure_mode_t)l->p.spec->plugin->sink->failure_mode,
                           sl_batch_count(l->sending)) == SLUICE_OK) {
            l->charged = own_bytes(l);
            sl_credit_take(l->p.credit, l->charged, 0);
            return SLUICE_OK;
        }
    }
    sl_batch_unref(l->sending);
    l->sending = NULL;
    return SLUICE_NO_MEMORY;
}

static void write_piece(sl_letters_t *l, const uint32_t *index, size_t count) {
    const sluice_sink_t *sink = l->p.spec->plugin->sink;
    sluice_batch_t *piece = sl_slice(l->sending, index, count, NULL, 0);
    sluice_ticket_t *ticket;
    int status;

    if (piece == NULL || sl_tickets_begin(&l->tickets, l, uv_now(l->p.home->loop), &ticket) !=
                             SLUICE_OK) {
        sl_batch_unref(piece);
        wait_for(l, 0);
        return;
    }
    l->readied = 0;
    status = sink->write(l->instance.self, piece, ticket);
    sl_batch_unref(piece);
    if (status == SLUICE_OK) {
        if (l->tickets.open > 0 && sink->flush != NULL)
            (void)sink->flush(l->instance.self);
        return;
    }
    (void)sl_tickets_undo(&l->tickets, ticket);
    if (status == SLUICE_BUSY)
        l->busy = !l->readied;
    else
        refused(l, status, NULL, 0);
    if (!l->busy)
        kick(l);
}

static void pump(sl_letters_t *l) {
    const uint32_t *index, *rest;
    size_t count, rest_count;

    if (l->sending == NULL || l->busy || l->tickets.open > 0)
        return;
    if (sl_repair_piece(&l->left, &index, &count, &rest, &rest_count)) {
        write_piece(l, index, count);
        return;
    }
    sl_retry_succeeded(&l->retry);
    end_sending(l);
    if (l->gathered == NULL)
        l->p.events->done(l->p.user, SLUICE_OK);
    else if (begin(l) == SLUICE_OK) /* they came meanwhile */
        kick(l);
    else
        fail(l, SLUICE_NO_MEMORY);
}

/* ---- opening, and opening again ---- */

static void on_left(void *user, int abandoned);

static void on_opened(void *user, int status) {
    sl_letters_t *l = user;

    if (l->state != SL_LETTERS_OPENING)
        return;
    if (status != SLUICE_OK && sl_status_may_heal(status)) {
        warn(l, status, "cannot be opened");
        l->state = SL_LETTERS_LEAVING;
        sl_instance_close(&l->instance, LEAVE_MS, on_left, l);
        return;
    }
    if (status != SLUICE_OK) {
        fail(l, status);
        return;
    }
    l->state = SL_LETTERS_UP;
    l->busy = 0;
    if (!l->announced) {
        l->announced = 1;
        l->p.events->opened(l->p.user, SLUICE_OK);
    }
    kick(l);
}

static void open_sink(sl_letters_t *l) {
    l->state = SL_LETTERS_OPENING;
    sl_instance_open(&l->instance, &ops, l, on_opened);
}

static void on_left(void *user, int abandoned) {
    sl_letters_t *l = user;

    l->abandoned |= abandoned;
    while (sl_tickets_cancel(&l->tickets) != NULL)
        continue;
    if (l->state != SL_LETTERS_LEAVING)
        return;
    l->state = SL_LETTERS_PAUSED;
    wait_for(l, 0);
}

static void turn(uv_timer_t *timer) {
    sl_letters_t *l = timer->data;

    if (l->state == SL_LETTERS_LEAVING)
        sl_instance_close(&l->instance, LEAVE_MS, on_left, l);
    else if (l->state == SL_LETTERS_PAUSED)
        open_sink(l);
    else if (l->state == SL_LETTERS_UP)
        pump(l);
}

/* ---- from outside ---- */

void sl_letters_init(sl_letters_t *l, const sl_letters_params_t *params) {
    memset(l, 0, sizeof(*l));
    l->p = *params;
    sl_tickets_init(&l->tickets);
    if (!sl_letters_used(l))
        return;
    sl_instance_init(&l->instance, l->p.spec, l->p.home);
    uv_timer_init(l->p.home->loop, &l->timer);
    l->timer.data = l;
    sl_retry_init(&l->retry, l->p.retry_env, -1, RETRY_BASE_MS, l->p.retry_delay_max_ms);
    l->sent_metric = sl_metric(SLUICE_COUNTER, "sluice_dead_letters_total",
                               "Records written to the dead letter file or sink.",
                               SL_LABELS({"branch", l->p.node}));
    l->lost_metric = sl_metric(SLUICE_COUNTER, "sluice_dead_letters_lost_total",
                               "Dead letters that their sink refused.",
                               SL_LABELS({"branch", l->p.node}));
}

void sl_letters_open(sl_letters_t *l) {
    if (sl_letters_used(l))
        open_sink(l);
    else
        l->p.events->opened(l->p.user, SLUICE_OK);
}

int sl_letters_add(sl_letters_t *l, const sl_letter_t *letter) {
    int bytes = (l->p.spec->plugin->sink->flags & SLUICE_SINK_BYTES) != 0;

    if (l->gathered == NULL) {
        memset(&l->memo, 0, sizeof(l->memo));
        l->gathered = sl_batch_create(0);
    }
    if (l->gathered == NULL)
        return SLUICE_NO_MEMORY;
    sl_metric_add(l->sent_metric, 1);
    sl_tally_add(l->p.meters, SL_TALLY_DEAD_LETTERS, 1);
    return sl_letter_add(l->gathered, &l->memo, letter, bytes, l->p.headers);
}

int sl_letters_send(sl_letters_t *l) {
    if (l->state == SL_LETTERS_DOWN)
        return SLUICE_FATAL;
    if (l->sending != NULL)
        return SLUICE_BUSY;
    if (l->gathered == NULL)
        return SLUICE_OK;
    if (begin(l) != SLUICE_OK) {
        if (l->p.failure->trace == NULL)
            sl_failure_set(l->p.failure, SLUICE_NO_MEMORY, NULL, "no memory for dead letters");
        return SLUICE_NO_MEMORY;
    }
    l->announced = 1;
    if (l->state == SL_LETTERS_SHUT)
        open_sink(l);
    else if (l->state == SL_LETTERS_UP)
        kick(l);
    return SLUICE_BUSY;
}

static void on_closed(void *user, int abandoned) {
    sl_letters_t *l = user;

    while (sl_tickets_cancel(&l->tickets) != NULL)
        continue;
    if (l->sending != NULL)
        end_sending(l);
    sl_batch_unref(l->gathered);
    l->gathered = NULL;
    l->p.events->closed(l->p.user, abandoned | l->abandoned);
}

void sl_letters_close(sl_letters_t *l, uint64_t deadline_ms) {
    l->state = SL_LETTERS_CLOSING;
    if (!sl_letters_used(l)) {
        l->p.events->closed(l->p.user, 0);
        return;
    }
    uv_timer_stop(&l->timer);
    sl_instance_close(&l->instance, deadline_ms, on_closed, l);
}

void sl_letters_fini(sl_letters_t *l) {
    sl_tickets_fini(&l->tickets);
    if (!sl_letters_used(l))
        return;
    sl_instance_fini(&l->instance);
    uv_close((uv_handle_t *)&l->timer, NULL);
}
