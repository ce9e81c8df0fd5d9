#include "postgres_sink.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* The one transaction in flight: of one batch, or of several that waited for the one before. */
struct pg_delivery {
    pg_sink_t *sink;
    pg_parts_t parts;
    sluice_batch_t *scratch;
    pg_plan_t plan;
    pg_group_t *copying; /* whose COPY comes next */
    int replan;          /* after the rollback: with tables asked for anew */
    char *asking;        /* name of the table that the catalogue is asked for */
    sluice_result_t result;
    char code[64];
    char message[1200];
};

static void plan_and_send(pg_delivery_t *d);
static void start_or_fail(pg_sink_t *sink);
static void forget_linger(pg_sink_t *sink);

/* ---- the end ---- */

/* The runtime must see the failure before what waits behind it, and sends all of that again. */
static void end_waiting(pg_sink_t *sink, int status, const sluice_result_t *result) {
    static const sluice_result_t behind = {.status = SLUICE_CANCELLED,
                                           .code = "postgres.cancelled",
                                           .message = "a batch before it failed"};

    sink->alone = 0;
    forget_linger(sink);
    if (status == SLUICE_NOT_CONNECTED || status == SLUICE_CANCELLED)
        pg_parts_end(sink, &sink->waiting, status, result);
    else
        pg_parts_end(sink, &sink->waiting, SLUICE_CANCELLED, &behind);
}

/* Several batches failed together: each goes by itself, to know which one it was. */
static int split(pg_delivery_t *d, int status) {
    if (d->parts.count < 2 || status == SLUICE_OK || status == SLUICE_NOT_CONNECTED ||
        status == SLUICE_CANCELLED)
        return 0;
    d->sink->alone = d->parts.count;
    pg_parts_give_back(d->sink, &d->parts);
    return 1;
}

static void end_parts(pg_delivery_t *d, int status) {
    pg_sink_t *sink = d->sink;

    d->result.status = status;
    d->result.code = d->code;
    d->result.message = d->message;
    if (status == SLUICE_OK) {
        sink->api->metric_add(sink->rows, (double)d->plan.rows);
        sink->api->metric_add(sink->transactions, 1);
        sink->alone -= sink->alone > 0;
    }
    pg_parts_end(sink, &d->parts, status, &d->result);
    if (status != SLUICE_OK)
        end_waiting(sink, status, &d->result);
}

static void end(pg_delivery_t *d, int status) {
    pg_sink_t *sink = d->sink;

    sink->current = NULL;
    if (!split(d, status))
        end_parts(d, status);
    pg_plan_free(&d->plan);
    sink->api->batch_unref(d->scratch);
    free(d->asking);
    free(d);
    if (sink->waiting.count > 0)
        start_or_fail(sink);
    pg_sink_progress(sink);
}

static void set_failure(pg_delivery_t *d, const char *code, const char *message) {
    snprintf(d->code, sizeof(d->code), "%s", code);
    snprintf(d->message, sizeof(d->message), "%s", message);
}

void pg_delivery_cancel(pg_sink_t *sink, int status, const char *code, const char *why) {
    pg_delivery_t *d = sink->current;
    sluice_result_t result = {.status = status, .code = code, .message = why};

    if (d == NULL) {
        end_waiting(sink, status, &result);
        return;
    }
    set_failure(d, code, why);
    end(d, status);
}

/* Class of an SQLSTATE: what is wrong with the data is the record's fault, the rest as the client
 * sees it. */
static int status_of(const pg_error_t *e, int status) {
    if (strncmp(e->sqlstate, "22", 2) == 0 || strncmp(e->sqlstate, "23", 2) == 0 ||
        strcmp(e->sqlstate, "44000") == 0 || strcmp(e->sqlstate, "P0001") == 0)
        return SLUICE_BAD_RECORD; /* the last two: a view's check, a trigger's exception */
    if (strncmp(e->sqlstate, "40", 2) == 0 || strncmp(e->sqlstate, "53", 2) == 0 ||
        strcmp(e->sqlstate, "55P03") == 0)
        return SLUICE_RETRY;
    return status;
}

static void fail_by_server(pg_delivery_t *d, const pg_error_t *e) {
    set_failure(d, pg_error_code(e), e->message);
    snprintf(d->message, sizeof(d->message), "%s%s%s%s%s", e->message,
             e->detail[0] != '\0' ? ": " : "", e->detail, e->hint[0] != '\0' ? ". " : "", e->hint);
}

/* After an error the transaction is still open, and refused: it is rolled back before anything
 * else. */
