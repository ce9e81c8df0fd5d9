#include "plugin/conformance_host.h"

#include "record/batch.h"

static int is_ready(const cf_harness_t *h) {
    return h->ready || h->broken || h->outcome != SL_CONFORMANCE_OK;
}

static int has_room(const cf_harness_t *h) {
    uint32_t most = h->plugin->sink->max_in_flight;

    return most == 0 || h->open_tickets < most || h->broken;
}

static int all_ended(const cf_harness_t *h) {
    return h->open_tickets == 0 || h->outcome != SL_CONFORMANCE_OK;
}

/* One try; the status of write. */
static int write_once(cf_harness_t *h, sluice_batch_t *batch) {
    sluice_ticket_t *ticket = &h->tickets[h->ticket_count];
    int status;

    *ticket = (sluice_ticket_t){.accepted = 1};
    sl_batch_records(batch, &ticket->records);
    h->ticket_count++;
    h->open_tickets++;
    h->ready = 0;
    status = h->plugin->sink->write(h->self, batch, ticket);
    if (status == SLUICE_OK)
        return status;
    if (ticket->durable || ticket->released)
        cf_fail(h, "write answered %d, yet it spoke of the ticket", status);
    else
        h->open_tickets--;
    ticket->accepted = 0;
    if (status != SLUICE_BUSY) /* after BUSY the same ticket is offered again */
        return status;
    h->ticket_count--;
    return status;
}

/* Writes, waiting as the runtime does for room and readiness. 0: not accepted. */
static int deliver(cf_harness_t *h, size_t count, int64_t first) {
    sluice_batch_t *batch = cf_batch(h, count, first, 1);
    int status;

    if (batch == NULL || h->ticket_count == CF_TICKETS)
        return 0;
    if (!cf_spin(h, CF_DEADLINE, has_room))
        cf_fail(h, "no ticket ended within %d s, with max_in_flight %u", CF_DEADLINE / 1000,
                (unsigned)h->plugin->sink->max_in_flight);
    while ((status = write_once(h, batch)) == SLUICE_BUSY && !h->broken && !cf_is_over(h))
        if (!cf_spin(h, CF_DEADLINE, is_ready))
            cf_fail(h, "answered BUSY and did not call ready within %d s", CF_DEADLINE / 1000);
    sl_batch_unref(batch);
    if (status != SLUICE_OK && status != SLUICE_BUSY)
        cf_note(h, "write answered %d: %s", status, cf_error_text(h));
    return status == SLUICE_OK;
}

static void flush(cf_harness_t *h) {
    int (*call)(void *self) = h->plugin->sink->flush;
    int status;

    if (call != NULL && !h->broken) {
        h->began[SLUICE_OP_FLUSH] = 1;
        status = call(h->self);
        if (status != SLUICE_OK)
            h->began[SLUICE_OP_FLUSH] = 0;
    }
    if (!cf_spin(h, CF_DEADLINE, all_ended))
        cf_fail(h, "%zu tickets did not end within %d s of %s", h->open_tickets, CF_DEADLINE / 1000,
                call != NULL ? "flush" : "their write, and there is no flush");
    cf_spin(h, 100, NULL); /* FLUSH itself, and a second end of a ticket */
    if (h->began[SLUICE_OP_FLUSH] && !h->broken)
        cf_fail(h, "all tickets ended, but FLUSH was not completed");
}

static void note_refusals(cf_harness_t *h) {
    size_t i, refused = 0;

    for (i = 0; i < h->ticket_count; i++)
        refused += h->tickets[i].status != SLUICE_OK;
    if (refused > 0)
        cf_note(h, "%zu of %zu batches were refused by the target", refused, h->ticket_count);
}

static void run_delivery(cf_harness_t *h) {
    int64_t i;

    if (!cf_start(h))
        return;
    for (i = 0; i < 8 && !h->broken && !cf_is_over(h); i++)
        deliver(h, 10, 1 + i * 10);
    flush(h);
    note_refusals(h);
    cf_end(h);
}

static void run_empty_batch(cf_harness_t *h) {
    if (!cf_start(h))
        return;
    if (deliver(h, 0, 1))
        flush(h);
    cf_end(h);
}

/* Values of every kind: each is delivered or refused as a bad record, but nothing crashes. */
static void run_odd_values(cf_harness_t *h) {
    sluice_batch_t *batch;
    int64_t i;

    if (!cf_start(h))
        return;
    for (i = 0; i < 16 && !h->broken && !cf_is_over(h); i++) {
        batch = cf_batch(h, 1, i, 0);
        if (!cf_spin(h, CF_DEADLINE, has_room) || batch == NULL)
            break;
        while (write_once(h, batch) == SLUICE_BUSY && cf_spin(h, CF_DEADLINE, is_ready))
            if (h->broken || cf_is_over(h))
                break;
        sl_batch_unref(batch);
    }
    if (!h->broken)
        flush(h);
    note_refusals(h);
    cf_end(h);
}

/* Everything that was accepted must end before CLOSE completes: the harness looks. */
static void run_close_in_flight(cf_harness_t *h) {
    uint32_t most = h->plugin->sink->max_in_flight;
    sluice_batch_t *batch;
    int64_t i;

    if (!cf_start(h))
        return;
    for (i = 0; i < 4 && (most == 0 || h->open_tickets < most); i++) {
        batch = cf_batch(h, 10, 1 + i * 10, 1);
        if (batch == NULL || write_once(h, batch) != SLUICE_OK)
            break;
        sl_batch_unref(batch); /* the sink must hold what it still needs */
    }
    if (h->ticket_count == 0)
        cf_note(h, "no batch was accepted");
    cf_end(h);
}

static void run_close_while_flushing(cf_harness_t *h) {
    int status;

    if (h->plugin->sink->flush == NULL) {
        cf_skip(h, "has no flush");
        return;
    }
    if (!cf_start(h))
        return;
    deliver(h, 10, 1);
    h->began[SLUICE_OP_FLUSH] = 1;
    status = h->plugin->sink->flush(h->self);
    if (status != SLUICE_OK)
        h->began[SLUICE_OP_FLUSH] = 0;
    cf_end(h);
    if (h->began[SLUICE_OP_FLUSH])
        cf_fail(h, "completed CLOSE, but never FLUSH, whose call had answered OK");
}

#define SINK (1u << SLUICE_SINK)

const cf_check_t cf_sink_checks[] = {
    {"delivery", SINK, run_delivery, 1},
    {"empty-batch", SINK, run_empty_batch, 1},
    {"odd-values", SINK, run_odd_values, 1},
    {"close-in-flight", SINK, run_close_in_flight, 1},
    {"close-while-flushing", SINK, run_close_while_flushing, 1},
    {NULL, 0, NULL, 0},
};
