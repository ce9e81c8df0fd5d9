#include "clickhouse_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/text.h"

/* How long a block waits for the rows that it had the last time. */
enum { SHORT_WAIT_MS = 10000 };

static void send_next(ch_sink_t *s);
static void finish(ch_sink_t *s);

/* ---- blocks ---- */

static void free_block(ch_block_t *b) {
    heapbuf_fini(&b->body);
    free(b->columns);
    free(b->table);
    free(b);
}

/* "(`a`,`b`)" of what a RowBinary block has. */
static char *column_list(const ch_table_t *t, uint64_t present) {
    sluice_buf_t text;
    char *list;
    unsigned bit = 0;
    uint32_t i;

    heapbuf_init(&text);
    for (i = 0; i < t->count; i++) {
        if (t->columns[i].has_default && bit < 64 && (present >> bit++ & 1) == 0)
            continue;
        sluice_buf_put_char(&text, text.len == 0 ? '(' : ',');
        ch_put_name(&text, t->columns[i].name);
    }
    sluice_buf_put_char(&text, ')');
    list = text.status == SLUICE_OK ? strdup(text_str(&text)) : NULL;
    heapbuf_fini(&text);
    return list;
}

static ch_block_t *add_block(ch_sink_t *s, ch_group_t *g, ch_table_t *t, ch_lane_t *lane,
                             uint64_t present) {
    ch_block_t *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    heapbuf_init(&b->body);
    b->lane = lane;
    b->present = present;
    b->table = strdup(t->name);
    b->columns = s->format == FORMAT_BINARY ? column_list(t, present) : NULL;
    if (b->table == NULL || (s->format == FORMAT_BINARY && b->columns == NULL)) {
        free_block(b);
        return NULL;
    }
    *g->tail = b;
    g->tail = &b->next;
    if (lane != NULL)
        lane->block = b;
    return b;
}

/* Without lanes: the table's newest block. */
static ch_block_t *newest_of(const ch_group_t *g, const char *table) {
    ch_block_t *found = NULL;
    ch_block_t *b;

    for (b = g->blocks; b != NULL; b = b->next) {
        if (strcmp(b->table, table) == 0)
            found = b;
    }
    return found;
}

ch_block_t *ch_block_for(ch_sink_t *s, ch_group_t *g, ch_table_t *t, ch_lane_t *lane,
                         uint64_t present) {
    ch_block_t *b = lane != NULL ? lane->block : newest_of(g, t->name);

    if (b == NULL || b->present != present)
        b = add_block(s, g, t, lane, present);
    if (b == NULL || b->write == s->writes)
        return b;
    b->write = s->writes;
    b->old_len = b->body.len;
    b->old_rows = b->rows;
    b->old_last = b->last;
    return b;
}

void ch_row_took(ch_sink_t *s, ch_group_t *g, ch_block_t *b, const ch_place_t *place) {
    (void)s;
    if (b->rows++ == 0)
        b->first = *place;
    b->last = *place;
    g->rows++;
}

/* ---- groups ---- */

/* No block takes further rows. */
static void close_blocks(ch_sink_t *s) {
    ch_lane_t *lane;

    for (lane = s->lanes; lane != NULL; lane = lane->next)
        lane->block = NULL;
}

static void drop_blocks(ch_sink_t *s, ch_group_t *g) {
    if (g == s->filling)
        close_blocks(s);
    while (g->blocks != NULL) {
        ch_block_t *b = g->blocks;

        g->blocks = b->next;
        free_block(b);
    }
    g->tail = &g->blocks;
    g->sending = NULL;
    g->rows = 0;
}

static void free_group(ch_sink_t *s, ch_group_t *g) {
    drop_blocks(s, g);
    s->api->charge(s->ctx, -(int64_t)g->bytes);
    free(g->tickets);
    free(g);
}

static void count_bytes(ch_sink_t *s, ch_group_t *g) {
    size_t bytes = 0;
    ch_block_t *b;

    for (b = g->blocks; b != NULL; b = b->next)
        bytes += b->body.len;
    s->api->charge(s->ctx, (int64_t)bytes - (int64_t)g->bytes);
    g->bytes = bytes;
}

static uint64_t now_ms(const ch_sink_t *s) {
    return s->api->tick_ns(s->ctx) / 1000000;
}

static ch_group_t *new_group(ch_sink_t *s) {
    ch_group_t *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return NULL;
    g->tail = &g->blocks;
    g->since_ms = now_ms(s);
    return g;
}

static int is_full(const ch_sink_t *s, const ch_group_t *g) {
    return g != NULL && (g->rows >= (uint64_t)s->max_records || g->bytes >= (size_t)s->max_bytes);
}

