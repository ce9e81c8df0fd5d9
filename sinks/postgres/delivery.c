#include "postgres_sink.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* The one batch in flight. */
struct pg_delivery {
    pg_sink_t *sink;
    sluice_batch_t *batch;
    sluice_batch_t *scratch;
    sluice_ticket_t *ticket;
    pg_plan_t plan;
    pg_group_t *copying; /* whose COPY comes next */
    int replan;          /* after the rollback: with tables asked for anew */
    char *asking;        /* name of the table that the catalogue is asked for */
    sluice_result_t result;
    char code[64];
    char message[1200];
};

static void plan_and_send(pg_delivery_t *d);

/* ---- the end ---- */

static void end(pg_delivery_t *d, int status) {
    pg_sink_t *sink = d->sink;

    sink->current = NULL;
    d->result.status = status;
    d->result.code = d->code;
    d->result.message = d->message;
    if (status == SLUICE_OK) {
        sink->api->metric_add(sink->rows, (double)d->plan.rows);
        sink->api->metric_add(sink->transactions, 1);
    }
    sink->api->durable(sink->ctx, d->ticket, status, &d->result, status == SLUICE_OK ? 0 : 1);
    pg_plan_free(&d->plan);
    sink->api->batch_unref(d->scratch);
    sink->api->batch_unref(d->batch);
    free(d->asking);
    free(d);
    pg_sink_progress(sink);
}

static void set_failure(pg_delivery_t *d, const char *code, const char *message) {
    snprintf(d->code, sizeof(d->code), "%s", code);
    snprintf(d->message, sizeof(d->message), "%s", message);
}

void pg_delivery_cancel(pg_sink_t *sink, int status, const char *code, const char *why) {
    pg_delivery_t *d = sink->current;

    if (d == NULL)
        return;
    set_failure(d, code, why);
    end(d, status);
}

/* Class of an SQLSTATE: what is wrong with the data is the record's fault, the rest as the client sees it. */
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

/* After an error the transaction is still open, and refused: it is rolled back before anything else. */
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

    pg_plan_sql(d->sink, &d->plan, d->batch, &sql);
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

/* A batch of which one record can't be written is refused whole; the runtime halves it until that one is alone. */
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
    rc = pg_plan_make(sink, &d->plan, d->batch, d->scratch, &unknown, &record);
    if (rc == SLUICE_BUSY)
        ask_for_table(d, unknown);
    else if (rc != SLUICE_OK)
        refuse(d, rc, record);
    else if (d->plan.first == NULL && !sink->exactly_once)
        end(d, SLUICE_OK);
    else
        send_transaction(d);
}

static void begin_later(void *arg) {
    pg_sink_t *sink = arg;

    if (sink->current != NULL)
        plan_and_send(sink->current);
}

int pg_delivery_begin(pg_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    pg_delivery_t *d = calloc(1, sizeof(*d));
    int status;

    if (d == NULL || (d->scratch = sink->api->batch_new(sink->ctx, 65536)) == NULL) {
        free(d);
        return SLUICE_NO_MEMORY;
    }
    d->sink = sink;
    d->batch = sink->api->batch_ref(batch);
    d->ticket = ticket;
    sink->current = d;
    sink->deliveries++;
    status = sink->api->post(sink->ctx, begin_later, sink);
    if (status != SLUICE_OK) { /* not taken: the ticket must not be spoken of */
        sink->current = NULL;
        sink->api->batch_unref(d->batch);
        sink->api->batch_unref(d->scratch);
        free(d);
    }
    return status;
}
