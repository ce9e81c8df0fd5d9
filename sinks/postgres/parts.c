/* Batches that wait for their transaction, or share one. */
#include "postgres_sink.h"

#include <stdlib.h>

static void append(pg_parts_t *parts, pg_part_t *part) {
    part->next = NULL;
    if (parts->last != NULL)
        parts->last->next = part;
    else
        parts->first = part;
    parts->last = part;
    parts->count++;
    parts->rows += part->rows;
    parts->bytes += part->bytes;
}

static pg_part_t *pop(pg_parts_t *parts) {
    pg_part_t *part = parts->first;

    parts->first = part->next;
    if (parts->first == NULL)
        parts->last = NULL;
    parts->count--;
    parts->rows -= part->rows;
    parts->bytes -= part->bytes;
    return part;
}

int pg_parts_add(pg_sink_t *sink, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    pg_part_t *part = calloc(1, sizeof(*part));

    if (part == NULL)
        return SLUICE_NO_MEMORY;
    part->batch = sink->api->batch_ref(batch);
    part->ticket = ticket;
    (void)sink->api->batch_records(batch, &part->rows);
    part->bytes = sink->api->batch_bytes(batch);
    append(&sink->waiting, part);
    sink->in_flight++;
    return SLUICE_OK;
}

/* A batch that is bigger goes by itself. */
void pg_parts_take(pg_sink_t *sink, pg_parts_t *out) {
    *out = (pg_parts_t){0};
    while (sink->waiting.first != NULL) {
        const pg_part_t *next = sink->waiting.first;

        if (out->count > 0 &&
            (sink->alone > 0 || out->rows + next->rows > (size_t)sink->max_rows ||
             out->bytes + next->bytes > (size_t)sink->max_bytes))
            return;
        append(out, pop(&sink->waiting));
    }
}

void pg_parts_give_back(pg_sink_t *sink, pg_parts_t *parts) {
    if (parts->first == NULL)
        return;
    parts->last->next = sink->waiting.first;
    if (sink->waiting.last == NULL)
        sink->waiting.last = parts->last;
    sink->waiting.first = parts->first;
    sink->waiting.count += parts->count;
    sink->waiting.rows += parts->rows;
    sink->waiting.bytes += parts->bytes;
    *parts = (pg_parts_t){0};
}

void pg_parts_end(pg_sink_t *sink, pg_parts_t *parts, int status, const sluice_result_t *result) {
    while (parts->first != NULL) {
        pg_part_t *part = pop(parts);

        sink->in_flight--;
        sink->flush_left -= sink->flush_left > 0;
        sink->api->durable(sink->ctx, part->ticket, status, result, status == SLUICE_OK ? 0 : 1);
        sink->api->batch_unref(part->batch);
        free(part);
    }
}