static int add_ticket(ch_sink_t *s, ch_group_t *g, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    ch_ticket_t *grown = realloc(g->tickets, (g->ticket_count + 1) * sizeof(*grown));

    if (grown == NULL)
        return SLUICE_NO_MEMORY;
    g->tickets = grown;
    g->tickets[g->ticket_count++] = (ch_ticket_t){ticket, s->api->batch_ref(batch)};
    return SLUICE_OK;
}

/* ---- filling ---- */

/* A batch goes in whole or not at all. */
static void undo(ch_sink_t *s, ch_group_t *g) {
    ch_block_t **at = &g->blocks;

    g->rows = 0;
    while (*at != NULL) {
        ch_block_t *b = *at;

        if (b->write == s->writes) {
            b->body.len = b->old_len;
            b->body.status = SLUICE_OK;
            b->rows = b->old_rows;
            b->last = b->old_last;
        }
        g->rows += b->rows;
        if (b->rows > 0) {
            at = &b->next;
            continue;
        }
        if (b->lane != NULL && b->lane->block == b)
            b->lane->block = NULL;
        *at = b->next;
        free_block(b);
    }
    g->tail = at;
}

static int encode(ch_sink_t *s, ch_group_t *g, sluice_batch_t *batch) {
    size_t count;
    const sluice_record_t *records = s->api->batch_records(batch, &count);
    int rc = SLUICE_OK;
    size_t i;

    s->writes++;
    s->encoder.scratch = s->api->batch_new(s->ctx, 4096);
    if (s->encoder.scratch == NULL)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < count && rc == SLUICE_OK; i++)
        rc = ch_row_add(s, g, &records[i]);
    s->api->batch_unref(s->encoder.scratch);
    s->encoder.scratch = NULL;
    if (rc != SLUICE_OK)
        undo(s, g);
    count_bytes(s, g);
    return rc;
}

static void columns_for_write(ch_sink_t *s, const ch_answer_t *failed) {
    if (failed != NULL)
        ch_broken(s, failed);
    else
        ch_idle(s);
}

static void on_linger(void *arg) {
    ch_sink_t *s = arg;

    s->life.timer = NULL;
    s->due = 1;
    ch_group_go(s);
}

static void start_timer(ch_sink_t *s, uint64_t ms) {
    if (s->life.timer == NULL)
        s->life.timer = s->api->timer_start(s->ctx, ms, 0, on_linger, s);
}

static int busy(ch_sink_t *s) {
    s->life.waiting_ready = 1;
    return SLUICE_BUSY;
}

/* Nothing of the batch was taken; its ticket ends at once, with the words. */
static int refuse(ch_sink_t *s, sluice_ticket_t *ticket) {
    sluice_result_t result = {
        .status = SLUICE_BAD_RECORD, .code = s->refusal_code, .message = s->refusal};

    s->api->durable(s->ctx, ticket, SLUICE_BAD_RECORD, &result, 1);
    return SLUICE_OK;
}

int ch_group_write(ch_sink_t *s, sluice_batch_t *batch, sluice_ticket_t *ticket) {
    int rc;

    if (s->reading || is_full(s, s->filling))
        return busy(s);
    if (s->filling == NULL && (s->filling = new_group(s)) == NULL)
        return SLUICE_NO_MEMORY;
    rc = encode(s, s->filling, batch);
    if (rc == SLUICE_BUSY && ch_columns_read(s, columns_for_write) == SLUICE_OK)
        return busy(s);
    if (rc == SLUICE_OK)
        rc = add_ticket(s, s->filling, batch, ticket);
    if (s->filling->ticket_count == 0) {
        free_group(s, s->filling);
        s->filling = NULL;
    }
    if (rc == SLUICE_BAD_RECORD)
        return refuse(s, ticket);
    if (rc != SLUICE_OK)
        return rc;
    s->looked = 0;
    if (s->filling->ticket_count == 1)
        start_timer(s, (uint64_t)s->linger_ms);
    ch_group_go(s);
    return SLUICE_OK;
}

/* ---- sending ---- */

static int waits_for_rows(const ch_sink_t *s) {
    const ch_lane_t *lane;

    for (lane = s->lanes; lane != NULL; lane = lane->next) {
        if (ch_lane_is_short(lane))
            return 1;
    }
    return 0;
}

