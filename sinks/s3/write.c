#include "s3_sink.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- tickets ---- */

static void free_ticket(s3_ticket_t *t) {
    while (t->result_count > 0)
        free((void *)(uintptr_t)t->results[--t->result_count].message);
    free(t->results);
    free(t);
}

void s3_ticket_done(s3_sink_t *s, s3_ticket_t *t) {
    if (--t->waits > 0)
        return;
    s->api->durable(s->ctx, t->ticket, t->result_count > 0 ? SLUICE_BAD_RECORD : SLUICE_OK,
                    t->results, t->result_count);
    free_ticket(t);
}

/* Called once for each generation that it waits for; the last one tells the runtime. */
void s3_ticket_fail(s3_sink_t *s, s3_ticket_t *t, int status, const char *code, const char *why) {
    sluice_result_t *results;
    size_t i;

    if (--t->waits > 0)
        return;
    results = calloc(t->records, sizeof(*results));
    if (results == NULL)
        abort(); /* records without a result would count as written */
    for (i = 0; i < t->records; i++)
        results[i] = (sluice_result_t){
            .status = status, .record = (uint32_t)i, .code = code, .message = why};
    s->api->durable(s->ctx, t->ticket, status, results, t->records);
    free(results);
    free_ticket(t);
}

/* ---- one batch ---- */

static int refuse(s3_sink_t *s, s3_ticket_t *t, uint32_t record) {
    sluice_result_t *grown = realloc(t->results, (t->result_count + 1) * sizeof(*grown));
    char *message = strdup(s->refusal);

    if (grown != NULL)
        t->results = grown;
    if (grown == NULL || message == NULL) {
        free(message);
        return SLUICE_NO_MEMORY;
    }
    t->results[t->result_count++] = (sluice_result_t){
        .status = SLUICE_BAD_RECORD, .record = record, .code = "s3.record", .message = message};
    s->api->metric_add(s->errors_total, 1);
    return SLUICE_OK;
}

static int add_record(s3_sink_t *s, s3_ticket_t *t, const sluice_record_t *r, uint32_t i,
                      int64_t now_ms) {
    s3_writer_t *w = s3_writer_of(s, r->source_partition);
    int rc = w != NULL ? s3_writer_add(s, w, r, now_ms, t) : SLUICE_NO_MEMORY;

    return rc == SLUICE_BAD_RECORD ? refuse(s, t, i) : rc;
}

int s3_write(s3_sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    size_t count;
    const sluice_record_t *records = s->api->batch_records(batch, &count);
    int64_t now_ms = s->api->now_ms(s->ctx);
    s3_ticket_t *t;
    int rc = SLUICE_OK;
    uint32_t i;

    if (s3_writers_crowded(s)) {
        s->life.waiting_ready = 1;
        return SLUICE_BUSY;
    }
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return SLUICE_NO_MEMORY;
    t->ticket = ticket;
    t->waits = 1;
    t->records = count > 0 ? count : 1;
    for (i = 0; i < count && rc == SLUICE_OK; i++)
        rc = add_record(s, t, &records[i], i, now_ms);
    if (rc != SLUICE_OK) { /* half of it is in objects: only a new instance gets that right */
        s3_broken(s, SLUICE_NOT_CONNECTED, "s3.memory", "out of memory while a batch was written");
        s3_ticket_fail(s, t, SLUICE_NOT_CONNECTED, "s3.memory", "out of memory");
        return SLUICE_OK;
    }
    /* Refused records wait for the rest of their batch, and the runtime needs the batch for its dead letters. */
    if (t->result_count > 0)
        s3_writers_rotate(s);
    else if (t->waits > 1)
        s->api->released(s->ctx, ticket);
    s3_ticket_done(s, t);
    s3_writers_pump(s);
    return SLUICE_OK;
}