static void on_rolled_back(void *arg, int status, PGresult *const *results, int count) {
    pg_delivery_t *d = arg;
    pg_sink_t *sink = d->sink;

    (void)results;
    (void)count;
    if (status == SLUICE_OK && d->replan) {
        d->replan = 0;
        plan_and_send(d);
        return;
    }
    end(d, status == SLUICE_OK ? d->result.status : SLUICE_NOT_CONNECTED);
    if (status != SLUICE_OK)
        pg_sink_lost(sink);
}

/* Whether an error may come of a table that is not any more what we know of it. */
static int is_shape_error(const pg_error_t *e) {
    static const char *const states[] = {"42703", "42P01", "42804", "42P10", "0A000", NULL};
    size_t i;

    for (i = 0; states[i] != NULL; i++) {
        if (strcmp(e->sqlstate, states[i]) == 0)
            return 1;
    }
    return 0;
}

static void roll_back(pg_delivery_t *d, int status) {
    pg_error_t error = *pg_conn_error(d->sink->conn);

    fail_by_server(d, &error);
    d->result.status = status_of(&error, status);
    d->replan = is_shape_error(&error) && pg_targets_forget(d->sink) > 0;
    if (d->result.status == SLUICE_NOT_CONNECTED ||
        pg_conn_query(d->sink->conn, "ROLLBACK", on_rolled_back, d) != SLUICE_OK) {
        pg_sink_t *sink = d->sink;

        end(d, SLUICE_NOT_CONNECTED);
        pg_sink_lost(sink);
    }
}

/* ---- the transaction ---- */

static int send_rows(pg_sink_t *sink, sluice_str_t rows) {
    size_t at = 0;

    while (at < rows.len) {
        size_t n = rows.len - at > INT_MAX ? INT_MAX : rows.len - at;

        if (pg_conn_copy_send(sink->conn, rows.data + at, (int)n) != SLUICE_OK)
            return SLUICE_NOT_CONNECTED;
        at += n;
    }
    return SLUICE_OK;
}

static void on_answer(void *arg, int status, PGresult *const *results, int count) {
    pg_delivery_t *d = arg;
    pg_group_t *g = d->copying;

    if (status != SLUICE_OK) {
        roll_back(d, status);
        return;
    }
    if (count == 0 || PQresultStatus(results[count - 1]) != PGRES_COPY_IN) {
        end(d, SLUICE_OK);
        return;
    }
    d->copying = g->next;
    if (send_rows(d->sink, g->rows) != SLUICE_OK ||
        pg_conn_copy_finish(d->sink->conn, on_answer, d) != SLUICE_OK)
        roll_back(d, SLUICE_NOT_CONNECTED);
}

static void send_transaction(pg_delivery_t *d) {
    pg_sql_t sql = {0};
    int rc = SLUICE_NO_MEMORY;

    pg_plan_sql(d->sink, &d->plan, &d->parts, &sql);
    d->copying = d->plan.first;
    if (!sql.failed)
        rc = pg_conn_query(d->sink->conn, sql.text, on_answer, d);
    pg_sql_fini(&sql);
    if (rc != SLUICE_OK)
        roll_back(d, SLUICE_NOT_CONNECTED);
}

/* ---- tables that are not known yet ---- */

/* A table that is asked for a second time. */
static void forget(pg_sink_t *sink, const char *name) {
    pg_target_t *t = pg_target_find(sink, name);

    if (t != NULL)
        pg_targets_forget(sink);
}

static void on_columns(void *arg, int status, PGresult *const *results, int count) {
    pg_delivery_t *d = arg;
    pg_sink_t *sink = d->sink;
    pg_target_t *t;

    if (status != SLUICE_OK || count == 0) {
        roll_back(d, status);
        return;
    }
    forget(sink, d->asking);
    t = pg_target_from(sink, d->asking, results[0]);
    if (t == NULL) {
        snprintf(d->code, sizeof(d->code), "postgres.table");
        snprintf(d->message, sizeof(d->message),
                 "table %s does not exist, or the role may not see it: create it, or change "
                 "table.name.format",
                 d->asking);
        end(d, SLUICE_FATAL);
        return;
    }
    t->next = sink->targets;
    sink->targets = t;
    plan_and_send(d);
}

static void ask_for_table(pg_delivery_t *d, char *name) {
    pg_sql_t sql = {0};
    int rc = SLUICE_NO_MEMORY;

    free(d->asking);
    d->asking = name;
    pg_target_query(&sql, name);
    if (!sql.failed)
        rc = pg_conn_query(d->sink->conn, sql.text, on_columns, d);
    pg_sql_fini(&sql);
    if (rc != SLUICE_OK)
        roll_back(d, SLUICE_NOT_CONNECTED);
}