static void on_cuts_saved(void *arg, int status, const char *error) {
    ch_sink_t *s = arg;

    if (http_sink_saved(&s->life))
        return;
    if (s->flying == NULL)
        return;
    if (status != SLUICE_OK) {
        ch_answer_t failed = {.status = SLUICE_FATAL, .code = "clickhouse.state"};

        snprintf(failed.message, sizeof(failed.message), "%s", error);
        ch_broken(s, &failed);
        return;
    }
    send_next(s);
}

/* Before the first INSERT: where its blocks end. */
static int save_cuts(ch_sink_t *s, ch_group_t *g) {
    ch_block_t *b;
    int rc = SLUICE_OK;

    for (b = g->blocks; b != NULL && rc == SLUICE_OK; b = b->next) {
        if (b->lane != NULL && b->last.position.len > 0)
            rc = ch_lane_add_cut(b->lane, &b->last);
    }
    if (rc == SLUICE_OK)
        rc = ch_lanes_note(s);
    if (rc == SLUICE_OK)
        rc = journal_save(s->journal, on_cuts_saved, s);
    s->life.saving = rc == SLUICE_OK;
    return rc;
}

static void no_memory(ch_sink_t *s) {
    ch_answer_t failed = {
        .status = SLUICE_NOT_CONNECTED, .code = "clickhouse.memory", .message = "out of memory"};

    ch_broken(s, &failed);
}

static void launch(ch_sink_t *s) {
    s->flying = s->filling;
    s->filling = NULL;
    s->due = 0;
    close_blocks(s);
    s->flying->sending = s->flying->blocks;
    if (s->flying->blocks == NULL)
        finish(s);
    else if (s->journal == NULL)
        send_next(s);
    else if (save_cuts(s, s->flying) != SLUICE_OK)
        no_memory(s);
}

void ch_group_go(ch_sink_t *s) {
    ch_group_t *g = s->filling;

    if (s->flying != NULL || g == NULL || g->ticket_count == 0 || s->life.broken ||
        s->life.saving || s->reading)
        return;
    if (!s->due && !s->life.flushing && !is_full(s, g) &&
        now_ms(s) - g->since_ms < (uint64_t)s->linger_ms)
        return;
    if (waits_for_rows(s) && now_ms(s) - g->since_ms < SHORT_WAIT_MS && !is_full(s, g)) {
        start_timer(s, 200);
        return;
    }
    launch(s);
}

/* ---- ends ---- */

/* Every ticket of a group ends the same way: an INSERT is all or nothing. */
static void end_tickets(ch_sink_t *s, ch_group_t *g, const ch_answer_t *a) {
    sluice_result_t result = {
        .status = a->status, .native_code = a->native_code, .code = a->code, .message = a->message};
    size_t i;

    for (i = 0; i < g->ticket_count; i++) {
        s->api->durable(s->ctx, g->tickets[i].ticket, a->status,
                        a->status == SLUICE_OK ? NULL : &result, a->status != SLUICE_OK);
        s->api->batch_unref(g->tickets[i].batch);
    }
    g->ticket_count = 0;
}

static void end_group(ch_sink_t *s, const ch_answer_t *a) {
    ch_group_t *g = s->flying;

    s->flying = NULL;
    if (a->status != SLUICE_OK)
        s->api->metric_add(s->errors_total, 1);
    end_tickets(s, g, a);
    free_group(s, g);
    ch_idle(s);
}

static void on_done_saved(void *arg, int status, const char *error) {
    static const ch_answer_t ok = {.status = SLUICE_OK};
    ch_sink_t *s = arg;

    if (http_sink_saved(&s->life))
        return;
    if (status != SLUICE_OK)
        s->api->log(s->ctx, SLUICE_LOG_WARN, "the position is not saved: %s", error);
    if (s->flying != NULL)
        end_group(s, &ok);
}

static int note_done(ch_sink_t *s, ch_group_t *g) {
    size_t i, k, count;
    int rc = SLUICE_OK;

    for (i = 0; i < g->ticket_count; i++) {
        const sluice_mark_t *marks = s->api->batch_marks(g->tickets[i].batch, &count);

        for (k = 0; k < count && rc == SLUICE_OK; k++) {
            sluice_str_t json = s->api->source_partition_json(s->ctx, marks[k].source_partition);
            char *key = NULL;

            if (json.data == NULL || asprintf(&key, "done\t%.*s", (int)json.len, json.data) < 0)
                return SLUICE_NO_MEMORY;
            rc = journal_set(s->journal, key, &marks[k].position, marks[k].sub_index);
            free(key);
        }
    }
    return rc != SLUICE_OK ? rc : ch_lanes_note(s);
}

