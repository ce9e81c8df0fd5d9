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

static void end_ticket(s3_sink_t *s, s3_ticket_t *t, int status, const sluice_result_t *results,
                       size_t count) {
    if (s->stopped == t)
        s->stopped = NULL;
    s->api->durable(s->ctx, t->ticket, status, results, count);
    free_ticket(t);
}

void s3_ticket_done(s3_sink_t *s, s3_ticket_t *t) {
    if (--t->waits > 0)
        return;
    end_ticket(s, t, t->result_count > 0 ? SLUICE_BAD_RECORD : SLUICE_OK, t->results,
               t->result_count);
}

/* Called once for each generation that it waits for; the last one tells the runtime. */
void s3_ticket_fail(s3_sink_t *s, s3_ticket_t *t, int status, const char *code, const char *why) {
    sluice_result_t *results;
    size_t i;

    if (--t->waits > 0)
        return;
    results = calloc(t->records, sizeof(*results));
    /* Without memory for them none is told: that is the whole batch, too. */
    for (i = 0; results != NULL && i < t->records; i++)
        results[i] = (sluice_result_t){
            .status = status, .record = (uint32_t)i, .code = code, .message = why};
    end_ticket(s, t, status, results, i);
    free(results);
}

/* ---- one batch ---- */

/*
 * The position that we keep covers all before it. So what comes behind a refused record is taken
 * only when its ticket has ended: then the runtime has it as a dead letter. Until then other
 * batches find us busy, and the rest of its own batch comes again.
 */

static int note_result(s3_ticket_t *t, sluice_result_t result) {
    sluice_result_t *grown = realloc(t->results, (t->result_count + 1) * sizeof(*grown));

    if (grown == NULL)
        return SLUICE_NO_MEMORY;
    t->results = grown;
    t->results[t->result_count++] = result;
    return SLUICE_OK;
}

static int refuse(s3_sink_t *s, s3_ticket_t *t, uint32_t record) {
    char *message = strdup(s->refusal);
    int rc = message == NULL ? SLUICE_NO_MEMORY
                             : note_result(t, (sluice_result_t){.status = SLUICE_BAD_RECORD,
                                                                .record = record,
                                                                .code = "s3.record",
                                                                .message = message});

    if (rc != SLUICE_OK)
        free(message);
    s->api->metric_add(s->errors_total, 1);
    return rc;
}

static int put_off(s3_ticket_t *t, uint32_t record) {
    return note_result(t, (sluice_result_t){.status = SLUICE_RETRY,
                                            .record = record,
                                            .retry_after_ms = 1,
                                            .code = "s3.stopped"});
}

/* Sets *put_off_rest when what follows has to wait. */
static int add_record(s3_sink_t *s, s3_ticket_t *t, const sluice_record_t *r, uint32_t i,
                      int64_t now_ms, int *put_off_rest) {
    s3_writer_t *w = s3_writer_of(s, r->source_partition);
    int rc;

    if (*put_off_rest)
        return put_off(t, i);
    if (w == NULL)
        return SLUICE_NO_MEMORY;
    rc = t->result_count > 0 ? s3_writer_check(s, w, r, now_ms) : s3_writer_add(s, w, r, now_ms, t);
    if (rc == SLUICE_BAD_RECORD)
        return refuse(s, t, i);
    if (rc != SLUICE_OK || t->result_count == 0)
        return rc;
    *put_off_rest = 1;
    return put_off(t, i);
}

static int add_records(s3_sink_t *s, s3_ticket_t *t, const sluice_record_t *records,
                       size_t count) {
    int64_t now_ms = s->api->now_ms(s->ctx);
    int put_off_rest = 0;
    int rc = SLUICE_OK;
    uint32_t i;

    for (i = 0; i < count && rc == SLUICE_OK; i++)
        rc = add_record(s, t, &records[i], i, now_ms, &put_off_rest);
    return rc;
}

int s3_write(s3_sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    size_t count;
    const sluice_record_t *records = s->api->batch_records(batch, &count);
    s3_ticket_t *t;

    if (s->stopped != NULL || s3_writers_crowded(s)) {
        s->life.waiting_ready = 1;
        return SLUICE_BUSY;
    }
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return SLUICE_NO_MEMORY;
    t->ticket = ticket;
    t->waits = 1;
    t->records = count > 0 ? count : 1;
    if (add_records(s, t, records, count) !=
        SLUICE_OK) { /* half of it is in objects: only a new instance gets that right */
        s3_broken(s, SLUICE_NOT_CONNECTED, "s3.memory", "out of memory while a batch was written");
        s3_ticket_fail(s, t, SLUICE_NOT_CONNECTED, "s3.memory", "out of memory");
        return SLUICE_OK;
    }
    if (t->result_count > 0) { /* the runtime needs the batch for its dead letters, and soon */
        s->stopped = t;
        s3_writers_rotate(s);
    } else if (t->waits > 1) {
        s->api->released(s->ctx, ticket);
    }
    s3_ticket_done(s, t);
    s3_writers_pump(s);
    return SLUICE_OK;
}