/* ---- the beginning ---- */

/* A batch of which one record can't be written is refused whole; the runtime halves it until that
 * one is alone. */
static void refuse(pg_delivery_t *d, int status, size_t record) {
    set_failure(d, status == SLUICE_NO_MEMORY ? "postgres.memory" : d->sink->bad_code,
                status == SLUICE_NO_MEMORY ? "out of memory" : d->sink->bad_text);
    d->result.record = (uint32_t)record;
    end(d, status);
}

static void plan_and_send(pg_delivery_t *d) {
    pg_sink_t *sink = d->sink;
    char *unknown = NULL;
    size_t record = 0;
    int rc;

    pg_plan_free(&d->plan);
    rc = pg_plan_make(sink, &d->plan, &d->parts, d->scratch, &unknown, &record);
    if (rc == SLUICE_BUSY)
        ask_for_table(d, unknown);
    else if (rc != SLUICE_OK)
        refuse(d, rc, record);
    else if (d->plan.first == NULL && !sink->exactly_once)
        end(d, SLUICE_OK);
    else
        send_transaction(d);
}

static pg_delivery_t *take(pg_sink_t *sink) {
    pg_delivery_t *d = calloc(1, sizeof(*d));

    if (d == NULL || (d->scratch = sink->api->batch_new(sink->ctx, 65536)) == NULL) {
        free(d);
        return NULL;
    }
    d->sink = sink;
    pg_parts_take(sink, &d->parts);
    return d;
}

static void fail_for_memory(pg_sink_t *sink) {
    sluice_result_t result = {
        .status = SLUICE_NO_MEMORY, .code = "postgres.memory", .message = "out of memory"};

    sink->alone = 0;
    pg_parts_end(sink, &sink->waiting, SLUICE_NO_MEMORY, &result);
    pg_sink_progress(sink);
}

static void forget_linger(pg_sink_t *sink) {
    if (sink->linger != NULL)
        sink->api->timer_stop(sink->ctx, sink->linger);
    sink->linger = NULL;
    sink->due = 0;
}

static void start_now(void *arg) {
    pg_sink_t *sink = arg;

    sink->posted = 0;
    if (sink->current != NULL || sink->waiting.count == 0)
        return;
    forget_linger(sink);
    sink->current = take(sink);
    if (sink->current == NULL) {
        fail_for_memory(sink);
        return;
    }
    sink->deliveries++;
    plan_and_send(sink->current);
}

/* In the loop's next turn: by then all that can be written now has been. */
static int start_soon(pg_sink_t *sink) {
    int status;

    if (sink->posted || sink->current != NULL)
        return SLUICE_OK;
    status = sink->api->post(sink->ctx, start_now, sink);
    sink->posted = status == SLUICE_OK;
    return status;
}

/* At the bound of batches nothing more will come to wait for. */
static int is_due(const pg_sink_t *sink) {
    return sink->linger_ms == 0 || sink->due || sink->flushing || sink->alone > 0 ||
           sink->waiting.rows >= (size_t)sink->max_rows ||
           sink->waiting.bytes >= (size_t)sink->max_bytes || sink->in_flight >= PG_IN_FLIGHT;
}

static void on_linger(void *arg) {
    pg_sink_t *sink = arg;

    sink->linger = NULL;
    sink->due = 1;
    start_or_fail(sink);
}

/* What waits goes soon, or once it is enough or has waited long enough. */
static int start_or_linger(pg_sink_t *sink) {
    if (is_due(sink))
        return start_soon(sink);
    if (sink->linger == NULL)
        sink->linger =
            sink->api->timer_start(sink->ctx, (uint64_t)sink->linger_ms, 0, on_linger, sink);
    return sink->linger != NULL ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static void start_or_fail(pg_sink_t *sink) {
    if (start_or_linger(sink) != SLUICE_OK)
        fail_for_memory(sink);
}

void pg_delivery_hurry(pg_sink_t *sink) {
    if (sink->waiting.count > 0)
        start_or_fail(sink);
}

int pg_delivery_begin(pg_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    int status = start_or_linger(sink);

    if (status == SLUICE_OK)
        status = pg_parts_add(sink, batch, ticket);
    if (status == SLUICE_OK && sink->linger_ms > 0)
        pg_delivery_hurry(sink); /* with this one it may be enough */
    return status;
}