/* All its blocks are in. */
static void finish(ch_sink_t *s) {
    static const ch_answer_t ok = {.status = SLUICE_OK};

    if (s->journal == NULL) {
        end_group(s, &ok);
        return;
    }
    if (note_done(s, s->flying) != SLUICE_OK ||
        journal_save(s->journal, on_done_saved, s) != SLUICE_OK)
        no_memory(s);
    else
        s->life.saving = 1;
}

/* What was refused for its contents was never in: its rows may meet in other blocks next time. What
 * is tried again later keeps its cuts, because an attempt before may have succeeded. */
static void forget_cuts(ch_group_t *g) {
    ch_block_t *b;

    for (b = g->blocks; b != NULL; b = b->next) {
        if (b->lane != NULL)
            ch_lane_drop_cuts(b->lane);
    }
}

static void columns_for_group(ch_sink_t *s, const ch_answer_t *failed) {
    ch_group_t *g = s->flying;
    ch_answer_t again = {.status = SLUICE_BAD_RECORD,
                         .code = "clickhouse.type",
                         .message = "the rows do not fit the table as it is now"};
    int rc = SLUICE_OK;
    size_t i;

    if (failed != NULL || g == NULL) {
        if (failed != NULL)
            ch_broken(s, failed);
        return;
    }
    close_blocks(s); /* of the group that fills: its next rows begin new ones */
    for (i = 0; i < g->ticket_count && rc == SLUICE_OK; i++)
        rc = encode(s, g, g->tickets[i].batch);
    close_blocks(s);
    if (rc != SLUICE_OK) {
        again.status = rc == SLUICE_BUSY ? SLUICE_RETRY : rc;
        if (rc == SLUICE_BAD_RECORD)
            snprintf(again.message, sizeof(again.message), "%s", s->refusal);
        end_group(s, &again);
        return;
    }
    g->sending = g->blocks;
    if (g->blocks == NULL)
        finish(s);
    else if (s->journal == NULL)
        send_next(s);
    else if (save_cuts(s, g) != SLUICE_OK)
        no_memory(s);
}

/* Perhaps the table was altered: read its columns and write the rows anew, once. The group that
 * fills was written for the old columns too, and waits: its blocks stay as they are and get their
 * own second try. */
static int try_again(ch_sink_t *s) {
    ch_group_t *g = s->flying;

    if (g->encoded_again || ch_columns_read(s, columns_for_group) != SLUICE_OK)
        return 0;
    g->encoded_again = 1;
    drop_blocks(s, g);
    return 1;
}

static void on_inserted(void *arg, const http_response_t *response) {
    ch_sink_t *s = arg;
    ch_answer_t answer;

    ch_answer_read(response, &answer);
    if (s->flying == NULL || s->life.broken || answer.status == SLUICE_CANCELLED)
        return;
    s->api->metric_observe(s->insert_seconds, (double)(s->api->tick_ns(s->ctx) - s->sent_ns) / 1e9);
    if (answer.status == SLUICE_OK) {
        ch_block_t *b = s->flying->sending;

        s->api->metric_add(s->rows_total, (double)b->rows);
        if (b->lane != NULL)
            ch_lane_done(b->lane, &b->last);
        s->flying->sending = b->next;
        send_next(s);
        return;
    }
    if (answer.status == SLUICE_NOT_CONNECTED) {
        ch_broken(s, &answer);
        return;
    }
    if (answer.status != SLUICE_RETRY)
        forget_cuts(s->flying);
    if (answer.stale_columns && try_again(s))
        return;
    end_group(s, &answer);
}

static void send_next(ch_sink_t *s) {
    ch_block_t *b = s->flying->sending;

    if (b == NULL) {
        finish(s);
        return;
    }
    s->sent_ns = s->api->tick_ns(s->ctx);
    if (b->body.status != SLUICE_OK || ch_insert(s, b, on_inserted) != SLUICE_OK) {
        no_memory(s);
        return;
    }
    s->api->metric_add(s->inserts_total, 1);
}

int ch_group_idle(const ch_sink_t *s) {
    return s->flying == NULL && s->filling == NULL && !s->life.saving;
}

void ch_group_end_all(ch_sink_t *s, int status, const char *code, const char *why) {
    ch_answer_t a = {.status = status, .code = code};
    ch_group_t *groups[2] = {s->flying, s->filling};
    size_t i;

    snprintf(a.message, sizeof(a.message), "%s", why);
    close_blocks(s);
    s->flying = s->filling = NULL;
    for (i = 0; i < 2; i++) {
        if (groups[i] == NULL)
            continue;
        end_tickets(s, groups[i], &a);
        free_group(s, groups[i]);
    }
}
